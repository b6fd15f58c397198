"""Stands for Canvas: answers the requests that its documentation describes, and no others.

Submissions (submissions.html, submission_comments.html) and the three steps of a file's upload
(file_uploads.html), of https://canvas.instructure.com/doc/api/. It is no Canvas: what it gets
wrong, the tests get wrong.
"""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

TOKEN = "a secret token"
_ONE = "/api/v1/courses/12/assignments/34"


class Canvas(ThreadingHTTPServer):
    """A course 12 with an assignment 34.

    Attributes:
        users: its students.
        points: how many the assignment has.
        submissions: by the student's number.
        files: uploaded, by number: name and content.
        writes: the requests that changed something, in their order.
        refuse: a path that is answered with 500.
    """

    def __init__(self, users: list[dict[str, Any]], points: float) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.users, self.points, self.refuse = users, points, ""
        self.submissions: dict[int, dict[str, Any]] = {
            user["id"]: {"user_id": user["id"], "score": None, "submission_comments": []}
            for user in users
        }
        self.files: dict[int, tuple[str, bytes]] = {}
        self.writes: list[str] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Answers(BaseHTTPRequestHandler):
    server: Canvas

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = parse_qs(parts.query)
        if not self._allowed():
            return
        one = {"id": 34, "course_id": 12, "points_possible": self.server.points}
        if parts.path == "/api/v1/courses/12":
            self._answer({"id": 12, "name": "A course"})
        elif parts.path == _ONE:
            self._answer(one)
        elif parts.path == "/api/v1/courses/12/search_users":
            assert query["enrollment_type[]"] == ["student"]
            # In pages of one, as Canvas answers in pages.
            page = int(query.get("page", ["1"])[0])
            following = (
                f"{self.server.address}{parts.path}?enrollment_type[]=student&page={page + 1}"
            )
            more = {"Link": f'<{following}>; rel="next"'} if page < len(self.server.users) else {}
            self._answer(self.server.users[page - 1 : page], more)
        elif parts.path == f"{_ONE}/submissions":
            assert query["include[]"] == ["submission_comments"]
            about = {"assignment_id": 34, "course_id": 12}
            self._answer([each | about for each in self.server.submissions.values()])
        else:
            self._answer({"errors": [{"message": "not found"}]}, status=404)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/upload":
            self._take_file(body)
        elif self._allowed():
            match = re.fullmatch(rf"{_ONE}/submissions/(\d+)/comments/files", self.path)
            assert match is not None, self.path
            form = self._form(body)
            assert form["size"][0].isdigit()
            self.server.writes.append(f"file {match[1]}")
            keys = {"key": form["name"][0]}
            self._answer({"upload_url": f"{self.server.address}/upload", "upload_params": keys})

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if not self._allowed():
            return
        match = re.fullmatch(rf"{_ONE}/submissions/(\d+)", self.path)
        assert match is not None, self.path
        submission, form = self.server.submissions[int(match[1])], self._form(body)
        self.server.writes.append(f"{[*form]} {match[1]}")
        if "submission[posted_grade]" in form:
            submission["score"] = float(form["submission[posted_grade]"][0])
        for number in form.get("comment[file_ids][]", []):
            attachment = {"id": int(number), "filename": self.server.files[int(number)][0]}
            submission["submission_comments"].append({"attachments": [attachment]})
        self._answer(submission | {"assignment_id": 34, "course_id": 12})

    def _take_file(self, body: bytes) -> None:
        # What is uploaded to may be another company's server.
        assert "Authorization" not in self.headers
        *parameters, file = self._parts(body)
        assert [_name(each) for each in parameters] == ["key"]
        number = len(self.server.files) + 1
        self.server.files[number] = (str(file.get_filename()), file.get_payload(decode=True))
        self._answer({"id": number, "url": f"{self.server.address}/files/{number}"}, status=201)

    def _form(self, body: bytes) -> dict[str, list[str]]:
        if self.headers["Content-Type"] == "application/x-www-form-urlencoded":
            return parse_qs(body.decode())
        form: dict[str, list[str]] = {}
        for part in self._parts(body):
            form.setdefault(_name(part), []).append(str(part.get_payload()))
        return form

    def _parts(self, body: bytes) -> list[Any]:
        head = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode()
        return [*BytesParser().parsebytes(head + body).walk()][1:]

    def _allowed(self) -> bool:
        if self.headers["Authorization"] != f"Bearer {TOKEN}":
            self._answer({"errors": [{"message": "Invalid access token."}]}, {}, 401)
            return False
        if self.server.refuse and self.server.refuse in self.path:
            self._answer({"errors": [{"message": "busy"}]}, status=500)
            return False
        return True

    def _answer(
        self, content: object, headers: dict[str, str] | None = None, status: int = 200
    ) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        sent = {"Content-Type": "application/json", "Content-Length": str(len(body))}
        if status == 401:
            sent["WWW-Authenticate"] = 'Bearer realm="canvas-lms"'
        for name, value in (sent | (headers or {})).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Print nothing."""


def _name(part: Any) -> str:
    return str(part.get_param("name", header="Content-Disposition"))


@contextmanager
def canvas(users: list[dict[str, Any]], points: float) -> Iterator[Canvas]:
    """Serve a Canvas on this machine until the block is left."""
    with Canvas(users, points) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
