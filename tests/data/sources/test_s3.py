"""Sources in an object store: a server that speaks S3, in a process of its own, started and stopped here."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import deltalake
import httpx
import msgspec
import pyarrow.csv as pcsv
import pyarrow.parquet as pq
import pytest
import s3fs
from pyiceberg.catalog import load_catalog

from tallystick.data.sources.address import pieces
from tallystick.errors import SourceAway, SourceMissing, SourceUnreadable

KEY, SECRET = "AKIAREADER", "never-told"
Put = Callable[[Path, str], None]


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """Return the address of a server on a free port of this machine; whoever has any key may read."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            _wait_for(port, process)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        assert process.poll() is None, "the S3 server ended before it answered"
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("the S3 server does not answer")


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Leave nothing of this machine's own AWS settings."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    return monkeypatch


@pytest.fixture
def put(environment: pytest.MonkeyPatch, server: str) -> Put:
    """Return the function that puts a file into the bucket ``bank``, which is empty at first."""
    environment.setenv("AWS_ACCESS_KEY_ID", KEY)
    environment.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    environment.setenv("AWS_ENDPOINT_URL", server)
    environment.setenv("AWS_DEFAULT_REGION", "us-east-1")
    store = s3fs.S3FileSystem(skip_instance_cache=True, use_listings_cache=False)
    if store.exists("bank"):
        store.rm("bank", recursive=True)
    store.mkdir("bank")
    return lambda path, key: store.pipe_file(f"bank/{key}", path.read_bytes())


def test_objects_give_the_dataset_of_the_same_files(history: Any, elsewhere: Any, put: Put) -> None:
    """An object is read like a file, by either name of the protocol."""
    for name in ("payments", "reports", "outcomes"):
        put(history.root / f"{name}.parquet", f"history/{name}.parquet")

    reading = elsewhere(
        payments="s3://bank/history/payments.parquet",
        reports="s3a://bank/history/reports.parquet",
        outcomes="s3://bank/history/outcomes.parquet",
    )

    assert reading.dataset.fingerprint == history.read().dataset.fingerprint


@pytest.mark.parametrize("end", ["", "/"])
@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_a_prefix_is_one_source(history: Any, content: Any, elsewhere: Any, put: Put, suffix: str, end: str) -> None:
    """Objects directly below a prefix are read in order of their names, and a refused row is told with its object."""
    rows = content("payments")
    for name, part in [("b", rows.slice(20)), ("a", rows.slice(0, 20)), ("c", rows.slice(7, 1)), ("more/d", rows)]:
        path = history.root / "part"
        pq.write_table(part, path) if suffix == "parquet" else pcsv.write_csv(part, path)
        put(path, f"payments/{name}.{suffix}")
    put(path, "payments/_SUCCESS")

    reading = elsewhere(payments=f"s3://bank/payments{end}")

    assert reading.dataset.fingerprint == history.read().dataset.fingerprint
    [refused] = pq.read_table(reading.screenings["payments"].quarantine).to_pylist()
    assert (refused["file"], refused["row"], refused["payment_id"]) == (f"c.{suffix}", 0, "P7")


def test_a_delta_table_in_a_bucket(history: Any, content: Any, elsewhere: Any, put: Put) -> None:
    """A Delta table is read where it lies."""
    rows = content("payments")
    options = {"allow_http": "true"}
    for part in (rows.slice(0, 30), rows.slice(30)):
        deltalake.write_deltalake("s3://bank/delta", part, mode="append", storage_options=options)

    reading = elsewhere(payments="delta:s3://bank/delta")

    assert reading.dataset.fingerprint == history.read().dataset.fingerprint


def test_an_iceberg_table_in_a_bucket(
    history: Any, content: Any, elsewhere: Any, put: Put, environment: pytest.MonkeyPatch, server: str
) -> None:
    """A metadata file in a bucket is a table, as one in a folder is."""
    place = {"warehouse": "s3://bank/lake", "s3.endpoint": server, "s3.region": "us-east-1"}
    catalog = load_catalog("lake", uri=f"sqlite:///{history.root}/catalog.db", **place)
    catalog.create_namespace("cards")
    table = catalog.create_table("cards.payments", schema=content("payments").schema)
    table.append(content("payments"))

    reading = elsewhere(payments=f"iceberg:{table.metadata_location}")

    assert reading.dataset.fingerprint == history.read().dataset.fingerprint


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("s3://bank/none.parquet", "'s3://bank/none.parquet': there is no such object or prefix"),
        ("s3://bank/none/", "'s3://bank/none/': there is no such object or prefix"),
        ("s3://no-such-bucket/payments.parquet", "The specified bucket does not exist"),
        ("s3://bank/empty", "the folder holds no .parquet file"),
    ],
)
def test_what_is_not_there_is_a_sentence(history: Any, elsewhere: Any, put: Put, address: str, sentence: str) -> None:
    """No bucket, no object and no file below a prefix are told with the address."""
    put(history.root / "payments.parquet", "empty/README.md")

    with pytest.raises(SourceMissing, match=f"'payments' cannot be read from '{address}'.*") as raised:
        elsewhere(payments=address)

    assert sentence in str(raised.value)


def test_a_damaged_object_is_a_sentence(history: Any, elsewhere: Any, put: Put) -> None:
    """The sentence names the object."""
    (history.root / "wrong").write_text("no Parquet at all, though it says so")
    put(history.root / "wrong", "wrong.parquet")

    with pytest.raises(SourceUnreadable, match="'s3://bank/wrong.parquet'.*Parquet magic bytes not found"):
        elsewhere(payments="s3://bank/wrong.parquet")


def test_a_ragged_object_is_told_with_its_line(history: Any, elsewhere: Any, put: Put) -> None:
    """A CSV object is looked through again for the line."""
    (history.root / "wrong").write_text("payment_id,is_fraud\nP1,true\nP2\n")
    put(history.root / "wrong", "wrong.csv")

    with pytest.raises(SourceUnreadable, match=r"'s3://bank/wrong\.csv': line 3 has 1 values, and the header names 2"):
        elsewhere(outcomes="s3://bank/wrong.csv")


@pytest.mark.parametrize(
    ("address", "user", "reason"),
    [
        ("s3://bank/payments.parquet", "", "Could not connect to the endpoint URL"),
        ("s3://bank/payments.parquet", "ada:secret@", "credentials encoded in URL"),
        ("delta:s3://bank/payments", "", "Connection refused"),
        ("iceberg:s3://bank/payments.metadata.json", "", "AWS Error"),
    ],
)
def test_a_store_that_is_away_is_a_sentence(
    elsewhere: Any, put: Put, environment: pytest.MonkeyPatch, address: str, user: str, reason: str
) -> None:
    """The sentence names source, address, reason and remedy, and neither key nor secret nor a password."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment.setenv("AWS_ENDPOINT_URL", f"http://{user}127.0.0.1:{port}")

    sentence = f"'payments' cannot be read from 's3://bank/payments.*': .*{reason}.* Check .*AWS_"
    with pytest.raises(SourceAway, match=sentence) as away:
        elsewhere(payments=address)

    assert not any(word in str(away.value) for word in (KEY, SECRET, "secret"))


def test_an_object_that_is_gone_when_it_is_read_is_a_sentence(history: Any, put: Put) -> None:
    """Between the listing and the reading a bucket may change."""
    put(history.root / "payments.parquet", "payments.parquet")
    [piece] = pieces(msgspec.structs.replace(history.payments, source="s3://bank/payments.parquet"), history.root)
    s3fs.S3FileSystem(skip_instance_cache=True).rm("bank/payments.parquet")

    with pytest.raises(SourceUnreadable, match="'payments' cannot be read from 's3://bank/payments.parquet'"):
        piece.read(["payment_id"])


@pytest.mark.parametrize("address", ["s3://bank/payments.parquet", "s3://bank/parts", "delta:s3://bank/delta"])
def test_no_right_is_a_sentence(elsewhere: Any, put: Put, server: str, address: str) -> None:
    """A store that knows its users and not this one is told with what can be done, and without the key."""
    httpx.post(f"{server}/moto-api/reset-auth", content=b"0")  # from now on the server asks who is there

    try:
        with pytest.raises(
            SourceAway, match=f"'payments' cannot be read from '.*{address[-5:]}': .*(AWS_PROFILE|rights)"
        ) as raised:
            elsewhere(payments=address)
    finally:
        httpx.post(f"{server}/moto-api/reset-auth", content=b"inf")

    assert not any(word in str(raised.value) for word in (KEY, SECRET))


def test_no_credentials_are_a_sentence(elsewhere: Any, put: Put, environment: pytest.MonkeyPatch) -> None:
    """The remedy names the variables."""
    environment.delenv("AWS_ACCESS_KEY_ID")
    environment.delenv("AWS_SECRET_ACCESS_KEY")

    with pytest.raises(SourceAway, match="Unable to locate credentials. Set AWS_ACCESS_KEY_ID"):
        elsewhere(payments="s3://bank/payments.parquet")
