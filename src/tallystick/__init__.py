"""Tallystick: every decision of a model can be replayed, bit for bit.

What a project file and a notebook import, and nothing else. ``open`` is loaded when it is first asked for, because a
project file needs only definitions, and the lifecycle needs every room.
"""

import importlib
from typing import Any

from tallystick.definitions import limits as limit
from tallystick.definitions.families import GradientBoosting, LogisticRegression, XGBoost
from tallystick.definitions.features import FeatureSet
from tallystick.definitions.fields import flag, integer, key, money, number, optional, time
from tallystick.definitions.models import Label, Model, Search, TimeSplit
from tallystick.definitions.policies import Policy, above, above_cost
from tallystick.definitions.streams import Stream, Table

__version__ = "0.1.0"

__all__ = [
    "FeatureSet",
    "GradientBoosting",
    "Label",
    "LogisticRegression",
    "Model",
    "Policy",
    "Search",
    "Stream",
    "Table",
    "TimeSplit",
    "XGBoost",
    "above",
    "above_cost",
    "flag",
    "integer",
    "key",
    "limit",
    "money",
    "number",
    "open",
    "optional",
    "time",
]


def __getattr__(name: str) -> Any:
    if name == "open":
        return importlib.import_module("tallystick.lifecycle").open
    sentence = f"module 'tallystick' has no attribute {name!r}"
    raise AttributeError(sentence)
