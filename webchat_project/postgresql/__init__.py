"""The database backend: Django's for PostgreSQL, with a circuit breaker."""
