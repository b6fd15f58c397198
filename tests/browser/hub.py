"""A JupyterHub on a Debian of its own: what docs/jupyterhub.md changes of a machine, in a view.

Typed commands see their own /etc (a copy), /home, /srv, /root and /var/log, and processes of their
own, so that accounts, folders and servers are gone with the test.
"""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

from tests.browser.server import Server, free_port
from tests.other_user import opened
from tests.scratch_course import COURSE_ROOT

PAGE = COURSE_ROOT / "docs" / "jupyterhub.md"
ENVIRONMENT = Path("srv/nbgrader/environment")
_OWN = ("etc", "home", "root", "srv", "var/log", "var/mail")


def blocks(heading: str = "", language: str = "bash") -> list[str]:
    """Return the page's blocks in a language, below a heading or the page's title."""
    text = PAGE.read_text(encoding="utf-8")
    text = (text.split(f"\n## {heading}\n")[1] if heading else text).split("\n## ")[0]
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def files() -> dict[str, str]:
    """Return the files that the page gives, by path: each is named above its block."""
    text = PAGE.read_text(encoding="utf-8")
    return dict(
        re.findall(r"^`(/[^`]+)`[^`]*?:\n\n```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    )


class Machine:
    """A machine on which the page is typed; `folder` holds what it changes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        base = Path(sys.base_prefix).resolve()
        self._view = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
        self._view += ["bwrap", "--dev-bind", "/", "/", "--cap-add", "ALL", "--die-with-parent"]
        for name in _OWN:
            self._view += ["--bind", str(folder / name), f"/{name}"]
        self._view += opened(base)
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("FASHION", "JUPYTER", "PYTHON", "VIRTUAL", "XDG"))
        }
        path = [f"{base}/bin", "/srv/npm/bin", "/usr/local/sbin", "/usr/local/bin"]
        path += ["/usr/sbin", "/usr/bin", "/sbin", "/bin"]
        self.environment = kept | {
            "HOME": "/root",
            "LANG": "C.UTF-8",
            # Where npm installs for everybody, as /usr/local is on Debian.
            "NPM_CONFIG_PREFIX": "/srv/npm",
            "PATH": os.pathsep.join(path),
        }

    def command(self, typed: str, user: str = "root") -> list[str]:
        """Return the command that types something in a shell of a user."""
        shell = ["bash", "-e", "-c", typed]
        if user != "root":
            shell = ["runuser", "-u", user, "--", "env", f"HOME=/home/{user}", *shell]
        return [*self._view, "--", *shell]

    def type(self, typed: str, user: str = "root") -> str:
        """Type commands; return what was said.

        Raises:
            AssertionError: one failed.
        """
        done = subprocess.run(
            self.command(typed, user),
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-6000:]
        return done.stdout

    def prepare(self) -> None:
        """Make what the machine has of its own, and the environment that the page installs.

        What this one holds is put there, since to install it anew takes minutes.
        """
        for name in _OWN:
            (self.folder / name).mkdir(parents=True)
        subprocess.run(["cp", "-a", "/etc/.", str(self.folder / "etc")], check=True)
        own = self.folder / ENVIRONMENT
        own.mkdir(parents=True)
        for path in Path(sys.prefix).iterdir():
            # Nothing writes into an installed file; pip puts another in its place.
            link = ["--link"] if path.name == "lib" else []
            subprocess.run(["cp", "-a", *link, str(path), str(own)], check=True)
        for script in (own / "bin").iterdir():
            content = b"" if script.is_symlink() else script.read_bytes()
            if content.startswith(b"#!"):
                script.write_bytes(
                    content.replace(os.fsencode(sys.prefix), os.fsencode(f"/{ENVIRONMENT}"))
                )

    def start(self, typed: str) -> "Hub":
        """Start the hub by the page's commands, on ports that are free."""
        # An earlier hub's proxy went with its processes, whose numbers come again.
        (self.folder / "srv/jupyterhub/jupyterhub-proxy.pid").unlink(missing_ok=True)
        ports = [free_port() for _ in range(3)]
        address = f"http://127.0.0.1:{ports[0]}"
        options = [
            f"--JupyterHub.bind_url={address}",
            f"--JupyterHub.hub_bind_url=http://127.0.0.1:{ports[1]}",
            f"--ConfigurableHTTPProxy.api_url=http://127.0.0.1:{ports[2]}",
        ]
        return Hub(self, f"{typed.rstrip()} {shlex.join(options)}", address)


class Hub(Server):
    """A running hub. Every server that it started ends with it."""

    def __init__(self, machine: Machine, typed: str, address: str) -> None:
        self.address, self._machine = address, machine
        log, variables = machine.folder / "hub.log", machine.environment
        super().__init__(machine.command(typed), f"{address}/hub/login", log, env=variables)

    def _stop(self) -> None:
        # The namespace's first process takes all others with it.
        self._process.kill()
        self._process.wait()

    def type(self, typed: str) -> None:
        """Type commands as root where the hub's processes are in sight."""
        # unshare, bwrap, and then the first process in bwrap's view.
        inner = self._process.pid
        outside = _mounts(inner)
        while _mounts(inner) == outside:
            inner = int(Path(f"/proc/{inner}/task/{inner}/children").read_text().split()[0])
        subprocess.run(
            ["nsenter", f"--target={inner}", "--mount", "--pid", "bash", "-e", "-c", typed],
            env=self._machine.environment,
            check=True,
        )


def _mounts(process: int) -> Path:
    """Return what names a process's view of the file system."""
    return Path(f"/proc/{process}/ns/mnt").readlink()
