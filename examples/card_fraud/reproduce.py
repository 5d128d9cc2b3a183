"""Trains the example on the published card payments, and prints what it reaches beside the book's own table."""

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tallystick import lifecycle
from tallystick.cli.screen import Screen
from tallystick.data.records import Dataset
from tallystick.errors import TallystickError
from tallystick.features.batch.executor import compute
from tallystick.lifecycle import Project
from tallystick.scoring.session import Session
from tallystick.training.labels import NEVER, read_labels
from tallystick.training.metrics import auc, average_precision, card_precision
from tallystick.training.record import PartRecord
from tallystick.validation.judged import Judged

HERE = Path(__file__).resolve().parent
PUBLISHED = HERE.parents[1].parent / "shared" / "data" / "card_payments"
FILES = ("payments.parquet", "outcomes.parquet")
DAY = 86_400_000_000
BEGIN, END = "<!-- made by reproduce.py --write: begin -->", "<!-- made by reproduce.py --write: end -->"

# Le Borgne, Siblini, Lebichot, Bontempi (2022), default settings: AUC ROC, average precision, card precision @100.
BOOK = {
    "logistic regression": (0.871, 0.606, 0.291),
    "decision tree, depth 2": (0.763, 0.496, 0.241),
    "decision tree": (0.788, 0.309, 0.243),
    "random forest": (0.867, 0.658, 0.287),
    "XGBoost": (0.862, 0.639, 0.273),
}


def main(arguments: list[str] | None = None) -> int:
    """Run the example; 0 when it went well, 2 with a sentence when it could not start."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--data", type=Path, default=PUBLISHED, metavar="FOLDER", help=f"where {' and '.join(FILES)} lie"
    )
    parser.add_argument("--write", action="store_true", help="put the tables into README.md, too")
    requested = parser.parse_args(arguments)
    if lacking := [name for name in FILES if not (requested.data / name).is_file()]:
        print(
            f"There is no {' and no '.join(lacking)} in {requested.data}. Name their folder with --data.",
            file=sys.stderr,
        )
        return 2
    link(requested.data.resolve(), HERE / "data")
    try:
        with Screen(as_json=False).progress() as step:
            tables = report(lifecycle.open(HERE), step)
    except TallystickError as error:
        print(error, file=sys.stderr)
        return 2
    print(tables)
    if requested.write:
        write(HERE / "README.md", tables)
    return 0


def link(source: Path, folder: Path) -> None:
    """Let the project's data folder show the published files; a file that was put there by hand stays."""
    folder.mkdir(exist_ok=True)
    for name in FILES:
        shown = folder / name
        if shown.is_symlink():
            shown.unlink()
        if not shown.exists():
            shown.symlink_to(source / name)


def report(project: Project, step: Callable[[str, int, int], None]) -> str:
    """Train every family, hold each to the book's test payments, and return the tables."""
    judged = project.train(step=step)
    dataset = project.dataset()
    parts = {part.name: part for part in judged[0].candidate.record.parts}
    payments = read_test(project, dataset, parts["fit"], parts["test"])
    by_rule = payments.taken(~payments.is_known)
    lines = [f"Learnt from {_row(parts['fit'])}.", "", *_table(by_rule, judged, BOOK), ""]
    lines += ["The same models without the book's rule:", "", *_table(payments, judged, {})]
    return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class Payments:
    """Payments of the test part, one row each.

    Parameters
    ----------
    days : shape (n,), days since 1970
    customers : shape (n,), a number for each customer
    features : shape (n, k)
    is_fraud : shape (n,), as known in the end
    is_known : shape (n,), whether the customer was known to be defrauded, so that the book leaves the payment out
    """

    days: NDArray[np.int64]
    customers: NDArray[np.int32]
    features: NDArray[np.float64]
    is_fraud: NDArray[np.bool_]
    is_known: NDArray[np.bool_]

    def taken(self, rows: NDArray[np.bool_]) -> "Payments":
        """Return some of the payments."""
        return Payments(
            self.days[rows], self.customers[rows], self.features[rows], self.is_fraud[rows], self.is_known[rows]
        )


def read_test(project: Project, dataset: Dataset, fit: PartRecord, test: PartRecord) -> Payments:
    """Return the payments of the test part.

    The book leaves out customers known to be defrauded: those with a fraud in the training days, and, for test
    day d, in the days from the end of training to day d - 8. Training ends 8 days before the first test day, so
    both are one stretch: from the first training day to day d - 8.
    """
    model = project.definitions.model()
    spine = dataset.records[model.features.spine.name]
    is_fraud = read_labels(dataset, model.label).known_at != NEVER
    days, customers = spine.time // DAY, spine.keys["customer_id"].codes
    counts = is_fraud & (spine.time >= fit.start)
    first_fraud = np.full(len(spine.keys["customer_id"].names), NEVER)
    np.minimum.at(first_fraud, customers[counts], days[counts])
    rows = np.flatnonzero((spine.time >= test.start) & (spine.time < test.end))
    is_known = first_fraud[customers[rows]] <= days[rows] - 8
    features = compute(project.plan(model), dataset, rows).values
    return Payments(days[rows], customers[rows], features, is_fraud[rows], is_known)


def metrics_of(payments: Payments, model: bytes) -> tuple[float, float, float]:
    """Return AUC ROC, average precision and card precision @100 of a model file."""
    raw, _ = Session.load(model).many(payments.features)
    cards = card_precision(payments.days, payments.customers, raw, payments.is_fraud)
    return auc(payments.is_fraud, raw), average_precision(payments.is_fraud, raw), cards


def write(readme: Path, tables: str) -> None:
    """Put the tables between the two marks of the README."""
    before, _, rest = readme.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    readme.write_text(f"{before}{BEGIN}\n{tables}\n{END}{after}", encoding="utf-8")


def _table(payments: Payments, judged: list[Judged], book: dict[str, tuple[float, float, float]]) -> list[str]:
    ours = {
        made.candidate.record.family.replace("_", " "): metrics_of(payments, made.candidate.model) for made in judged
    }
    rows = [(f"**{name}, ours**", found) for name, found in ours.items()]
    rows += [(f"{name}, the book", found) for name, found in book.items()]
    return [
        f"Tested on {len(payments.days):,} payments, {payments.is_fraud.sum():,} of them fraud:",
        "",
        "| model | AUC ROC | average precision | card precision @100 |",
        "|---|---|---|---|",
        *(f"| {name} | {' | '.join(f'{number:.3f}' for number in found)} |" for name, found in rows),
    ]


def _row(part: PartRecord) -> str:
    first, last = (np.datetime64(instant, "us").astype("datetime64[D]") for instant in (part.start, part.end - 1))
    return f"{first} to {last}, {part.n_rows:,} payments, {part.n_positives:,} of them fraud"


if __name__ == "__main__":
    sys.exit(main())
