"""A project file becomes frozen values; its mistakes become one sentence with file and line."""

import re
from pathlib import Path

import msgspec
import pytest

from tallystick.definitions.fields import money
from tallystick.definitions.models import ModelDefinition
from tallystick.definitions.project import Definitions, load
from tallystick.errors import DefinitionError, FieldUnknown, LeakRefused

PROJECT = '''"""Card fraud: which card payments to stop."""
import tallystick as ts

payments = ts.Stream(
    "payments", id="payment_id", time="paid_at", source="data/payments.parquet",
    fields={"customer_id": ts.key, "terminal_id": ts.key, "amount": ts.money("EUR", minimum=0)},
)
chargebacks = ts.Stream("chargebacks", id="report_id", time="reported_at", fields={"payment_id": ts.key})
outcomes = ts.Table("outcomes", key="payment_id", fields={"is_fraud": ts.flag})
fraud = payments.flagged_by(chargebacks, on="payment_id")
judged = payments.flagged_by(outcomes.is_fraud, known_after="7d")
customer, terminal = payments.by("customer_id"), payments.by("terminal_id")


class CardFraud(ts.FeatureSet, spine=payments):
    amount = payments.amount
    night = payments.paid_at.hour() <= 6
    n = customer.count().over("1d", "7d", "30d")
    spend = customer.mean(payments.amount).over("1d", "7d", "30d")
    burst = spend["1d"] / spend["30d"]
    risk = terminal.mean(fraud).over("1d", "7d", delay="7d")


model = ts.Model(
    "card-fraud",
    features=CardFraud,
    label=ts.Label(fraud, matures_after="30d"),
    split=ts.TimeSplit(train="60d", gap="7d", validate="7d", test="7d"),
    candidates=[ts.LogisticRegression(), ts.GradientBoosting()],
    search=ts.Search(trials=40, metric="average_precision"),
    policy=ts.Policy(decline=ts.above_cost(false_alarm=5.0, missed=payments.amount), refer=ts.above(0.2)),
    limits=[ts.limit.average_precision(at_least=0.60)],
)
'''

INLINE = "ts.Stream('more', id='report_id', time='reported_at', fields={'payment_id': ts.key})"

MISTAKES = [
    ("payments.amount\n", "payments.amout\n", FieldUnknown, ":16:", "Did you mean 'amount'?"),
    ('spend["1d"] / ', "spend / ", DefinitionError, ":20:", "Pick one, such as ['1d']"),
    ('spend["1d"] / ', 'spend["2d"] / ', DefinitionError, ":20:", "There is no window '2d'"),
    ("burst = ", "burst = fraud + ", DefinitionError, ":20:", "Use it inside an aggregate"),
    ("mean(fraud)", "mean(outcomes.is_fraud)", LeakRefused, ":21:", "known_after='7d'"),
    ("    amount = payments.amount", "    amount = outcomes.is_fraud", LeakRefused, ":15:", "see the future"),
    (', known_after="7d"', "", LeakRefused, ":11:", "outcomes.is_fraud becomes known after the event"),
    ("<= 6", "<= 'six'", DefinitionError, ":17:", "'<=' cannot take 'six'"),
    ("paid_at.hour()", "paid_at", DefinitionError, ":17:", "Take .hour() or .weekday() of it"),
    ('delay="7d"', 'delay="a week"', DefinitionError, ":21:", "'a week' is no length of time"),
    ('.over("1d", "7d", delay', ".over(delay", DefinitionError, ":21:", "one or more different lengths"),
    ('customer.count().over("1d", "7d", "30d")', "customer.count()", DefinitionError, ":15:", "Add .over('7d')"),
    ("class CardFraud", "def x(:\nclass CardFraud", DefinitionError, ":15:", "This is not Python"),
    ("ts.above(0.2)", "ts.above(20)", DefinitionError, ":31:", "above(20) is no probability"),
    ("ts.LogisticRegression()", "ts.LogisticRegression", DefinitionError, ":24:", "with parentheses"),
    ('ts.money("EUR", minimum=0)', "ts.money", DefinitionError, ":4:", "has no kind"),
    ('ts.money("EUR", minimum=0)', 'ts.money("euro")', DefinitionError, ":6:", "three-letter ISO 4217 code"),
    ('by("customer_id")', 'by("amount")', DefinitionError, ":12:", "Its keys are payment_id, customer_id, terminal_id"),
    ('"card-fraud"', '"Card Fraud"', DefinitionError, ":24:", "lower-case words joined by hyphens"),
    ("at_least=0.60", "at_least=60", DefinitionError, ":32:", "lies outside 0 to 1"),
    ("false_alarm=5.0", "false_alarm=0", DefinitionError, ":31:", "must be a cost above 0"),
    ("amount = payments.amount\n", "amount = 1 if payments.amount else 0\n", DefinitionError, ":16:", "no truth"),
    ('"chargebacks", id', '"payments", id', DefinitionError, "", "Two sources are called 'payments'"),
    ('metric="average_precision"', 'metric="f1"', DefinitionError, ":24:", "Write 'average_precision' or 'auc'"),
    ("trials=40", "trials=0", DefinitionError, ":24:", "Write a whole number from 1"),
    ('ts.Search(trials=40, metric="average_precision")', "ts.Search", DefinitionError, ":24:", "with parentheses"),
    ("ts.GradientBoosting()", "ts.GradientBoosting(max_leaves=1)", DefinitionError, ":24:", "max_leaves=1"),
    ("refer=ts.above(0.2)", "refer=0.2", DefinitionError, ":24:", "Write ts.above(...) or ts.above_cost(...)"),
    ("missed=payments.amount", "missed=fraud", DefinitionError, ":24:", "every record of 'payments' tells by itself"),
    ("false_alarm=5.0", "false_alarm=float('inf')", DefinitionError, ":31:", "must be a cost above 0"),
    ("<= 6", "<= float('nan')", DefinitionError, ":17:", "'<=' cannot take nan"),
    ('burst = spend["1d"] / spend["30d"]', "burst = spend == 3", DefinitionError, ":20:", "Pick one, such as ['1d']"),
    ('on="payment_id"', 'on="reported_at"', DefinitionError, ":10:", "must name the key field"),
    ('fields={"payment_id": ts.key})', 'fields={"report_id": ts.key})', DefinitionError, ":8:", "is declared twice"),
    ("flagged_by(chargebacks", f"flagged_by({INLINE}", DefinitionError, "", "declare it on a line of its own"),
]


def written(folder: Path, text: str) -> Path:
    path = folder / "project.py"
    path.write_text(text)
    return path


def loaded(folder: Path, text: str = PROJECT) -> Definitions:
    return load(written(folder, text))


def test_reads_everything_in_order(tmp_path: Path) -> None:
    """Sources keep their place in the project, features their order and their columns' names."""
    definitions = loaded(tmp_path)

    assert list(definitions.sources) == ["payments", "chargebacks", "outcomes"]
    assert definitions.model().features.names == (
        *("amount", "night", "n_1d", "n_7d", "n_30d", "spend_1d", "spend_7d", "spend_30d"),
        *("burst", "risk_1d", "risk_7d"),
    )


@pytest.mark.parametrize(("right", "wrong", "kind", "where", "remedy"), MISTAKES, ids=[m[1][:40] for m in MISTAKES])
def test_a_mistake_is_one_sentence(
    tmp_path: Path, right: str, wrong: str, kind: type[Exception], where: str, remedy: str
) -> None:
    """Every mistake names file and line, what was meant, and what to write."""
    assert right in PROJECT
    path = written(tmp_path, PROJECT.replace(right, wrong, 1))

    with pytest.raises(kind) as caught:
        load(path)

    assert str(caught.value).startswith(f"project.py{where}")
    assert remedy in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_model_survives_json(tmp_path: Path) -> None:
    """A definition written as plain JSON and read again is the same by digest."""
    model = loaded(tmp_path).model()

    repeated = msgspec.json.decode(msgspec.json.encode(model), type=ModelDefinition)

    assert repeated.digest == model.digest
    assert repeated.features.digest == model.features.digest


def test_digests_hold_meaning_only(tmp_path: Path) -> None:
    """Moving the data or renaming the class changes no digest; changing a window changes it."""
    before = loaded(tmp_path).model()

    moved = loaded(tmp_path, PROJECT.replace("data/payments", "/elsewhere/payments").replace("CardFraud", "Fraud"))
    changed = loaded(tmp_path, PROJECT.replace('over("1d", "7d", "30d")', 'over("2d", "7d", "30d")', 1))

    assert moved.model().features.digest == before.features.digest
    assert moved.model().digest == before.digest
    assert changed.model().features.digest != before.features.digest


def test_names_the_models_there_are(tmp_path: Path) -> None:
    """Asking for a model that is not declared tells which are."""
    with pytest.raises(DefinitionError, match="There is no model 'card-frod'. Declared: card-fraud. Did you mean"):
        loaded(tmp_path).model("card-frod")


def test_a_missing_project_file_is_a_sentence(tmp_path: Path) -> None:
    """Without a project file the sentence says how to get one."""
    with pytest.raises(DefinitionError, match="tally new card-fraud"):
        load(tmp_path / "project.py")


def test_models_of_one_name_are_refused(tmp_path: Path) -> None:
    """No model disappears behind another of its name."""
    model = PROJECT[PROJECT.index("model = ") :]

    with pytest.raises(DefinitionError, match="Two models are called 'card-fraud'"):
        loaded(tmp_path, PROJECT + model.replace("model = ", "other = ").replace("trials=40", "trials=20"))


@pytest.mark.parametrize("written_otherwise", ["0.0", "'0.00'", "-0.0", "'0E+3'"])
def test_one_bound_has_one_digest(tmp_path: Path, written_otherwise: str) -> None:
    """A digest holds what a range means, however its bounds are written."""
    otherwise = PROJECT.replace("minimum=0)", f"minimum={written_otherwise})")

    assert loaded(tmp_path, otherwise).model().digest == loaded(tmp_path).model().digest


@pytest.mark.parametrize(("currency", "digits"), [("EUR", 2), ("LYD", 3), ("IQD", 3), ("XOF", 0), ("UYW", 4)])
def test_every_currency_has_its_minor_unit(currency: str, digits: int) -> None:
    """Money has the digits that ISO 4217 gives its currency."""
    assert money(currency).decimals == digits


SPEND = """
refunds = ts.Stream(
    "refunds", id="refund_id", time="refunded_at",
    fields={"payment_id": ts.key, "taken": ts.money("EUR"), "back": ts.money("JPY"), "confirmed": ts.flag},
)
profiles = ts.Table("profiles", key="customer_id", valid_from="since", fields={"limit": ts.money("EUR")})


class Spend(ts.FeatureSet, spine=payments):
    kept = customer.sum(payments.amount.corrected_by(refunds.taken, on="payment_id")).over("7d")
    limit = profiles.asof(payments.customer_id).limit
"""


def test_features_over_several_streams_are_read(tmp_path: Path) -> None:
    """Corrections and dated tables are sources like others."""
    definitions = loaded(tmp_path, PROJECT + SPEND)

    assert definitions.feature_sets["Spend"].sources == ("payments", "refunds", "profiles")
    assert list(definitions.sources) == ["payments", "chargebacks", "outcomes", "refunds", "profiles"]


@pytest.mark.parametrize(
    ("right", "wrong", "sentence"),
    [
        ("profiles = ts", "lookup = ts", "Spend needs 'profiles'"),
        ('on="payment_id")', 'on="confirmed")', "on='confirmed' must name the key field of 'refunds'"),
        ("refunds.taken, on", "refunds.back, on", "they are not in one unit"),
    ],
)
def test_every_source_is_held_to_its_use(tmp_path: Path, right: str, wrong: str, sentence: str) -> None:
    """A stream that features look at stands on a line of its own, and its fields fit what is asked of them."""
    text = SPEND.replace(right, wrong)
    if right == "profiles = ts":
        text = text.replace("profiles.asof", "lookup.asof") + "del lookup\n"

    with pytest.raises(DefinitionError, match=re.escape(sentence)):
        loaded(tmp_path, PROJECT + text)
