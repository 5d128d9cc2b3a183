"""The records that checks look at: all of them, or those picked out that change no check's answer."""

from dataclasses import dataclass

from tallystick.data.records import Dataset
from tallystick.definitions.models import ModelDefinition
from tallystick.features.nearby import Wanted, nearby
from tallystick.features.plan import Plan
from tallystick.features.sampling import Bounds
from tallystick.features.spill.pieces import Pieces
from tallystick.features.table import FeatureTable
from tallystick.training.fit import Trained
from tallystick.validation.agreement import ExecutorsAgree
from tallystick.validation.leakage import RowsRebuild
from tallystick.validation.parity import OnlineEqualsBatch, draw_of


@dataclass(frozen=True, slots=True)
class AllRecords:
    """All records, in memory."""

    dataset: Dataset

    def of(self, _trained: Trained) -> tuple[Dataset, Bounds | None]:
        """Return them; how far entities are drawn can be told from them."""
        return self.dataset, None


@dataclass(frozen=True, slots=True)
class SomeRecords:
    """Those that checks look at, picked out of all.

    Parameters
    ----------
    model, plan, table : what was trained
    records : of the plan's sources, in the order of arrival
    """

    model: ModelDefinition
    plan: Plan
    table: FeatureTable
    records: Pieces

    def of(self, trained: Trained) -> tuple[Dataset, Bounds | None]:
        """Return what every check needs to answer as it would of all records, and how far entities are drawn.

        Parameters
        ----------
        trained : one of the candidates: all of one training are asked about the same rows
        """
        seed = self.model.search.seed
        rebuilt = self.table.position[RowsRebuild.rows(trained.fit, trained.test, seed)]
        draw = draw_of(self.plan, seed, OnlineEqualsBatch.n_rows)
        return nearby(self.plan, self.records, Wanted(rebuilt, ExecutorsAgree.n_rows, draw))
