"""Training from feature tables: whichever engine wrote one, the candidate is the same; other tables are refused."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tallystick import lifecycle
from tallystick.cli.main import main
from tallystick.definitions.clock import SettableClock
from tallystick.definitions.durations import DAY_US
from tallystick.features import table_file
from tallystick.features.spark.session import java, session
from tallystick.features.spill.budget import LEAST
from tallystick.journal.history import begin_log
from tallystick.lifecycle import Project
from tallystick.log.entry import Draft, Kind
from tallystick.log.sqlite import SqliteLog
from tallystick.testing import card_project
from tallystick.testing.command import CommandResult, run

LOGINS = """
logins = ts.Stream("logins", id="login_id", time="at", source="data/logins.parquet", fields={"customer_id": ts.key})
"""


@dataclass(frozen=True, slots=True)
class Shop:
    """A project's folder, and its features as one file of batch's in memory."""

    folder: Path
    table: Path

    def open(self) -> Project:
        """Open the project at an instant that stands still."""
        return lifecycle.open(self.folder, actor="ada", clock=SettableClock(card_project.LIVE + DAY_US))

    def tally(self, *arguments: str) -> CommandResult:
        """Run a verb."""
        return run(main, "--project", str(self.folder), "--as", "ada", *arguments)

    def digest(self, table: Path | None) -> str:
        """Train from a table, or from nothing, and return the best candidate's digest."""
        return self.open().train(features=table)[0].candidate.digest


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """Furnish a project with a stream that its model does not look at, and that takes places in the one order."""
    root = tmp_path_factory.mktemp("tables")
    assert run(main, "--project", str(root), "new", "shop").code == 0
    folder, network = root / "shop", card_project.network()
    card_project.fill_project(folder, network, candidates="ts.LogisticRegression()")
    definitions = (folder / "project.py").read_text(encoding="utf-8")
    (folder / "project.py").write_text(definitions.replace("chargebacks = ", f"{LOGINS.strip()}\nchargebacks = ", 1))
    paid = network.until(card_project.LIVE).payments
    logins = {"login_id": [f"l{i}" for i in range(0, len(paid), 3)], "at": paid.column("paid_at")[::3]}
    pq.write_table(
        pa.table(logins | {"customer_id": paid.column("customer_id")[::3]}), folder / "data" / "logins.parquet"
    )
    assert run(main, "--project", str(folder), "features", str(root / "memory.parquet")).code == 0
    return Shop(folder, root / "memory.parquet")


def draft(kind: Kind, stream: str, own: str, raw: bytes) -> Draft:
    """Return a record as the log takes it."""
    return Draft(kind, stream, str(msgspec.json.decode(raw)[own]), card_project.LIVE + DAY_US, raw)


@pytest.fixture(scope="module")
def candidate(shop: Shop) -> str:
    """Train without a table."""
    return shop.digest(None)


@pytest.fixture(scope="module")
def served(shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """Return a copy of the project after a day of serving: a log with payments and reports beside the history."""
    made = Shop(tmp_path_factory.mktemp("served") / "shop", tmp_path_factory.mktemp("tables") / "memory.parquet")
    shutil.copytree(shop.folder, made.folder)
    project, network = made.open(), card_project.network()
    begin_log(project.places.log, project.read().dataset, project.places.segments)
    paid, reported = card_project.payments(network, 0), card_project.chargebacks(network, 0)
    with SqliteLog.create_or_open(project.places.log) as log:
        log.append([draft("event", "payments", "payment_id", raw) for raw in paid])
        log.append([draft("outcome", "chargebacks", "report_id", raw) for raw in reported])
    assert made.tally("features", str(made.table)).code == 0
    return made


@pytest.fixture(scope="module")
def spark() -> Iterator[None]:
    """Run one Spark for this module, if this machine has one: the command takes the one that runs."""
    pytest.importorskip("pyspark", reason="pyspark, of the extra 'spark', is not installed")
    if java() is None:
        pytest.skip("there is no Java on this machine, and Spark needs one")
    with session("local[2]", settings={"spark.sql.shuffle.partitions": "2", "spark.driver.memory": "768m"}):
        yield


@pytest.fixture(
    params=[
        pytest.param(["--engine", "batch"], id="memory"),
        pytest.param(["--memory", "1GiB"], id="parts"),
        pytest.param(["--engine", "duckdb"], id="duckdb"),
        pytest.param(["--engine", "spark"], id="spark", marks=pytest.mark.slow),
    ]
)
def engine(request: pytest.FixtureRequest) -> list[str]:
    """Return how an engine is asked for."""
    wanted: list[str] = request.param
    if "spark" in wanted:
        request.getfixturevalue("spark")
    return wanted


def test_every_engines_table_gives_one_candidate(shop: Shop, candidate: str, engine: list[str], tmp_path: Path) -> None:
    """Who learns from a table learns what is learnt without one, to the candidate's digest, whoever wrote it."""
    made = tmp_path / "made.parquet"
    assert shop.tally("features", str(made), *engine).code == 0

    assert table_file.read_header(made) == table_file.read_header(shop.table)
    assert shop.digest(made) == candidate


def test_every_engine_works_beside_a_log(served: Shop, engine: list[str], tmp_path: Path) -> None:
    """Once there is a log, every engine gives the table of history and log: one digest, one checksum of all rows."""
    made = tmp_path / "made.parquet"
    assert served.tally("features", str(made), *engine).code == 0

    header = table_file.read_header(made)
    assert header == table_file.read_header(served.table)
    assert header.last > served.open().read().dataset.last_position


def test_a_table_of_history_and_log_teaches_the_same(served: Shop, shop: Shop) -> None:
    """Training from it gives the candidate that is trained without, and a table from before the log is refused."""
    before = served.tally("train", "--features", str(shop.table))

    assert served.digest(served.table) == served.digest(None)
    assert before.code == 2
    assert "records came, went or changed since" in " ".join(before.err.split())


def test_learning_with_little_memory_changes_nothing(shop: Shop, served: Shop) -> None:
    """Records read piece by piece, beside a table, give the same candidate and the same evidence, beside a log too."""
    for each in (shop, served):
        whole = each.open().train(features=each.table)[0]
        little = each.open().train(features=each.table, memory=LEAST)[0]

        assert little.candidate.digest == whole.candidate.digest
        assert little.evidence.digest == whole.evidence.digest


def test_the_command_learns_from_a_table(shop: Shop) -> None:
    """``tally train --features`` trains from it, and says what is no table."""
    ran = shop.tally("train", "--features", str(shop.table), "--json")
    lacking = shop.tally("train", "--features", str(shop.folder / "none.parquet"))
    alone = shop.tally("train", "--memory", "1GiB")

    assert (ran.err, ran.document[0]["family"]) == ("", "logistic_regression")
    assert (lacking.code, alone.code) == (2, 2)
    assert "name one with --features" in " ".join(alone.err.split())
    assert "is no feature table: there is no such file" in " ".join(lacking.err.split())


def test_other_features_data_and_values_are_refused(shop: Shop, tmp_path: Path) -> None:
    """A table of features that mean something else, of records that changed, or that was edited, teaches nobody."""
    other = Shop(tmp_path / "shop", shop.table)
    shutil.copytree(shop.folder, other.folder)
    project, edited = other.folder / "project.py", tmp_path / "edited.parquet"
    text = project.read_text(encoding="utf-8")
    found = pq.read_table(shop.table)
    amounts = found.column("amount").to_pylist()
    at = found.column_names.index("amount")
    metadata = {table_file.KEY: pq.read_metadata(shop.table).metadata[table_file.KEY]}
    pq.write_table(
        found.set_column(at, "amount", pa.array([9.0, *amounts[1:]])).replace_schema_metadata(metadata), edited
    )

    by_hand = other.tally("train", "--features", str(edited))
    project.write_text(text.replace("<= 6", "<= 5"), encoding="utf-8")
    other_plan = other.tally("train", "--features", str(shop.table))
    project.write_text(text, encoding="utf-8")
    pq.write_table(
        pq.read_table(other.folder / "data" / "payments.parquet")[:-1], other.folder / "data" / "payments.parquet"
    )
    other_data = other.tally("train", "--features", str(shop.table))

    noted = [" ".join(ran.err.split()) for ran in (by_hand, other_plan, other_data)]
    assert [ran.code for ran in (by_hand, other_plan, other_data)] == [2, 2, 2]
    assert "is not as it was written" in noted[0]
    assert "These differ: night." in noted[1]
    assert "records came, went or changed since" in noted[2]
