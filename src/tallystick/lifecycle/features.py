"""What is computed from the records: features by every engine, and the proof that the engines agree."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tallystick.definitions.progress import Step, named_step
from tallystick.errors import EngineUnfit
from tallystick.features.engines import compute
from tallystick.features.matrix import Matrix
from tallystick.features.names import LOCAL
from tallystick.features.prove import Proof, prove, with_spark
from tallystick.features.spark import executor
from tallystick.features.spark.opening import is_address
from tallystick.features.spill import executor as spill
from tallystick.features.spill.budget import LEAST, available, bytes_in_memory
from tallystick.features.spill.executor import Written
from tallystick.features.spill.folder import sweep
from tallystick.features.sql.query import script
from tallystick.lifecycle.datasets import Datasets, Screened
from tallystick.workspace import Workspace

_END_OF_TIME = 2**62


@dataclass(frozen=True, slots=True)
class Features:
    """The features of a project's models.

    Parameters
    ----------
    workspace : where the project lies
    datasets : its records
    """

    workspace: Workspace
    datasets: Datasets

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
        sweep(self.workspace.places.spill)
        definition, dataset = (
            self.workspace.definitions.model(model),
            self.datasets.dataset(step, model=model, screened=screened),
        )
        rows = None
        if begin is not None or end is not None:
            time = dataset.records[definition.features.spine.name].time
            inside = (time >= (-_END_OF_TIME if begin is None else begin)) & (
                time < (_END_OF_TIME if end is None else end)
            )
            rows = np.flatnonzero(inside).astype(np.int64)
        on_progress = named_step(step, "features")
        return compute(engine, self.workspace.plan(definition), dataset, rows, threads=2, progress=on_progress)

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
            self.workspace.plan(self.workspace.definitions.model(model)),
            self.workspace.flags,
            self.workspace.root,
            out if is_address(out) else str(Path(out).resolve()),  # Spark's own process may stand in another folder
            now=self.workspace.clock.now(),
            master=master,
            begin=begin,
            end=end,
            max_refused_share=self.workspace.settings.data.max_refused_share,
            # Workers elsewhere cannot write into this folder: what they refuse goes beside what they make.
            quarantine=f"{out.rstrip('/')}.refused"
            if is_address(out)
            else str(self.workspace.places.quarantine.resolve()),
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
            self.workspace.plan(self.workspace.definitions.model(model)),
            self.workspace.flags,
            self.workspace.root,
            out,
            now=self.workspace.clock.now(),
            folder=self.workspace.places.spill,
            memory=memory,
            begin=begin,
            end=end,
            max_refused_share=self.workspace.settings.data.max_refused_share,
            quarantine=self.workspace.places.quarantine,
            threads=2,
            step=step,
        )

    def memory_to_take(self, model: str | None = None) -> int | None:
        """Return how many bytes a computation by parts may take here, where the whole would not fit into memory.

        Returns
        -------
        half of the memory that is free; None where all fits, where serving has begun, or where nobody can tell
        """
        plan, free = self.workspace.plan(self.workspace.definitions.model(model)), available()
        spine = self.workspace.definitions.sources.get(plan.definition.spine.name)
        if self.workspace.places.log.exists() or free is None:
            return None
        if spine is None or ":" in spine.source or not spine.source:
            return None
        needed = bytes_in_memory(plan, spill.n_stored_rows(plan, self.workspace.root))
        return max(LEAST, free // 2) if needed > free else None

    def _read_files_only(self, engine: str) -> None:
        if self.workspace.places.log.exists():
            reason = "serving has begun, so the log knows records that the sources' files do not have"
            raise EngineUnfit(engine, reason=reason)
        self.workspace.places.make()

    def features_sql(self, dialect: str = "duckdb", *, model: str | None = None) -> str:
        """Return a model's features in the SQL of "duckdb" or "spark", in the form right in any order of arrival."""
        return script(self.workspace.plan(self.workspace.definitions.model(model)), dialect)

    def prove(
        self, n_rows: int = 10_000, *, model: str | None = None, master: str | None = None, step: Step | None = None
    ) -> Proof:
        """Compute the last rows' features with every executor that is installed, and compare all bits.

        Spark is among them where its ``master`` is named, such as ``local[2]`` or ``spark://host:7077``.
        """
        plan = self.workspace.plan(self.workspace.definitions.model(model))
        executors = None if master is None else with_spark(master)
        return prove(plan, self.datasets.dataset(step, model=model), n_rows, executors=executors, step=step)
