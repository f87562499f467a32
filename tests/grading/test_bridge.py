"""The bridge and its far end: a call looks as if the function were here, and whatever its process does stays there."""

import contextlib
import json
import sys
import tempfile
import threading
from operator import eq

import numpy as np
import pandas as pd
import pytest

from sentiment_kit.grading import bridge, wire
from sentiment_kit.grading.bridge import AnswerCrashed, AnswerError, AnswerTampered, AnswerTimeout, StandIn, Student

# What a cheat would start with: the pipe that answers go through, and a way to write to it.
PIPE = """
import fcntl, json, os, sys, threading

def pipe():
    for number in os.listdir("/proc/self/fd"):
        try:
            target = os.readlink(f"/proc/self/fd/{number}")
            if target.startswith("pipe:") and fcntl.fcntl(int(number), fcntl.F_GETFL) & 3 == os.O_WRONLY:
                return int(number)
        except OSError:
            pass

def say(text):
    os.write(pipe(), text.encode())
"""


@contextlib.contextmanager
def started(seconds):
    student = Student(seconds=seconds, sandboxed=False)
    student.given(PIPE)
    try:
        yield student
    finally:
        student.stop()


@pytest.fixture(scope="module", autouse=True)
def _homes(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(tmp_path_factory.mktemp("homes")))
        yield


@pytest.fixture(scope="module")
def student():
    """Has time enough, and nobody stops it."""
    with started(60) as student:
        yield student


@pytest.fixture(scope="module")
def doomed():
    """Is made to end in all sorts of ways."""
    with started(60) as student:
        yield student


@pytest.fixture
def hasty():
    """Has little time."""
    with started(2) as student:
        yield student


def written(student, code, *names):
    """The functions that an answer cell defines."""
    namespace = {}
    student.answer(code, names, namespace)
    student.check()
    found = [namespace[name] for name in names]
    return found[0] if len(found) == 1 else found


def works(student):
    return written(student, "def twice(x):\n    return 2 * x", "twice")(4) == 8


def came_of(function, *values):
    """What a call returned or raised, or ``"hangs"`` if it did not end by itself."""
    result = ["hangs"]

    def call():
        try:
            result[0] = function(*values)
        except BaseException as error:
            result[0] = error

    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    thread.join(6)
    return result[0]


# ---------------------------------------------------------------- arguments and results


def test_results_come_back_with_their_type(student):
    same = written(student, "def same(x):\n    return x", "same")
    for value in (None, True, 1, 0.1, "é", b"\0", [1, (2.0, {"a": {3}})], {("a", 1): []}, np.float32(0.5)):
        found = same(value)
        assert type(found) is type(value) and found == value
    assert same(np.arange(3)[::2]).tolist() == [0, 2]
    frame = pd.DataFrame({"a": ["x", None], "b": [1, 2]})
    pd.testing.assert_frame_equal(same(frame), frame)


def test_what_is_no_data_comes_back_as_nothing_equal(student):
    code = "class All:\n    def __eq__(self, other): return True\ndef shown(): return All(), (1 for _ in ())"
    for one in written(student, code, "shown")():
        assert isinstance(one, wire.Opaque) and not eq(one, one) and one != 1


def test_arguments_are_copies_until_the_function_changes_them(student):
    code = "def keep(x):\n    return x is not None\ndef change(x):\n    x.append(1)"
    keep, change = written(student, code, "keep", "change")
    inner = [0]
    outer = [inner, lambda: None]
    keep(outer)
    assert outer[0] is inner
    change(inner)
    assert inner == [0, 1] and outer[0] is inner


CHANGES = {
    "x.append(3); x[0] = 'a'": ([1, 2], ["a", 2, 3]),
    "x.clear()": ([1], []),
    "x['b'] = x.pop('a')": ({"a": [1]}, {"b": [1]}),
    "x['a'].append(2)": ({"a": [1]}, {"a": [1, 2]}),
    "x.add(3); x.remove(1)": ({1, 2}, {2, 3}),
    "x *= 2": (np.array([1.0, 2.0]), [2, 4]),
    "x[:] = x[::-1]": (np.arange(3), [2, 1, 0]),
}


@pytest.mark.parametrize("code", CHANGES)
def test_what_the_function_changes_is_changed_here(student, code):
    value, wanted = CHANGES[code]
    change = written(student, f"def change(x):\n    {code}\n    return len(x)", "change")
    assert change(value) == len(wanted)
    assert value == wanted if not isinstance(value, np.ndarray) else value.tolist() == wanted


def test_changes_come_back_from_each_argument_and_from_a_function_that_fails(student):
    code = "def change(first, same, *, last):\n    first.append(1)\n    last['a'] = 1\n    raise ValueError('late')"
    change = written(student, code, "change")
    first, same, last = [], [], {}
    with pytest.raises(ValueError, match="late"):
        change(first, same, last=last)
    assert (first, same, last) == ([1], [], {"a": 1})


def test_one_object_given_twice_is_one_object_there(student):
    code = "def both(a, b):\n    a.append(1)\n    return a is b, len(b)"
    both, value = written(student, code, "both"), []
    assert both(value, b=value) == (True, 1) and value == [1]


def test_frames_and_series_are_changed_here(student):
    code = """
def change(frame, series):
    frame["c"] = frame["a"] * 2
    frame.drop(index=1, inplace=True)
    series[0] = 9"""
    frame, series = pd.DataFrame({"a": [1, 2, 3]}), pd.Series([1, 2])
    written(student, code, "change")(frame, series)
    assert frame.to_dict("list") == {"a": [1, 3], "c": [2, 6]} and frame.index.tolist() == [0, 2]
    assert series.tolist() == [9, 2]


def test_training_a_module_trains_the_one_here(student):
    import torch

    code = """
def step(model, optimizer, x):
    model.train()
    loss = model(x).square().mean()
    loss.backward()
    optimizer.step()
    model[1].eval()
    x.zero_()
    return loss.detach()"""
    step = written(student, code, "step")
    torch.manual_seed(1)
    model = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Dropout(0.0)).eval()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
    x, before = torch.ones(3, 2), model[0].weight.detach().clone()
    weight = model[0].weight
    wanted = model(x).square().mean().item()
    assert step(model, optimizer, x).item() == pytest.approx(wanted)
    assert model[0].weight is weight and not torch.equal(weight, before) and weight.grad is not None
    assert optimizer.state[weight]["step"] == 1 and x.sum() == 0
    assert [one.training for one in model.modules()] == [True, True, False]


def test_each_call_draws_the_same_numbers(student):
    code = """
import random, numpy, torch
def draw():
    return random.random(), numpy.random.rand(), torch.rand(1).item()"""
    draw = written(student, code, "draw")
    assert draw() == draw()


def test_objects_of_given_classes_arrive(student, monkeypatch):
    code = """
class Review:
    def __init__(self, text): self.text = text
    def __call__(self): return 'here: ' + self.text"""
    student.given(code)
    made = {"__name__": "__main__"}  # where the tests run it, too
    exec(code, made)
    monkeypatch.setattr(sys.modules["__main__"], "Review", made["Review"], raising=False)
    text_of = written(student, "def text_of(review):\n    return review.text.upper()", "text_of")
    assert text_of(made["Review"]("fine")) == "FINE"
    call = written(student, "def call(function):\n    return function()", "call")
    assert call(made["Review"]("fine").__call__) == "here: fine"  # a method of the tests runs among the tests


# ---------------------------------------------------------------- callbacks


def test_functions_of_the_tests_run_here(student):
    calls = []

    def model(batch, *, scale):
        calls.append((batch, scale))
        return [one * scale for one in batch]

    code = "def all_of(model, texts):\n    return [model(texts[:2], scale=2), model(texts[2:], scale=0.5)]"
    assert written(student, code, "all_of")(model, [1, 2, 3]) == [[2, 4], [1.5]]
    assert calls == [([1, 2], 2), ([3], 0.5)] and type(calls[1][1]) is float


def test_callbacks_may_be_bound_methods_and_lie_deep_in_arguments(student):
    seen, named = [], {}
    code = "def note(told):\n    for one in told['to']:\n        one(len(told))\n    told['named'](a='b')"
    written(student, code, "note")({"to": [seen.append, lambda *values: seen.append(values)], "named": named.update})
    assert seen == [2, (2,)] and named == {"a": "b"}


def test_a_callback_may_give_back_a_callback(student):
    seen = []
    code = "def use(make):\n    first, second = make(1), make(2)\n    second('b')\n    first('a')"
    written(student, code, "use")(lambda number: lambda text: seen.append((number, text)))
    assert seen == [(2, "b"), (1, "a")]


def test_results_of_callbacks_are_copies(student):
    kept = [1]
    change = written(student, "def change(get):\n    x = get()\n    x.append(2)\n    return x", "change")
    assert change(lambda: kept) == [1, 2]
    assert kept == [1]


class Own(Exception):
    pass


RAISED = [(ValueError("no"), ValueError), (StopIteration(), StopIteration), (Own("no"), RuntimeError)]


@pytest.mark.parametrize(("error", "kind"), RAISED)
def test_an_error_of_a_callback_is_raised_there(student, error, kind):
    def fail():
        raise error

    code = """
def use(fail):
    try:
        fail()
    except Exception as error:
        return type(error).__name__, str(error)"""
    assert written(student, code, "use")(fail) == (kind.__name__, str(error))
    with pytest.raises(kind, match=r"line 2, in use: fail\(\)"):
        written(student, "def use(fail):\n    fail()", "use")(fail)


def test_one_answer_may_be_given_to_another(hasty):
    code = "def double(x):\n    return 2 * x\ndef apply(f, x):\n    return f(x)"
    double, apply = written(hasty, code, "double", "apply")
    assert isinstance(double, StandIn)
    assert apply(double, 4) == 8


def test_a_callback_called_in_a_thread_answers(student):
    code = """
import threading
def in_thread(function):
    found = []
    thread = threading.Thread(target=lambda: found.append(function(3)))
    thread.start()
    thread.join()
    return found"""
    assert written(student, code, "in_thread")(lambda x: x + 1) == [4]


# ---------------------------------------------------------------- errors

ERRORS = [ValueError, TypeError, KeyError, IndexError, ZeroDivisionError, AssertionError, OSError, FileNotFoundError]
ERRORS += [StopIteration, NotImplementedError, RecursionError, MemoryError, AttributeError, NameError, RuntimeError]


@pytest.mark.parametrize("kind", ERRORS, ids=lambda kind: kind.__name__)
def test_errors_keep_their_type_and_tell_the_line(student, kind):
    fail = written(student, f"def fail(x):\n    x = 1\n    raise {kind.__name__}('too few')", "fail")
    with pytest.raises(kind) as caught:
        fail(0)
    assert type(caught.value) is kind
    assert "too few" in str(caught.value) and f"line 3, in fail: raise {kind.__name__}('too few')" in str(caught.value)


def test_an_error_tells_the_lines_that_led_to_it_and_none_of_ours(student):
    fail = written(student, "def inner(x):\n    return 1 / x\ndef fail(x):\n    return inner(x)", "fail")
    with pytest.raises(ZeroDivisionError) as caught:
        fail(0)
    assert str(caught.value).splitlines() == [
        "division by zero",
        "  line 4, in fail: return inner(x)",
        "  line 2, in inner: return 1 / x",
    ]


@pytest.mark.parametrize("name", ["Own", "SystemExit", "KeyboardInterrupt", "BaseException", "print", "AnswerTimeout"])
def test_errors_of_other_types_are_named(student, name):
    fail = written(student, f"kind = type({name!r}, (Exception,), {{}})\ndef fail():\n    raise kind('no')", "fail")
    with pytest.raises(AnswerError, match=f"^{name}: no\n  line 3, in fail: raise kind"):
        fail()


@pytest.mark.parametrize("code", ["b'\\xff'.decode()", "raise ExceptionGroup('no', [ValueError()])"])
def test_built_in_errors_that_take_more_than_a_message_are_named(student, code):
    fail = written(student, f"def fail():\n    {code}", "fail")
    with pytest.raises(AnswerError, match=r"^(UnicodeDecodeError|ExceptionGroup): (.|\n)*line 2, in fail"):
        fail()


@pytest.mark.parametrize(
    ("code", "kind", "line"),
    [
        ("x = 1\n1 / 0", ZeroDivisionError, "line 2, in <module>: 1 / 0"),
        ("x = (", SyntaxError, "line 1: x = ("),
        ("def f():\nreturn 1", IndentationError, "line 2: return 1"),
        ("assert 1 == 2, 'no'", AssertionError, "line 1, in <module>"),
        ("import sys\nsys.exit(3)", AnswerError, "SystemExit: 3"),
        ("raise KeyboardInterrupt", AnswerError, "KeyboardInterrupt"),
    ],
)
def test_an_error_of_a_cell_waits_for_the_check(student, code, kind, line):
    namespace = {}
    assert student.answer("early = 5\nprint('hello')\n", ["early"], namespace) == "hello\n"
    student.check()
    student.answer(code, ["early"], namespace)
    with pytest.raises(kind) as caught:
        student.check()
    assert type(caught.value) is kind and line in str(caught.value)
    assert namespace == {"early": 5}
    student.answer("", [], namespace)
    student.check()


def test_nesting_too_deep_is_an_ordinary_error(student):
    deep = written(student, "def deep():\n    x = []\n    x.append(x)\n    return x", "deep")
    with pytest.raises(ValueError, match="nested too deeply"):
        deep()


ODD = {
    "an answer that holds itself": ("x = []\nx.append(x)", "x"),
    "an answer that cannot be shown": ("class A:\n    def __repr__(self): raise ValueError\nx = A()", "x"),
    "an error that cannot be shown": ("class A(Exception):\n    def __str__(self): raise ValueError\nraise A", "x"),
    "an argument that holds itself": ("def x(y): y.append(y)", "x"),
    "a function that exits": ("import sys\ndef x(y): sys.exit(1)", "x"),
}


@pytest.mark.parametrize(("code", "name"), ODD.values(), ids=ODD)
def test_an_odd_answer_is_an_ordinary_error(doomed, code, name):
    namespace = {}
    with pytest.raises(Exception):  # noqa: B017
        doomed.answer(code, [name], namespace)
        doomed.check()
        namespace[name]([])


def test_an_argument_that_is_unknown_there_is_an_ordinary_error(doomed, monkeypatch):
    made = type("Unheard", (), {"__module__": "__main__", "__qualname__": "Unheard"})
    monkeypatch.setattr(sys.modules["__main__"], "Unheard", made, raising=False)
    same = written(doomed, "def same(x):\n    return 1", "same")
    with pytest.raises(Exception, match="Unheard"):
        same(made())


# ---------------------------------------------------------------- what comes out of a cell


def test_only_what_was_asked_for_comes_out(doomed):
    def check(value):
        return value

    namespace = {"np": np, "check": check, "guess": 1, "keep": 2}
    code = """
import builtins, sys
np = check = keep = None
def check(value): return True
assert_equal = lambda *_: None
builtins.abs = lambda x: 7
sys.modules["json"] = sys.modules["math"] = None
globals()["guess"] = 5
"""
    try:
        doomed.answer(code, ["guess"], namespace)
        doomed.check()
        assert namespace == {"np": np, "check": check, "guess": 5, "keep": 2}
        assert abs(-1) == 1 and sys.modules["json"] is json
    finally:
        doomed.stop()  # the next test gets a process with its builtins
        doomed._cells.pop()


def test_what_a_cell_leaves_out_is_missing_even_if_there_was_one(student):
    namespace = {"f": 1, "g": 2}
    student.answer("g = 3", ["f", "g"], namespace)
    assert namespace == {"g": 3}
    student.answer("1 / 0", ["h"], namespace)
    assert "h" not in namespace
    student.answer("h = 1 / 0", ["h", "g"], namespace)
    assert namespace == {"g": 3}  # an earlier cell's g is still there


def test_a_function_that_is_gone_is_an_ordinary_error(student):
    gone = written(student, "def gone():\n    return 1", "gone")
    student.answer("del gone", [], {})
    with pytest.raises(KeyError, match="gone"):
        gone()


@pytest.mark.parametrize("value", [True, 3, -0.5, "positive", None, [1, "a"], {"a": (1, 2)}], ids=repr)
def test_predictions_come_out_as_data(student, value):
    found = written(student, f"guess = {value!r}", "guess")
    assert type(found) is type(value) and found == value


def test_arrays_come_out_and_functions_and_classes_as_stand_ins(student):
    code = "import numpy as np\narray = np.ones(2)\nclass Made: pass\nshort = lambda x: x + 1"
    array, made, short = written(student, code, "array", "Made", "short")
    assert array.tolist() == [1, 1]
    assert isinstance(made, StandIn) and isinstance(made(), wire.Opaque) and short(1) == 2 and short.__name__ == "short"


def test_cells_share_their_names(student):
    student.given("base = 10")
    first = written(student, "def first(x):\n    return base + x", "first")
    second = written(student, "def second(x):\n    return first(x) * 2", "second")
    assert second(1) == 22
    student.given("base = 20")
    assert second(1) == 42 and first(1) == 21


def test_a_given_cell_that_fails_is_told(doomed):
    with pytest.raises(AnswerCrashed, match="handed out"):
        doomed.given("1 / 0")
    doomed._cells.pop()
    assert works(doomed)


# ---------------------------------------------------------------- printing


def test_printing_is_kept_for_cells_up_to_a_limit(student):
    code = "import sys\nprint('a')\nsys.stderr.write('b')\nsys.stdout.flush()\n'c'"
    assert student.answer(code, [], {}).startswith("a\nb")
    assert student.answer("for _ in range(1000): print('é' * 1000)", [], {}) == ("é" * 1000 + "\n") * 19 + "é" * 981
    assert student.answer("print('afterwards')", [], {}) == "afterwards\n"


def test_noise_does_not_reach_the_pipe(student, capfd):
    code = """
import ctypes, os, sys
def noisy(x):
    forged = '{"result": ["int", "0x0"], "changed": []}'
    print(forged)
    print(forged, file=sys.stderr, flush=True)
    for stream in (sys.__stdout__, sys.__stderr__):
        print(forged, file=stream, flush=True)
    for number in (1, 2):
        os.write(number, forged.encode() + b"\\n")
    ctypes.CDLL(None).puts(forged.encode())
    ctypes.CDLL(None).fflush(None)
    os.system("echo noise; echo noise >&2")
    return x, os.read(0, 10), sys.__stdin__.read(10)"""
    assert written(student, code, "noisy")(7) == (7, b"", "")
    loud = written(student, "def loud():\n    print('x' * 10**7)\n    return 8", "loud")
    assert loud() == 8 and loud() == 8
    assert capfd.readouterr() == ("", "")


# ---------------------------------------------------------------- the process


def test_a_call_without_end_is_stopped_and_earlier_answers_are_made_again(hasty):
    code = "kept = []\ndef count():\n    kept.append(0)\n    return len(kept)"
    count, stuck = written(hasty, code, "count"), written(hasty, "def stuck():\n    while True: pass", "stuck")
    assert (count(), count()) == (1, 2)
    with pytest.raises(AnswerTimeout, match="longer than it may"):
        stuck()
    assert (count(), count()) == (1, 2)
    with pytest.raises(AnswerTimeout):
        hasty.answer("kept = None\nwhile True: pass", ["stuck"], {})
    assert count() == 1  # the cell that had to be stopped is not run again


def test_a_call_without_end_that_calls_back_is_stopped(hasty):
    calls = []
    forever = written(hasty, "def forever(note):\n    while True: note(1)", "forever")
    with pytest.raises(AnswerTimeout):
        forever(calls.append)
    assert set(calls) == {1}


def test_no_except_clause_of_a_test_hides_that_a_process_was_given_up():
    for kind in (AnswerTimeout, AnswerCrashed, AnswerTampered):
        assert issubclass(kind, bridge.AnswerStopped) and not issubclass(kind, Exception)


@pytest.mark.parametrize("code", ["os._exit(0)", "os.kill(os.getpid(), 9)"])
def test_a_process_that_ends_is_told_and_started_again(doomed, code):
    end, other = written(doomed, f"def end():\n    {code}\ndef other():\n    return 5", "end", "other")
    with pytest.raises(AnswerCrashed, match="the process ended"):
        end()
    assert other() == 5
    namespace = {"end": 1}
    with pytest.raises(AnswerCrashed, match="the process ended"):
        doomed.answer(code, ["end"], namespace)
    assert "end" not in namespace and other() == 5


JUNK = [
    b"junk\n", b"\n", b"null\n", b"5\n", b"[1]\n", b'"result"\n', b"{\n", b"\0\n", b"\xff\n",
    b'{"a": ' + b"1" * 5000 + b"}\n", b"[" * 10**5 + b"\n",
    b'{"callback": 0, "arguments": [[], {}]}\n', b'{"callback": -1, "arguments": [[], {}]}\n',
    b'{"callback": "x"}\n', b'{"callback": null}\n',
]  # fmt: skip
IN_CALL = [
    *JUNK, b"{}\n", b'{"result": null}\n', b'{"result": ["eval", "1"]}\n', b'{"result": ["list", [["eval"]]]}\n',
    b'{"result": ["none"], "changed": 5}\n', b'{"result": ["none"], "changed": [[9, ["list", []]]]}\n',
    b'{"result": ["none"], "changed": [[0, ["list", 5]]]}\n',
    b'{"result": ["none"], "changed": [[0, ["module", [5], [], []]]]}\n',
    b'{"error": 5}\n', b'{"error": {"type": "ValueError"}}\n',
    b'{"error": {"type": "ValueError", "message": "", "lines": 5}}\n',
]  # fmt: skip
IN_CELL = [*JUNK, b'{"values": {"f": null}}\n', b'{"values": {"f": ["eval", "1"]}}\n', b'{"values": {}, "error": []}\n']


@pytest.fixture
def liar(monkeypatch, tmp_path):
    """A student whose process answers each message with the same bytes, whatever it is asked."""

    def made(told):
        (tmp_path / "told").write_bytes(told)
        script = 'while read line; do cat "$0"; done'
        monkeypatch.setattr(bridge, "RUNNER", ("/bin/sh", "-c", script, str(tmp_path / "told")))
        students.append(Student(seconds=60, sandboxed=False))
        return students[-1]

    students = []
    yield made
    for student in students:
        student.stop()


@pytest.mark.parametrize("told", IN_CALL, ids=lambda told: repr(told)[:60])
def test_junk_in_place_of_a_result_is_told(liar, told):
    student, value = liar(told), [1]
    with pytest.raises(AnswerTampered, match=r"is no answer|is no call"):
        student.call("f", (value,), {})
    assert value == [1] and student._process is None


@pytest.mark.parametrize("told", IN_CELL, ids=lambda told: repr(told)[:60])
def test_junk_in_place_of_the_values_of_a_cell_is_told(liar, told):
    student, namespace = liar(told), {}
    with pytest.raises(AnswerTampered, match=r"is no answer|is no call"):
        student.answer("f = 1", ["f"], namespace)
        student.check()
    assert namespace == {} and student._process is None


@pytest.mark.parametrize("values", [5, "f", ["f"], None])
def test_values_of_a_cell_that_are_none_are_told(liar, values):
    with pytest.raises(AnswerTampered):
        liar(json.dumps({"values": values}).encode() + b"\n").answer("f = 1", ["f"], {})


def test_a_cell_that_answered_with_junk_is_not_run_again(liar):
    student = liar(b'{"values": {"f": ["eval", "1"]}}\n')
    with pytest.raises(AnswerTampered):
        student.answer("f = 1", ["f"], {})
    assert student._cells == []


def test_a_forged_result_is_data_like_any_other(liar):
    assert liar(b'{"result": ["int", "0x7"]}\n').call("f", (), {}) == 7
    found = liar(b'{"result": ["opaque", "int", "1"]}\n').call("f", (), {})
    assert isinstance(found, wire.Opaque) and not eq(found, found)
    value = [1]
    liar(b'{"result": ["none"], "changed": [[0, ["list", [["int", "0x5"]]]]]}\n').call("f", (value,), {})
    assert value == [5]


@pytest.mark.parametrize("name", ["SystemExit", "eval", "__import__", "object", "BaseException", "os.system"])
def test_a_forged_error_is_an_error_and_nothing_else(liar, name):
    told = {"error": {"type": name, "message": "print('ran')", "lines": ["x" * 10**5] * 9}}
    with pytest.raises(AnswerError, match=name) as caught:
        liar(json.dumps(told).encode() + b"\n").call("f", (), {})
    assert len(str(caught.value)) < 4000


def test_an_answer_that_finds_the_pipe_gains_nothing(doomed):
    forge = written(doomed, "def forge(x, text):\n    say(text)\n    os._exit(0)", "forge")
    assert forge([], '{"result": ["int", "0x7"]}\n') == 7  # as if it had returned it
    doomed.stop()
    with pytest.raises(AnswerTampered):
        forge([], "junk\n")
    with pytest.raises(AnswerTampered):
        doomed.answer("say('junk\\n')", [], {})
    assert works(doomed)


def test_a_callback_ends_with_its_call(hasty):
    seen = []
    written(hasty, "def use(note):\n    note(1)", "use")(seen.append)
    text = json.dumps({"callback": 0, "arguments": [[["int", "0x2"]], {}]}) + "\n"
    with contextlib.suppress(AnswerTampered):
        hasty.answer(f"say({text!r})", [], {})
    assert seen == [1]


def test_an_endless_flood_is_told(doomed):
    junk, line = written(doomed, "def flood(text):\n    while True: say(text)\nline = flood", "flood", "line")
    with pytest.raises(AnswerTampered, match="is no answer"):
        junk("junk\n" * 1000)
    with pytest.raises(AnswerTampered, match="longer than any answer"):
        line("x" * 50_000)
    assert works(doomed)


def test_a_flood_of_callbacks_is_told(hasty):
    flood = written(hasty, "def flood(note, text):\n    while True: say(text)", "flood")
    text = '{"callback": 0, "arguments": [[], {}]}\n' * 100
    assert isinstance(came_of(flood, lambda: None, text), bridge.AnswerStopped)


def test_a_process_that_does_not_listen_is_told(hasty):
    text = '{"values": {"f": ["callable"]}}\n'
    namespace = {}
    hasty.answer(f"say({text!r})\nwhile True: pass", ["f"], namespace)
    assert isinstance(came_of(namespace["f"], "x" * 10**6), AnswerTimeout)


def test_a_result_over_the_limit_is_told_and_one_below_it_is_not(doomed):
    text = written(doomed, "def text(length):\n    return 'x' * length", "text")
    assert len(text(wire.LONGEST_MESSAGE - 1000)) == wire.LONGEST_MESSAGE - 1000
    with pytest.raises(AnswerTampered, match="longer than any answer"):
        text(wire.LONGEST_MESSAGE)
    assert text(3) == "xxx"


def test_long_arguments_arrive(student):
    assert written(student, "def size(x):\n    return len(x)", "size")("x" * 10**7) == 10**7


def test_a_result_from_a_thread_counts_and_threads_that_stay_do_no_harm(student):
    code = """
import threading, time
def in_thread(x):
    found = []
    thread = threading.Thread(target=lambda: found.append(x + 1))
    thread.start()
    thread.join()
    def chatter():
        for _ in range(200):
            print("still here")
            time.sleep(0.001)
    threading.Thread(target=chatter, daemon=True).start()
    return found[0]"""
    in_thread = written(student, code, "in_thread")
    assert [in_thread(number) for number in range(20)] == list(range(1, 21))


def test_stopping_ends_the_process_and_a_call_starts_it_again(hasty):
    place = written(hasty, "def place():\n    return os.getpid(), os.getcwd()", "place")
    (first, folder), process = place(), hasty._process
    assert process.poll() is None
    hasty.stop()
    assert process.poll() is not None
    hasty.stop()  # again is no error
    assert place()[0] != first and folder != str(tempfile.gettempdir())
