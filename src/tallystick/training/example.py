"""One row that tries a model, as a candidate keeps it."""

import msgspec


class Example(msgspec.Struct, frozen=True):
    """One row of the test part.

    Parameters
    ----------
    features : in the plan's order, None where missing
    values : whole numbers of the record, by field: those that the policy's costs need
    """

    features: tuple[float | None, ...]
    values: dict[str, int | None]
