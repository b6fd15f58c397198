"""Servers of a test's own, on free ports, that leave nothing behind."""

import contextlib
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, Self

_PATIENCE = 120


class Server:
    """A server that runs while a `with` statement does.

    Args:
        command: what starts it.
        answers_at: an address that answers once it is ready.
        log: where what it says is written.
        options: further ones of `Popen`.
    """

    def __init__(self, command: list[str], answers_at: str, log: Path, **options: Any) -> None:
        self._command, self._answers_at, self._log = command, answers_at, log
        self._options = options

    def __enter__(self) -> Self:
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # What it starts is ended with it.
                start_new_session=True,
                **self._options,
            )
        deadline = time.monotonic() + _PATIENCE
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self._stop()
                raise RuntimeError(f"{type(self).__name__} did not start:\n{self.log[-6000:]}")
            time.sleep(0.2)
        return self

    @property
    def log(self) -> str:
        """What it has said."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(self._answers_at, timeout=5):
                return True
        except (urllib.error.URLError, OSError):
            return False

    def __exit__(self, *_: object) -> None:
        self._stop()

    def _stop(self) -> None:
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(20)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


class JupyterServer(Server):
    """JupyterLab in `root` with the settings of a folder."""

    def __init__(self, root: Path, settings: Path, environment: dict[str, str]) -> None:
        port, token = free_port(), secrets.token_hex(16)
        self.address = f"http://127.0.0.1:{port}/lab?token={token}"
        self.root = root
        command = [
            *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"),
            *(f"--ServerApp.root_dir={root}", f"--IdentityProvider.token={token}"),
            *("--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}"),
            "--ServerApp.port_retries=0",
        ]
        leave_out_news(settings)
        variables = {
            **environment,
            "JUPYTER_CONFIG_DIR": str(settings),
            "JUPYTER_DATA_DIR": str(settings),
            "JUPYTER_RUNTIME_DIR": str(settings / "runtime"),
            "IPYTHONDIR": str(settings / "ipython"),
        }
        status = f"http://127.0.0.1:{port}/api/status?token={token}"
        super().__init__(command, status, settings / "server.log", cwd=root, env=variables)


def leave_out_news(settings: Path) -> None:
    """Keep JupyterLab from asking whether to fetch news, over what is to be pressed."""
    folder = settings / "labconfig"
    folder.mkdir()
    disabled = {"@jupyterlab/apputils-extension:announcements": True}
    (folder / "page_config.json").write_text(json.dumps({"disabledExtensions": disabled}))


def free_port() -> int:
    """Return a port of the loopback address that nobody listens at."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
