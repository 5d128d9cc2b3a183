"""Values that stages give show themselves: as a page's fragment in a notebook, as a text where they are printed."""

import pytest

from tallystick.data.read import Reading, Screening
from tallystick.data.records import Dataset
from tallystick.definitions.costs import Cost
from tallystick.definitions.describe import Description, FeatureDescription
from tallystick.definitions.lineage import Lineage, Origin
from tallystick.features.prove import FeatureParity, ParityProof
from tallystick.features.prove import FirstDifference as Differing
from tallystick.governance.approval_status import Approval
from tallystick.replay.compare import Comparison, Side, Swap
from tallystick.replay.period import ReplayReport
from tallystick.replay.verdict import Difference, Verdict
from tallystick.reporting.notebook import Displayed

AT = 1_767_225_600_000_000
SAME = Verdict("card-fraud", "P1", 24, AT, "ab" * 32, "decline")
OTHER = Verdict(
    "card-fraud",
    "P<2>",
    25,
    AT,
    "ab" * 32,
    "approve",
    "features",
    "1 of 2 features differ: night.",
    (Difference("night", 1.0, 0.0),),
)
WRONG = Differing("oracle", "P1", 5, 1.0, None)
SIDE = Side(("ab" * 32,), {"approve": 9, "decline": 1}, 2, 0.5, None)
FEATURE = FeatureDescription(
    "n", "number of payments", "count", ("payments.customer_id",), ("7d",), (), Cost(1, 0, 0, 2, 0, ())
)
VALUES: dict[str, tuple[Displayed, tuple[str, ...]]] = {
    "verdict": (SAME, ("Decision P1", "decline, made 2026-01-01 00:00:00 UTC by bundle abababababab", "identical")),
    "other verdict": (OTHER, ("differs at features", "night", "stored", "found")),
    "unreadable": (
        Verdict("card-fraud", "P3", 7, None, None, None, "record", "The log is damaged."),
        ("log position 7", "damaged"),
    ),
    "replay": (ReplayReport(3, (SAME, OTHER)), ("1 of 2 replayed", "3 decisions", "features 1", "P<2>")),
    "many": (ReplayReport(30, (OTHER,) * 15), ("0 of 15 replayed", "and 5 more")),
    "comparison": (
        Comparison(10, 9, 1, SIDE, SIDE, (Swap("approve", "decline", 3, 1, 0),)),
        ("same 9 matured decisions", "0.500", "unknown"),
    ),
    "proof": (
        ParityProof({"batch": 400, "oracle": 300}, ("duckdb",), (FeatureParity("n", {"oracle": 1}, WRONG),)),
        ("oracle (300 rows)", "n of P1: oracle has missing and batch has 1.0.", "duckdb is not", "tallystick[sql]"),
    ),
    "description": (Description("Set", "payments", (FEATURE,)), ("Set: 1 features", "number of payments")),
    "lineage": (
        Lineage("fraud", (Origin("n", ("payments.at",), ("payments",), ("data/p.csv",)),)),
        ("Where fraud comes from", "data/p.csv"),
    ),
    "approval": (Approval("ab" * 32, "cd" * 32, "vera", AT, 9, "ef" * 32), ("vera approved abababababab", "cd" * 32)),
    "reading": (
        Reading(Dataset({}, "f" * 64, 3), {"payments": Screening("payments", 5, 2, {"amount: below": 2}, None, True)}),
        ("Sources", "amount: below (2)"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", VALUES)
def test_a_value_shows_its_report(name: str) -> None:
    """What it says stands in the notebook's fragment, escaped, and in the printed text."""
    value, words = VALUES[name]

    page, text = value._repr_html_(), str(value)  # type: ignore[misc]

    assert page.startswith("<div class=")
    assert [word for word in words if word not in " ".join(text.split())] == []
    assert "<2>" not in page


def test_a_replay_of_many_stays_short() -> None:
    """However many decisions differ, the report lists the first ones and counts the others."""
    many = ReplayReport(1_000, (OTHER,) * 1_000)

    assert len(str(many).splitlines()) < 40
    assert len(many._repr_html_()) < 40_000
