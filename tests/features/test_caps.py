"""A cap that was reached is told: how many rows lack a count of different values, and of which feature."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

import tallystick as ts
from tallystick.features import caps

payments = ts.Stream("payments", id="id", time="at", fields={"customer": ts.key, "shop": ts.key})
customer = payments.by("customer")
shops: Any = customer.distinct(payments.shop, cap=3).over("7d", "30d")


class Shops(ts.FeatureSet, spine=payments):
    """A count that only a cap makes missing, and one that is missing for other reasons too."""

    shops = shops
    share = shops["7d"] / customer.count().over("7d", delay="1us")


def test_rows_beyond_a_cap_are_counted(tmp_path: Path) -> None:
    """Only features that nothing but their cap makes missing are told, from a file or a folder of them."""
    missing = pa.array([1.0, None, None])
    table = pa.table({"shops_7d": missing, "shops_30d": pa.array([1.0, 2.0, 3.0]), "share": missing})
    folder = tmp_path / "matrix"
    folder.mkdir()
    pq.write_table(table, folder / "part-0.parquet")
    pq.write_table(table, folder / "part-1.parquet")

    assert caps.n_capped_rows(Shops.definition, folder / "part-0.parquet") == {"shops_7d": 2}
    assert caps.n_capped_rows(Shops.definition, folder) == {"shops_7d": 4}
    assert caps.summary({"shops_7d": 4}, Shops.definition) == "Cap reached, so missing: shops_7d in 4 rows (cap 3)."


def test_without_caps_no_file_is_read(tmp_path: Path) -> None:
    """Features without a cap cost no second look at the matrix."""

    class Plain(ts.FeatureSet, spine=payments):
        n = customer.count().over("7d")

    assert caps.n_capped_rows(Plain.definition, tmp_path / "nothing.parquet") == {}
