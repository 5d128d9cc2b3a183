"""The families of models a project may name as candidates, with the caps that are its to set."""

from collections.abc import Mapping
from typing import get_args

import msgspec


class LogisticRegression(msgspec.Struct, frozen=True, tag="logistic_regression"):
    """A linear model of the log-odds on standardised features; a missing value takes the training median."""


class GradientBoosting(msgspec.Struct, frozen=True, tag="gradient_boosting"):
    """Boosted decision trees (LightGBM).

    Parameters
    ----------
    max_trees : most trees of a candidate
    max_leaves : most leaves of a tree; reasons cost time with deep ones
    """

    max_trees: int = 150
    max_leaves: int = 31


class XGBoost(msgspec.Struct, frozen=True, tag="xgboost"):
    """Boosted decision trees (XGBoost).

    Parameters
    ----------
    max_trees : most trees of a candidate
    max_leaves : most leaves of a tree; reasons cost time with deep ones
    """

    max_trees: int = 150
    max_leaves: int = 31


Family = LogisticRegression | GradientBoosting | XGBoost

LEAST: Mapping[str, int] = {"max_trees": 1, "max_leaves": 2}  # of every cap that a family has, the least it may be


def as_written() -> str:
    """Return how a project names the families, for a sentence.

    >>> as_written().split(" or ")[0]
    'ts.LogisticRegression()'
    """
    return " or ".join(f"ts.{family.__name__}()" for family in get_args(Family))
