"""A small world with a released model, built once; every test spoils a copy of its own."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from tallystick.data.records import FixedPoint
from tallystick.definitions.digest import canonical, digest_bytes
from tallystick.definitions.expressions import TimeColumn, TimePart
from tallystick.definitions.families import GradientBoosting, XGBoost
from tallystick.definitions.features import FeatureSet
from tallystick.definitions.fields import key, money
from tallystick.definitions.limits import Limit
from tallystick.definitions.models import Label, Model, TimeSplit
from tallystick.definitions.policies import Policy, above, above_cost
from tallystick.definitions.streams import Stream
from tallystick.features.plan import Plan
from tallystick.ledger.keys import Keys, Signer
from tallystick.release.bundle import pack
from tallystick.release.make import scorer_of
from tallystick.release.prove import SelfTest, prove
from tallystick.release.sign import sign
from tallystick.scoring.graph import Calibration
from tallystick.scoring.session import Session, fingerprint
from tallystick.testing.models import sound_evidence
from tallystick.training.candidate import Candidate, Parts
from tallystick.training.examples import choose, examples
from tallystick.training.export import export_logistic
from tallystick.training.families.gradient_boosting import export_gradient_boosting
from tallystick.training.parity import Parity
from tallystick.training.record import Record, SigmoidRecord
from tallystick.training.reference import BadRate, Histogram, Reference

payments = Stream(
    "payments", id="payment_id", time="paid_at", fields={"customer_id": key, "amount": money("EUR", minimum=0)}
)

chargebacks = Stream("chargebacks", id="report_id", time="reported_at", fields={"payment_id": key})


class CardFraud(FeatureSet, spine=payments):
    """Three features: of the record, of its time, of its customer."""

    amount = payments.amount
    night = TimePart("hour", TimeColumn("payments", "paid_at")) <= 6
    n = payments.by("customer_id").count().over("1d")


PLAN = Plan(CardFraud.definition, (payments.definition, chargebacks.definition))
POLICY = Policy(decline=above_cost(false_alarm=5.0, missed=payments["amount"]), refer=above(0.2))
MODEL = Model(
    "card-fraud",
    features=CardFraud,
    label=Label(payments.flagged_by(chargebacks, on="payment_id"), matures_after="30d"),
    split=TimeSplit(train="60d", gap="7d", validate="7d", test="7d"),
    candidates=[GradientBoosting(), XGBoost(max_leaves=7)],
    policy=POLICY,
    limits=[Limit("auc", 0.7)],
).definition
REFERENCE = Reference(0, 1, Histogram((0.5,), (7, 3)), BadRate(9, 1))


def split(feature: int, at: float, left: Any, right: Any) -> dict[str, Any]:
    """Write a split as a booster's dump does."""
    return {
        "split_feature": feature, "threshold": at, "decision_type": "<=", "missing_type": "NaN",
        "default_left": True, "left_child": left, "right_child": right,
    }  # fmt: skip


def written_trees() -> bytes:
    """Write two trees of three leaves."""
    trees = [
        split(0, 50.0, {"leaf_value": -2.0}, split(1, 0.5, {"leaf_value": -0.5}, {"leaf_value": 1.5})),
        split(2, 3.0, {"leaf_value": -1.0}, split(0, 200.0, {"leaf_value": 0.1}, {"leaf_value": 2.25})),
    ]
    dump = {
        "objective": "binary sigmoid:1",
        "max_feature_idx": 2,
        "tree_info": [{"tree_structure": tree} for tree in trees],
    }
    return export_gradient_boosting(dump, calibration=Calibration(1.5, -0.25), names=PLAN.names)


def written_linear() -> bytes:
    """Write a linear model of the same features."""
    return export_logistic(
        medians=[50.0, 0.0, 3.0],
        means=[90.0, 0.3, 3.0],
        scales=[90.0, 0.5, 1.7],
        weights=[1.0, 0.5, 0.7],
        bias=-2.0,
        calibration=Calibration(1.5, -0.25),
        names=PLAN.names,
    )


def some_rows(n: int) -> NDArray[np.float64]:
    """Amounts, nights and counts, some counts missing."""
    random = np.random.default_rng(1)
    rows = np.stack([np.round(random.exponential(90, n), 2), random.random(n) < 0.3, random.poisson(3, n)], axis=1)
    rows[::7, 2] = np.nan
    return rows


def record(parts: Parts) -> Record:
    """Return a record of training for these parts."""
    return Record(
        format=1, name="card-fraud", family="gradient_boosting", model=MODEL.digest, features=PLAN.digest,
        dataset="1" * 64, names=PLAN.names, builder="ada", created_at=1, data_ends_at=1, parts=(), params={}, seed=0,
        metric="auc", trials=(), calibration=SigmoidRecord(1.5, -0.25, 1, 1),
        parity=Parity("bits", 1, 1, 0.0, 0.0), metrics={}, actions=(), libraries={}, runtime=fingerprint(),
        files=parts.digests(),
    )  # fmt: skip


@dataclass(frozen=True)
class World:
    """A released bundle, what it was made of, and the keys of two people."""

    folder: Path
    builder: Signer
    stranger: Signer
    candidate: Candidate
    selftest: SelfTest

    @property
    def signature(self) -> Path:
        """Where the signature lies."""
        return self.folder.parent / f"{self.folder.name}.sig"

    def forge(
        self,
        name: str,
        change: Callable[[bytes], bytes],
        *,
        deep: bool = True,
        plan: str | None = None,
        **also: Callable[[bytes], bytes],
    ) -> "World":
        """Change a file as somebody with the builder's key could: digests set right, signed anew.

        With ``deep`` the candidate's record and the evidence name the changed file too; with ``also``, further files
        are changed in the same way.
        """
        files = {path.name: path.read_bytes() for path in self.folder.iterdir()}
        for path, made in {name: change, **{f"{stem}.json": other for stem, other in also.items()}}.items():
            files[path] = made(files[path])
        if deep:
            self._set_right(files, name)
        manifest = msgspec.json.decode(files.pop("manifest.json"))
        manifest["files"] = [
            {"path": path, "size": len(files[path]), "sha256": digest_bytes(files[path])} for path in sorted(files)
        ]
        manifest["plan"] = plan or manifest["plan"]
        if deep:
            manifest["candidate"] = digest_bytes(files["candidate.json"])
            manifest["evidence"] = digest_bytes(files["evidence.json"])
        listing = canonical(manifest)
        folder = self.folder.parent / digest_bytes(listing)
        folder.mkdir()
        for path, content in (files | {"manifest.json": listing}).items():
            (folder / path).write_bytes(content)
        sign(folder, private_key=self.builder.private_path)
        return replace(self, folder=folder)

    def _set_right(self, files: dict[str, bytes], name: str) -> None:
        taught = msgspec.json.decode(files["candidate.json"])
        if taught["files"]:
            taught["files"] = {path: digest_bytes(files[path]) for path in taught["files"]}
            files["candidate.json"] = canonical(taught)
        if name != "evidence.json":
            evidence = msgspec.json.decode(files["evidence.json"])
            evidence["candidate"] = digest_bytes(files["candidate.json"])
            files["evidence.json"] = canonical(evidence)


def build(root: Path, model: bytes) -> World:
    """Train nothing, release everything: a model written by hand goes through the real release."""
    keys = Keys(root / "keys")
    builder, stranger = keys.create("ada"), keys.create("mallory")
    rows = some_rows(400)
    chosen = choose(rows, Session.load(model).many(rows)[1])
    cents = FixedPoint(np.round(rows[:, 0] * 100).astype(np.int64), np.zeros(len(rows), np.bool_), 2)
    tried = examples(rows[chosen], {"amount": cents}, chosen, ["amount"])
    parts = Parts(MODEL, PLAN, model, rows[:100], REFERENCE, tried)
    candidate = Candidate(record(parts), parts)
    selftest = prove(scorer_of(candidate), candidate.examples)
    folder = pack(
        root / "bundles",
        candidate=candidate,
        evidence=sound_evidence(candidate, at=1),
        selftest=selftest,
        card={"purpose": "stops card payments"},
        builder="ada",
        created_at=1_700_000_000_000_000,
    )
    sign(folder, private_key=builder.private_path)
    return World(folder, builder, stranger, candidate, selftest)


@pytest.fixture(scope="session")
def released(tmp_path_factory: pytest.TempPathFactory) -> World:
    return build(tmp_path_factory.mktemp("release"), written_trees())


@pytest.fixture
def linear_world(tmp_path: Path) -> World:
    """Return a released bundle of a linear model."""
    return build(tmp_path, written_linear())


@pytest.fixture
def world(released: World, tmp_path: Path) -> World:
    """Return a copy of the released bundle that a test may spoil."""
    shutil.copytree(released.folder.parent, tmp_path / "bundles")
    return replace(released, folder=tmp_path / "bundles" / released.folder.name)
