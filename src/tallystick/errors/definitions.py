"""A project file that has no meaning.

DefinitionError
· FieldUnknown  a stream has no such field
· LeakRefused   a label is used before it is known
"""

from collections.abc import Iterable

from tallystick.errors.base import TallystickError, did_you_mean


class DefinitionError(TallystickError):
    """A project file says something that has no meaning. The sentence starts with its file and line.

    Parameters
    ----------
    sentence : what is wrong and what to write instead
    where : ``file.py:line`` in the user's own file, where that is known
    """

    def __init__(self, sentence: str, *, where: str | None = None) -> None:
        self.where = where
        super().__init__(f"{where}: {sentence}" if where else sentence)


class FieldUnknown(DefinitionError, AttributeError):
    """A stream is asked for a field that it does not declare.

    Parameters
    ----------
    field : the name that was written
    stream : the stream or table that has no such field
    found : the fields it has
    where : ``file.py:line`` in the user's own file, where that is known
    """

    def __init__(self, field: str, *, stream: str, found: Iterable[str], where: str | None = None) -> None:
        self.field, self.stream, self.found = field, stream, sorted(found)
        super().__init__(
            f"{stream!r} has no field {field!r}. Declared: {', '.join(self.found)}. "
            f"{did_you_mean(field, self.found) or 'Declare it in fields={...}.'}",
            where=where,
        )


class LeakRefused(DefinitionError):
    """A value that becomes known later is used without saying when it becomes known.

    Parameters
    ----------
    value : the value that is used too early, such as "outcomes.is_fraud"
    where : ``file.py:line`` in the user's own file, where that is known
    """

    def __init__(self, value: str, *, where: str | None = None) -> None:
        self.value = value
        super().__init__(
            f"{value} becomes known after the event and nothing says when, so a feature made of it would see "
            "the future. Write known_after='7d' (with the delay that is true in your house), or give a stream of "
            "reports whose time is when each became known.",
            where=where,
        )
