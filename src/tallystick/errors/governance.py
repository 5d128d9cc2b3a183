"""What nobody may do now.

ApprovalError
· BuilderRefused   who builds does not approve
· RoleMissing      the actor lacks the role
· BundleUnknown    the ledger has no such release
· EvidenceFailed   a check or limit failed
· EvidenceRefused  evidence that says too little, or is another's
· AlreadyApproved  an approval stands
· ReasonMissing    a refusal without its reason
· ApprovalMissing  nobody approved, or it was refused since
"""

from collections.abc import Iterable

from tallystick.errors.base import TallystickError


class ApprovalError(TallystickError):
    """What was asked needs a right, or a proof, that is not there."""


class BuilderRefused(ApprovalError):
    """The builder of a bundle wants to approve it.

    Parameters
    ----------
    actor : its builder, who wants to approve it
    bundle : its digest
    """

    def __init__(self, actor: str, *, bundle: str) -> None:
        self.actor, self.bundle = actor, bundle
        super().__init__(
            f"{actor!r} built bundle {bundle[:12]}, and who builds does not approve. "
            "Ask another validator to approve it."
        )


class RoleMissing(ApprovalError):
    """An actor lacks the role that an act needs.

    Parameters
    ----------
    actor : the name of who wants to act
    role : the one that is needed
    roles : those the actor has
    act : what it wants to do, such as "approve a bundle"
    """

    def __init__(self, actor: str, *, role: str, roles: Iterable[str], act: str) -> None:
        self.actor, self.role, self.roles, self.act = actor, role, sorted(roles), act
        super().__init__(
            f"{actor!r} may not {act}: that needs the role {role!r}, and the ledger gives {actor!r} "
            f"{', '.join(self.roles) or 'no role'}. Ask an actor who is {role}."
        )


class BundleUnknown(ApprovalError):
    """A bundle that no entry of the ledger released.

    Parameters
    ----------
    bundle : its digest
    released : the digests of the bundles that were released
    """

    def __init__(self, bundle: str, *, released: Iterable[str]) -> None:
        self.bundle, self.released = bundle, list(released)
        known = ", ".join(digest[:12] for digest in self.released[-5:]) or "none"
        super().__init__(
            f"The ledger has no release of bundle {bundle[:12]}. Released: {known}. "
            "Release it first, or correct the digest."
        )


class EvidenceFailed(ApprovalError):
    """Evidence with at least one failed check or limit.

    Parameters
    ----------
    bundle : its digest
    failed : code and reason of each failed finding
    """

    def __init__(self, bundle: str, *, failed: Iterable[tuple[str, str]]) -> None:
        self.bundle, self.failed = bundle, list(failed)
        findings = "; ".join(f"{code}: {reason}" for code, reason in self.failed)
        super().__init__(
            f"Bundle {bundle[:12]} cannot be approved, because its evidence has {len(self.failed)} failed "
            f"finding{'s' if len(self.failed) > 1 else ''} ({findings}). Train and release a better candidate."
        )


class EvidenceRefused(ApprovalError):
    """Evidence that cannot carry an approval.

    Parameters
    ----------
    bundle : its digest
    reason : why not, without a full stop
    """

    def __init__(self, bundle: str, *, reason: str) -> None:
        self.bundle, self.reason = bundle, reason
        super().__init__(
            f"The evidence of bundle {bundle[:12]} cannot carry an approval: {reason}. "
            "Hand in the evidence that the bundle was released with."
        )


class AlreadyApproved(ApprovalError):
    """A bundle whose approval stands.

    Parameters
    ----------
    bundle : its digest
    actor : who approved it
    number : the approval's entry in the ledger
    """

    def __init__(self, bundle: str, *, actor: str, number: int) -> None:
        self.bundle, self.actor, self.number = bundle, actor, number
        super().__init__(
            f"Bundle {bundle[:12]} was approved by {actor!r} in entry {number}, and that approval stands. "
            "Nothing is left to do; refuse the bundle to withdraw it."
        )


class ReasonMissing(ApprovalError):
    """A refusal that does not say why."""

    def __init__(self, bundle: str) -> None:
        self.bundle = bundle
        super().__init__(f"The refusal of bundle {bundle[:12]} gives no reason. Say in a sentence why it is refused.")


class ApprovalMissing(ApprovalError):
    """A bundle without a standing approval.

    Parameters
    ----------
    bundle : its digest
    n_refusals : how often it was refused
    """

    def __init__(self, bundle: str, *, n_refusals: int) -> None:
        self.bundle, self.n_refusals = bundle, n_refusals
        why = f"it was refused {n_refusals} time(s), and not approved since" if n_refusals else "nobody approved it"
        super().__init__(
            f"Bundle {bundle[:12]} may not decide: {why}. Have a validator other than its builder approve it."
        )
