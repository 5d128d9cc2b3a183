"""Features by parts of the entities, by way of a disk, are batch's to the last bit, whatever the parts are."""

import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tallystick.definitions.fields import key
from tallystick.definitions.streams import Stream
from tallystick.errors import SettingOutOfRange, SpillFull, TooManyRefused
from tallystick.features import table_file
from tallystick.features.plan import Plan
from tallystick.features.spill.budget import in_bytes
from tallystick.features.spill.folder import spill_folder, sweep
from tallystick.features.spill.job import MemoryLimits
from tallystick.testing.feature_strategies import any_feature
from tallystick.testing.scenario_streams import (
    SPINES,
    applications,
    outcomes,
    payments,
    profiles,
    refunds,
    reports,
    shops,
)

from .spill_project import START, Project, made, written

card, shop = payments.by("card"), payments.by("shop")


def everything(spine: Stream) -> dict[str, Any]:
    """Return features that look at every source in every way, of a spine."""
    fraud = payments.flagged_by(reports, on="payment_id")
    judged = payments.flagged_by(outcomes.is_fraud, known_after="3us")
    reversed_ = payments.flagged_by(payments, on="reverses")
    country: Any = card.last(payments.country).over("20us")
    found: dict[str, Any] = {
        "n": card.count().over("5us", "20us"),
        "large": card.count(where=payments.amount > 2).over("20us"),
        "both": payments.by("card", "shop").mean(payments.amount).over("30us"),
        "spread": shop.std(payments.amount).over("30us", delay="2us"),
        "risk": card.mean(fraud).over("9us", "30us", delay="1us"),
        "late_risk": shop.mean(judged).over("30us"),
        "reversals": card.sum(reversed_).over("40us"),
        "net": shop.sum(payments.amount.corrected_by(refunds.delta, on="payment_id")).over("30us"),
        "kinds": card.distinct(payments.country, cap=4).over("30us"),
        "last_country": country.category("a", "b"),
        "since": card.since_last().over("30us", delay="1us"),
        "least": shop.min(payments.amount).over("20us"),
        "requested": applications.by("card").at(spine.card).max(applications.requested).over("30us"),
        "home": profiles.asof(spine.card).home.category("a", "b", "ab"),
        "limit": profiles.asof(spine.card).limit,
        "risky": shops.asof(spine.shop).risk,
        "where": shops.asof(spine.shop).country == "a",
    }
    if spine is payments:
        found["same"] = card.last(payments.country).over("20us", delay="1us") == payments.country
        found["was"] = card.last(payments.payment_id).over("20us", delay="1us") == payments.reverses
        found |= {"amount": payments.amount, "hour": payments.opened_at.hour("Europe/Berlin")}
    else:
        found |= {"client": payments.by("card").at(applications.client).count().over("30us")}
    return found


@pytest.fixture(scope="module", params=[True, False], ids=["in order", "in any order"])
def project(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Write the files once for all tests, in order of time and in none."""
    return made(tmp_path_factory.mktemp("project"), n=900, seed=5, in_order=request.param)


def _equals_batch(project: Project, plan: Plan, out: Path, **given: Any) -> None:
    done = project.spill(plan, out, **given)

    wanted, found = project.wanted(plan), table_file.read(out)
    assert done.n_rows == len(wanted)
    assert found.ids.to_pylist() == wanted.ids.to_pylist()
    assert [found.position.tolist(), found.time.tolist()] == [wanted.position.tolist(), wanted.time.tolist()]
    assert found.values.tobytes() == wanted.values.tobytes()
    assert (found.origin, done.header.digest) == (wanted.origin, wanted.digest)
    assert list((project.root / "spill").iterdir()) == []


@pytest.mark.parametrize("spine", SPINES, ids=lambda spine: spine.definition.name)
@pytest.mark.parametrize("shared", [0, 10**6], ids=["reports routed", "reports shared"])
def test_every_kind_of_feature_has_the_bits_of_batch(
    project: Project, spine: Stream, shared: int, tmp_path: Path
) -> None:
    """Reports, corrections, outcomes, dated and static tables and other streams than the spine give batch's bits."""
    plan = project.plan(everything(spine), spine)
    limits = MemoryLimits(tuple(range(1, 1 + len(plan.groups))), 3, 100, shared)

    _equals_batch(project, plan, tmp_path / "out.parquet", limits=limits)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_any_features_have_the_bits_of_batch(
    project: Project, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Drawn features, cut into parts and ranges of any size, give batch's bits."""
    spine = data.draw(st.sampled_from(SPINES))
    drawn = data.draw(st.lists(any_feature(spine), min_size=1, max_size=4))
    plan = project.plan({f"f{i}": feature for i, feature in enumerate(drawn)}, spine)
    few, sizes = st.integers(1, 5), st.integers(20, 500)
    limits = MemoryLimits(
        tuple(data.draw(few) for _ in plan.groups),
        data.draw(few),
        data.draw(sizes),
        data.draw(st.sampled_from([0, 50, 10**6])),
    )

    files = project.files(plan, at_a_time=data.draw(sizes), n_heaps=data.draw(few))
    _equals_batch(project, plan, tmp_path_factory.mktemp("drawn") / "out.parquet", limits=limits, records=files)


def test_only_the_period_is_written(project: Project, tmp_path: Path) -> None:
    """Rows of a period are those of batch, with all that they see from before it."""
    for spine in SPINES:
        plan, out = project.plan(everything(spine), spine), tmp_path / f"{spine.definition.name}.parquet"
        begin, end = START + 20, START + 40
        done = project.spill(plan, out, begin=begin, end=end)

        wanted, (ids, values) = project.wanted(plan), written(out, plan)
        inside = (wanted.time >= begin) & (wanted.time < end)
        assert done.n_rows == int(inside.sum()) > 0
        assert ids == [name for name, is_in in zip(wanted.ids.to_pylist(), inside, strict=True) if is_in]
        assert values.tobytes() == wanted.values[inside].tobytes()


def test_rows_are_refused_as_in_memory(project: Project, tmp_path: Path) -> None:
    """The same rows are refused for the same reasons, and their quarantine is the same file."""
    plan = project.plan(everything(payments), payments)
    done = project.files(plan, at_a_time=40, quarantine=tmp_path / "refused")
    project.spill(plan, tmp_path / "out.parquet", records=done)

    wanted = project.read(plan).screenings
    assert sorted(done.screenings) == sorted(wanted)
    for name, screening in wanted.items():
        mine = done.screenings[name]
        assert (mine.n_rows, mine.n_refused, mine.reasons) == (screening.n_rows, screening.n_refused, screening.reasons)
        if name != "outcomes":  # it waits for the records that it judges
            assert mine.in_time_order == screening.in_time_order
        assert (mine.quarantine is None) == (screening.quarantine is None)
        if mine.quarantine is not None and screening.quarantine is not None:
            assert pq.read_table(mine.quarantine).equals(pq.read_table(screening.quarantine))
    assert sum(screening.n_refused for screening in wanted.values()) > 10


@pytest.mark.parametrize("stage", ["read payments", "match reports", "features", "write"])
def test_an_interrupt_leaves_nothing(stage: str, project: Project, tmp_path: Path) -> None:
    """Ctrl-C in any phase leaves neither the folder of parts nor a half-written file."""

    def interrupted(noted: str, _done: int, _total: int) -> None:
        if noted == stage:
            raise KeyboardInterrupt

    plan = project.plan(everything(payments), payments)

    with pytest.raises(KeyboardInterrupt):
        project.spill(plan, tmp_path / "out.parquet", folder=tmp_path / "spill", step=interrupted)

    assert list((tmp_path / "spill").iterdir()) == []
    assert not (tmp_path / "out.parquet").exists()


def test_what_a_kill_leaves_is_removed_by_the_next(project: Project, tmp_path: Path) -> None:
    """The folder of a killed process is removed by the next computation, and one that is in use is not."""
    parent = tmp_path / "spill"
    code = "import os, pathlib, sys; from tallystick.features.spill.folder import spill_folder\n"
    code += "with spill_folder(pathlib.Path(sys.argv[1])): os.kill(os.getpid(), 9)"
    killed = subprocess.run([sys.executable, "-c", code, str(parent)], check=False)
    (left,) = parent.iterdir()

    with spill_folder(parent) as mine:
        assert killed.returncode == -9
        assert (mine.exists(), left.exists(), mine.stat().st_mode & 0o777) == (True, False, 0o700)
        assert sweep(parent) == 0


def test_a_full_disk_is_a_sentence(project: Project, tmp_path: Path) -> None:
    """Where no file can grow any more, the sentence says how much lay there; nothing is left."""
    plan = project.plan(everything(payments), payments)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8_192, before[1]))
    try:
        with pytest.raises(SpillFull, match="is full: .* All of it is removed again"):
            project.spill(plan, tmp_path / "out.parquet", folder=tmp_path / "spill")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)

    assert list((tmp_path / "spill").iterdir()) == []
    assert not (tmp_path / "out.parquet").exists()


def test_too_many_refused_rows_stop_the_run(project: Project, tmp_path: Path) -> None:
    """A source that loses more rows than the share stops the run, and its quarantine is written all the same."""
    plan = project.plan(everything(payments), payments)
    files = project.files(plan, max_refused_share=0.0, quarantine=tmp_path / "refused")

    with pytest.raises(TooManyRefused, match="payments") as stopped:
        project.spill(plan, tmp_path / "out.parquet", records=files)

    assert isinstance(stopped.value.quarantine, Path)
    assert stopped.value.quarantine.exists()


def test_memory_decides_how_fine_the_parts_are(project: Project) -> None:
    """Less memory makes more parts and smaller ranges; few rows make one part."""
    plan = project.plan(everything(payments), payments)
    many = dict.fromkeys(
        ("payments", "applications", "reports", "refunds", "outcomes", "profiles", "shops"), 50_000_000
    )

    wide, narrow = MemoryLimits.of(plan, many, 8 << 30), MemoryLimits.of(plan, many, 1 << 30)
    few = MemoryLimits.of(plan, dict.fromkeys(many, 1_000), 1 << 30)

    assert all(more > less for more, less in zip(narrow.parts, wide.parts, strict=True))
    assert narrow.a_range < wide.a_range
    assert set(few.parts) == {1}
    for text in ("1KiB", "much", "-4GiB"):
        with pytest.raises(SettingOutOfRange, match="--memory"):
            in_bytes(text)


def test_late_arrivals_in_csv_have_the_bits_of_batch(tmp_path: Path) -> None:
    """Where the order of arrival is declared it decides, in a CSV file as anywhere; too late records are refused."""
    visits = Stream(
        "visits", id="visit", time="at", arrived="seen", lateness="9us", source="visits.csv", fields={"who": key}
    )
    draw = np.random.default_rng(3)
    at = 1_000_000 + draw.integers(0, 50, 400)
    seen = at + draw.integers(0, 12, 400)
    instants = pa.array(np.stack([at, seen]).ravel(), pa.timestamp("us", "UTC")).cast(pa.string()).to_pylist()
    rows = zip(range(400), instants[:400], instants[400:], draw.integers(0, 5, 400), strict=True)
    lines = ["visit,at,seen,who", *(",".join(map(str, row)) for row in rows)]
    (tmp_path / "visits.csv").write_text("\n".join(lines), encoding="utf-8")
    project = Project(tmp_path, (visits.definition,))
    who = visits.by("who")
    plan = project.plan({"n": who.count().over("5us", "20us"), "since": who.since_last().over("30us")}, visits)

    _equals_batch(project, plan, tmp_path / "out.parquet")
    assert 0 < len(project.wanted(plan)) < 400
