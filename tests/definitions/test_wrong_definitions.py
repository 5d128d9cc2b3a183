"""Whatever is written wrongly is one sentence, with the file and line of its author."""

from pathlib import Path

import pytest

from tallystick.definitions.project import load
from tallystick.errors import DefinitionError

HEAD = """import tallystick as ts
payments = ts.Stream("payments", id="payment_id", time="paid_at", fields={
    "customer_id": ts.key, "channel": ts.key, "amount": ts.money("EUR"), "abroad": ts.flag, "points": ts.integer()})
chargebacks = ts.Stream("chargebacks", id="id", time="at", fields={"payment_id": ts.key, "n": ts.integer()})
refunds = ts.Stream("refunds", id="id", time="at", fields={
    "payment_id": ts.key, "amount": ts.money("EUR"), "usd": ts.money("USD"), "points": ts.integer(), "bad": ts.flag})
profiles = ts.Table("profiles", key="customer_id", valid_from="since", fields={"home": ts.key})
logins = ts.Stream("logins", id="id", time="at", fields={"user": ts.key})
customer = payments.by("customer_id")
fraud = payments.flagged_by(chargebacks, on="payment_id")
"""

EXPRESSIONS = [
    ("customer.count(where=payments.amount)", "where=payments.amount is no condition"),
    ("customer.count(where=payments.abroad)", "Write one such as where=payments.abroad == 1."),
    ("customer.count(where=fraud)", "a flag that becomes known later is no condition"),
    ("customer.count(where=lambda row: row)", "the function '<lambda>' is no condition"),
    ("customer.count(where=payments.amount > 1 and payments.points > 2)", "without 'if', 'and', 'or' or 'not'"),
    ("payments.amount > 1 or payments.points > 2", "without 'if', 'and', 'or' or 'not'"),
    ("1 < payments.amount < 5", "without 'if', 'and', 'or' or 'not'"),
    ("customer.count().over()", "over() needs one or more different lengths"),
    ('customer.count().over("0d", "1d")', "over('0d', '1d') needs one or more different lengths above zero"),
    ('customer.count().over("-7d")', "'-7d' is no length of time"),
    ('customer.count().over(" 7d ")', "' 7d ' is no length of time"),
    ('customer.count().over("\u0667d")', "is no length of time"),
    ('customer.count().over("7d", every="0s")', "every='0s' rounds to nothing"),
    ('customer.count().over("7d", delay=1)', "1 is no length of time"),
    ('customer.count().over("1d", "7d")[0]', "There is no window 0 here; declared are 1d, 7d."),
    ('customer.count().over("7d").trend("1d", "7d")', "'trend' is nothing that an aggregate has"),
    ("customer.mean(payments.amount) / 2", "does not say over which windows"),
    ("customer.count() > 3", "does not say over which windows"),
    ("customer.mode(payments.amount)", "'mode' is nothing that an entity has. There is at, count, distinct"),
    ("-payments.amount", "Write 0 - a"),
    ("payments.amount ** 2", "Write a * a"),
    ("abs(payments.amount)", "Write a.abs()"),
    ("payments.amount.hour()", "'hour' is nothing that payments.amount has"),
    ("payments.by(payments.customer_id)", "named by a text, such as 'customer_id', not by payments.customer_id"),
    ('payments.by(["customer_id"])', "named by a text"),
    ("payments[3]", "named by a text"),
    ('logins.by("user").at("customer_id")', "at() needs one key field of the spine for each of user"),
    ('logins.by("user").at(payments.amount)', "at() needs one key field of the spine for each of user"),
    ("profiles.asof(payments.amount).home", "asof() needs a key of the record, not payments.amount"),
    ("profiles.asof(payments)", "asof() needs a key of the record, not Stream('payments')"),
    ("profiles.by", "'profiles' has no field 'by'"),
    ("profiles.home", "profiles.asof(payments.customer_id).home"),
    ("profiles.asof(payments.customer_id).since", "takes a column or a key of 'profiles', not profiles.since"),
    ("customer.latest(payments.paid_at)", "takes a column or a key of 'payments', not payments.paid_at"),
    ("customer.mean(payments.amount > 3)", "Of a condition take rate(), or count(where=...)"),
    ("customer.sum(payments.amount * 2)", "not a calculation"),
    ("customer.rate(payments.amount)", "rate() takes a flag or a condition, and payments.amount is a number"),
    ("customer.distinct(payments.channel, cap=True)", "distinct(cap=True) needs a whole number"),
    ("customer.distinct(payments.channel, cap=10**70)", "cap=a number of more than 60 digits"),
    (
        'payments.amount.corrected_by(refunds.usd, on="payment_id")',
        "refunds.usd corrects payments.amount, and they are",
    ),
    ('payments.amount.corrected_by(refunds.points, on="payment_id")', "they are not in one unit"),
    ('payments.abroad.corrected_by(refunds.bad, on="payment_id")', "they are not in one unit"),
    ('payments.amount.corrected_by(refunds, on="payment_id")', "not Stream('refunds')"),
    ('payments.amount.corrected_by(refunds.amount, on="nope")', "on='nope' must name the key field of 'refunds'"),
    ('payments.flagged_by(chargebacks, on="n")', "on='n' must name the key field of 'chargebacks'"),
    (
        "payments.flagged_by(chargebacks, on=chargebacks.payment_id)",
        "on=chargebacks.payment_id must name the key field",
    ),
    ('payments.flagged_by(chargebacks.n, on="payment_id")', "chargebacks.n is none. Declare it as ts.flag"),
    ('payments.flagged_by(payments.abroad, on="payment_id")', "so each would report itself"),
    ('payments.channel.category("web", "web")', "category('web', 'web') needs one or more different texts"),
    ('payments.channel.category(["web", "app"])', "category(['web', 'app']) needs one or more different texts"),
    ('payments.channel.category("web", "")', "needs one or more different texts"),
    ('payments.amount.category("web")', "payments.amount is none"),
    ('payments.channel.between("a", "b")', "'channel' is no number"),
    ("payments.amount.between(5, 1)", "No number is between 5 and 1. Exchange them."),
    ("payments.channel == 3", "A text is compared with a text, and 3 is none"),
    ('payments.amount == "3"', "A text is compared with a text, and payments.amount is none"),
    ('payments.paid_at.hour("Berlin")', "Did you mean 'Europe/Berlin'?"),
    ('payments.paid_at.hour(["UTC"])', "['UTC'] is no time zone"),
    ('ts.Stream("", id="i", time="t", fields={})', "'' is no name for a stream or table"),
    ('ts.Stream("../x", id="i", time="t", fields={})', "'../x' is no name for a stream or table"),
    ('ts.Stream("a b", id="i", time="t", fields={})', "'a b' is no name for a stream or table"),
    ('ts.Table("a/b", key="k", fields={})', "'a/b' is no name for a stream or table"),
    ('ts.Table("x", key="", fields={})', "key='' of 'x' must name a column"),
    ('ts.Table("x", key="k", static="no", fields={})', "static='no' is neither True nor False"),
    ('ts.Stream("x", id=3, time="t", fields={})', "id=3 of 'x' must name a column"),
    ('ts.Stream("x", id="i", time="t", source=None, fields={})', "source=None of 'x' must be a path or an address"),
    ('ts.Stream("x", id="i", time="t", fields=["a"])', "fields= of 'x' gives each column's name its kind"),
    ('ts.Stream("x", id="i", time="t", fields={"a": ts.money})', "the function 'money'"),
    ("ts.number(scale=True)", "number(scale=True) is not possible"),
]

SETS = [
    ("class F(ts.FeatureSet): a = payments.amount", "F needs spine= the stream with one row of features per record."),
    ("class F(ts.FeatureSet, spine=profiles): a = payments.amount", "not Table('profiles')"),
    ("class F(ts.FeatureSet, spine=payments): describe = payments.amount", "what every feature set tells about itself"),
    ("class F(ts.FeatureSet, spine=payments): payment_id = payments.amount", "is called as the id of 'payments'"),
    ("class F(ts.FeatureSet, spine=payments): a = [payments.amount]", "which is no feature"),
    ("class F(ts.FeatureSet, spine=payments): a = fraud", "becomes known later"),
]


@pytest.mark.parametrize(("written", "sentence"), [(f"wrong = {text}", noted) for text, noted in EXPRESSIONS] + SETS)
def test_a_wrong_definition_is_told_where_it_stands(written: str, sentence: str, tmp_path: Path) -> None:
    """A mistake in an expression, a source or a feature set names its line, and says nothing of Python's insides."""
    (tmp_path / "project.py").write_text(HEAD + written + "\n", encoding="utf-8")

    with pytest.raises(DefinitionError) as caught:
        load(tmp_path / "project.py")

    noted = str(caught.value)
    assert noted.startswith(f"project.py:{HEAD.count(chr(10)) + 1}: ")
    assert sentence in noted
    assert not any(word in noted for word in ("TypeError", "object at 0x", "Column(stream="))


def test_a_record_does_not_correct_itself(tmp_path: Path) -> None:
    """A stream corrected by itself names the field with the other record's id; its own id would count it twice."""
    net = 'payments.amount.corrected_by(payments.amount, on="payment_id")'
    wrong = f'class F(ts.FeatureSet, spine=payments):\n    n = customer.sum({net}).over("1d")\n'
    (tmp_path / "project.py").write_text(HEAD + wrong, encoding="utf-8")

    with pytest.raises(DefinitionError, match="each would correct itself"):
        load(tmp_path / "project.py")
