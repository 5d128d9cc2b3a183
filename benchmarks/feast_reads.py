"""How long Feast takes to read twelve features of one entity from its online store; run by an interpreter that has it.

    PYTHON benchmarks/feast_reads.py redis 127.0.0.1:6379     one line of JSON: microseconds, p50 and p99

The features were computed before and are constants here: what is measured is ``get_online_features`` alone.
"""

import datetime as dt
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ["FEAST_USAGE"] = "False"

N_ENTITIES = 1_000
N_READS = 2_000
NAMES = [f"f{i}" for i in range(12)]


def main() -> None:
    """Measure and print."""
    kind, address = sys.argv[1], (sys.argv[2] if len(sys.argv) > 2 else "")
    with tempfile.TemporaryDirectory() as folder:
        store = filled(Path(folder), kind, address)
        requested = [f"view:{name}" for name in NAMES]
        laps = []
        for number in range(N_READS):
            rows = [{"customer": f"{number * 7 % N_ENTITIES:08}"}]
            begin = time.perf_counter()
            found = store.get_online_features(features=requested, entity_rows=rows).to_dict()
            laps.append(time.perf_counter() - begin)
            if found[NAMES[-1]][0] is None:
                raise SystemExit("Feast did not find what was written.")
    laps = sorted(laps[N_READS // 10 :])
    figures = {"p50": laps[len(laps) // 2] * 1e6, "p99": laps[len(laps) * 99 // 100] * 1e6}
    sys.stdout.write(json.dumps(figures | {"version": version()}) + "\n")


def filled(folder: Path, kind: str, address: str) -> Any:
    """Return a feature store with one view, of which every entity has its features."""
    import pandas as pd  # noqa: PLC0415 - of the other interpreter
    from feast import Entity, FeatureStore, FeatureView, Field, FileSource, RepoConfig  # noqa: PLC0415
    from feast.types import Float32  # noqa: PLC0415

    online = {"type": "redis", "connection_string": address} if kind == "redis" else {
        "type": "sqlite", "path": str(folder / "online.db")
    }  # fmt: skip
    now = dt.datetime.now(dt.UTC)
    frame = pd.DataFrame({"customer": [f"{number:08}" for number in range(N_ENTITIES)], "at": now})
    frame = frame.assign(**{name: float(i) for i, name in enumerate(NAMES)})
    frame.to_parquet(folder / "data.parquet")
    config = RepoConfig(
        project="bench", provider="local", registry=str(folder / "registry.db"), online_store=online,
        entity_key_serialization_version=3,
    )  # fmt: skip
    store, entity = FeatureStore(config=config), Entity(name="customer", join_keys=["customer"])
    source = FileSource(path=str(folder / "data.parquet"), timestamp_field="at")
    schema = [Field(name=name, dtype=Float32) for name in NAMES]
    store.apply([entity, FeatureView(name="view", entities=[entity], schema=schema, source=source, online=True)])
    store.write_to_online_store("view", df=frame)
    return store


def version() -> str:
    """Return Feast's version."""
    import feast  # noqa: PLC0415 - of the other interpreter

    return str(feast.__version__)


if __name__ == "__main__":
    main()
