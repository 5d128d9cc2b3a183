"""History before the first entry: where the entries begin after it, and which segment may still be attached."""

import struct
from collections.abc import Sequence

from tallystick.errors import LogDamaged, SegmentRefused
from tallystick.log.chain import genesis
from tallystick.log.entry import Head, Segment


def origin_after(name: str, segments: Sequence[Segment]) -> Head:
    """Return where the entries of a log begin: after its history, with the hash that commits to it.

    Parameters
    ----------
    name : str
        The log, for the sentence.
    segments : sequence of Segment
        What was attached, in order.

    Raises
    ------
    LogDamaged
        When a segment cannot be read.
    """
    try:
        return Head(segments[-1].last if segments else 0, genesis(segments))
    except (AttributeError, TypeError, struct.error) as error:
        raise LogDamaged(name, problem="header", detail=f"a segment is unreadable ({error})") from error


def check_segment(segment: Segment, segments: Sequence[Segment], head: Head) -> None:
    """Refuse a segment that does not follow what was attached before it, or that comes too late.

    Parameters
    ----------
    segment : Segment
        The one to attach.
    segments : sequence of Segment
        Those that are attached already.
    head : Head
        Where the log ends.

    Raises
    ------
    SegmentRefused
        When entries exist already, or the segment leaves a hole, ends before it begins or has no digest.
    """
    last = segments[-1].last if segments else 0
    reason = None
    if head.position > last:
        reason = f"the log has entries up to position {head.position}"
    elif segment.first != last + 1:
        reason = f"it begins at position {segment.first}, and the next one is {last + 1}"
    elif segment.last < segment.first:
        reason = f"it ends at position {segment.last}, before it begins at {segment.first}"
    elif len(segment.digest) != 64 or not set(segment.digest) <= set("0123456789abcdef"):
        reason = f"{segment.digest!r} is no SHA-256 in lower-case hex"
    if reason:
        raise SegmentRefused(segment.digest, reason=reason)
