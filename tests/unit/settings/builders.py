"""A small configuration that is right, for tests to break."""

from pathlib import Path

MAIN = """\
alibaba:
  region: cn-hangzhou
scrape_configs:
  - job_name: gateway
    static_configs:
      - targets: ["127.0.0.1:9100"]
        labels: {ens_region_id: cn-a-1}
prometheus:
  - name: central
    url: http://127.0.0.1:9090
"""

POLICY = """\
apiVersion: autoscaler/v1
kind: ScalingPolicy
metadata: {name: NAME}
spec:
  regions: [REGIONS]
  maxNodes: 5
  signals:
    - name: rps
      scrape: {job: gateway, metric: rps}
  rules:
    - {type: TargetTracking, signal: rps, target: {type: AverageValue, value: 100}}
  behavior: {scaleUp: {maxNodesEver: 1000}}
"""

TEMPLATE = """\
apiVersion: autoscaler/v1
kind: NodeTemplate
metadata: {name: NAME}
spec:
  worker_instance_type: ens.sn1.tiny
  worker_image_id: m-1
  ens_internet_charge_type: BandwidthByDay
  worker_system_disk_size: 40
  login_password: Hello1234!
"""

FLEET = """\
apiVersion: autoscaler/v1
kind: Fleet
metadata: {name: NAME}
spec:
  clusters:
    - clusterId: CLUSTER
      template: standard
      regions: [REGIONS]
"""


def policy(name: str, regions: str) -> str:
    """A ScalingPolicy for globs."""
    return POLICY.replace("NAME", name).replace("REGIONS", regions)


def template(name: str) -> str:
    """A NodeTemplate."""
    return TEMPLATE.replace("NAME", name)


def fleet(name: str, cluster: str, regions: str) -> str:
    """A Fleet of one cluster."""
    return FLEET.replace("NAME", name).replace("CLUSTER", cluster).replace("REGIONS", regions)


def write(folder: Path, main: str = MAIN, **files: str) -> Path:
    """Write autoscaler.yaml and `policies/<name>.yaml`; what is not given is right and covers cn-a-1 and cn-a-2."""
    right = {"a": policy("edge", '"cn-a-*"'), "t": template("standard"), "f": fleet("fleet", "c1", "cn-a-1, cn-a-2")}
    (folder / "policies").mkdir(exist_ok=True)
    (folder / "autoscaler.yaml").write_text(main)
    for name, text in {**right, **files}.items():
        (folder / "policies" / f"{name}.yaml").write_text(text)
    return folder / "autoscaler.yaml"


def pooled(regions: str, operation: str = "ScaleClusterNodePool", cluster: str = "c1") -> str:
    """A Fleet of one cluster that is bought by a pool operation."""
    text = fleet("fleet", cluster, regions)
    return text.replace("      template", f"      operation: {operation}\n      template")


def with_budgets(fleet_text: str, *budgets: str, zone: str = "") -> str:
    """The same Fleet with budgets, each a YAML flow mapping."""
    lines = [f"  timeZone: {zone}\n" if zone else "", "  budgets:\n", *(f"    - {one}\n" for one in budgets)]
    return fleet_text + "".join(lines)


def with_spec(text: str, *lines: str) -> str:
    """The same document with further lines at the beginning of its spec."""
    return text.replace("spec:\n", "spec:\n" + "".join(f"  {line}\n" for line in lines))
