"""How queries are laid out: steps with names and comments, indented, one column a line."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tallystick.features.groups import Edge
from tallystick.features.sql.dialects import rest


@dataclass(frozen=True, slots=True)
class QueryStep:
    """A query that later ones read by its name, and what it is for."""

    name: str
    text: str
    about: str = ""


def with_clause(steps: Sequence[QueryStep]) -> str:
    """Return the steps as the beginning of a query."""
    parts = [f"{_comment(step.about)}{step.name} AS (\n{indented(step.text)}\n)" for step in steps]
    return "WITH\n" + ",\n".join(parts)


def lines(columns: Iterable[str]) -> str:
    """Return columns, each on its line."""
    return ",\n".join(f"  {column}" for column in columns)


def indented(text: str) -> str:
    """Return a text two columns further right."""
    return "\n".join(f"  {line}" for line in text.splitlines())


def inside(time: str, at: str, newer: Edge, older: Edge) -> str:
    """Return whether older < time <= newer; a window is open on the left and closed on the right.

    Parameters
    ----------
    time, at : expressions: the event's instant, and the one that is asked about
    newer, older : the window's ends
    """
    return f"{time} > {_end(at, older)} AND {time} <= {_end(at, newer)}"


def around(time: str, at: str, edges: Sequence[Edge]) -> str:
    """Return whether an event can be in any window that these edges bound.

    Parameters
    ----------
    time, at : expressions: the event's instant, and the one that is asked about
    edges : newer and older ends, of any number of windows
    """
    newest = Edge(min(edge.offset_us for edge in edges), 0)
    oldest = Edge(max(edge.offset_us + edge.every_us for edge in edges), 0)
    return inside(time, at, newest, oldest)


def _end(at: str, edge: Edge) -> str:
    text = f"{at} - {edge.offset_us}" if edge.offset_us else at
    return f"({text}) - {rest(text, edge.every_us)}" if edge.every_us else text


def _comment(about: str) -> str:
    return f"-- {' '.join(about.split())}\n" if about else ""
