"""What opening promises: a bundle about which everything holds, or a sentence naming the file that does not."""

import io
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import numpy_helper

from tallystick.definitions.digest import canonical, digest_of
from tallystick.definitions.stored import stored_form
from tallystick.errors import (
    BundleAltered,
    BundleError,
    BundleFormatUnknown,
    BundleInconsistent,
    BundleListingWrong,
    BundleShapeWrong,
    BundleUnapproved,
    BundleUnreadable,
    BundleUnsigned,
    SelfTestFailed,
    SignatureRefused,
)
from tallystick.features.plan import Plan
from tallystick.release.bundle import FILES
from tallystick.release.open import Bundle, open_bundle

LENIENT = {"decline": {"type": "above", "threshold": 0.999}}


def opened(world: Any) -> Bundle:
    """Open a bundle trusting its builder."""
    return open_bundle(world.folder, trusted_keys=[world.builder.public_pem])


class TestAnUntouchedBundle:
    """What is opened is what was released."""

    def test_opens_and_scores_with_the_proven_bits(self, world: Any) -> None:
        """Every vector of the self-test comes out of the opened bundle."""
        bundle = opened(world)

        assert bundle.digest == world.folder.name
        assert bundle.plan.names == ("amount", "night", "n")
        assert bundle.candidate == world.candidate.record
        assert bundle.signed_by == world.builder.public_pem
        for vector in world.selftest.vectors:
            row = [np.nan if value is None else value for value in vector.features]
            raw, _ = bundle.scorer.session.raw_and_score(row)
            assert np.float64(raw).tobytes().hex() == bytes.fromhex(vector.raw)[::-1].hex()

    def test_of_a_linear_model_opens_too(self, linear_world: Any) -> None:
        """Both families a bundle may hold are proven and explained the same way."""
        bundle = opened(linear_world)

        raw, _ = bundle.scorer.session.raw_and_score([180.0, 0.0, 3.0])
        parts = bundle.scorer.reasons.explain([180.0, 0.0, 3.0])

        assert bundle.scorer.reasons.base + parts.sum() == pytest.approx(raw, abs=1e-12)

    def test_may_be_renamed(self, world: Any) -> None:
        """The digest is the manifest's, whatever the folder is called."""
        renamed = world.folder.rename(world.folder.parent / "champion")

        assert open_bundle(renamed, trusted_keys=[world.builder.public_path]).digest == world.folder.name

    def test_opens_with_any_of_the_trusted_keys(self, world: Any) -> None:
        """A second trusted key neither helps nor hinders."""
        keys = [world.stranger.public_pem, world.builder.public_pem.encode()]

        assert open_bundle(world.folder, trusted_keys=keys).signed_by == world.builder.public_pem

    def test_opens_only_when_approved(self, world: Any) -> None:
        """Where approvals are asked, the digest must be among them, and the answer is kept."""

        class Approved(dict[str, str]):
            def of(self, bundle_digest: str) -> object | None:
                return self.get(bundle_digest)

        with pytest.raises(BundleUnapproved, match=f"tally approve {world.folder.name[:12]}"):
            open_bundle(world.folder, trusted_keys=[world.builder.public_pem], approvals=Approved())
        by_bob = Approved({world.folder.name: "bob"})
        assert open_bundle(world.folder, trusted_keys=[world.builder.public_pem], approvals=by_bob).approval == "bob"


class TestTheSignature:
    """Somebody trusted signed exactly these files."""

    def test_of_another_key_is_refused(self, world: Any) -> None:
        """Who signed must be trusted."""
        with pytest.raises(SignatureRefused, match="none of the trusted keys made it"):
            open_bundle(world.folder, trusted_keys=[world.stranger.public_pem])

    def test_without_a_trusted_key_is_refused(self, world: Any) -> None:
        """Trusting nobody opens nothing."""
        with pytest.raises(SignatureRefused, match="no key is trusted"):
            open_bundle(world.folder, trusted_keys=[])

    def test_that_is_missing_is_refused(self, world: Any) -> None:
        """An unsigned bundle says which file is missing."""
        world.signature.unlink()

        with pytest.raises(BundleUnsigned, match=r"\.sig does not lie beside it"):
            opened(world)

    @pytest.mark.parametrize("content", [b"", b"{}", b"null", b"\xff", b"[" * 100_000])
    def test_that_is_nonsense_is_refused(self, world: Any, content: bytes) -> None:
        """A signature file of anything else is a refusal, not a crash."""
        world.signature.write_bytes(content)

        with pytest.raises(SignatureRefused):
            opened(world)

    @pytest.mark.parametrize("at", [0.2, 0.5, 0.9])
    def test_with_one_changed_character_is_refused(self, world: Any, at: float) -> None:
        """No character of envelope or signature can be exchanged."""
        text = world.signature.read_bytes()
        place = text.index(b'"payload"') + int(at * (len(text) - text.index(b'"payload"')))
        world.signature.write_bytes(
            text[:place] + (b"A" if text[place : place + 1] != b"A" else b"B") + text[place + 1 :]
        )

        with pytest.raises(SignatureRefused):
            opened(world)

    def test_that_leaves_a_file_out_is_refused(self, world: Any) -> None:
        """The library lets a signer leave files out; a bundle's signature covers all of them."""
        from model_signing import hashing, signing  # noqa: PLC0415 - half a second, for this test only

        leaving_out = hashing.Config().use_file_serialization(hashing_algorithm="sha256")
        leaving_out.set_ignored_paths(paths=["definition.json"])
        config = signing.Config().set_hashing_config(leaving_out)
        config.use_elliptic_key_signer(private_key=world.builder.private_path).sign(world.folder, world.signature)

        with pytest.raises(SignatureRefused, match="leaves out definition.json"):
            opened(world)


class TestTheFolder:
    """A folder of plain files, exactly those listed."""

    @pytest.mark.parametrize("name", [*FILES, "manifest.json"])
    def test_with_a_flipped_bit_is_refused(self, world: Any, name: str) -> None:
        """One bit of any file, wherever it lies, is found before the model is looked at."""
        path = world.folder / name
        content = path.read_bytes()
        for place in (0, len(content) // 2, len(content) - 1):
            path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])

            with pytest.raises(BundleError) as refusal:
                opened(world)

            early = SignatureRefused | BundleUnsigned | BundleUnreadable | BundleFormatUnknown | BundleListingWrong
            assert isinstance(refusal.value, early)

    @pytest.mark.parametrize("name", [*FILES, "manifest.json"])
    def test_that_lacks_a_file_is_refused(self, world: Any, name: str) -> None:
        """A missing file is named."""
        (world.folder / name).unlink()

        with pytest.raises(BundleListingWrong, match=f"Missing: {name}"):
            opened(world)

    @pytest.mark.parametrize("name", ["run.py", ".gitignore", ".gitattributes", "model.onnx.data", "sitecustomize.pth"])
    def test_with_another_file_is_refused(self, world: Any, name: str) -> None:
        """A file that is not listed is named, the ones that signing ignores included."""
        (world.folder / name).write_text("anything")

        with pytest.raises(BundleListingWrong, match=f"not listed: {name}"):
            opened(world)

    def test_with_a_renamed_file_is_refused(self, world: Any) -> None:
        """A renamed file is both missing and not listed."""
        (world.folder / "card.json").rename(world.folder / "Card.json")

        with pytest.raises(BundleListingWrong, match=r"Missing: card\.json; not listed: Card\.json"):
            opened(world)

    @pytest.mark.parametrize("name", [".git", "models"])
    def test_with_a_subfolder_is_refused(self, world: Any, name: str) -> None:
        """A subfolder is refused, .git included."""
        (world.folder / name).mkdir()

        with pytest.raises(BundleShapeWrong, match=f"^{name} of the bundle"):
            opened(world)

    def test_with_a_link_is_refused(self, world: Any, tmp_path: Path) -> None:
        """A link is refused even if it leads to the right bytes."""
        (world.folder / "card.json").rename(tmp_path / "card.json")
        (world.folder / "card.json").symlink_to(tmp_path / "card.json")

        with pytest.raises(BundleShapeWrong, match=r"card\.json of the bundle"):
            opened(world)

    def test_with_a_pipe_is_refused(self, world: Any) -> None:
        """A pipe is refused and not waited for."""
        (world.folder / "card.json").unlink()
        os.mkfifo(world.folder / "card.json")

        with pytest.raises(BundleShapeWrong, match="no plain file"):
            opened(world)

    def test_that_is_a_link_is_refused(self, world: Any) -> None:
        """The bundle's folder itself is no link."""
        link = world.folder.parent / "link"
        link.symlink_to(world.folder)

        with pytest.raises(BundleShapeWrong, match="no folder"):
            open_bundle(link, trusted_keys=[world.builder.public_pem])

    def test_with_too_many_files_is_refused(self, world: Any) -> None:
        """The count is limited before anything is read."""
        for number in range(40):
            (world.folder / f"{number}.json").touch()

        with pytest.raises(BundleShapeWrong, match="more than 32 files"):
            opened(world)

    def test_with_too_large_a_file_is_refused(self, world: Any) -> None:
        """The size is limited before anything is read."""
        with (world.folder / "card.json").open("ab") as file:
            file.truncate(40 * 1024**2)

        with pytest.raises(BundleShapeWrong, match="larger than"):
            opened(world)

    def test_of_another_format_is_refused(self, world: Any) -> None:
        """The format is asked before the manifest is understood."""
        path = world.folder / "manifest.json"
        path.write_bytes(canonical(msgspec.json.decode(path.read_bytes()) | {"format": 2}))

        with pytest.raises(BundleFormatUnknown, match="has format 2, and this version opens 1"):
            opened(world)


def judging(world: Any, **changes: Any) -> dict[str, Callable[[bytes], bytes]]:
    """Return what makes record and evidence name a definition with these changes, by the files' stems."""
    form, features = stored_form(world.candidate.definition), world.candidate.definition.features.digest
    digest = digest_of(form | changes | {"features": features})
    return {"candidate": json_with(model=digest), "evidence": json_with(model=digest)}


def json_with(**changes: Any) -> Callable[[bytes], bytes]:
    """Return what sets fields of a JSON file."""
    return lambda content: canonical(msgspec.json.decode(content) | changes)


def model_with(change: Callable[[Any], None]) -> Callable[[bytes], bytes]:
    """Return what changes a model file, as ONNX sees it."""

    def changed(content: bytes) -> bytes:
        model = onnx.ModelProto.FromString(content)
        change(model)
        return bytes(model.SerializeToString(deterministic=True))

    return changed


def attribute(model: Any, name: str) -> Any:
    """Return an attribute of the trees."""
    return next(found for found in model.graph.node[0].attribute if found.name == name)


def set_numbers(name: str, place: int, value: float) -> Callable[[Any], None]:
    """Return what sets one number of a tensor of the trees."""

    def change(model: Any) -> None:
        tensor = attribute(model, name).t
        numbers = numpy_helper.to_array(tensor).copy()
        numbers[place] = value
        tensor.CopyFrom(numpy_helper.from_array(numbers))

    return change


def set_integer(name: str, place: int, value: int) -> Callable[[Any], None]:
    """Return what sets one integer of the trees."""

    def change(model: Any) -> None:
        attribute(model, name).ints[place] = value

    return change


def ring(model: Any) -> None:
    """Let the second tree's inner node lead back to its root, which then hangs from nothing."""
    attribute(model, "nodes_falsenodeids").ints[3] = 2
    attribute(model, "nodes_falseleafs").ints[3] = 0
    attribute(model, "tree_roots").ints[:] = [0]
    del attribute(model, "leaf_targetids").ints[-1]
    weights = attribute(model, "leaf_weights").t
    weights.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(weights)[:-1]))


def outside(model: Any) -> None:
    """Keep a constant in a file outside."""
    tensor = model.graph.initializer[0]
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="/etc/hostname")


def another_operator(model: Any) -> None:
    """Put an operator that no model of ours uses in the sigmoid's place."""
    model.graph.node[-1].op_type = "Tanh"


def another_domain(model: Any) -> None:
    """Ask for operators of somebody else's library."""
    model.graph.node[-1].domain = "com.example"
    model.opset_import.add(domain="com.example", version=1)


def other_names(model: Any) -> None:
    """Call the features otherwise."""
    model.metadata_props[0].value = '["amount", "n", "night"]'


class TestASignedBundle:
    """A signature does not make sense of nonsense: what a builder's key signed is still understood first."""

    @pytest.mark.parametrize(
        ("change", "sentence"),
        [
            (set_numbers("nodes_splits", 0, float("nan")), "not a finite number"),
            (set_numbers("leaf_weights", 2, float("inf")), "not a finite number"),
            (ring, "in a ring"),
            (set_integer("nodes_truenodeids", 1, 0), "belongs to no node, or to two"),
            (set_integer("nodes_falsenodeids", 0, 99), "belongs to no tree, or to two"),
            (set_integer("nodes_featureids", 0, 3), "feature that does not exist"),
            (set_integer("leaf_targetids", 0, 1), "target that does not exist"),
            (set_numbers("nodes_modes", 0, 6), "no 'x <= number'"),
            (outside, "kept outside the file"),
            (another_operator, "holds steps"),
            (another_domain, "operator sets"),
            (other_names, "features are not the plan's"),
        ],
    )
    def test_with_a_model_that_is_none_is_refused(
        self, world: Any, change: Callable[[Any], None], sentence: str
    ) -> None:
        """The model is held to the wiring and the forest before it is run."""
        forged = world.forge("model.onnx", model_with(change))

        with pytest.raises(BundleInconsistent, match=sentence) as refusal:
            opened(forged)

        assert refusal.value.name == "model.onnx"

    def test_with_bytes_for_a_model_is_refused(self, world: Any) -> None:
        """A pickle, or anything else, under the model's name is no model."""
        forged = world.forge("model.onnx", lambda _: b"\x80\x04\x95\x10\x00\x00\x00\x00\x00\x00\x00\x8c\x02os\x94.")

        with pytest.raises(BundleInconsistent, match=r"model\.onnx"):
            opened(forged)

    def test_with_a_pickled_background_is_refused_and_nothing_runs(self, world: Any, tmp_path: Path) -> None:
        """An array of objects would be unpickled; it is refused, and the planted code leaves no trace."""
        canary = tmp_path / "canary"

        class Planted:
            def __reduce__(self) -> tuple[Any, ...]:
                return (canary.touch, ())

        array = io.BytesIO()
        np.save(array, np.array([[Planted()]], dtype=object), allow_pickle=True)
        forged = world.forge("background.npy", lambda _: array.getvalue())

        with pytest.raises(BundleUnreadable, match=r"background\.npy"):
            opened(forged)
        assert not canary.exists()

    @pytest.mark.parametrize(
        ("rows", "sentence"),
        [(np.zeros((0, 3)), "0 rows"), (np.zeros((5, 2)), "2 columns"), (np.full((5, 3), np.inf), "infinite")],
    )
    def test_with_a_background_that_does_not_fit_is_refused(self, world: Any, rows: Any, sentence: str) -> None:
        """The background has rows, the plan's columns, and no infinity."""
        array = io.BytesIO()
        np.save(array, rows, allow_pickle=False)

        with pytest.raises(BundleInconsistent, match=sentence):
            opened(world.forge("background.npy", lambda _: array.getvalue()))

    @pytest.mark.parametrize(
        "decline",
        [
            {"type": "above", "threshold": 1.5},
            {"type": "above_cost", "false_alarm": 0.0, "missed": 3.0},
            {"type": "above_cost", "false_alarm": 5.0, "missed": -3.0},
            {"type": "above_cost", "false_alarm": 5.0, "missed": {"type": "column", "stream": "x", "field": "y"}},
        ],
    )
    def test_with_a_policy_out_of_range_is_refused(self, world: Any, decline: Any) -> None:
        """Thresholds are probabilities and costs are above zero and known when a record is decided."""
        policy = {"decline": decline}
        forged = world.forge("definition.json", json_with(policy=policy), **judging(world, policy=policy))

        with pytest.raises(BundleInconsistent, match=r"definition\.json .* (out of its range|policy)"):
            opened(forged)

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            (b'"threshold":0.2,', b'"threshold":NaN,'),
            (b'"threshold":0.2,', b'"threshold":1e999,'),
            (b'"threshold":0.2,', b'"threshold":0.2,"threshold":0.6,'),
            (b'"threshold":0.2,', b'"exec":"rm","threshold":0.2,'),
            (b'"threshold":0.2,', b'"threshold": 0.2,'),
            (b'"threshold":0.2,', b""),
            (b'"search":{}', b'"search":{"trials":20}'),
            (b'"search":{}', b'"search":{"seed":0}'),
        ],
    )
    def test_with_another_form_of_json_is_refused(self, world: Any, old: bytes, new: bytes) -> None:
        """Unknown or repeated fields, other spacing, no numbers, defaults that are written out: none is the form."""
        assert old in (world.folder / "definition.json").read_bytes()

        with pytest.raises(BundleUnreadable, match=r"definition\.json"):
            opened(world.forge("definition.json", lambda content: content.replace(old, new, 1)))

    @pytest.mark.parametrize("name", [name for name in FILES if name.endswith(".json") and name != "card.json"])
    @pytest.mark.parametrize("content", [b"\xff\xfe", b"[" * 200_000, b"{}", b"null", b""])
    def test_with_nonsense_for_a_text_is_refused(self, world: Any, name: str, content: bytes) -> None:
        """Bytes, endless nesting, and the wrong kind of value are refused by the file's name."""
        with pytest.raises(BundleUnreadable, match=name.replace(".", r"\.")):
            opened(world.forge(name, lambda _: content, deep=False))

    @pytest.mark.parametrize(
        ("name", "change", "sentence"),
        [
            ("candidate.json", {"dataset": "2" * 64}, "another dataset"),
            ("candidate.json", {"features": "2" * 64}, "another plan"),
            ("candidate.json", {"name": "other"}, "another model's"),
            ("candidate.json", {"names": ["a", "b", "c"]}, "not the plan's"),
            ("candidate.json", {"files": {}}, "other files"),
            ("evidence.json", {"candidate": "2" * 64}, "another candidate"),
            ("evidence.json", {"model": "2" * 64}, "another definition"),
            ("evidence.json", {"features": "2" * 64}, "another plan"),
            ("evidence.json", {"dataset": "2" * 64}, "another dataset"),
            ("evidence.json", {"family": "other"}, "another is judged"),
            ("candidate.json", {"model": "2" * 64}, "trained under another one"),
        ],
    )
    def test_whose_files_contradict_each_other_is_refused(
        self, world: Any, name: str, change: dict[str, Any], sentence: str
    ) -> None:
        """What the model was taught with, its plan and its evidence must belong together."""
        with pytest.raises(BundleInconsistent, match=sentence):
            opened(world.forge(name, json_with(**change)))

    @pytest.mark.parametrize("name", ["candidate.json", "evidence.json"])
    def test_with_a_part_of_another_format_is_refused(self, world: Any, name: str) -> None:
        """Record and evidence have formats of their own, and the sentence says which are known."""
        with pytest.raises(BundleUnreadable, match=r"format 2, and .*1"):
            opened(world.forge(name, json_with(format=2)))

    @pytest.mark.parametrize("change", [{"policy": LENIENT}, {"limits": []}, {"search": {"seed": 1}}])
    @pytest.mark.parametrize(
        ("judged", "sentence"),
        [((), "trained under another one"), (("candidate",), "judges under another definition")],
    )
    def test_judged_under_another_definition_is_refused(
        self, world: Any, change: dict[str, Any], judged: tuple[str, ...], sentence: str
    ) -> None:
        """Another policy, limit or setting than the candidate was trained and judged under cannot be packed with it.

        Whoever has the builder's key may set the candidate's record right too; the evidence still names the other.
        """
        also = {stem: forging for stem, forging in judging(world, **change).items() if stem in judged}

        with pytest.raises(BundleInconsistent, match=sentence):
            opened(world.forge("definition.json", json_with(**change), **also))

    def test_with_another_plan_than_its_definitions_is_refused(self, world: Any) -> None:
        """A plan with one feature less is not what the definition says, though every digest is set right."""

        def shorter(content: bytes) -> bytes:
            plain = msgspec.json.decode(content)
            plain["definition"]["features"].pop()
            return canonical(plain)

        digest = Plan.from_stored(msgspec.json.decode(shorter((world.folder / "plan.json").read_bytes()))).digest
        forged = world.forge(
            "plan.json", shorter, candidate=json_with(features=digest), evidence=json_with(features=digest), plan=digest
        )

        with pytest.raises(BundleInconsistent, match=r"plan\.json .* not the definition's"):
            opened(forged)

    def test_that_proves_other_rows_is_refused(self, world: Any) -> None:
        """A self-test of rows that are easy to get right is not one of the candidate's examples."""

        def easier(content: bytes) -> bytes:
            plain = msgspec.json.decode(content)
            return canonical(plain | {"vectors": plain["vectors"][:-1] + plain["vectors"][:1]})

        with pytest.raises(BundleInconsistent, match="other rows than the candidate's examples"):
            opened(world.forge("selftest.json", easier))

    def test_with_another_candidates_model_is_refused(self, world: Any) -> None:
        """A model that the candidate's record does not name is not this candidate's."""
        forged = world.forge("model.onnx", model_with(set_numbers("leaf_weights", 0, -2.5)), deep=False)

        with pytest.raises(BundleInconsistent, match=r"model\.onnx .* not the candidate's"):
            opened(forged)

    def test_that_gives_other_bits_fails_its_self_test(self, world: Any) -> None:
        """One leaf in its last bit is enough, and the sentence says what differs and on which runtime."""
        forged = world.forge("model.onnx", model_with(set_numbers("leaf_weights", 0, np.nextafter(-2.0, 0.0))))

        with pytest.raises(SelfTestFailed, match=r"another (raw|contributions) here .* its files were changed"):
            opened(forged)

    def test_with_another_background_fails_its_self_test(self, world: Any) -> None:
        """Reasons counted from other rows have other bits, even where scores agree."""
        array = io.BytesIO()
        np.save(array, np.zeros((1, 3)), allow_pickle=False)

        with pytest.raises(SelfTestFailed, match="another contributions"):
            opened(world.forge("background.npy", lambda _: array.getvalue()))

    def test_proven_elsewhere_names_both_runtimes(self, world: Any) -> None:
        """Where bits differ and the runtime does too, the sentence says where it was proven and where this is."""

        def elsewhere(content: bytes) -> bytes:
            plain = msgspec.json.decode(content)
            plain["runtime"]["onnxruntime"] = "0.1"
            plain["vectors"][5]["score"] = "0" * 16
            return canonical(plain)

        with pytest.raises(SelfTestFailed, match=r"another score here .* vector 5.* proven on onnxruntime 0\.1 on"):
            opened(world.forge("selftest.json", elsewhere))

    def test_with_too_few_vectors_is_refused(self, world: Any) -> None:
        """A self-test that proves next to nothing is refused."""

        def cut(content: bytes) -> bytes:
            plain = msgspec.json.decode(content)
            return canonical(plain | {"vectors": plain["vectors"][:3]})

        with pytest.raises(BundleInconsistent, match="has 3 vectors, and 20 are needed"):
            opened(world.forge("selftest.json", cut))


def test_a_manifest_that_was_changed_needs_its_own_signature(world: Any) -> None:
    """The signature is found by the manifest's digest, so an edited manifest has none."""
    path = world.folder / "manifest.json"
    path.write_bytes(canonical(msgspec.json.decode(path.read_bytes()) | {"builder": "bob"}))

    with pytest.raises(BundleUnsigned):
        opened(world)


def test_an_unlisted_digest_is_caught_under_a_signature(world: Any) -> None:
    """A manifest with a wrong digest, signed all the same, names the file."""

    def wrong(content: bytes) -> bytes:
        plain = msgspec.json.decode(content)
        plain["files"][0]["sha256"] = "0" * 64
        return canonical(plain)

    folder = world.folder
    (folder / "manifest.json").write_bytes(wrong((folder / "manifest.json").read_bytes()))
    from tallystick.release.sign import sign  # noqa: PLC0415

    sign(folder, private_key=world.builder.private_path)

    with pytest.raises(BundleAltered, match=r"background\.npy"):
        opened(world)


@given(st.data())
def test_any_changed_byte_anywhere_is_refused(released: Any, data: st.DataObject) -> None:
    """Wherever a byte changes, in whatever file of the folder, the bundle does not open."""
    path = data.draw(st.sampled_from(sorted(released.folder.iterdir())), label="file")
    before = path.read_bytes()
    place = data.draw(st.integers(0, len(before) - 1), label="place")
    other = data.draw(st.integers(1, 255), label="change")
    path.write_bytes(before[:place] + bytes([before[place] ^ other]) + before[place + 1 :])

    try:
        with pytest.raises(BundleError):
            opened(released)
    finally:
        path.write_bytes(before)


def test_opening_needs_no_training_library(world: Any) -> None:
    """Neither scoring nor opening loads scikit-learn, LightGBM, Optuna, pandas or SciPy."""
    program = f"""
import sys
from pathlib import Path
from tallystick.release.open import open_bundle
bundle = open_bundle(Path({str(world.folder)!r}), trusted_keys=[Path({str(world.builder.public_path)!r})])
bundle.scorer.session.raw_and_score([1.0, 0.0, 2.0])
print([name for name in ("sklearn", "lightgbm", "optuna", "pandas", "scipy") if name in sys.modules])
"""

    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert found.stdout == "[]\n"
