"""Where a redirect leads, and whether it is followed. Pure.

The URL that answered and its Location come in; the next URL goes out, or FetchFailed. Prometheus follows anywhere, so
that a target can have something else scraped in its name; here the scheme, host and port stay.
"""

from yarl import URL

from autoscaler.model.reason import Reason
from autoscaler.sources.http.contract import FetchFailed

REDIRECTS = frozenset({301, 302, 303, 307, 308})
"""RFC 9110, section 15.4: the ones that name another URL for the same request, or for a GET."""
SAME_METHOD = frozenset({307, 308})
"""Those after which a POST is sent again as it was."""
MAX_HOPS = 5


def next_hop(seen: list[URL], location: str) -> URL:
    """The URL to ask next; `seen` holds those that were asked, the last one redirected.

    Raises FetchFailed: REDIRECT_REFUSED if it is on another scheme, host or port, or no URL; REDIRECT_LOOP if it was
    asked before, or after five hops.
    """
    here = seen[-1]
    try:
        there = here.join(URL(location)).with_fragment(None)
        same = there.origin() == here.origin()
    except ValueError:
        raise FetchFailed(Reason.REDIRECT_REFUSED, "a target that redirects to what is no URL") from None
    if not same:
        # Its path and query may carry what is not ours to show.
        raise FetchFailed(
            Reason.REDIRECT_REFUSED,
            f"a target that redirects to another host: {there.scheme}://{there.host}:{there.port}, "
            f"which is not followed; make that one the target, or set follow_redirects to false",
        )
    if there in seen:
        raise FetchFailed(Reason.REDIRECT_LOOP, f"a target that redirects in a circle, back to {there.path}")
    if len(seen) > MAX_HOPS:
        raise FetchFailed(Reason.REDIRECT_LOOP, f"a target that redirects more than {MAX_HOPS} times")
    return there
