"""A decision is made again bit for bit, and whatever was changed is named at its stage."""

import sqlite3
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from tallystick.definitions.expressions import Aggregate
from tallystick.definitions.fields import Money
from tallystick.errors import DecisionUnknown, NothingDecided
from tallystick.features.plan import Plan
from tallystick.governance.approvals import refuse
from tallystick.journal.bodies import Activation, decode_body, encode_body
from tallystick.journal.decision import Decision, decode, encode
from tallystick.journal.proof import Proof
from tallystick.log.chain import entry_hash
from tallystick.log.opening import open_log
from tallystick.replay.archive import Archive
from tallystick.replay.period import replay_period
from tallystick.replay.single import replay
from tallystick.replay.verdict import Verdict
from tallystick.serving.requests import Request
from tallystick.testing.world import NOW, World

MODEL = "card-fraud"
FIRST, LATE = "P0002277", "P0002500"
N_DECISIONS = 300


def opened(world: World, *, signed: bool = True) -> Archive:
    """Return a fresh archive over a world's files."""
    log = open_log(world.folder / "log.sqlite")
    return Archive(log, world.bundles, tuple(world.trusted), world.ledger if signed else None)


def changed(world: World, sql: str, *values: object) -> None:
    """Change the log's file, as somebody who has it in hands can."""
    with closing(sqlite3.connect(world.folder / "log.sqlite")) as log:
        for trigger in ("entries_stay", "entries_are_written_once"):
            log.execute(f"DROP TRIGGER IF EXISTS {trigger}")
        log.execute(sql, values)
        log.commit()


def flipped(path: Path, at: int = -20) -> None:
    """Flip one bit of a file."""
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(bytes(content))


def test_every_decision_is_identical(archive: Archive) -> None:
    """Fresh, retried, referred or declined: all are computed again from raw requests, bit for bit."""
    report = replay_period(archive, MODEL)

    assert report.is_identical
    assert report.n_identical == report.n_decisions == 320
    assert {verdict.action for verdict in report.verdicts} == {"approve", "refer", "decline"}


def test_one_decision_needs_only_its_own_entities(archive: Archive) -> None:
    """A single replay, restricted to the records it can see, comes to the same as the replay of all."""
    alone = [replay(archive, MODEL, name) for name in (FIRST, LATE, "again 7")]

    combined = {verdict.decision: verdict for verdict in replay_period(archive, MODEL).verdicts}
    assert alone == [combined[verdict.decision] for verdict in alone]
    assert all(verdict.is_identical for verdict in alone)


def test_a_fallback_is_identical_because_it_fails_again(world: World) -> None:
    """A record that the state could not hold is offered to it again, and refused again."""
    huge = {"paid_at": "2026-02-14T12:00:00Z", "customer_id": "C00001", "terminal_id": "T00001", "amount": "4e16"}
    with world.service() as service:
        service.decide([Request(msgspec.json.encode(huge | {"payment_id": name})) for name in ("h1", "h2")])

    assert replay(opened(world), MODEL, "h2") == replay(opened(world), MODEL, "h2")
    assert replay(opened(world), MODEL, "h2").is_identical


def test_decisions_of_several_bundles(world: World) -> None:
    """Each decision is made again by the bundle that made it, also after its approval fell."""
    other = world.release(weights={"amount": 2.0})
    with world.service(bundle=other) as service:
        later = service.decide([Request(raw) for raw in world.payments(30, skip=N_DECISIONS)])
    refuse(world.ledger, world.bundle, reason="a better one serves", signer=world.keys.load("vera"), at=NOW)

    report = replay_period(opened(world), MODEL)

    assert len(later) == 30
    assert {verdict.bundle for verdict in report.verdicts} == {world.bundle, other}
    assert report.is_identical
    assert report.n_decisions == 350


def test_beside_a_running_server(world: World) -> None:
    """What was decided after an archive was opened, proven and indexed is made again too, by whichever bundle."""
    archive = opened(world)
    before = replay(archive, MODEL, FIRST)
    same, other = world.payments(3, skip=N_DECISIONS), world.payments(3, skip=N_DECISIONS + 3)
    with world.service() as service:
        service.decide([Request(raw) for raw in same])
    fresh = [replay(archive, MODEL, id_of(raw)) for raw in same]
    with world.service(bundle=world.release(weights={"amount": 2.0})) as service:
        service.decide([Request(raw) for raw in other])

    fresh += [replay(archive, MODEL, id_of(raw)) for raw in other]

    assert [verdict.reason for verdict in [before, *fresh]] == [""] * 7


def test_what_came_after_the_proof_is_proven_too(world: World) -> None:
    """A decision that was written after an archive was proven, and then altered, is stage record."""
    archive = opened(world)
    before = replay(archive, MODEL, FIRST)
    (raw,) = world.payments(1, skip=N_DECISIONS)
    with world.service() as service:
        service.decide([Request(raw)])
    changed(world, "UPDATE entries SET at = at + 1 WHERE kind = 'decision' AND id = ?", id_of(raw))

    after = replay(archive, MODEL, id_of(raw))

    assert before.is_identical
    assert (after.stage, "damaged at position" in after.reason) == ("record", True)


def id_of(raw: bytes) -> str:
    """Return the id of a payment's request."""
    name: str = msgspec.json.decode(raw)["payment_id"]
    return name


def test_a_byte_of_a_decision(world: World) -> None:
    """A byte flipped in the entry's body is found by the chain: stage record."""
    changed(
        world, "UPDATE entries SET body = replace(body, 'decline', 'declin3') WHERE id = ?", _stopped(world).decision
    )

    assert replay(opened(world), MODEL, _stopped(world).decision).stage == "record"


def _stopped(world: World) -> Verdict:
    verdicts = replay_period(opened(world), MODEL, since=0).verdicts
    return next(verdict for verdict in verdicts if verdict.action in {"decline", "declin3"} or verdict.action is None)


def test_a_byte_of_a_request(world: World) -> None:
    """A byte flipped in the raw request names position and stage; what lies before it stays proven."""
    changed(
        world,
        "UPDATE entries SET body = CAST(replace(CAST(body AS TEXT), 'T000', 'T001') AS BLOB) "
        "WHERE kind = 'event' AND id = ?",
        LATE,
    )

    late, first = replay(opened(world), MODEL, LATE), replay(opened(world), MODEL, FIRST)

    assert late.stage == "record"
    assert "damaged at position" in late.reason
    assert first.is_identical


def test_a_byte_of_a_hash(world: World) -> None:
    """A byte flipped in a stored hash is stage record."""
    changed(world, "UPDATE entries SET hash = zeroblob(32) WHERE kind = 'event' AND id = ?", LATE)

    assert replay(opened(world), MODEL, LATE).stage == "record"


def test_a_chain_written_anew(world: World) -> None:
    """A whole chain recomputed over a changed request misses the heads in the ledger: stage record."""
    _rewrite(world, LATE, b'"T000', b'"T001')

    verdict = replay(opened(world), MODEL, LATE)

    assert verdict.stage == "record"
    assert "rewritten" in verdict.reason


def test_a_chain_written_anew_without_a_ledger(world: World) -> None:
    """Even where nobody signed heads, the digest in the decision no longer fits the request: stage record."""
    _rewrite(world, LATE, b'"T000', b'"T001')

    verdict = replay(opened(world, signed=False), MODEL, LATE)

    assert verdict.stage == "record"
    assert verdict.differences[0].what == "raw_sha256"


def _rewrite(world: World, name: str, old: bytes, new: bytes) -> None:
    """Change an event and compute every hash after it again."""
    with open_log(world.folder / "log.sqlite") as log:
        known, entries = log.origin.hash, list(log.read())
    for entry in entries:
        is_changed = entry.kind == "event" and entry.id == name
        body = entry.body.replace(old, new) if is_changed else entry.body
        known = entry_hash(known, entry.position, (entry.kind, entry.namespace, entry.id), entry.at, body)
        if body != entry.body or known != entry.hash:
            changed(world, "UPDATE entries SET body = ?, hash = ? WHERE position = ?", body, known, entry.position)


@pytest.mark.parametrize(
    ("field", "value", "stage"),
    [
        ("raw_sha256", "0" * 64, "record"),
        ("record_id", "P0000001", "record"),
        ("event", 5, "record"),
        ("bundle", "0" * 64, "bundle"),
        ("bundle", "../../etc", "bundle"),
        ("features", (1.0,) * 9, "features"),
        ("raw_score", 0.5, "score"),
        ("score", 0.123, "score"),
        ("reasons", (), "reasons"),
        ("threshold", 0.5, "policy"),
        ("action", "refer", "policy"),
        ("activation", 5, "bundle"),
        ("activation", 10**9, "record"),
        ("as_of", 2_000, "record"),
    ],
)
def test_each_stored_thing_is_compared(world: World, field: str, value: object, stage: str) -> None:
    """Whoever can write a consistent log without signed heads is still caught, at the stage of what was changed."""
    verdict = _with(world, **{field: value})

    assert verdict.stage == stage
    assert verdict.reason


def _with(world: World, **changes: object) -> Verdict:
    """Replay a decision whose stored fields were exchanged, in a chain that is whole."""
    with open_log(world.folder / "log.sqlite") as log:
        stored = log.find("decision", MODEL, LATE)
    assert stored is not None
    decision = msgspec.convert(
        msgspec.to_builtins(decode(stored.body), builtin_types=(bytes,)) | changes, Decision, builtin_types=(bytes,)
    )
    _rewrite_body(world, stored.position, encode(decision))
    return replay(opened(world, signed=False), MODEL, LATE)


def _rewrite_body(world: World, position: int, body: bytes) -> None:
    with open_log(world.folder / "log.sqlite") as log:
        before, entries = log.entry(position - 1), list(log.read(after=position - 1))
        known = log.origin.hash if before is None else before.hash
    for entry in entries:
        new = body if entry.position == position else entry.body
        known = entry_hash(known, entry.position, (entry.kind, entry.namespace, entry.id), entry.at, new)
        changed(world, "UPDATE entries SET body = ?, hash = ? WHERE position = ?", new, known, entry.position)


def test_another_processor_is_stage_runtime(world: World) -> None:
    """Other bits where onnxruntime or the processor is another are the runtime's, and both are named."""
    _with_activation(world, runtime={"onnxruntime": "1.0.0", "machine": "abacus", "cpu": "0" * 64})

    verdict = _with(world, score=0.5)

    assert verdict.stage == "runtime"
    assert {difference.what for difference in verdict.differences} == {"score", "onnxruntime", "machine", "cpu"}


def _with_activation(world: World, **changes: object) -> None:
    """Exchange what the log says of the bundle that decides, in a chain that is whole."""
    with open_log(world.folder / "log.sqlite") as log:
        stored = log.last("activation", MODEL)
    assert stored is not None
    plain = msgspec.to_builtins(decode_body(stored.body, Activation))
    _rewrite_body(world, stored.position, encode_body(msgspec.convert(plain | changes, Activation)))


def test_a_byte_of_the_history(world: World) -> None:
    """A byte flipped in a file of the history is named with its file: stage record."""
    segment = next((world.folder / "history").iterdir())
    flipped(segment / "payments.parquet", at=1_000)

    verdict = replay(opened(world), MODEL, FIRST)

    assert verdict.stage == "record"
    assert "payments.parquet" in verdict.reason


@pytest.mark.parametrize("name", ["model.onnx", "plan.json", "definition.json", "background.npy", "manifest.json"])
def test_a_byte_of_the_bundle(world: World, name: str) -> None:
    """A byte flipped in any file of the bundle is stage bundle."""
    flipped(world.bundles / world.bundle / name)

    assert replay(opened(world), MODEL, FIRST).stage == "bundle"


def test_another_bundle_under_its_digest(world: World) -> None:
    """A good bundle in the place of the one that decided is stage bundle."""
    other = world.release(weights={"amount": 2.0})
    (world.bundles / world.bundle).rename(world.bundles / "away")
    (world.bundles / other).rename(world.bundles / world.bundle)

    verdict = replay(opened(world), MODEL, FIRST)

    assert verdict.stage == "bundle"
    assert verdict.differences[0].found == other


def test_a_byte_of_the_ledger(world: World) -> None:
    """A byte flipped in the ledger is named with its entry: nothing it vouched for is proven any more."""
    with closing(sqlite3.connect(world.folder / "ledger.sqlite")) as ledger:
        ledger.execute("DROP TRIGGER entries_are_written_once")
        ledger.execute("UPDATE entries SET record = replace(record, 'vera', 'vesa') WHERE number = 5")
        ledger.commit()

    verdict = replay(opened(world), MODEL, FIRST)

    assert verdict.stage == "record"
    assert "ledger" in verdict.reason
    assert "entry 5" in verdict.reason


def test_an_approval_that_the_ledger_does_not_hold(world: World) -> None:
    """A decision whose bundle was activated by another approval than the ledger's is stage bundle."""
    _with_activation(world, approval={"entry": 5, "hash": "0" * 64})

    verdict = _unsigned(world)

    assert verdict.stage == "bundle"
    assert verdict.differences[0].what == "approval"


def test_an_approval_of_another_bundle(world: World) -> None:
    """An approval that the ledger holds, but of another bundle, is stage bundle, and that bundle is named."""
    other = world.release(weights={"amount": 2.0})
    approved = world.ledger.verified_entries("approved")[-1]
    _with_activation(world, approval={"entry": approved.number, "hash": approved.hash})

    verdict = _unsigned(world)

    assert verdict.stage == "bundle"
    assert verdict.differences[0].found == other


def test_another_bundle_was_activated(world: World) -> None:
    """A decision that names an activation of another bundle than its own is stage bundle."""
    other = world.release(weights={"amount": 2.0})
    _with_activation(world, bundle=other)

    verdict = _unsigned(world)

    assert verdict.stage == "bundle"
    assert verdict.differences[0].found == other


def _unsigned(world: World) -> Verdict:
    """Replay a decision with the ledger's approvals, but as if it had signed no heads."""
    archive = opened(world)
    archive._proof = Proof(until=2**62)
    return replay(archive, MODEL, LATE)


def test_a_changed_definition(archive: Archive, world: World) -> None:
    """With the project's definitions as they are today, a changed feature is named, and the others are not."""
    definition = world.plan.definition
    daily = definition.features["n_1d"]
    assert isinstance(daily, Aggregate)
    wider = msgspec.structs.replace(daily, window_us=3 * daily.window_us)
    today = msgspec.structs.replace(definition, features=definition.features | {"n_1d": wider})

    report = replay_period(archive, MODEL, plan=Plan(today, world.plan.sources))
    same = replay_period(archive, MODEL, plan=world.plan)

    differing = [verdict for verdict in report.verdicts if not verdict.is_identical]
    assert differing
    assert report.stages == {"features": len(differing)}
    assert {d.what for verdict in differing for d in verdict.differences} == {"n_1d"}
    assert same.is_identical


def test_a_field_that_is_new_changes_no_decision(archive: Archive, world: World) -> None:
    """Today's stream may have a field that no record had: the same features are still the same."""
    definition = world.plan.definition
    spine = msgspec.structs.replace(
        definition.spine, fields=definition.spine.fields | {"tip": Money("EUR", optional=True)}
    )
    sources = tuple(spine if source.name == spine.name else source for source in world.plan.sources)
    today = Plan(msgspec.structs.replace(definition, spine=spine), sources)

    report = replay_period(archive, MODEL, plan=today, sample=50)

    assert report.is_identical


def test_a_feature_that_is_new_or_gone(archive: Archive, world: World) -> None:
    """A feature that only one of two definitions has is named too."""
    definition = world.plan.definition
    features = {name: expr for name, expr in definition.features.items() if name != "burst"}
    features["fresh"] = definition.features["amount"]
    today = Plan(msgspec.structs.replace(definition, features=features), world.plan.sources)

    verdict = replay(archive, MODEL, FIRST, plan=today)

    assert {(d.what, d.stored == "not there", d.found == "not there") for d in verdict.differences} == {
        ("burst", False, True),
        ("fresh", True, False),
    }


def test_a_sample_is_seeded_and_counted(archive: Archive) -> None:
    """A sample is the same for the same seed, in the order of the log, and the report says of how many."""
    one, same, other = (replay_period(archive, MODEL, sample=40, seed=seed) for seed in (1, 1, 2))

    chosen = [[verdict.decision for verdict in report.verdicts] for report in (one, same, other)]
    assert chosen[0] == chosen[1] != chosen[2]
    assert [verdict.position for verdict in one.verdicts] == sorted(verdict.position for verdict in one.verdicts)
    assert (one.n_decisions, len(one.verdicts)) == (320, 40)
    assert msgspec.json.decode(msgspec.json.encode(one.to_plain()))["n_replayed"] == 40


def test_nothing_to_replay(archive: Archive) -> None:
    """An unknown decision and an empty period are sentences."""
    with pytest.raises(DecisionUnknown, match="P9"):
        replay(archive, MODEL, "P9")
    with pytest.raises(NothingDecided):
        replay_period(archive, MODEL, until=NOW)
