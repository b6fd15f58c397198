"""Builds the bubblewrap command that shuts student code in, and says whether it works here.

A run sees the interpreter and its packages, the data, the recorded runs, the modules that hidden
tests import and the assignment's own files, all read-only; folders of its own to write to; no
network, no home, no course, no environment of ours.
"""

import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FILES = "/files"
"""Where a submission's files are inside, before they are copied into its working folder."""

_HERE = Path(__file__).parent
# Process 1, and what it and the kernel import of ours.
_SERVER = _HERE / "sandbox_server.py"
_IMPORTED = tuple(
    _HERE / name for name in ("sandbox_driver.py", "forked_kernel.py", "limited_output.py")
)
# Where other things are inside.
_PACKAGES = "/packages"
_MODULES = "/modules"
_DATA = "/data"
_RUNS = "/runs"
_WORK = "/work"
_INTERPRETER = "/python"
# System folders with the libraries that the interpreter and its packages are linked to, the
# fonts, and what the dynamic linker needs.
_SYSTEM = ("/usr", "/bin", "/lib", "/lib32", "/lib64", "/libx32", "/etc/ld.so.cache", "/etc/fonts")


class SandboxUnavailable(Exception):
    """bubblewrap is missing, or may not run here."""


@dataclass(frozen=True)
class Surroundings:
    """What a sandbox holds for every submission that is run in it.

    Attributes:
        modules: files to be importable, under the name of the folder each lies in.
        data: the folder that FASHION_MNIST names inside.
        runs: the folder of recorded training runs that RECORDED_RUNS names inside.
        record: whether runs may be added to it: for the instructor's notebook alone.
        disk_bytes: size of each of the folders that can be written to; they are in memory.
    """

    modules: tuple[Path, ...] = ()
    data: Path | None = None
    runs: Path | None = None
    record: bool = False
    disk_bytes: int = 0


def check_available() -> None:
    """Make sure that a sandbox can be started.

    Raises:
        SandboxUnavailable: it cannot; the message says what to install or to allow.
    """
    if shutil.which("bwrap") is None:
        raise SandboxUnavailable(
            "Submissions are graded in a sandbox, and bubblewrap, which makes it, is not "
            "installed. Install it (on Debian and Ubuntu: apt-get install bubblewrap); it runs on "
            "Linux only."
        )
    complaint = _complaint()
    if complaint is not None:
        raise SandboxUnavailable(
            f"bubblewrap is installed but may not run here: {complaint} It needs user "
            "namespaces; in a container, allow them, or grade outside of it."
        )


@cache
def _complaint() -> str | None:
    """Return what bubblewrap complains of when it is tried, None if it works."""
    command = [*_isolation(), *_mounts_of_system(), "--", "/usr/bin/env", "true"]
    trial = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    return None if trial.returncode == 0 else trial.stderr.strip()


def command(surroundings: Surroundings, files: Path) -> list[str]:
    """Return the command that starts the sandbox, with its server as process 1.

    Args:
        surroundings: what the sandbox holds.
        files: the folder that is seen as FILES.
    """
    return [
        *_isolation(),
        *_mounts_of_system(),
        *_mounts_of_interpreter(),
        *_mounts_of_surroundings(surroundings, files),
        *_variables(surroundings),
        *("--chdir", _WORK, "--"),
        *(_interpreter(), "-s", "/server.py"),
    ]


def _isolation() -> list[str]:
    return [
        "bwrap",
        *("--unshare-all", "--unshare-user", "--uid", "1000", "--gid", "1000"),
        *("--cap-drop", "ALL", "--disable-userns", "--new-session", "--as-pid-1"),
        *("--die-with-parent", "--clearenv", "--hostname", "sandbox"),
    ]


def _mounts_of_system() -> list[str]:
    mounts = ["--dev", "/dev", "--proc", "/proc"]
    for path in map(Path, _SYSTEM):
        if path.is_symlink():
            # On a merged /usr: /lib is a link to usr/lib.
            mounts += ["--symlink", str(path.readlink()), str(path)]
        elif path.exists():
            mounts += ["--ro-bind", str(path), str(path)]
    return mounts


def _mounts_of_interpreter() -> list[str]:
    base = Path(sys.base_prefix).resolve()
    mounts = [] if base == Path("/usr") else ["--ro-bind", str(base), _INTERPRETER]
    # Not the virtual environment but its packages alone: without its .pth files, which make this
    # course importable, and without its path, which may name a person.
    packages = dict.fromkeys(sysconfig.get_path(name) for name in ("purelib", "platlib"))
    for number, package in enumerate(packages):
        mounts += ["--ro-bind", package, f"{_PACKAGES}/{number}"]
    return mounts


def _mounts_of_surroundings(surroundings: Surroundings, files: Path) -> list[str]:
    mounts = ["--ro-bind", str(_SERVER), "/server.py", "--ro-bind", str(files), FILES]
    for module in _IMPORTED:
        mounts += ["--ro-bind", str(module), f"{_MODULES}/{module.name}"]
    if surroundings.data is not None:
        mounts += ["--ro-bind", str(surroundings.data), _DATA]
    if surroundings.runs is not None:
        bind = "--bind" if surroundings.record else "--ro-bind"
        mounts += [bind, str(surroundings.runs), _RUNS]
    for module in surroundings.modules:
        mounts += ["--ro-bind", str(module), f"{_MODULES}/{module.parent.name}/{module.name}"]
    for folder in ("/dev/shm", "/tmp", _WORK):
        mounts += ["--size", str(surroundings.disk_bytes), "--tmpfs", folder]
    return [*mounts, "--remount-ro", "/dev", "--remount-ro", "/"]


def _variables(surroundings: Surroundings) -> list[str]:
    number_of_packages = len({sysconfig.get_path(name) for name in ("purelib", "platlib")})
    packages = [f"{_PACKAGES}/{number}" for number in range(number_of_packages)]
    variables = {
        "PATH": f"{_INTERPRETER}/bin:/usr/bin:/bin",
        "HOME": "/tmp",
        "LANG": "C.UTF-8",
        "PYTHONPATH": ":".join([_MODULES, *packages]),
        "PYTHONDONTWRITEBYTECODE": "1",
        "LD_LIBRARY_PATH": f"{_INTERPRETER}/lib",
        "JUPYTER_RUNTIME_DIR": "/tmp/jupyter",
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "NBGRADER_EXECUTION": "autograde",
        # Submissions run side by side, as many as there are cores. One thread each is fastest
        # then, and sums are added up in the same order whatever the number of cores.
        "OMP_NUM_THREADS": "1",
        "OMP_WAIT_POLICY": "PASSIVE",
        # Large tensors in pages of 2 MiB, where the machine has them: fewer faults, less time.
        "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
    }
    if surroundings.data is not None:
        variables["FASHION_MNIST"] = _DATA
    if surroundings.runs is not None:
        variables["RECORDED_RUNS"] = _RUNS
    return [word for item in variables.items() for word in ("--setenv", *item)]


def _interpreter() -> str:
    base = Path(sys.base_prefix).resolve()
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    return f"/usr/bin/{name}" if base == Path("/usr") else f"{_INTERPRETER}/bin/{name}"
