"""A report as JSON: read back it is the same value, figures and tones included."""

import msgspec

from tallystick.reporting import json
from tallystick.reporting.report import Report


def test_a_report_comes_back_from_json_as_it_was(everything: Report) -> None:
    """Every block, number, tone and missing value survives."""
    written = json.render(everything)

    assert msgspec.json.decode(written, type=Report) == everything


def test_the_document_holds_values_and_no_drawing(everything: Report) -> None:
    """Numbers are numbers, figures are their values, and each block says what it is."""
    document = msgspec.json.decode(json.render(everything))

    blocks = [block for section in document["sections"] for block in section["blocks"]]

    assert {block["block"] for block in blocks} == {"text", "facts", "table", "figure"}
    table = next(block for block in blocks if block["block"] == "table")
    assert table["rows"][0]["cells"][1:4] == [12_345, 0.75, 0.0064]
