"""A report as JSON: the same words and numbers, figures as the values they are drawn from."""

import msgspec

from tallystick.reporting.report import Report


def render(report: Report) -> str:
    """Return a report as one JSON document; what reads it back is ``msgspec.json.decode(text, type=Report)``.

    Not-a-number and infinity, which JSON does not have, become null.
    """
    return msgspec.json.format(msgspec.json.encode(report), indent=2).decode()
