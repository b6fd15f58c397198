"""Tests of where the data comes from, and of what is said when it does not come."""

import gzip
import http.server
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from torchvision import datasets

from helpers import DataError, find_data
from helpers.data import FILES, RAW
from helpers.machinery import stand_in
from helpers.machinery.download import DownloadError, download


@pytest.fixture(autouse=True)
def _empty_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def _mirror(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setattr(datasets.FashionMNIST, "mirrors", [url])
    monkeypatch.setenv("no_proxy", "*")


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    # Port 9 (discard) of this machine refuses at once where nothing listens.
    _mirror(monkeypatch, "http://127.0.0.1:9/")


class TestRealFiles:
    def test_packed_files_are_unpacked_elsewhere(
        self, real_data: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setenv("FASHION_MNIST", real_data)
        folder = find_data()
        assert capsys.readouterr().out == (
            "Data: Fashion-MNIST, 60,000 training and 10,000 test images.\n"
        )
        assert datasets.FashionMNIST(folder, train=True).data.shape == (60_000, 28, 28)
        assert datasets.FashionMNIST(folder, train=False).data.shape == (10_000, 28, 28)
        assert find_data() == folder

    def test_the_local_folder_and_the_course_root(
        self, real_data: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        shutil.copytree(Path(real_data) / RAW, Path("data") / RAW)
        monkeypatch.delenv("FASHION_MNIST")
        assert datasets.FashionMNIST(find_data(), train=False).data.shape == (10_000, 28, 28)
        Path("nbgrader_config.py").touch()
        Path("autograded/ada/weights").mkdir(parents=True)
        monkeypatch.chdir("autograded/ada/weights")
        assert datasets.FashionMNIST(find_data(), train=False).data.shape == (10_000, 28, 28)

    @pytest.mark.parametrize("keep", [0, 1000, -100])
    def test_a_truncated_file_is_named(
        self, keep: int, real_data: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        raw = tmp_path / "named" / RAW
        shutil.copytree(Path(real_data) / RAW, raw)
        victim = raw / "t10k-labels-idx1-ubyte.gz"
        content = victim.read_bytes()
        victim.chmod(0o644)
        victim.write_bytes(content[:keep])
        monkeypatch.setenv("FASHION_MNIST", str(tmp_path / "named"))
        with pytest.raises(DataError, match=r"t10k-labels-idx1-ubyte\.gz is damaged.*Delete"):
            find_data()

    def test_a_damaged_unpacked_file_is_named(
        self, real_data: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        raw = tmp_path / "named" / RAW
        raw.mkdir(parents=True)
        for name in FILES:
            with gzip.open(Path(real_data) / RAW / f"{name}.gz") as file:
                (raw / name).write_bytes(file.read())
        monkeypatch.setenv("FASHION_MNIST", str(tmp_path / "named"))
        assert find_data() == str(tmp_path / "named")
        content = bytearray((raw / "t10k-images-idx3-ubyte").read_bytes())
        content[5000] ^= 1
        (raw / "t10k-images-idx3-ubyte").write_bytes(content)
        with pytest.raises(DataError, match="t10k-images-idx3-ubyte is damaged"):
            find_data()

    def test_a_download_is_checked_and_unpacked(
        self, real_data: str, monkeypatch: pytest.MonkeyPatch, server: "_Server"
    ) -> None:
        monkeypatch.delenv("FASHION_MNIST")
        _mirror(monkeypatch, server.start(str(Path(real_data) / RAW)))
        assert find_data() == str(Path("data").absolute())
        assert len(datasets.FashionMNIST("data", train=True)) == 60_000


def test_a_missing_file_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / RAW).mkdir(parents=True)
    (tmp_path / RAW / "t10k-labels-idx1-ubyte.gz").write_bytes(b"")
    monkeypatch.setenv("FASHION_MNIST", str(tmp_path))
    with pytest.raises(DataError, match=r"1 of the 4 files.*missing: t10k-images-idx3-ubyte"):
        find_data()


def test_a_named_folder_without_data_is_an_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("FASHION_MNIST", str(tmp_path))
    with pytest.raises(DataError, match=r"FASHION_MNIST names .* or unset the variable"):
        find_data()


class TestStandIn:
    @pytest.mark.usefixtures("no_network")
    def test_takes_over_without_a_network_and_says_so(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.delenv("FASHION_MNIST", raising=False)
        folder = find_data()
        printed = capsys.readouterr().out
        assert "could not be downloaded. Tried http://127.0.0.1:9/" in printed
        assert "NOT Fashion-MNIST" in printed
        assert Path(folder) == Path("data/stand-in").absolute()
        assert not (Path("data") / RAW).exists()
        # The second notebook neither draws nor tries a download again.
        assert find_data() == folder
        assert "Tried" not in capsys.readouterr().out

    def test_has_the_format_of_the_real_files(self, drawn_data: Path) -> None:
        for train, size in ((True, 60_000), (False, 10_000)):
            data = datasets.FashionMNIST(str(drawn_data), train=train)
            assert data.data.shape == (size, 28, 28)
            assert np.bincount(data.targets.numpy()).tolist() == [size // 10] * 10
            assert int(data.data.max()) > 200

    def test_is_drawn_alike_each_time(self, drawn_data: Path, tmp_path: Path) -> None:
        stand_in.write(tmp_path / "again")
        for path in sorted(drawn_data.rglob("*-ubyte")):
            again = tmp_path / "again" / path.relative_to(drawn_data)
            assert path.read_bytes() == again.read_bytes()

    def test_is_never_taken_for_the_real_data(
        self, drawn_data: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        shutil.copytree(drawn_data / RAW, tmp_path / RAW)
        monkeypatch.setenv("FASHION_MNIST", str(tmp_path))
        with pytest.raises(DataError, match="is damaged"):
            find_data()


class _Server:
    """Serves on a free port of this machine until the test ends."""

    def __init__(self) -> None:
        self._stop: list = []

    def start(self, folder: str) -> str:
        class Quiet(http.server.SimpleHTTPRequestHandler):
            def log_message(self, *_: object) -> None:
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self._stop += [server.shutdown, server.server_close]
        return f"http://127.0.0.1:{server.server_port}/"

    def start_silent(self) -> str:
        """Accept connections and never answer."""
        listener = socket.create_server(("127.0.0.1", 0))
        self._stop.append(listener.close)
        return f"http://127.0.0.1:{listener.getsockname()[1]}/"

    def stop(self) -> None:
        for stop in self._stop:
            stop()


@pytest.fixture
def server() -> Iterator[_Server]:
    serving = _Server()
    yield serving
    serving.stop()


class TestDownload:
    def test_gives_up_within_15_seconds(
        self, monkeypatch: pytest.MonkeyPatch, server: _Server, tmp_path: Path
    ) -> None:
        _mirror(monkeypatch, server.start_silent())
        start = time.monotonic()
        with pytest.raises(DownloadError, match=r"no answer within 10 s|timed out"):
            download(tmp_path / "raw", {"t10k-labels-idx1-ubyte.gz": "0"})
        assert time.monotonic() - start < 15

    def test_a_login_page_is_no_data(
        self, monkeypatch: pytest.MonkeyPatch, server: _Server, tmp_path: Path
    ) -> None:
        (tmp_path / "served").mkdir()
        (tmp_path / "served" / "a.gz").write_text("<html>Please log in</html>")
        _mirror(monkeypatch, server.start(str(tmp_path / "served")))
        with pytest.raises(DownloadError, match=r"a\.gz arrived with MD5"):
            download(tmp_path / "raw", {"a.gz": "0" * 32})
        assert not (tmp_path / "raw").exists()

    def test_what_is_missing_on_the_mirror_is_told(
        self, monkeypatch: pytest.MonkeyPatch, server: _Server, tmp_path: Path
    ) -> None:
        (tmp_path / "served").mkdir()
        _mirror(monkeypatch, server.start(str(tmp_path / "served")))
        with pytest.raises(DownloadError, match="404"):
            download(tmp_path / "raw", {"a.gz": "0" * 32})
