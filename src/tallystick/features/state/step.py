"""What one step of a state in Redis asks and changes, as step.lua reads it, and what it answers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from tallystick.features.state.store import Entry

Pair = tuple[bytes, bytes]


class Supposed(NamedTuple):
    """What a step takes to be in the state; it changes nothing if something else is.

    Parameters
    ----------
    first, last : the keys from one on, before another; nothing as the last for the first alone
    values : of all these keys, in their order
    """

    first: bytes
    last: bytes
    values: list[bytes]


class Count(NamedTuple):
    """Weights that count in one list of running totals.

    Parameters
    ----------
    n : how many totals stand beside each other
    begins : how the list's keys begin
    steps : the times from which some count, rising, with the weights; as eight bytes that rise, and packed totals
    """

    n: int
    begins: bytes
    steps: Sequence[Pair]


class Window(NamedTuple):
    """Entries of a window to be read.

    Parameters
    ----------
    first, last : the keys from one on, before another; nothing as the last for no end
    most : so many are read
    pieces : what is read as well if there were as many, from each first key on, before each last
    skip : the bytes in the key of a tile before its value
    cap : where more values are different, the pieces end; -1 where they do not
    """

    first: bytes
    last: bytes
    most: int
    pieces: Sequence[Pair] = ()
    skip: int = 0
    cap: int = -1


@dataclass(slots=True)
class Step:
    """One atomic step.

    Parameters
    ----------
    version : the state must have; None for any
    seen : the place in the order of arrival it must have reached; None where the step has no place
    position : the step's own place; None for the next
    plan : the state digest, if the step is a record's arrival
    supposed : what must be in the state
    counts, extremes, numbered, puts : weights in running totals, values in tiles, entries whose keys end with the
        step's place, and others
    gets, before, windows : values, entries before keys, and windows that are read after the change
    """

    version: int | None = None
    seen: int | None = None
    position: int | None = None
    plan: bytes = b""
    supposed: Sequence[Supposed] = ()
    counts: Sequence[Count] = ()
    extremes: Sequence[Pair] = ()
    numbered: Sequence[Pair] = ()
    puts: Sequence[Pair] = ()
    gets: Sequence[bytes] = ()
    before: Sequence[bytes] = ()
    windows: Sequence[Window] = ()

    def arguments(self) -> list[bytes | int]:
        """Return the script's arguments, but the first."""
        arguments: list[Any] = ["" if n is None else n for n in (self.version, self.seen, self.position)]
        arguments += [self.plan, len(self.supposed)]
        for first, last, values in self.supposed:
            arguments += [first, last, len(values), *values]
        arguments.append(len(self.counts))
        for n, begins, steps in self.counts:
            arguments += [n, begins, len(steps)]
            for step in steps:
                arguments += step
        for pairs in (self.extremes, self.numbered, self.puts):
            arguments.append(len(pairs))
            for pair in pairs:
                arguments += pair
        arguments += [len(self.gets), *self.gets, len(self.before), *self.before, len(self.windows)]
        for window in self.windows:
            arguments += [window.first, window.last, window.most, window.skip, window.cap, len(window.pieces)]
            for piece in window.pieces:
                arguments += piece
        return arguments


@dataclass(frozen=True, slots=True)
class Done:
    """What a step that was taken found.

    Parameters
    ----------
    position : its place in the order of arrival, or the one that was reached
    version : of the state after it
    values : under the keys that were asked for
    before : the entries before keys
    stretches : of each window the first entries, and those of its pieces where there were too many
    """

    position: int
    version: int
    values: list[bytes | None]
    before: list[Entry | None]
    stretches: list[list[Entry]]

    @classmethod
    def of(cls, answer: Sequence[Any]) -> "Done":
        """Return a script's answer in our words."""
        _, position, version, values, before, stood, stretches = answer
        return cls(
            position,
            version,
            values,
            [(key, value) if key else None for key, value in zip(before, stood, strict=True)],
            [list(zip(found[::2], found[1::2], strict=True)) for found in stretches],
        )
