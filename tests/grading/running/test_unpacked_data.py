"""Tests of unpacking the data once: wholly or not at all, and again where files are exchanged."""

import gzip
import os
from pathlib import Path

import pytest

from grading.running.unpacked_data import unpacked as _unpacked

RAW = Path("FashionMNIST") / "raw"


def unpacked(data: Path) -> Path:
    return _unpacked(data, RAW)


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a packed file and one that is not."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    _unpacked.cache_clear()
    folder = tmp_path / "data"
    (folder / RAW).mkdir(parents=True)
    (folder / RAW / "images.gz").write_bytes(gzip.compress(b"images"))
    (folder / RAW / "labels").write_bytes(b"labels")
    return folder


def _content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (folder / RAW).iterdir()}


def test_it_is_done_once(data: Path) -> None:
    folder = unpacked(data)
    assert folder != data
    assert _content(folder) == {"images": b"images", "labels": b"labels"}
    (folder / RAW / "images").write_bytes(b"seen before")
    _unpacked.cache_clear()
    assert unpacked(data) == folder
    assert _content(folder)["images"] == b"seen before"
    assert not [path for path in folder.parent.iterdir() if path.name.startswith("tmp")]


def test_exchanged_files_are_unpacked_anew(data: Path) -> None:
    folder = unpacked(data)
    (data / RAW / "images.gz").write_bytes(gzip.compress(b"others"))
    os.utime(data / RAW / "images.gz", ns=(1, 1))
    _unpacked.cache_clear()
    assert unpacked(data) != folder
    assert _content(unpacked(data))["images"] == b"others"


def test_what_needs_no_unpacking_stays_where_it_is(data: Path) -> None:
    (data / RAW / "images").write_bytes(b"images")
    assert unpacked(data) == data


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, which grades as another user")
def test_what_root_alone_could_read_is_copied(data: Path) -> None:
    folder = unpacked(data)
    (folder / RAW).chmod(0o700)
    copy = unpacked(folder)
    assert copy != folder
    assert _content(copy) == _content(folder)
    assert all(path.stat().st_mode & 0o004 for path in (copy, *copy.rglob("*")))


@pytest.mark.parametrize("damage", [b"", b"not packed", gzip.compress(b"images", mtime=0)[:-9]])
def test_a_damaged_file_stays_packed(data: Path, damage: bytes) -> None:
    (data / RAW / "images.gz").write_bytes(damage)
    found = _content(unpacked(data))
    # An empty file is an empty archive to gzip; that it is no data set is for the lesson to say.
    assert found in (
        {"images.gz": damage, "labels": b"labels"},
        {"images": b"", "labels": b"labels"},
    )


def test_without_a_place_the_data_stay_packed(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (data.parent / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(data.parent / "file"))
    assert unpacked(data) == data
