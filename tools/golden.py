"""What this version keeps for years, as files for every later one: ``python tools/golden.py tests/golden/1``.

A small lender with two models: history, trainings of which one fails, releases, approvals, a refusal, decisions of
every kind, and what came later. A folder is written once and never edited: a new format gets a new folder beside it.
"""

import itertools
import json
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tallystick import lifecycle
from tallystick.definitions.clock import SettableClock
from tallystick.definitions.durations import DAY_US
from tallystick.journal import bodies
from tallystick.journal.bodies import Disposition, Intake, encode_body
from tallystick.journal.decision import decisions, encode
from tallystick.lifecycle import Project
from tallystick.log.entry import Draft
from tallystick.log.sqlite import SqliteLog
from tallystick.scoring.session import fingerprint
from tallystick.serving.requests import Request
from tallystick.testing import lender

KEPT = ("bundles", "candidates", "evidence", "segments", "log.db", "ledger.db", "checkpoints.jsonl")
LIVE_DAYS = 3
SECOND = """

class Trees(ts.FeatureSet, spine=applications):
    amount = applications.amount
    asked = applications.by("client_id").sum(applications.amount).over("30d")
    spent = payer.sum(payments.amount).over("30d")
    income = profile.income


trees = ts.Model(
    "trees",
    features=Trees,
    label=ts.Label(default, matures_after="14d"),
    split=ts.TimeSplit(train="60d", gap="14d", validate="20d", test="20d"),
    candidates=[ts.GradientBoosting(max_trees=12, max_leaves=4), ts.XGBoost(max_trees=12, max_leaves=4)],
    search=ts.Search(trials=2),
    policy=ts.Policy(decline=ts.above(0.6), refer=ts.above(0.3)),
    limits=[ts.limit.auc(at_least=AT_LEAST)],
)
"""


def main(out: Path) -> int:
    """Make the files, and what they must give, into a folder that is not there yet."""
    if out.exists():
        sys.stderr.write(f"{out} is there: what was written for years is not written again. Name another folder.\n")
        return 2
    with tempfile.TemporaryDirectory() as folder:
        root, clock = Path(folder) / "lender", SettableClock(lender.LIVE)
        life = lender.simulate_lender()
        lender.build_lender(root, life)
        builder = _released(root, clock)
        _serve(builder, life, clock)
        out.mkdir(parents=True)
        for name in KEPT:
            _copy(root / ".tally" / name, out / name)
        expected = _expected(builder)
        (out / "expected.json").write_text(json.dumps(expected, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return 0


def _released(root: Path, clock: SettableClock) -> Project:
    """Train both models, one of them first under a limit that it cannot reach; release, approve and refuse."""
    written = (root / "project.py").read_text(encoding="utf-8")

    def project(at_least: str, actor: str = "ada") -> Project:
        (root / "project.py").write_text(written + SECOND.replace("AT_LEAST", at_least), encoding="utf-8")
        return lifecycle.open(root, actor=actor, clock=clock)

    strict = project("0.999")
    strict.enrol("vera", "validator")
    strict.train("trees")
    builder = project("0.5")
    for model in ("lending", "trees"):
        made = builder.train(model)
        released = [builder.release(each.candidate.digest) for each in made if not each.evidence.failed]
        project("0.5", "vera").approve(released[0].digest)
        for other in released[1:]:
            project("0.5", "vera").refuse(other.digest, reason="one of each model is enough")
        clock.at += 1_000_000
    return builder


def _serve(project: Project, life: lender.Lender, clock: SettableClock) -> None:
    coming = [each for each in life.since(lender.LIVE) if each[0] < lender.LIVE + LIVE_DAYS * DAY_US]
    for _, day in itertools.groupby(coming, key=lambda each: (each[0] - lender.LIVE) // DAY_US):
        with project.service() as service:
            for at, stream, row in day:
                clock.at = max(at, clock.at)
                request = [Request(lender.request(row))]
                if stream == "applications":
                    service.decide(request, model="lending", caller="branch")
                    service.decide(request, model="trees", caller="branch")
                    service.decide([Request(request[0].raw, key=f"again {row['application_id']}")], model="trees")
                else:
                    service.record(stream, request)
    with project.service() as service:
        for i in range(3):  # the second and third leave the range in which sums are exact, and fall back
            row = {"application_id": f"huge {i}", "applied_at": clock.at, "client_id": "C1", "branch_id": "B1"}
            service.decide([Request(lender.request(row | {"amount": "40000000000000000.00"}))], model="trees")
    _append_others(project, clock)


def _append_others(project: Project, clock: SettableClock) -> None:
    """Write the kinds of entries that no verb writes yet, in their format."""
    with SqliteLog.create_or_open(project.places.log) as log:
        first = next(decisions(log, "trees"))
        log.append([
            Draft("shadow", "trees", f"{first.key}@other", clock.at, encode(first.decision)),
            Draft("intake", "applications-topic", "0@41", clock.at, encode_body(Intake(bodies.FORMAT, 0, 41))),
            Draft(
                "disposition", "trees", first.key, clock.at,
                encode_body(Disposition(bodies.FORMAT, first.position, "approve", "rita", "income was proven")),
            ),
        ])  # fmt: skip
    with project.service():  # its end signs the head over them
        pass


def _expected(project: Project) -> dict[str, Any]:
    with project.archive() as archive:
        head = archive.log.head
        made = {
            f"{model} {each.key}": {
                "position": each.position, "action": each.decision.action,
                "score": None if each.decision.score is None else each.decision.score.hex(),
            }
            for model in ("lending", "trees") for each in decisions(archive.log, model)
        }  # fmt: skip
        kinds = sorted({entry.kind for entry in archive.log.read()})
    return {
        "runtime": str(fingerprint()),
        "log": {"position": head.position, "hash": head.hash.hex(), "kinds": kinds},
        "ledger": {"entries": project.verify().n_entries},
        "bundles": dict(sorted(_bundles(project))),
        "candidates": sorted(path.name for path in project.places.candidates.iterdir()),
        "decisions": made,
    }


def _bundles(project: Project) -> Iterator[tuple[str, dict[str, Any]]]:
    for path in project.places.bundles.iterdir():
        if path.is_dir():
            bundle = project.bundle(path.name, is_approved=False)
            yield path.name, {
                "model": bundle.manifest.model, "plan": bundle.plan.digest, "state": bundle.plan.state_digest,
                "candidate": bundle.manifest.candidate, "evidence": bundle.manifest.evidence,
                "definition": bundle.definition.digest,
            }  # fmt: skip


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target)
    else:
        shutil.copyfile(source, target)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
