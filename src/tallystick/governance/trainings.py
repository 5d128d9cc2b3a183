"""What the ledger says of trainings: which candidates, under which definition, and which checks each failed.

The entries say it themselves, since who builds could delete a candidate's folder and cannot delete an entry.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from tallystick.definitions.changes import in_words, part_digests
from tallystick.definitions.limits import Limit
from tallystick.definitions.stored import stored_form
from tallystick.ledger.entry import LedgerEntry
from tallystick.training.candidate import Candidate
from tallystick.validation.evidence import Evidence

READ, TRAINED, CHECKED = "dataset_read", "trained", "checked"


class Failure(msgspec.Struct, frozen=True):
    """A check that a candidate failed, and why."""

    candidate: str
    code: str
    reason: str


class Training(msgspec.Struct, frozen=True):
    """One training: candidates that were trained from one reading of the data, under one definition.

    Parameters
    ----------
    entry : the ledger's entry of the first candidate
    at, actor : when, and who trained
    candidates : their digests
    failures : the checks that they failed
    limits : what the definition demanded
    parts : the digest of each of its parts
    words : those of its parts that have words
    """

    entry: int
    at: int
    actor: str
    candidates: tuple[str, ...]
    failures: tuple[Failure, ...]
    limits: tuple[Limit, ...]
    parts: dict[str, str]
    words: dict[str, str]


def trained_facts(candidate: Candidate, *, training: int) -> dict[str, Any]:
    """Return what an entry says of a trained candidate.

    Parameters
    ----------
    candidate : the candidate
    training : the entry of the data's reading, which all candidates of one training share
    """
    record, definition = candidate.record, candidate.definition
    return {
        "candidate": candidate.digest,
        "dataset": record.dataset,
        "model": record.model,
        "name": record.name,
        "training": training,
        "parts": part_digests(definition),
        "limits": stored_form(definition.limits),
        "words": in_words(definition),
    }


def checked_facts(evidence: Evidence) -> dict[str, Any]:
    """Return what an entry says of a candidate's checks: the digest of the evidence, and each failure."""
    failed = [{"code": finding.code, "reason": finding.reason} for finding in evidence.failed]
    return {"candidate": evidence.candidate, "evidence": evidence.digest, "failed": failed}


def trainings(entries: Sequence[LedgerEntry], name: str) -> list[Training]:
    """Return the trainings of a model, in order; an entry that does not say what it should is left out.

    Parameters
    ----------
    entries : of a ledger that was proven
    name : the model's
    """
    failures = _failures(entry for entry in entries if entry.kind == CHECKED)
    found: dict[object, Training] = {}
    for entry in entries:
        if entry.kind == TRAINED and entry.facts.get("name") == name:
            training = _training(entry, failures)
            if training is not None:
                key = entry.facts.get("training")
                found[key] = _joined(found[key], training) if key in found else training
    return list(found.values())


def _failures(checked: Iterable[LedgerEntry]) -> dict[str, tuple[Failure, ...]]:
    found: dict[str, tuple[Failure, ...]] = {}
    for entry in checked:
        candidate, failed = str(entry.facts.get("candidate")), entry.facts.get("failed")
        if isinstance(failed, list):
            found[candidate] = tuple(
                Failure(candidate, str(each.get("code")), str(each.get("reason")))
                for each in failed
                if isinstance(each, dict)
            )
    return found


def _training(entry: LedgerEntry, failures: dict[str, tuple[Failure, ...]]) -> Training | None:
    candidate = str(entry.facts.get("candidate"))
    plain = {
        "entry": entry.number,
        "at": entry.at,
        "actor": entry.actor,
        "candidates": [candidate],
        "failures": stored_form(failures.get(candidate, ())),
        **{part: entry.facts.get(part) for part in ("limits", "parts", "words")},
    }
    try:
        return msgspec.convert(plain, Training)
    except msgspec.ValidationError:
        return None


def _joined(first: Training, other: Training) -> Training:
    candidates, failures = first.candidates + other.candidates, first.failures + other.failures
    return msgspec.structs.replace(first, candidates=candidates, failures=failures)
