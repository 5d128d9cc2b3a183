"""The feature table: one row per record, one column per feature, and what both were made from.

It is what every engine gives and what training, checks and reports read; `tallystick.features.table_file` keeps it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tallystick.definitions.digest import digest_of
from tallystick.errors import TableOfOtherData, TableOfOtherPlan
from tallystick.features.plan import Plan

TIME = pa.timestamp("us", tz="UTC")


@dataclass(frozen=True, slots=True)
class Origin:
    """What a table was made from.

    Parameters
    ----------
    plan : digest of the plan: what the features mean
    data : fingerprint of the records of the plan's sources
    meanings : digest of each feature's own expression, by name: it says which one differs where plans do
    """

    plan: str
    data: str
    meanings: Mapping[str, str]

    @classmethod
    def of(cls, plan: Plan, data: str) -> "Origin":
        """Return the origin of what a plan computes from records of a fingerprint."""
        return cls(plan.digest, data, plan.meanings)

    def require(self, wanted: "Origin") -> None:
        """Demand another origin: who learns from a table must know what its numbers mean and what they are of.

        Raises
        ------
        TableOfOtherPlan
            If the features mean something else.
        TableOfOtherData
            If they were computed from other records.
        """
        if self.plan != wanted.plan:
            raise TableOfOtherPlan(self.plan, wanted=wanted.plan, differing=_differing(self.meanings, wanted.meanings))
        if self.data != wanted.data:
            raise TableOfOtherData(self.data, wanted=wanted.data)


@dataclass(frozen=True, slots=True)
class FeatureTable:
    """Features of some records of the spine, in the order asked for.

    Parameters
    ----------
    names : the features, in the order declared
    ids : id of each record, an Arrow string array
    position : shape (n,), int64, place of each record in the order of arrival
    time : shape (n,), int64, instant of each record in microseconds since 1970 UTC
    values : shape (n, k), float64; NaN where a feature is missing
    id_field : what the spine calls its ids
    origin : the plan and the data that it is made from
    """

    names: tuple[str, ...]
    ids: pa.Array
    position: NDArray[np.int64]
    time: NDArray[np.int64]
    values: NDArray[np.float64]
    id_field: str
    origin: Origin

    def __len__(self) -> int:
        return len(self.position)

    @property
    def digest(self) -> str:
        """Which table it is: its plan, its data, and its rows, of which number, first and last place are told.

        Two engines' tables of the same period have the same digest. What its numbers are does not enter: they follow
        from plan and data, and a file's checksum notices where they do not.
        """
        first, last = (int(self.position[0]), int(self.position[-1])) if len(self) else (0, 0)
        return digest_of_table(self.origin, len(self), first, last)

    def taken(self, rows: NDArray[np.int64]) -> "FeatureTable":
        """Return some rows, in the order asked for."""
        ids = self.ids.take(pa.array(rows))
        kept = self.position[rows], self.time[rows], self.values[rows]
        return FeatureTable(self.names, ids, *kept, self.id_field, self.origin)

    def to_arrow(self) -> pa.Table:
        """Return it with the columns of its files; missing values are null."""
        columns = [_column(values) for values in np.ascontiguousarray(self.values.T)]
        own = [self.ids, pa.array(self.position), pa.array(self.time).cast(TIME)]
        return pa.Table.from_arrays([*own, *columns], schema=schema(self.id_field, self.names))


def digest_of_table(origin: Origin, n_rows: int, first: int, last: int) -> str:
    """Return a table's digest from what is known without its rows: how many, and the first and last position."""
    return digest_of({"plan": origin.plan, "data": origin.data, "rows": n_rows, "first": first, "last": last})


def schema(id_field: str, names: Iterable[str]) -> pa.Schema:
    """Return the columns of a table's files.

    Parameters
    ----------
    id_field : what the spine calls its ids
    names : the features, in the order declared
    """
    features = list(names)
    own = zip(own_columns(id_field, features), (pa.string(), pa.int64(), TIME), strict=True)
    return pa.schema([*own, *((name, pa.float64()) for name in features)])


def own_columns(id_field: str, names: Iterable[str]) -> tuple[str, str, str]:
    """Return what the columns of ids, positions and instants are called: never as a feature.

    >>> own_columns("payment_id", ["amount", "time"])
    ('payment_id', 'position', 'time_')
    """
    taken, found = set(names), []
    for name in (id_field, "position", "time"):
        free = name
        while free in taken:
            free += "_"
        taken.add(free)
        found.append(free)
    return found[0], found[1], found[2]


def _column(values: NDArray[np.float64]) -> pa.Array:
    missing = np.isnan(values)
    return pa.array(values, mask=missing) if missing.any() else pa.array(values)


def _differing(found: Mapping[str, str], wanted: Mapping[str, str]) -> list[str]:
    """Return the features that mean something else, are lacking, or are too many; none where only sources differ."""
    return [name for name in dict.fromkeys([*wanted, *found]) if found.get(name) != wanted.get(name)]
