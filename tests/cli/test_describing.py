"""What features mean is told before anything is read: on the screen, as JSON, and in a candidate's document."""

from typing import Any

from tallystick import lifecycle
from tallystick.reporting.html import page


def test_features_are_described_without_data(bare: Any) -> None:
    """``features --describe`` tells every feature of a project that has no data yet, and where it comes from."""
    noted = bare.tally("features", "--describe")

    assert noted.code == 0
    assert "Where bare comes from" in noted.out
    assert "chargebacks.payment_id" in noted.out


def test_the_description_is_one_document(bare: Any) -> None:
    """With --json meanings and lineage are one JSON document, features in the order of the matrix."""
    found = bare.document("features", "--describe")

    features = lifecycle.open(bare.folder).definitions.model().features
    assert [each["name"] for each in found["features"]] == list(features.names)
    assert found["features"][0]["meaning"] == "amount (EUR)"
    assert {origin["part"] for origin in found["lineage"]["origins"]} > {*features.names, "label", "policy.decline"}


def test_the_document_tells_what_features_mean(first_shop: Any) -> None:
    """A candidate's document has its features' meanings."""
    project = lifecycle.open(first_shop.folder)

    text = page(project.candidate().report())

    assert "<h2>Features</h2>" in text
    assert "number of the customer&#x27;s payments of the last 7 days" in text


def test_a_candidate_is_described_by_its_own_definition(shop: Any, tmp_path: Any) -> None:
    """Where the project changed since, ``show --html`` tells what the candidate's features mean, not today's."""
    out, file = tmp_path / "made.html", shop.folder / "project.py"
    file.write_text(file.read_text(encoding="utf-8").replace('"30d"', '"29d"'), encoding="utf-8")

    noted = shop.tally("show", "--html", str(out))

    assert noted.code == 0
    text = out.read_text(encoding="utf-8")
    assert "the last 30 days" in text
    assert "the last 29 days" not in text
