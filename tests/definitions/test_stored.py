"""The stored form of values: defaults left out, one text for one value, one reader for one format."""

from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tallystick as ts
from tallystick.definitions.digest import digest_of
from tallystick.definitions.families import Family
from tallystick.definitions.models import ModelDefinition
from tallystick.definitions.stored import check_stored, read_stored, reader_of, stored_bytes, stored_form

payments = ts.Stream(
    "payments",
    id="payment_id",
    time="paid_at",
    fields={"terminal_id": ts.key, "amount": ts.money("EUR", minimum=0), "customer_id": ts.key},
    source="data/payments.parquet",
)
chargebacks = ts.Stream("chargebacks", id="report_id", time="reported_at", fields={"payment_id": ts.key})


class CardFraud(ts.FeatureSet, spine=payments):
    """Features whose order is not that of their names."""

    night = payments.paid_at.hour("Europe/Berlin") <= 6
    evening = payments.paid_at.hour() >= 18
    n = payments.by("customer_id").count().over("7d", "1d")


def model(**settings: Any) -> ModelDefinition:
    """Declare a model whose settings are at their defaults but for those named."""
    return ts.Model(
        "card-fraud",
        features=CardFraud,
        label=ts.Label(payments.flagged_by(chargebacks, on="payment_id"), matures_after="30d"),
        split=ts.TimeSplit(train="60d", gap="7d", validate="7d", test="7d"),
        **{"candidates": ts.GradientBoosting(), "policy": ts.Policy(decline=ts.above(0.9))} | settings,
    ).definition


class Kept(msgspec.Struct):
    """A stored value with a default of each kind."""

    name: str
    zone: str = "UTC"
    number: int = 1_000_000
    share: float = 0.5
    is_on: bool = False
    limit: int | None = None
    words: tuple[str, ...] = ("a", "b")
    figures: dict[str, int] = {}


kept = st.builds(
    Kept,
    st.text(),
    zone=st.sampled_from(["UTC", "Europe/Berlin"]),
    number=st.sampled_from([0, 1_000_000]),
    share=st.sampled_from([0.5, 1.0, 0.0]),
    is_on=st.booleans(),
    limit=st.none() | st.integers(0, 3),
    words=st.sampled_from([(), ("a",), ("a", "b")]),
    figures=st.dictionaries(st.text(), st.integers(0, 3)),
)


@given(kept)
def test_a_value_is_read_back_from_its_stored_form(value: Kept) -> None:
    """Whatever stands at its default is left out, and reading gives the same value."""
    form = stored_form(value)

    assert msgspec.convert(form, Kept) == value
    assert all(form.get(field.name, "?") != field.default for field in msgspec.structs.fields(Kept))


def test_a_default_that_was_read_is_left_out_again() -> None:
    """Equal is enough: a text or a large number from a file is another object than the default."""
    written_out = b'{"name":"x","number":1000000,"share":0.5,"words":["a","b"],"zone":"UTC"}'

    value = msgspec.json.decode(written_out, type=Kept)

    assert stored_bytes(value) == b'{"name":"x"}'
    with pytest.raises(ValueError, match="not in canonical form"):
        read_stored(written_out, Kept)


def test_one_is_not_true() -> None:
    """A flag and a number that compare equal are stored as what they are."""

    class Either(msgspec.Struct):
        value: bool | int = False

    assert (stored_form(Either(0)), stored_form(Either(False))) == ({"value": 0}, {})


@pytest.mark.parametrize(
    "content",
    [b'{"name":"x","zone":"UTC"}', b'{"name": "x"}', b'{"name":"x","other":1}', b'{"name":"x","name":"x"}', b"[]"],
)
def test_another_text_of_the_same_value_is_refused(content: bytes) -> None:
    """A written default, another spacing, unknown and repeated fields, another kind: none is the stored form."""
    with pytest.raises(ValueError, match=r"canonical form|Expected"):
        read_stored(content, Kept)


def test_a_reader_is_chosen_by_the_number() -> None:
    """Each format has one reader; a number that none knows is an error of the caller's own."""
    readers = {1: bytes.upper, 2: bytes.lower}

    def unknown(found: int) -> Exception:
        return LookupError(f"format {found}; known: {sorted(readers)}")

    assert reader_of(b'{"format":2,"Name":1}', readers, unknown=unknown) is readers[2]
    with pytest.raises(LookupError, match=r"format 3; known: \[1, 2\]"):
        reader_of(b'{"format":3}', readers, unknown=unknown)
    with pytest.raises(ValueError, match="format"):
        reader_of(b'{"name":"x"}', readers, unknown=unknown)


def test_a_definition_keeps_the_order_of_its_features() -> None:
    """Features are pairs, since a vector lives by their order; the place of the data is no part of a definition."""
    definition = model()

    repeated = ModelDefinition.from_stored(msgspec.json.decode(stored_bytes(definition)))

    assert repeated.features.names == definition.features.names == ("night", "evening", "n_7d", "n_1d")
    assert repeated.digest == definition.digest
    assert b"parquet" not in stored_bytes(definition)
    check_stored(stored_bytes(definition), repeated)


def test_what_is_at_its_default_has_no_part_in_a_digest() -> None:
    """Settings left out, and the same settings spelt out, are one definition; another setting is another."""
    spelt = model(search=ts.Search(trials=20, metric="average_precision", seed=0), limits=[])

    assert model().digest == spelt.digest
    assert model().digest != model(search=ts.Search(seed=1)).digest


@pytest.mark.parametrize("family", get_args(Family))
def test_every_family_is_read_back(family: type[Any]) -> None:
    """A family is stored under its tag, caps at their default left out, and is the same one when it is read."""
    capped = family(**dict.fromkeys(family.__struct_fields__, 9))
    definition = model(candidates=[family(), capped])

    form = stored_form(definition)["candidates"]

    assert form[0] == {"type": family.__struct_config__.tag}
    assert form[1] == form[0] | dict.fromkeys(family.__struct_fields__, 9)
    repeated = ModelDefinition.from_stored(msgspec.json.decode(stored_bytes(definition)))
    assert repeated.candidates == (family(), capped)
    assert repeated.digest == definition.digest


def test_digests_are_those_of_the_omitted_form() -> None:
    """Written down once: a definition's digest does not change from one version to the next."""
    form = stored_form(model())

    assert form["search"] == {}
    assert form["candidates"] == [{"type": "gradient_boosting"}]
    assert form["policy"] == {"decline": {"type": "above", "threshold": 0.9}}
    assert form["features"]["spine"]["fields"]["customer_id"] == {"type": "key"}
    assert model().digest == digest_of(form | {"features": model().features.digest})
