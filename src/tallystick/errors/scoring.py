"""Model files, vectors and policies that cannot be used.

ModelError
· ModelUnreadable  bytes that should be a model are none
· ModelUnknown     it asks for something that no model of ours does
· ModelDamaged     its form is right and its content impossible
· VectorWrong      features that do not fit the model
· ExportRefused    a framework's model that has no such form
· PolicyUnusable   its costs cannot be computed from one record
· BackgroundEmpty  it allows no row that a refused one is compared with
"""

from tallystick.errors.base import TallystickError


class ModelError(TallystickError):
    """A model file cannot be used. Export it again, or take the one that was released."""


class ModelUnreadable(ModelError):
    """Bytes that should be a model are none."""

    def __init__(self, found: str) -> None:
        self.found = found
        super().__init__(f"The model file cannot be read: {found}. Export the model again.")


class ModelUnknown(ModelError):
    """A model file asks for something that no model of ours asks for.

    Parameters
    ----------
    found : what the file holds
    allowed : what a file may hold in that place
    """

    def __init__(self, found: str, *, allowed: str) -> None:
        self.found, self.allowed = found, allowed
        super().__init__(
            f"The model file holds {found}. Allowed: {allowed}. Only files written by tallystick's own export "
            "are run; train the model here, or export it again."
        )


class ModelDamaged(ModelError):
    """A model file has the right form and impossible content."""

    def __init__(self, what: str) -> None:
        self.what = what
        super().__init__(f"The model file is damaged: {what}. Take it from the bundle that was signed.")


class VectorWrong(ModelError):
    """Feature values that do not fit the model.

    Parameters
    ----------
    shape : of the values that were given
    names : the model's features, in order
    """

    def __init__(self, shape: tuple[int, ...], *, names: tuple[str, ...]) -> None:
        self.shape, self.names = shape, names
        super().__init__(
            f"The model needs {len(names)} features and was given values of shape {shape}. "
            f"Give, in this order: {', '.join(names)}."
        )


class ExportRefused(ModelError):
    """A fitted model holds something that a model file cannot say.

    Parameters
    ----------
    what : what cannot be written
    remedy : what to do, as a sentence
    """

    def __init__(self, what: str, *, remedy: str) -> None:
        self.what, self.remedy = what, remedy
        super().__init__(f"The model cannot be written as data: {what}. {remedy}")


class PolicyUnusable(ModelError):
    """A policy's cost is made of something that is not in the record to be decided.

    Parameters
    ----------
    part : the part of the cost that is not in the record
    stream : whose records are decided
    """

    def __init__(self, part: str, *, stream: str) -> None:
        self.part, self.stream = part, stream
        super().__init__(
            f"The policy's cost of a missed record uses {part}, which is no number every record of {stream!r} "
            "brings along. Use numbers, arithmetic and fields that are numeric and not optional."
        )


class BackgroundEmpty(ModelError):
    """No row is allowed, so that reasons have nothing to compare with."""

    def __init__(self, n_rows: int) -> None:
        self.n_rows = n_rows
        super().__init__(
            f"The policy allows none of {n_rows} rows, and reasons compare a record with allowed ones. "
            "Raise the threshold or the cost of a false alarm."
        )
