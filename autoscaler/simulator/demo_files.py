"""The demo's files: a scenario and a configuration that ship in the package."""

from importlib.resources import files
from pathlib import Path
from string import Template

DEMO = Path(str(files("autoscaler.simulator"))) / "demo"


def lay_out(folder: Path, simulator_url: str) -> Path:
    """Write the demo's configuration into `folder`, pointed at a simulator; gives the path of autoscaler.yaml."""
    (folder / "policies").mkdir(parents=True, exist_ok=True)
    for source in sorted((DEMO / "policies").glob("*.yaml")):
        (folder / "policies" / source.name).write_text(source.read_text(encoding="utf-8"), encoding="utf-8")
    config = Template((DEMO / "autoscaler.yaml").read_text(encoding="utf-8"))
    path = folder / "autoscaler.yaml"
    path.write_text(config.safe_substitute(simulator=simulator_url), encoding="utf-8")
    return path
