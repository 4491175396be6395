"""From votes to one number: the largest wins, as in HPA. An abstaining vote is not zero and changes nothing."""

from collections.abc import Sequence

from autoscaler.model.decision import Vote


def largest(votes: Sequence[Vote]) -> int | None:
    """The largest vote, or None when all abstain."""
    most: int | None = None
    for vote in votes:
        if vote.desired is not None and (most is None or vote.desired > most):
            most = vote.desired
    return most
