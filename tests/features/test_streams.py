"""Online takes in every stream that features look at: events of others, corrections, versions of what is known."""

from collections.abc import Iterator
from contextlib import contextmanager
from math import isnan
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tallystick.data.records import BEGINNING_US, Record
from tallystick.definitions.durations import DAY_US
from tallystick.definitions.features import FeatureSet
from tallystick.definitions.fields import key, money, optional
from tallystick.definitions.streams import Stream, Table
from tallystick.errors import EntityTooLong, FeatureOverflow
from tallystick.features.online.executor import Online, Transaction
from tallystick.features.plan import Plan
from tallystick.features.state.lmdb import LmdbStore

payments = Stream(
    "payments",
    id="payment_id",
    time="paid_at",
    fields={"customer": key, "shop": key, "country": optional(key), "amount": money("EUR")},
)
logins = Stream("logins", id="login_id", time="at", fields={"user": key, "device": optional(key)})
refunds = Stream("refunds", id="refund_id", time="at", fields={"payment_id": key, "delta": optional(money("EUR"))})
reports = Stream("reports", id="report_id", time="at", fields={"payment_id": key})
homes = Table("homes", key="customer", valid_from="since", fields={"country": key})
zones = Table("zones", key="country", static=True, fields={"zone": key})
SOURCES = (payments, logins, refunds, reports, homes, zones)

customer, here = payments.by("customer"), payments.by("customer", "shop")
user = logins.by("user").at(payments.customer)
kept = payments.amount.corrected_by(refunds.delta, on="payment_id")
fraud = payments.flagged_by(reports, on="payment_id")


class Everything(FeatureSet, spine=payments):
    """A feature of each kind that a single stream does not have."""

    n_logins = user.count().over("7d")
    devices = user.distinct(logins.device, cap=2).over("7d")
    n_here = here.count().over("7d")
    large = customer.count(where=payments.amount > 10).over("7d")
    spent = customer.sum(kept).over("7d")
    spent_large = customer.sum(kept, where=payments.amount > 10).over("7d")
    risk = customer.mean(fraud, where=payments.amount > 10).over("7d")
    quiet = customer.since_last().over("7d", delay="1us")
    before = customer.last(payments.country).over("7d", delay="1us") == payments.country
    abroad = payments.country != homes.asof(payments.customer).country
    north = zones.asof(payments.country).zone == "north"


def paid(name: str, days: float, cents: int, who: str = "ann", shop: str = "s", country: str | None = "DE") -> Record:
    """Return a payment some days after 1970."""
    named = {"customer": who, "shop": shop, "country": country}
    return Record("payments", name, int(days * DAY_US), named, {"amount": cents})


def login(number: int, days: float, device: str | None, who: str = "ann") -> Record:
    """Return a login."""
    return Record("logins", f"l{number}", int(days * DAY_US), {"user": who, "device": device})


def refund(number: int, days: float, of: str, cents: int | None) -> Record:
    """Return a refund."""
    return Record("refunds", f"r{number}", int(days * DAY_US), {"payment_id": of}, {"delta": cents})


@contextmanager
def opened() -> Iterator[Transaction]:
    """Open a transaction of an empty state."""
    with TemporaryDirectory() as folder:
        online = Online(Plan(Everything.definition, tuple(s.definition for s in SOURCES)), LmdbStore(Path(folder)))
        with online.transaction() as state:
            yield state
        online.close()


def features(state: Transaction, records: list[Record], first: int = 1) -> dict[str, float]:
    """Append records and return the last one's features."""
    for position, record in enumerate(records, first):
        state.append(record, position)
    vector = state.vector(records[-1], first + len(records) - 1)
    return dict(zip(Everything.definition.names, vector, strict=True))


def test_another_streams_events_are_asked_by_the_spines_key() -> None:
    """A payment sees its customer's logins under the name that they have there, and nobody else's."""
    with opened() as state:
        found = features(
            state, [login(1, 1, "a"), login(2, 2, None), login(3, 2, "b"), login(4, 3, "c", "bob"), paid("p", 4, 1)]
        )

        assert (found["n_logins"], found["devices"]) == (3.0, 2.0)


def test_more_different_values_than_the_cap_are_missing() -> None:
    """Two devices are told apart, three are not counted."""
    with opened() as state:
        found = features(state, [*(login(i, 1, f"d{i}") for i in range(3)), paid("p", 2, 1)])

        assert isnan(found["devices"])


def test_an_entity_of_two_keys_is_both() -> None:
    """Names that are alike when written one after the other are two entities."""
    with opened() as state:
        found = features(state, [paid("p1", 1, 1, "an", "ns"), paid("p2", 1, 1), paid("p3", 2, 1)])

        assert found["n_here"] == 2.0


def test_only_what_satisfies_a_condition_counts() -> None:
    """Small payments, their corrections and reports about them do not enter an aggregate of large ones."""
    reported = [Record("reports", f"c{i}", 3 * DAY_US, {"payment_id": f"p{i}"}) for i in (1, 2)]
    with opened() as state:
        records = [paid("p1", 1, 1_000), paid("p2", 1, 1_001), refund(1, 2, "p1", -5), refund(2, 2, "p2", -7)]
        found = features(state, [*records, *reported, paid("p3", 4, 2_000)])

        assert found["large"] == 2.0
        assert (found["spent"], found["spent_large"]) == (39.89, 29.94)
        assert found["risk"] == 0.5


def test_a_correction_that_came_early_waits() -> None:
    """Corrections count once each, from when their payment is there; one without an amount changes nothing."""
    early = [refund(1, 1, "p1", -100), refund(2, 1, "p1", -100), refund(3, 1, "p1", None), refund(4, 1, "p9", 7)]
    with opened() as state:
        found = features(state, [*early, paid("p1", 2, 500)])
        later = features(state, [refund(5, 3, "p1", 50), paid("p2", 3, 0)], first=6)

        assert (found["spent"], later["spent"]) == (3.0, 3.5)


def test_the_last_event_before_this_one() -> None:
    """A delay of one microsecond looks before the record itself; what never happened is missing."""
    with opened() as state:
        first = features(state, [paid("p1", 1, 1, country=None)])
        second = features(state, [paid("p2", 1.5, 1), paid("p3", 2, 1)], first=2)

        assert isnan(first["quiet"])
        assert isnan(first["before"])
        assert (second["quiet"], second["before"]) == (43_200.0, 1.0)


def test_tables_are_looked_up_as_they_held() -> None:
    """Of dated versions the one that held counts, also if a later one has arrived; a static one always has."""
    versions = [
        Record("homes", f"ann@{day}", day * DAY_US, {"customer": "ann", "country": country})
        for day, country in ((5, "FR"), (1, "DE"))
    ]
    known = Record("zones", "DE", BEGINNING_US, {"country": "DE", "zone": "north"})
    with opened() as state:
        found = features(state, [*versions, known, paid("p1", 4, 1)])
        moved = features(state, [paid("p2", 5, 1)], first=5)

        assert (found["abroad"], found["north"], moved["abroad"]) == (0.0, 1.0, 1.0)


def test_a_long_entity_names_its_fields() -> None:
    """An entity of several keys that does not fit is told with all of them, and leaves no trace."""
    with opened() as state:
        with pytest.raises(EntityTooLong, match="customer, shop"):
            state.append(paid("p1", 1, 1, "x" * 240, "y" * 240), 1)

        assert features(state, [paid("p2", 1, 1)])["n_here"] == 1.0


def test_who_cannot_have_events_has_none() -> None:
    """A key longer than any that can be kept is asked about like one that was never seen."""
    with opened() as state:
        seen = paid("p1", 1, 1)
        state.append(seen, 1)

        assert state.vector(paid("p2", 1, 1, "x" * 600), 1)[0] == 0.0


def test_a_refused_correction_leaves_no_trace() -> None:
    """A correction that makes a total too large is refused whole, and the next one counts."""
    with opened() as state:
        state.append(paid("p1", 1, 500), 1)
        state.append(refund(1, 2, "p1", 2**62 - 1), 2)
        with pytest.raises(FeatureOverflow, match=r"'amount' for customer ann"):
            state.append(refund(2, 2, "p1", 1), 3)

        assert features(state, [refund(3, 2, "p1", 1 - 2**62), paid("p2", 3, 0)], first=3)["spent"] == 5.0
