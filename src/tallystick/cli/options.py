"""What stands before every verb, and how the words of verbs are read."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from tallystick import lifecycle
from tallystick.lifecycle import Project


@dataclass(frozen=True, slots=True)
class Options:
    """What stands before the verb: the project's folder and who acts."""

    folder: Path
    actor: str | None

    def open(self) -> Project:
        """Open the project."""
        return lifecycle.open(self.folder, actor=self.actor)


def json_option(verb: Any) -> Any:
    """Give a verb the option --json."""
    return click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout, nothing else there.")(
        verb
    )


def page_option(verb: Any) -> Any:
    """Give a verb the option --html."""
    kind = click.Path(path_type=Path, dir_okay=False)
    return click.option("--html", "out", type=kind, help="Write it as a page that stands alone, too.")(verb)


def as_instant(text: str | None, option: str) -> int | None:
    """Return a day or an instant as microseconds since 1970 UTC; without a zone it is UTC.

    Parameters
    ----------
    text : such as ``2026-03-01`` or ``2026-03-01T12:00:00Z``; None stays None
    option : named in the error

    Raises
    ------
    click.BadParameter
        If it is neither.
    """
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        sentence = f"{text!r} is no day or instant. Write 2026-03-01 or 2026-03-01T12:00:00Z."
        raise click.BadParameter(sentence, param_hint=option) from None
    found = found.replace(tzinfo=UTC) if found.tzinfo is None else found
    return round(found.timestamp() * 1_000_000)


def as_period(begin: str | None, end: str | None, options: tuple[str, str]) -> tuple[int | None, int | None]:
    """Return two days or instants as microseconds since 1970 UTC.

    Parameters
    ----------
    begin, end : as for `as_instant`; the end is not part of the period
    options : what the two are called, for the error

    Raises
    ------
    click.BadParameter
        If one is neither, or the second is not after the first.
    """
    since, until = as_instant(begin, options[0]), as_instant(end, options[1])
    if since is not None and until is not None and until <= since:
        raise click.BadParameter(f"{end} is not after {begin}; the end is not part of it.", param_hint=options[1])
    return since, until
