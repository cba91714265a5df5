"""The REST API: Flask routes over `service`. Routes translate; they decide nothing."""
