# Two stages: the first has pip and builds the wheel, the last has neither compiler nor cache.
FROM python:3.13-slim AS build
WORKDIR /src
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
COPY requirements/run.lock requirements/build.lock requirements/
RUN python3 -m venv /opt/autoscaler && python3 -m venv /opt/build \
 && /opt/autoscaler/bin/python -m pip install --require-hashes --no-deps -r requirements/run.lock \
 && /opt/build/bin/python -m pip install --require-hashes --no-deps -r requirements/build.lock
COPY pyproject.toml README.md LICENSE ./
COPY autoscaler autoscaler
RUN /opt/build/bin/python -m build --no-isolation --wheel --outdir /dist . \
 && /opt/autoscaler/bin/python -m pip install --no-deps /dist/*.whl \
 && /opt/autoscaler/bin/python -m pip uninstall -y pip

FROM python:3.13-slim
LABEL org.opencontainers.image.title="ens-autoscaler" org.opencontainers.image.licenses="Apache-2.0"
ENV PATH=/opt/autoscaler/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
COPY --from=build /opt/autoscaler /opt/autoscaler
# The ledger's folder is the only place that is written: mount a volume there, the rest may be read-only.
RUN mkdir -p /var/lib/autoscaler && chown 65532:65532 /var/lib/autoscaler
USER 65532:65532
WORKDIR /var/lib/autoscaler
EXPOSE 8080
ENTRYPOINT ["autoscaler"]
CMD ["run", "--config", "/etc/autoscaler/autoscaler.yaml"]
