"""What training needs to know of a table's rows beside their features: labels, amounts, and what they are facts of."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from tallystick.data.fingerprint import Fingerprint
from tallystick.data.records import Dataset, FixedPoint, Records, value_fields
from tallystick.definitions.models import ModelDefinition
from tallystick.definitions.streams import StreamDefinition
from tallystick.errors import RowsMismatched
from tallystick.features.plan import Plan
from tallystick.features.table import FeatureTable, Origin
from tallystick.scoring.policy import cost_fields
from tallystick.training.labels import Labels, Reports, counting, data_ends_at, first_known


@dataclass(frozen=True, slots=True)
class RowFacts:
    """Facts of a table's rows, in their order, read from the records that the table was made from.

    Parameters
    ----------
    plan : the plan of the table's features
    origin : its digest, and the fingerprint of the records that were read
    labels : when each row happened, and when it became known as flagged
    amounts : the spine's numbers that the policy's costs need, by field
    ends_at : the instant the data ends
    """

    plan: Plan
    origin: Origin
    labels: Labels
    amounts: dict[str, FixedPoint]
    ends_at: int

    @classmethod
    def of(cls, model: ModelDefinition, plan: Plan, table: FeatureTable, dataset: Dataset) -> "RowFacts":
        """Return the facts of a table's rows from records in memory.

        Parameters
        ----------
        model : whose label and policy say what is needed
        plan : the model's features
        table : whose rows
        dataset : the records of the plan's sources
        """
        facts = _Facts(model, table)
        facts.add(dataset)
        return facts.finish(plan, Origin.of(plan, dataset.fingerprint))

    @classmethod
    def read(cls, model: ModelDefinition, plan: Plan, table: FeatureTable, pieces: Iterable[Dataset]) -> "RowFacts":
        """Return them from records that come piece by piece in the order of arrival; no more than one is held.

        Parameters
        ----------
        model, plan, table : as for ``of``
        pieces : the records of all sources, of which the plan's are looked at

        Raises
        ------
        TableOfOtherPlan, TableOfOtherData
            If the table was made by another plan, or from other records than these.
        """
        facts, seen = _Facts(model, table), Fingerprint(plan.sources)
        for piece in pieces:
            facts.add(piece)
            seen.add(piece.records)
        origin = Origin.of(plan, seen.hexdigest())
        table.origin.require(origin)
        return facts.finish(plan, origin)


class _Facts:
    """What was found so far."""

    def __init__(self, model: ModelDefinition, table: FeatureTable) -> None:
        self._model, self._table = model, table
        self._amounts = {name: _unknown(model.features.spine, name, len(table)) for name in cost_fields(model.policy)}
        self._reports: list[Reports] = []
        self._ends_at = self._n = 0

    def add(self, piece: Dataset) -> None:
        flagged, spine = self._model.label.flagged, piece.records.get(self._model.features.spine.name)
        self._ends_at = max(self._ends_at, data_ends_at(piece))
        if flagged.by in piece.records:
            self._reports.append(counting(piece.records[flagged.by], flagged))
        if spine is not None and len(spine):
            self._add_rows(spine)

    def _add_rows(self, spine: Records) -> None:
        wanted = self._table.position
        place = np.minimum(np.searchsorted(spine.position, wanted), len(spine) - 1)
        rows = np.flatnonzero(spine.position[place] == wanted)
        self._n += len(rows)
        for name, amounts in self._amounts.items():
            column, at = spine.values[name], place[rows]
            amounts.values[rows], amounts.missing[rows] = column.values[at], column.missing[at]

    def finish(self, plan: Plan, origin: Origin) -> RowFacts:
        """Return the facts of all rows.

        Parameters
        ----------
        plan : of the table's features
        origin : its digest, and the fingerprint of all records that came

        Raises
        ------
        RowsMismatched
            If records did not come that the table has rows of.
        """
        table, label = self._table, self._model.label
        if self._n != len(table):
            raise RowsMismatched("the records of the table's rows", found=self._n, wanted=len(table))
        known = first_known(self._reports, label.flagged, table.ids, table.time)
        return RowFacts(plan, origin, Labels(table.time, known, label.matures_after_us), self._amounts, self._ends_at)


def _unknown(spine: StreamDefinition, field: str, n: int) -> FixedPoint:
    """Return a column in which nothing is known yet."""
    return FixedPoint(np.zeros(n, np.int64), np.ones(n, np.bool_), value_fields(spine)[field].decimals)
