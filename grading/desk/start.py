"""Opens the grading desk: `python -m grading desk ASSIGNMENT` serves a page on this machine."""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from grading.assignment import Assignments
from grading.course.language import read_language
from grading.course.settings import course_settings
from grading.desk.answers import AnswerFolder, read_answers
from grading.desk.desk import Desk
from grading.desk.journal import FILE, Journal
from grading.desk.server import listen
from grading.errors import GradingError
from grading.recording.record import grader
from grading.words import say


class NotAShare(GradingError):
    """What was given as the share of answers is none."""


def main(arguments: Sequence[str]) -> int:
    """Serve the desk until it is interrupted.

    Raises:
        GradingError: there is nothing to grade, or the port is taken.
    """
    options = _parser().parse_args(arguments)
    if not 0 <= options.share <= 1:
        raise NotAShare(
            f"--share is from 0 to 1, such as 0.1 for every tenth; not {options.share}."
        )
    app = course_settings()
    name = options.assignment
    source = Path(app.coursedir.format_path(app.coursedir.source_directory, ".", name))
    folder = AnswerFolder(
        app.coursedir, name, Assignments(parent=app).of(name), read_language(source)
    )
    answers = read_answers(folder, _told if sys.stderr.isatty() else lambda done, of: None)
    journal = Journal(Path(app.coursedir.root) / FILE)
    desk = Desk(folder, answers, journal, options.grader, options.names, options.share)
    try:
        asyncio.run(_serve(desk, options.port))
    except (KeyboardInterrupt, asyncio.CancelledError):
        print()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m grading desk", description=__doc__)
    parser.add_argument("assignment")
    parser.add_argument("--names", action="store_true", help="show whose answer it is")
    parser.add_argument(
        "--grader", default=grader(), help="who grades, where two share an account; default: yours"
    )
    parser.add_argument(
        "--share",
        type=float,
        default=0.0,
        help="the part of the answers that every grader is shown, such as 0.1; default: 0",
    )
    parser.add_argument(
        "--port", type=int, default=0, help="at which to listen; default: a free one"
    )
    return parser


def _told(done: int, of: int) -> None:
    end = "\n" if done + 1 == of else ""
    print(f"\rReading answers: {done + 1} of {of}", end=end, file=sys.stderr, flush=True)


async def _serve(desk: Desk, port: int) -> None:
    _server, access = listen(desk, port)

    def tell() -> None:
        print(say(desk.language, "desk.open", link=access.link()), flush=True)

    tell()
    if sys.stdin is not None and sys.stdin.isatty():
        print(say(desk.language, "desk.another_link"), flush=True)

        def on_line() -> None:
            if not sys.stdin.readline():
                # The terminal is gone; its links would lead nowhere.
                asyncio.get_running_loop().remove_reader(sys.stdin)
                return
            tell()

        asyncio.get_running_loop().add_reader(sys.stdin, on_line)
    await asyncio.Event().wait()
