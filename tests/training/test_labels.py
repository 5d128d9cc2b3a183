"""Labels as of an instant."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tallystick as ts
from tallystick.data.records import Dataset, EncodedKeys, FixedPoint, Records
from tallystick.definitions.expressions import Flagged
from tallystick.definitions.models import LabelDefinition
from tallystick.training.labels import NEVER, data_ends_at, read_labels

events = ts.Stream("events", id="event_id", time="at", fields={}).definition
reports = ts.Stream("reports", id="report_id", time="at", fields={"event_id": ts.key, "bad": ts.flag}).definition
outcomes = ts.Table("outcomes", key="event_id", fields={"bad": ts.flag}).definition


def keys(texts: list[str | None]) -> EncodedKeys:
    """Encode texts, None as missing."""
    encoded = pa.array(texts, pa.string()).dictionary_encode()
    return EncodedKeys(encoded.indices.fill_null(-1).to_numpy().astype(np.int32), encoded.dictionary)


def dataset(times: list[int], noted: list[tuple[str | None, int, int]], source: object = reports) -> Dataset:
    """Make events e0, e1, ... and reports of (event, instant, flag)."""
    n, m = len(times), len(noted)
    spine = Records(
        events, np.arange(n) + 1, np.array(times, dtype=np.int64), pa.array([f"e{i}" for i in range(n)]), {}, {}
    )
    flags = FixedPoint(np.array([row[2] for row in noted], dtype=np.int64), np.zeros(m, dtype=np.bool_), 0)
    by = Records(
        source,  # type: ignore[arg-type]
        np.arange(m) + n + 1,
        np.array([row[1] for row in noted], dtype=np.int64),
        pa.array([f"r{i}" for i in range(m)], pa.string()),
        {"event_id": keys([row[0] for row in noted])},
        {"bad": flags},
    )
    return Dataset({"events": spine, by.source.name: by}, "f" * 64, n + m)


def label(*, flag: str | None = None, after: int | None = None, by: str = "reports") -> LabelDefinition:
    """Declare the label."""
    return LabelDefinition(Flagged("events", by, "event_id", after, flag), 10)


def test_the_earliest_report_dates_the_label() -> None:
    """Of several reports of one event the earliest makes it known."""
    noted = dataset([0, 0], [("e1", 9, 1), ("e1", 5, 1), ("e1", 7, 1)])

    labels = read_labels(noted, label())

    assert labels.known_at.tolist() == [NEVER, 5]
    assert [labels.at(t).tolist() for t in (4, 5)] == [[0, 0], [0, 1]]


def test_a_report_teaches_from_its_arrival_on() -> None:
    """Where reports say when they arrived, a label is known from then on, however early its report is dated."""
    late = ts.Stream("reports", id="report_id", time="at", arrived="came_at", fields={"event_id": ts.key}).definition
    noted = dataset([0, 0], [("e0", 5, 1), ("e1", 6, 1)], late)
    came = FixedPoint(np.array([9, 6]), np.zeros(2, dtype=np.bool_), 0)
    records = noted.records | {"reports": replace(noted.records["reports"], values={"came_at": came})}

    labels = read_labels(replace(noted, records=records), label())

    assert labels.known_at.tolist() == [9, 6]


def test_reports_that_say_no_do_not_count() -> None:
    """Where reports have a flag, only those that say 1 make an event known as flagged."""
    noted = dataset([0, 0], [("e0", 5, 0), ("e1", 6, 1), (None, 1, 1), ("unknown", 1, 1)])

    assert read_labels(noted, label(flag="bad")).known_at.tolist() == [NEVER, 6]


def test_a_table_is_known_a_fixed_time_after_the_event() -> None:
    """An undated outcome becomes known its declared delay after the event it judges."""
    noted = dataset([100, 200], [("e0", 0, 1), ("e1", 0, 0)], outcomes)

    labels = read_labels(noted, label(flag="bad", after=7, by="outcomes"))

    assert labels.known_at.tolist() == [107, NEVER]


def test_no_reports_at_all() -> None:
    """Without any report every label is 0."""
    assert read_labels(dataset([1, 2], []), label()).at(NEVER - 1).tolist() == [0, 0]


def test_maturity_counts_from_the_event() -> None:
    """A label is final its maturity after the event, to the microsecond."""
    labels = read_labels(dataset([5], []), label())

    assert [labels.is_matured(t).tolist() for t in (14, 15)] == [[False], [True]]


def test_tables_do_not_move_the_end_of_the_data() -> None:
    """The data ends with the last thing that happened, not with when an outcome would be known."""
    assert data_ends_at(dataset([1, 20], [("e0", 999, 1)], outcomes)) == 20
    assert data_ends_at(dataset([1, 20], [("e0", 999, 1)])) == 999


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 9), st.integers(0, 1)), max_size=30), st.integers(-1, 10))
def test_labels_agree_with_brute_force(noted: list[tuple[int, int, int]], as_of: int) -> None:
    """The vectorised join says of each event what looking through all reports says."""
    made = dataset([0] * 4, [(f"e{event}", at, flag) for event, at, flag in noted])

    found = read_labels(made, label(flag="bad")).at(as_of).tolist()

    assert found == [int(any(e == row and f and at <= as_of for e, at, f in noted)) for row in range(4)]


def test_real_outcomes_join(shared_data: object) -> None:
    """The published outcomes give the published number of frauds."""
    pq = pytest.importorskip("pyarrow.parquet")
    folder = shared_data / "card_payments"  # type: ignore[operator]
    paid, judged = pq.read_table(folder / "payments.parquet"), pq.read_table(folder / "outcomes.parquet")
    n = len(paid)
    time = paid["paid_at"].cast(pa.int64()).to_numpy()
    spine = Records(events, np.arange(n) + 1, time, paid["payment_id"].cast(pa.string()).combine_chunks(), {}, {})
    ids = judged["payment_id"].cast(pa.string()).combine_chunks()
    flags = FixedPoint(judged["is_fraud"].to_numpy().astype(np.int64), np.zeros(n, dtype=np.bool_), 0)
    by = Records(
        outcomes,
        np.arange(n) + n,
        time,
        ids,
        {"event_id": EncodedKeys(np.arange(n, dtype=np.int32), ids)},
        {"bad": flags},
    )

    labels = read_labels(
        Dataset({"events": spine, "outcomes": by}, "", 2 * n), label(flag="bad", after=0, by="outcomes")
    )

    assert int(labels.at(int(time.max())).sum()) == 14_681
