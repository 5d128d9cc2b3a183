"""What a validator is shown, and that a release packs what was judged, whatever the project's file says by then."""

from pathlib import Path
from typing import Any

from tallystick import lifecycle
from tallystick.definitions.policies import Above
from tallystick.reporting.html import page


def edited(shop: Any, old: str, new: str) -> None:
    """Change what the project's file says."""
    path = Path(shop.folder) / "project.py"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_a_release_packs_the_policy_that_was_judged(shop: Any) -> None:
    """After the policy in project.py was loosened, the candidate is released under its own, and a note says so."""
    candidate = shop.document("show")["candidate"]
    edited(shop, "refer=ts.above(0.2)", "refer=ts.above(0.999)")

    shown, document = shop.tally("release", candidate[:12]), shop.document("release", candidate[:12])

    bundle = lifecycle.open(shop.folder, actor="ada").bundle(document["bundle"], is_approved=False)
    assert isinstance(bundle.policy.refer, Above)
    assert bundle.policy.refer.threshold == 0.2
    assert bundle.definition.digest == bundle.candidate.model == bundle.evidence.model
    assert [change["part"] for change in document["changed_since"]] == ["policy"]
    assert "Note: policy of the project changed since" in shown.out
    assert "refer where the score is above 0.999" in " ".join(shown.out.split())


def test_a_release_needs_neither_the_model_nor_the_data(shop: Any) -> None:
    """Without the model in project.py, and without the files of history, what was judged is still released."""
    candidate = shop.document("show")["candidate"]
    edited(shop, "model = ts.Model(", "def unused(): return ts.Model(")
    for path in (Path(shop.folder) / "data").iterdir():
        path.unlink()

    document = shop.document("release", candidate[:12])

    assert document["changed_since"] == []
    assert (Path(shop.folder) / ".tally" / "bundles" / document["bundle"]).is_dir()


def test_show_tells_the_review_of_a_bundle(shop: Any) -> None:
    """Policy in words, the shares of each action on the test part with bad rates, for people and programs."""
    shown, document = shop.tally("show", shop.sound[:12]), shop.document("show", shop.sound[:12])

    review = document["review"]
    assert review["bundle"] == shop.sound
    assert review["policy"][-1] == "approve the rest"
    assert [each["action"] for each in review["actions"]] == ["approve", "refer", "decline"]
    assert sum(each["n_rows"] for each in review["actions"]) == document["metrics"]["test"]["n_rows"]
    assert sum(each["n_bad"] for each in review["actions"]) == document["metrics"]["test"]["n_positives"]
    assert "What it would have done with the test part" in shown.out
    assert "No other bundle of this model was approved before." in shown.out


def test_approve_shows_what_is_approved(shop: Any) -> None:
    """Above the approval stands the review."""
    shop.document("refuse", shop.sound, "--reason", "to see it another time", actor="vera")

    shown = shop.tally("approve", shop.sound, actor="vera")

    assert shown.code == 0
    assert shown.out.index("Review of shop") < shown.out.index("vera approved")


def test_a_trainings_failures_are_shown(shop: Any) -> None:
    """What the unsound candidate of a training failed stands in its review, and is a report for every renderer."""
    document = shop.document("show", shop.unsound[:12])

    assert document["failed"] > 0
    assert document["review"]["steps"][0]["training"]["failures"][0]["code"].startswith("V")
    review = lifecycle.open(shop.folder, actor="ada").review(shop.unsound)
    assert f"Review of shop, bundle {shop.unsound[:12]}" in str(review)
    assert "approve the rest" in page(review.report())


def test_the_page_has_the_review_before_the_details(shop: Any, tmp_path: Path) -> None:
    """``show --html`` writes what was found, then the review, then every trial and digest."""
    out = tmp_path / "found.html"

    assert shop.tally("show", shop.sound[:12], "--html", str(out)).code == 0

    text = out.read_text(encoding="utf-8")
    heads = [text.index(f"<h2>{title}</h2>") for title in ("Checks", "Policy and limits", "Search", "Made of")]
    assert heads == sorted(heads)
