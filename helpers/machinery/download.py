"""Downloads the files of Fashion-MNIST, and gives up soon where no download can succeed."""

import hashlib
import os
import queue
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

from torchvision.datasets import FashionMNIST
from tqdm import tqdm

from .errors import HelperError
from .language import translate

# Seconds without MINIMUM_PROGRESS new bytes after which a download counts as failed. A name
# server that does not answer is covered too, so the whole attempt ends within 15 s.
PATIENCE = 10.0
MINIMUM_PROGRESS = 32_768
CHUNK = 65_536


class DownloadError(HelperError):
    """No mirror delivered the files; the message says what was tried."""


def download(folder: Path, files: dict[str, str]) -> None:
    """Download files of Fashion-MNIST from torchvision's mirrors.

    Args:
        folder: where the files go; made when the first file has arrived.
        files: file name to official MD5.

    Raises:
        DownloadError: no mirror delivered every file; nothing half-written is left behind.
    """
    failures = []
    deadline = time.monotonic() + PATIENCE
    for mirror in FashionMNIST.mirrors:
        try:
            # The smallest file first: a mirror that is down, or a login page in place of it,
            # shows within seconds.
            for name in sorted(files, key=lambda name: ("images" in name, "train" in name)):
                _fetch(mirror + name, folder / name, files[name], deadline)
                deadline = time.monotonic() + PATIENCE
            return
        except DownloadError as error:
            for name in files:
                (folder / name).unlink(missing_ok=True)
            failures.append(f"{mirror}: {error}")
    told = translate("Fashion-MNIST could not be downloaded. Tried {failures}.")
    raise DownloadError(told.format(failures="; ".join(failures)))


def _fetch(url: str, path: Path, md5: str, deadline: float) -> None:
    """Download one file, check it and put it into place."""
    # The reading happens in a thread of its own, because looking up a name can hang for longer
    # than any time limit that a socket takes.
    chunks: queue.Queue[bytes | Exception | None] = queue.Queue()
    threading.Thread(target=_read, args=(url, chunks), daemon=True).start()
    content = bytearray()
    counted = 0
    with tqdm(desc=path.name, unit="B", unit_scale=True, leave=False) as progress:
        while True:
            try:
                chunk = chunks.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise DownloadError(f"no answer within {PATIENCE:.0f} s") from None
            if isinstance(chunk, Exception):
                raise DownloadError(str(chunk) or type(chunk).__name__) from chunk
            if chunk is None:
                break
            content += chunk
            progress.update(len(chunk))
            if len(content) - counted >= MINIMUM_PROGRESS:
                counted = len(content)
                deadline = time.monotonic() + PATIENCE
    found = hashlib.md5(content, usedforsecurity=False).hexdigest()
    if found != md5:
        raise DownloadError(f"{path.name} arrived with MD5 {found}, expected {md5}")
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    partial.write_bytes(content)
    os.replace(partial, path)


def _read(url: str, chunks: "queue.Queue[bytes | Exception | None]") -> None:
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE) as response:
            while chunk := response.read(CHUNK):
                chunks.put(chunk)
        chunks.put(None)
    # Whatever goes wrong here is told by the thread that waits; a thread has nobody to raise to.
    except Exception as error:
        chunks.put(error)
