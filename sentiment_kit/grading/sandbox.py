"""The sandbox of a student's code: bubblewrap, limits of the kernel, and a filter that allows no new process.

Inside there is no network; nothing of the machine can be read but Python, its packages and the kit's reviews; HOME is
empty and gone afterwards; memory, CPU time, file sizes and open files are limited.
"""

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


# Numbers of the system calls that make a process, and the letter by which the kernel names the machine (linux/audit.h).
_MACHINES = {
    "x86_64": {"audit": 0xC000003E, "clone": 56, "clone3": 435, "fork": 57, "vfork": 58},
    "aarch64": {"audit": 0xC00000B7, "clone": 220, "clone3": 435},
}
_CLONE_THREAD = 0x00010000
_ALLOW, _REFUSE, _KILL = 0x7FFF0000, 0x00050000, 0x80000000


def _no_new_processes() -> bytes:
    """A seccomp program: threads may be started, processes may not (EPERM).

    ``clone3`` hides its flags in memory, out of a filter's sight; it is said not to exist (ENOSYS), whereupon the C
    library uses ``clone``.

    Source:
        The kernel's user guide, https://docs.kernel.org/userspace-api/seccomp_filter.html
    """
    machine = _MACHINES.get(platform.machine())
    if machine is None:
        raise SandboxError(f"the sandbox knows no filter for a {platform.machine()}: use an x86_64 or aarch64 machine")

    def load(offset: int) -> bytes:
        return struct.pack("HBBI", 0x20, 0, 0, offset)

    def jump(value: int, *, yes: int = 0, no: int = 0, bits: bool = False) -> bytes:
        return struct.pack("HBBI", 0x45 if bits else 0x15, yes, no, value)

    def answer(value: int) -> bytes:
        return struct.pack("HBBI", 0x06, 0, 0, value)

    steps = [load(4), jump(machine["audit"], yes=1), answer(_KILL), load(0)]
    if "fork" in machine:
        # x86_64 has a second numbering, from 0x40000000: none of it
        steps += [struct.pack("HBBI", 0x35, 0, 1, 0x40000000), answer(_REFUSE | 1)]
    for name in ("fork", "vfork"):
        if name in machine:
            steps += [jump(machine[name], no=1), answer(_REFUSE | 1)]
    steps += [jump(machine["clone3"], no=1), answer(_REFUSE | 38)]
    steps += [jump(machine["clone"], yes=1), answer(_ALLOW)]
    steps += [load(16), jump(_CLONE_THREAD, yes=1, bits=True), answer(_REFUSE | 1), answer(_ALLOW)]
    return b"".join(steps)


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
    trial = subprocess.run([*_wrapping(Limits()), "true"], capture_output=True, text=True, check=False)
    if trial.returncode:
        return f"bubblewrap does not work here: {trial.stderr.strip()[:200]}"
    return None


def _readable() -> list[Path]:
    """What a student's process may read: Python, its packages, the kit and its reviews."""
    package = Path(sentiment_kit.__file__).parent
    shown = [Path(one) for one in ("/usr", "/lib", "/lib64", "/lib32", "/bin", "/etc/ld.so.cache", "/etc/alternatives")]
    shown += [Path(sys.base_prefix), Path(sys.prefix), package, profiles.bundled("data", "reviews")]
    if encoder := os.environ.get("SENTIMENT_KIT_ENCODER"):
        shown.append(Path(encoder).expanduser().resolve())
    inside = [Path(one) for one in sys.path if one and Path(one) not in (package.parent, Path.cwd())]
    shown += [one for one in inside if one.exists() and not any(one.is_relative_to(other) for other in shown)]
    return [one for one in shown if one.exists()]


def _wrapping(limits: Limits) -> list[str]:
    small = str(limits.disk_bytes)
    command = ["bwrap", "--unshare-all", "--unshare-user", "--disable-userns", "--uid", "65534", "--gid", "65534"]
    command += ["--cap-drop", "ALL", "--die-with-parent", "--new-session", "--clearenv", "--hostname", "sandbox"]
    for path in _readable():
        if path.is_symlink() and path.parent == Path("/"):  # /bin, /lib where they are links into /usr
            command += ["--symlink", str(path.readlink()), str(path)]
        else:
            command += ["--ro-bind", str(path), str(path)]
    hidden = Path(sentiment_kit.__file__).parent / "bundled" / "exercises"
    if hidden.exists():
        command += ["--size", "4096", "--tmpfs", str(hidden), "--remount-ro", str(hidden)]
    # where the grader runs as root, the kernel's settings in /proc belong to the process inside, too
    command += [
        "--proc",
        "/proc",
        "--remount-ro",
        "/proc",
        "--dev",
        "/dev",
        "--size",
        small,
        "--tmpfs",
        "/dev/shm",
        "--remount-ro",
        "/dev",
    ]
    command += ["--size", small, "--tmpfs", "/tmp", "--dir", "/tmp/home", "--chdir", "/tmp/home", "--remount-ro", "/"]
    return command


def _environment(home: str) -> dict[str, str]:
    """The only settings that a student's process sees."""
    kept = {name: os.environ[name] for name in ("SENTIMENT_KIT_ENCODER", "SENTIMENT_KIT_PROFILE") if name in os.environ}
    single = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    own = {"HOME": home, "TMPDIR": home, "IPYTHONDIR": home, "SENTIMENT_KIT_RUNS": f"{home}/runs", "USER": "student"}
    fixed = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"}
    return kept | single | own | fixed | {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false", "MPLBACKEND": "agg"}


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
        program.write(_no_new_processes())
        program.seek(0)
        wrapped += ["--seccomp", str(program.fileno()), "--", *command]
        return subprocess.Popen(wrapped, **pipes, pass_fds=(program.fileno(),), preexec_fn=prepare)
