"""What ``tally features`` says beside the matrix: rows that were refused, and caps that were reached."""

from pathlib import Path

import pytest

from tallystick.cli.main import main
from tallystick.testing.command import CommandResult, run

PROJECT = """import tallystick as ts
payments = ts.Stream(
    "payments", id="id", time="at", source="payments.csv", fields={"customer": ts.key, "shop": ts.key}
)


class Shops(ts.FeatureSet, spine=payments):
    shops = payments.by("customer").distinct(payments.shop, cap=2).over("7d")


chargebacks = ts.Stream("chargebacks", id="n", time="at", source="chargebacks.csv", fields={"id": ts.key})
model = ts.Model(
    "shops", features=Shops, label=ts.Label(payments.flagged_by(chargebacks, on="id"), matures_after="1d"),
    split=ts.TimeSplit(train="9d", gap="1d", validate="1d", test="1d"), candidates=[ts.LogisticRegression()],
    policy=ts.Policy(decline=ts.above(0.9)),
)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a project of 40 payments: one without a shop, and a customer who is seen in four."""
    rows = [f"p{n},2026-01-01T00:00:{n:02},c1,{f's{n % 4}' if n != 5 else ''}" for n in range(40)]
    (tmp_path / "project.py").write_text(PROJECT, encoding="utf-8")
    (tmp_path / "payments.csv").write_text("\n".join(["id,at,customer,shop", *rows]) + "\n", encoding="utf-8")
    (tmp_path / "chargebacks.csv").write_text("n,at,id\n1,2026-01-02T00:00:00,p1\n", encoding="utf-8")
    return tmp_path


def tally(folder: Path, *arguments: str) -> CommandResult:
    """Run a verb in the project."""
    return run(main, "--project", str(folder), *arguments)


def test_what_a_matrix_lacks_is_told(folder: Path) -> None:
    """Refused rows are told with their reasons and place, and in how many rows a cap was reached; nothing is silent."""
    out = str(folder / "out.parquet")

    noted = " ".join(tally(folder, "features", out).out.split())
    document = tally(folder, "features", out, "--json").document

    assert "1 of 40 rows of payments were refused: shop: missing (1). See" in noted
    assert "Cap reached, so missing: shops in 37 rows (cap 2)." in noted
    assert (document["rows"], document["refused"], document["caps_reached"]) == (39, {"payments": 1}, {"shops": 37})
