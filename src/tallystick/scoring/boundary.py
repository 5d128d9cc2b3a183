"""The model's boundary: the one place where a feature becomes what the model sees."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

_LARGEST = float(np.finfo(np.float32).max)
_NOTHING = float(np.float32(1e-35))  # LightGBM reads anything nearer to zero as zero, whatever the split says


def cast(features: ArrayLike) -> NDArray[np.float64]:
    """Round features to float32 and widen them again to double.

    Training, self-test, serving and replay all pass through here, so a value a model was taught with and
    the value it is asked about are the same number. Beyond the range of float32 a value becomes the largest
    float32 rather than infinite; within 1e-35 of zero it becomes zero, as LightGBM reads it; missing (NaN)
    stays missing. Casting twice changes nothing.

    Examples
    --------
    >>> cast([0.1, 1e300, -1e-40, float("nan")]).tolist()
    [0.10000000149011612, 3.4028234663852886e+38, 0.0, nan]
    """
    wide = np.asarray(features, dtype=np.float64)
    narrow = np.clip(wide, -_LARGEST, _LARGEST).astype(np.float32).astype(np.float64)
    return np.where(np.abs(narrow) <= _NOTHING, 0.0, narrow)
