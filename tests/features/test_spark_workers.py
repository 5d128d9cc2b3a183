"""Spark on a real master with two worker processes gives batch's bits."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tallystick.errors import SparkAway
from tallystick.features.spark import executor, session
from tallystick.features.spark.session import java

from .spark_cluster import Standalone, standalone
from .spark_here import HURRIED, end
from .spark_project import NOW, Project, generated

pytest.importorskip("pyspark", reason="pyspark, of the extra 'spark', is not installed")

SMALL = {
    "spark.driver.extraJavaOptions": HURRIED,
    "spark.driver.memory": "512m",
    "spark.executor.extraJavaOptions": HURRIED,
    "spark.executor.memory": "512m",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.shuffle.partitions": "2",
}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standalone]:
    """Start a master without workers."""
    if java() is None:
        pytest.skip("there is no Java on this machine, and Spark needs one")
    end()
    with standalone(tmp_path_factory.mktemp("cluster")) as started:
        yield started


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Write a project's files."""
    return generated(tmp_path_factory.mktemp("project"), n=500, seed=3)


def test_a_master_without_workers_is_a_sentence(
    cluster: Standalone, project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A master that has no worker to give is told after a while, rather than waited for."""
    monkeypatch.setattr(session, "WORKERS_SECONDS", 0.5)

    with pytest.raises(SparkAway, match="no worker took the work"):
        write(project, tmp_path, cluster.address)


def test_two_workers_give_the_bits_of_batch(cluster: Standalone, project: Project, tmp_path: Path) -> None:
    """Work spread over two worker processes gives the matrix of one machine, long entities cut; both took part."""
    cluster.add_workers(2)

    n_rows = write(project, tmp_path, cluster.address)

    made = project.written(tmp_path / "out")
    assert n_rows == len(made)
    assert made.ids.to_pylist() == project.wanted.ids.to_pylist()
    assert made.values.tobytes() == project.wanted.values.tobytes()
    assert made.digest == project.wanted.digest
    assert [len(list((cluster.folder / f"work{i}").glob("app-*/*"))) for i in range(2)] == [1, 1]


def write(project: Project, folder: Path, master: str) -> int:
    """Write a project's features from files that are read by the master's workers."""
    out = str(folder / "out")
    return executor.features(
        project.plan,
        project.sources,
        project.flags,
        project.root,
        out,
        now=NOW,
        master=master,
        max_refused_share=0.5,
        hot=100,
        settings=SMALL,
    ).rows
