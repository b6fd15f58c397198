"""A desk that is served in a thread of the test's process, and a client that knows its secrets."""

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from typing import Any

from grading.desk.access import KEY_HEADER, Access
from grading.desk.answers import AnswerFolder, read_answers
from grading.desk.desk import Desk
from grading.desk.journal import FILE, Journal
from grading.desk.server import ADDRESS, listen


def desk_of(folder: AnswerFolder, grader: str = "ada", **options: Any) -> Desk:
    """Return a desk with all answers of a course."""
    journal = Journal(folder.source("x").parents[2] / FILE)
    return Desk(folder, read_answers(folder), journal, grader, **options)


@contextmanager
def served(desk: Desk) -> Iterator[Access]:
    """Serve a desk; yield who gets in."""
    loop = asyncio.new_event_loop()
    opened: list[Access] = []
    ready = threading.Event()

    async def serve() -> None:
        server, access = listen(desk)
        opened.append(access)
        ready.set()
        stop = asyncio.Event()
        stops.append(stop)
        await stop.wait()
        server.stop()
        await server.close_all_connections()

    stops: list[asyncio.Event] = []
    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    try:
        assert ready.wait(20)
        yield opened[0]
    finally:
        loop.call_soon_threadsafe(lambda: stops[0].set())
        thread.join()
        loop.close()


@dataclass
class Client:
    """Sends what a browser would, or what none may."""

    access: Access
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def port(self) -> int:
        """Where the desk listens."""
        return int(self.access.cookie_name.removeprefix("desk-"))

    def enter(self) -> "Client":
        """Open a link, and keep the two secrets."""
        _, headers, body = self.ask("/api/enter", {"ticket": self.access.link().partition("#")[2]})
        cookie = headers["Set-Cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=Strict" in cookie
        self.headers = {"Cookie": cookie.partition(";")[0], KEY_HEADER: body["key"]}
        return self

    def ask(self, path: str, sent: object = None, **headers: str) -> tuple[int, Any, Any]:
        """Return status, headers and body of a request; what is sent makes it a POST."""
        connection = HTTPConnection(ADDRESS, self.port, timeout=20)
        try:
            connection.request(
                "GET" if sent is None else "POST",
                path,
                None if sent is None else json.dumps(sent),
                {**self.headers, **headers},
            )
            response = connection.getresponse()
            text = response.read().decode()
            is_json = "json" in response.headers.get("Content-Type", "")
            return response.status, response.headers, json.loads(text) if is_json else text
        finally:
            connection.close()
