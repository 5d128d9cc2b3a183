"""What ``source=`` may say, and what is needed to read it."""

import subprocess
import sys
from typing import Any

import pytest

from tallystick.errors import ReaderMissing, SourceMissing


@pytest.mark.parametrize(
    ("address", "library", "extra"),
    [
        ("delta:payments", "deltalake", "delta"),
        ("iceberg:bank.cards.payments", "pyiceberg", "iceberg"),
        ("s3://bank/payments.parquet", "s3fs", "s3"),
    ],
)
def test_a_library_that_is_not_installed_is_a_sentence(
    elsewhere: Any, monkeypatch: pytest.MonkeyPatch, address: str, library: str, extra: str
) -> None:
    """The sentence names the source, the library and the extra that brings it."""
    monkeypatch.setitem(sys.modules, library, None)

    with pytest.raises(ReaderMissing, match=rf"'payments' .*'{library}' .*pip install 'tallystick\[{extra}\]'"):
        elsewhere(payments=address)


@pytest.mark.parametrize("address", ["gs://bucket/payments.parquet", "https://bucket/payments.parquet"])
def test_an_address_of_an_unknown_kind_is_a_sentence(elsewhere: Any, address: str) -> None:
    """The sentence names those that are known."""
    with pytest.raises(SourceMissing, match=r"begin with '(gs|https)'; known are s3://, delta: and iceberg:"):
        elsewhere(payments=address)


def test_files_are_read_without_the_extras() -> None:
    """Nothing of an extra is imported where Parquet files are read."""
    code = "import sys, tallystick.data.read; print({'deltalake', 'pyiceberg', 's3fs', 'fsspec'} & {*sys.modules})"

    printed = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)

    assert printed.stdout == "set()\n"
