"""V5xx: whether what will be served is what was validated."""

import tempfile
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tallystick.data.records import Dataset, Fixed, Keys, Records
from tallystick.definitions.expressions import Aggregate, AnyExpr, parts
from tallystick.definitions.features import FeatureDefinition
from tallystick.features.arrivals import arrivals
from tallystick.features.online import Online
from tallystick.features.plan import Plan
from tallystick.features.state.lmdb import LmdbStore
from tallystick.scoring.session import Session
from tallystick.training.fit import PARITY_ROWS
from tallystick.validation.check import Question, found, not_applicable
from tallystick.validation.finding import Finding
from tallystick.validation.leakage import same_bits

Ints = NDArray[np.int64]
_GROUP = 100  # records of one transaction


class OnlineEqualsBatch:
    """Ask whether the online executor gives 10,000 real records the features the matrix holds, bit for bit.

    Some entities of every key are drawn with the model's seed, and all their records and reports are played, one by
    one in order of arrival, through a real state on disk. A feature of a record is compared where all of its
    entities were drawn, because only those have their whole history there.
    """

    code: ClassVar[str] = "V501"
    title: ClassVar[str] = "online equals batch"
    n_rows: ClassVar[int] = 10_000

    def ask(self, question: Question) -> Finding:
        """Play the records and compare their features."""
        definition, matrix = question.model.features, question.matrix
        drawn = draw(definition, question.dataset, n_rows=self.n_rows, seed=question.model.search.seed)
        place = np.searchsorted(matrix.seq, drawn.seq)
        is_there = (place < len(matrix)) & (matrix.seq[np.minimum(place, len(matrix) - 1)] == drawn.seq)
        if not is_there.any():
            return not_applicable(self, "none of the records drawn has a row in the matrix")
        served = _played(definition, question.dataset, drawn)[is_there]
        stored, comparable = matrix.values[place[is_there]], drawn.comparable[is_there]
        wrong = np.argwhere(comparable & ~same_bits(stored, served))
        n_rows, n_cells = int(is_there.sum()), int(comparable.sum())
        because = f"{n_cells} features of {n_rows} records are equal, bit for bit"
        if len(wrong):
            row, column = wrong[0]
            name = matrix.ids[int(place[is_there][row])].as_py()
            because = (
                f"{len(wrong)} of {n_cells} features of {n_rows} records differ; the first is {matrix.names[column]} "
                f"of {name}: {served[row, column]} online, {stored[row, column]} in batch"
            )
        return found(
            self, passes=not len(wrong), because=because, n_rows=n_rows, n_features=n_cells, n_different=len(wrong)
        )


class ScoresAsItsFramework:
    """Ask whether the model file scores as the framework that fitted it, and gives again the scores validated here.

    Training compared both on at least 100,000 rows (or all there are) and recorded the largest difference of a raw
    score; 1e-9 is allowed. Here 1,000 rows of the test part are scored once more by the file and must have equal bits.
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
        again = same_bits(raw, test.raw[: len(rows)]) & same_bits(scores, test.scores[: len(rows)])
        passes = proof.largest <= proof.allowed and proof.n_rows >= wanted and bool(again.all())
        because = (
            f"raw scores of {proof.n_rows} rows (wanted {wanted}) differ by {proof.largest:.3g} at most, "
            f"{proof.allowed:.0e} is allowed; {int(again.sum())} of {len(rows)} rows scored again have the same bits"
        )
        figures = {"n_rows": proof.n_rows, "largest": proof.largest, "n_equal": proof.n_equal}
        return found(self, passes=passes, because=because, **figures, n_again=len(rows), n_same=int(again.sum()))


@dataclass(frozen=True, slots=True)
class Drawn:
    """Records of the spine whose entities, or some of them, have their whole history among them.

    Parameters
    ----------
    rows : positions among the spine's records, rising
    seq : their places in the order of arrival
    comparable : shape (rows, features): whether all entities a feature looks at were drawn
    """

    rows: Ints
    seq: Ints
    comparable: NDArray[np.bool_]


def draw(definition: FeatureDefinition, dataset: Dataset, *, n_rows: int, seed: int) -> Drawn:
    """Draw entities of every key at random until their records are at least ``n_rows``, or all there are.

    Where one entity alone has far more, only the beginning is kept: what arrived later changes nothing before it.
    """
    spine, chance = dataset.records[definition.spine.name], np.random.default_rng(seed)
    asked = {name: _keys(expr) for name, expr in definition.features.items()}
    used = sorted({key for keys in asked.values() for key in keys})
    drawn = {key: _entities(spine.keys[key], -(-n_rows // len(used)), chance) for key in used}
    every = np.ones(len(spine), dtype=np.bool_)
    rows = np.flatnonzero(np.any(list(drawn.values()), axis=0) if used else every)[: 3 * n_rows]
    # A record without a key belongs to no entity: nothing of its history can be lacking.
    whole = {key: (is_drawn | (spine.keys[key].codes < 0))[rows] for key, is_drawn in drawn.items()}
    columns = [np.all([every[rows], *(whole[key] for key in keys)], axis=0) for keys in asked.values()]
    return Drawn(rows, spine.seq[rows], np.column_stack(columns))


def _keys(expr: AnyExpr) -> set[str]:
    return {part.key for part in parts(expr) if isinstance(part, Aggregate)}


def _entities(keys: Keys, wanted: int, chance: np.random.Generator) -> NDArray[np.bool_]:
    """Return which records belong to one of the entities drawn."""
    n_records = np.bincount(keys.codes[keys.codes >= 0], minlength=len(keys.names))
    order = chance.permutation(len(n_records))
    enough = int(np.searchsorted(np.cumsum(n_records[order]), wanted)) + 1
    is_drawn = np.zeros(len(n_records) + 1, dtype=np.bool_)
    is_drawn[order[:enough]] = True
    return np.asarray(is_drawn[keys.codes])


def _played(definition: FeatureDefinition, dataset: Dataset, drawn: Drawn) -> NDArray[np.float64]:
    arriving, spine = arrivals(_of(definition, dataset, drawn)), definition.spine.name
    vectors = []
    with tempfile.TemporaryDirectory(prefix="tallystick-parity-") as folder:
        store = LmdbStore(Path(folder) / "state")
        try:
            online = Online(Plan(definition, tuple(r.source for r in dataset.records.values())), store)
            while group := list(islice(arriving, _GROUP)):
                with online.transaction() as transaction:
                    for seq, record in group:
                        transaction.append(record, seq)
                        if record.stream == spine:
                            vectors.append(transaction.vector(record, seq))
                    transaction.commit(group[-1][0])
        finally:
            store.close()
    return np.array(vectors, dtype=np.float64)


def _of(definition: FeatureDefinition, dataset: Dataset, drawn: Drawn) -> Dataset:
    """Return the records drawn, and the reports about them that arrived before the last one."""
    spine, last = dataset.records[definition.spine.name], int(drawn.seq[-1])
    ids = spine.ids.take(pa.array(drawn.rows))
    kept = {spine.source.name: _taken(spine, drawn.rows)}
    for flag in definition.flags:
        reports = dataset.records[flag.by]
        about = _about(reports, flag.on, ids)
        kept[flag.by] = _taken(reports, about[reports.seq[about] <= last])
    return replace(dataset, records=kept)


def _about(reports: Records, on: str, ids: pa.Array) -> Ints:
    if on not in reports.keys:
        return np.flatnonzero(pc.is_in(reports.ids, value_set=ids).to_numpy(zero_copy_only=False))
    keys = reports.keys[on]
    is_named = np.append(pc.is_in(keys.names, value_set=ids).to_numpy(zero_copy_only=False), False)
    return np.flatnonzero(is_named[keys.codes])


def _taken(records: Records, rows: Ints) -> Records:
    return Records(
        records.source,
        records.seq[rows],
        records.time[rows],
        records.ids.take(pa.array(rows)),
        {name: Keys(column.codes[rows], column.names) for name, column in records.keys.items()},
        {name: Fixed(c.values[rows], c.missing[rows], c.decimals) for name, c in records.values.items()},
    )
