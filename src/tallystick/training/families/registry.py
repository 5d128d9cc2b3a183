"""Which family trains what a project declares. To add one: a declaration, a file beside this one, a line here."""

from collections.abc import Callable, Mapping
from typing import Any

from tallystick.definitions.families import Family
from tallystick.errors import FamilyUnknown
from tallystick.training.families.gradient_boosting import Boosting
from tallystick.training.families.logistic_regression import Linear
from tallystick.training.families.xgboost import XGBoosting
from tallystick.training.trainer import Trainer

FAMILIES: Mapping[str, Callable[[Any], Trainer]] = {family.name: family for family in (Linear, Boosting, XGBoosting)}


def trainer(family: Family) -> Trainer:
    """Return what fits a declared family.

    Raises
    ------
    FamilyUnknown
        If nothing here fits it.

    Examples
    --------
    >>> from tallystick.definitions.families import LogisticRegression
    >>> trainer(LogisticRegression()).defaults
    {'C': 1.0}
    """
    tag = str(type(family).__struct_config__.tag)
    if tag not in FAMILIES:
        raise FamilyUnknown(tag, known=FAMILIES)
    return FAMILIES[tag](family)
