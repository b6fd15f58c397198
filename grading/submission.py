"""What travels with a submission from step to step.

intake    Remarks: what was not as it should be       (kept in the notebook's metadata)
run       Job: a notebook and all it is run with; Run: what came of it
judge     verdicts, and problems that a person should look at
record    whether the submission is flagged
"""

from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nbformat.notebooknode import NotebookNode

from grading.assignment import Verdict
from grading.course.names import readable, shown
from grading.words import say

MEBIBYTE = 2**20
_IN_RESOURCES = "submission"
_IN_METADATA = "intake"
# Remarks on what was read as it was probably meant.
_GUESSES = (
    *("remarks.strange_cells", "remarks.copy_beside", "remarks.several_copies"),
    *("remarks.code_elsewhere", "remarks.file_elsewhere"),
)
# Remarks on text that was not read and may be an answer.
_UNREAD = ("remarks.text_elsewhere", "remarks.several_copies")


@dataclass(frozen=True)
class Message:
    """Something to say in any language.

    Attributes:
        key: of `grading.words`.
        values: what it mentions, by name: text, or another message.
    """

    key: str
    values: Mapping[str, "str | Message"] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.said("en")

    def said(self, language: str) -> str:
        """Return it in a language; of names in it, what no text can hold is escaped."""
        values = {
            name: value.said(language) if isinstance(value, Message) else value
            for name, value in self.values.items()
        }
        return shown(say(language, self.key, **values))

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        values = {
            name: value.to_json() if isinstance(value, Message) else value
            for name, value in self.values.items()
        }
        return {"key": self.key, "values": values}

    @classmethod
    def from_json(cls, entry: Mapping[str, Any]) -> "Message":
        """Return what `to_json` gave."""
        values = {
            name: value if isinstance(value, str) else cls.from_json(value)
            for name, value in entry["values"].items()
        }
        return cls(entry["key"], values)


def remark(key: str, /, **values: object) -> Message:
    """Return a remark on a submission, with values that any file can hold."""
    told = {n: v if isinstance(v, Message) else readable(v) for n, v in values.items()}
    return Message(f"remarks.{key}", told)


@dataclass(frozen=True)
class Remarks:
    """What was noticed when a submission was read.

    Attributes:
        repairs: what was not as it should be, and was graded all the same.
        unreadable: why nothing could be graded, if so.
        digest: SHA-256 of the submitted file, or "" where there is none.
        work: SHA-256 of it, its copies and the files beside it; the seed depends on it.
    """

    repairs: tuple[Message, ...] = ()
    unreadable: Message | None = None
    digest: str = ""
    work: str = ""

    @property
    def for_a_person(self) -> list[Message]:
        """What a person should look at: the grade may rest on a guess."""
        guessed = [message for message in self.repairs if message.key in _GUESSES]
        return [*([self.unreadable] if self.unreadable else []), *guessed]

    @property
    def has_unread_text(self) -> bool:
        """Whether text that is no answer by its place may be one."""
        return any(message.key in _UNREAD for message in self.repairs)

    def write(self, nb: NotebookNode) -> None:
        """Keep them in a notebook's metadata, from the step that reads to the one that shows."""
        nb.metadata[_IN_METADATA] = NotebookNode(
            repairs=[message.to_json() for message in self.repairs],
            unreadable=self.unreadable and self.unreadable.to_json(),
            digest=self.digest,
            work=self.work,
        )

    @classmethod
    def read(cls, nb: NotebookNode) -> "Remarks":
        """Return those in a notebook's metadata."""
        entry = nb.metadata.get(_IN_METADATA)
        if entry is None:
            return cls()
        return cls(
            tuple(map(Message.from_json, entry["repairs"])),
            entry["unreadable"] and Message.from_json(entry["unreadable"]),
            entry["digest"],
            entry["work"],
        )

    @staticmethod
    def forget(nb: NotebookNode) -> None:
        """Remove them from a notebook's metadata."""
        nb.metadata.pop(_IN_METADATA, None)


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
    """Memory of all processes, files and sockets. PyTorch and the data take about 0.9 GiB."""
    processes: int = 64
    """Processes at one time; of threads, four times as many."""
    disk_bytes: int = 512 * MEBIBYTE
    """Size of the working folder, of /tmp and of /dev/shm, which are in memory."""
    output_bytes: int = 20 * MEBIBYTE
    """All outputs together. The lesson's figures are about 0.5 MiB."""


@dataclass(frozen=True)
class Surroundings:
    """What a sandbox holds for every submission that is run in it.

    Attributes:
        modules: files and folders to be importable, under the name of the folder each lies in.
        imports: modules that the sandbox imports once, for all of them.
        data_variable: the environment variable that names the folder of data inside.
        data: that folder outside.
        runs: the folder of recorded training runs that RECALL_FOLDER names inside.
        record: whether runs may be added to it: for the instructor's notebook alone.
    """

    modules: tuple[Path, ...] = ()
    imports: tuple[str, ...] = ()
    data_variable: str = ""
    data: Path | None = None
    runs: Path | None = None
    record: bool = False


@dataclass(frozen=True)
class Job:
    """A notebook and everything it is run with.

    Attributes:
        notebook: what to run.
        files: relative path to content, for the working folder.
        environment: variables for the kernel.
        limits: what the run may use.
        surroundings: with folders as they are on the machine that made the job.
        data_folder: what a folder of data holds where the data are there.
        module: the assignment's (`grading.assignment`), "" where it has none.
        given: how many of the first code cells are the release's, as are all files then.
    """

    notebook: NotebookNode
    files: dict[str, bytes] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    limits: Limits = Limits()
    surroundings: Surroundings = Surroundings()
    data_folder: Path = Path()
    module: str = ""
    given: int = 0


@dataclass(frozen=True)
class Run:
    """What came of a run.

    Attributes:
        notebook: with the outputs of every cell that ran to its end; the others have none.
        seconds: how long it took.
        died: the index of the cell in which the kernel's process ended by itself.
        limit: the name of the limit that struck first.
        limit_cell: the cell it struck in.
        broke: the index of the cell in which the submission made its sandbox break down.
        complete: whether the run came to the last cell.
        statuses: what the kernel replied on each cell that it ran, by index: "ok", "error" or
            "aborted".
        confirmed: by criterion, whether what its observation claims is so, where it claims
            something (`grading.running.claims`).
    """

    notebook: NotebookNode
    seconds: float = 0.0
    died: int | None = None
    limit: str | None = None
    limit_cell: int | None = None
    complete: bool = False
    statuses: Mapping[int, str | None] = field(default_factory=dict)
    broke: int | None = None
    confirmed: Mapping[str, bool] = field(default_factory=dict)


@dataclass
class Submission:
    """What the steps know of a submission's notebook; each adds its part.

    Attributes:
        remarks: from the intake.
        seed: the grading's, once it is run.
        run: what came of the run; None before it. Of a file that is no notebook, no cell is run.
        verdicts: by criterion.
        problems: sentences on what a person should look at.
        flagged: whether a person should, once it is recorded.
    """

    remarks: Remarks = Remarks()
    seed: int | None = None
    run: Run | None = None
    verdicts: dict[str, Verdict] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    flagged: bool = False

    @staticmethod
    def of(resources: MutableMapping[str, Any]) -> "Submission":
        """Return the one that a conversion's resources carry, a new one at first."""
        submission: Submission = resources.setdefault(_IN_RESOURCES, Submission())
        return submission
