"""A segment gives back the dataset that was saved, or says which file is damaged."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tallystick.data import segment
from tallystick.data.fingerprint import fingerprint
from tallystick.data.merge import concat, from_parsed
from tallystick.data.records import Dataset, Record
from tallystick.definitions.fields import Key, Money
from tallystick.errors import SegmentDamaged, SegmentUnfit

DAY = 86_400_000_000


@pytest.fixture
def saved(world: Any, tmp_path: Path) -> tuple[Any, Dataset, Path]:
    """Return a world, its dataset, and the segment it was saved to."""
    rows = [world.payment(f"P{n}", n, customer_id=f"C{n % 3}", terminal_id=[None, "T"][n % 2]) for n in range(20)]
    rows[3] |= {"rate": None, "due_at": 5}
    world.write(rows, outcomes=[{"payment_id": f"P{n}", "is_fraud": n % 4 == 0} for n in range(9, -1, -1)])
    dataset = world.read().dataset
    made = segment.save(dataset, tmp_path / "segments")
    assert (made.first, made.last) == (1, dataset.last_position)
    return world, dataset, Path(made.path)


def same(one: Dataset, other: Dataset) -> bool:
    """Return whether two datasets hold the same records; said twice, by their digest and by their values."""
    values = all(
        (a.values[name].values == b.values[name].values).all()
        and (a.values[name].missing == b.values[name].missing).all()
        for a, b in zip(one.records.values(), other.records.values(), strict=True)
        for name in a.values
    )
    order = list(one.records) == list(other.records) and one.last_position == other.last_position
    return values and order and fingerprint(one.records) == fingerprint(other.records) == other.fingerprint


def test_a_segment_gives_back_its_dataset(saved: Any) -> None:
    """Records, keys, missing values, sequence and fingerprint are those that were saved."""
    world, dataset, path = saved

    opened = segment.open_segment(path, world.sources)

    assert same(dataset, opened)
    assert opened.fingerprint == dataset.fingerprint


def test_the_same_dataset_is_the_same_segment(saved: Any) -> None:
    """Saving twice gives one folder, and nothing unfinished stays."""
    _, dataset, path = saved

    repeated = segment.save(dataset, path.parent)

    assert repeated.path == str(path)
    assert list(path.parent.iterdir()) == [path]


def test_every_flipped_byte_is_found_and_its_file_named(saved: Any) -> None:
    """One changed byte in any file is told by the name of that file."""
    world, _, path = saved
    for file in sorted(path.iterdir()):
        content = file.read_bytes()
        for place in range(0, len(content), max(1, len(content) // 25)):
            file.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
            with pytest.raises(SegmentDamaged) as damaged:
                segment.open_segment(path, world.sources)
            assert damaged.value.file == file.name
        file.write_bytes(content)

    assert segment.open_segment(path, world.sources)


@pytest.mark.parametrize("name", ["payments.parquet", "manifest.json"])
def test_a_lost_file_is_named(saved: Any, name: str) -> None:
    """A file that is gone is told by its name."""
    world, _, path = saved
    (path / name).unlink()

    with pytest.raises(SegmentDamaged, match=f"{name} is not there"):
        segment.open_segment(path, world.sources)


def test_a_file_put_in_is_named(saved: Any) -> None:
    """The folder holds what the manifest lists and nothing else."""
    world, _, path = saved
    (path / "more.parquet").write_bytes(b"")

    with pytest.raises(SegmentDamaged, match=r"more\.parquet does not belong"):
        segment.open_segment(path, world.sources)


def test_a_segment_without_a_declared_field_does_not_fit(saved: Any) -> None:
    """Definitions that ask for more than was saved, or for other units, are refused by the field's name."""
    world, _, path = saved
    for changed in ({"tip": Money("EUR")}, {"amount": Money("JPY")}, {"device": Key()}):
        source = msgspec.structs.replace(world.payments, fields=world.payments.fields | changed)

        with pytest.raises(SegmentUnfit, match=next(iter(changed))):
            segment.open_segment(path, [source])


def test_a_field_declared_later_is_missing_in_history(saved: Any) -> None:
    """A field that may be missing, and was declared after the segment was kept, is missing in every record of it."""
    world, _, path = saved
    later = {"tip": Money("EUR", optional=True), "device": Key(optional=True)}
    source = msgspec.structs.replace(world.payments, fields=world.payments.fields | later)

    records = segment.open_segment(path, [source]).records["payments"]

    assert records.values["tip"].missing.all()
    assert records.keys["device"].codes.tolist() == [-1] * len(records)
    added = from_parsed(source, [(1_000, Record("payments", "new", 0, *_one_of_each(source)))])
    assert len(concat(Dataset({"payments": records}, "", 999), {"payments": added}).records["payments"]) == 21


def _one_of_each(source: Any) -> tuple[dict[str, str | None], dict[str, int | None]]:
    names = {
        name: isinstance(field, Key) for name, field in source.fields.items() if name not in (source.id, source.time)
    }
    return {n: "k" for n, is_key in names.items() if is_key}, {n: 1 for n, is_key in names.items() if not is_key}


def test_a_source_that_history_does_not_know_is_empty(saved: Any) -> None:
    """A stream declared later starts without records; one that is not asked for is left out."""
    world, dataset, path = saved
    later = msgspec.structs.replace(world.reports, name="later")

    opened = segment.open_segment(path, [later, world.payments])

    assert [len(records) for records in opened.records.values()] == [0, 20]
    assert opened.last_position == dataset.last_position


def test_an_empty_dataset_is_a_segment(world: Any, tmp_path: Path) -> None:
    """A project without any history begins its log with a segment of nothing."""
    nothing = {source.name: from_parsed(source, []) for source in world.sources}
    dataset = Dataset(nothing, fingerprint(nothing), 0)

    opened = segment.open_segment(Path(segment.save(dataset, tmp_path).path), world.sources)

    assert same(dataset, opened)


TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zs"]), min_size=1, max_size=5)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(
    st.lists(
        st.tuples(TEXTS, TEXTS, st.none() | TEXTS, st.integers(-(2**63), 2**63 - 1), st.none() | st.integers(0, 9))
    )
)
def test_whatever_was_parsed_comes_back(world: Any, tmp_path: Path, rows: list[Any]) -> None:
    """Records of any texts and numbers survive being put together, saved and opened."""
    parsed = [
        (
            position,
            Record("payments", i, 7, {"customer_id": c, "terminal_id": t}, {"amount": a, "rate": r, "due_at": None}),
        )
        for position, (i, c, t, a, r) in enumerate(rows, start=1)
    ]
    dataset = concat(Dataset({}, "", 0), {"payments": from_parsed(world.payments, parsed)})

    opened = segment.open_segment(Path(segment.save(dataset, tmp_path / "segments").path), [world.payments])

    assert same(dataset, opened)
    assert opened.records["payments"].ids.to_pylist() == [row[0] for row in rows]
