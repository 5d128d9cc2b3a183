"""How a check ended, and what it found."""

from enum import StrEnum
from typing import Any

import msgspec


class Outcome(StrEnum):
    """How a check ended. Only one of the five is a failure; none of them is silence."""

    PASSED = "passed"
    WARNED = "warned"  # nothing is proven wrong, and somebody should look
    FAILED = "failed"
    NOT_APPLICABLE = "not applicable"  # what it needs does not exist
    SKIPPED = "skipped"  # it could run, and was not asked to


class Finding(msgspec.Struct, frozen=True):
    """One check's answer, ready to be printed, stored and signed.

    Parameters
    ----------
    code : the check's, for ever
    outcome : how it ended
    reason : a sentence with the numbers that decided
    figures : the same numbers and more, for machines; all finite
    """

    code: str
    outcome: Outcome
    reason: str
    figures: dict[str, Any] = {}
