# syntax=docker/dockerfile:1
# One image for the service and for every command:
#   docker build --tag webchats .
#   docker run --rm --env-file .env webchats python manage.py check --deploy

FROM python:3.11-slim-bookworm AS build
ENV UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never
WORKDIR /app
RUN --mount=type=cache,target=/root/.cache/pip pip install uv==0.13.9
# Dependencies first: they change less often than the code.
COPY pyproject.toml uv.lock ./
RUN --mount=type=cache,target=/root/.cache/uv uv sync --locked --no-default-groups --extra sentry
COPY . .
# Static files are hashed and compressed. The key signs nothing and is not stored in the image.
# Without a database server and a bucket, mount a volume at data/ for SQLite and icons.
RUN DEBUG=false SECRET_KEY=only-for-this-step .venv/bin/python manage.py collectstatic --noinput \
    && .venv/bin/python -m compileall -q organizations webchats webchat_project \
    && mkdir -p data

FROM python:3.11-slim-bookworm
ENV PATH=/app/.venv/bin:$PATH HOME=/tmp DEBUG=false \
    PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PYTHONFAULTHANDLER=1
# glibc returns the memory of large images and bodies to the system. By default each thread would
# keep up to 64 MiB.
ENV MALLOC_ARENA_MAX=2 MALLOC_MMAP_THRESHOLD_=1048576 MALLOC_TRIM_THRESHOLD_=1048576
WORKDIR /app
COPY --from=build /app /app
COPY --from=build --chown=10001:10001 /app/data /app/data
# Numeric, so that an orchestrator can verify that it is not root.
USER 10001:10001
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --start-interval=1s --retries=3 \
  CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
# Command-line options override variables, so the settings for operators are variables.
# No keep-alive: a stopping server could close a connection while the next request is on its way.
# On SIGHUP a worker is replaced after --respawn-interval; by then the new one must have loaded.
ENV GRANIAN_WORKERS=2 GRANIAN_BLOCKING_THREADS=16 PROMETHEUS_MULTIPROC_DIR=/tmp/metrics \
    DRAIN_FILE=/tmp/draining
CMD ["granian", "--interface", "wsgi", "--http", "1", "--host", "0.0.0.0", "--port", "8000", \
     "--no-http1-keep-alive", "--respawn-failed-workers", "--respawn-interval", "15", \
     "--workers-kill-timeout", "30", "webchat_project.wsgi:application"]
