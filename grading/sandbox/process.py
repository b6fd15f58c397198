"""A running sandbox, and how it is talked with: a job goes in, events come out.

What comes out is untrusted: a notebook whose outputs the submission may have made up, read from a
pipe in a bounded amount.
"""

import contextlib
import json
import os
import selectors
import shutil
import signal
import subprocess
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from grading.sandbox import isolation
from grading.sandbox.errors import SandboxFailed
from grading.sandbox.given import Given
from grading.sandbox.progress import Progress
from grading.submission import MEBIBYTE, Limits, Surroundings

_START_SECONDS = 120  # until the kernel answers; a slow disk may take 30 s to import
_END_SECONDS = 30  # until everything has ended
_MESSAGE_BYTES = 4096


class Sandbox:
    """A running sandbox.

    Attributes:
        begun: a digest of the given cells where every submission begins at their end; None where
            each begins at the beginning.
    """

    def __init__(self, surroundings: Surroundings) -> None:
        self.begun: str | None = None
        self._folder = tempfile.TemporaryDirectory(prefix="sandbox-")
        # Read by another user id inside; outside, the folder around it keeps everybody else away.
        self._files = Path(self._folder.name) / "files"
        try:
            self._files.mkdir()
            self._files.chmod(0o755)
            isolation.lend(surroundings.runs)
            self._process = subprocess.Popen(
                isolation.command(surroundings, self._files),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                process_group=0,
            )
        except BaseException:
            self._folder.cleanup()
            raise

    def lives(self) -> bool:
        """Say whether it can take another submission."""
        return self._process.poll() is None

    def run(
        self, job: dict[str, Any], files: Path, limits: Limits, given: Given | None = None
    ) -> Progress:
        """Run one submission, and end the sandbox unless it says that nothing is left of it.

        Args:
            job: the submission, as `inside/driver.py` reads it.
            files: what lies in its working folder.
            limits: what it may use.
            given: the cells that it begins with. They run once, with these files, before anything
                of the submission's is read.

        Raises:
            SandboxFailed: the sandbox broke down, or the given cells are not for every submission
                to begin with (`inside/starting_point.py`): then its progress is not ready.
        """
        self.begun = given.digest if given else None
        shutil.copytree(files, self._files, dirs_exist_ok=True)
        for path in (self._files, *self._files.rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)
        header = json.dumps({"limits": asdict(limits), "given": given and given.order})
        listener = _Listener(self._process, limits, f"{header}\n{json.dumps(job)}\n".encode())
        progress = listener.progress
        try:
            listener.listen()
        finally:
            for entry in self._files.iterdir():
                shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
            if not progress.over:
                self.close()
        errors = listener.errors.decode(errors="replace").strip() or "it said nothing"
        if not progress.ready:
            raise SandboxFailed(f"The sandbox did not start: {errors}", progress)
        if not (progress.complete or progress.died is not None or progress.limit is not None):
            raise SandboxFailed(
                f"The sandbox ended during cell {progress.running}: {errors}", progress
            )
        return progress

    def kill(self) -> None:
        """End it from another thread; the one that uses it sees that it has ended."""
        # Graded as root, there are two programs: the first may not end the second, which belongs to
        # another user, when it ends itself.
        with contextlib.suppress(ProcessLookupError):
            if self._process.returncode is None:
                os.killpg(self._process.pid, signal.SIGKILL)

    def close(self) -> None:
        """End it; its process 1 ends with it, and with that everything inside."""
        self.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            if stream is not None:
                with contextlib.suppress(BrokenPipeError):
                    stream.close()
        self._folder.cleanup()


class _Listener:
    """Talks with the sandbox, and watches the limits that hold for the run as a whole."""

    def __init__(self, process: subprocess.Popen[bytes], limits: Limits, job: bytes) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        self.progress = Progress()
        self.errors = bytearray()
        self._input = process.stdin
        self._events = process.stdout
        self._messages = process.stderr
        self._limits = limits
        self._job = memoryview(job)
        self._pieces: list[bytes] = []
        # Outputs, those of tests counted by themselves, and as much again for their JSON.
        self._bytes_left = 4 * limits.output_bytes + MEBIBYTE

    def listen(self) -> None:
        """Hand over the job, and take events until all is over or a limit strikes."""
        progress = self.progress
        deadline = time.monotonic() + _START_SECONDS
        os.set_blocking(self._input.fileno(), False)
        with selectors.DefaultSelector() as selector:
            selector.register(self._input, selectors.EVENT_WRITE)
            selector.register(self._events, selectors.EVENT_READ)
            selector.register(self._messages, selectors.EVENT_READ)
            while not progress.over and self._events in (
                key.fileobj for key in selector.get_map().values()
            ):
                left = deadline - time.monotonic()
                if left <= 0:
                    if progress.ready and not progress.complete:
                        progress.strike("notebook time", progress.running)
                    return
                was_ready, was_complete = progress.ready, progress.complete
                for key, _ in selector.select(left):
                    if not self._serve(key.fileobj):
                        selector.unregister(key.fileobj)
                if progress.ready and not was_ready:
                    deadline = time.monotonic() + self._limits.notebook_seconds
                if progress.complete and not was_complete:
                    deadline = time.monotonic() + _END_SECONDS
                if self._bytes_left < 0:
                    progress.strike("output", progress.running)
                    return
            # What has been said until now, also where the end came first.
            os.set_blocking(self._messages.fileno(), False)
            while self._serve(self._messages, again=False):
                pass

    def _serve(self, stream: Any, again: bool = True) -> bool:
        """Write or read what is ready; return whether there may be more."""
        if stream is self._input:
            # A server that has ended at once says why on standard error.
            with contextlib.suppress(BrokenPipeError, BlockingIOError):
                self._job = self._job[os.write(stream.fileno(), self._job[:65536]) :]
                return len(self._job) > 0
            return False
        try:
            chunk = os.read(stream.fileno(), 65536)
        except BlockingIOError:
            return again
        if stream is self._messages:
            # Also what the kernel writes past Jupyter: read, lest it block, and cut.
            self.errors += chunk[: max(0, _MESSAGE_BYTES - len(self.errors))]
        else:
            self._bytes_left -= len(chunk)
            *ends, rest = chunk.split(b"\n")
            # What has come of a line is joined once, when its end has come.
            for end in ends:
                line = b"".join([*self._pieces, end])
                self._pieces.clear()
                # A line is cut short where the driver was killed while it wrote. Nothing else
                # that is no event comes from a driver, and nothing else is believed.
                with contextlib.suppress(ValueError, RecursionError, LookupError, TypeError):
                    self.progress.take(json.loads(line))
            self._pieces.append(rest)
        return bool(chunk)
