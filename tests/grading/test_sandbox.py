"""The sandbox, tried from the inside: a program attempts what a student's code may not do, and what it needs to do."""

import contextlib
import errno
import json
import os
import platform
import resource
import select
import socket
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

import sentiment_kit
from sentiment_kit import profiles
from sentiment_kit.grading import sandbox
from sentiment_kit.grading.bridge import AnswerCrashed, Student
from sentiment_kit.grading.sandbox import Limits, SandboxError

ROOT = Path(__file__).resolve().parents[2]
MISSING = sandbox.available()
inside = pytest.mark.skipif(MISSING is not None, reason=f"no sandbox here: {MISSING}")
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only a sandbox of root's could write there")
on_x86_64 = pytest.mark.skipif(platform.machine() != "x86_64", reason="uses system call numbers of x86_64")


@pytest.mark.skipif("CI" not in os.environ, reason="elsewhere the sandbox may be missing")
def test_ci_has_a_sandbox():
    assert MISSING is None


# ---------------------------------------------------------------- the probe

# Each function is one attempt: it returns if it succeeded, and raises if it was refused.
PROBE = r"""
import contextlib, ctypes, glob, json, mmap, os, resource, socket, subprocess, sys, tempfile, threading, time

told = json.loads(sys.argv[1])
libc = ctypes.CDLL(None, use_errno=True)
attempts = {}


def attempt(function):
    attempts[function.__name__] = function
    return function


def done(result):
    if result == -1:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def syscall(number, *values):
    return done(libc.syscall(*map(ctypes.c_long, (number, *values))))


def must(found):
    if not found:
        raise FileNotFoundError("nothing found")
    return found


# reading

@attempt
def read_an_exercise():
    return open(told["root"] + "/exercises/source/ex01/ex01.ipynb").read(20)

@attempt
def read_a_test():
    return open(told["root"] + "/tests/conftest.py").read(20)

@attempt
def read_git():
    return must([one for one in (told["root"] + "/.git",) if os.path.exists(one)])

@attempt
def list_the_repository():
    return must(set(os.listdir(told["root"])) - {"data", "sentiment_kit", *told["exposed"]})

@attempt
def find_exercises_among_packages():
    return must([one for place in sys.path for one in glob.glob(place + "/sentiment_kit/bundled/exercises/*")])

@attempt
def list_home():
    return must(set(os.listdir(told["home"])) - set(told["exposed"]))

@attempt
def read_another_file():
    return open(told["secret_file"]).read()

@attempt
def read_passwd():
    return open("/etc/passwd").read(20)

@attempt
def see_other_processes():
    return must({int(one) for one in os.listdir("/proc") if one.isdigit()} - {1, os.getpid()})

@attempt
def signal_a_process_outside():
    return os.kill(told["pid"], 0)

@attempt
def read_own_environment():
    with open("/proc/self/environ", "rb") as file:
        return must([one for one in (str(dict(os.environ)), str(file.read())) if told["secret"] in one])

@attempt
def read_other_environments():
    found = []
    for path in glob.glob("/proc/[0-9]*/environ"):
        with contextlib.suppress(OSError), open(path, "rb") as file:  # some end while we look
            found += [path] if told["secret"].encode() in file.read() else []
    return must(found)


# writing

def write(folder, size=1):
    path = os.path.join(folder, f"written-{os.getpid()}")
    with open(path, "wb") as file:
        file.write(b"x" * size)
    os.unlink(path)
    return folder

def first(function, values):
    for value in values:
        with contextlib.suppress(OSError):
            return function(value)
    raise PermissionError("none of them")

@attempt
def write_elsewhere():
    return first(write, told["folders"])

@attempt
def change_a_file():
    return first(lambda path: os.chmod(path, 0o644), told["files"])

@attempt
def touch_a_file():
    return first(os.utime, told["files"])

@attempt
def open_a_file_for_writing():
    return first(lambda path: os.close(os.open(path, os.O_WRONLY)), told["files"])

@attempt
def change_a_setting_of_the_kernel():
    settings = ("kernel/core_pattern", "kernel/hostname", "vm/drop_caches", "kernel/panic")
    return first(lambda one: os.close(os.open("/proc/sys/" + one, os.O_WRONLY)), settings)


# resources

def fill(folder):
    paths = [os.path.join(folder, f"fill-{number}") for number in range(32)]
    try:
        for path in paths:
            with open(path, "wb", buffering=0) as file:
                for _ in range(8):
                    if file.write(bytes(1 << 20)) < 1 << 20:
                        raise OSError("short")
        return 32 * 8
    finally:
        for path in paths:
            with contextlib.suppress(OSError):
                os.unlink(path)

@attempt
def fill_home():
    return fill(os.environ["HOME"])

@attempt
def fill_shared_memory():
    return fill("/dev/shm")

@attempt
def write_one_large_file():
    return write(os.environ["HOME"], 17 << 20)

@attempt
def take_memory():
    return len(bytearray(3 << 30))

@attempt
def take_memory_bit_by_bit():
    kept = []
    for _ in range(96):
        kept.append(bytearray(32 << 20))
    return len(kept)

@attempt
def take_shared_memory():
    return len(mmap.mmap(-1, 3 << 30))

@attempt
def take_memory_in_nameless_files():
    return os.close(os.memfd_create("more"))

@attempt
def take_memory_by_system_v():
    identity = done(libc.shmget(0, ctypes.c_size_t(1 << 20), 0o1600))
    return libc.shmctl(identity, 0, None)

@attempt
def raise_a_limit():
    return resource.setrlimit(resource.RLIMIT_DATA, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))

@attempt
def open_many_files():
    kept = [open(os.devnull) for _ in range(300)]
    return len(kept)


# processes

def child(pid):
    if pid == 0:
        os._exit(0)
    return os.waitpid(pid, 0)

@attempt
def fork():
    return child(os.fork())

@attempt
def run_a_program():
    return subprocess.run(["/bin/true"], check=True)

@attempt
def spawn():
    return child(os.posix_spawn("/bin/true", ["true"], {}))

@attempt
def run_a_shell():
    return must(os.popen("echo shell").read())

@attempt
def make_a_user_namespace():
    return done(libc.unshare(0x10000000))

@attempt
def make_a_mount_namespace():
    return done(libc.unshare(0x00020000))

@attempt
def mount():
    return done(libc.mount(b"none", os.environ["HOME"].encode(), b"tmpfs", 0, None))

@attempt
def unmount():
    return done(libc.umount2(b"/tmp", 2))

@attempt
def change_root():
    return os.chroot("/tmp")

@attempt
def become_root():
    return first(lambda change: change(0), [os.setuid, os.seteuid, os.setgid, os.setegid])

@attempt
def change_groups():
    return os.setgroups([0])

@attempt
def trace_init():
    done(libc.ptrace(16, 1, 0, 0))
    libc.waitpid(1, None, 0x40000000)
    return libc.ptrace(17, 1, 0, 0)


# the network

@attempt
def connect_by_tcp():
    return socket.create_connection(("127.0.0.1", told["tcp"]), timeout=5).close()

@attempt
def send_by_udp():
    return socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"hello", ("127.0.0.1", told["udp"]))

@attempt
def connect_to_an_abstract_socket():
    return socket.socket(socket.AF_UNIX).connect("\0" + told["abstract"])

@attempt
def reach_the_world():
    return first(lambda to: socket.create_connection(to, timeout=5), [("1.1.1.1", 53), ("2606:4700:4700::1111", 53)])

@attempt
def talk_to_the_virtual_machine_monitor():
    return socket.socket(40, socket.SOCK_STREAM).close()


# raw system calls of x86_64: what a filter alone can refuse

@attempt
def raw_fork():
    return child(syscall(57))

@attempt
def raw_vfork():
    return child(syscall(58))

@attempt
def raw_clone():
    return child(syscall(56, 17, 0, 0, 0, 0))

@attempt
def raw_clone3():
    told = (ctypes.c_uint64 * 8)(0, 0, 0, 0, 17)
    return child(syscall(435, ctypes.addressof(told), 64))

@attempt
def x32_fork():
    return child(syscall(0x40000000 | 57))

@attempt
def x32_clone():
    return child(syscall(0x40000000 | 56, 17, 0, 0, 0, 0))

@attempt
def x32_getpid():
    return syscall(0x40000000 | 39)


# what must work

@attempt
def write_in_home():
    path = os.path.join(os.environ["HOME"], "note")
    with open(path, "w") as file:
        file.write("x" * 100_000)
    assert os.path.expanduser("~/note") == path and len(open(path).read()) == 100_000
    return write(os.getcwd()), write("/dev/shm")

@attempt
def make_temporary_folders():
    with tempfile.TemporaryDirectory() as folder:
        return write(folder)

@attempt
def start_threads():
    numbers = []
    threads = [threading.Thread(target=numbers.append, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(numbers) == list(range(20))

@attempt
def take_two_gigabytes():
    return len(bytearray(2 << 30))

@attempt
def train_with_torch():
    import torch
    model = torch.nn.Linear(300, 300)
    model(torch.ones(300, 300)).sum().backward()
    assert model.weight.grad.shape == (300, 300)

@attempt
def use_transformers_and_the_rest():
    import datasets, matplotlib.pyplot, pandas, scipy.stats, sklearn.linear_model
    from transformers import AutoModel
    matplotlib.pyplot.plot([1, 2])
    matplotlib.pyplot.savefig(os.path.join(os.environ["HOME"], "figure.png"))

@attempt
def read_the_reviews():
    from sentiment_kit import data, profiles
    assert len(data.load_raw()) > 100
    assert len(data.load_splits(profiles.bundled("data", "reviews"), names=("validation",))["validation"]) > 10

@attempt
def use_the_encoder():
    import torch
    from sentiment_kit import models
    tokenizer = models.load_tokenizer(models.find_checkpoint())
    model = models.load_encoder(models.find_checkpoint())
    with torch.no_grad():
        assert model(**tokenizer("great fun", return_tensors="pt")).last_hidden_state.shape[1] == 4

@attempt
def kill_everything():
    for pid in (1, -1):
        with contextlib.suppress(OSError):
            os.kill(pid, 9)
    time.sleep(0.1)
    raise PermissionError("everything goes on")


for name in told["only"] or attempts:
    try:
        said, succeeded = attempts[name](), True
    except BaseException as error:
        said, succeeded = [type(error).__name__, getattr(error, "errno", None), str(error)], False
    print(json.dumps([name, succeeded, str(said)[:300], None if succeeded else said[1]]), flush=True)
"""

READING = """
    read_an_exercise read_a_test read_git list_the_repository find_exercises_among_packages list_home
    read_another_file read_passwd see_other_processes signal_a_process_outside read_own_environment
    read_other_environments
""".split()
WRITING = """
    write_elsewhere change_a_file touch_a_file open_a_file_for_writing change_a_setting_of_the_kernel
""".split()
RESOURCES = """
    fill_home fill_shared_memory write_one_large_file take_memory take_memory_bit_by_bit take_shared_memory
    take_memory_in_nameless_files take_memory_by_system_v raise_a_limit open_many_files
""".split()
PROCESSES = """
    fork run_a_program spawn run_a_shell make_a_user_namespace make_a_mount_namespace mount unmount change_root
    become_root change_groups trace_init kill_everything
""".split()
NETWORK = """
    connect_by_tcp connect_to_an_abstract_socket reach_the_world talk_to_the_virtual_machine_monitor
""".split()
WORK = """
    write_in_home make_temporary_folders start_threads take_two_gigabytes train_with_torch
    use_transformers_and_the_rest read_the_reviews use_the_encoder
""".split()
RAW = {"raw_fork": errno.EPERM, "raw_vfork": errno.EPERM, "raw_clone": errno.EPERM, "raw_clone3": errno.ENOSYS,
       "x32_fork": errno.EPERM, "x32_clone": errno.EPERM, "x32_getpid": errno.EPERM}  # fmt: skip
# What does no harm and must succeed outside, or the attempt shows nothing.
OUTSIDE = """
    read_an_exercise read_a_test list_the_repository read_another_file read_passwd see_other_processes
    signal_a_process_outside read_own_environment read_other_environments write_elsewhere change_a_file
    touch_a_file open_a_file_for_writing fill_home write_one_large_file open_many_files take_shared_memory fork
    run_a_program spawn run_a_shell connect_by_tcp connect_to_an_abstract_socket
""".split()


@pytest.fixture(scope="module")
def world():
    """What the probe is told: things outside that it could read, change or reach."""
    exposed = {part for path in sandbox._readable() for part in path.parts}
    package = Path(sentiment_kit.__file__).parent
    with contextlib.ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setenv("SECRET_OF_THE_TESTS", "b4d5ec2e7")
        patch.delenv("SENTIMENT_KIT_ENCODER", raising=False)
        patch.delenv("SENTIMENT_KIT_PROFILE", raising=False)
        # pytest puts the tests' folders on the path, where a grader has none of them
        patch.setattr(sys, "path", [one for one in sys.path if not Path(one).is_relative_to(ROOT / "tests")])
        own = Path(stack.enter_context(tempfile.TemporaryDirectory(dir="/var/tmp")))  # /tmp is another one inside
        (own / "secret").write_text("a file of somebody's")
        tcp = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        udp = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        udp.bind(("127.0.0.1", 0))
        udp.setblocking(False)
        abstract = stack.enter_context(socket.socket(socket.AF_UNIX))
        abstract.bind(f"\0tests-of-the-sandbox-{os.getpid()}")
        abstract.listen()
        folders = ["/", "/usr", "/usr/lib", "/etc", "/dev", "/proc", "/root", "/home", "/var/tmp", str(own)]
        folders += [sys.prefix, sys.base_prefix, str(package), str(profiles.bundled("data", "reviews"))]
        if not ROOT.is_relative_to("/tmp"):  # there, it is a folder of the sandbox's own /tmp, and no harm done
            folders.append(str(ROOT))
        files = [str(package / "labels.py"), str(profiles.bundled("data", "reviews", "raw.csv")), str(own / "secret")]
        yield {
            "root": str(ROOT), "exposed": sorted(exposed), "home": str(Path.home()), "secret_file": str(own / "secret"),
            "pid": os.getpid(), "secret": "b4d5ec2e7", "folders": folders, "files": files, "only": [],
            "tcp": tcp.getsockname()[1], "udp": udp.getsockname()[1], "abstract": abstract.getsockname()[1:].decode(),
            "heard": udp,
        }  # fmt: skip


def probe(world, only=(), **options):
    """What came of each attempt: whether it succeeded, what it said, and the number of its error."""
    told = {name: value for name, value in world.items() if name != "heard"} | {"only": list(only)}
    process = sandbox.start([sys.executable, "-c", PROBE, json.dumps(told)], **options)
    try:
        lines = process.communicate(timeout=120)[0].decode().splitlines()
    finally:
        process.kill()
        process.wait()
    return {name: (succeeded, said, number) for name, succeeded, said, number in map(json.loads, lines)}


@pytest.fixture(scope="module")
def tried(world):
    return probe(world)


@pytest.mark.skipif(sys.platform != "linux", reason="the probe is for Linux")
def test_the_attempts_succeed_without_a_sandbox(world, tmp_path):
    told = {name: value for name, value in world.items() if name != "heard"}
    told |= {"only": [*OUTSIDE, "send_by_udp"], "folders": [str(tmp_path)], "files": [world["secret_file"]]}
    surroundings = {**os.environ, "HOME": str(tmp_path)}
    command = [sys.executable, "-c", PROBE, json.dumps(told)]
    found = subprocess.run(command, capture_output=True, text=True, env=surroundings, check=True).stdout
    lines = [json.loads(line) for line in found.splitlines()]
    assert [name for name, succeeded, *_ in lines if succeeded] == told["only"], lines
    assert world["heard"].recv(10) == b"hello"


LEAKS = {"change_a_setting_of_the_kernel": pytest.param("change_a_setting_of_the_kernel", marks=[as_root])}
FORBIDDEN = [LEAKS.get(name, name) for name in [*READING, *WRITING, *RESOURCES, *PROCESSES, *NETWORK]]


@inside
@pytest.mark.parametrize("name", FORBIDDEN)
def test_it_is_refused(tried, name):
    succeeded, said, _ = tried[name]
    assert not succeeded, said


@inside
@pytest.mark.parametrize("name", WORK)
def test_it_works(tried, name):
    succeeded, said, _ = tried[name]
    assert succeeded, said


@inside
@on_x86_64
@pytest.mark.parametrize(("name", "number"), RAW.items())
def test_the_filter_refuses(tried, name, number):
    succeeded, said, found = tried[name]
    assert not succeeded and found == number, said


@inside
def test_nothing_sent_inside_is_heard_outside(tried, world):
    assert "send_by_udp" in tried
    with pytest.raises(BlockingIOError):
        world["heard"].recv(10)


@inside
def test_every_attempt_was_made(tried):
    names = [getattr(one, "values", [one])[0] for one in FORBIDDEN]
    assert set(tried) == {*names, *WORK, *RAW, "send_by_udp"}


# ---------------------------------------------------------------- the process


def run(code, **options):
    process = sandbox.start([sys.executable, "-c", code], **options)
    try:
        return process.communicate(timeout=60)[0].decode(), process.returncode
    finally:
        process.kill()
        process.wait()


@inside
def test_limits_and_surroundings_are_as_told():
    code = """
import json, os, resource as r
names = ("DATA", "CPU", "FSIZE", "CORE", "NOFILE")
limits = {name: r.getrlimit(getattr(r, f"RLIMIT_{name}")) for name in names}
disks = [os.statvfs(one) for one in ("/tmp", "/dev/shm")]
disks = [one.f_blocks * one.f_frsize for one in disks]
print(json.dumps([limits, disks, dict(os.environ), os.getcwd(), os.getuid()]))"""
    wanted = Limits(memory=2**31, cpu_seconds=50, file_bytes=2**20, disk_bytes=2**22)
    limits, disks, environment, folder, user = json.loads(run(code, limits=wanted)[0])
    numbers = {"DATA": 2**31, "CPU": 50, "FSIZE": 2**20, "CORE": 0, "NOFILE": 256}
    assert limits == {name: [number, number] for name, number in numbers.items()}
    assert disks == [2**22, 2**22] and user == 65534
    assert environment["HOME"] == folder and environment["HF_HUB_OFFLINE"] == environment["OMP_NUM_THREADS"] == "1"


@inside
def test_settings_of_the_kit_are_passed_on(monkeypatch):
    monkeypatch.setenv("SENTIMENT_KIT_PROFILE", "gpu")
    monkeypatch.setenv("SENTIMENT_KIT_RUNS", "/elsewhere")
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    said, _ = run(
        "import os; print(*map(os.environ.get, ('SENTIMENT_KIT_PROFILE', 'SENTIMENT_KIT_RUNS', 'PYTHONPATH')))"
    )
    assert said == "gpu /tmp/home/runs None\n"


@inside
def test_a_program_that_takes_too_much_processor_time_ends():
    said, status = run("print('started', flush=True)\nwhile True: pass", limits=Limits(cpu_seconds=1))
    assert said == "started\n" and status != 0


@inside
def test_nothing_is_left_from_one_program_to_the_next():
    code = (
        "import os; print(os.listdir('/tmp/home'), os.listdir(), os.listdir('/dev/shm'), 'a' in os.listdir('/tmp'))\n"
    )
    code += "for one in ('/tmp/a', 'a', '/dev/shm/a'): open(one, 'w')"
    assert run(code) == run(code) == ("[] [] [] False\n", 0)


@inside
def test_killing_it_kills_everything_inside():
    code = "import threading, time\nthreading.Thread(target=time.sleep, args=(60,)).start()\n"
    code += "print('ready', flush=True)\ntime.sleep(60)"
    process = sandbox.start([sys.executable, "-c", code])
    assert process.stdout.readline() == b"ready\n"
    process.kill()
    process.wait()
    ready, _, _ = select.select([process.stdout], [], [], 20)  # whoever is alive in there holds the other end
    assert ready and process.stdout.read() == b""


@inside
def test_an_encoder_of_ones_own_can_be_read(monkeypatch):
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        Path(folder, "config.json").write_text("{}")
        Path(folder, "link").symlink_to(folder)
        monkeypatch.setenv("SENTIMENT_KIT_ENCODER", folder)
        code = "import os; print(os.listdir(os.environ['SENTIMENT_KIT_ENCODER']))"
        assert "config.json" in run(code)[0]


@inside
@pytest.mark.parametrize("place", ["in /tmp", "relative", "in HOME"])
def test_an_encoder_in_an_odd_place_can_be_read(monkeypatch, place):
    with contextlib.ExitStack() as stack:
        above = "/tmp" if place == "in /tmp" else "/var/tmp"
        base = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=above)))
        (base / "encoder").mkdir()
        (base / "encoder" / "config.json").write_text("{}")
        monkeypatch.chdir(base)
        monkeypatch.setenv("HOME", str(base))
        chosen = {"in /tmp": str(base / "encoder"), "relative": "encoder", "in HOME": "~/encoder"}[place]
        monkeypatch.setenv("SENTIMENT_KIT_ENCODER", chosen)
        code = "import os; print(os.listdir(os.path.expanduser(os.environ['SENTIMENT_KIT_ENCODER'])))"
        assert "config.json" in run(code)[0]


@inside
def test_exercises_beside_another_copy_of_the_kit_are_hidden(monkeypatch):
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        hidden = Path(folder, "sentiment_kit", "bundled", "exercises")
        hidden.mkdir(parents=True)
        (hidden / "solution").write_text("42")
        monkeypatch.setattr(sys, "path", [*sys.path, folder])
        assert run(f"print(open({str(hidden / 'solution')!r}).read())")[0] == ""


@inside
def test_answers_run_in_the_sandbox(world):
    student, namespace = Student(seconds=60), {}
    student.given("import json, os")
    code = f"""
def look(values):
    values.append(os.getpid())
    return json.dumps([os.path.exists({str(ROOT / "tests")!r}), os.getcwd(), os.environ.get("SECRET_OF_THE_TESTS")])
def fork():
    return os.fork()
def fill():
    return len(bytearray(3 << 30))
def die():
    os.kill(os.getpid(), 9)"""
    try:
        student.answer(code, ["look", "fork", "fill", "die"], namespace)
        assert namespace["look"](values := []) == '[false, "/tmp/home", null]' and values == [2]
        with pytest.raises(PermissionError):
            namespace["fork"]()
        with pytest.raises(MemoryError):
            namespace["fill"]()
        with pytest.raises(AnswerCrashed):
            namespace["die"]()
        assert json.loads(namespace["look"]([]))[1] == "/tmp/home"
    finally:
        student.stop()


def test_without_a_sandbox_the_limits_hold_and_home_is_new(monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    code = "import os, resource; print(os.environ['HOME'], os.getcwd(), *resource.getrlimit(resource.RLIMIT_DATA))"
    said, status = run(code, sandboxed=False, limits=Limits(memory=2**31))
    home, folder, *limits = said.split()
    assert status == 0 and home == folder and Path(home).parent == tmp_path
    _, most = resource.getrlimit(resource.RLIMIT_DATA)
    assert limits == [str(2**31 if most == resource.RLIM_INFINITY else min(most, 2**31))] * 2


# ---------------------------------------------------------------- the filter

ALLOW, KILL = 0x7FFF0000, 0x80000000
REFUSED, UNKNOWN = 0x00050000 | errno.EPERM, 0x00050000 | errno.ENOSYS
X86_64, AARCH64, I386, ARM = 0xC000003E, 0xC00000B7, 0x40000003, 0x40000028
THREAD = 0x3D0F00  # the flags with which the C library starts a thread


def answer(program, machine, number, *values):
    """Runs the filter on one system call, as the kernel would."""
    data = struct.pack("<IIQ6Q", number, machine, 0, *values, *[0] * (6 - len(values)))
    steps, place, register = list(struct.iter_unpack("<HBBI", program)), 0, 0
    while True:
        code, yes, no, value = steps[place]
        place += 1
        if code == 0x20:
            (register,) = struct.unpack_from("<I", data, value)
        elif code == 0x54:
            register &= value
        elif code == 0x06:
            return value
        elif code == 0x05:
            place += value
        else:
            tests = {0x15: register == value, 0x25: register > value, 0x35: register >= value, 0x45: register & value}
            place += yes if tests[code] else no


CALLS = [
    ("x86_64", X86_64, 0, (), ALLOW),  # read
    ("x86_64", X86_64, 56, (THREAD,), ALLOW),
    ("x86_64", X86_64, 56, (17,), REFUSED),
    ("x86_64", X86_64, 56, (17 | 0x10000 << 32,), REFUSED),
    ("x86_64", X86_64, 56, (17, THREAD), REFUSED),
    ("x86_64", X86_64, 57, (), REFUSED),
    ("x86_64", X86_64, 57, (THREAD,), REFUSED),
    ("x86_64", X86_64, 58, (), REFUSED),
    ("x86_64", X86_64, 435, (THREAD,), UNKNOWN),
    ("x86_64", X86_64, 0x40000000, (), REFUSED),
    ("x86_64", X86_64, 0x40000000 | 56, (THREAD,), REFUSED),
    ("x86_64", X86_64, 0x40000000 | 57, (), REFUSED),
    ("x86_64", X86_64, 0xFFFFFFFF, (), REFUSED),
    ("x86_64", X86_64, 319, (), REFUSED),  # memfd_create
    ("x86_64", X86_64, 29, (), REFUSED),  # shmget
    ("x86_64", X86_64, 101, (), REFUSED),  # ptrace
    ("x86_64", X86_64, 425, (), REFUSED),  # io_uring_setup
    ("x86_64", X86_64, 9, (0, 4096, 3, 0x22), ALLOW),  # mmap, private
    ("x86_64", X86_64, 9, (0, 4096, 3, 0x21), REFUSED),  # shared and anonymous
    ("x86_64", X86_64, 9, (0, 4096, 3, 0x4021), REFUSED),
    ("x86_64", X86_64, 9, (0, 4096, 1, 0x1), ALLOW),  # a shared file
    ("x86_64", X86_64, 41, (1,), ALLOW),  # a unix socket
    ("x86_64", X86_64, 41, (10,), ALLOW),
    ("x86_64", X86_64, 41, (40,), REFUSED),  # vsock
    ("x86_64", X86_64, 41, (16,), REFUSED),  # netlink
    ("aarch64", AARCH64, 279, (), REFUSED),
    ("aarch64", AARCH64, 222, (0, 4096, 3, 0x21), REFUSED),
    ("aarch64", AARCH64, 198, (40,), REFUSED),
    ("aarch64", AARCH64, 198, (2,), ALLOW),
    ("x86_64", I386, 2, (), KILL),
    ("x86_64", I386, 0, (), KILL),
    ("x86_64", AARCH64, 0, (), KILL),
    ("aarch64", AARCH64, 63, (), ALLOW),  # read
    ("aarch64", AARCH64, 57, (), ALLOW),  # close
    ("aarch64", AARCH64, 220, (THREAD,), ALLOW),
    ("aarch64", AARCH64, 220, (17,), REFUSED),
    ("aarch64", AARCH64, 435, (THREAD,), UNKNOWN),
    ("aarch64", ARM, 2, (), KILL),
    ("aarch64", X86_64, 0, (), KILL),
]


@pytest.mark.parametrize(("machine", "audit", "number", "values", "wanted"), CALLS)
def test_the_filter_answers(monkeypatch, machine, audit, number, values, wanted):
    monkeypatch.setattr(platform, "machine", lambda: machine)
    assert answer(sandbox._filter(), audit, number, *values) == wanted


def test_a_machine_without_a_filter_is_refused(monkeypatch):
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    assert "knows no filter for a riscv64" in sandbox.available()
    with pytest.raises(SandboxError, match="no filter for a riscv64: use an x86_64 or aarch64 machine"):
        sandbox._filter()


# ---------------------------------------------------------------- no sandbox


@pytest.fixture
def bwrap(monkeypatch, tmp_path):
    """Puts a program of that name, a shell script, before all others."""

    def write(script):
        path = tmp_path / "bwrap"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
        monkeypatch.setattr(platform, "machine", lambda: "x86_64")
        monkeypatch.setattr(sys, "platform", "linux")

    return write


def test_a_missing_bubblewrap_says_how_to_get_it(monkeypatch, bwrap):
    bwrap("exit 0")
    monkeypatch.setattr(sandbox.shutil, "which", lambda _: None)
    assert "apt-get install bubblewrap" in sandbox.available() and "dnf install bubblewrap" in sandbox.available()
    with pytest.raises(SandboxError, match="not installed"):
        sandbox.start(["true"])


def test_an_old_bubblewrap_says_which_is_needed(bwrap):
    bwrap("echo '    --unshare-user-try   Create a new user namespace if possible'")
    assert sandbox.available() == "this bubblewrap is too old: version 0.8 or newer is needed"


def test_a_bubblewrap_that_does_not_work_says_why(bwrap):
    bwrap(
        "test \"$1\" = --help && echo ' --disable-userns ' && exit 0\necho 'no permission for namespaces' >&2\nexit 1"
    )
    assert sandbox.available() == "bubblewrap does not work here: no permission for namespaces"


def test_a_bubblewrap_that_works_is_enough(bwrap):
    bwrap("echo ' --disable-userns '")
    assert sandbox.available() is None


@pytest.mark.parametrize(("system", "name"), [("darwin", "Darwin"), ("win32", "Windows")])
def test_other_systems_are_told(monkeypatch, system, name):
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr(platform, "system", lambda: name)
    assert sandbox.available() == f"bubblewrap runs on Linux only, and this is {name}"
