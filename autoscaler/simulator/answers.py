"""How the simulated APIs write: JSON with fields nobody announced, XML, both cases of errors, and three ways of time.

Plain values come in, aiohttp responses go out. Every answer carries an unknown field: a client must not mind.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from xml.sax.saxutils import escape

from aiohttp import web

from autoscaler.simulator.records import Refusal

_CHINA = timezone(timedelta(hours=8))
UNANNOUNCED = "x_field_of_tomorrow"


def json_answer(document: Mapping[str, object], status: int = 200) -> web.Response:
    """A JSON answer."""
    return web.json_response({**document, UNANNOUNCED: {"version": 2}}, status=status)


def xml_answer(document: Mapping[str, str], status: int = 200) -> web.Response:
    """The elements side by side and without a root, as the API page prints them."""
    fields = {**document, UNANNOUNCED: "2"}
    text = "\n".join(f"<{name}>{escape(value)}</{name}>" for name, value in fields.items())
    return web.Response(text=text, status=status, headers={"Content-Type": "text/xml;charset=utf-8"})


def refusal_answer(refusal: Refusal, request_id: str, host: str) -> web.Response:
    """An error: Pascal case from the gateway and from ENS, lower case from the CS service."""
    if refusal.style == "cs":
        document: dict[str, object] = {
            "code": refusal.code,
            "message": refusal.message,
            "requestId": request_id,
            "status": refusal.status,
        }
    else:
        document = {"Code": refusal.code, "Message": refusal.message, "RequestId": request_id, "HostId": host}
    answer = json_answer(document, refusal.status)
    answer.headers.update(refusal.headers)
    return answer


def as_xml(answer: web.Response, status: int) -> web.Response:
    """A JSON answer of plain fields as XML."""
    fields = json.loads(answer.body) if isinstance(answer.body, bytes) else {}
    return xml_answer({name: str(value) for name, value in fields.items() if name != UNANNOUNCED}, status)


def gateway_page(status: int = 500) -> web.Response:
    """A 5xx that is no API answer at all."""
    page = f"<html><head><title>{status} Server Error</title></head><body><h1>{status}</h1></body></html>"
    return web.Response(text=page, status=status, content_type="text/html")


def login_page() -> web.Response:
    """What a captive portal answers to everything."""
    page = "<!DOCTYPE html><html><head><title>Sign in to the network</title></head><body>Welcome</body></html>"
    return web.Response(text=page, status=200, content_type="text/html")


def control_answer(document: object, status: int = 200) -> web.Response:
    """An answer of the simulator's own pages: exactly the document."""
    return web.Response(text=json.dumps(document), status=status, content_type="application/json")


def cs_time(at: float, fraction: bool = False) -> str:
    """RFC 3339 at +08:00, whole seconds or with milliseconds, as CS writes `created` and `updated`.

    >>> cs_time(1605024124)
    '2020-11-11T00:02:04+08:00'
    """
    return datetime.fromtimestamp(at, _CHINA).isoformat(timespec="milliseconds" if fraction else "seconds")


def cs_stage_time(at: float) -> str:
    """`YYYY-MM-DD HH:mm:ss` without a zone, as CS writes the times of a task's stages."""
    return datetime.fromtimestamp(at, _CHINA).strftime("%Y-%m-%d %H:%M:%S")


def ens_time(at: float) -> str:
    """`yyyy-MM-ddTHH:mm:ssZ`, as ENS writes times.

    >>> ens_time(1605024124)
    '2020-11-10T16:02:04Z'
    """
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def address_of(instance: str) -> str:
    """A private address for a machine, derived from its id."""
    number = int(instance[-6:], 16)
    return f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
