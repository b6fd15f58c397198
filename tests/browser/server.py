"""A JupyterLab server of a test's own, on a free port, that leaves nothing behind."""

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
from types import TracebackType

_PATIENCE = 120


class JupyterServer:
    """Starts JupyterLab in `root` with the settings of a folder; use it in a `with` statement."""

    def __init__(self, root: Path, settings: Path, environment: dict[str, str]) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        token = secrets.token_hex(16)
        self.address = f"http://127.0.0.1:{port}/lab?token={token}"
        self._status = f"http://127.0.0.1:{port}/api/status?token={token}"
        self._log = settings / "server.log"
        self._command = [
            *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"),
            *(f"--ServerApp.root_dir={root}", f"--IdentityProvider.token={token}"),
            *("--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}"),
            "--ServerApp.port_retries=0",
        ]
        # It would ask whether to fetch news.
        announcements = {"@jupyterlab/apputils-extension:announcements": True}
        (settings / "labconfig").mkdir()
        (settings / "labconfig" / "page_config.json").write_text(
            json.dumps({"disabledExtensions": announcements})
        )
        self.root = root
        self._environment = {
            **environment,
            "JUPYTER_CONFIG_DIR": str(settings),
            "JUPYTER_DATA_DIR": str(settings),
            "JUPYTER_RUNTIME_DIR": str(settings / "runtime"),
            "IPYTHONDIR": str(settings / "ipython"),
        }

    def __enter__(self) -> "JupyterServer":
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                self._command,
                cwd=self.root,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Kernels are ended with it.
                start_new_session=True,
            )
        deadline = time.monotonic() + _PATIENCE
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self._stop()
                raise RuntimeError(f"JupyterLab did not start:\n{self._log.read_text()}")
            time.sleep(0.2)
        return self

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(self._status, timeout=5):
                return True
        except (urllib.error.URLError, OSError):
            return False

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stop()

    def _stop(self) -> None:
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(20)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
