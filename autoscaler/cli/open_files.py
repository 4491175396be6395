"""How many files the process may have open: a scraper keeps a connection to each of its targets."""

import resource

MOST = 1_048_576
"""More than any fleet needs, and what Linux allows a process at most unless it is told otherwise."""


def allow_open_files() -> int:
    """Raise the limit to what the machine allows without asking anybody; gives the limit that then holds."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = MOST if hard == resource.RLIM_INFINITY else min(hard, MOST)
    if soft == resource.RLIM_INFINITY or soft >= allowed:
        return soft
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    except (OSError, ValueError):  # the kernel's fs.nr_open, or a sandbox, may be below the hard limit
        return soft
    return allowed
