# The service with a Chromium that keeps its sandbox. Started by deploy/compose.yaml; docs/compose.md has the how and why.
ARG DEBIAN=debian:trixie-20260918-slim

FROM ${DEBIAN} AS build
# hadolint ignore=DL3008  # Debian's archive keeps the newest version of a package only: a pin breaks at its next fix
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates python3 python3-venv \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /build

# Exactly the locked files, by hash, and nothing that has to be compiled. With uv, for pip takes the names of many kernels for
# faulty versions when it compares them.
ENV UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy UV_NO_CACHE=1 UV_PYTHON_DOWNLOADS=never VIRTUAL_ENV=/opt/browserwatch
COPY requirements/build.txt requirements/service.txt requirements/uv.txt requirements/
RUN python3 -m venv tools \
    && tools/bin/pip install --no-cache-dir --only-binary :all: --require-hashes -r requirements/uv.txt \
    && tools/bin/uv venv "$VIRTUAL_ENV" \
    && tools/bin/uv pip install --only-binary :all: --require-hashes -r requirements/service.txt

COPY LICENSE README.md pyproject.toml ./
COPY deploy deploy
COPY src src
RUN tools/bin/uv build --wheel --build-constraints requirements/build.txt --require-hashes --out-dir wheels \
    && tools/bin/uv pip install --no-deps wheels/*.whl


FROM ${DEBIAN}
LABEL org.opencontainers.image.title="browserwatch" \
      org.opencontainers.image.description="browser-use agents as a service: pooled, traced and measured" \
      org.opencontainers.image.source="https://github.com/browserwatch/browserwatch" \
      org.opencontainers.image.documentation="https://github.com/browserwatch/browserwatch/blob/main/docs/compose.md" \
      org.opencontainers.image.licenses="Apache-2.0"
# Fonts for most of the world's scripts: without them pages show boxes, to screenshots and to the model.
# hadolint ignore=DL3008  # as above; and Chromium has to be the newest
RUN apt-get update \
    && apt-get install --yes --no-install-recommends \
        ca-certificates chromium fonts-liberation fonts-noto-cjk fonts-noto-color-emoji fonts-noto-core python3 tini \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --user-group --no-create-home --home-dir /var/lib/browserwatch --shell /usr/sbin/nologin browserwatch \
    && install --directory --owner=browserwatch --group=browserwatch --mode=0700 /var/lib/browserwatch
COPY --from=build /opt/browserwatch /opt/browserwatch

ENV PATH=/opt/browserwatch/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    BROWSERWATCH_CHROMIUM_SANDBOX=on \
    BROWSERWATCH_DATA_DIR=/var/lib/browserwatch
USER 10001:10001
WORKDIR /var/lib/browserwatch
EXPOSE 8700
STOPSIGNAL SIGTERM
# Ready: Redis answers and agents start. Not through a proxy of the environment, which `urllib` would ask.
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=4 CMD ["python3", "-Ic", "import http.client as h; c = h.HTTPConnection('127.0.0.1', 8700, timeout=4); c.request('GET', '/health/ready'); raise SystemExit(c.getresponse().status != 200)"]
# tini hands on signals and reaps what crashed browsers leave.
ENTRYPOINT ["tini", "--", "browserwatch"]
CMD ["serve"]
