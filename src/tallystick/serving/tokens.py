"""Who may ask for what: bearer tokens, shown once when they are made and kept only as their digest."""

import logging
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import msgspec

from tallystick.definitions.digest import digest_bytes
from tallystick.durable import create_file
from tallystick.errors import TokenRefused

Scope = Literal["decide", "record", "read"]
SCOPES: tuple[Scope, ...] = get_args(Scope)

_logger = logging.getLogger("tallystick.serving")


class Grant(msgspec.Struct, frozen=True):
    """What the bearer of a token may do."""

    name: str
    sha256: str
    scopes: tuple[Scope, ...]


def create(folder: Path, name: str, scopes: Iterable[Scope]) -> str:
    """Make a token, and return it: it is shown this once, and only its digest is kept.

    Parameters
    ----------
    folder : where grants are kept, one small file each; made with mode 0700 where it is missing
    name : who will carry it, such as "checkout"
    scopes : what for: decide, record, read

    Raises
    ------
    TokenRefused
        If the name is taken or none, or a scope is unknown.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> token = create(folder, "checkout", ["decide"])
    >>> Tokens(folder).grant(token).scopes
    ('decide',)
    """
    requested = tuple(scopes)
    if not re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,63}", name):
        raise TokenRefused(name, reason="a name is up to 64 lower-case letters, digits, dots and hyphens")
    if not requested or not set(requested) <= set(SCOPES):
        raise TokenRefused(name, reason=f"its scopes are {list(requested)}, and may be {', '.join(SCOPES)}")
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    token = f"tally_{secrets.token_urlsafe(32)}"
    _place(folder, name, msgspec.json.encode(Grant(name, digest_bytes(token.encode()), requested)))
    return token


def revoke(folder: Path, name: str) -> None:
    """Take a token back: a running server refuses it from its next request on.

    Parameters
    ----------
    folder : where grants lie, one file each
    name : the one that the token was made for

    Raises
    ------
    TokenRefused
        If there is none of that name.
    """
    names = {path.stem for path in folder.glob("*.json")}
    if name not in names:
        raise TokenRefused(name, reason=f"there is none of this name; known: {', '.join(sorted(names)) or 'none'}")
    _path(folder, name).unlink()


@dataclass(slots=True)
class Tokens:
    """The grants of a folder, read again when the folder changes."""

    folder: Path
    _read_at: int = -1
    _grants: dict[str, Grant] | None = None

    def grant(self, token: str) -> Grant | None:
        """Return what the bearer may do, or None where the token is not known."""
        # Looked up by digest: how long that takes tells nothing about the token.
        return self._known().get(digest_bytes(token.encode()))

    def _known(self) -> dict[str, Grant]:
        changed_at = self.folder.stat().st_mtime_ns if self.folder.is_dir() else 0
        if self._grants is None or changed_at != self._read_at:
            found = [_read(path) for path in sorted(self.folder.glob("*.json"))]
            self._grants, self._read_at = {grant.sha256: grant for grant in found if grant}, changed_at
        return self._grants


def _path(folder: Path, name: str) -> Path:
    return folder / f"{name}.json"


def _place(folder: Path, name: str, content: bytes) -> None:
    """Put a grant where a running server looks, whole or not at all."""
    try:
        create_file(_path(folder, name), content, mode=0o600)  # for its owner alone
    except FileExistsError:
        raise TokenRefused(name, reason="there is one of this name; revoke it first") from None


def _read(path: Path) -> Grant | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Grant)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        # One file that was revoked this moment, or is no grant, must not lock out the bearers of the others.
        _logger.exception("%s is no grant, and lets nobody in", path)
        return None
