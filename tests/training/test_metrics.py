"""Metrics against scikit-learn and against the handbook's own words."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from tallystick.errors import MetricUndefined
from tallystick.training.metrics import auc, average_precision, brier, card_precision

rows = st.lists(st.tuples(st.booleans(), st.integers(0, 8)), min_size=2, max_size=60).filter(
    lambda pairs: len({known for known, _ in pairs}) == 2
)


@given(rows)
def test_auc_is_the_known_one(pairs: list[tuple[bool, int]]) -> None:
    """The area under the ROC curve equals scikit-learn's, ties included."""
    labels, scores = [p[0] for p in pairs], [p[1] / 8 for p in pairs]

    assert auc(labels, scores) == pytest.approx(roc_auc_score(labels, scores), abs=1e-12)


@given(rows)
def test_average_precision_is_the_known_one(pairs: list[tuple[bool, int]]) -> None:
    """Average precision equals scikit-learn's, ties included."""
    labels, scores = [p[0] for p in pairs], [p[1] / 8 for p in pairs]

    assert average_precision(labels, scores) == pytest.approx(average_precision_score(labels, scores), abs=1e-12)


@pytest.mark.parametrize("metric", [auc, average_precision])
def test_one_class_has_no_value(metric: object) -> None:
    """A ranking metric of equal labels is refused in a sentence."""
    with pytest.raises(MetricUndefined, match="on 3 rows of which 0 are flagged"):
        metric([0, 0, 0], [0.1, 0.2, 0.3])  # type: ignore[operator]


def test_brier_of_a_sure_and_right_forecast_is_zero() -> None:
    """Saying 1 before a 1 and 0 before a 0 costs nothing."""
    assert brier([0, 1], [0.0, 1.0]) == 0.0


def _as_the_handbook_says(day: list[int], card: list[int], score: list[float], label: list[int], k: int) -> float:
    found: set[int] = set()
    shares = []
    for today in sorted(set(day)):
        rows_today = [i for i in range(len(day)) if day[i] == today and card[i] not in found]
        highest = {c: max(score[i] for i in rows_today if card[i] == c) for c in {card[i] for i in rows_today}}
        frauds = {card[i] for i in rows_today if label[i]}
        top = sorted(highest, key=lambda c: (-highest[c], c))[:k]
        hits = [c for c in top if c in frauds]
        found.update(hits)
        shares.append(len(hits) / k)
    return sum(shares) / len(shares)


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 6), st.integers(0, 5), st.integers(0, 1)), min_size=1, max_size=50
    ),
    st.integers(1, 4),
)
def test_card_precision_is_the_handbooks(rows: list[tuple[int, int, int, int]], k: int) -> None:
    """Card precision follows the handbook's procedure, word by word."""
    day, card, score, label = (list(column) for column in zip(*rows, strict=True))

    found = card_precision(day, card, np.array(score) / 5, label, k=k)

    assert found == pytest.approx(_as_the_handbook_says(day, card, [s / 5 for s in score], label, k))
