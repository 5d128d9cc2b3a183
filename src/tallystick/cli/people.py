"""What people answer for: release, enrol, approve, refuse, and the ledger that remembers it."""

import sys

import click
import msgspec

from tallystick.cli.options import Options, json_option
from tallystick.cli.screen import Screen
from tallystick.cli.verbs import Journey
from tallystick.definitions.changes import note
from tallystick.errors import LedgerDamaged
from tallystick.governance.roles import Role
from tallystick.ledger.listing import listing
from tallystick.reporting.text import Text, dim, fail, ok, strong


@click.command()
@click.argument("candidate", required=False)
@json_option
@click.pass_obj
def release(options: Options, candidate: str | None, as_json: bool) -> None:
    """Pack, prove and sign CANDIDATE as it was judged.

    By default the best of the last training. What project.py says by now does not matter.
    """
    screen, project = Screen(as_json=as_json), options.open()
    bundle = project.release(candidate)
    changed = project.changes(bundle.definition)
    document = {"bundle": bundle.digest, "builder": bundle.manifest.builder, "card": bundle.card}
    screen.emit(document | {"changed_since": changed})
    if changed:
        screen.say(note(changed))
    signed = f" is packed, signed by {bundle.manifest.builder}, and has proven itself."
    screen.say(Text.of("Bundle ", strong(bundle.digest[:12]), signed))
    screen.say("A validator who did not build it approves it:")
    screen.say(f"  tally enrol NAME --role validator\n  tally --as NAME approve {bundle.digest[:12]}")


@click.command()
@click.argument("name")
@click.option("--role", "roles", multiple=True, required=True, type=click.Choice([role.value for role in Role]))
@json_option
@click.pass_obj
def enrol(options: Options, name: str, roles: tuple[str, ...], as_json: bool) -> None:
    """Enrol the actor NAME, with a key on this machine.

    Two keys on one machine prove nothing about two people: give each person their own machine and key.
    """
    screen, project = Screen(as_json=as_json), options.open()
    entry = project.enrol(name, *roles)
    screen.emit({"actor": name, "roles": sorted(roles), "entry": entry.number})
    screen.say(f"{name} is enrolled as {', '.join(sorted(roles))} (ledger entry {entry.number}).")
    screen.say(Text.of(dim("The key lies on this machine. Two keys on one machine prove nothing about two people.")))


@click.command()
@click.argument("bundle")
@json_option
@click.pass_obj
def approve(options: Options, bundle: str, as_json: bool) -> None:
    """Allow BUNDLE to decide.

    A validator says it, who did not build the bundle, and on evidence without failures. What was approved is shown;
    'tally show BUNDLE' shows it without approving.
    """
    screen, project = Screen(as_json=as_json), options.open()
    review = project.review(bundle, is_released=True)
    approval = project.approve(bundle)
    screen.emit(msgspec.to_builtins(approval) | {"review": review})
    screen.say(review.report(), "", approval.report(), "'tally serve' serves it.")


@click.command()
@click.argument("bundle")
@click.option("--reason", required=True, help="Why; it stands in the ledger for ever.")
@json_option
@click.pass_obj
def refuse(options: Options, bundle: str, reason: str, as_json: bool) -> None:
    """Forbid BUNDLE to decide; an approval that stands falls."""
    screen, project = Screen(as_json=as_json), options.open()
    entry = project.refuse(bundle, reason=reason)
    screen.emit({"bundle": entry.facts["bundle"], "entry": entry.number})
    screen.say(f"{entry.actor} refused {entry.facts['bundle'][:12]} (ledger entry {entry.number}).")


@click.group(cls=Journey)
def ledger() -> None:
    """Who did what, and proof that nobody changed it."""


@ledger.command()
@json_option
@click.pass_obj
def verify(options: Options, as_json: bool) -> None:
    """Prove every entry, signature and checkpoint.

    Exits 1 naming the first that does not hold.
    """
    screen, project = Screen(as_json=as_json), options.open()
    try:
        found = project.verify()
    except LedgerDamaged as damaged:
        screen.emit({"holds": False, "reason": str(damaged)})
        screen.say(Text.of(fail(str(damaged))))
        sys.exit(1)
    screen.emit({"holds": True} | msgspec.to_builtins(found))
    counts = f": {found.n_entries:,} entries and {found.n_checkpoints:,} checkpoints"
    screen.say(Text.of(ok("The ledger holds"), f"{counts}; the last entry is {found.hash[:12]}."))
    screen.say(Text.of(dim("Cutting ledger and checkpoints together shows only against a checkpoint kept elsewhere.")))


@ledger.command(name="show")
@json_option
@click.pass_obj
def show_entries(options: Options, as_json: bool) -> None:
    """List the entries."""
    screen, project = Screen(as_json=as_json), options.open()
    entries = project.ledger.entries()
    screen.emit(entries)
    screen.say(listing(entries))


__all__ = ["approve", "enrol", "ledger", "refuse", "release"]
