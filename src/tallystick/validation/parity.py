"""V5xx: whether what will be served is what was validated."""

import tempfile
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from tallystick.data.records import Dataset
from tallystick.definitions.expressions import Aggregate, AnyExpr, parts
from tallystick.features.entities import Entities
from tallystick.features.online.arrivals import arrivals
from tallystick.features.online.executor import Online
from tallystick.features.plan import Plan
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
    """Ask whether the online executor gives 10,000 real records the features the matrix holds, bit for bit.

    Some entities of every key are drawn with the model's seed, and all their records are played, with all that is
    said of them and all that they look up, one by one in order of arrival, through a real state on disk. A feature of
    a record is compared where all entities whose records it is among were drawn: only those have their whole history.
    """

    code: ClassVar[str] = "V501"
    title: ClassVar[str] = "online equals batch"
    n_rows: ClassVar[int] = 10_000

    def ask(self, question: Question) -> Finding:
        """Play the records and compare their features."""
        matrix, sources = question.matrix, tuple(found.source for found in question.dataset.records.values())
        plan = Plan(question.model.features, sources)
        drawn = draw(plan, question.dataset, n_rows=self.n_rows, seed=question.model.search.seed)
        place = np.searchsorted(matrix.position, drawn.position)
        is_there = (place < len(matrix)) & (matrix.position[np.minimum(place, len(matrix) - 1)] == drawn.position)
        if not is_there.any():
            return not_applicable(self, "none of the records drawn has a row in the matrix")
        served = _played(plan, question.dataset, drawn)[is_there]
        stored, comparable = matrix.values[place[is_there]], drawn.comparable[is_there]
        wrong = np.argwhere(comparable & ~same_bits(stored, served))
        n_rows, n_cells = int(is_there.sum()), int(comparable.sum())
        reason = f"{n_cells} features of {n_rows} records are equal, bit for bit"
        if len(wrong):
            row, column = wrong[0]
            name = matrix.ids[int(place[is_there][row])].as_py()
            reason = (
                f"{len(wrong)} of {n_cells} features of {n_rows} records differ; the first is {matrix.names[column]} "
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
        wanted = min(PARITY_ROWS, len(question.matrix))
        rows = test.rows[: self.n_rows]
        raw, scores = Session.load(question.candidate.model).many(question.matrix.values[rows])
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


def draw(plan: Plan, dataset: Dataset, *, n_rows: int, seed: int) -> Drawn:
    """Draw entities of the spine at random until their records are at least ``n_rows``, or all there are.

    Where one entity alone has far more, only the beginning is kept: what arrived later changes nothing before it.
    Where no feature aggregates the spine itself, records of any entities are drawn.

    Parameters
    ----------
    plan : whose features look at entities
    dataset : what is drawn from
    n_rows : how many records of the spine are wanted, at least
    seed : of what is drawn
    """
    spine, chance = dataset.records[plan.definition.spine.name], np.random.default_rng(seed)
    used = sorted({group.keys for group in plan.groups if group.stream == spine.source.name})
    entities = {keys: Entities.of(spine, keys) for keys in used}
    drawn = {keys: _drawn(found, -(-n_rows // len(used)), chance) for keys, found in entities.items()}
    if used:
        rows = np.flatnonzero(np.any([drawn[keys][entities[keys].codes] for keys in used], axis=0))[: 3 * n_rows]
    else:
        rows = np.sort(chance.permutation(len(spine))[:n_rows])
    # Who asks about no entity, or one without a record, lacks nothing of its history.
    is_whole = np.ones((len(rows), len(plan.names)), np.bool_)
    for column, expr in enumerate(plan.definition.features.values()):
        for keys, at in _requested(expr, spine.source.name):
            requested = entities[keys].requested(spine, at, rows)
            is_whole[:, column] &= drawn[keys][requested] | (requested < 0)
    return Drawn(rows, spine.position[rows], is_whole)


def _requested(expr: AnyExpr, spine: str) -> set[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Return the spine's own entities that an expression looks at: their keys, and who names them."""
    aggregates = [part for part in parts(expr) if isinstance(part, Aggregate) and part.stream == spine]
    return {(part.keys, tuple(key.field for key in part.at) or part.keys) for part in aggregates}


def _drawn(entities: Entities, wanted: int, chance: np.random.Generator) -> NDArray[np.bool_]:
    """Return which entities are drawn; one more, for code -1, is not."""
    n_records = np.bincount(entities.codes[entities.codes >= 0], minlength=entities.n)
    order = chance.permutation(len(n_records))
    enough = int(np.searchsorted(np.cumsum(n_records[order]), wanted)) + 1
    is_drawn = np.zeros(len(n_records) + 1, dtype=np.bool_)
    is_drawn[order[:enough]] = True
    return is_drawn


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
