"""What cannot be replayed.

ReplayError
· DecisionUnknown  the log has no such decision
· NothingDecided   no decision in this period
"""

from tallystick.errors.base import TallystickError


class ReplayError(TallystickError):
    """Nothing can be replayed like this."""


class DecisionUnknown(ReplayError):
    """The log has no decision of this id."""

    def __init__(self, decision: str, *, stream: str) -> None:
        self.decision, self.stream = decision, stream
        super().__init__(
            f"The log has no decision {decision!r} about {stream!r}. A decision's id is the idempotency key it was "
            "asked with, or else the record's own id."
        )


class NothingDecided(ReplayError):
    """No decision lies in the period asked for."""

    def __init__(self, since: int | None, until: int | None) -> None:
        self.since, self.until = since, until
        super().__init__("The log has no decision in this period. Widen --since and --until.")
