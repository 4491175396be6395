"""What the ENS operations share: how a query is read, and how an answer begins.

Decoded queries come in, values or a Refusal go out. In RPC style arrays and objects are JSON texts, or flattened with
dots and numbers (`Tag.1.Key`); which of the two is a matter of each parameter.
"""

import json
from collections.abc import Iterable, Mapping

from aiohttp import web

from autoscaler.simulator.answers import json_answer
from autoscaler.simulator.gateway import Call
from autoscaler.simulator.records import Refusal


def answer(call: Call, document: Mapping[str, object]) -> web.Response:
    """An answer with the integer `Code` 0 that several operations carry beside HTTP 200."""
    return json_answer({"Code": 0, "RequestId": call.request_id, **document})


def require(call: Call, names: Iterable[str]) -> None:
    """Raises Refusal: MissingParameter."""
    missing = [name for name in names if not call.query.get(name)]
    if missing:
        raise Refusal("MissingParameter", f"Missing: {', '.join(missing)}.", style="ens")


def whole(call: Call, key: str, least: int = 0, most: int | None = None) -> int:
    """A whole number that must be there. Raises Refusal: InvalidParameter.{key}."""
    text = call.query.get(key, "")
    if text.isascii() and text.isdecimal() and least <= int(text) and (most is None or int(text) <= most):
        return int(text)
    bounds = f" from {least}" + (f" to {most}" if most is not None else "")
    raise Refusal(f"InvalidParameter.{key}", f"{key} must be a whole number{bounds}.", style="ens")


def texts(call: Call, key: str) -> list[str]:
    """A JSON list of at most 100 texts. Raises Refusal: InvalidParameter.{key}."""
    listed = _json(call, key)
    if isinstance(listed, list) and len(listed) <= 100 and all(isinstance(one, str) for one in listed):
        return listed
    raise Refusal(f"InvalidParameter.{key}", f"{key} must be a JSON list of at most 100 texts.", style="ens")


def count_in(call: Call, key: str, name: str) -> int:
    """The number under `name` in a JSON object. Raises Refusal: MissingParameter or InvalidParameter.{name}."""
    require(call, (key,))
    value = _json(call, key)
    if not isinstance(value, dict) or value.keys() - {name}:
        raise Refusal(f"InvalidParameter.{key}", f"{key} must be a JSON object with {name}.", style="ens")
    number = value.get(name)
    if isinstance(number, int) and not isinstance(number, bool) and number >= 1:
        return number
    raise Refusal(f"InvalidParameter.{name}", f"{name} must be a whole number from 1.", style="ens")


def json_tags(call: Call, key: str) -> dict[str, str]:
    """`[{"Key": ..., "Value": ...}]` as a mapping; empty if absent. Raises Refusal: InvalidParameter.{key}."""
    if key not in call.query:
        return {}
    listed = _json(call, key)
    if isinstance(listed, list) and all(isinstance(one, dict) and isinstance(one.get("Key"), str) for one in listed):
        return {one["Key"]: str(one.get("Value", "")) for one in listed}
    raise Refusal(f"InvalidParameter.{key}", f"{key} must be a JSON list of Key and Value.", style="ens")


def flat_tags(call: Call, key: str) -> tuple[tuple[str, str], ...]:
    """`Tag.1.Key`, `Tag.1.Value`, `Tag.2.Key` and so on."""
    tags, number = [], 1
    while name := call.query.get(f"{key}.{number}.Key"):
        tags.append((name, call.query.get(f"{key}.{number}.Value", "")))
        number += 1
    return tuple(tags)


def disk(call: Call, key: str, default: int) -> int:
    """Size in GiB of a disk given flattened (`SystemDisk.Size`), as a JSON object, or as a JSON list of one.

    Raises:
        Refusal: InvalidParameter.{key}.
    """
    for flat in (f"{key}.Size", f"{key}.1.Size"):
        if flat in call.query:
            return whole(call, flat)
    if key not in call.query:
        return default
    value = _json(call, key)
    one = value[0] if isinstance(value, list) and len(value) == 1 else value
    size = one.get("Size") if isinstance(one, dict) else None
    if isinstance(size, int) and not isinstance(size, bool) and size >= 0:
        return size
    raise Refusal(f"InvalidParameter.{key}", f"{key} must hold a Size in GiB.", style="ens")


def _json(call: Call, key: str) -> object:
    try:
        value: object = json.loads(call.query[key])
    except ValueError:
        return None
    return value
