"""Serves the desk's page on the loopback address, and what the page asks for as JSON."""

from pathlib import Path
from typing import Any

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler

from grading.desk.access import KEY_HEADER, Access
from grading.desk.desk import Desk, NothingToUndo, Seen, WrongMark
from grading.desk.marks import GradebookBusy, OtherMark
from grading.errors import GradingError
from grading.words import say, words

ADDRESS = "127.0.0.1"
_TEMPLATES = Path(__file__).with_name("templates")
_LARGEST = 2**20  # bytes of a request
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class PortTaken(GradingError):
    """The port that was asked for cannot be listened at."""


class Ticket(msgspec.Struct):
    """What a link gives to the page."""

    ticket: str


class Recording(msgspec.Struct):
    """A mark for some answers, as the page sends it."""

    answers: list[Seen]
    points: list[float]
    comment: str


class _Base(RequestHandler):
    """What every request needs: headers, and the right address."""

    def initialize(self, desk: Desk, access: Access) -> None:
        self.desk, self.access = desk, access

    def set_default_headers(self) -> None:
        self.clear_header("Server")
        for name, value in _HEADERS.items():
            self.set_header(name, value)

    def prepare(self) -> None:
        if not self.access.is_addressed(self.request.headers):
            self.refuse(403, "desk.foreign")

    def refuse(self, code: int, key: str) -> None:
        """Answer with a sentence."""
        self.say(code, say(self.desk.language, key))

    def say(self, code: int, sentence: str, **more: Any) -> None:
        """Answer with a sentence that the page shows."""
        self.set_status(code)
        self.finish({"sentence": sentence, **more})

    def write_error(self, status_code: int, **_: Any) -> None:
        """Tell what went wrong in a sentence; the terminal has the rest."""
        self.say(status_code, say(self.desk.language, "desk.failed"))


class _File(_Base):
    """The page and what belongs to it: the same for everybody, and nothing of the class."""

    def initialize(self, desk: Desk, access: Access, text: str = "", kind: str = "") -> None:
        super().initialize(desk, access)
        self._text, self._kind = text, kind

    def get(self) -> None:
        self.set_header("Content-Type", f"text/{self._kind}; charset=utf-8")
        self.finish(self._text)


class _Enter(_Base):
    """Takes a link's ticket, and gives the two secrets."""

    def post(self) -> None:
        try:
            sent = msgspec.json.decode(self.request.body, type=Ticket)
        except (msgspec.DecodeError, msgspec.ValidationError):
            return self.refuse(400, "desk.no_ticket")
        if not self.access.enter(sent.ticket):
            return self.refuse(403, "desk.used_link")
        self.set_cookie(
            self.access.cookie_name, self.access.cookie, httponly=True, samesite="Strict", path="/"
        )
        self.finish({"key": self.access.key})


class _Known(_Base):
    """A request of the browser that the link was opened in."""

    def prepare(self) -> None:
        super().prepare()
        cookie = self.get_cookie(self.access.cookie_name) or ""
        key = self.request.headers.get(KEY_HEADER, "")
        if not self._finished and not self.access.is_known(cookie, key):
            self.refuse(403, "desk.unknown_browser")

    def answer(self, asked: str, *arguments: Any) -> None:
        """Do what is asked of the desk; say what is in the way in a sentence."""
        try:
            self.finish(getattr(self, f"_{asked}")(*arguments))
        except OtherMark as error:
            self.say(409, say(self.desk.language, "desk.changed"), answers=error.answers)
        except (WrongMark, NothingToUndo) as error:
            self.say(400, str(error))
        except GradebookBusy as error:
            self.say(503, str(error))
        except OSError as error:
            self.say(500, say(self.desk.language, "desk.not_written", error=error))


class _Ask(_Known):
    def get(self, asked: str, name: str = "") -> None:
        self.answer(asked, *([name] if name else []))

    def _overview(self) -> dict[str, Any]:
        return self.desk.overview()

    def _agreement(self) -> dict[str, Any]:
        return {"agreement": self.desk.agreement()}

    def _answer(self, name: str = "") -> dict[str, Any]:
        return self.desk.show(name)


class _Mark(_Known):
    def post(self, asked: str) -> None:
        self.answer(asked)

    def _record(self) -> dict[str, Any]:
        try:
            sent = msgspec.json.decode(self.request.body, type=Recording)
        except (msgspec.DecodeError, msgspec.ValidationError):
            raise WrongMark(say(self.desk.language, "desk.wrong_points")) from None
        return {"second": self.desk.record(sent.answers, sent.points, sent.comment)}

    def _undo(self) -> dict[str, Any]:
        return {"answers": self.desk.undo()}


def listen(desk: Desk, port: int = 0) -> tuple[HTTPServer, Access]:
    """Begin to serve a desk in this thread's event loop; return the server, and who gets in.

    Args:
        desk: what is served.
        port: at which to listen; 0 takes a free one.

    Raises:
        PortTaken: it cannot be listened at.
    """
    try:
        sockets = bind_sockets(port, ADDRESS)
    except OSError as error:
        raise PortTaken(
            f"Port {port} of {ADDRESS} cannot be used ({error.strerror}); leave out --port for a "
            "free one."
        ) from None
    access = Access(sockets[0].getsockname()[1])
    common = {"desk": desk, "access": access}
    files = [
        ("/", _page(desk.language, desk.assignment), "html"),
        ("/desk.css", (_TEMPLATES / "desk.css").read_text(encoding="utf-8"), "css"),
        ("/desk.js", (_TEMPLATES / "desk.js").read_text(encoding="utf-8"), "javascript"),
    ]
    application = Application(
        [
            *((path, _File, {**common, "text": text, "kind": kind}) for path, text, kind in files),
            ("/api/enter", _Enter, common),
            ("/api/(overview|agreement)", _Ask, common),
            ("/api/(answer)/([0-9a-f]{1,64})", _Ask, common),
            ("/api/(record|undo)", _Mark, common),
        ],
        default_handler_class=_Missing,
        default_handler_args=common,
        log_function=lambda handler: None,
    )
    server = HTTPServer(application, max_body_size=_LARGEST, max_buffer_size=2 * _LARGEST)
    server.add_sockets(sockets)
    return server, access


class _Missing(_Base):
    def prepare(self) -> None:
        super().prepare()
        if not self._finished:
            self.refuse(404, "desk.no_page")


def _page(language: str, assignment: str) -> str:
    """Return the page without answers, with the sentences that its script says."""
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    table = words(language)
    return environment.get_template("desk.html.j2").render(
        language=table["feedback"]["html_language"], assignment=assignment, words=table["desk"]
    )
