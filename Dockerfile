# Built with `make image`. The first stage has the tools, the second only Python, the service and a user without rights.
FROM python:3.13-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PATH=/opt/hooks/bin:$PATH
RUN python -m venv /opt/hooks
WORKDIR /src
COPY requirements.lock ./
RUN pip install --require-hashes --only-binary :all: -r requirements.lock
COPY pyproject.toml README.md ./
COPY hooks ./hooks
RUN pip install --no-deps --no-build-isolation . && pip uninstall --yes setuptools pip

FROM python:3.13-slim
LABEL org.opencontainers.image.title="hooks" \
      org.opencontainers.image.description="Webhook receiver and event router for home-service businesses"
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /data --shell /usr/sbin/nologin hooks \
 && install -d -o hooks -g hooks -m 0700 /data
COPY --from=build /opt/hooks /opt/hooks
ENV PATH=/opt/hooks/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    HOOKS_DATA=/data HOOKS_ROUTES=/etc/hooks/routes.yaml HOOKS_HOST=0.0.0.0
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=20s --retries=3 CMD ["hooks", "healthcheck"]
ENTRYPOINT ["hooks"]
CMD ["serve"]
