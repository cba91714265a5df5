"""Celery: the app, one task, the ticker, and how a worker process starts and drains."""
