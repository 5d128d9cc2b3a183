"""What signing promises: OpenSSF's format, so that the official tool verifies ours and we verify what it signed."""

import base64
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st
from model_signing import hashing, signing, verifying

from tallystick.errors import SignatureRefused
from tallystick.ledger.keys import pem_of
from tallystick.release.envelope import seal
from tallystick.release.files import read_folder
from tallystick.release.sign import sign, verify
from tallystick.release.statement import PAYLOAD_TYPE, read, state


def everything() -> hashing.Config:
    """Return the official tool's configuration that leaves no file out."""
    config = hashing.Config().use_file_serialization(hashing_algorithm="sha256")
    return config.set_ignored_paths(paths=[], ignore_git_paths=False)


def officially_signed(world: Any) -> bytes:
    """Sign the bundle with the official library, and return the signature file."""
    config = signing.Config().set_hashing_config(everything())
    config.use_elliptic_key_signer(private_key=world.builder.private_path).sign(world.folder, world.signature)
    return bytes(world.signature.read_bytes())


def verified(world: Any, signature: bytes) -> str:
    """Verify a signature over the bundle, trusting its builder."""
    return verify(world.folder, read_folder(world.folder), signature, [world.builder.public_pem])


def official_command(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Run the official tool."""
    command = [sys.executable, "-m", "model_signing", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def payload_of(signature: bytes) -> Any:
    """Return the statement in a signature file."""
    return json.loads(base64.b64decode(json.loads(signature)["dsseEnvelope"]["payload"]))


class TestTheOfficialTool:
    """Both ways, library and command line."""

    def test_verifies_what_we_signed(self, world: Any) -> None:
        """The official library accepts our signature of a released bundle."""
        config = verifying.Config().set_hashing_config(everything())

        config.use_elliptic_key_verifier(public_key=world.builder.public_path).verify(world.folder, world.signature)

    def test_verifies_what_we_signed_from_its_command_line(self, world: Any) -> None:
        """So does its command line with its own settings, and it refuses another key and an altered file."""

        def verifies(key: Path) -> int:
            options = ("--signature", world.signature, "--public_key", key)
            return official_command("verify", "key", world.folder, *options).returncode

        assert verifies(world.builder.public_path) == 0
        assert verifies(world.stranger.public_path) != 0
        (world.folder / "card.json").write_bytes(b"{}")
        assert verifies(world.builder.public_path) != 0

    def test_signs_what_we_verify(self, world: Any) -> None:
        """We accept the official library's signature."""
        signature = officially_signed(world)

        assert verified(world, signature) == world.builder.public_pem

    def test_signs_what_we_verify_from_its_command_line(self, world: Any) -> None:
        """We accept the signature of its command line, which is set to ignore files that no bundle has."""
        options = ("--signature", world.signature, "--private_key", world.builder.private_path)

        assert official_command("sign", "key", world.folder, *options).returncode == 0
        assert "ignore_paths" in payload_of(world.signature.read_bytes())["predicate"]["serialization"]
        assert verified(world, world.signature.read_bytes()) == world.builder.public_pem

    def test_writes_the_same_but_for_the_random_signature(self, world: Any) -> None:
        """Statement and every other field of the file are what the official tool writes."""
        ours, theirs = world.signature.read_bytes(), officially_signed(world)

        assert payload_of(ours) == payload_of(theirs)
        assert without_random(ours) == without_random(theirs)


def without_random(signature: bytes) -> Any:
    """Return a signature file without what differs from one signing to the next."""
    plain = json.loads(signature)
    del plain["dsseEnvelope"]["payload"], plain["dsseEnvelope"]["signatures"][0]["sig"]
    return plain


def resealed(world: Any, change: Callable[[Any], None], *, payload_type: str = PAYLOAD_TYPE) -> bytes:
    """Return a signature by the builder's key over a statement that was changed."""
    statement = payload_of(world.signature.read_bytes())
    change(statement)
    key = serialization.load_pem_private_key(world.builder.private_path.read_bytes(), password=None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return seal(json.dumps(statement).encode(), payload_type=payload_type, key=key)


def rewritten(world: Any, change: Callable[[Any], None]) -> bytes:
    """Return the signature file with something changed outside what was signed."""
    plain = json.loads(world.signature.read_bytes())
    change(plain)
    return json.dumps(plain).encode()


def with_root(statement: Any) -> Any:
    """Set a statement's root digest right."""
    digests = {resource["name"]: resource["digest"] for resource in statement["predicate"]["resources"]}
    statement["subject"] = json.loads(state("any", digests))["subject"]


def drop(statement: Any) -> None:
    """Leave the last file out."""
    statement["predicate"]["resources"].pop()
    with_root(statement)


def add(statement: Any) -> None:
    """Name a file that is not there."""
    statement["predicate"]["resources"].append({"name": "zzz.py", "algorithm": "sha256", "digest": "0" * 64})
    with_root(statement)


def repeat(statement: Any) -> None:
    """Name a file twice, with two digests."""
    resources = statement["predicate"]["resources"]
    resources.insert(0, resources[0] | {"digest": "0" * 64})


def setting(*path: str | int, to: Any) -> Callable[[Any], None]:
    """Return what sets one place of a JSON value."""

    def change(plain: Any) -> None:
        for step in path[:-1]:
            plain = plain[step]
        plain[path[-1]] = to

    return change


class TestAStatement:
    """Whatever a trusted key signed, it is a statement about exactly these files."""

    @pytest.mark.parametrize(
        ("change", "found"),
        [
            (drop, r"it leaves out selftest\.json"),
            (add, r"it is over zzz\.py too"),
            (repeat, "names a file twice"),
            (setting("subject", 0, "digest", "sha256", to="0" * 64), "do not give its root digest"),
            (setting("subject", 0, "digest", to={"sha512": "0" * 64}), "do not give its root digest"),
            (setting("subject", to=[]), "do not give its root digest"),
            (lambda plain: plain["subject"].append(plain["subject"][0]), "do not give its root digest"),
            (setting("_type", to="https://in-toto.io/Statement/v0.1"), "its statement is .*v0.1'"),
            (setting("predicateType", to="https://model_signing/Digests/v0.1"), "its predicate is .*Digests/v0.1'"),
            (setting("predicate", "serialization", "method", to="shards"), "its way of hashing is 'shards sha256'"),
            (setting("predicate", "serialization", "hash_type", to="blake2"), "its way of hashing is 'files blake2'"),
            (setting("predicate", "resources", 3, "algorithm", to="md5"), "its hash is 'md5'"),
            (setting("predicate", "resources", 3, "digest", to="AB" * 32), "no in-toto statement"),
            (setting("predicate", "resources", 3, "digest", to="ab" * 32 + "\n"), "no in-toto statement"),
            (setting("predicate", to=[]), "no in-toto statement"),
            (setting("subject", 0, "digest", to="0" * 64), "no in-toto statement"),
        ],
    )
    def test_of_another_kind_is_refused(self, world: Any, change: Callable[[Any], None], found: str) -> None:
        """Files dropped, added or named twice, a wrong root, another type: each has its sentence."""
        signature = resealed(world, change)

        with pytest.raises(SignatureRefused, match=found):
            verified(world, signature)

    def test_may_say_more_than_this_version_reads(self, world: Any) -> None:
        """A field that the format may add later is passed over, as the format asks."""
        signature = resealed(world, setting("predicate", "card", to={"license": "none"}))

        assert verified(world, signature) == world.builder.public_pem

    def test_that_names_an_altered_file_is_refused(self, world: Any) -> None:
        """The bytes in memory are compared, and the file is named."""
        contents = read_folder(world.folder)
        contents["definition.json"] = contents["definition.json"].replace(b"0", b"1", 1)

        with pytest.raises(SignatureRefused, match=r"definition\.json is not what was signed"):
            verify(world.folder, contents, world.signature.read_bytes(), [world.builder.public_pem])

    def test_is_read_back(self) -> None:
        """Writing and reading are one another's inverse, in whatever order files come."""
        digests = {"b": "1" * 64, "a": "0" * 64}

        assert read(state("folder", digests)) == digests
        assert state("folder", digests) == state("folder", dict(sorted(digests.items())))


class TestAnEnvelope:
    """One key, one signature, one type, one spelling."""

    @pytest.mark.parametrize(
        ("change", "found"),
        [
            (setting("mediaType", to="application/vnd.dev.sigstore.bundle.v0.1+json"), "its media type is"),
            (setting("verificationMaterial", "publicKey", "hint", to="0" * 64), "none of the trusted keys made it"),
            (setting("verificationMaterial", "publicKey", to={}), "no sigstore bundle"),
            (setting("verificationMaterial", to={"certificate": {"rawBytes": ""}}), "no sigstore bundle"),
            (setting("dsseEnvelope", "payloadType", to="text/plain"), "its payload is 'text/plain'"),
            (setting("dsseEnvelope", "signatures", to=[]), "0 signatures"),
            (lambda plain: plain["dsseEnvelope"]["signatures"].append({"sig": ""}), "2 signatures"),
            (setting("dsseEnvelope", "signatures", 0, "sig", to=""), "was changed"),
            (setting("dsseEnvelope", "signatures", 0, "sig", to="AAAA=AAA"), "refused: "),
            (setting("dsseEnvelope", "payload", to="QR=="), "its payload is not written as base64 is"),
            (setting("dsseEnvelope", "payload", to="é"), "refused: "),
            (setting("dsseEnvelope", "payload", to=7), "no sigstore bundle"),
        ],
    )
    def test_of_another_form_is_refused(self, world: Any, change: Callable[[Any], None], found: str) -> None:
        """Everything around the signed bytes is held to the form too."""
        with pytest.raises(SignatureRefused, match=found):
            verified(world, rewritten(world, change))

    def test_with_a_payload_of_another_type_is_refused(self, world: Any) -> None:
        """A key that signs other things too has signed no bundle by that: the type is under the signature."""
        signature = resealed(world, lambda _: None, payload_type="application/json")

        with pytest.raises(SignatureRefused, match="its payload is 'application/json'"):
            verified(world, signature)
        relabelled = json.loads(signature)
        relabelled["dsseEnvelope"]["payloadType"] = PAYLOAD_TYPE
        with pytest.raises(SignatureRefused, match="was changed"):
            verified(world, json.dumps(relabelled).encode())

    @pytest.mark.parametrize("field", ["payload", "sig"])
    def test_with_any_byte_changed_is_refused(self, world: Any, field: str) -> None:
        """Each character of payload and signature, one after the other: none can be exchanged for another."""
        signature = world.signature.read_bytes()
        begin = signature.index(b'"%b":"' % field.encode()) + len(field) + 4
        end = signature.index(b'"', begin)
        contents = read_folder(world.folder)

        assert end - begin > 90
        for place in range(begin, end):
            other = b"A" if signature[place : place + 1] != b"A" else b"B"
            with pytest.raises(SignatureRefused):
                verify(
                    world.folder,
                    contents,
                    signature[:place] + other + signature[place + 1 :],
                    [world.builder.public_pem],
                )

    @given(
        content=st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(),
            lambda inner: (
                st.lists(inner)
                | st.dictionaries(
                    st.sampled_from(["mediaType", "verificationMaterial", "dsseEnvelope", "publicKey"]), inner
                )
            ),
        )
    )
    def test_of_any_json_is_refused(self, content: Any) -> None:
        """Whatever a signature file holds, it is refused with a sentence."""
        with pytest.raises(SignatureRefused, match="no sigstore bundle"):
            verify(Path("bundle"), {}, json.dumps(content).encode(), ["any"])


class TestTrustedKeys:
    """One of them made it; the others do not matter."""

    def test_that_cannot_be_read_hinder_no_other(self, world: Any) -> None:
        """A text that is no key and a key of another curve are passed over."""
        other_curve = pem_of(ec.generate_private_key(ec.SECP384R1()).public_key())
        keys = ["no key", b"\xff", other_curve, world.builder.public_path]
        contents, signature = read_folder(world.folder), world.signature.read_bytes()

        assert verify(world.folder, contents, signature, keys) == world.builder.public_pem

    def test_that_cannot_be_read_are_named_where_none_fits(self, world: Any) -> None:
        """Where nothing fits, the sentence says that one of them was no key."""
        contents, signature = read_folder(world.folder), world.signature.read_bytes()

        with pytest.raises(SignatureRefused, match=r"none of the trusted keys made it; a trusted key cannot be read"):
            verify(world.folder, contents, signature, ["no key"])


def test_signing_again_replaces_the_signature(world: Any) -> None:
    """A new signature takes the place of the old one, and nothing else is left beside it."""
    before, beside = world.signature.read_bytes(), sorted(world.signature.parent.iterdir())

    path = sign(world.folder, private_key=world.builder.private_path)

    assert path == world.signature
    assert path.read_bytes() != before
    assert verified(world, path.read_bytes()) == world.builder.public_pem
    assert sorted(world.signature.parent.iterdir()) == beside
