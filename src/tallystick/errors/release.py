"""A bundle that does not hold.

BundleError
· BundleShapeWrong     the folder is no folder of plain files
· BundleListingWrong   it holds more or less than it lists
· BundleFormatUnknown  another version wrote it
· BundleUnsigned       no signature lies beside it
· SignatureRefused     nobody trusted signed it
· BundleAltered        a file is not the one listed
· BundleUnreadable     a file has another form
· BundleInconsistent   its files contradict each other
· SelfTestFailed       it gives other bits here
· BundleUnapproved     nobody approved it
"""

from collections.abc import Iterable
from pathlib import Path

from tallystick.errors.base import TallystickError


class BundleError(TallystickError):
    """A bundle does not hold, and is not opened. Take the one that was signed, or release again."""


class BundleShapeWrong(BundleError):
    """A bundle's folder holds something that is no plain file of a bounded size.

    Parameters
    ----------
    name : the file within it; "." for the folder itself
    folder : the bundle's folder
    reason : what is wrong with it, without a full stop
    """

    def __init__(self, name: str, *, folder: Path, reason: str) -> None:
        self.name, self.folder, self.reason = name, folder, reason
        what = "The bundle" if name == "." else f"{name} of the bundle"
        super().__init__(
            f"{what} in {folder} is refused: {reason}. A bundle is one folder of plain files; "
            "copy it again from where it was released."
        )


class BundleListingWrong(BundleError):
    """A bundle holds files that it does not list, or lacks some.

    Parameters
    ----------
    folder : the bundle's folder
    missing : files that are listed and not there
    extra : files that are there and not listed
    """

    def __init__(self, folder: Path, *, missing: Iterable[str], extra: Iterable[str]) -> None:
        self.folder, self.missing, self.extra = folder, sorted(missing), sorted(extra)
        super().__init__(
            f"The bundle in {folder} is not what its manifest.json lists. "
            f"Missing: {', '.join(self.missing) or 'nothing'}; "
            f"not listed: {', '.join(self.extra) or 'nothing'}. Copy it again from where it was released."
        )


class BundleFormatUnknown(BundleError):
    """A bundle was written by another version.

    Parameters
    ----------
    folder : the bundle's folder
    found : the number in the manifest
    known : the number this version opens
    """

    def __init__(self, folder: Path, found: int, *, known: Iterable[int]) -> None:
        self.folder, self.found, self.known = folder, found, sorted(known)
        super().__init__(
            f"manifest.json of the bundle in {folder} has format {found}, and this version opens "
            f"{', '.join(map(str, self.known))}. Open it with the version that wrote it, or release the model again."
        )


class BundleUnsigned(BundleError):
    """A bundle has no signature of its digest beside it.

    Parameters
    ----------
    folder : the bundle's folder
    signature : where the signature would lie
    """

    def __init__(self, folder: Path, *, signature: Path) -> None:
        self.folder, self.signature = folder, signature
        super().__init__(
            f"The bundle in {folder} is not signed: {signature.name} does not lie beside it. Copy the signature too, "
            "or have the builder sign the bundle; a manifest.json that was changed needs another signature."
        )


class SignatureRefused(BundleError):
    """A signature was not made by a trusted key over these files.

    Parameters
    ----------
    folder : the bundle's folder
    reason : what is wrong with it, without a full stop
    """

    def __init__(self, folder: Path, *, reason: str) -> None:
        self.folder, self.reason = folder, reason
        super().__init__(
            f"The signature of the bundle in {folder} is refused: {reason}. Trust the builder's key if it is known to "
            "you, or take the bundle from where it was released."
        )


class BundleAltered(BundleError):
    """A file of a bundle is not the one its manifest lists.

    Parameters
    ----------
    name : the file within it; "." for the folder itself
    folder : the bundle's folder
    """

    def __init__(self, name: str, *, folder: Path) -> None:
        self.name, self.folder = name, folder
        super().__init__(
            f"{name} of the bundle in {folder} is not the file that manifest.json lists. "
            "Copy it again from where it was released."
        )


class BundleUnreadable(BundleError):
    """A file of a bundle has another form than the format says.

    Parameters
    ----------
    name : the file within it; "." for the folder itself
    folder : the bundle's folder
    reason : what is wrong with it, without a full stop
    """

    def __init__(self, name: str, *, folder: Path, reason: str) -> None:
        self.name, self.folder, self.reason = name, folder, reason
        super().__init__(
            f"{name} of the bundle in {folder} cannot be read: {reason}. Release the model again with this version."
        )


class BundleInconsistent(BundleError):
    """A file of a bundle says what cannot be, or contradicts another.

    Parameters
    ----------
    name : the file within it; "." for the folder itself
    folder : the bundle's folder
    reason : what is wrong with it, without a full stop
    """

    def __init__(self, name: str, *, folder: Path, reason: str) -> None:
        self.name, self.folder, self.reason = name, folder, reason
        super().__init__(
            f"{name} of the bundle in {folder} does not fit: {reason.rstrip('.')}. "
            "Release the model again, and ask who signed this one."
        )


class SelfTestFailed(BundleError):
    """A bundle gives other bits here than where it was proven.

    Parameters
    ----------
    part : what differs: "score", "reasons" and so on
    folder : the bundle's folder
    vector : the first vector that differs, counted from 0
    then : the runtime that it was proven on, in words
    now : the runtime here
    """

    def __init__(self, part: str, *, folder: Path, vector: int, then: str, now: str) -> None:
        self.part, self.folder, self.vector, self.then, self.now = part, folder, vector, then, now
        remedy = (
            f"This is the runtime it was proven on, {then}, so its files were changed: release it again."
            if then == now
            else f"It was proven on {then}; this is {now}. Serve it where it was proven, or prove and release it here."
        )
        super().__init__(
            f"The bundle in {folder} gives another {part} here than selftest.json demands, first at vector {vector}. "
            f"{remedy}"
        )


class BundleUnapproved(BundleError):
    """Nobody has approved a bundle that is to decide."""

    def __init__(self, digest: str) -> None:
        self.digest = digest
        super().__init__(
            f"The bundle {digest[:12]} is not approved. Ask a validator who did not build it to run: "
            f"tally approve {digest[:12]}."
        )
