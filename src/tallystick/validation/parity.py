"""V5xx: whether what will be served is what was validated."""

import tempfile
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from tallystick.data.records import Dataset
from tallystick.definitions.expressions import Aggregate, AnyExpr, subexpressions
from tallystick.features.entities import Entities
from tallystick.features.online.arrivals import arrivals
from tallystick.features.online.executor import Online
from tallystick.features.plan import Plan
from tallystick.features.sampling import Bounds, Draw
from tallystick.features.state.lmdb import LmdbStore
from tallystick.features.visibility import seen_by
from tallystick.scoring.session import Session
from tallystick.training.fit import PARITY_ROWS
from tallystick.validation.check import Question, found, not_applicable
from tallystick.validation.finding import Finding
from tallystick.validation.leakage import same_bits

Ints = NDArray[np.int64]
_GROUP = 100  # records of one transaction


class OnlineEqualsBatch:
    """Ask whether the online executor gives 10,000 real records the features the table holds, bit for bit.

    Some entities of every key are drawn with the model's seed, and all their records are played, with all that is
    said of them and all that they look up, one by one in order of arrival, through a real state on disk. A feature of
    a record is compared where all entities whose records it is among were drawn: only those have their whole history.
    """

    code: ClassVar[str] = "V501"
    title: ClassVar[str] = "online equals batch"
    n_rows: ClassVar[int] = 10_000

    def ask(self, question: Question) -> Finding:
        """Play the records and compare their features."""
        table, sources = question.table, tuple(found.source for found in question.dataset.records.values())
        plan = Plan(question.model.features, sources)
        draws = draw_of(plan, question.model.search.seed, self.n_rows)
        drawn = draw(plan, question.dataset, draws, question.bounds)
        place = np.searchsorted(table.position, drawn.position)
        is_there = (place < len(table)) & (table.position[np.minimum(place, len(table) - 1)] == drawn.position)
        if not is_there.any():
            return not_applicable(self, "none of the records drawn has a row in the table")
        served = _played(plan, question.dataset, drawn)[is_there]
        stored, comparable = table.values[place[is_there]], drawn.comparable[is_there]
        wrong = np.argwhere(comparable & ~same_bits(stored, served))
        n_rows, n_cells = int(is_there.sum()), int(comparable.sum())
        reason = f"{n_cells} features of {n_rows} records are equal, bit for bit"
        if len(wrong):
            row, column = wrong[0]
            name = table.ids[int(place[is_there][row])].as_py()
            reason = (
                f"{len(wrong)} of {n_cells} features of {n_rows} records differ; the first is {table.names[column]} "
                f"of {name}: {served[row, column]} online, {stored[row, column]} in batch"
            )
        return found(
            self, passes=not len(wrong), reason=reason, n_rows=n_rows, n_features=n_cells, n_different=len(wrong)
        )


class ScoresAsItsFramework:
    """Ask whether the model file scores as the framework that fitted it, and gives again the scores validated here.

    Training compared both on at least 100,000 rows (or all there are), by the strictest standard that the family can
    hold (``Parity``), and recorded what it found. Here 1,000 rows of the test part are scored once more by the file and
    must have equal bits.
    """

    code: ClassVar[str] = "V502"
    title: ClassVar[str] = "the model file scores as its framework"
    n_rows: ClassVar[int] = 1_000

    def ask(self, question: Question) -> Finding:
        """Look at the recorded proof, and score again."""
        proof, test = question.candidate.record.parity, question.test
        wanted = min(PARITY_ROWS, len(question.table))
        rows = test.rows[: self.n_rows]
        raw, scores = Session.load(question.candidate.model).many(question.table.values[rows])
        repeated = same_bits(raw, test.raw[: len(rows)]) & same_bits(scores, test.scores[: len(rows)])
        passes = proof.holds and proof.n_rows >= wanted and bool(repeated.all())
        reason = (
            f"{proof.sentence}; {wanted} rows were wanted; {int(repeated.sum())} of {len(rows)} rows scored again have "
            "the same bits"
        )
        figures = {"n_rows": proof.n_rows, "largest": proof.largest, "n_equal": proof.n_equal, "allowed": proof.allowed}
        return found(self, passes=passes, reason=reason, **figures, n_recomputed=len(rows), n_same=int(repeated.sum()))


@dataclass(frozen=True, slots=True)
class Drawn:
    """Records of the spine whose entities, or some of them, have their whole history among them.

    Parameters
    ----------
    rows : positions among the spine's records, rising
    position : their places in the order of arrival
    comparable : shape (rows, features): whether all entities a feature looks at were drawn
    """

    rows: Ints
    position: Ints
    comparable: NDArray[np.bool_]


def draw(plan: Plan, dataset: Dataset, draws: Draw, bounds: Bounds | None = None) -> Drawn:
    """Draw entities of the spine at random until their records are enough, or all there are.

    Where one entity alone has far more, only the beginning is kept: what arrived later changes nothing before it.
    Where no feature aggregates the spine itself, records of any entities are drawn.

    Parameters
    ----------
    plan : whose features look at entities
    dataset : what is drawn from: the records, at least those of entities that are drawn
    draws : which entities
    bounds : how far they are drawn, where the dataset has not all records to tell it by
    """
    spine = dataset.records[plan.definition.spine.name]
    bounds = draws.bounds_of(spine) if bounds is None else bounds
    rows = draws.rows(spine, bounds)
    marks = dict(zip(draws.keys, draws.is_drawn(spine, bounds), strict=True))
    used = [keys for keys in draws.keys if keys in {g.keys for g in plan.groups if g.stream == spine.source.name}]
    entities = {keys: Entities.of(spine, keys) for keys in used}
    whole = {keys: _whole(found, marks[keys]) for keys, found in entities.items()}
    is_whole = np.ones((len(rows), len(plan.names)), np.bool_)
    for column, expr in enumerate(plan.definition.features.values()):
        for keys, at in _requested(expr, spine.source.name):
            is_whole[:, column] &= whole[keys][entities[keys].requested(spine, at, rows)]
    return Drawn(rows, spine.position[rows], is_whole)


def draw_of(plan: Plan, seed: int, n_rows: int) -> Draw:
    """Return which entities are drawn for a plan: for each key that its features aggregate the spine by, or its ids.

    Parameters
    ----------
    plan : whose features look at entities
    seed : the same one draws the same entities, whatever the order of records
    n_rows : about how many records the entities should have between them
    """
    spine = plan.definition.spine
    used = sorted({group.keys for group in plan.groups if group.stream == spine.name})
    return Draw(tuple(used) or ((spine.id,),), n_rows, seed)


def _requested(expr: AnyExpr, spine: str) -> set[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Return the spine's own entities that an expression looks at: their keys, and who names them."""
    aggregates = [part for part in subexpressions(expr) if isinstance(part, Aggregate) and part.stream == spine]
    return {(part.keys, tuple(key.field for key in part.at) or part.keys) for part in aggregates}


def _whole(entities: Entities, is_drawn: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return whose history is whole: who was drawn, and who has no record; so has, as code -1, nobody."""
    counts = np.bincount(entities.codes[entities.codes >= 0], minlength=entities.n)
    found = np.append(counts == 0, True)
    found[entities.codes[is_drawn]] = True
    return found


def _played(plan: Plan, dataset: Dataset, drawn: Drawn) -> NDArray[np.float64]:
    arriving, asking = arrivals(_of(plan, dataset, drawn)), frozenset(drawn.position.tolist())
    vectors = []
    with tempfile.TemporaryDirectory(prefix="tallystick-parity-") as folder:
        store = LmdbStore(Path(folder) / "state")
        try:
            online = Online(plan, store)
            while group := list(islice(arriving, _GROUP)):
                with online.transaction() as transaction:
                    for position, record in group:
                        transaction.append(record, position)
                        if position in asking:
                            vectors.append(transaction.vector(record, position))
                    transaction.commit(group[-1][0])
        finally:
            store.close()
    return np.array(vectors, dtype=np.float64)


def _of(plan: Plan, dataset: Dataset, drawn: Drawn) -> Dataset:
    """Return the records drawn and all that they see, as far as it arrived before the last one."""
    others = [group for group in plan.groups if group.stream != plan.definition.spine.name]
    seen, last = seen_by(plan, dataset, drawn.rows, others), int(drawn.position[-1])
    kept = {name: found.taken(np.flatnonzero(found.position <= last)) for name, found in seen.records.items()}
    return replace(seen, records=kept)
