"""The families of models: which one trains what a project declares."""

from tallystick.definitions.models import Family, LogisticRegression
from tallystick.training.boosting import Boosting
from tallystick.training.linear import Linear
from tallystick.training.trainer import Trainer


def trainer(family: Family) -> Trainer:
    """Return what fits a declared family.

    >>> trainer(LogisticRegression()).defaults
    {'C': 1.0}
    """
    if isinstance(family, LogisticRegression):
        return Linear()
    return Boosting(family)
