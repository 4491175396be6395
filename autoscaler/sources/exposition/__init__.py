"""Pages of metrics: the bytes of an answer come in, columns of the wanted metrics go out. Pure.

Prometheus text 0.0.4 and 1.0.0 (documentation, "Exposition formats") and OpenMetrics 1.0 are read, names in quotes
included. A page is not parsed: one search finds the lines of wanted metrics, and what they say is compared with what
the target said before (`fast`). Wherever that can not be sure, the page is read line by line (`strict`); the fast path
refuses nothing by itself and takes nothing that the strict path would refuse.

Judged are the page as a whole (`framing`: format, UTF-8, a whole last line) and every line of a wanted metric. Lines of
metrics that nobody wants are passed over unread, which is what makes this cheap: a page that is broken there is taken,
where Prometheus refuses it. Metadata lines say nothing that is needed here and are passed over, too.

Stricter than Prometheus: an empty page, a text page whose last line is cut short, a NUL and a series that stands twice
are refused. More patient: CRLF line ends (text), a comma after the last label (OpenMetrics). A line ends where the
bytes say so, as the format has it, also inside of a quoted value.
"""

from autoscaler.sources.exposition.pages import PageMemory, Pages
from autoscaler.sources.exposition.refusal import Unparsable

__all__ = ["PageMemory", "Pages", "Unparsable"]
