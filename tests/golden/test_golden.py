"""What every version kept for years, this one opens, verifies, and makes again to the bit.

Each numbered folder was written once, by ``python tools/golden.py`` of the version that wrote it, and is never edited.
"""

import hashlib
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tallystick.data.segment import open_segment
from tallystick.errors import LedgerDamaged, LogDamaged, SelfTestFailed
from tallystick.governance.approvals import Approvals
from tallystick.governance.review import review
from tallystick.journal import anchoring
from tallystick.journal.bodies import Activation, Disposition, Fault, Intake, decode_body
from tallystick.journal.decision import decisions
from tallystick.journal.history import History
from tallystick.journal.records import records
from tallystick.ledger.actors import Actors
from tallystick.ledger.ledger import Ledger
from tallystick.log.opening import open_log
from tallystick.release.open import Bundle, open_bundle
from tallystick.replay.archive import Archive
from tallystick.replay.period import replay_period
from tallystick.replay.single import replay
from tallystick.scoring.session import fingerprint
from tallystick.training.candidate import open_candidate
from tallystick.validation.evidence import read_evidence

HERE = Path(__file__).parent
VERSIONS = sorted(path.name for path in HERE.iterdir() if path.name.isdecimal())


@pytest.fixture(params=VERSIONS)
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Return a copy of what one version kept."""
    return Path(shutil.copytree(HERE / request.param, tmp_path / "kept"))


@pytest.fixture
def expected(kept: Path) -> dict[str, Any]:
    """Return what the version that wrote it said of it."""
    found: dict[str, Any] = json.loads((kept / "expected.json").read_text(encoding="utf-8"))
    return found


@contextmanager
def opened(kept: Path) -> Iterator[Archive]:
    """Open log, bundles and ledger as an auditor does."""
    ledger = Ledger.open(kept / "ledger.db", kept / "checkpoints.jsonl")
    keys = tuple(actor.public_pem for actor in Actors.from_ledger(ledger).by_name.values())
    with open_log(kept / "log.db") as log:
        yield Archive(log, kept / "bundles", keys, ledger)


def bundle_of(archive: Archive, digest: str, expected: dict[str, Any]) -> Bundle:
    """Open a bundle; where its model has other bits than where it was written, that must be said, and no more."""
    try:
        return archive.bundle(digest)
    except SelfTestFailed:
        if expected["runtime"] == str(fingerprint()):
            raise
        pytest.skip(f"the bundle {digest[:12]} was proven with {expected['runtime']}, and here is {fingerprint()}")


def test_there_is_one_of_every_format() -> None:
    """Today's formats have a folder, so that a later version is held to them."""
    assert VERSIONS == ["1"]


def test_the_log_verifies(kept: Path, expected: dict[str, Any]) -> None:
    """The chain is whole, its head is the one that was signed, and every kind of entry can be read."""
    with opened(kept) as archive:
        assert archive.ledger is not None
        anchoring.verify(archive.log, archive.ledger)
        head = archive.log.head
        kinds = sorted({entry.kind for entry in archive.log.read()})
        faults = [decode_body(entry.body, Fault) for entry in archive.log.read(kinds=("fault",))]
        activations = [decode_body(entry.body, Activation) for entry in archive.log.read(kinds=("activation",))]
        intakes = [decode_body(entry.body, Intake) for entry in archive.log.read(kinds=("intake",))]
        dispositions = [decode_body(entry.body, Disposition) for entry in archive.log.read(kinds=("disposition",))]

    assert (head.position, head.hash.hex(), kinds) == (
        expected["log"]["position"], expected["log"]["hash"], expected["log"]["kinds"],
    )  # fmt: skip
    assert {fault.stage for fault in faults} == {"state"}
    assert {activation.bundle for activation in activations} <= set(expected["bundles"])
    assert (intakes[0].offset, dispositions[0].action) == (41, "approve")


def test_one_changed_byte_of_the_log_is_found(kept: Path) -> None:
    """Verifying an old log is no formality: a byte in the middle is enough."""
    content = bytearray((kept / "log.db").read_bytes())
    place = content.index(b'"bundle":"', len(content) // 2) + 12
    content[place] ^= 1
    (kept / "log.db").write_bytes(bytes(content))

    with opened(kept) as archive, pytest.raises(LogDamaged):
        archive.log.verify()


def test_the_ledger_verifies(kept: Path, expected: dict[str, Any]) -> None:
    """Every signature and hash holds, from the first byte; one changed character is found."""
    ledger = Ledger.open(kept / "ledger.db", kept / "checkpoints.jsonl")
    proven = ledger.verify()
    content = (kept / "ledger.db").read_bytes()
    (kept / "ledger.db").write_bytes(content.replace(b'"approved"', b'"approvee"', 1))

    assert proven.n_entries == expected["ledger"]["entries"]
    with pytest.raises(LedgerDamaged):
        Ledger.open(kept / "ledger.db", kept / "checkpoints.jsonl").verify()


def test_bundles_open_under_their_digests(kept: Path, expected: dict[str, Any]) -> None:
    """Each opens with its self-test, and what it is made of has the digests that it had."""
    with opened(kept) as archive:
        assert archive.ledger is not None
        approvals = Approvals(archive.ledger)
        standing = {}
        for digest, stated in expected["bundles"].items():
            bundle = bundle_of(archive, digest, expected)
            found = {
                "model": bundle.manifest.model, "plan": bundle.plan.digest, "state": bundle.plan.state_digest,
                "candidate": bundle.manifest.candidate, "evidence": bundle.manifest.evidence,
                "definition": bundle.definition.digest,
            }  # fmt: skip
            assert (bundle.digest, found) == (digest, stated)
            if approvals.of(digest):
                standing[bundle.manifest.model] = open_bundle(
                    kept / "bundles" / digest, trusted_keys=archive.trusted_keys, approvals=approvals
                )

    assert set(standing) == {"lending", "trees"}


def test_candidates_and_evidence_open(kept: Path, expected: dict[str, Any]) -> None:
    """Every candidate opens under its digest, with its definition; so does the evidence of each bundle."""
    found = [open_candidate(kept / "candidates" / digest) for digest in expected["candidates"]]
    evidence = [
        read_evidence((kept / "evidence" / f"{stated['evidence']}.json").read_bytes(), digest=stated["evidence"])
        for stated in expected["bundles"].values()
    ]

    assert [candidate.digest for candidate in found] == expected["candidates"]
    assert {candidate.definition.name for candidate in found} == {"lending", "trees"}
    assert not any(each.failed for each in evidence)


def test_the_review_tells_what_failed_before(kept: Path, expected: dict[str, Any]) -> None:
    """What was refused under a limit that was loosened since is still told to who approves."""
    with opened(kept) as archive:
        assert archive.ledger is not None
        approvals = Approvals(archive.ledger)
        (digest,) = (d for d, each in expected["bundles"].items() if each["model"] == "trees" and approvals.of(d))
        bundle = bundle_of(archive, digest, expected)
        entries = archive.ledger.verified_entries()
        text = str(review(entries, bundle.manifest.candidate, bundle.candidate, bundle.definition, bundle=digest))

    assert "0.999" in text


def test_history_opens(kept: Path) -> None:
    """The log's first segment has every byte that was attached, and its records are the first of the log."""
    with opened(kept) as archive:
        (segment,) = archive.log.segments
        plan = next(iter(archive.bundle(d.decision.bundle).plan for d in decisions(archive.log, "trees")))
        dataset = open_segment(kept / segment.path, plan.sources)
        history = History.of(archive.log, plan.sources).dataset()
        folded = records(archive.log, plan)

    assert history is not None
    assert dataset.fingerprint == history.fingerprint
    assert dataset.last_position == segment.last
    assert len(folded.records["applications"]) > len(dataset.records["applications"])


@pytest.mark.parametrize("model", ["lending", "trees"])
def test_every_decision_is_made_again(kept: Path, expected: dict[str, Any], model: str) -> None:
    """From raw requests, positions and digests alone, each decision has the action and the bits that it had."""
    with opened(kept) as archive:
        for digest in {each.decision.bundle for each in decisions(archive.log, model)}:
            bundle_of(archive, digest, expected)
        report = replay_period(archive, model)
        one = replay(archive, model, report.verdicts[-1].decision)
        found = {f"{model} {each.key}": each for each in decisions(archive.log, model)}

    stated = {name: each for name, each in expected["decisions"].items() if name.startswith(f"{model} ")}
    assert (report.is_identical, one.is_identical) == (True, True), report.to_plain()
    assert report.n_decisions == len(stated) > 0
    assert {
        name: (each.position, each.decision.action, None if each.decision.score is None else each.decision.score.hex())
        for name, each in found.items()
    } == {name: (each["position"], each["action"], each["score"]) for name, each in stated.items()}


def test_nothing_of_it_was_edited() -> None:
    """The files are those that were written: their digest stands here."""
    assert {name: digest_of(HERE / name) for name in VERSIONS} == {"1": WRITTEN_1}


def digest_of(folder: Path) -> str:
    """Return a digest over the names and bytes of a folder's files."""
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(folder).as_posix()} {len(content)}\n".encode() + content)
    return digest.hexdigest()


WRITTEN_1 = "b2d831f0e75bd062f804057e6823b087694dd2c54e86a6ba040d7a8bdd8dd425"
