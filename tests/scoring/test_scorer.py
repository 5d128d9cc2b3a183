"""What a scorer promises: one call, the same bits, and reasons a person can read."""

import numpy as np
import pytest

from tallystick.data.records import Record
from tallystick.definitions.expressions import Column
from tallystick.definitions.fields import money
from tallystick.definitions.policies import Policy, above, above_cost
from tallystick.definitions.streams import Stream
from tallystick.errors import VectorWrong
from tallystick.scoring.graph import Calibration
from tallystick.scoring.reasons import Reasons
from tallystick.scoring.scorer import Scorer, bits
from tallystick.scoring.session import Session
from tallystick.training.export import export_logistic

payments = Stream("payments", id="payment_id", time="paid_at", fields={"amount": money("EUR", minimum=0)})
POLICY = Policy(decline=above_cost(false_alarm=5.0, missed=Column("payments", "amount")), refer=above(0.2))
NAMES = ("amount", "night", "n_1d", "n_7d", "risk", "speed")
WEIGHTS = [1.0, 0.5, -2.0, 0.25, 4.0, 3.0]


@pytest.fixture
def scorer() -> Scorer:
    """Return a linear model of six features, explained against one row of zeros."""
    model = export_logistic(
        medians=[0.0] * 6, means=[0.0] * 6, scales=[1.0] * 6, weights=WEIGHTS, bias=-3.0,
        calibration=Calibration(), names=NAMES,
    )  # fmt: skip
    return Scorer(Session.load(model), Reasons.from_model(model, [[0.0] * 6]), POLICY, payments.definition)


def test_scores_explains_and_judges_a_record(scorer: Scorer) -> None:
    """Raw score, its bits, contributions, reasons and verdict come from one call."""
    record = Record("payments", "p1", 0, {}, {"amount": 9500})

    found = scorer.decide([1.0, 1.0, 1.0, 0.0, 0.5, 0.0], record)

    assert found.raw == -3.0 + 1.0 + 0.5 - 2.0 + 2.0
    assert found.score == pytest.approx(1 / (1 + np.exp(1.5)))
    assert found.score_bits == bits(found.score)
    assert found.contributions.tolist() == [1.0, 0.5, -2.0, 0.0, 2.0, 0.0]
    assert [(r.name, r.value, r.contribution) for r in found.reasons] == [
        ("risk", 0.5, 2.0), ("amount", 1.0, 1.0), ("night", 1.0, 0.5),
    ]  # fmt: skip
    assert (found.verdict.action, found.verdict.threshold) == ("decline", 0.05)


def test_at_most_four_reasons_are_given(scorer: Scorer) -> None:
    """Of more than four features that raise the risk, the strongest four are named, the first of equals first."""
    found = scorer.decide([3.0, 1.0, -1.0, 1.0, 0.5, 1.0], Record("payments", "p1", 0, {}, {"amount": 0}))

    assert [reason.name for reason in found.reasons] == ["amount", "speed", "n_1d", "risk"]


def test_a_missing_feature_is_a_value(scorer: Scorer) -> None:
    """A missing feature takes the median in score and reasons alike."""
    found = scorer.decide([np.nan] * 6, Record("payments", "p1", 0, {}, {"amount": 0}))

    assert found.raw == -3.0
    assert found.reasons == ()


def test_a_vector_of_another_length_is_refused(scorer: Scorer) -> None:
    """A vector that does not fit is refused with the features it needs, in order."""
    with pytest.raises(VectorWrong, match="Give, in this order: amount, night, n_1d, n_7d, risk, speed"):
        scorer.decide([1.0, 2.0], Record("payments", "p1", 0, {}, {"amount": 0}))
