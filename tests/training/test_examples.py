"""Which rows try a model: the whole range of scores and the emptiest rows, the same ones every time."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tallystick.data.records import FixedPoint
from tallystick.training.examples import choose, examples

scores = st.lists(st.floats(0, 1), min_size=1, max_size=200)


@given(scores, st.integers(20, 40))
def test_vectors_span_the_scores(given_scores: list[float], n: int) -> None:
    """Lowest and highest score are among them, none twice, as many as there can be, the same each time."""
    features = np.zeros((len(given_scores), 3))

    chosen = choose(features, given_scores, n=n)

    found = [given_scores[i] for i in chosen]
    assert len(set(chosen.tolist())) == len(chosen) == min(n, len(given_scores))
    assert (min(found), max(found)) == (min(given_scores), max(given_scores))
    assert chosen.tolist() == choose(features, given_scores, n=n).tolist() == sorted(chosen.tolist())


def test_vectors_hold_rows_with_missing_values() -> None:
    """Of many rows, the few with missing values are tried."""
    features = np.zeros((500, 2))
    features[[77, 401]] = np.nan

    assert {77, 401} <= set(choose(features, np.linspace(0, 1, 500)).tolist())


def test_only_what_the_policy_needs_is_kept_of_a_record() -> None:
    """An example keeps the amount that prices a missed fraud, and no other field of the record; None is missing."""
    nothing, gone = np.zeros(3, np.bool_), np.array([False, False, True])
    columns = {
        "amount": FixedPoint(np.array([7, 100, 5]), gone, 2),
        "rate": FixedPoint(np.array([1, 2, 3]), nothing, 0),
    }

    found = examples([[1.0, 0.0, np.nan], [2.0, 1.0, 3.0]], columns, np.array([1, 2]), ["amount"])

    assert [example.values for example in found] == [{"amount": 100}, {"amount": None}]
    assert found[0].features == (1.0, 0.0, None)
