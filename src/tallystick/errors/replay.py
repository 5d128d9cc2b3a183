"""What cannot be replayed.

ReplayError
· DecisionUnknown  the log has no such decision
· ModelUnclear     several models decided, and none was named
· NothingDecided   no decision in this period
"""

from collections.abc import Sequence

from tallystick.errors.base import TallystickError


class ReplayError(TallystickError):
    """Nothing can be replayed like this."""


class DecisionUnknown(ReplayError):
    """The log has no decision of this id.

    Parameters
    ----------
    decision : the id that was given
    stream : the stream of the records that are decided
    """

    def __init__(self, decision: str, *, models: Sequence[str]) -> None:
        self.decision, self.models = decision, tuple(models)
        super().__init__(
            f"The log has no decision {decision!r} of {' or '.join(map(repr, models))}. A decision's id is the "
            "idempotency key it was asked with, or else the record's own id."
        )


class ModelUnclear(ReplayError):
    """Several models decided, and none was named."""

    def __init__(self, decision: str | None, *, models: Sequence[str]) -> None:
        self.decision, self.models = decision, tuple(models)
        what = "made decisions" if decision is None else f"have a decision {decision!r}"
        super().__init__(f"{len(models)} models {what}: {', '.join(models)}. Say which is meant, by --model.")


class NothingDecided(ReplayError):
    """No decision lies in the period asked for.

    Parameters
    ----------
    since : the first instant, microseconds since 1970 UTC; None for the beginning
    until : the instant after the last; None for no end
    """

    def __init__(self, since: int | None, until: int | None) -> None:
        self.since, self.until = since, until
        super().__init__("The log has no decision in this period. Widen --since and --until.")
