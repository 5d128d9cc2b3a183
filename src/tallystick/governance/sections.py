"""What is shown of a review, section by section: the policy, what it would have done, what changed, what failed."""

from collections.abc import Sequence

from tallystick.definitions.changes import Change
from tallystick.governance.history import Approved, FailedCheck, Loosened, Step
from tallystick.reporting.report import Block, Facts
from tallystick.reporting.table import Column, Table
from tallystick.reporting.text import Text, code, fail
from tallystick.training.record import ActionRecord

_ACTIONS = (
    Column("action"),
    Column("rows", "count"),
    Column("share", "share", digits=2),
    Column("bad", "count"),
    Column("bad rate", "share", digits=2),
)
_AMOUNTS = (Column("amount", "number", digits=2), Column("bad amount", "number", digits=2))
_STEPS = (
    Column("entry", "count"),
    Column("at (UTC)", "instant"),
    Column("by"),
    Column("candidates"),
    Column("failed"),
    Column("changed"),
)


def demands(policy: Sequence[str], limits: Sequence[str]) -> tuple[Block, ...]:
    """Return what is done with a score, and what was demanded.

    Parameters
    ----------
    policy, limits : in words
    """
    return (Facts.of(policy="\n".join(policy), limits="\n".join(limits) or "none"),)


def actions(records: Sequence[ActionRecord]) -> tuple[Block, ...]:
    """Return a row for each action: with how many rows it would have been done, and how many of them are bad."""
    has_amounts = any(each.amount is not None for each in records)
    n_all = sum(each.n_rows for each in records)
    rows = [
        (
            each.action,
            each.n_rows,
            _share(each.n_rows, n_all),
            each.n_bad,
            _share(each.n_bad, each.n_rows),
            *((each.amount, each.bad_amount) if has_amounts else ()),
        )
        for each in records
    ]
    return (Table.of((*_ACTIONS, *(_AMOUNTS if has_amounts else ())), rows),)


def since(last: Approved | None, changes: Sequence[Change]) -> tuple[Block, ...]:
    """Return what of the definition is another one than of what was approved last.

    Parameters
    ----------
    last : what was approved, or None
    changes : the parts that differ
    """
    if last is None:
        return (Text.of("No other bundle of this model was approved before."),)
    bundle = Text.of(code(last.bundle[:12]), f", approved by {last.approver} in entry {last.entry}")
    differing = "\n".join(map(str, changes)) or "nothing"
    return (Facts.of(bundle=bundle, changed=differing),)


def before(failed: Sequence[FailedCheck], limits: Sequence[Loosened], *, is_recorded: bool) -> tuple[Block, ...]:
    """Return what a validator should hear before saying yes, or nothing.

    Parameters
    ----------
    failed : checks that failed in earlier trainings
    limits : those that were higher before
    is_recorded : whether the ledger knows the candidate's training and its checks
    """
    unknown = [] if is_recorded else ["The ledger has no training and checks of this candidate."]
    return tuple(Text.of(fail(str(each))) for each in (*failed, *limits, *unknown))


def steps(following: Sequence[Step]) -> tuple[Block, ...]:
    """Return a row for each training: who trained, what failed, and what of the definition it changed."""
    rows = []
    for step in following:
        training = step.training
        names = ", ".join(digest[:12] for digest in training.candidates)
        failed = ", ".join(sorted({failure.code for failure in training.failures}))
        changed = ", ".join(change.part for change in step.changes)
        rows.append((training.entry, training.at, training.actor, names, failed, changed))
    return (Table.of(_STEPS, rows),)


def _share(n: int, of: int) -> float | None:
    return n / of if of else None
