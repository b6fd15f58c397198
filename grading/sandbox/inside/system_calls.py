"""Refuses a submission the system calls that no notebook needs: a seccomp filter, made by hand.

The namespaces leave what belongs to a user id or to the machine as a whole, and what the kernel
keeps for nobody in particular: keys, the number of inotify instances, memory in a file that no
process has mapped. And each part of the kernel that a submission can talk to may have a hole.

A filter is a program for the kernel's classic BPF machine (seccomp(2); instructions as in
linux/filter.h). It runs at each system call over `struct seccomp_data`: the call's number, the
architecture, and the arguments, as they stand in registers. What an argument points to it cannot
read. The kernel notes in advance which numbers are allowed whatever their arguments, so those cost
nothing. Numbers differ from one architecture to the other, up to 424; later ones are the same on
all. Here they are as in asm/unistd_64.h (x86_64) and asm-generic/unistd.h (aarch64). libseccomp
knows them too, but its own Python binding is not on PyPI, and what is there was last released in
2021.
"""

import ctypes
import errno
import os
import platform
import struct

# By the reason why: name, number on x86_64, number on aarch64.
_REFUSED = {
    "Keys, and what else is kept or counted for a user or the machine, not for a process.": """
        add_key 248 217, request_key 249 218, keyctl 250 219, mq_open 240 180, mq_unlink 241 181,
        mq_timedsend 242 182, mq_timedreceive 243 183, mq_notify 244 184, mq_getsetattr 245 185,
        inotify_init 253 -, inotify_init1 294 26, inotify_add_watch 254 27, fanotify_init 300 262,
        fanotify_mark 301 263, io_setup 206 0, io_submit 209 2, quotactl 179 60,
        quotactl_fd 443 443
    """,
    "Memory that no process has mapped, so that nobody counts it.": """
        memfd_create 319 279, memfd_secret 447 447, shmget 29 194, shmat 30 196, shmctl 31 195,
        msgget 68 186, msgsnd 69 189, msgrcv 70 188, msgctl 71 187, semget 64 190, semop 65 193,
        semctl 66 191, semtimedop 220 192, vmsplice 278 75, splice 275 76, tee 276 77,
        remap_file_pages 216 234, setxattr 188 5, lsetxattr 189 6, fsetxattr 190 7,
        setxattrat 463 463, landlock_create_ruleset 444 444, landlock_add_rule 445 445,
        landlock_restrict_self 446 446
    """,
    "Large parts of the kernel in which most holes were found.": """
        bpf 321 280, perf_event_open 298 241, userfaultfd 323 282, io_uring_setup 425 425,
        io_uring_enter 426 426, io_uring_register 427 427, seccomp 317 277, modify_ldt 154 -,
        personality 135 92
    """,
    "Mounts, namespaces, and files by another way than their path.": """
        mount 165 40, umount2 166 39, pivot_root 155 41, chroot 161 51, unshare 272 97,
        setns 308 268, open_tree 428 428, open_tree_attr 467 467, move_mount 429 429,
        fsopen 430 430, fsconfig 431 431, fsmount 432 432, fspick 433 433, mount_setattr 442 442,
        statmount 457 457, listmount 458 458, name_to_handle_at 303 264, open_by_handle_at 304 265
    """,
    "Other processes.": """
        ptrace 101 117, process_vm_readv 310 270, process_vm_writev 311 271,
        process_madvise 440 440, process_mrelease 448 448, kcmp 312 272, pidfd_getfd 438 438,
        move_pages 279 239, migrate_pages 256 238
    """,
    "The machine itself.": """
        acct 163 89, reboot 169 142, kexec_load 246 104, kexec_file_load 320 294,
        init_module 175 105, finit_module 313 273, delete_module 176 106, create_module 174 -,
        get_kernel_syms 177 -, query_module 178 -, swapon 167 224, swapoff 168 225, syslog 103 116,
        settimeofday 164 170, clock_settime 227 112, clock_adjtime 305 266, adjtimex 159 171,
        sethostname 170 161, setdomainname 171 162, iopl 172 -, ioperm 173 -, vhangup 153 58,
        nfsservctl 180 42, lookup_dcookie 212 18, uselib 134 -, ustat 136 -, sysfs 139 -,
        _sysctl 156 -, sync 162 81, syncfs 306 267
    """,
}
# Newer than this table: to a submission, they do not exist. x86_64's x32 calls lie above as well.
_NEWEST = 467
# As AUDIT_ARCH_* in linux/audit.h, and the numbers of calls that are refused by their arguments.
_ARCHITECTURES = {
    "x86_64": (
        0xC000003E,
        {"clone": 56, "clone3": 435, "socket": 41, "socketpair": 53, "mmap": 9}
        | {"ioctl": 16, "fcntl": 72, "setsockopt": 54, "setrlimit": 160, "prlimit64": 302},
    ),
    "aarch64": (
        0xC00000B7,
        {"clone": 220, "clone3": 435, "socket": 198, "socketpair": 199, "mmap": 222}
        | {"ioctl": 29, "fcntl": 25, "setsockopt": 208, "setrlimit": 164, "prlimit64": 261},
    ),
}
# CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, and NEWUSER, NEWPID and NEWNET, of linux/sched.h.
_NAMESPACES = 0x20000 | 0x02000000 | 0x04000000 | 0x08000000 | 0x70000000
_MAP_SHARED, _MAP_ANONYMOUS, _MAP_HUGETLB = 0x01, 0x20, 0x40000
_F_SETLEASE, _F_NOTIFY, _F_SETPIPE_SZ = 1024, 1026, 1031
_F_OFD_SETLK, _F_OFD_SETLKW = 37, 38
_TIOCSTI, _TIOCLINUX = 0x5412, 0x541C
_AF_UNIX, _SOL_SOCKET, _SO_SNDBUF = 1, 1, 7
_SO_ATTACH_FILTER, _SO_ATTACH_REUSEPORT_CBPF = 26, 51
_RLIMIT_CORE = 4

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _AND, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x54, 0x06
_ALLOW, _FAIL = 0x7FFF0000, 0x00050000
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16  # places in struct seccomp_data

_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _SECCOMP_MODE_FILTER = 38, 22, 2

Instruction = tuple[int, int, int, int]
"""What to do, how many instructions to skip if it holds and if not, and a number."""


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def refuse() -> None:
    """Refuse these calls to this process, and to all that it starts, for good.

    Raises:
        OSError: the kernel has no filters, or the machine is neither x86_64 nor aarch64.
    """
    machine = platform.machine()
    if machine not in _ARCHITECTURES:
        known = " and ".join(_ARCHITECTURES)
        raise OSError(errno.ENOSYS, f"System calls are filtered on {known}; this is {machine}.")
    made = program(machine)
    packed = b"".join(struct.pack("=HBBI", *instruction) for instruction in made)
    filter_ = _Program(len(made), packed)
    libc = ctypes.CDLL(None, use_errno=True)
    if (
        libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0
        or libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(filter_), 0, 0) != 0
    ):
        number = ctypes.get_errno()
        raise OSError(number, f"No filter of system calls: {os.strerror(number)}")


def refused(machine: str) -> dict[str, int]:
    """Return the calls that are refused whatever their arguments, with their numbers."""
    column = 1 + list(_ARCHITECTURES).index(machine)
    calls = [call.split() for calls in _REFUSED.values() for call in calls.split(",")]
    return {call[0]: int(call[column]) for call in calls if call[column] != "-"}


def program(machine: str) -> list[Instruction]:
    """Return the filter for a machine: a name of `platform.machine`."""
    architecture, calls = _ARCHITECTURES[machine]
    made = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        *_unless(_EQUAL, architecture, errno.ENOSYS),
        (_LOAD, 0, 0, _NUMBER),
        *_when(_AT_LEAST, _NEWEST + 1, errno.ENOSYS),
        # glibc then takes clone, whose flags can be read: those of clone3 lie in memory.
        *_when(_EQUAL, calls["clone3"], errno.ENOSYS),
    ]
    for number in refused(machine).values():
        made += _when(_EQUAL, number, errno.EPERM)
    for name, rules in _by_arguments().items():
        made += [(_EQUAL, 0, len(rules) + 1, calls[name]), *rules, (_RETURN, 0, 0, _ALLOW)]
    return [*made, (_RETURN, 0, 0, _ALLOW)]


def _by_arguments() -> dict[str, list[Instruction]]:
    """Return by name what looks at the arguments of a call, and else allows it."""
    return {
        "clone": [_argument(0), *_when(_ANY_BIT, _NAMESPACES, errno.EPERM)],
        "socket": [_argument(0), *_unless(_EQUAL, _AF_UNIX, errno.EAFNOSUPPORT)],
        "socketpair": [_argument(0), *_unless(_EQUAL, _AF_UNIX, errno.EAFNOSUPPORT)],
        # Memory that stays when nobody has it mapped; and pages of which there are only so many.
        "mmap": [
            _argument(3),
            *_when(_ANY_BIT, _MAP_HUGETLB, errno.EPERM),
            (_AND, 0, 0, _MAP_SHARED | _MAP_ANONYMOUS),
            *_when(_EQUAL, _MAP_SHARED | _MAP_ANONYMOUS, errno.EPERM),
        ],
        # Keys put into a terminal.
        "ioctl": [
            _argument(1),
            *_when(_EQUAL, _TIOCSTI, errno.EPERM),
            *_when(_EQUAL, _TIOCLINUX, errno.EPERM),
        ],
        # What delays others who open a file, what widens a pipe beyond 64 KiB, and locks that are
        # no process's.
        "fcntl": [
            _argument(1),
            *_when(_EQUAL, _F_SETLEASE, errno.EPERM),
            *_when(_EQUAL, _F_NOTIFY, errno.EPERM),
            *_when(_EQUAL, _F_SETPIPE_SZ, errno.EPERM),
            *_when(_EQUAL, _F_OFD_SETLK, errno.EPERM),
            *_when(_EQUAL, _F_OFD_SETLKW, errno.EPERM),
        ],
        # What a socket may hold stays what `usage` reckons with. And all users of a machine share
        # the memory for translated filters; without any, no other filter of system calls loads.
        "setsockopt": [
            _argument(1),
            (_EQUAL, 1, 0, _SOL_SOCKET),
            (_RETURN, 0, 0, _ALLOW),
            _argument(2),
            *_when(_EQUAL, _SO_SNDBUF, errno.EPERM),
            *_when(_EQUAL, _SO_ATTACH_FILTER, errno.EPERM),
            *_when(_EQUAL, _SO_ATTACH_REUSEPORT_CBPF, errno.EPERM),
        ],
        # The size of a core dump: `server` sets the one at which the kernel starts no program.
        "setrlimit": [_argument(0), *_when(_EQUAL, _RLIMIT_CORE, errno.EPERM)],
        "prlimit64": [
            _argument(1),
            (_EQUAL, 1, 0, _RLIMIT_CORE),
            (_RETURN, 0, 0, _ALLOW),
            # Without a new limit, it is only read.
            _argument(2),
            *_when(_AT_LEAST, 1, errno.EPERM),
            _upper_half(2),
            *_when(_AT_LEAST, 1, errno.EPERM),
        ],
    }


def _when(test: int, value: int, error: int) -> list[Instruction]:
    """Fail where the test holds of what was loaded."""
    return [(test, 0, 1, value), (_RETURN, 0, 0, _FAIL | error)]


def _unless(test: int, value: int, error: int) -> list[Instruction]:
    return [(test, 1, 0, value), (_RETURN, 0, 0, _FAIL | error)]


def _argument(place: int) -> Instruction:
    """Load the lower half of an argument; both architectures store it first."""
    return (_LOAD, 0, 0, _FIRST_ARGUMENT + 8 * place)


def _upper_half(place: int) -> Instruction:
    """Load the upper half of an argument."""
    return (_LOAD, 0, 0, _FIRST_ARGUMENT + 8 * place + 4)
