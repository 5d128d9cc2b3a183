"""The review: what a validator looks at before saying yes to a model, and what was tried before it."""

from collections.abc import Sequence

import msgspec

from tallystick.definitions.changes import Change, compared, in_words, part_digests
from tallystick.definitions.limits import Limit
from tallystick.definitions.models import ModelDefinition
from tallystick.definitions.policy_words import limit_words, policy_words
from tallystick.governance.approval_status import Approval, approved
from tallystick.governance.trainings import CHECKED, Training, trainings
from tallystick.ledger.entry import LedgerEntry
from tallystick.training.record import ActionRecord, Record


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


class Review(msgspec.Struct, frozen=True, kw_only=True):
    """What a validator looks at.

    Parameters
    ----------
    bundle : the digest of what is to be approved; None for a candidate that nobody released
    candidate, model : its candidate, and the model's name
    policy, limits : what is done with a score and what was demanded, in words
    actions : what the policy would have done with the test part
    approved : what of this model was approved last; None where nothing was
    changes : what of the definition is another one than of that
    is_recorded : whether the ledger knows the candidate's training and its checks
    steps : the trainings of this model since the one of that bundle, this candidate's own last
    failed : what failed in those before this one
    loosened : limits that were higher in those or in what was approved
    """

    bundle: str | None
    candidate: str
    model: str
    policy: tuple[str, ...]
    limits: tuple[str, ...]
    actions: tuple[ActionRecord, ...]
    approved: Approved | None
    changes: tuple[Change, ...]
    is_recorded: bool
    steps: tuple[Step, ...]
    failed: tuple[FailedCheck, ...]
    loosened: tuple[Loosened, ...]


def review(
    entries: Sequence[LedgerEntry],
    candidate: str,
    record: Record,
    definition: ModelDefinition,
    *,
    bundle: str | None = None,
) -> Review:
    """Return the review of a candidate, or of the bundle that it became.

    Parameters
    ----------
    entries : of a ledger that was proven
    candidate : its digest
    record : how it came to be
    definition : what it was trained for and judged under
    bundle : the bundle's digest, where there is one
    """
    known = trainings(entries, definition.name)
    own = next((each for each in known if candidate in each.candidates), None)
    last = _approved_before(entries, definition.name, bundle)
    baseline = None if last is None else next((t for t in known if last.candidate in t.candidates), None)
    # From the training of what was approved, and not from the approval: between the two somebody may have trained too.
    since = 0 if baseline is None else baseline.entry
    earlier = [each for each in known if since < each.entry and (own is None or each.entry < own.entry)]
    demanded = [*([baseline] if baseline else []), *earlier]
    now = part_digests(definition), in_words(definition)
    return Review(
        bundle=bundle,
        candidate=candidate,
        model=definition.name,
        policy=policy_words(definition.policy, definition.features.spine),
        limits=limit_words(definition.limits),
        actions=record.actions,
        approved=last,
        changes=() if baseline is None else compared(baseline.parts, now[0], baseline.words, now[1]),
        is_recorded=own is not None and _is_checked(entries, candidate),
        steps=_steps(baseline, [*earlier, *([own] if own else [])]),
        failed=_failed(earlier),
        loosened=_loosened(demanded, definition.limits),
    )


def _is_checked(entries: Sequence[LedgerEntry], candidate: str) -> bool:
    return any(entry.kind == CHECKED and entry.facts.get("candidate") == candidate for entry in entries)


def _approved_before(entries: Sequence[LedgerEntry], model: str, bundle: str | None) -> Approved | None:
    """Return what of a model was approved last, before the bundle itself where that is approved already."""
    found = [each for each in approved(entries) if each.model == model]
    own = [each.approval.number for each in found if each.approval.bundle_digest == bundle]
    others = [e for e in found if e.approval.bundle_digest != bundle and (not own or e.approval.number < own[0])]
    if not others:
        return None
    last: Approval = others[-1].approval
    return Approved(last.bundle_digest, others[-1].candidate, last.actor, last.number)


def _steps(baseline: Training | None, following: Sequence[Training]) -> tuple[Step, ...]:
    steps, before = [], baseline
    for each in following:
        changed = () if before is None else compared(before.parts, each.parts, before.words, each.words)
        steps.append(Step(each, changed))
        before = each
    return tuple(steps)


def _failed(earlier: Sequence[Training]) -> tuple[FailedCheck, ...]:
    failures = [(training.entry, failure) for training in earlier for failure in training.failures]
    found = []
    for code in sorted({failure.code for _, failure in failures}):
        own = [(entry, failure) for entry, failure in failures if failure.code == code]
        n_candidates, n_trainings = len({f.candidate for _, f in own}), len({entry for entry, _ in own})
        found.append(FailedCheck(code, n_candidates, n_trainings, own[-1][1].reason))
    return tuple(found)


def _loosened(demanded: Sequence[Training], limits: Sequence[Limit]) -> tuple[Loosened, ...]:
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
