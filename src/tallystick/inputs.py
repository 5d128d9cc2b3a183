"""What models are made from: the records a project knows, the features of them, and the proof of those."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from tallystick.data.read import Reading, Screening, read
from tallystick.data.records import Dataset
from tallystick.definitions.describe import Description
from tallystick.definitions.expressions import Flagged
from tallystick.definitions.lineage import Lineage, lineage
from tallystick.definitions.models import ModelDefinition
from tallystick.definitions.progress import Step
from tallystick.errors import EngineUnfit
from tallystick.features.engines import compute
from tallystick.features.matrix import Matrix
from tallystick.features.plan import Plan
from tallystick.features.prove import Proof, prove, with_spark
from tallystick.features.spark import executor
from tallystick.features.spark.opening import is_address
from tallystick.features.spark.session import LOCAL
from tallystick.features.spill import executor as spill
from tallystick.features.spill.budget import LEAST, available, bytes_in_memory
from tallystick.features.spill.executor import Written
from tallystick.features.spill.folder import sweep
from tallystick.features.sql.query import script
from tallystick.ground import Ground
from tallystick.log.opening import open_log
from tallystick.replay.fold import fold
from tallystick.serving import anchoring

NOW_ON = 2**62

Screened = Callable[[dict[str, Screening]], None]
"""OnProgress what came of each source when it was read."""


class Inputs(Ground):
    """A project's folder, and what can be computed from its records alone."""

    def read(self, step: Step | None = None) -> Reading:
        """Read, screen and number the history that the sources name; refused rows go to quarantine."""
        self.places.make()
        return read(
            self.definitions.sources,
            self._flags,
            self.root,
            now=self.clock.now(),
            max_refused_share=self.settings.data.max_refused_share,
            quarantine_dir=self.places.quarantine,
            progress=step,
        )

    def dataset(
        self, step: Step | None = None, *, model: str | None = None, screened: Screened | None = None
    ) -> Dataset:
        """Return everything that is known: the sources' history until serving began, then what the log holds.

        Once there is a log, it is read as a model's features and label need it. Until then ``screened`` is told what
        came of each source.
        """
        if not self.places.log.exists():
            reading = self.read(step)
            if screened is not None:
                screened(reading.screenings)
            return reading.dataset
        with open_log(self.places.log) as log:
            anchoring.verify(log, self.ledger)
            return fold(log, self.plan(self.definitions.model(model)), until=NOW_ON)

    def plan(self, model: ModelDefinition) -> Plan:
        """Return the plan of a model's features, with the sources it and its label need."""
        needed = {*model.features.sources, model.label.flagged.by}
        sources = tuple(source for name, source in self.definitions.sources.items() if name in needed)
        return Plan(model.features, sources)

    def features(
        self,
        begin: int | None = None,
        end: int | None = None,
        *,
        model: str | None = None,
        engine: str = "batch",
        step: Step | None = None,
        screened: Screened | None = None,
    ) -> Matrix:
        """Compute the matrix of the records with begin <= time < end, each as it would have been served.

        Parameters
        ----------
        begin, end : microseconds since 1970 UTC; without a bound where None
        model : whose features, where a project declares several
        engine : the executor, "batch" or "duckdb"; which one changes no bit
        step : told how far it is
        screened : told what came of each source, where their files are read
        """
        sweep(self.places.spill)
        definition, dataset = self.definitions.model(model), self.dataset(step, model=model, screened=screened)
        rows = None
        if begin is not None or end is not None:
            time = dataset.records[definition.features.spine.name].time
            inside = (time >= (-NOW_ON if begin is None else begin)) & (time < (NOW_ON if end is None else end))
            rows = np.flatnonzero(inside).astype(np.int64)
        on_progress = named_step(step, "features")
        return compute(engine, self.plan(definition), dataset, rows, threads=2, progress=on_progress)

    def features_with_spark(
        self,
        out: str,
        begin: int | None = None,
        end: int | None = None,
        *,
        model: str | None = None,
        master: str = LOCAL,
        step: Step | None = None,
    ) -> int:
        """Read the sources, compute the matrix and write it with Spark; return how many rows were written.

        Parameters
        ----------
        out : a new folder for Parquet files, or an address such as ``s3a://bank/features``
        begin, end, model, step : as for ``features``
        master : Spark's, such as ``local[2]`` or ``spark://host:7077``

        Raises
        ------
        EngineUnfit
            If serving has begun: from then on the log knows more than the sources' files.
        """
        self._read_files_only("spark")
        return executor.features(
            self.plan(self.definitions.model(model)),
            self._flags,
            self.root,
            out if is_address(out) else str(Path(out).resolve()),  # Spark's own process may stand in another folder
            now=self.clock.now(),
            master=master,
            begin=begin,
            end=end,
            max_refused_share=self.settings.data.max_refused_share,
            # Workers elsewhere cannot write into this folder: what they refuse goes beside what they make.
            quarantine=f"{out.rstrip('/')}.refused" if is_address(out) else str(self.places.quarantine.resolve()),
            progress=step,
        )

    def features_in_parts(
        self,
        out: Path,
        begin: int | None = None,
        end: int | None = None,
        *,
        model: str | None = None,
        memory: int,
        step: Step | None = None,
    ) -> Written:
        """Read the sources, compute the matrix and write it to a Parquet file, with little in memory at a time.

        Parameters
        ----------
        out : the file; it is there whole or not at all
        begin, end, model, step : as for ``features``
        memory : how many bytes that may take

        Raises
        ------
        EngineUnfit
            If serving has begun: from then on the log knows more than the sources' files.
        """
        self._read_files_only("batch with --memory")
        return spill.features(
            self.plan(self.definitions.model(model)),
            self._flags,
            self.root,
            out,
            now=self.clock.now(),
            folder=self.places.spill,
            memory=memory,
            begin=begin,
            end=end,
            max_refused_share=self.settings.data.max_refused_share,
            quarantine=self.places.quarantine,
            threads=2,
            step=step,
        )

    def memory_to_take(self, model: str | None = None) -> int | None:
        """Return how many bytes a computation by parts may take here, where the whole would not fit into memory.

        Returns
        -------
        half of the memory that is free; None where all fits, where serving has begun, or where nobody can tell
        """
        plan, free = self.plan(self.definitions.model(model)), available()
        spine = self.definitions.sources.get(plan.definition.spine.name)
        if self.places.log.exists() or free is None or spine is None or ":" in spine.source or not spine.source:
            return None
        needed = bytes_in_memory(plan, spill.n_stored_rows(plan, self.root))
        return max(LEAST, free // 2) if needed > free else None

    def _read_files_only(self, engine: str) -> None:
        if self.places.log.exists():
            reason = "serving has begun, so the log knows records that the sources' files do not have"
            raise EngineUnfit(engine, reason=reason)
        self.places.make()

    @property
    def _flags(self) -> list[Flagged]:
        """Every flag of the project: they say when outcomes of tables became known."""
        models = self.definitions.models.values()
        sets = [*self.definitions.feature_sets.values(), *(model.features for model in models)]
        return [flag for s in sets for flag in s.flags] + [model.label.flagged for model in models]

    def describe(self, *, model: str | None = None) -> Description:
        """Return what each feature of a model means in words, its inputs, windows, unit and cost."""
        return self.definitions.model(model).features.describe(self.definitions.sources)

    def lineage(self, *, model: str | None = None) -> Lineage:
        """Return the columns, streams and files that a model's features, label and policy come from."""
        return lineage(self.definitions.model(model), self.definitions.sources)

    def features_sql(self, dialect: str = "duckdb", *, model: str | None = None) -> str:
        """Return a model's features in the SQL of "duckdb" or "spark", in the form right in any order of arrival."""
        return script(self.plan(self.definitions.model(model)), dialect)

    def prove(
        self, n_rows: int = 10_000, *, model: str | None = None, master: str | None = None, step: Step | None = None
    ) -> Proof:
        """Compute the last rows' features with every executor that is installed, and compare all bits.

        Spark is among them where its ``master`` is named, such as ``local[2]`` or ``spark://host:7077``.
        """
        plan = self.plan(self.definitions.model(model))
        executors = None if master is None else with_spark(master)
        return prove(plan, self.dataset(step, model=model), n_rows, executors=executors, step=step)


def named_step(step: Step | None, stage: str) -> Callable[[int, int], None] | None:
    """Return what a stage tells its progress to, under its name."""
    return None if step is None else lambda done, total: step(stage, done, total)
