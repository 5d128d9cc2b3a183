"""Asking all checks, and the evidence their answers make."""

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from tallystick.errors import CheckUnknown, EvidenceDamaged, EvidenceFormatUnknown
from tallystick.validation.check import Question
from tallystick.validation.checks import CHECKS, validate
from tallystick.validation.evidence import Evidence, read_evidence
from tallystick.validation.finding import Finding, Outcome
from tallystick.validation.sections import verdict

CODES = [check.code for check in CHECKS]
PAGES = Path(__file__).resolve().parents[2] / "docs" / "checks"


@pytest.fixture(scope="module")
def evidence(question: Question) -> Evidence:
    """Return the evidence about the candidate of the small world."""
    return validate([question], at=2_000)[0]


@pytest.mark.parametrize("code", CODES)
def test_every_check_has_its_test_and_its_page(code: str) -> None:
    """Each code has a test file and a documentation page named after it."""
    page = PAGES / f"{code}.md"

    assert (Path(__file__).parent / f"test_{code.lower()}.py").is_file()
    assert page.read_text(encoding="utf-8").startswith(f"# {code}: ")


def test_pages_and_tests_belong_to_checks() -> None:
    """No page and no test file is left of a check that does not exist."""
    assert sorted(page.stem for page in PAGES.glob("V*.md")) == sorted(CODES)
    assert sorted(path.stem[5:].upper() for path in Path(__file__).parent.glob("test_v*.py")) == sorted(CODES)


def test_codes_and_titles_are_each_used_once() -> None:
    """Codes rise, and no two checks share a code or a title."""
    assert sorted(set(CODES)) == CODES
    assert len({check.title for check in CHECKS}) == len(CHECKS)


def test_every_check_answers(evidence: Evidence, question: Question) -> None:
    """The evidence has one finding per check, and digests that say of what."""
    record = question.candidate.record

    assert [finding.code for finding in evidence.findings] == CODES
    assert not evidence.has_failures
    assert (evidence.candidate, evidence.model) == (question.candidate.digest, record.model)
    assert evidence.figures["test"]["auc"] == record.metrics["test"].auc


def test_the_same_question_gives_the_same_evidence(evidence: Evidence, question: Question) -> None:
    """Asking twice gives one digest, and what is asked of the data alone is the same for each candidate."""
    first, second = validate([question, question], at=2_000)

    assert first.digest == second.digest == evidence.digest


def test_what_is_skipped_is_printed(question: Question) -> None:
    """A check that was not asked is in the evidence as skipped; an unknown code is a sentence."""
    noted: list[tuple[int, int]] = []
    skipping = validate([question], at=0, skip=["V401", "V501"], progress=lambda done, of: noted.append((done, of)))[0]

    assert [f.code for f in skipping.findings if f.outcome is Outcome.SKIPPED] == ["V401", "V501"]
    assert noted[-1] == (len(CHECKS), len(CHECKS))
    with pytest.raises(CheckUnknown, match="There is no check 'V999'"):
        validate([question], at=0, skip=["V999"])


def test_evidence_is_saved_under_its_digest_and_read_back(evidence: Evidence, tmp_path: Path) -> None:
    """Saved evidence is canonical JSON named by its digest, and reads back equal."""
    path = evidence.save(tmp_path)

    assert path.name == f"{evidence.digest}.json"
    assert list(tmp_path.iterdir()) == [path]
    assert read_evidence(path.read_bytes(), digest=evidence.digest) == evidence


def test_changed_evidence_is_refused(evidence: Evidence) -> None:
    """A changed byte, another layout of the same JSON, an unknown format and other JSON are refused."""
    content = evidence.to_bytes()

    with pytest.raises(EvidenceDamaged, match="its digest is"):
        read_evidence(content.replace(b'"passed"', b'"failed"', 1), digest=evidence.digest)
    with pytest.raises(EvidenceDamaged, match="not in canonical form"):
        read_evidence(content + b" ")
    with pytest.raises(EvidenceFormatUnknown, match="has format 2, and this version reads 1"):
        read_evidence(content.replace(b'"format":1', b'"format":2'))
    with pytest.raises(EvidenceDamaged, match="cannot be read"):
        read_evidence(b"{}")


def test_one_failed_finding_is_a_failure(evidence: Evidence) -> None:
    """Evidence says which findings failed."""
    failed = Finding("V901", Outcome.FAILED, "too low")
    worse = Evidence(**{f: getattr(evidence, f) for f in evidence.__struct_fields__} | {"findings": (failed,)})

    assert worse.has_failures
    assert worse.failed == (failed,)


def test_a_warning_is_shown_and_is_no_failure(evidence: Evidence) -> None:
    """A finding that warned is counted in the verdict beside what passed, and nothing has failed by it."""
    warned = Finding("V402", Outcome.WARNED, "risk alone ranks as the model")
    answered = msgspec.structs.replace(evidence, findings=(evidence.findings[0], warned))

    assert verdict(answered).plain == "1 passed, 1 warned"
    assert not answered.has_failures


@pytest.mark.parametrize("module", ["tallystick.validation.evidence", "tallystick.validation.checks"])
def test_reading_evidence_loads_no_training_library(module: str) -> None:
    """Evidence can be read, and checks listed, without any library of training."""
    heavy = "{'sklearn', 'lightgbm', 'optuna', 'pandas'}"  # scipy is looked for by numba itself, in the batch executor
    code = f"import sys, {module}; found = {heavy} & set(sys.modules); sys.exit(str(found) if found else 0)"

    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)

    assert done.returncode == 0, done.stderr
