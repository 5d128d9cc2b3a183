"""What came before a candidate: what of its model was approved, which checks failed, which limits were higher."""

from collections.abc import Sequence

import msgspec

from tallystick.definitions.changes import Change, compared
from tallystick.definitions.limits import Limit
from tallystick.definitions.policy_words import limit_words
from tallystick.governance.approval_status import Approval, approved
from tallystick.governance.trainings import Training
from tallystick.ledger.entry import LedgerEntry


class Approved(msgspec.Struct, frozen=True):
    """The bundle of this model that was approved last: its candidate, who approved it, and in which entry."""

    bundle: str
    candidate: str
    approver: str
    entry: int


class FailedCheck(msgspec.Struct, frozen=True):
    """A check that failed in earlier trainings.

    Parameters
    ----------
    code : the check's
    n_candidates, n_trainings : how many candidates failed it, in how many trainings
    reason : what was found the last time
    """

    code: str
    n_candidates: int
    n_trainings: int
    reason: str

    def __str__(self) -> str:
        """Return it as a sentence."""
        trainings = f"{self.n_trainings} training{'' if self.n_trainings == 1 else 's'}"
        candidates = f"{self.n_candidates} candidate{'' if self.n_candidates == 1 else 's'}"
        return f"{self.code} failed in {trainings} before this one, for {candidates}; the last time: {self.reason}"


class Loosened(msgspec.Struct, frozen=True):
    """A limit that was higher before.

    Parameters
    ----------
    was : the highest demanded before, in words
    entry : the training that demanded it last
    now : what is demanded now, in words; empty where there is no such limit any more
    """

    was: str
    entry: int
    now: str = ""

    def __str__(self) -> str:
        """Return it as a sentence.

        >>> str(Loosened("AUC at least 0.75", 5, "AUC at least 0.7"))
        'entry 5 demanded AUC at least 0.75; now it is AUC at least 0.7'
        """
        now = f"now it is {self.now}" if self.now else "now there is no such limit"
        return f"entry {self.entry} demanded {self.was}; {now}"


class Step(msgspec.Struct, frozen=True):
    """A training, and what it changed of the definition of the one before."""

    training: Training
    changes: tuple[Change, ...]


def approved_before(entries: Sequence[LedgerEntry], model: str, bundle: str | None) -> Approved | None:
    """Return what of a model was approved last, before the bundle itself where that is approved already.

    Parameters
    ----------
    entries : of a ledger that was proven
    model : its name
    bundle : the digest of the one that is looked at, or None
    """
    found = [each for each in approved(entries) if each.model == model]
    own = [each.approval.number for each in found if each.approval.bundle_digest == bundle]
    others = [e for e in found if e.approval.bundle_digest != bundle and (not own or e.approval.number < own[0])]
    if not others:
        return None
    last: Approval = others[-1].approval
    return Approved(last.bundle_digest, others[-1].candidate, last.actor, last.number)


def steps(baseline: Training | None, following: Sequence[Training]) -> tuple[Step, ...]:
    """Return each training with what it changed of the definition of the one before.

    Parameters
    ----------
    baseline : the one before the first, or None
    following : in order
    """
    found, before = [], baseline
    for each in following:
        changed = () if before is None else compared(before.parts, each.parts, before.words, each.words)
        found.append(Step(each, changed))
        before = each
    return tuple(found)


def failed_checks(earlier: Sequence[Training]) -> tuple[FailedCheck, ...]:
    """Return every check that a candidate of some trainings failed, in order of the codes."""
    failures = [(training.entry, failure) for training in earlier for failure in training.failures]
    found = []
    for code in sorted({failure.code for _, failure in failures}):
        own = [(entry, failure) for entry, failure in failures if failure.code == code]
        n_candidates, n_trainings = len({f.candidate for _, f in own}), len({entry for entry, _ in own})
        found.append(FailedCheck(code, n_candidates, n_trainings, own[-1][1].reason))
    return tuple(found)


def loosened(demanded: Sequence[Training], limits: Sequence[Limit]) -> tuple[Loosened, ...]:
    """Return the limits that were higher before.

    Parameters
    ----------
    demanded : trainings with what they demanded
    limits : what is demanded now
    """
    now: dict[str, Limit] = {}
    for limit in sorted(limits, key=lambda limit: limit.at_least):
        now[limit.metric] = limit
    found: dict[str, tuple[Limit, int]] = {}
    for training in demanded:
        for limit in training.limits:
            if limit.metric not in found or limit.at_least >= found[limit.metric][0].at_least:
                found[limit.metric] = limit, training.entry
    return tuple(
        Loosened(_words(was), entry, _words(now.get(metric)))
        for metric, (was, entry) in found.items()
        if metric not in now or now[metric].at_least < was.at_least
    )


def _words(limit: Limit | None) -> str:
    return "" if limit is None else limit_words([limit])[0]
