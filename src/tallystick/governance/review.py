"""The review: what a validator looks at before saying yes to a model, and what was tried before it."""

from collections.abc import Sequence

import msgspec

from tallystick.definitions.changes import Change, compared, in_words, part_digests
from tallystick.definitions.models import ModelDefinition
from tallystick.definitions.policy_words import limit_words, policy_words
from tallystick.governance import sections
from tallystick.governance.history import (
    Approved,
    FailedCheck,
    Loosened,
    Step,
    approved_before,
    failed_checks,
    loosened,
    steps,
)
from tallystick.governance.trainings import CHECKED, trainings
from tallystick.ledger.entry import LedgerEntry
from tallystick.reporting.notebook import Displayed
from tallystick.reporting.report import Report, Section
from tallystick.training.record import ActionRecord, Record


class Review(Displayed, msgspec.Struct, frozen=True, kw_only=True):
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

    def report(self) -> Report:
        """Return it for a reader: the policy, what it would have done, what changed, what failed and was loosened."""
        subject = f"candidate {self.candidate[:12]}" if self.bundle is None else f"bundle {self.bundle[:12]}"
        before = sections.before(self.failed, self.loosened, is_recorded=self.is_recorded)
        return Report(
            f"Review of {self.model}, {subject}",
            (
                Section("Policy and limits", sections.demands(self.policy, self.limits)),
                Section("What it would have done with the test part", sections.actions(self.actions)),
                Section("Against what was approved last", sections.since(self.approved, self.changes)),
                *([Section("What speaks against it", before)] if before else []),
                *([Section("Trainings since", sections.steps(self.steps))] if len(self.steps) > 1 else []),
            ),
        )


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
    last = approved_before(entries, definition.name, bundle)
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
        steps=steps(baseline, [*earlier, *([own] if own else [])]),
        failed=failed_checks(earlier),
        loosened=loosened(demanded, definition.limits),
    )


def _is_checked(entries: Sequence[LedgerEntry], candidate: str) -> bool:
    return any(entry.kind == CHECKED and entry.facts.get("candidate") == candidate for entry in entries)
