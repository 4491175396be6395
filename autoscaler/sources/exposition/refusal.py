"""Why a page is not taken, and the limits that no job can lift. A page within them is cheap, whatever it says."""

from autoscaler.model.errors import AutoscalerError
from autoscaler.model.reason import Reason

MAX_LINES = 1_000_000
"""Lines of a page."""
MAX_WANTED = 50_000
"""Lines of wanted metrics on a page."""
MAX_LINE = 64 * 1024
"""Bytes of a wanted metric's line."""
MAX_LABELS = 256
"""Labels of a wanted metric's series."""


class Unparsable(AutoscalerError):
    """The page is refused; the message says where and why, `reason` which kind of refusal it is."""

    def __init__(self, message: str, reason: Reason = Reason.UNPARSABLE) -> None:
        super().__init__(message)
        self.reason = reason
