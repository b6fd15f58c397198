"""What goes into a run and what comes out of it: limits, events, the execution."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from nbformat.notebooknode import NotebookNode

MEBIBYTE = 2**20


@dataclass(frozen=True)
class Limits:
    """What one submission may use."""

    cell_seconds: float = 120
    """Wall time of one cell; the cell is then interrupted, and the next one runs."""
    notebook_seconds: float = 600
    """Wall time of all cells together."""
    processor_seconds: float = 900
    """Processor time of all processes and cores together."""
    memory_bytes: int = 6 * 1024 * MEBIBYTE
    """Resident memory of all processes together. PyTorch and the data take about 0.9 GiB."""
    processes: int = 64
    """Processes at one time; threads do not count."""
    disk_bytes: int = 512 * MEBIBYTE
    """Size of the working folder, and of /tmp, which are in memory."""
    output_bytes: int = 20 * MEBIBYTE
    """All outputs together. The lesson's figures are about 0.5 MiB."""


@dataclass(frozen=True)
class Execution:
    """What came out of a run.

    `notebook` has the outputs of every cell that ran to its end; the others have none. `died` is
    the index of the cell in which the kernel's process ended by itself, `limit` the name of the
    limit that struck first and `limit_cell` the cell it struck in. `statuses` holds what the kernel
    replied on each cell that it ran, by index: "ok", "error" or "aborted".
    """

    notebook: NotebookNode
    seconds: float
    died: int | None = None
    limit: str | None = None
    limit_cell: int | None = None
    complete: bool = False
    statuses: Mapping[int, str | None] = field(default_factory=dict)


@dataclass
class Progress:
    """The events of a run so far."""

    ready: bool = False
    complete: bool = False
    over: bool = False
    running: int | None = None
    died: int | None = None
    limit: str | None = None
    limit_cell: int | None = None
    cells: dict[int, tuple[list[Any], int | None]] = field(default_factory=dict)
    statuses: dict[int, str | None] = field(default_factory=dict)

    def strike(self, limit: str, cell: int | None) -> None:
        """Note the limit that struck first."""
        if self.limit is None:
            self.limit, self.limit_cell = limit, cell

    def take(self, event: dict[str, Any]) -> None:
        """Note what an event says, which the driver or process 1 has written."""
        match event["event"]:
            case "ready":
                self.ready = True
            case "start":
                self.running = event["cell"]
            case "cell":
                self.cells[event["cell"]] = (event["outputs"], event["execution_count"])
                self.statuses[event["cell"]] = event["status"]
            case "limit":
                cell = event["cell"]
                self.strike(event["limit"], self.running if cell is None else cell)
            case "died":
                self.died = event["cell"]
            case "end":
                self.complete = True
            case "over":
                self.over = True
