"""The model's boundary: the one place where a feature becomes what the model sees."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

_LARGEST = float(np.finfo(np.float32).max)


def cast(features: ArrayLike) -> NDArray[np.float64]:
    """Round features to float32 and widen them again to double.

    Training, self-test, serving and replay all pass through here, so a value a model was taught with and
    the value it is asked about are the same number. Beyond the range of float32 a value becomes the largest
    float32 rather than infinite; minus zero becomes zero; missing (NaN) stays missing. Casting twice changes nothing.
    What one framework reads otherwise than others, such as LightGBM values near zero, is its family's and stands in
    the model file.

    Examples
    --------
    >>> cast([0.1, 1e300, -0.0, float("nan")]).tolist()
    [0.10000000149011612, 3.4028234663852886e+38, 0.0, nan]
    """
    wide = np.asarray(features, dtype=np.float64)
    narrow = np.clip(wide, -_LARGEST, _LARGEST).astype(np.float32).astype(np.float64)
    return np.asarray(narrow + 0.0)  # x + 0 is x, but for minus zero
