"""Parts of time."""

import numpy as np
import pytest

from tallystick.definitions.models import SplitDefinition
from tallystick.errors import PartEmpty, PartOneClass, PartOutside
from tallystick.training.labels import NEVER, Labels
from tallystick.training.splits import rows_of, split

DAY = 86_400_000_000
AUGUST_8 = 1_533_686_400_000_000
WEEKS = SplitDefinition(7 * DAY, 7 * DAY, 7 * DAY, 7 * DAY, AUGUST_8)


def daily(n_days: int, *, flagged_each: int = 5, matures_after: int = 7 * DAY) -> Labels:
    """Return one record a day, every fifth flagged a day later."""
    time = np.arange(n_days) * DAY
    known_at = np.where(np.arange(n_days) % flagged_each == 0, time + DAY, NEVER)
    return Labels(time, known_at, matures_after)


def test_the_published_split() -> None:
    """Seven days each before 2018-08-08 are the dates of the handbook, and the search's lie two weeks earlier."""
    parts = split(WEEKS, daily(1), ends_at=AUGUST_8 + 60 * DAY)

    assert [part.days for part in parts.parts] == [
        "2018-07-11 to 2018-07-17",
        "2018-07-25 to 2018-07-31",
        "2018-07-25 to 2018-07-31",
        "2018-08-08 to 2018-08-14",
    ]


def test_nothing_is_learnt_from_knowledge_of_the_future() -> None:
    """Labels to learn from are those known when the part they are judged on begins."""
    parts = split(WEEKS, daily(1), ends_at=AUGUST_8 + 60 * DAY)

    assert parts.train.labels_as_of == parts.validate.start
    assert parts.validate.labels_as_of == parts.fit.labels_as_of == parts.test.start
    assert parts.test.labels_as_of == AUGUST_8 + 60 * DAY


def test_the_test_ends_with_the_last_matured_record() -> None:
    """Without a first day, the test part ends with the last record whose label has matured."""
    open_end = SplitDefinition(7 * DAY, 7 * DAY, 7 * DAY, 7 * DAY)

    parts = split(open_end, daily(60), ends_at=59 * DAY)

    assert parts.test.end == 52 * DAY + 1
    assert parts.test.start == 45 * DAY + 1


def test_only_matured_rows_are_tested() -> None:
    """A row whose label may still change is not counted in the test part, but is learnt from elsewhere."""
    labels = daily(60)
    parts = split(SplitDefinition(7 * DAY, 2 * DAY, 7 * DAY, 10 * DAY, 46 * DAY), labels, ends_at=59 * DAY)

    tested = rows_of(parts.test, labels, allowed=np.ones(60, dtype=np.bool_))

    assert tested.rows.tolist() == list(range(46, 53))


def test_rows_without_label_are_left_out() -> None:
    """A row that can have no label is in no part."""
    labels, allowed = daily(60), np.arange(60) % 2 == 0
    parts = split(SplitDefinition(7 * DAY, 2 * DAY, 7 * DAY, 7 * DAY), labels, ends_at=59 * DAY)

    assert len(rows_of(parts.fit, labels, allowed=allowed).rows)
    assert (rows_of(parts.fit, labels, allowed=allowed).rows % 2 == 0).all()


def test_a_part_outside_the_data_is_a_sentence() -> None:
    """A split longer than the data says which part lies outside, and where the data is."""
    labels = daily(40)
    parts = split(SplitDefinition(60 * DAY, 7 * DAY, 7 * DAY, 7 * DAY, -7 * DAY), labels, ends_at=39 * DAY)

    with pytest.raises(
        PartOutside, match=r"The validate part \(1969.* reaches beyond the data \(1970-01-01 to 1970-02-09"
    ):
        rows_of(parts.validate, labels, allowed=np.ones(40, dtype=np.bool_))


def test_a_part_may_lack_a_tenth() -> None:
    """A part that reaches a little beyond the data is taken as it is; one that lacks more is refused."""
    labels = daily(60)
    parts = [
        split(SplitDefinition(days * DAY, 7 * DAY, 7 * DAY, 7 * DAY), labels, ends_at=59 * DAY) for days in (26, 30)
    ]

    assert rows_of(parts[0].train, labels, allowed=np.ones(60, dtype=np.bool_)).n_positives > 0
    with pytest.raises(PartOutside, match="The train part"):
        rows_of(parts[1].train, labels, allowed=np.ones(60, dtype=np.bool_))


def test_a_part_without_matured_labels_is_a_sentence() -> None:
    """A test part that is too fresh says how many records it has and when labels count."""
    labels = daily(60)
    parts = split(SplitDefinition(7 * DAY, 2 * DAY, 7 * DAY, 3 * DAY, 56 * DAY), labels, ends_at=59 * DAY)

    with pytest.raises(PartEmpty, match=r"test part .* has 3 records and none .* 7d after its event"):
        rows_of(parts.test, labels, allowed=np.ones(60, dtype=np.bool_))


def test_a_part_with_equal_labels_is_a_sentence() -> None:
    """A part without a single flagged row says its rows and that both kinds are needed."""
    labels = daily(60, flagged_each=1_000)
    parts = split(SplitDefinition(7 * DAY, 2 * DAY, 7 * DAY, 7 * DAY), labels, ends_at=59 * DAY)

    with pytest.raises(PartOneClass, match=r"train part .* has 7 rows, of which 0 are flagged"):
        rows_of(parts.train, labels, allowed=np.ones(60, dtype=np.bool_))


def test_data_without_a_matured_label_has_no_test() -> None:
    """When no label has matured there is no end for the test part."""
    with pytest.raises(PartEmpty):
        split(SplitDefinition(DAY, DAY, DAY, DAY), daily(3), ends_at=2 * DAY)
