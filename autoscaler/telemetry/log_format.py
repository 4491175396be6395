"""Log lines: how they look, and what no line may show.

A stream comes in; all logging of the process goes to it, lines of libraries (stdlib logging) included. Nothing is
configured by importing this. It must not know any event.
"""

import logging
import math
import re
from collections.abc import Mapping
from typing import Literal, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

Format = Literal["auto", "json", "console"]

REDACTED = "[redacted]"
_SECRET = re.compile(r"password|secret|token|authorization", re.IGNORECASE)


def configure_logging(format: Format, level: str, stream: TextIO) -> None:  # noqa: A002  # the operator's own word
    """Send all logging of the process to `stream`, one line per event, from `level` (`debug`, `info`, ...) on.

    `auto` is `console` if the stream is a terminal and `json` otherwise (a cluster). Calling it again replaces the
    former setup.

    Raises:
        ValueError: the level is none of logging's.
    """
    terminal = stream.isatty()
    as_json = format == "json" or (format == "auto" and not terminal)
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder()],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *(_json() if as_json else _console(colors=terminal)),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    logging.captureWarnings(capture=True)


def redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Hide every value, however deep, whose key sounds like a secret; other values pass.

    Events carry no secrets by nature; this is for the line that somebody adds in a hurry. Numbers that JSON has no
    word for (NaN, infinity) become text here too.
    """
    # A traceback that is still to be rendered is no text yet: the renderer after this one knows its shape.
    return {key: value if key == "exc_info" else _clean(key, value) for key, value in event.items()}


def _clean(key: object, value: object) -> object:
    if isinstance(key, str) and _SECRET.search(key):
        return REDACTED
    if isinstance(value, Mapping):
        return {str(name): _clean(name, inner) for name, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean(None, inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def _json() -> list[Processor]:
    # Local variables of a traceback are left out: a credential may be one of them.
    traceback = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
    return [structlog.processors.ExceptionRenderer(traceback), redact, structlog.processors.JSONRenderer()]


def _console(*, colors: bool) -> list[Processor]:
    plain = structlog.dev.plain_traceback
    return [redact, structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=plain)]
