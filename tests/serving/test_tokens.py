"""Tokens are shown once, kept as digests, and taken back at once."""

from pathlib import Path

import pytest

from tallystick.errors import TokenRefused
from tallystick.serving.tokens import Tokens, create, revoke


def test_only_the_digest_is_kept(tmp_path: Path) -> None:
    """Nothing on disk holds the token, and only its owner may read the file."""
    token = create(tmp_path / "tokens", "checkout", ["decide", "read"])

    file = tmp_path / "tokens" / "checkout.json"
    assert token not in file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600
    grant = Tokens(tmp_path / "tokens").grant(token)
    assert grant is not None
    assert (grant.name, grant.scopes) == ("checkout", ("decide", "read"))


def test_a_running_reader_sees_new_and_revoked_tokens(tmp_path: Path) -> None:
    """Grants are read again when the folder changes."""
    tokens = Tokens(tmp_path / "tokens")
    assert tokens.grant("tally_nobody") is None

    token = create(tmp_path / "tokens", "checkout", ["decide"])
    known = tokens.grant(token)
    revoke(tmp_path / "tokens", "checkout")

    assert known is not None
    assert tokens.grant(token) is None


@pytest.mark.parametrize(
    ("name", "scopes"), [("Checkout", ["decide"]), ("../x", ["decide"]), ("a", []), ("a", ["everything"])]
)
def test_strange_names_and_scopes_are_refused(tmp_path: Path, name: str, scopes: list[str]) -> None:
    """A name is a file's name and nothing else, and a scope is one of three."""
    with pytest.raises(TokenRefused):
        create(tmp_path, name, scopes)  # type: ignore[arg-type]


def test_a_name_is_taken_once(tmp_path: Path) -> None:
    """A token is never replaced silently, and what is not there cannot be revoked."""
    create(tmp_path, "checkout", ["decide"])

    with pytest.raises(TokenRefused, match="revoke it first"):
        create(tmp_path, "checkout", ["decide"])
    with pytest.raises(TokenRefused, match="known: checkout"):
        revoke(tmp_path, "billing")


@pytest.mark.parametrize("content", ["", "{", "[]", '{"name": "x"}'])
def test_a_file_that_is_no_grant_locks_nobody_out(tmp_path: Path, content: str) -> None:
    """A damaged or half-written file lets nobody in, and the other tokens stay good."""
    folder = tmp_path / "tokens"
    token = create(folder, "checkout", ["decide"])
    (folder / "broken.json").write_text(content)

    tokens = Tokens(folder)

    assert tokens.grant(token) is not None
    assert tokens.grant("") is None


def test_a_token_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    """Making a token leaves its file and nothing else, also where the name was taken."""
    create(tmp_path, "checkout", ["decide"])
    with pytest.raises(TokenRefused):
        create(tmp_path, "checkout", ["decide"])

    assert [path.name for path in tmp_path.iterdir()] == ["checkout.json"]
