"""How often a cap was reached: a count of different values that is missing, which nothing else makes it."""

from collections.abc import Mapping
from pathlib import Path

import pyarrow.parquet as pq

from tallystick.definitions.features import FeatureDefinition


def n_capped_rows(definition: FeatureDefinition, file: Path) -> dict[str, int]:
    """Return in how many rows of a written table each cap was reached, of those that were.

    Parameters
    ----------
    definition : the features
    file : the table as Parquet, a file or a folder of them
    """
    names = list(definition.capped)
    if not names:
        return {}
    found = dict.fromkeys(names, 0)
    for part in sorted(file.glob("*.parquet")) if file.is_dir() else [file]:
        with pq.ParquetFile(part) as opened:
            for batch in opened.iter_batches(columns=names):
                for name in names:
                    found[name] += batch.column(name).null_count
    return {name: n for name, n in found.items() if n}


def summary(rows: Mapping[str, int], definition: FeatureDefinition) -> str:
    """Return the sentence about the caps that were reached.

    Parameters
    ----------
    rows : by feature, in how many rows its cap was reached, as ``n_capped_rows`` returned it
    definition : the features

    Examples
    --------
    >>> from tallystick.definitions.features import FeatureSet
    >>> from tallystick.definitions.fields import key
    >>> from tallystick.definitions.streams import Stream
    >>> payments = Stream("payments", id="id", time="at", fields={"customer": key, "shop": key})
    >>> class Shops(FeatureSet, spine=payments):
    ...     shops = payments.by("customer").distinct(payments.shop, cap=3).over("7d")
    >>> summary({"shops": 1_200}, Shops.definition)
    'Cap reached, so missing: shops in 1,200 rows (cap 3).'
    """
    caps = {name: getattr(definition.features[name], "cap", 0) for name in rows}
    return (
        f"Cap reached, so missing: {', '.join(f'{name} in {n:,} rows (cap {caps[name]})' for name, n in rows.items())}."
    )
