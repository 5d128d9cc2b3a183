"""The LMDB store keeps the promises of every store, and says clearly when it cannot be used."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tallystick.errors import StateDoubtful, StateFull, StateHeld
from tallystick.features.state.lmdb import LmdbStore
from tallystick.testing.store_contract import OrderedStoreContract, Reiterable, put

SMALL = 1 << 20


class TestLmdbStore(OrderedStoreContract):
    """LMDB in a folder is an ordered store."""

    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[LmdbStore]:
        """Give an empty store."""
        opened = LmdbStore(tmp_path / "state", map_size=SMALL)
        yield opened
        opened.close()


def test_it_opens_again_with_what_was_committed(tmp_path: Path) -> None:
    """What was committed is there when the folder is opened again."""
    store = LmdbStore(tmp_path)
    put(store, [(b"a", b"1")])
    store.close()
    store.close()

    repeated = LmdbStore(tmp_path)
    assert list(repeated.entries()) == [(b"a", b"1")]
    repeated.close()


def test_it_grows_between_transactions(tmp_path: Path) -> None:
    """Many transactions fill many times the size it began with."""
    store = LmdbStore(tmp_path, map_size=SMALL)
    for start in range(0, 4_000, 100):
        put(store, [(number.to_bytes(4, "big"), bytes(1_000)) for number in range(start, start + 100)])

    assert sum(1 for _ in store.entries()) == 4_000
    store.close()


def test_a_load_grows_as_it_needs(tmp_path: Path) -> None:
    """A load larger than the file makes room and begins anew."""
    store = LmdbStore(tmp_path, map_size=SMALL)
    store.load(Reiterable([(number.to_bytes(4, "big"), bytes(1_000)) for number in range(4_000)]))

    assert sum(1 for _ in store.entries()) == 4_000
    store.close()


def test_a_full_state_says_so(tmp_path: Path) -> None:
    """Beyond its largest size it is full, and what was committed before is kept."""
    store = LmdbStore(tmp_path, map_size=SMALL, largest_size=SMALL)
    put(store, [(b"a", b"1")])

    with pytest.raises(StateFull, match=r"is full at 1 MiB.*map_size"):
        put(store, [(number.to_bytes(4, "big"), bytes(1_000)) for number in range(4_000)])

    assert list(store.entries()) == [(b"a", b"1")]
    store.close()


def test_a_load_beyond_the_largest_size_is_refused(tmp_path: Path) -> None:
    """A load that does not fit leaves an empty store."""
    store = LmdbStore(tmp_path, map_size=SMALL, largest_size=2 * SMALL)

    with pytest.raises(StateFull, match="2 MiB"):
        store.load(Reiterable([(number.to_bytes(4, "big"), bytes(1_000)) for number in range(4_000)]))

    assert list(store.entries()) == []
    store.close()


def test_it_has_one_owner(tmp_path: Path) -> None:
    """A second process cannot open it while the first is alive."""
    store = LmdbStore(tmp_path)
    code = (
        "import sys, pathlib; from tallystick.features.state.lmdb import LmdbStore as S; S(pathlib.Path(sys.argv[1]))"
    )

    second = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False)

    assert StateHeld.__name__ in second.stderr
    store.close()


def test_a_killed_process_loses_nothing(tmp_path: Path) -> None:
    """After a process died with the state open, its commits are there and the state opens."""
    code = """
import sys, pathlib, os
from tallystick.features.state.lmdb import LmdbStore
store = LmdbStore(pathlib.Path(sys.argv[1]))
transaction = store.begin()
transaction.put(b"a", b"1")
transaction.commit()
store.begin().put(b"b", b"2")
os.kill(os.getpid(), 9)
"""
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)

    store = LmdbStore(tmp_path)
    assert list(store.entries()) == [(b"a", b"1")]
    store.close()


def test_a_machine_that_went_down_is_noticed(tmp_path: Path) -> None:
    """A state left open under another start of the machine is not trusted."""
    LmdbStore(tmp_path).close()
    (tmp_path / "session").write_bytes(b"another start of the machine")

    with pytest.raises(StateDoubtful, match="rebuild the state from the log"):
        LmdbStore(tmp_path)
