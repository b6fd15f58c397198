"""Connects to workers on other machines: a Dask cluster, over mutual TLS and nothing else.

A Dask scheduler runs any code for whoever can connect to it, and so does a worker. So both sides
must show a certificate of the same authority.
"""

from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path

import dask
from distributed import Client, KilledWorker
from distributed import Future as Task
from distributed.security import Security

from grading.running.carried_runs import CarriedRuns
from grading.running.workers import Runs, Workers, WorkersKilled, WorkersRefused, run
from grading.submission import Job

_SETTINGS = {
    # A worker runs one submission at a time, and gets the next when it is free.
    "distributed.scheduler.worker-saturation": 1.0,
}
_CERTIFICATES = {
    "tls_ca_file": "distributed.comm.tls.ca-file",
    "tls_client_cert": "distributed.comm.tls.client.cert",
    "tls_client_key": "distributed.comm.tls.client.key",
}


class _Cluster:
    are_here = False

    def __init__(self, client: Client) -> None:
        self._client = client

    def number(self) -> int:
        return sum(self._client.nthreads().values())

    def submit(self, of_notebooks: dict[str, Job]) -> "Future[Runs]":
        task = self._client.submit(run, of_notebooks, pure=False)
        future: Future[Runs] = Future()

        def finish(task: Task) -> None:
            error = task.exception()
            if isinstance(error, KilledWorker):
                future.set_exception(WorkersKilled(str(error)))
            elif error is not None:
                future.set_exception(error)
            else:
                future.set_result(task.result())
            task.release()

        task.add_done_callback(finish)
        return future

    def carry_runs(self, folder: Path) -> None:
        self._client.register_plugin(CarriedRuns(folder), name=f"recorded-runs {folder}")


@contextmanager
def cluster(address: str, patience: float = 30) -> Iterator[Workers]:
    """Give the workers of a scheduler that runs already.

    Args:
        address: of the scheduler, tls://HOST:PORT.
        patience: seconds to wait for the scheduler, and then for its first worker.

    Raises:
        WorkersRefused: the address or Dask's configuration lacks mutual TLS, or nobody answers.
    """
    security, authority = _security(address)
    with dask.config.set(_SETTINGS):
        try:
            client = Client(address, security=security, timeout=patience)
        except (OSError, ValueError) as error:
            raise WorkersRefused(
                f"No connection to the scheduler at {address}: {error} Does it run there, with a "
                f"certificate of the authority in {authority}?"
            ) from None
        with client:
            try:
                client.wait_for_workers(1, timeout=patience)
            except TimeoutError:
                raise WorkersRefused(
                    f"The scheduler at {address} has had no worker for {patience:g} s. Start some "
                    "(dask worker), with certificates as well."
                ) from None
            yield _Cluster(client)


def _security(address: str) -> tuple[Security, str]:
    """Return what to connect with, and the file of the authority."""
    if not address.startswith("tls://"):
        raise WorkersRefused(
            f"The scheduler {address} is refused: over anything but tls://, everybody who reaches "
            "it runs code with your rights. Start scheduler and workers with certificates, name "
            f"yours in Dask's configuration ({', '.join(_CERTIFICATES.values())}), and give "
            "tls://HOST:PORT; docs/large_classes.md shows the commands."
        )
    security = Security(require_encryption=True)
    files = {key: str(getattr(security, name) or "") for name, key in _CERTIFICATES.items()}
    wrong = [key for key, file in files.items() if not Path(file).is_file()]
    if wrong:
        raise WorkersRefused(
            f"Dask's configuration should name a file that is there in {', '.join(wrong)}: a "
            "scheduler is used over mutual TLS alone. docs/large_classes.md shows how certificates "
            "are made and named."
        )
    return security, files[_CERTIFICATES["tls_ca_file"]]
