"""What is trained, and how it is used: features, label, split, candidates, search, policy and limits of one model."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from typing import Literal as OneOf

import msgspec

from tallystick.definitions.diagnostics import where
from tallystick.definitions.digest import digest_of
from tallystick.definitions.durations import DAY_US, microseconds
from tallystick.definitions.expressions import Arithmetic, Column, Expr, Flagged, Literal, TableColumn, subexpressions
from tallystick.definitions.families import LEAST, Family, as_written
from tallystick.definitions.features import FeatureDefinition, FeatureSet, unpaired
from tallystick.definitions.limits import Limit
from tallystick.definitions.policies import Above, AboveCost, Policy
from tallystick.definitions.stored import stored_form
from tallystick.definitions.streams import StreamDefinition
from tallystick.errors import DefinitionError, LeakRefused


class LabelDefinition(msgspec.Struct, frozen=True):
    """The value to foresee, and how long after the event it counts as final."""

    flagged: Flagged
    matures_after_us: int


class SplitDefinition(msgspec.Struct, frozen=True):
    """Parts of time: train, gap, validate, gap, test; ``test_from`` is the instant the test starts, or None.

    None means that the test part ends with the last record whose label has matured.
    """

    train_us: int
    gap_us: int
    validate_us: int
    test_us: int
    test_from: int | None = None


_RULES = "ts.above(...) or ts.above_cost(...)"
_MOST = 2**31  # seeds and counts beyond are none for the libraries that take them


class Search(msgspec.Struct, frozen=True):
    """How long settings are searched for each family, and by which metric of the validation part."""

    trials: int = 20
    metric: OneOf["average_precision", "auc"] = "average_precision"
    seed: int = 0


class ModelDefinition(msgspec.Struct, frozen=True):
    """A model as a value."""

    name: str
    features: FeatureDefinition
    label: LabelDefinition
    split: SplitDefinition
    candidates: tuple[Family, ...]
    search: Search
    policy: Policy
    limits: tuple[Limit, ...]

    @property
    def digest(self) -> str:
        """The digest of everything the model means, features included by their own digest."""
        return digest_of(stored_form(self) | {"features": self.features.digest})

    @classmethod
    def from_stored(cls, form: Mapping[str, Any]) -> "ModelDefinition":
        """Return the definition whose stored form this is.

        Raises
        ------
        msgspec.ValidationError
            If it is another value's.
        """
        features = unpaired(msgspec.convert(form.get("features"), dict[str, Any]))
        return msgspec.convert({**form, "features": features}, cls)


def Label(flagged: Flagged, *, matures_after: str) -> LabelDefinition:  # noqa: N802 - reads as the value it makes
    """Declare the value to foresee.

    Parameters
    ----------
    flagged : what ``stream.flagged_by(...)`` returns
    matures_after : how long after an event its label counts as final

    Raises
    ------
    LeakRefused
        If the label is an outcome that nothing dates.
    DefinitionError
        If it is no flag.
    """
    if isinstance(flagged, TableColumn):
        raise LeakRefused(f"{flagged.table}.{flagged.field}", where=where())
    if not isinstance(flagged, Flagged):
        sentence = f"A label is a flag that knows when it became known, not {flagged!r}. Write stream.flagged_by(...)."
        raise DefinitionError(sentence, where=where())
    return LabelDefinition(flagged, microseconds(matures_after, where=where()))


def TimeSplit(  # noqa: N802 - reads as the value it makes
    *, train: str, gap: str, validate: str, test: str, test_from: str | None = None
) -> SplitDefinition:
    """Declare the parts of time, with a gap between every two: train, gap, validate, gap, test.

    Parameters
    ----------
    train, gap, validate, test : lengths such as "60d"
    test_from : the day the test starts, such as "2018-08-08" (UTC); by default the test ends with the last
        record whose label has matured

    Raises
    ------
    DefinitionError
        If a length or the day is none.
    """
    train_us, gap_us, validate_us, test_us = (
        microseconds(text, where=where()) for text in (train, gap, validate, test)
    )
    if 0 in (train_us, validate_us, test_us):
        raise DefinitionError("train, validate and test must be longer than nothing.", where=where())
    start = None if test_from is None else _day(test_from)
    return SplitDefinition(train_us, gap_us, validate_us, test_us, start)


class Model:
    """Declare a model: what it sees, what it foresees, how it is chosen, what is done with its score.

    Parameters
    ----------
    name : lower-case words joined by hyphens
    features : a feature set
    label : ``ts.Label(...)``; its flagged stream is the features' spine
    split : ``ts.TimeSplit(...)``
    candidates : the family to try, such as ``ts.GradientBoosting()``, or several
    policy : ``ts.Policy(...)``
    search : ``ts.Search(...)``
    limits : what the model must reach before anybody may approve it, one limit or several

    Raises
    ------
    DefinitionError
        If a part is missing or is something else, or a setting is out of its range.
    """

    definition: ModelDefinition

    def __init__(
        self,
        name: str,
        *,
        features: type[FeatureSet],
        label: LabelDefinition,
        split: SplitDefinition,
        candidates: Sequence[Family] | Family,
        policy: Policy,
        search: Search | None = None,
        limits: Sequence[Limit] | Limit = (),
    ) -> None:
        if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name):
            sentence = f"{name!r} is no name for a model. Use lower-case words joined by hyphens: 'card-fraud'."
            raise DefinitionError(sentence, where=where())
        _are(name, "features", [features], type, "a subclass of ts.FeatureSet")
        _are(name, "label", [label], LabelDefinition, "ts.Label(...)")
        _are(name, "split", [split], SplitDefinition, "ts.TimeSplit(...)")
        _are(name, "candidates", _several(candidates), Family, as_written())
        _are(name, "search", [search or Search()], Search, "ts.Search(...)")
        _are(name, "policy", [policy], Policy, "ts.Policy(...)")
        _are(name, "policy.decline", [policy.decline], Above | AboveCost, _RULES)
        _are(name, "policy.refer", [] if policy.refer is None else [policy.refer], Above | AboveCost, _RULES)
        _are(name, "limits", _several(limits), Limit, "ts.limit.average_precision(at_least=...)")
        _check_settings(_several(candidates), search or Search())
        _check_costs(policy, features.definition.spine)
        if not candidates:
            raise DefinitionError(f"{name!r} has no candidates. Name at least one family.", where=where())
        if label.flagged.stream != features.definition.spine.name:
            sentence = (
                f"{name!r} foresees a flag of {label.flagged.stream!r}, and its features have one row per record of "
                f"{features.definition.spine.name!r}. They must be the same stream."
            )
            raise DefinitionError(sentence, where=where())
        self.definition = ModelDefinition(
            name,
            features.definition,
            label,
            split,
            tuple(_several(candidates)),
            search or Search(),
            policy,
            tuple(_several(limits)),
        )


def _are(model: str, part: str, values: Sequence[object], kind: object, example: str) -> None:
    for value in values:
        if not isinstance(value, kind):  # type: ignore[arg-type]  # a union of Structs is a kind too
            hint = f"{example}, with parentheses" if isinstance(value, type) else example
            raise DefinitionError(f"{part}= of {model!r} is {value!r}. Write {hint}.", where=where())


def _several(values: object) -> Sequence[Any]:
    return values if isinstance(values, list | tuple) else [values]


def _check_settings(families: Sequence[Family], search: Search) -> None:
    for family in families:
        for setting, value in msgspec.structs.asdict(family).items():
            _whole(setting, value, least=LEAST[setting])
    _whole("trials", search.trials, least=1)
    _whole("seed", search.seed, least=0)
    if search.metric not in {"average_precision", "auc"}:
        sentence = f"metric={search.metric!r} is none that can be searched by. Write 'average_precision' or 'auc'."
        raise DefinitionError(sentence, where=where())


def _check_costs(policy: Policy, spine: StreamDefinition) -> None:
    for rule in (policy.decline, policy.refer):
        for part in (
            subexpressions(rule.missed) if isinstance(rule, AboveCost) and isinstance(rule.missed, Expr) else ()
        ):
            if isinstance(part, Literal | Arithmetic) or (isinstance(part, Column) and _has_always(spine, part)):
                continue
            sentence = (
                f"missed= must be a cost that every record of {spine.name!r} tells by itself: numbers, arithmetic and "
                f"its own columns that are never missing. This is {part!r}."
            )
            raise DefinitionError(sentence, where=where())


def _has_always(spine: StreamDefinition, column: Column) -> bool:
    return column.stream == spine.name and not spine.fields[column.field].optional


def _whole(setting: str, value: object, *, least: int) -> None:
    # Not isinstance: trials=True would be one trial.
    if type(value) is not int or not least <= value < _MOST:
        sentence = f"{setting}={value!r} is not possible. Write a whole number from {least} to {_MOST - 1}."
        raise DefinitionError(sentence, where=where())


def _day(text: str) -> int:
    try:
        day = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        raise DefinitionError(f"test_from={text!r} is no day. Write it as 2018-08-08.", where=where()) from None
    day = day.replace(tzinfo=UTC) if day.tzinfo is None else day
    # A whole day in UTC, whatever clock time was written: parts of a split are cut at midnights.
    return int(day.timestamp()) // 86_400 * DAY_US


__all__ = [
    "Above",
    "AboveCost",
    "Label",
    "LabelDefinition",
    "Model",
    "ModelDefinition",
    "Search",
    "SplitDefinition",
    "TimeSplit",
]
