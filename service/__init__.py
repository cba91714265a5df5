"""The product itself. Knows neither Flask nor Celery nor gevent."""
