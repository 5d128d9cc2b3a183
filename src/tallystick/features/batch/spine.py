"""Which rows of the spine are asked about, and as of when."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tallystick.data.merge import no_records
from tallystick.data.records import Dataset, Records
from tallystick.features.plan import Plan

Ints = NDArray[np.int64]


def stream_of(plan: Plan, dataset: Dataset, name: str) -> Records:
    """Return a stream's records; none where the dataset does not have it.

    Parameters
    ----------
    plan : knows the fields of a stream without records
    dataset : all records by source
    name : of the stream or table
    """
    found = dataset.records.get(name)
    return no_records(plan.streams[name]) if found is None else found


@dataclass(frozen=True, slots=True)
class RequestedRows:
    """Which rows of the spine are asked about.

    Parameters
    ----------
    spine : whose rows they are
    rows : shape (n,), their places; all in their order if None
    time, as_of : shape (n,), each one's instant, and the last place in the order of arrival that it sees
    order : shape (n,), the rows by as-of; None where they stand so
    is_own : every row is asked as of its own arrival
    """

    spine: Records
    rows: Ints | None
    time: Ints
    as_of: Ints
    order: Ints | None
    is_own: bool

    @classmethod
    def of(cls, plan: Plan, dataset: Dataset, rows: Ints | None, as_of: Ints | None) -> "RequestedRows":
        """Return the asked rows of a plan's spine.

        Parameters
        ----------
        plan : whose spine
        dataset : with the spine's records
        rows : shape (n,), places among them; all in their order if None
        as_of : shape (n,), the last place in the order of arrival that each row sees; its own if None
        """
        spine = stream_of(plan, dataset, plan.definition.spine.name)
        chosen = None if rows is None else np.asarray(rows, dtype=np.int64)
        time, position = (
            (spine.time, spine.position) if chosen is None else (spine.time[chosen], spine.position[chosen])
        )
        seen = position if as_of is None else np.asarray(as_of, dtype=np.int64)
        # Served rows come in order of arrival, and are their own order: then nothing is sorted, nor gathered by it.
        rises = bool(np.all(seen[1:] >= seen[:-1]))
        return cls(spine, chosen, time, seen, None if rises else np.argsort(seen, kind="stable"), as_of is None)

    def __len__(self) -> int:
        return len(self.time)
