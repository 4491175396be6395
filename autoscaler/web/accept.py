"""What a client says that it takes: `Accept` and `Accept-Encoding` (RFC 9110, section 12.5).

A header comes in, an answer goes out; a header that makes no sense is one that asks for nothing.
"""


def takes_gzip(accept_encoding: str) -> bool:
    """Whether gzip is named, and not with the weight zero, which refuses it.

    >>> takes_gzip("gzip, deflate"), takes_gzip("gzip;q=0"), takes_gzip("")
    (True, False, False)
    """
    return dict(_ranked(part) for part in accept_encoding.lower().split(",")).get("gzip", 0.0) > 0


def prefers_text(accept: str) -> bool:
    """Whether an Accept header ranks `text/plain` above JSON; JSON wins a draw and everything unsaid.

    >>> prefers_text("text/plain"), prefers_text("*/*"), prefers_text("text/plain;q=0.5, application/json")
    (True, False, False)
    """
    ranks = dict(_ranked(part) for part in accept.lower().split(","))
    text = ranks.get("text/plain", ranks.get("text/*", 0.0))
    # A wildcard after a named type says "or whatever you have": it must not outrank the name.
    anything = 0.0 if text else ranks.get("*/*", 0.0)
    return text > ranks.get("application/json", ranks.get("application/*", anything))


def _ranked(part: str) -> tuple[str, float]:
    kind, *parameters = (piece.strip() for piece in part.split(";"))
    quality = next((text.removeprefix("q=") for text in parameters if text.startswith("q=")), "1")
    try:
        return kind, float(quality)
    except ValueError:
        return kind, 0.0
