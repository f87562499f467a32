"""The sandbox of a student's code: bubblewrap, limits of the kernel, and a filter that allows no new process.

Inside there is no network; nothing of the machine can be read but Python, its packages and the kit's reviews; HOME is
empty and gone afterwards; memory, CPU time, file sizes and open files are limited.
"""

import errno
import os
import platform
import shutil
import struct
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import sentiment_kit
from sentiment_kit import profiles


class SandboxError(RuntimeError):
    """There is no sandbox on this machine; the message says how to get one."""


@dataclass(frozen=True)
class Limits:
    """What a student's process may use.

    Attributes:
        memory: Bytes of data (heap, stacks, anonymous maps).
        cpu_seconds: Of all its threads together.
        file_bytes: Of one file.
        disk_bytes: Of its HOME, and again of its shared memory.
    """

    memory: int = 5 * 1024**3 // 2
    cpu_seconds: int = 300
    file_bytes: int = 16 * 1024**2
    disk_bytes: int = 32 * 1024**2


# System calls that are refused, by their numbers on a machine; ``audit`` is the machine's own (linux/audit.h).
# Processes; memory that no limit counts; looking into init, which no filter binds; rings that pass filters by.
_MACHINES = {
    "x86_64": {
        "audit": 0xC000003E, "clone": 56, "clone3": 435, "mmap": 9, "socket": 41,
        "refused": {
            "fork": 57, "vfork": 58, "memfd_create": 319, "memfd_secret": 447, "shmget": 29, "ptrace": 101,
            "process_vm_readv": 310, "process_vm_writev": 311, "pidfd_getfd": 438, "io_uring_setup": 425,
            "add_key": 248, "request_key": 249, "keyctl": 250, "bpf": 321, "perf_event_open": 298, "userfaultfd": 323,
        },
    },
    "aarch64": {
        "audit": 0xC00000B7, "clone": 220, "clone3": 435, "mmap": 222, "socket": 198,
        "refused": {
            "memfd_create": 279, "memfd_secret": 447, "shmget": 194, "ptrace": 117,
            "process_vm_readv": 270, "process_vm_writev": 271, "pidfd_getfd": 438, "io_uring_setup": 425,
            "add_key": 217, "request_key": 218, "keyctl": 219, "bpf": 280, "perf_event_open": 241, "userfaultfd": 282,
        },
    },
}  # fmt: skip
_CLONE_THREAD = 0x00010000
_SHARED_ANONYMOUS = 0x21
_FAMILIES = (1, 2, 10)  # sockets of this machine (unix) and of the internet, which there is none of inside
_ALLOW, _REFUSE, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_NUMBER, _MACHINE, _FIRST, _FOURTH = 0, 4, 16, 40  # where the kernel puts what a filter may look at


def _filter() -> bytes:
    """A seccomp program: threads may be started, processes may not (EPERM); nor may what gets around limits.

    ``clone3`` hides its flags in memory, out of a filter's sight; it is said not to exist (ENOSYS), whereupon the C
    library uses ``clone``.

    Raises:
        SandboxError: This machine's system calls are not known here.

    Source:
        The kernel's user guide, https://docs.kernel.org/userspace-api/seccomp_filter.html
    """
    machine = _MACHINES.get(platform.machine())
    if machine is None:
        raise SandboxError(f"the sandbox knows no filter for a {platform.machine()}: use an x86_64 or aarch64 machine")

    def step(code: int, value: int, *, yes: int = 0, no: int = 0) -> bytes:
        return struct.pack("HBBI", code, yes, no, value)

    def load(place: int) -> bytes:
        return step(0x20, place)

    def equal(value: int, *, yes: int = 0, no: int = 0) -> bytes:
        return step(0x15, value, yes=yes, no=no)

    def answer(value: int) -> bytes:
        return step(0x06, value)

    def rule(number: int, *body: bytes) -> list[bytes]:
        return [equal(number, no=len(body)), *body]

    refuse = answer(_REFUSE | errno.EPERM)
    steps = [load(_MACHINE), equal(machine["audit"], yes=1), answer(_KILL), load(_NUMBER)]
    if platform.machine() == "x86_64":  # it has a second numbering, from 0x40000000: none of it
        steps += [step(0x35, 0x40000000, no=1), refuse]
    for number in machine["refused"].values():
        steps += rule(number, refuse)
    steps += rule(machine["clone3"], answer(_REFUSE | errno.ENOSYS))
    steps += rule(machine["clone"], load(_FIRST), step(0x45, _CLONE_THREAD, yes=1), refuse, answer(_ALLOW))
    shared = (load(_FOURTH), step(0x54, _SHARED_ANONYMOUS), equal(_SHARED_ANONYMOUS, no=1), refuse, answer(_ALLOW))
    steps += rule(machine["mmap"], *shared)
    known = [equal(family, yes=len(_FAMILIES) - place) for place, family in enumerate(_FAMILIES)]
    steps += rule(machine["socket"], load(_FIRST), *known, refuse, answer(_ALLOW))
    return b"".join([*steps, answer(_ALLOW)])


def available() -> str | None:
    """Why there is no sandbox here, or nothing if there is one."""
    if sys.platform != "linux":
        return f"bubblewrap runs on Linux only, and this is {platform.system()}"
    if platform.machine() not in _MACHINES:
        return f"the sandbox knows no filter for a {platform.machine()}"
    if not shutil.which("bwrap"):
        return (
            "bubblewrap is not installed (Debian, Ubuntu: apt-get install bubblewrap; Fedora: dnf install bubblewrap)"
        )
    known = subprocess.run(["bwrap", "--help"], capture_output=True, text=True, check=False).stdout
    if "--disable-userns" not in known:
        return "this bubblewrap is too old: version 0.8 or newer is needed"
    trial = subprocess.run([*_wrapping(Limits()), "true"], capture_output=True, text=True, check=False, env={})
    if trial.returncode:
        return f"bubblewrap does not work here: {trial.stderr.strip()[:200]}"
    return None


def _readable() -> list[Path]:
    """What a student's process may read: Python, its packages, the kit and its reviews."""
    package = Path(sentiment_kit.__file__).parent
    shown = [Path(one) for one in ("/usr", "/lib", "/lib64", "/lib32", "/bin", "/etc/ld.so.cache", "/etc/alternatives")]
    shown += [Path(sys.base_prefix), Path(sys.prefix), package, profiles.bundled("data", "reviews")]
    shown += [Path(one) for one in _settings().values() if Path(one).is_absolute()]
    own = (package.parent, Path.cwd(), Path(sys.argv[0]).resolve().parent)  # a script's folder may be anything
    inside = [Path(one) for one in sys.path if one and Path(one) not in own]
    shown += [one for one in inside if one.exists() and not any(one.is_relative_to(other) for other in shown)]
    return [one for one in shown if one.exists()]


def _hidden(shown: list[Path]) -> list[Path]:
    """Exercises with their solutions, among what is shown: a wheel has them, an editable install has a copy."""
    places = {*shown, *(Path(one) for one in sys.path if one), Path(sentiment_kit.__file__).parent.parent}
    return sorted(path for one in places if (path := one / "sentiment_kit" / "bundled" / "exercises").exists())


def _wrapping(limits: Limits) -> list[str]:
    small, shown = str(limits.disk_bytes), _readable()
    command = [shutil.which("bwrap") or "bwrap", "--unshare-all", "--unshare-user", "--disable-userns"]
    command += ["--uid", "65534", "--gid", "65534", "--cap-drop", "ALL"]
    command += ["--die-with-parent", "--new-session", "--clearenv", "--hostname", "sandbox"]
    command += ["--size", small, "--tmpfs", "/tmp", "--dir", "/tmp/home", "--chdir", "/tmp/home"]
    for path in shown:
        if path.is_symlink() and path.parent == Path("/"):  # /bin, /lib where they are links into /usr
            command += ["--symlink", str(path.readlink()), str(path)]
        else:
            command += ["--ro-bind", str(path), str(path)]
    for path in _hidden(shown):
        command += ["--size", "4096", "--tmpfs", str(path), "--remount-ro", str(path)]
    # Where the grader runs as root, the kernel's settings in /proc belong to the process inside, too.
    command += ["--proc", "/proc", "--remount-ro", "/proc"]
    command += ["--dev", "/dev", "--size", small, "--tmpfs", "/dev/shm"]
    command += ["--ro-bind", "/dev/null", "/dev/zero"]  # shared maps of it are memory that no limit counts
    return [*command, "--remount-ro", "/dev", "--remount-ro", "/"]


def _settings() -> dict[str, str]:
    """What the kit is told by whoever grades, and has to know inside as well."""
    found = {
        name: os.environ[name] for name in ("SENTIMENT_KIT_ENCODER", "SENTIMENT_KIT_PROFILE") if name in os.environ
    }
    if (encoder := found.get("SENTIMENT_KIT_ENCODER")) and Path(encoder).expanduser().exists():
        found["SENTIMENT_KIT_ENCODER"] = str(Path(encoder).expanduser().resolve())
    return found


def _environment(home: str) -> dict[str, str]:
    """The only settings that a student's process sees."""
    single = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    own = {"HOME": home, "TMPDIR": home, "IPYTHONDIR": home, "SENTIMENT_KIT_RUNS": f"{home}/runs", "USER": "student"}
    fixed = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"}
    quiet = {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false", "MPLBACKEND": "agg"}
    return _settings() | single | own | fixed | quiet


def _limit(limits: Limits) -> None:
    import resource

    wanted = {
        resource.RLIMIT_DATA: limits.memory,
        resource.RLIMIT_CPU: limits.cpu_seconds,
        resource.RLIMIT_FSIZE: limits.file_bytes,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NOFILE: 256,
    }
    for which, value in wanted.items():
        _, most = resource.getrlimit(which)
        least = value if most == resource.RLIM_INFINITY else min(value, most)
        resource.setrlimit(which, (least, least))


def start(command: Sequence[str], *, limits: Limits | None = None, sandboxed: bool = True) -> subprocess.Popen:
    """Starts a program with its input and output as pipes.

    Args:
        command: The program and its arguments.
        limits: What it may use.
        sandboxed: ``False`` runs it with its limits, where the system has them, but with the rights of whoever calls.

    Returns:
        The process. Killing it kills everything inside.

    Raises:
        SandboxError: There is no sandbox here.
    """
    limits = limits or Limits()
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    prepare = (lambda: _limit(limits)) if os.name == "posix" else None
    if not sandboxed:
        home = tempfile.mkdtemp(prefix="unsafe-")
        surroundings = {**os.environ, **_environment(home), "PATH": os.environ.get("PATH", "")}
        return subprocess.Popen(command, **pipes, cwd=home, env=surroundings, preexec_fn=prepare)
    if not shutil.which("bwrap"):
        raise SandboxError(available() or "bubblewrap is gone")
    wrapped = _wrapping(limits)
    for name, value in _environment("/tmp/home").items():
        wrapped += ["--setenv", name, value]
    with tempfile.TemporaryFile() as program:
        program.write(_filter())
        program.seek(0)
        wrapped += ["--seccomp", str(program.fileno()), "--", *command]
        return subprocess.Popen(wrapped, **pipes, env={}, pass_fds=(program.fileno(),), preexec_fn=prepare)
