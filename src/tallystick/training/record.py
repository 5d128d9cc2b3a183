"""The whole record of how a candidate came to be: everything that decides it, and everything it reached.

Nothing in it tells how long something took: the same table, definition and moment give the same record, and so the same
candidate, whichever engine made the table and on whatever day it was fast.
"""

from collections.abc import Callable, Mapping
from functools import partial

import msgspec

from tallystick.definitions.policies import Action
from tallystick.definitions.stored import read_stored
from tallystick.scoring.runtime import Runtime
from tallystick.training.parity import Parity

FORMAT = 1


class PartRecord(msgspec.Struct, frozen=True):
    """One part of the split: its instants, the instant its labels were known at, and how many rows it has."""

    name: str
    start: int
    end: int
    labels_as_of: int
    n_rows: int
    n_positives: int


class Trial(msgspec.Struct, frozen=True):
    """One fit of the search.

    Parameters
    ----------
    number : counted over all families of the search, from 0
    family : the family's name
    params : the settings tried
    metric : what it reached on the validate part, None where it failed
    state : complete or failed
    reason : why it failed
    """

    number: int
    family: str
    params: dict[str, float | int]
    metric: float | None
    state: str
    reason: str = ""


class SigmoidRecord(msgspec.Struct, frozen=True):
    """The calibration: score = 1 / (1 + exp(-(slope * raw + intercept)))."""

    slope: float
    intercept: float
    n_rows: int
    n_positives: int


class Metrics(msgspec.Struct, frozen=True):
    """What calibrated scores reached on one part."""

    n_rows: int
    n_positives: int
    auc: float
    average_precision: float
    brier: float


class ActionRecord(msgspec.Struct, frozen=True):
    """What the policy would have done with the test part: the rows of one action, and how many were bad.

    Parameters
    ----------
    action : what would have been done
    n_rows : with how many rows
    n_bad : those of them that are flagged
    amount : what missing all of them would have cost if all were bad, in the unit of the policy's costs; rows whose
        cost is unknown are left out. None where the policy has no costs of its records
    bad_amount : the same of the flagged ones
    """

    action: Action
    n_rows: int
    n_bad: int
    amount: float | None = None
    bad_amount: float | None = None


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """Everything about a candidate but its model and its background.

    Parameters
    ----------
    format : 1; it tells how to read the rest
    name : the project's name of the model
    family : the family it belongs to
    model, features : digests of the definitions
    dataset : fingerprint of what was read
    names : the features' columns, in order
    builder : who trained it
    created_at : when, in microseconds since 1970 UTC
    data_ends_at : the latest instant known to the data
    parts : train, validate, fit, test
    params : the settings chosen
    seed : of the search and of every fit
    metric : what the search looked at
    trials : every trial of the whole search, other families' too
    calibration : fitted on the validate part with the model of the train part
    parity : the proof that the file scores as the framework
    metrics : by part, on validate by the model of the train part, on test by the final one
    actions : what the policy would have done with the test part, one for each of approve, refer, decline
    libraries : versions by distribution
    runtime : what else decides the last bits of a score
    files : digests of the candidate's other files
    """

    format: int
    name: str
    family: str
    model: str
    features: str
    dataset: str
    names: tuple[str, ...]
    builder: str
    created_at: int
    data_ends_at: int
    parts: tuple[PartRecord, ...]
    params: dict[str, float | int]
    seed: int
    metric: str
    trials: tuple[Trial, ...]
    calibration: SigmoidRecord
    parity: Parity
    metrics: dict[str, Metrics]
    actions: tuple[ActionRecord, ...]
    libraries: dict[str, str]
    runtime: Runtime
    files: dict[str, str]

    def part(self, name: str) -> PartRecord:
        """Return the part of that name: train, validate, fit or test."""
        return next(part for part in self.parts if part.name == name)


READERS: Mapping[int, Callable[[bytes], Record]] = {FORMAT: partial(read_stored, kind=Record)}
"""One reader of a record for each format of candidates that is known."""
