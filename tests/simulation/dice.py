"""Dice: every kind of chance has its own, derived from the seed, so that one more draw here changes nothing there."""

from random import Random


def dice(seed: object, *names: object) -> Random:
    """Dice that always fall the same for the same seed and names, whatever PYTHONHASHSEED is."""
    return Random("/".join(str(part) for part in (seed, *names)))  # noqa: S311  # repeatable is what it must be
