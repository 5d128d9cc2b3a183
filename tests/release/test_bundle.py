"""What packing promises: one digest for one content, whole or not at all, and a look inside without opening."""

from pathlib import Path
from typing import Any

import pytest

from tallystick.definitions.digest import digest_bytes
from tallystick.errors import BundleAltered, BundleShapeWrong, BundleUnreadable
from tallystick.release.bundle import FILES, inspect
from tallystick.release.open import open_bundle
from tallystick.release.sign import sign


def test_the_folder_is_named_by_its_manifest(world: Any) -> None:
    """The digest of the manifest's bytes is the folder's name, and the manifest lists everything else."""
    manifest = (world.folder / "manifest.json").read_bytes()

    assert world.folder.name == digest_bytes(manifest)
    assert {path.name for path in world.folder.iterdir()} == {"manifest.json", *FILES}


def test_inspecting_tells_what_a_bundle_says_of_itself(world: Any) -> None:
    """Digest, packing list, card and whether a signature lies beside it, from two texts."""
    for name in FILES:
        if name != "card.json":
            (world.folder / name).unlink()

    found = inspect(world.folder)

    assert (found.digest, found.manifest.model, found.manifest.builder) == (world.folder.name, "card-fraud", "ada")
    assert found.card == {"purpose": "stops card payments"}
    assert found.is_signed


def test_inspecting_what_is_no_bundle_is_refused(world: Any, tmp_path: Path) -> None:
    """A missing manifest, a card that is not the listed one, and nonsense are refused by name."""
    with pytest.raises(BundleShapeWrong, match=r"manifest\.json of the bundle .* it is missing"):
        inspect(tmp_path)
    (world.folder / "card.json").write_text('{"purpose":"anything"}')
    with pytest.raises(BundleAltered, match=r"card\.json"):
        inspect(world.folder)
    (world.folder / "manifest.json").write_text("[]")
    with pytest.raises(BundleUnreadable, match=r"manifest\.json"):
        inspect(world.folder)


def test_signing_again_keeps_the_digest(world: Any) -> None:
    """Signatures are random, and a bundle's digest does not hold them."""
    before = world.signature.read_bytes()

    sign(world.folder, private_key=world.builder.private_path)

    assert world.signature.read_bytes() != before
    assert open_bundle(world.folder, trusted_keys=[world.builder.public_pem]).digest == world.folder.name
