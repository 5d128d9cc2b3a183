"""A tiny seeded world: a project with history, people with keys, an approved bundle, and requests to come."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

import msgspec
import pyarrow.parquet as pq

from tallystick.data.read import read
from tallystick.data.records import Dataset
from tallystick.data.segment import save
from tallystick.definitions.clock import Clock, SettableClock
from tallystick.definitions.durations import DAY_US
from tallystick.definitions.models import ModelDefinition
from tallystick.definitions.project import load
from tallystick.features.batch.executor import compute
from tallystick.features.plan import Plan
from tallystick.governance.approvals import Approvals, approve
from tallystick.governance.releases import record_release
from tallystick.journal import anchoring
from tallystick.ledger.actors import enrol
from tallystick.ledger.keys import Keys
from tallystick.ledger.ledger import Ledger
from tallystick.log.sqlite import SqliteLog
from tallystick.release.bundle import pack
from tallystick.release.make import scorer_of
from tallystick.release.open import Bundle, open_bundle
from tallystick.release.prove import prove
from tallystick.release.sign import sign
from tallystick.serving.service import Service
from tallystick.serving.state import open_states
from tallystick.simulation.cards import Network, midnight, simulate
from tallystick.simulation.frauds import FraudRates
from tallystick.testing.models import hand_written, sound_evidence
from tallystick.testing.project import PROJECT

START = date(2026, 1, 1)
HISTORY_DAYS, DAYS = 30, 45
RATES = FraudRates(terminal_compromises=6.0, card_thefts=10.0, card_testings=5.0)
NOW = midnight(START) + DAYS * DAY_US
PEOPLE = {"ada": ["builder"], "vera": ["validator"], "otto": ["operator"]}


@dataclass(frozen=True, slots=True)
class World:
    """A project folder and what happens in it.

    Parameters
    ----------
    folder : everything lies under it
    model : what the project declares
    plan : its features
    dataset : the history, days 1 to 30
    network : payments and chargebacks of all 45 days
    bundle : digest of the bundle that ada built and vera approved
    """

    folder: Path
    model: ModelDefinition = field(repr=False)
    plan: Plan = field(repr=False)
    dataset: Dataset = field(repr=False)
    network: Network = field(repr=False)
    bundle: str

    @property
    def keys(self) -> Keys:
        """The keys of ada (builder), vera (validator) and otto (operator)."""
        return Keys(self.folder / "keys")

    @property
    def ledger(self) -> Ledger:
        """Who did what."""
        return Ledger.open(self.folder / "ledger.sqlite", self.folder / "checkpoints.jsonl")

    @property
    def bundles(self) -> Path:
        """The folder of bundles, each under its digest."""
        return self.folder / "bundles"

    @property
    def trusted(self) -> list[str]:
        """The keys whose signature on a bundle counts."""
        return [self.keys.load("ada").public_pem]

    def open_bundle(self, digest: str | None = None) -> Bundle:
        """Open a bundle that was approved; by default the first."""
        folder = self.bundles / (digest or self.bundle)
        return open_bundle(folder, trusted_keys=self.trusted, approvals=Approvals(self.ledger))

    @contextmanager
    def service(
        self, *, bundle: str | None = None, clock: Clock | None = None, sign_every: int = 1_000, url: str | None = None
    ) -> Iterator[Service]:
        """Open log and state, serve from an approved bundle, and close everything afterwards.

        Parameters
        ----------
        bundle : digest of an approved bundle; None for the world's first
        clock : tells the time; None for one that stands at the end of the world's last day
        sign_every : after how many log entries the head is signed into the ledger
        url : of a Redis that keeps the state; None for the embedded store
        """
        with served(self.folder, bundle or self.bundle, clock=clock, sign_every=sign_every, url=url) as service:
            yield service

    def payments(self, n: int, *, skip: int = 0) -> list[bytes]:
        """Return requests about the first payments after the history.

        Parameters
        ----------
        n : how many
        skip : how many of the first are left out
        """
        later = self.network.between(midnight(START) + HISTORY_DAYS * DAY_US, NOW).payments
        return [msgspec.json.encode(row) for row in later.slice(skip, n).to_pylist()]

    def chargebacks(self, n: int) -> list[bytes]:
        """Return reports of the days after the history."""
        later = self.network.between(midnight(START) + HISTORY_DAYS * DAY_US, NOW).chargebacks
        return [msgspec.json.encode(row) for row in later.slice(0, n).to_pylist()]

    def release(self, *, weights: dict[str, float] | None = None, at: int = NOW) -> str:
        """Let ada release a bundle and vera approve it; return its digest.

        Parameters
        ----------
        weights : of its model, by feature; the world's own if None
        at : when
        """
        ada, vera = self.keys.load("ada"), self.keys.load("vera")
        table = compute(self.plan, self.dataset)
        candidate = hand_written(self.model, table, self.dataset, builder="ada", at=at, weights=weights)
        evidence = sound_evidence(candidate, at=at)
        packed = pack(
            self.bundles,
            candidate=candidate,
            evidence=evidence,
            selftest=prove(scorer_of(candidate), candidate.examples),
            card={"title": "a tiny world"},
            builder="ada",
            created_at=at,
        )
        sign(packed, private_key=ada.private_path)
        record_release(self.ledger, packed.name, evidence.digest, signer=ada, at=at)
        approve(self.ledger, packed.name, evidence.to_plain(), signer=vera, at=at)
        return packed.name


def build(folder: Path, *, seed: int = 7) -> World:
    """Build a world in a folder; the same seed gives the same payments, model and features.

    Parameters
    ----------
    folder : a new one
    seed : of the simulated network

    Examples
    --------
    >>> import tempfile
    >>> from tallystick.serving.requests import Request
    >>> world = build(Path(tempfile.mkdtemp()) / "world")
    >>> with world.service() as service:
    ...     answer, = service.decide([Request(world.payments(1)[0])])
    >>> answer.decision.action, answer.logged.model
    ('decline', 'card-fraud')
    """
    network = simulate(customers=40, terminals=30, start=START, days=DAYS, seed=seed, rates=RATES)
    model, plan, dataset = _project(folder, network)
    _enrol(folder)
    segment = save(dataset, folder / "history")
    with SqliteLog.create_or_open(folder / "log.sqlite") as log:
        log.attach(msgspec.structs.replace(segment, path=f"history/{segment.digest}"))
    world = World(folder, model, plan, dataset, network, bundle="")
    return replace(world, bundle=world.release())


@contextmanager
def served(
    folder: Path, bundle: str, *, clock: Clock | None = None, sign_every: int = 1_000, url: str | None = None
) -> Iterator[Service]:
    """Serve from a world's folder alone, or its state from a Redis: open everything, and close it afterwards.

    Parameters
    ----------
    folder : a world's
    bundle : digest of an approved bundle in it
    clock : tells the time; None for one that stands at the end of the world's last day
    sign_every : after how many log entries the head is signed into the ledger
    url : of a Redis that keeps the state; None for the embedded store
    """
    clock, keys = clock or SettableClock(NOW), Keys(folder / "keys")
    ledger = Ledger.open(folder / "ledger.sqlite", folder / "checkpoints.jsonl")
    opened = open_bundle(
        folder / "bundles" / bundle, trusted_keys=[keys.load("ada").public_pem], approvals=Approvals(ledger)
    )
    with SqliteLog.create_or_open(folder / "log.sqlite") as log:
        signed = anchoring.signed(ledger)
        anchoring.check_last(log, signed)
        with open_states(folder / "state", [opened.plan], url) as states:
            service = Service(
                [opened],
                log,
                states,
                clock,
                sign_head=anchoring.signing(ledger, keys.load("otto"), clock),
                signed=signed[-1].position if signed else -1,
                sign_every=sign_every,
            )
            yield service
            service.close()


def _project(folder: Path, network: Network) -> tuple[ModelDefinition, Plan, Dataset]:
    (folder / "data").mkdir(parents=True)
    (folder / "project.py").write_text(PROJECT, encoding="utf-8")
    past = network.until(midnight(START) + HISTORY_DAYS * DAY_US)
    pq.write_table(past.payments, folder / "data" / "payments.parquet")
    pq.write_table(past.chargebacks, folder / "data" / "chargebacks.parquet")
    definitions = load(folder / "project.py")
    model = definitions.model()
    plan = Plan(model.features, tuple(definitions.sources.values()))
    reading = read(definitions.sources, [model.label.flagged], folder, now=NOW)
    return model, plan, reading.dataset


def _enrol(folder: Path) -> None:
    ledger = Ledger.create_or_open(folder / "ledger.sqlite", folder / "checkpoints.jsonl")
    keys = Keys(folder / "keys")
    for name, roles in PEOPLE.items():
        signer = keys.create(name)
        enrol(ledger, name, roles, public_pem=signer.public_pem, by=keys.load("ada"), at=NOW)
