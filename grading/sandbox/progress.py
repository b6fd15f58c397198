"""The events that a sandbox has written of a run so far."""

from dataclasses import dataclass, field
from typing import Any


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
