"""What is computed from the records: features by every engine, and the proof that the engines agree."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tallystick.definitions.progress import Step, named_step
from tallystick.features.engine_names import LOCAL
from tallystick.features.engines import compute
from tallystick.features.prove import ParityProof, prove, with_spark
from tallystick.features.spark import executor
from tallystick.features.spark.opening import is_address
from tallystick.features.spill import executor as spill
from tallystick.features.spill.budget import LEAST, available_memory, bytes_in_memory
from tallystick.features.spill.executor import SpillResult
from tallystick.features.spill.folder import sweep
from tallystick.features.spill.sources import SourceFiles
from tallystick.features.sql.query import script
from tallystick.features.table import FeatureTable
from tallystick.features.table_file import Header
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
    ) -> FeatureTable:
        """Compute the table of the records with begin <= time < end, each as it would have been served.

        Parameters
        ----------
        begin, end : microseconds since 1970 UTC; without a bound where None
        model : whose features, where a project declares several
        engine : the executor, "batch" or "duckdb"; which one changes no bit
        step : called with how far it is
        screened : called with what came of each source, where their files are read
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
    ) -> Header:
        """Compute the features with Spark and write their table as a folder of Parquet files.

        Until serving begins, Spark reads the sources themselves. Then the log and its history are written once for it
        into a folder below the project's, which workers elsewhere must see.

        Parameters
        ----------
        out : a new folder for Parquet files, or an address such as ``s3a://bank/features``
        begin, end, model, step : as for ``features``
        master : Spark's, such as ``local[2]`` or ``spark://host:7077``
        """
        workspace = self.workspace
        plan = workspace.plan(workspace.definitions.model(model))
        place = out if is_address(out) else str(Path(out).resolve())  # Spark's own process may stand in another folder
        if workspace.places.log.exists():
            with self.datasets.pieces(model, memory=LEAST, step=step) as records:
                return executor.features_of(
                    plan,
                    records,
                    place,
                    folder=workspace.places.spill.resolve(),
                    master=master,
                    begin=begin,
                    end=end,
                    progress=step,
                )
        workspace.places.make()
        return executor.features(
            plan,
            workspace.definitions.sources.values(),
            workspace.flags,
            workspace.root,
            place,
            now=workspace.clock.now(),
            master=master,
            begin=begin,
            end=end,
            max_refused_share=workspace.settings.data.max_refused_share,
            # Workers elsewhere cannot write into this folder: what they refuse goes beside what they make.
            quarantine=f"{out.rstrip('/')}.refused" if is_address(out) else str(workspace.places.quarantine.resolve()),
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
        screened: Screened | None = None,
    ) -> SpillResult:
        """Compute the features and write their table to a Parquet file, with little in memory at a time.

        Parameters
        ----------
        out : the file; it is there whole or not at all
        begin, end, model, step, screened : as for ``features``
        memory : how many bytes that may take
        """
        with self.datasets.pieces(model, memory=memory, step=step) as records:
            made = spill.features(
                self.workspace.plan(self.workspace.definitions.model(model)),
                records,
                out,
                folder=self.workspace.places.spill,
                memory=memory,
                begin=begin,
                end=end,
                threads=2,
                step=step,
            )
            if screened is not None and isinstance(records, SourceFiles):
                screened(records.screenings)
            return made

    def memory_to_take(self, model: str | None = None) -> int | None:
        """Return how many bytes a computation by parts may take here, where the whole would not fit into memory.

        Returns
        -------
        half of the memory that is free; None where all fits, or where nobody can tell
        """
        plan, free = self.workspace.plan(self.workspace.definitions.model(model)), available_memory()
        if free is None:
            return None
        return max(LEAST, free // 2) if bytes_in_memory(plan, self.datasets.n_spine_rows(model)) > free else None

    def features_sql(self, dialect: str = "duckdb", *, model: str | None = None) -> str:
        """Return a model's features in the SQL of "duckdb" or "spark", in the form right in any order of arrival.

        Parameters
        ----------
        dialect : "duckdb" or "spark"
        model : whose features, where a project declares several
        """
        return script(self.workspace.plan(self.workspace.definitions.model(model)), dialect)

    def prove(
        self, n_rows: int = 10_000, *, model: str | None = None, master: str | None = None, step: Step | None = None
    ) -> ParityProof:
        """Compute the last rows' features with every executor that is installed, and compare all bits.

        Parameters
        ----------
        n_rows : how many of the last records
        model : whose features, where a project declares several
        master : Spark's, such as ``local[2]`` or ``spark://host:7077``; Spark is compared only where it is named
        step : called with how far it is
        """
        plan = self.workspace.plan(self.workspace.definitions.model(model))
        executors = None if master is None else with_spark(master)
        return prove(plan, self.datasets.dataset(step, model=model), n_rows, executors=executors, step=step)
