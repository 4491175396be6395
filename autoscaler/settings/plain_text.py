"""Text that YAML takes for something else: `regex: true`, `rack: 5`.

Prometheus reads a scalar where it wants text as the text that is written. The value comes in, that text goes out, as
far as the value still tells it.
"""

from collections.abc import Mapping
from typing import Annotated

from pydantic import BeforeValidator

from autoscaler.settings.problems import Mistake


def as_text(value: object) -> object:
    """`true`, `false` and whole numbers as text; anything else as it is.

    Raises Mistake for other numbers: 1.10 and 1.1 are the same number, and two texts.

    >>> as_text(True), as_text(9100), as_text("a")
    ('true', '9100', 'a')
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        raise Mistake("must be text", "put it in quotes")
    return str(value) if isinstance(value, int) else value


def labels_as_text(group: object) -> object:
    """A group of targets with the values of its labels as text."""
    labels = group.get("labels") if isinstance(group, Mapping) else None
    if not isinstance(group, Mapping) or not isinstance(labels, Mapping):
        return group
    # A number that is no text is left for the label itself to complain of: it knows its place.
    texts = {name: value if isinstance(value, float) else as_text(value) for name, value in labels.items()}
    return {**group, "labels": texts}


PlainText = Annotated[str, BeforeValidator(as_text)]
"""Text, also where YAML saw a whole number or a truth in it."""
