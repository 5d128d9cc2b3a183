"""A record that the state refused when it was decided about: offered to the state again, as it was then."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import numpy as np

from tallystick.data.records import Dataset, Record
from tallystick.errors import BundleError, EntityTooLong, FeatureOverflow
from tallystick.features.online.executor import Online
from tallystick.features.plan import Plan
from tallystick.features.state.lmdb import LmdbStore
from tallystick.journal.bodies import Activation, decode_body
from tallystick.journal.records import records, reread_raw
from tallystick.log.entry import Entry
from tallystick.replay.archive import Archive
from tallystick.replay.case import Case


def refused(archive: Archive, plan: Plan, case: Case) -> list[float] | None:
    """Return the features that a record has now which the state refused then, or None where it is refused again.

    Parameters
    ----------
    archive : what was kept
    plan : whose state is asked
    case : a decision without an event
    """
    record = reread_raw(plan.definition.spine, case.raw, case.entry.at)
    if record is None:
        return None
    position, as_of = case.entry.position, case.decision.as_of
    seen, _ = archive.entities(plan, until=as_of).seen_by(record, position, as_of)
    before = {name: of.taken(np.flatnonzero(of.position <= as_of)) for name, of in seen.records.items()}
    values = _appended(plan, Dataset(before, "", as_of), record, position)
    if values is not None and any(_is_refused_by(archive, other, case) for other in _other_plans(archive, case)):
        return None
    return values


def _other_plans(archive: Archive, case: Case) -> Iterator[Plan]:
    """Yield what the other models' bundles computed then: an event enters the states of all that serve, or of none."""
    started: dict[str, Entry] = {}
    for entry in archive.log.read(until=case.entry.position, kinds=("activation",)):
        started[entry.namespace] = entry
    for model, entry in started.items():
        if model != case.entry.namespace:
            try:
                yield archive.bundle(decode_body(entry.body, Activation).bundle).plan
            except (BundleError, msgspec.DecodeError):
                continue  # a bundle that is gone explains nothing


def _is_refused_by(archive: Archive, plan: Plan, case: Case) -> bool:
    sources = {source.name: source for source in plan.sources}
    source = sources.get(case.record.stream)
    record = None if source is None else reread_raw(source, case.raw, case.entry.at)
    if record is None:
        return False
    # Its stream need not be what this model decides about, so all records are read; this is rare enough.
    before = records(archive.log, plan, until=case.decision.as_of)
    return _appended(plan, before, record, case.entry.position) is None


def _appended(plan: Plan, before: Dataset, record: Record, position: int) -> list[float] | None:
    """Return the features of a record after it was appended to a state, or None where that cannot hold it."""
    with TemporaryDirectory(prefix="tallystick-replay-") as folder:
        online = Online(plan, LmdbStore(Path(folder) / "state"))
        try:
            online.rebuild(before)
            with online.transaction() as state:
                state.append(record, position)
                is_own = record.stream == plan.definition.spine.name
                return state.vector(record, position) if is_own else []
        except (FeatureOverflow, EntityTooLong):
            return None
        finally:
            online.close()
