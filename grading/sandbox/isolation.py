"""Builds the bubblewrap command that shuts student code in, and says whether it works here.

A run sees the interpreter and its packages, the data, the recorded runs, the modules that hidden
tests import and the assignment's own files, all read-only; folders of its own to write to; no
network, no home, no course, no environment of ours.

Grading wants no root. Where it has it all the same, the sandbox is started as a user that no
account has: root's own would be the owner of a thousand files in /proc/sys, seen from inside. That
user may not look into root's folders, so a first bubblewrap, as root, puts everything in its place,
and the second one, which is the sandbox, is started within.
"""

import os
import pwd
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path

from grading.sandbox import bubblewrap, packages
from grading.sandbox.bubblewrap import Program
from grading.sandbox.errors import SandboxUnavailable
from grading.sandbox.inside import namespaces
from grading.sandbox.inside.namespaces import FOLDERS
from grading.submission import Surroundings

FILES = "/files"
"""Where a submission's files are inside, before they are copied into its working folder."""

# All that the sandbox sees of the engine, and the name under which it is imported there.
_INSIDE = Path(namespaces.__file__).parent
INSIDE = "sandbox_inside"
# A file's folder would come first on the path of modules.
_SERVE = f"import sys; del sys.path[0]; from {INSIDE}.server import main; main()"
# Where other things are inside.
_MODULES = "/modules"
_DATA = "/data"
_RUNS = "/runs"
_WORK = "/work"
_INTERPRETER = "/python"
# Where an interpreter that is linked to its library finds it.
_LIBRARIES = ("--setenv", "LD_LIBRARY_PATH", f"{_INTERPRETER}/lib")
# System folders with the libraries that the interpreter and its packages are linked to, the
# fonts, and what the dynamic linker needs.
_SYSTEM = ("/usr", "/bin", "/lib", "/lib32", "/lib64", "/libx32", "/etc/ld.so.cache", "/etc/fonts")
# What happens for each submission.
_TRIAL = """
import os, sys
sys.path.append({modules!r})
from {inside} import namespaces, system_calls
try:
    namespaces.own_folders(4096)
    if namespaces.fork_into_own_processes():
        namespaces.hide_mounts()
        namespaces.drop_privileges()
        system_calls.refuse()
        os.write(1, b"works")
    else:
        os.wait()
except OSError as error:
    sys.exit(str(error))
"""


def check_available(imports: Sequence[str] = ()) -> None:
    """Make sure that a sandbox can be started.

    Args:
        imports: modules that submissions must be able to import.

    Raises:
        SandboxUnavailable: it cannot; the message says what to install or to allow.
    """
    packages.require(imports)
    complaint = _complaint(bubblewrap.find())
    if complaint is not None:
        raise SandboxUnavailable(
            f"bubblewrap is installed but may not run here: {complaint} It needs user "
            "namespaces; in a container, allow them, or grade outside of it."
        )


@cache
def _complaint(program: Program) -> str | None:
    """Return what bubblewrap complains of when it is tried, None if it works."""
    mounts = [*_mounts_of_interpreter(), *_mounts_of_modules(())]
    code = _TRIAL.format(modules=_MODULES, inside=INSIDE)
    trial = subprocess.run(
        [*_sandbox(program, mounts), *_LIBRARIES, "--", _interpreter(), "-c", code],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    return None if trial.stdout == "works" else trial.stderr.strip()


def command(surroundings: Surroundings, files: Path) -> list[str]:
    """Return the command that starts the sandbox, with its server as process 1.

    Args:
        surroundings: what the sandbox holds.
        files: the folder that is seen as FILES.

    Raises:
        SandboxUnavailable: we are root, and something cannot be read by anybody else.
    """
    mounts = [*_mounts_of_interpreter(), *_mounts_of_surroundings(surroundings, files)]
    writable = ["--bind", _RUNS, _RUNS] if surroundings.record and _is_root() else []
    return [
        *_sandbox(bubblewrap.find(), mounts, writable),
        *_variables(surroundings),
        *("--chdir", _WORK, "--"),
        *(_interpreter(), "-s", "-c", _SERVE, *surroundings.imports),
    ]


def lend(runs: Path | None) -> None:
    """Let the sandbox's user read and write a folder, where that user is another one than we are.

    Whether the sandbox may write there is decided by how the folder is mounted.
    """
    if runs is not None and _is_root():
        for path in (runs, *runs.iterdir()):
            os.chown(path, _other_user(), -1, follow_symlinks=False)


def _is_root() -> bool:
    return os.geteuid() == 0


@cache
def _other_user() -> int:
    """Return a user id that no account has, from below those that systems hand out by themselves.

    It lies within the 65,536 that a container mostly has.
    """
    taken = {account.pw_uid for account in pwd.getpwall()}
    return next(number for number in range(61183, 60000, -1) if number not in taken)


def _sandbox(program: Program, mounts: list[str], writable: Sequence[str] = ()) -> list[str]:
    """Return the beginning of the command: all of it but variables and what is to be started.

    Args:
        program: bubblewrap.
        mounts: what is to be seen besides the system.
        writable: of that, what can be written to.
    """
    folders = [word for folder in FOLDERS for word in ("--tmpfs", folder)]
    # For process 1 alone: to make each submission's namespaces, to hide where mounts come from, to
    # count what a process keeps to itself, and to give up all of these.
    capabilities = ("SYS_ADMIN", "SYS_CHROOT", "SYS_PTRACE", "SETPCAP")
    inside = [
        *("--unshare-all", "--unshare-user", "--uid", "1000", "--gid", "1000"),
        *("--cap-drop", "ALL"),
        *(word for name in capabilities for word in ("--cap-add", f"CAP_{name}")),
        *("--disable-userns", "--new-session", "--as-pid-1"),
        *("--die-with-parent", "--clearenv", "--hostname", "sandbox"),
    ]
    # Mapped and shared, /dev/zero is memory that stays where nobody has it mapped any more. The
    # other device that reads as zeros cannot be mapped.
    zeros = ["--dev-bind", "/dev/full", "/dev/zero"]
    own = ["--dev", "/dev", *zeros, "--proc", "/proc", *writable, *folders]
    sealed = ["--remount-ro", "/proc", "--remount-ro", "/dev", "--remount-ro", "/"]
    if not _is_root():
        return [str(program.path), *inside, *_mounts_of_system(), *mounts, *own, *sealed]
    _require_readable([*program.mounts, *mounts])
    user = str(_other_user())
    change = ["/usr/bin/setpriv", "--reuid", user, "--regid", user, "--clear-groups"]
    change += ["--pdeathsig", "keep"]
    return [
        *(str(program.path), "--die-with-parent", *program.mounts),
        *(*_mounts_of_system(), *mounts, "--dev", "/dev", "--bind", "/proc", "/proc"),
        *(word for folder in FOLDERS for word in ("--perms", "0755", "--dir", folder)),
        *("--", *change, "--", program.within, *inside, "--ro-bind", "/", "/", *own, *sealed),
    ]


def _require_readable(mounts: Sequence[str]) -> None:
    """Make sure that another user can read what is mounted.

    Raises:
        SandboxUnavailable: something is root's alone.
    """
    for option, source in pairwise(mounts):
        if option == "--ro-bind":
            path = Path(source)
            status, needed = path.stat(), 0o005 if path.is_dir() else 0o004
            if status.st_uid != _other_user() and status.st_mode & needed != needed:
                raise SandboxUnavailable(
                    f"Graded as root, submissions run as another user, who cannot read {path}. "
                    f"Grade as an ordinary user, or allow it: chmod -R o+rX {path}"
                )


def _mounts_of_system() -> list[str]:
    # A folder that bubblewrap makes by itself is closed to all but its owner.
    mounts = ["--perms", "0755", "--dir", "/etc"]
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
    return [*mounts, *packages.mounts()]


def _mounts_of_surroundings(surroundings: Surroundings, files: Path) -> list[str]:
    mounts = ["--ro-bind", str(files), FILES, *_mounts_of_modules(surroundings.modules)]
    if surroundings.data is not None:
        mounts += ["--ro-bind", str(surroundings.data), _DATA]
    if surroundings.runs is not None:
        bind = "--bind" if surroundings.record else "--ro-bind"
        mounts += [bind, str(surroundings.runs), _RUNS]
    return mounts


def _mounts_of_modules(modules: Sequence[Path]) -> list[str]:
    names = dict.fromkeys(module.parent.name for module in modules)
    mounts = []
    for folder in (_MODULES, *(f"{_MODULES}/{name}" for name in names)):
        mounts += ["--perms", "0755", "--dir", folder]
    mounts += ["--ro-bind", str(_INSIDE), f"{_MODULES}/{INSIDE}"]
    for module in modules:
        mounts += ["--ro-bind", str(module), f"{_MODULES}/{module.parent.name}/{module.name}"]
    return mounts


def _variables(surroundings: Surroundings) -> list[str]:
    variables = {
        "PATH": f"{_INTERPRETER}/bin:/usr/bin:/bin",
        "HOME": "/tmp",
        # No list of users tells the name of one's own.
        "USER": "student",
        "LANG": "C.UTF-8",
        "PYTHONPATH": ":".join([_MODULES, *packages.paths()]),
        "PYTHONDONTWRITEBYTECODE": "1",
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
    if surroundings.data is not None and surroundings.data_variable:
        variables[surroundings.data_variable] = _DATA
    if surroundings.runs is not None:
        variables |= {"RECALL_MODULE": f"{INSIDE}.recall", "RECALL_FOLDER": _RUNS}
    return [*_LIBRARIES, *(word for item in variables.items() for word in ("--setenv", *item))]


def _interpreter() -> str:
    base = Path(sys.base_prefix).resolve()
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    return f"/usr/bin/{name}" if base == Path("/usr") else f"{_INTERPRETER}/bin/{name}"
