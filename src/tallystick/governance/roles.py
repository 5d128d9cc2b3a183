"""Roles: what an actor may do, as the ledger enrolled it."""

from enum import StrEnum

from tallystick.errors import RoleMissing
from tallystick.ledger.actors import Actor


class Role(StrEnum):
    """What an actor may do. One actor may have several; approving its own bundle is refused all the same."""

    BUILDER = "builder"  # trains, and releases bundles
    VALIDATOR = "validator"  # approves and refuses bundles
    OPERATOR = "operator"  # deploys approved bundles


def require(actor: Actor, role: Role, act: str) -> None:
    """Refuse an act of an actor who lacks the role for it.

    Parameters
    ----------
    actor : Actor
        Who wants to act.
    role : Role
        What the act needs.
    act : str
        What the actor wants to do, for the sentence: `approve a bundle`.

    Raises
    ------
    RoleMissing
        When the ledger did not give the actor this role.

    Examples
    --------
    >>> require(Actor("ada", "", frozenset({"builder"}), "ada", 1), Role.BUILDER, "release a bundle")
    """
    if role not in actor.roles:
        raise RoleMissing(actor.name, role=role.value, roles=actor.roles, act=act)
