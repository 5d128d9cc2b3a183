"""Two models in one project: each verb finds the one that is meant, or asks for its name."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from tallystick import lifecycle
from tallystick.errors import BundleInconsistent

SECOND = """

class Few(ts.FeatureSet, spine=payments):
    n = customer.count().over("7d")


second = ts.Model(
    "few",
    features=Few,
    label=ts.Label(fraud, matures_after="14d"),
    split=ts.TimeSplit(train="20d", gap="21d", validate="7d", test="10d"),
    candidates=[ts.LogisticRegression()],
    policy=ts.Policy(decline=ts.above(0.5)),
)
"""


@pytest.fixture
def two(shop: Any) -> Any:
    """Return a shop that decided with one model, and then declared another."""
    with (shop.folder / "project.py").open("a", encoding="utf-8") as project:
        project.write(SECOND)
    return shop


def test_features_of_each_model_come_from_the_log(two: Any, tmp_path: Path) -> None:
    """After serving began, each model's matrix has the events of the log."""
    few = two.document("features", str(tmp_path / "few.parquet"), "--model", "few")
    shop = two.document("features", str(tmp_path / "shop.parquet"), "--model", "shop")

    assert few["features"] == ["n"]
    assert few["rows"] == shop["rows"]


def test_a_decision_needs_no_models_name(two: Any) -> None:
    """Where only one of several models decided, a decision and a period are found without naming it."""
    assert two.document("replay", two.decided)["model"] == "shop"
    assert two.document("replay", "--sample", "5")["identical"]
    assert two.document("replay", two.decided, "--model", "shop")["identical"]


def test_todays_definitions_are_those_of_the_model_that_decided(two: Any) -> None:
    """Which of today's features are meant follows from the decision; a model that made none has none to replay."""
    assert two.document("replay", two.decided, "--todays-definitions")["identical"]
    assert two.document("replay", two.decided, "--todays-definitions", "--model", "shop")["identical"]

    other = two.tally("replay", two.decided, "--model", "few")
    nobody = two.tally("replay", two.decided, "--model", "shp")

    assert (other.code, f"no decision {two.decided!r} of 'few'" in other.err) == (2, True)
    assert (nobody.code, "Did you mean 'shop'?" in nobody.err) == (2, True)


def test_a_bundle_under_anothers_name_is_refused(shop: Any) -> None:
    """Who names a bundle gets that one, or a sentence, and never another that holds by itself."""
    folder = shop.hidden / "bundles"
    shutil.rmtree(folder / shop.unsound)
    shutil.copytree(folder / shop.sound, folder / shop.unsound)
    project = lifecycle.open(shop.folder, actor="vera")

    with pytest.raises(BundleInconsistent, match=f"it is bundle {shop.sound[:12]}"):
        project.bundle(shop.unsound, is_approved=False)
    with pytest.raises(BundleInconsistent):
        project.bundle(shop.unsound)
