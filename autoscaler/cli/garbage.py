"""The garbage collector of a daemon that lives for months: what is loaded at the start is never garbage.

A full collection looks at every object and holds the event loop meanwhile: 120 to 200 ms at 1,000 regions with the
library's thresholds, none within 8 s with these (measured on two shared cores; see docs/performance.md).
"""

import gc

_THRESHOLDS = (50_000, 20, 100)
"""Objects made until the youngest are looked at, and how many such looks until the older ones are."""


def settle_garbage() -> None:
    """Leave all that is alive now out of later collections, and collect less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)
