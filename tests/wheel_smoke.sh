#!/usr/bin/env bash
# Builds the wheel and tries its command line in a fresh virtual environment that holds only the locked dependencies.
set -euo pipefail
python=${1:-python3}
root=$(cd "$(dirname "$0")/.." && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
"$root/.venv/bin/python" -m build --no-isolation --wheel --outdir "$scratch/dist" "$root" >"$scratch/build.log" 2>&1 ||
  { cat "$scratch/build.log" >&2; exit 1; }
"$python" -m venv "$scratch/venv"
pip=("$scratch/venv/bin/python" -m pip --disable-pip-version-check -q install --no-deps)
"${pip[@]}" --require-hashes -r "$root/requirements/run.lock"
"${pip[@]}" "$scratch"/dist/*.whl
cd "$scratch"
cli=$scratch/venv/bin/autoscaler
"$cli" --version
"$cli" --help >/dev/null
"$cli" check --config "$root/config/autoscaler.yaml"
"$cli" demo --seconds 0 --directory "$scratch/demo" >/dev/null && { echo "a demo of no time can not converge" >&2; exit 1; }
test -s "$scratch/demo/autoscaler.yaml"
echo "wheel: built, installed and its commands answered"
