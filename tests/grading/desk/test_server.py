"""Tests of who gets into the desk, and of what it answers."""

from collections.abc import Iterator

import pytest

from grading.desk.access import KEY_HEADER
from tests.desk_course import make_course, of_class
from tests.served_desk import Client, desk_of, served

# nbgrader adds a submission before it belongs to the session, which SQLAlchemy remarks on.
pytestmark = pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning")


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """A browser that has opened the desk's link."""
    folder = make_course(tmp_path_factory.mktemp("course"), of_class(6))
    with served(desk_of(folder)) as access:
        yield Client(access).enter()


def first(client: Client) -> str:
    """Return the first answer's id."""
    return str(client.ask("/api/overview")[2]["questions"][0]["answers"][0]["id"])


def test_a_link_is_good_for_one_use(client: Client) -> None:
    ticket = client.access.link().partition("#")[2]
    stranger = Client(client.access)
    assert stranger.ask("/api/enter", {"ticket": ticket})[0] == 200
    status, headers, body = stranger.ask("/api/enter", {"ticket": ticket})
    assert status == 403
    assert "Set-Cookie" not in headers
    assert body["sentence"].startswith("This link was used already")


@pytest.mark.parametrize("missing", ["Cookie", KEY_HEADER])
def test_nobody_gets_in_with_one_secret_alone(client: Client, missing: str) -> None:
    other = Client(client.access, {k: v for k, v in client.headers.items() if k != missing})
    for path, sent in (
        ("/api/overview", None),
        ("/api/agreement", None),
        (f"/api/answer/{first(client)}", None),
        ("/api/record", {}),
        ("/api/undo", {}),
    ):
        status, _, body = other.ask(path, sent)
        assert status == 403, path
        assert set(body) == {"sentence"}


def test_the_secrets_of_one_desk_do_not_open_another(client: Client) -> None:
    forged = Client(client.access, {"Cookie": f"{client.access.cookie_name}=x", KEY_HEADER: "x"})
    assert forged.ask("/api/overview")[0] == 403
    assert forged.ask("/api/enter", {"ticket": ""})[0] == 403
    assert forged.ask("/api/enter", {"ticket": "é"})[0] == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "rebound.example"},
        {"Host": "127.0.0.1"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "null"},
        {"Origin": "https://elsewhere.example"},
    ],
    ids=["host", "no-port", "port", "null", "origin"],
)
def test_no_other_page_or_name_leads_here(client: Client, headers: dict[str, str]) -> None:
    for path, sent in (("/", None), ("/api/overview", None), ("/api/undo", {})):
        assert client.ask(path, sent, **headers)[0] == 403, path


@pytest.mark.parametrize("path", ["/", "/desk.js", "/desk.css", "/api/overview", "/nowhere"])
def test_every_answer_is_closed_and_not_kept(client: Client, path: str) -> None:
    headers = client.ask(path)[1]
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_the_page_holds_nothing_of_the_class(client: Client) -> None:
    stranger = Client(client.access)
    for path in ("/", "/desk.js", "/desk.css"):
        text = stranger.ask(path)[2]
        assert "student0" not in text
        assert client.access.key not in text
    assert "<script>" not in stranger.ask("/")[2]


@pytest.mark.parametrize(
    "sent",
    [
        None,
        [],
        {"answers": [], "points": [1], "comment": ""},
        {"answers": [{"id": "0", "stamp": ""}], "points": [1, 1, 1], "comment": ""},
        {"answers": "x", "points": {}, "comment": 3},
    ],
    ids=["null", "list", "none", "unknown", "types"],
)
def test_what_is_no_mark_is_refused_in_a_sentence(client: Client, sent: object) -> None:
    status, _, body = client.ask("/api/record", sent if sent is not None else "null")
    assert status == 400
    assert body["sentence"].endswith(".")


def test_a_mark_goes_its_whole_way(client: Client) -> None:
    shown = client.ask(f"/api/answer/{first(client)}")[2]
    assert shown["student"] == ""
    sent = {
        "answers": [{"id": shown["id"], "stamp": shown["stamp"]}],
        "points": [1, 0.5, 0],
        "comment": "Look again.",
    }
    assert client.ask("/api/record", sent)[0] == 200
    status, _, body = client.ask("/api/record", sent)
    assert status == 409
    assert body["answers"] == [shown["id"]]
    again = client.ask(f"/api/answer/{shown['id']}")[2]
    assert (again["score"], again["points"], again["waiting"]) == (1.5, [1, 0.5, 0], False)
    assert client.ask("/api/undo", {})[2]["answers"] == [shown["id"]]
    status, _, body = client.ask("/api/undo", {})
    assert status == 400
    assert body["sentence"].startswith("Nothing has been recorded")
