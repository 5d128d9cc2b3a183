"""The matrix is written with ids, names and exact doubles."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tallystick.features.matrix import Matrix, write_parquet


def test_a_file_holds_ids_and_exact_doubles(tmp_path: Path) -> None:
    """Read back, the columns stand in order, doubles have their bits and missing values are null."""
    values = np.array([[0.1, np.nan], [1 / 3, 5e-324]])
    matrix = Matrix(("a", "b"), pa.array(["p1", "p2"]), np.array([1, 2]), np.array([5, 6]), values, "payment_id")

    write_parquet(matrix, tmp_path / "out.parquet")

    table = pq.read_table(tmp_path / "out.parquet")
    assert table.to_pydict() == {"payment_id": ["p1", "p2"], "a": [0.1, 1 / 3], "b": [None, 5e-324]}
    assert table.schema.field("a").type == pa.float64()
