"""``tally demo``: the whole journey on a simulated card network, in about two minutes."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import click
import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from tallystick import lifecycle
from tallystick.cli import new, rehearsal
from tallystick.cli.options import Options
from tallystick.cli.screen import Screen
from tallystick.definitions.clock import SettableClock
from tallystick.definitions.durations import DAY_US
from tallystick.errors import ConfigError
from tallystick.journal.decision import decisions
from tallystick.lifecycle import Project
from tallystick.monitoring.report import MonitoringReport
from tallystick.reporting.text import Text, strong
from tallystick.serving.requests import Decided, Request
from tallystick.serving.service import Service
from tallystick.simulation.cards import Network, midnight, simulate
from tallystick.simulation.frauds import FraudRates
from tallystick.validation.judged import listing

CUSTOMERS, TERMINALS, SEED = 400, 800, 4
START = date(2026, 1, 1)
TAKEOVERS = 4.0  # a day and 1,000 customers: a wave that shows within weeks
HISTORY_DAYS, QUIET_DAYS, LOOKS_AFTER_DAYS, WAITS_DAYS, LAST_DAY = 165, 21, 21, 35, 290
# Shorter than a house would choose, so that weeks rather than months go by until a challenger can learn.
SHORTER = {
    'matures_after="30d"': 'matures_after="14d"',
    'gap="21d"': 'gap="14d"',
    'test="28d"': 'test="14d"',
    "trials=20": "trials=12",
}
LIVE = midnight(START) + HISTORY_DAYS * DAY_US
NEW_FRAUD = LIVE + QUIET_DAYS * DAY_US
LAST = midnight(START) + LAST_DAY * DAY_US
MOST_IN_A_GROUP = 100
REPLAYED = 500


@dataclass(frozen=True, slots=True)
class Story:
    """What the chapters share: the screen, the world, and the project in it."""

    screen: Screen
    network: Network
    folder: Path
    clock: SettableClock
    began: float

    def acting(self, actor: str) -> Project:
        """Return the project with somebody acting."""
        return lifecycle.open(self.folder, actor=actor, clock=self.clock)

    def chapter(self, title: str) -> None:
        """Begin a chapter, with how long the story has lasted."""
        self.screen.chapter(title, f"{time.monotonic() - self.began:.0f} s")


@click.command()
@click.argument("folder", default="demo-project", type=click.Path(path_type=Path))
@click.pass_obj
def demo(options: Options, folder: Path) -> None:
    """Make the whole journey on a simulated card network, in about two minutes, and leave the project in FOLDER.

    Raises
    ------
    ConfigError
        If the folder holds something already.
    """
    home = options.folder / folder
    if home.exists() and any(home.iterdir()):
        sentence = f"{str(home)!r} is not empty. Name another folder: tally demo another-folder."
        raise ConfigError(sentence)
    story = _declare(Screen(as_json=False), home)
    _train(story)
    _release_and_approve(story)
    _weeks(story)
    _one_day_over_http(story)
    report = _until_the_alarm(story)
    _retrain(story, report)
    declined = _replay(story)
    _flip_one_byte(story, declined)
    _try_next(story, declined)


def _declare(screen: Screen, home: Path) -> Story:
    began = time.monotonic()
    with screen.progress() as step:
        step("simulate", 0, 1)
        first_new = datetime.fromtimestamp(NEW_FRAUD / 1e6, UTC).date()
        network = simulate(
            customers=CUSTOMERS,
            terminals=TERMINALS,
            start=START,
            days=LAST_DAY,
            new_fraud_from=first_new,
            seed=SEED,
            rates=FraudRates(account_takeovers=TAKEOVERS),
        )
        step("simulate", 1, 1)
    new.write(home, "card-fraud")
    project = home / "project.py"
    text = project.read_text(encoding="utf-8")
    for written, shorter in SHORTER.items():
        text = text.replace(written, shorter)
    project.write_text(text, encoding="utf-8")
    history = network.until(LIVE)
    pq.write_table(history.payments, home / "data" / "payments.parquet")
    pq.write_table(history.chargebacks, home / "data" / "chargebacks.parquet")
    story = Story(screen, network, home, SettableClock(LIVE), began)
    story.chapter("1  Declare and read")
    screen.say(
        f"{CUSTOMERS} customers, {TERMINALS} terminals; history {START} to {_day(LIVE)}: {history.payments.num_rows:,} "
        f"payments, {history.chargebacks.num_rows:,} chargebacks reported so far. Definitions: {home}/project.py"
    )
    return story


def _train(story: Story) -> None:
    story.chapter("2  Train and check")
    with story.screen.progress() as step:
        judged = story.acting("ada").train(step=step)
    story.screen.say(listing("Candidates, best first", judged))


def _release_and_approve(story: Story) -> None:
    story.chapter("3  Release, and approval by somebody else")
    ada = story.acting("ada")
    bundle = ada.release()
    ada.enrol("vera", "validator")
    approval = story.acting("vera").approve(bundle.digest)
    approved = f"; vera approved it (ledger entry {approval.number}). ada could not have."
    story.screen.say(Text.of("ada packed and signed bundle ", strong(bundle.digest[:12]), approved))


def _weeks(story: Story) -> None:
    story.chapter("4  Weeks of decisions, through the service object")
    _let_pass(story, QUIET_DAYS - 1)


def _one_day_over_http(story: Story) -> None:
    begin = NEW_FRAUD - DAY_US
    story.chapter(f"5  {_day(begin)} over HTTP: payments decided, chargebacks posted as outcomes")
    ada = story.acting("ada")
    with rehearsal.server(ada, clock_at=NEW_FRAUD) as caller, story.screen.progress() as step:
        arrivals = list(_arrivals(story.network.between(begin, NEW_FRAUD)))
        answers: list[dict[str, Any]] = []
        for done, (stream, _, raw) in enumerate(arrivals, start=1):
            path = "/decisions" if stream == "payments" else f"/outcomes/{stream}"
            answers.append(caller.post(path, raw))
            step("over HTTP", done, len(arrivals))
    story.clock.at = NEW_FRAUD
    actions = [str(answer["action"]) for answer in answers if "action" in answer]
    story.screen.say(_counted({name: actions.count(name) for name in ("approve", "refer", "decline")}))


def _until_the_alarm(story: Story) -> MonitoringReport:
    story.chapter(f"6  A new kind of fraud begins on {_day(NEW_FRAUD)}; monitoring waits for labels to mature")
    _let_pass(story, LOOKS_AFTER_DAYS)
    report = story.acting("ada").monitor()
    while not report.alarm.is_alarmed and story.clock.at < LAST - WAITS_DAYS * DAY_US:
        _let_pass(story, 7)
        report = story.acting("ada").monitor()
    story.screen.say("", report.report())
    return report


def _retrain(story: Story, report: MonitoringReport) -> None:
    word = "The alarm asks for" if report.alarm.is_alarmed else "No alarm was raised; all the same,"
    story.chapter(f"7  {word} a challenger; {WAITS_DAYS} days later there are labels for it")
    _let_pass(story, min(WAITS_DAYS, (LAST - story.clock.at) // DAY_US))
    with story.screen.progress() as step:
        retrained = story.acting("ada").retrain(step=step)
    story.screen.say("", retrained.comparison.report())


def _replay(story: Story) -> str:
    story.chapter("8  Replay")
    ada = story.acting("ada")
    with ada.archive() as archive:
        declined = next(d.key for d in decisions(archive.log, "card-fraud") if d.decision.action == "decline")
    story.screen.say(ada.replay(declined).report())
    with story.screen.progress() as step:
        period = ada.replay_period(sample=REPLAYED, step=step)
    story.screen.say(f"and of {REPLAYED} others chosen at random, {period.n_identical} are identical.")
    return declined


def _flip_one_byte(story: Story, decision: str) -> None:
    story.chapter("9  One byte of a copy of the log is flipped, and the decision replayed")
    with rehearsal.flipped_copy(story.folder, decision) as copy:
        flipped = Project(replace(story.acting("ada").workspace, root=copy))
        story.screen.say(flipped.replay(decision).report())


def _try_next(story: Story, decision: str) -> None:
    story.chapter("Done")
    story.screen.say(Text.of("The project stays in ", strong(str(story.folder)), ". Try next:"))
    story.screen.say(f"  cd {story.folder}")
    for command in (
        "tally show", "tally --as ada ledger show", f"tally replay {decision}", "tally replay --sample 200",
        "tally --as ada token me && tally --as ada serve",
    ):  # fmt: skip
        story.screen.say(f"  {command}")


def _let_pass(story: Story, days: int) -> None:
    """Let days pass from where the clock stands, deciding and recording what comes, and say what was decided."""
    with story.screen.progress() as step, story.acting("ada").service() as service:
        counts = _live(story, service, days, step)
    story.screen.say(f"until {_day(story.clock.at)}: {_counted(counts)}")


def _live(story: Story, service: Service, days: int, step: Any) -> dict[str, int]:
    """Decide payments as they come, and record reports when they come."""
    counts = {"approve": 0, "refer": 0, "decline": 0}
    declined = rehearsal.declined(story.acting("ada"), "card-fraud")
    begin, stage = story.clock.at, f"decide from {_day(story.clock.at)}"
    for done in range(days):
        step(stage, done, days)
        day = begin + done * DAY_US
        story.clock.at = day + DAY_US
        arrivals = [a for a in _arrivals(story.network.between(day, day + DAY_US)) if a[1] not in declined]
        for stream, group in _groups(arrivals):
            requests = [Request(raw) for _, _, raw in group]
            if stream == "payments":
                for answer in service.decide(requests):
                    if isinstance(answer, Decided):
                        counts[answer.decision.action] += 1
                        if answer.decision.action == "decline":
                            declined.add(answer.decision.record_id)
            else:
                # A payment that was declined within this group's day is never reported either.
                service.record(stream, [r for r, a in zip(requests, group, strict=True) if a[1] not in declined])
    step(stage, days, days)
    return counts


def _arrivals(network: Network) -> Iterator[tuple[str, str, bytes]]:
    """Yield stream, payment and raw record of everything that happens, in order of time."""
    rows = [("payments", "paid_at", network.payments), ("chargebacks", "reported_at", network.chargebacks)]
    everything = [(row[at], stream, row) for stream, at, table in rows for row in _plain(table)]
    for _, stream, row in sorted(everything, key=lambda found: found[0]):
        yield stream, str(row["payment_id"]), msgspec.json.encode(row)


def _groups(arrivals: list[tuple[str, str, bytes]]) -> Iterator[tuple[str, list[tuple[str, str, bytes]]]]:
    """Yield what comes together: neighbours of one stream, not more than a request may hold."""
    group: list[tuple[str, str, bytes]] = []
    for arrival in arrivals:
        if group and (arrival[0] != group[0][0] or len(group) == MOST_IN_A_GROUP):
            yield group[0][0], group
            group = []
        group.append(arrival)
    if group:
        yield group[0][0], group


def _plain(table: pa.Table) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = table.to_pylist()
    return rows


def _counted(counts: dict[str, int]) -> str:
    total = sum(counts.values())
    return f"{total:,} payments decided: " + ", ".join(f"{name} {n:,}" for name, n in counts.items())


def _day(instant: int) -> str:
    return f"{datetime.fromtimestamp(instant / 1e6, UTC):%Y-%m-%d}"
