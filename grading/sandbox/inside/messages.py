"""Takes from a kernel what has the form of Jupyter's messages, and drops everything else.

Student code holds the kernel's ends of the sockets, and the key that messages are signed with: it
can send what it likes. So a message is looked at where it enters. One that is no message of the
protocol (jupyter_client's "Messaging in Jupyter"), or that a notebook without a reader has no use
for, counts as if it had not been sent, but for its size. What passes has every field that nbclient
and nbformat ask for, of the type they ask for, and holds nothing that JSON or UTF-8 cannot.
"""

import asyncio
import math
import re
import time
from collections.abc import Callable, Mapping
from itertools import accumulate
from queue import Empty
from typing import Any

from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.channels import AsyncZMQSocketChannel
from jupyter_client.session import DELIM, Session
from traitlets import Type

_DEEPEST = 50  # lists in lists; an observation has 6, and what reads a notebook recurses
_LARGEST = 2**64  # of whole numbers, in size
_MOST_CELLS = 2**31  # no kernel counts further
_NAME = 1000  # characters of an identifier
# A string, also one without an end: what always matches takes linear time.
_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)', re.DOTALL)
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_STATES = ("busy", "idle", "starting")
_STATUSES = ("ok", "error", "aborted", "abort")


class Malformed(Exception):
    """Something is not of the form that the protocol gives it."""


def read(session: Session, frames: list[bytes]) -> dict[str, Any] | None:
    """Return the message that was received; None for what is no message, or of no use.

    Args:
        session: with the key.
        frames: as they came, with identities before the delimiter.
    """
    try:
        parts = frames[frames.index(DELIM) + 1 :]
        for part in parts[1:5]:
            _refuse_depth(part if isinstance(part, bytes) else part.bytes)
        message = session.deserialize(parts)
        header, parent = _object(message["header"]), _object(message["parent_header"])
        kind = message["msg_type"]
        content = _CONTENTS[_name(kind)](plain(_object(message["content"])))
        answered = parent.get("msg_id")
        return _message(
            kind,
            content,
            {"msg_id": _name(header["msg_id"]), "msg_type": kind},
            {} if answered is None else {"msg_id": _name(answered)},
        )
    except Exception:
        # Whatever it is that reading raises: it is the sender's doing.
        return None


def recorded(kind: str, content: dict[str, Any]) -> dict[str, Any]:
    """Return a message as `read` returns it, from its type and content.

    Raises:
        Exception: it is none that `read` takes.
    """
    return _message(kind, _CONTENTS[kind](plain(content)), {"msg_type": kind}, {})


def _message(
    kind: str, content: dict[str, Any], header: dict[str, Any], parent: dict[str, Any]
) -> dict[str, Any]:
    return {
        "header": header,
        "parent_header": parent,
        "msg_id": header.get("msg_id", ""),
        "msg_type": kind,
        "metadata": {},
        "content": content,
        "buffers": [],
    }


def _refuse_depth(text: bytes) -> None:
    """Refuse JSON that is nested too deeply before a parser descends into it.

    A flood of texts nested a million deep has made Python's parser overrun the stack, which no
    exception tells: the process ends.
    """
    if text.count(b"[") + text.count(b"{") <= _DEEPEST:
        return
    signs = _STRING.sub(b"", text).translate(None, delete=_NO_BRACKETS)
    if max(accumulate(1 if sign in b"[{" else -1 for sign in signs), default=0) > _DEEPEST:
        raise Malformed("deep")


def plain(value: Any, depth: int = 0) -> Any:
    """Return a value as any reader of JSON and any file can hold it.

    Raises:
        Malformed: it is nested too deeply, or holds a number that is none in JSON, or too large.
    """
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-8", "replace").decode("utf-8")
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int) and abs(value) < _LARGEST:
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    if depth < _DEEPEST:
        if isinstance(value, list):
            return [plain(each, depth + 1) for each in value]
        if isinstance(value, dict):
            return {plain(key): plain(each, depth + 1) for key, each in value.items()}
    raise Malformed(f"{type(value).__name__} at depth {depth}")


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Malformed("no object")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise Malformed("no text")
    return value


def _name(value: Any) -> str:
    if len(_text(value)) > _NAME:
        raise Malformed("a long name")
    return plain(value)


def _one_of(value: Any, allowed: tuple[str, ...]) -> str:
    if value not in allowed:
        raise Malformed("an unknown word")
    return str(value)


def _count(value: Any) -> int | None:
    if value is None:
        return None
    if type(value) is not int or not 0 <= value < _MOST_CELLS:
        raise Malformed("no count")
    return value


def _bundle(value: Any) -> dict[str, Any]:
    """Return what is displayed, without what is no text where text belongs."""
    shown = {}
    for kind, data in _object(value).items():
        if isinstance(data, list) and all(isinstance(line, str) for line in data):
            data = "".join(data)
        if isinstance(data, str) or kind == "application/json" or kind.endswith("+json"):
            shown[kind] = data
    return shown


def _status(content: dict[str, Any]) -> dict[str, Any]:
    return {"execution_state": _one_of(content["execution_state"], _STATES)}


def _execute_input(content: dict[str, Any]) -> dict[str, Any]:
    return {"execution_count": _count(content["execution_count"])}


def _stream(content: dict[str, Any]) -> dict[str, Any]:
    return {"name": _one_of(content["name"], ("stdout", "stderr")), "text": _text(content["text"])}


def _display(content: dict[str, Any]) -> dict[str, Any]:
    shown = {
        "data": _bundle(content["data"]),
        "metadata": _object(content.get("metadata") or {}),
    }
    name = _object(content.get("transient") or {}).get("display_id")
    return shown if name is None else shown | {"transient": {"display_id": _name(name)}}


def _result(content: dict[str, Any]) -> dict[str, Any]:
    return _display(content) | {"execution_count": _count(content["execution_count"])}


def _error(content: dict[str, Any]) -> dict[str, Any]:
    lines = content.get("traceback") or []
    if not isinstance(lines, list):
        raise Malformed("no lines")
    return {
        "ename": _text(content["ename"]),
        "evalue": _text(content["evalue"]),
        "traceback": [_text(line) for line in lines],
    }


def _clear(content: dict[str, Any]) -> dict[str, Any]:
    return {"wait": bool(content.get("wait"))}


def _reply(content: dict[str, Any]) -> dict[str, Any]:
    reply: dict[str, Any] = {"status": _one_of(content["status"], _STATUSES)}
    if isinstance(content.get("ename"), str):
        reply["ename"] = content["ename"]
    return reply


def _info(content: dict[str, Any]) -> dict[str, Any]:
    return {"protocol_version": _name(content["protocol_version"]), "status": "ok"}


# Widgets (comm_open and others) have nobody to answer them here.
_CONTENTS: Mapping[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "status": _status,
    "execute_input": _execute_input,
    "stream": _stream,
    "display_data": _display,
    "update_display_data": _display,
    "execute_result": _result,
    "error": _error,
    "clear_output": _clear,
    "execute_reply": _reply,
    "kernel_info_reply": _info,
}


class _Channel(AsyncZMQSocketChannel):
    """A channel on which nothing but messages arrives."""

    dropped: Callable[[int], None] = staticmethod(lambda size: None)

    async def get_msg(  # type: ignore[override]  # as its own base class does
        self, timeout: float | None = None
    ) -> dict[str, Any]:
        """Return the next message.

        Args:
            timeout: seconds to wait for it, also where other things arrive; None for ever.

        Raises:
            Empty: none came.
        """
        assert self.socket is not None
        deadline = math.inf if timeout is None else time.monotonic() + timeout
        left = timeout
        while await self.socket.poll(None if left is None else int(1000 * left)):
            # What comes faster than it is read would keep the other channel waiting.
            await asyncio.sleep(0)
            frames = await self.socket.recv_multipart()
            if (message := read(self.session, frames)) is not None:
                return message
            _Channel.dropped(sum(map(len, frames)))
            if timeout is not None:
                left = max(0.0, deadline - time.monotonic())
                if left == 0:
                    break
        raise Empty


class Client(AsyncKernelClient):
    """A client that listens where cells are run, and nowhere else."""

    shell_channel_class = Type(_Channel)
    iopub_channel_class = Type(_Channel)

    def start_channels(self, **_: bool) -> None:  # type: ignore[override]  # fewer, on purpose
        """Open the two channels on which a cell is sent, and its outputs and its reply come."""
        super().start_channels(stdin=False, hb=False, control=False)


def count_dropped(count: Callable[[int], None]) -> None:
    """Have a function told the bytes of whatever is dropped from now on."""
    _Channel.dropped = staticmethod(count)
