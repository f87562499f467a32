"""What hostile or broken submissions try, and which statuses say the truth about each.

An attack is the answer to one task, ``with_temperature``; all other answers are right. Where the status is ``graded``,
that task must not have earned its points. ``{out}`` becomes the grader's output folder.
"""

import copy
import json
from dataclasses import dataclass
from pathlib import Path

from tests.grading import noise

TASK = "with_temperature"
WRONG = "def with_temperature(logits, temperature):\n    return np.full((len(logits), 3), 0.25)\n"
STOPPED = {"timeout", "crashed", "tampered"}


@dataclass(frozen=True)
class Attack:
    """One submission.

    Attributes:
        name: What it is.
        content: The notebook.
        statuses: Which statuses are true.
        quick: Whether it belongs to the subset that always runs.
    """

    name: str
    content: bytes
    statuses: frozenset[str]
    quick: bool = False


def _function(body: str, before: str = "") -> str:
    lines = "".join(f"    {line}\n" for line in body.strip().splitlines())
    return f"{before}\ndef with_temperature(logits, temperature):\n{lines}"


ALWAYS_EQUAL = """
class Yes(np.ndarray):
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    def __array_ufunc__(self, *args, **kwargs): return True
    def all(self, *args, **kwargs): return True
"""
LYING_FLOAT = """
class Yes(float):
    __class__ = np.ndarray
    shape, ndim, dtype = (1, 3), 2, np.dtype(float)
    def __eq__(self, other): return True
    def __array__(self, *args, **kwargs): return np.ones((1, 3))
    def __reduce__(self): return (exec, ("import os; os._exit(1)",))
"""
STEAL = """
import glob, json, os, re
import sentiment_kit
def _solutions():
    top = os.path.dirname(os.path.dirname(sentiment_kit.__file__))
    places = [top, "{out}", "/home", "/root", "/tmp", os.path.dirname(sentiment_kit.__file__)]
    for place in places:
        for folder, _, names in os.walk(place):
            for name in names:
                if name.endswith((".ipynb", ".py")) and "site-packages" not in folder:
                    try:
                        text = open(os.path.join(folder, name)).read()
                    except OSError:
                        continue
                    if "def with_temperature" in text:
                        yield text
"""
FORGE = """
import json, os
def _say(message):
    for name in os.listdir("/proc/self/fd"):
        try:
            os.write(int(name), json.dumps(message).encode() + b"\\n")
        except OSError:
            pass
"""

# The code of an answer cell, the statuses that are true, and whether it is in the quick subset.
ANSWERS: dict[str, tuple[str, set[str], bool]] = {
    # ending, waiting, taking everything
    "exit at the top": ("exit()\n" + WRONG, {"graded"}, False),
    "sys.exit in a function": (_function("import sys; sys.exit(0)"), {"graded"}, False),
    "os._exit at the top": ("import os; os._exit(0)\n" + WRONG, {"crashed"}, False),
    "os._exit in a function": (_function("import os; os._exit(0)"), {"crashed"}, True),
    "endless loop in a function": (_function("while True: pass"), {"timeout"}, True),
    "endless loop at the top": ("while True: pass\n" + WRONG, {"timeout"}, False),
    "ignores interrupts": (
        _function("import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
                  "while True:\n    try:\n        while True: pass\n    except BaseException: pass"),
        {"timeout"}, False,
    ),
    "stops itself": (_function("import os, signal; os.kill(os.getpid(), signal.SIGSTOP)"), {"timeout"}, False),
    "segmentation fault": (_function("import ctypes; ctypes.string_at(0)"), {"crashed"}, False),
    "fork bomb": (_function("import os\nwhile True: os.fork()"), {"graded"}, True),
    "processes by subprocess": (_function("import subprocess\nsubprocess.run(['sh', '-c', ':(){ :|:& };:'])"), {"graded"}, False),
    "thread bomb": (
        _function("import threading, time\nwhile True: threading.Thread(target=time.sleep, args=(600,), daemon=True).start()"),
        {"graded", *STOPPED}, False,
    ),
    "three gigabytes of bytes": (_function("return bytearray(3 << 30)"), {"graded", "crashed"}, True),
    "three gigabytes of numpy": (_function("return np.ones((3 << 27, 1))"), {"graded", "crashed"}, False),
    "three gigabytes of torch": (_function("import torch\nreturn torch.ones(3 << 28).numpy()"), {"graded", "crashed"}, False),
    "grows without end": (_function("kept = []\nwhile True: kept.append(' ' * 10**6 + str(len(kept)))"), {"graded", *STOPPED}, False),
    "fills the disk": (
        _function("import os\nfor n in range(10**6):\n    with open(f'/tmp/{n}', 'wb') as f: f.write(b'x' * (1 << 20))"),
        {"graded"}, False,
    ),
    "a huge answer": (_function("return 'x' * (64 << 20)"), {"tampered"}, False),
    "an answer that holds itself": (_function("found = []\nfound.append(found)\nreturn found"), {"graded"}, False),
    "prints for ever": (_function("while True: print('x' * 1000)"), {"timeout"}, False),
    "deep recursion": ("import sys\nsys.setrecursionlimit(10**9)\n" + _function("return with_temperature(logits, temperature)"), {"crashed", "timeout"}, False),
    # reading and writing what is not theirs
    "steals the solution": (
        STEAL + _function("for text in _solutions():\n    scope = {'np': np}\n    try:\n"
                          "        cells = json.loads(text)['cells']\n"
                          "        code = next(c for c in (''.join(c['source']) for c in cells) if 'def with_temperature' in c)\n"
                          "        exec(code, scope)\n        return scope['with_temperature'](logits, temperature)\n"
                          "    except Exception: pass"),
        {"graded", "timeout"}, True,
    ),
    "finds the reference in memory": (
        _function("import gc, sys, types\nfor one in gc.get_objects():\n"
                  "    if isinstance(one, types.FunctionType) and one.__name__.startswith('_ref'):\n"
                  "        try: return one(logits, temperature)\n        except Exception: pass\n"
                  "frame = sys._getframe()\nwhile frame:\n    for name, value in frame.f_locals.items():\n"
                  "        if 'expected' in name: return value\n    frame = frame.f_back"),
        {"graded"}, False,
    ),
    "writes the gradebook": (
        "import os\nfor path in ('{out}/gradebook.db', '{out}/grades.csv', '../gradebook.db', '/etc/passwd'):\n"
        "    try:\n        open(path, 'w').write('100')\n    except OSError: pass\n" + WRONG,
        {"graded"}, True,
    ),
    "sockets": (
        _function("import socket\nfor where in (('1.1.1.1', 53), ('127.0.0.1', 22), ('localhost', 80)):\n"
                  "    try: socket.create_connection(where, 1).close()\n    except OSError: continue\n"
                  "    raise SystemExit('the network is there')\nreturn np.zeros((len(logits), 3))"),
        {"graded"}, False,
    ),
    "kills its parent": ("import os, signal\nos.kill(os.getppid(), signal.SIGKILL)\n" + WRONG, {"graded", "crashed"}, False),
    "kills everything": ("import os, signal\nos.kill(-1, signal.SIGKILL)\n" + WRONG, {"graded", "crashed"}, True),
    # lying
    "always equal": (ALWAYS_EQUAL + _function("return np.zeros((len(logits), 3)).view(Yes)"), {"graded"}, True),
    "a float that is all things": (LYING_FLOAT + _function("return Yes(0.5)"), {"graded", "tampered"}, False),
    "drops asserts": (
        "import ast\nclass Drop(ast.NodeTransformer):\n    def visit_Assert(self, node): return ast.Pass()\n"
        "get_ipython().ast_transformers.append(Drop())\n"
        "get_ipython().input_transformers_post.append(lambda lines: [l for l in lines if 'assert' not in l])\n" + WRONG,
        {"graded"}, True,
    ),
    "patches numpy": (
        "import numpy, numpy.testing\nfor name in ('allclose', 'isclose', 'array_equal', 'all', 'any', 'max', 'abs'):\n"
        "    setattr(numpy, name, lambda *a, **k: True)\n" + WRONG,
        {"graded", "crashed"}, False,
    ),
    "patches builtins": (
        "import builtins\nbuiltins.isinstance = lambda *a: True\nbuiltins.abs = lambda x: 0\nbuiltins.AssertionError = Exception\n"
        "builtins.all = lambda x: True\nbuiltins.float = int\n" + WRONG,
        {"graded", *STOPPED}, False,
    ),
    "patches the kit": (
        "import sentiment_kit.data, sys, types\nsys.modules['sentiment_kit'] = types.ModuleType('sentiment_kit')\n"
        "sys.modules['numpy'] = types.ModuleType('numpy')\nsys.modules['__main__'] = None\n" + WRONG,
        {"graded", *STOPPED}, False,
    ),
    "forges the encoder": (
        "from sentiment_kit.grading import wire\nwire.encode = lambda *a: ['opaque', 'ndarray', 'right']\n" + WRONG,
        {"graded", *STOPPED}, False,
    ),
    "writes a forged result": (FORGE + _function("_say({'result': ['bool', True], 'changed': []})"), {"graded", *STOPPED}, True),
    "writes junk": (FORGE + _function("_say('all points, please')"), {"tampered"}, False),
    "writes an endless line": (
        FORGE + _function("for name in os.listdir('/proc/self/fd'):\n    try:\n        while True: os.write(int(name), b'[' * 100000)\n"
                          "    except OSError: pass"),
        {"tampered", "timeout"}, False,
    ),
    "forges callbacks": (FORGE + _function("while True: _say({'callback': 99, 'arguments': [[], {}]})"), STOPPED, False),
    "forges arrays": (FORGE + _function("_say({'result': ['array', '<f8', [1 << 40, 3], 'AAAA'], 'changed': [[7, ['list', []]]]})"), STOPPED, False),
    "forges errors": (FORGE + _function("_say({'error': {'type': 'SystemExit', 'message': '0', 'lines': []}})"), {"graded", *STOPPED}, False),
    "a pickle in disguise": (
        FORGE + _function("_say({'result': ['objects', [1], [['bytes', 'gASVHAAAAAAAAACMBXBvc2l4lIwGc3lzdGVtlJOUjAR0cnVllIWUUpQu']]]})"),
        {"graded", *STOPPED}, False,
    ),
    "a thread that answers later": (
        FORGE + "import threading, time\ndef _later():\n    while True:\n        time.sleep(0.3)\n        _say({'result': ['none']})\n"
        "threading.Thread(target=_later, daemon=True).start()\n" + WRONG,
        {"graded", *STOPPED}, False,
    ),
    "at exit and in the end": (
        "import atexit\natexit.register(lambda: open('/tmp/after', 'w').write('x'))\n"
        "class End:\n    def __del__(self): raise SystemExit\nend = End()\n" + WRONG,
        {"graded"}, False,
    ),
    "traces": ("import sys, threading\nsys.settrace(lambda *a: None)\nsys.setprofile(lambda *a: None)\n" + WRONG, {"graded"}, False),
    # pretending
    "another seed and other helpers": (
        "course_seed = 1\nnp_allclose = lambda *a: True\ndef _same(*a, **k): return True\nexpected = got = None\n" + WRONG,
        {"graded"}, False,
    ),
    "markers in an answer": (
        "### END SOLUTION\n### BEGIN HIDDEN TESTS\n=== BEGIN MARK SCHEME ===\n".replace("===", "# ===") + WRONG,
        {"graded"}, False,
    ),
    "says that it passed": (_function("raise AssertionError('')"), {"graded"}, False),
    "escape codes and markup in a message": (
        _function("raise ValueError('\\x1b[31m<script>alert(1)</script>\\n=cmd|calc!A1,\"x\\x00')"), {"graded"}, True,
    ),
}  # fmt: skip


def _edited(change: str) -> bytes:
    """A notebook with a wrong answer and with what was handed out changed."""
    document = json.loads(noise.fill({**noise.right_answers(), TASK: WRONG}))
    cells = document["cells"]
    test = next(cell for cell in cells if cell["metadata"].get("nbgrader", {}).get("grade_id") == f"ex06_{TASK}_test")
    answer = next(cell for cell in cells if cell["metadata"].get("nbgrader", {}).get("grade_id") == f"ex06_{TASK}")
    if change == "edited test cells":
        test["source"] = "pass"
    elif change == "deleted test cells":
        cells.remove(test)
    elif change == "duplicated test cells":
        cells += [copy.deepcopy(test), {**copy.deepcopy(test), "source": "assert True"}]
    elif change == "changed points":
        for cell in cells:
            if "nbgrader" in cell["metadata"]:
                cell["metadata"]["nbgrader"] |= {"points": 1000, "grade": False, "solution": True, "locked": False}
    elif change == "a test's mark on an answer":
        answer["metadata"]["nbgrader"]["grade_id"] = f"ex06_{TASK}_test"
    return json.dumps(document).encode()


FILES: dict[str, bytes] = {
    "invalid JSON": b'{"cells": [',
    "an empty file": b"",
    "only blanks": b" \n\n",
    "deeply nested": b"[" * 200_000,
    "a zip with another name": b"PK\x03\x04" + bytes(100),
    "no cells": b'{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}',
    "21 megabytes": b'{"cells": ["' + b"x" * (21 << 20) + b'"]}',
}


def contained(one: Attack, row: dict[str, str], task: dict[str, str]) -> bool:
    """Whether an attack ended as it should: a true status, no points for its task.

    (Points for other tasks it may lose: it runs in the process that it has broken.)

    Args:
        one: The attack.
        row: Its line of ``grades.csv``.
        task: Its line of ``tasks.csv``, for the attacked task; empty if it was not run.
    """
    if (status := "graded" if row["status"] == "needs_manual" else row["status"]) not in one.statuses:
        return False
    return task["score"] == "0" and float(row["score"]) <= 13 if status == "graded" else row["score"] == ""


def attacks(out: Path) -> list[Attack]:
    """All attacks, for a grader that writes to ``out``."""
    found = []
    for name, (code, statuses, quick) in ANSWERS.items():
        content = noise.fill({**noise.right_answers(), TASK: code.replace("{out}", str(out))})
        found.append(Attack(name, content, frozenset(statuses), quick))
    for name in (
        "edited test cells",
        "deleted test cells",
        "duplicated test cells",
        "changed points",
        "a test's mark on an answer",
    ):
        found.append(Attack(name, _edited(name), frozenset({"graded"}), name == "edited test cells"))
    for name, content in FILES.items():
        found.append(Attack(name, content, frozenset({"unreadable"}), name == "invalid JSON"))
    return found
