"""What one step of a state in Redis writes and reads, as step.lua takes it, and what it answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tallystick.features.state.store import Entry


@dataclass(frozen=True, slots=True)
class StateStep:
    """One atomic step: a look at the state costs one round trip, whatever it looks at, and so does a commit.

    Parameters
    ----------
    version : that the state must have; None for any
    puts : the entries that are written, before anything is read
    gets : the keys whose values are read
    before : the keys before which the nearest entries are read
    onwards : the key from which on entries are read, in rising order
    most : so many of these at most; 0 for none
    """

    version: int | None = None
    puts: Mapping[bytes, bytes] = field(default_factory=dict)
    gets: Sequence[bytes] = ()
    before: Sequence[bytes] = ()
    onwards: bytes = b""
    most: int = 0

    def arguments(self) -> list[bytes | int]:
        """Return the script's arguments, but the first."""
        arguments: list[bytes | int] = [b"" if self.version is None else self.version]
        for texts in (list(self.puts), list(self.puts.values()), self.gets, self.before):
            arguments += [len(texts), *texts]
        return [*arguments, self.onwards, self.most]


@dataclass(frozen=True, slots=True)
class StepResult:
    """What a step that was taken found.

    Parameters
    ----------
    version : of the state after it
    values : under the keys that were looked up, None where nothing is
    before : the entries before keys, None where there is none
    onwards : the entries from a key on
    """

    version: int
    values: list[bytes | None]
    before: list[Entry | None]
    onwards: list[Entry]

    @classmethod
    def of(cls, answer: Sequence[Any]) -> "StepResult":
        """Return the script's answer to a step that was taken."""
        _, version, values, earlier, earlier_values, onwards, onwards_values = answer
        before = [(key, value) if key else None for key, value in zip(earlier, earlier_values, strict=True)]
        return cls(version, values, before, list(zip(onwards, onwards_values, strict=True)))
