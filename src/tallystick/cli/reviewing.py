"""The review on the screen: the policy, what it would have done, what changed and what failed before."""

from collections.abc import Sequence
from datetime import UTC, datetime

from rich.console import RenderableType
from rich.text import Text

from tallystick.definitions.changes import Change
from tallystick.governance.review import Review, Step
from tallystick.tables import table
from tallystick.training.record import ActionRecord


def review_sections(review: Review) -> list[RenderableType]:
    """Return what a validator looks at, one section under the other."""
    return [
        f"[bold]Policy[/] of {review.model}: {'; '.join(review.policy)}",
        f"Limits: {'; '.join(review.limits) or 'none'}",
        "",
        _actions(review.actions),
        "",
        *_since(review),
        *(Text(str(each), style="bold red") for each in (*review.failed, *review.loosened)),
        *([] if review.is_recorded else [Text("The ledger has no training and checks of this candidate", "bold red")]),
        *([_steps(review.steps)] if len(review.steps) > 1 else []),
    ]


def changes_note(changed: Sequence[Change]) -> list[RenderableType]:
    """Return the note that the project's file says something else by now than what was judged."""
    if not changed:
        return []
    parts = ", ".join(change.part for change in changed)
    return [
        f"[yellow]Note:[/] {parts} of the project changed since; the candidate is packed as it was judged:",
        *(Text(f"  {change}") for change in changed),
    ]


def _actions(actions: Sequence[ActionRecord]) -> RenderableType:
    has_amounts = any(each.amount is not None for each in actions)
    amounts = ("amount", "bad amount") if has_amounts else ()
    columns = ("rows", "share", "bad", "bad rate", *amounts)
    made = table("What it would have done with the test part", "action", *columns, right=columns)
    n_all = sum(each.n_rows for each in actions)
    for each in actions:
        sums = (f"{each.amount or 0:,.2f}", f"{each.bad_amount or 0:,.2f}") if has_amounts else ()
        shares = _share(each.n_rows, n_all), f"{each.n_bad:,}", _share(each.n_bad, each.n_rows)
        made.add_row(each.action, f"{each.n_rows:,}", *shares, *sums)
    return made


def _since(review: Review) -> list[RenderableType]:
    if review.approved is None:
        return ["No other bundle of this model was approved before."]
    last = review.approved
    against = f"Against bundle {last.bundle[:12]}, which {last.approver} approved last (entry {last.entry})"
    if not review.changes:
        return [f"{against}, the definition is the same."]
    return [f"{against}:", *(Text(f"  {change}") for change in review.changes)]


def _steps(steps: Sequence[Step]) -> RenderableType:
    made = table("Trainings since", "entry", "at (UTC)", "by", "candidates", "failed", "changed", right=("entry",))
    for step in steps:
        training = step.training
        failed = ", ".join(sorted({failure.code for failure in training.failures}))
        changed = ", ".join(change.part for change in step.changes)
        at = f"{datetime.fromtimestamp(training.at / 1e6, UTC):%Y-%m-%d %H:%M}"
        names = ", ".join(digest[:12] for digest in training.candidates)
        made.add_row(str(training.entry), at, training.actor, names, failed, changed)
    return made


def _share(n: int, of: int) -> str:
    return f"{n / of:.2%}" if of else ""
