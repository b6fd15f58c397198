"""Decides who gets in: the browser that opened the link from the terminal, and nobody else.

Every account of a machine can reach its loopback address, and every page in a browser can send
requests there. So a link is good for one use, and gives two secrets. One is a cookie, which no
script can read; but cookies do not know ports, so that another account's server at another port
would be sent it. The other is a key that the page's script keeps for this address and port alone,
and sends in a header, which no foreign page can. Requests need both, and have to name this address,
lest a foreign name be made to lead here.
"""

import hmac
import secrets
from collections.abc import Mapping

KEY_HEADER = "X-Desk-Key"


class Access:
    """The secrets of one running desk.

    Args:
        port: at which it listens on the loopback address.
    """

    def __init__(self, port: int) -> None:
        self._hosts = (f"127.0.0.1:{port}", f"localhost:{port}")
        self._address = f"http://127.0.0.1:{port}"
        self._tickets: set[str] = set()
        self.cookie_name = f"desk-{port}"
        self.cookie = secrets.token_urlsafe(32)
        self.key = secrets.token_urlsafe(32)

    def link(self) -> str:
        """Return a link for one use; what is after the # stays in the browser that opens it."""
        ticket = secrets.token_urlsafe(32)
        self._tickets.add(ticket)
        return f"{self._address}/#{ticket}"

    def enter(self, ticket: str) -> bool:
        """Tell whether a link's ticket is good; afterwards it is not."""
        for known in self._tickets:
            if _is_same(known, ticket):
                self._tickets.remove(known)
                return True
        return False

    def is_addressed(self, headers: Mapping[str, str]) -> bool:
        """Tell whether a request names this address, and comes from no other page."""
        host = headers.get("Host", "")
        origin = headers.get("Origin")
        return host in self._hosts and origin in (None, f"http://{host}")

    def is_known(self, cookie: str, key: str) -> bool:
        """Tell whether a request has both secrets."""
        return _is_same(self.cookie, cookie) and _is_same(self.key, key)


def _is_same(known: str, given: str) -> bool:
    return hmac.compare_digest(known.encode(), given.encode("utf-8", "replace"))
