"""Keys: who can read them, and what their signatures can be turned into."""

import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from tallystick.errors import EnrolmentRefused, KeyExists, KeyMissing, KeyUnreadable, KeyUnsafe
from tallystick.ledger.keys import Keys, Signer, canonical_pem, verifies

ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_only_the_owner_reads_a_key(keys: Keys, ada: Signer) -> None:
    """The private file has mode 0600 and its folder 0700; the public file is for everybody."""
    assert (mode(ada.private_path), mode(keys.folder)) == (0o600, 0o700)
    assert ada.public_path.read_text() == ada.public_pem


def test_the_private_file_is_pem_as_other_tools_read_it(ada: Signer) -> None:
    """The file is PKCS8 PEM with an EC P-256 key, for whoever signs bundles with it."""
    key = serialization.load_pem_private_key(ada.private_path.read_bytes(), password=None)

    assert isinstance(key, ec.EllipticCurvePrivateKey)
    assert key.curve.name == "secp256r1"


def test_loads_what_was_created(keys: Keys, ada: Signer) -> None:
    """A loaded key is the created one, also when its public file was lost."""
    ada.public_path.unlink()

    assert keys.load("ada") == ada
    assert keys.load_or_create("ada").public_pem == ada.public_pem
    assert ada.public_path.read_text() == ada.public_pem


@pytest.mark.parametrize("others", [0o640, 0o604, 0o620, 0o601])
def test_refuses_a_key_that_others_reach(keys: Keys, ada: Signer, others: int) -> None:
    """A private key that others can read, write or run is refused with the command that mends it."""
    ada.private_path.chmod(others)

    with pytest.raises(KeyUnsafe, match=f"chmod 600 {ada.private_path}") as caught:
        keys.load("ada")

    assert caught.value.mode == others


def test_refuses_a_folder_where_others_write(keys: Keys, ada: Signer) -> None:
    """A folder in which others could exchange the key is refused with the command that mends it."""
    keys.folder.chmod(0o777)

    with pytest.raises(KeyUnsafe, match=f"chmod 700 {keys.folder}"):
        keys.load("ada")


def test_never_overwrites_a_key(keys: Keys, ada: Signer) -> None:
    """Creating a key twice is refused, and the first stays."""
    with pytest.raises(KeyExists):
        keys.create("ada")

    assert keys.load("ada") == ada


def test_a_missing_key_is_a_sentence(keys: Keys) -> None:
    """Loading a key that was never created names the file that is missing."""
    with pytest.raises(KeyMissing, match=r"bob\.pem"):
        keys.load("bob")


@pytest.mark.parametrize("content", [b"", b"no key", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"])
def test_a_file_without_a_key_is_a_sentence(keys: Keys, ada: Signer, content: bytes) -> None:
    """A file that holds no key is a typed error."""
    ada.private_path.write_bytes(content)

    with pytest.raises(KeyUnreadable):
        keys.load("ada")


def test_refuses_keys_of_other_kinds(keys: Keys, ada: Signer) -> None:
    """A key on another curve is refused, as private and as public key."""
    other = ec.generate_private_key(ec.SECP384R1())
    pem = other.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    ada.private_path.write_bytes(
        other.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )

    with pytest.raises(KeyUnreadable, match="another kind"):
        keys.load("ada")
    with pytest.raises(ValueError, match="another kind"):
        canonical_pem(pem.decode())


@pytest.mark.parametrize("name", ["", "../ada", "a/b", ".hidden", "ada lovelace", "a" * 65, "ada\n", "ada.pub"])
def test_a_name_cannot_leave_its_folder(keys: Keys, name: str) -> None:
    """A name that could not be a file's name as it stands is refused before any file is touched."""
    with pytest.raises(EnrolmentRefused):
        keys.create(name)
    with pytest.raises(EnrolmentRefused):
        keys.load(name)

    assert not keys.folder.exists()


@given(message=st.binary(max_size=50), place=st.integers(0, 63), change=st.integers(1, 255))
def test_a_signature_has_one_form(
    tmp_path_factory: pytest.TempPathFactory, message: bytes, place: int, change: int
) -> None:
    """A signature verifies for its message alone; no changed byte, other length or mirrored s verifies."""
    signer = Keys(tmp_path_factory.getbasetemp() / "keys").load_or_create("ada")
    signature = signer.sign(message)
    changed = bytearray(signature)
    changed[place] ^= change
    mirrored = signature[:32] + (ORDER - int.from_bytes(signature[32:], "big")).to_bytes(32, "big")

    assert verifies(signer.public_pem, signature, message)
    for wrong in (bytes(changed), mirrored, signature + b"\0", signature[:-1], bytes(64), b""):
        assert not verifies(signer.public_pem, wrong, message)
    assert not verifies(signer.public_pem, signature, message + b"\0")
