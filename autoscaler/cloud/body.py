"""Reading the bytes of an answer, JSON or XML, and picking values out of them without trusting them.

Bytes come in, plain values go out; anything that is not what the API documents is Unreadable or None, never a guess.
Pure. Unknown fields are ignored.
"""

import json
import re
from collections.abc import Mapping
from datetime import datetime
from xml.etree import ElementTree as ET  # documents with a DOCTYPE are refused before they are parsed

_DECLARATION = re.compile(r"\A\s*<\?xml[^>]*\?>")


class Unreadable(Exception):
    """The answer is not what the API documents. The text says what is wrong and quotes none of it."""


def read_fields(body: bytes) -> Mapping[str, object]:
    """The top-level fields of a JSON object or of an XML answer (its element names; values are texts).

    Raises:
        Unreadable: neither, or no object.
    """
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Unreadable("the answer is no UTF-8 text") from None
    if text.lstrip().startswith("<"):
        return _xml_fields(text)
    return _json_fields(text)


def _json_fields(text: str) -> Mapping[str, object]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise Unreadable("the answer is no JSON") from None
    if not isinstance(value, dict):
        raise Unreadable("the answer is JSON, but no object")
    return value


def _xml_fields(text: str) -> Mapping[str, object]:
    if "<!DOCTYPE" in text.upper() or "<!ENTITY" in text.upper():
        raise Unreadable("the answer is XML or HTML with a DOCTYPE")
    rooted = f"<answer>{_DECLARATION.sub('', text, count=1)}</answer>"
    try:
        root = ET.fromstring(rooted)  # noqa: S314  # no DOCTYPE, so no entities to expand or to fetch
    except (ET.ParseError, ValueError, RecursionError):
        raise Unreadable("the answer is no XML") from None
    elements = list(root)
    if len(elements) == 1 and len(elements[0]) and _local(elements[0].tag) != "html":
        elements = list(elements[0])
    fields: dict[str, object] = {}
    for element in elements:
        name = _local(element.tag)
        if name in fields:
            raise Unreadable(f"the answer names {name[:40]} twice")
        fields[name] = (element.text or "").strip()
    return fields


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def text_of(value: object) -> str:
    """A text, or empty for anything else."""
    return value.strip() if isinstance(value, str) else ""


def integer_of(value: object) -> int | None:
    """A whole number, also where the API writes it as text; None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,18}", value.strip()):
        return int(value)
    return None


def mapping_of(value: object) -> Mapping[str, object]:
    """An object, or an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def rows_of(fields: Mapping[str, object], name: str, total: int | None) -> list[Mapping[str, object]]:
    """The list of objects under `name`. Where it is null or missing, only a total of 0 makes it an empty one.

    Raises:
        Unreadable: no list, or a row that is no object.
    """
    value = fields.get(name)
    if value is None and total == 0:
        return []
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        raise Unreadable(f"the answer has no list of {name}")
    return value


def time_of(value: object) -> float | None:
    """Unix seconds of an RFC 3339 time; None where it is missing, unreadable or without an offset.

    >>> time_of("2020-11-10T16:02:04+08:00")
    1604995324.0
    """
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value.strip())
        return moment.timestamp() if moment.tzinfo else None
    except (ValueError, OverflowError):
        return None
