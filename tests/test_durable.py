"""What writing whole or not at all promises, whatever interrupts it."""

import os
from pathlib import Path

import pytest

from tallystick.durable import create_file, replacing, write_file, write_folder


def interrupted(*_: object) -> None:
    """Stand for Ctrl-C, or a disk that takes nothing more."""
    raise KeyboardInterrupt


def test_a_file_that_is_interrupted_leaves_the_one_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is the old one or the new one, and nothing unfinished stays beside it."""
    path = write_file(tmp_path / "note", b"one")
    monkeypatch.setattr("tallystick.durable.os.fsync", interrupted)

    with pytest.raises(KeyboardInterrupt):
        write_file(path, b"two")

    assert path.read_bytes() == b"one"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_is_interrupted_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder appears with all of its files, or not at all."""
    monkeypatch.setattr("tallystick.durable.os.fsync", interrupted)

    with pytest.raises(KeyboardInterrupt):
        write_folder(tmp_path / "3fa1", {"a": b"1", "b": b"2"})

    assert list(tmp_path.iterdir()) == []


def test_a_writer_that_fails_leaves_nothing(tmp_path: Path) -> None:
    """Where a library writes to the path it is given and fails, what was there stays."""
    path = write_file(tmp_path / "table", b"one")

    def write_badly() -> None:
        with replacing(path) as unfinished:
            unfinished.write_bytes(b"half of")
            raise ValueError("no table")

    with pytest.raises(ValueError, match="no table"):
        write_badly()

    assert path.read_bytes() == b"one"
    assert list(tmp_path.iterdir()) == [path]


def test_everything_is_synced_before_it_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each file, the folder's names, and after the rename those of the folder above: without them it can be lost."""
    seen: list[bool] = []
    sync = os.fsync

    def watched(handle: int) -> None:
        seen.append((tmp_path / "3fa1").exists())
        sync(handle)

    monkeypatch.setattr("tallystick.durable.os.fsync", watched)

    write_folder(tmp_path / "3fa1", {"a": b"1", "b": b"2"})

    assert seen == [False, False, False, True]


def test_a_folder_that_is_there_is_left_alone(tmp_path: Path) -> None:
    """A folder named by its digest holds the same already; it is not written again."""
    folder = write_folder(tmp_path / "3fa1", {"a": b"1"})

    write_folder(folder, {"a": b"2"})

    assert (folder / "a").read_bytes() == b"1"


def test_a_file_that_must_be_new_never_replaces(tmp_path: Path) -> None:
    """A key or token of the same name is kept, and one for its owner alone is so from its first byte."""
    create_file(tmp_path / "key", b"one", mode=0o600)

    with pytest.raises(FileExistsError):
        create_file(tmp_path / "key", b"two")

    assert (tmp_path / "key").read_bytes() == b"one"
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["key"]
