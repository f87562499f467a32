"""The tests' end of the pipe: stands in for a student's functions, in a process where none of their code runs.

The tests' kernel makes one :class:`Student`. Given cells run at both ends, answer cells in the sandbox only; what an
answer defines appears among the tests as a stand-in that copies arguments in and results out.
"""

import base64
import builtins
import contextlib
import io
import json
import pickle
import queue
import sys
import threading
import time
import types
from collections.abc import Callable, Sequence

from sentiment_kit.grading import sandbox, wire

RUNNER = (sys.executable, "-m", "sentiment_kit.grading.runner")


class AnswerStopped(BaseException):
    """A student's process had to be given up. Tests that catch ``Exception`` don't catch this."""


class AnswerTimeout(AnswerStopped):
    """It took longer than it may."""


class AnswerCrashed(AnswerStopped):
    """It ended: by exiting, by running out of memory, by a crash."""


class AnswerTampered(AnswerStopped):
    """It wrote to the pipe what no answer can be."""


class AnswerError(RuntimeError):
    """A student's function raised an error whose type is not built in."""


def _is_callback(value: object) -> bool:
    """Whether a function belongs to the tests, so that calling it has to happen here."""
    if isinstance(value, types.BuiltinMethodType):
        return not isinstance(value.__self__, types.ModuleType)
    if isinstance(value, types.MethodType):
        return type(value.__self__).__module__ == "__main__"
    local = "<locals>" in getattr(value, "__qualname__", "") or getattr(value, "__module__", "") == "__main__"
    return isinstance(value, types.FunctionType) and local


class StandIn:
    """Looks like a student's function to a test.

    Args:
        student: Whose function it is.
        name: Its name.
    """

    def __init__(self, student: "Student", name: str) -> None:
        self._student, self.__name__ = student, name

    def __call__(self, *values: object, **named: object) -> object:
        """Calls the student's function with copies; changes that it makes to them are made here too."""
        return self._student.call(self.__name__, values, named)


class Student:
    """A student's process, started when it is first needed, and started again after it had to be stopped.

    Args:
        seconds: How long an answer cell or a call may take.
        start_seconds: How long a given cell may take: it loads the packages.
        sandboxed: Whether to use the sandbox.
    """

    def __init__(self, *, seconds: float = 20.0, start_seconds: float = 180.0, sandboxed: bool = True) -> None:
        self._seconds, self._start_seconds, self._sandboxed = seconds, start_seconds, sandboxed
        self._cells: list[tuple[str, Sequence[str], bool]] = []
        self._process = None
        self._callbacks: list[Callable] = []
        self._stopped: Exception | None = None

    # ------------------------------------------------------------ the process

    def _start(self) -> None:
        try:
            self._process = sandbox.start(RUNNER, sandboxed=self._sandboxed)
        except (OSError, sandbox.SandboxError) as error:
            raise AnswerCrashed(f"the sandbox could not be started: {error}") from None
        self._lines: queue.Queue[bytes] = queue.Queue(maxsize=2)  # whoever floods us waits
        threading.Thread(target=self._read, args=(self._process.stdout, self._lines), daemon=True).start()
        for code, names, given in self._cells:
            self._ask({"code": code, "names": list(names)}, self._start_seconds if given else self._seconds)

    @staticmethod
    def _read(pipe: io.BufferedReader, lines: "queue.Queue[bytes]") -> None:
        line = b"\n"
        while line.endswith(b"\n"):
            line = pipe.readline(wire.LONGEST_MESSAGE)
            lines.put(line)

    def stop(self) -> None:
        """Ends the process and all that it started."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _give_up(self, error: AnswerStopped) -> AnswerStopped:
        self.stop()
        return error

    def _send(self, message: dict, deadline: float) -> None:
        line, failed = json.dumps(message).encode("ascii") + b"\n", []

        def write(pipe: io.BufferedWriter) -> None:
            try:
                pipe.write(line)
                pipe.flush()
            except (OSError, ValueError):
                failed.append(True)

        # in a thread: whoever does not read would keep us for ever
        writing = threading.Thread(target=write, args=(self._process.stdin,), daemon=True)
        writing.start()
        writing.join(max(0.0, deadline - time.monotonic()))
        if writing.is_alive():
            raise self._give_up(AnswerTimeout("stopped: it took longer than it may"))
        if failed:
            raise self._give_up(AnswerCrashed("the process ended"))

    def _next(self, deadline: float) -> dict:
        try:
            line = self._lines.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            raise self._give_up(AnswerTimeout("stopped: it took longer than it may")) from None
        if not line:
            raise self._give_up(AnswerCrashed("the process ended: it exited, crashed, or used too much memory"))
        if not line.endswith(b"\n"):
            raise self._give_up(AnswerTampered("the answer is longer than any answer may be"))
        try:
            message = json.loads(line)
            if not isinstance(message, dict):
                raise ValueError
        except (ValueError, RecursionError):
            raise self._give_up(AnswerTampered("the process wrote what is no answer")) from None
        return message

    def _ask(self, message: dict, seconds: float) -> dict:
        deadline = time.monotonic() + seconds
        self._send(message, deadline)
        while "callback" in (answer := self._next(deadline)):
            self._send(self._serve_callback(answer), deadline)
        return answer

    def _decoded(self, parts: list) -> object:
        try:
            return wire.decode(parts)
        except Exception:
            raise self._give_up(AnswerTampered("the process wrote what is no answer")) from None

    # ------------------------------------------------------------ cells

    def given(self, code: str) -> None:
        """Runs a cell that was handed out, in the student's process.

        Raises:
            AnswerCrashed: It failed, which it does only after something that an answer cell did.
        """
        if "error" in self._run(code, (), given=True):
            raise self._give_up(AnswerCrashed("a cell that was handed out fails in the student's process"))
        self._cells.append((code, (), True))

    def answer(self, code: str, names: Sequence[str], namespace: dict) -> str:
        """Runs an answer cell in the student's process and puts what it defines among the tests.

        Args:
            code: The cell.
            names: What the cell is to define; nothing else comes out.
            namespace: Where the tests run.

        Returns:
            What the cell printed; :meth:`check` raises what it raised.

        Raises:
            AnswerStopped: The process had to be given up.
        """
        for name in names:
            namespace.pop(name, None)
        found = self._run(code, names, given=False)
        values = found.get("values")
        if not isinstance(values, dict):
            raise self._give_up(AnswerTampered("the process wrote what is no answer"))
        for name in set(names) & values.keys():
            callable_ = values[name] == ["callable"]
            namespace[name] = StandIn(self, name) if callable_ else self._decoded(values[name])
        self._cells.append((code, names, False))  # only what ended well is run again after a stop
        self._stopped = self._error(found["error"]) if "error" in found else None
        return str(found.get("printed", ""))[:20_000]

    def check(self) -> None:
        """Says how the last answer cell ended.

        Raises:
            Exception: What the cell raised, if it did.
        """
        if self._stopped is not None:
            raise self._stopped

    def _run(self, code: str, names: Sequence[str], *, given: bool) -> dict:
        if self._process is None:
            self._start()
        self._callbacks = []
        return self._ask({"code": code, "names": list(names)}, self._start_seconds if given else self._seconds)

    # ------------------------------------------------------------ calls

    def call(self, name: str, values: Sequence[object], named: dict[str, object]) -> object:
        """Calls a function in the student's process.

        Args:
            name: The function.
            values: Its arguments; what the function changes in them is changed here too.
            named: Its keyword arguments, likewise.

        Returns:
            The result: plain data, or a :class:`wire.Opaque`.

        Raises:
            AnswerStopped: The process had to be given up.
            Exception: What the function raised; see :meth:`_error`.
        """
        if self._process is None:
            self._start()
        self._callbacks = []
        answer = self._ask({"name": name, "arguments": self._pickled((tuple(values), dict(named)))}, self._seconds)
        everything = [*values, *named.values()]
        try:
            for place, parts in answer.get("changed", []):
                if parts[0] != "opaque":
                    wire.overwrite(everything[place], parts)
        except Exception:
            raise self._give_up(AnswerTampered("the process wrote what is no answer")) from None
        if "error" in answer:
            raise self._error(answer["error"])
        return self._decoded(answer.get("result"))

    def _pickled(self, value: object) -> str:
        raw = io.BytesIO()
        pickler = pickle.Pickler(raw, protocol=5)
        pickler.persistent_id = self._identity  # type: ignore[method-assign]
        pickler.dump(value)
        return base64.b64encode(raw.getvalue()).decode("ascii")

    def _identity(self, value: object) -> int | str | None:
        if isinstance(value, StandIn):
            return value.__name__
        if not _is_callback(value):
            return None
        self._callbacks.append(value)  # type: ignore[arg-type]
        return len(self._callbacks) - 1

    def _serve_callback(self, message: dict) -> dict:
        try:
            values, named = message["arguments"]
            function = self._callbacks[int(message["callback"])]
            values = [wire.decode(one) for one in values]
            named = {str(key): wire.decode(one) for key, one in named.items()}
        except Exception:
            raise self._give_up(AnswerTampered("the process wrote what is no call")) from None
        try:
            return {"result": self._pickled(function(*values, **named))}
        except Exception as error:
            return {"error": {"type": type(error).__name__, "message": str(error)}}

    def _error(self, described: dict) -> Exception:
        """The student's error as the built-in of the same name, with the lines that led to it."""
        try:
            name, lines = str(described["type"]), [str(line) for line in described["lines"]]
            message = "\n  ".join([str(described["message"]), *lines])[:3000]
        except (KeyError, TypeError):
            return self._give_up(AnswerTampered("the process wrote what is no answer"))  # type: ignore[return-value]
        kind = getattr(builtins, name, None)
        if isinstance(kind, type) and issubclass(kind, Exception):
            with contextlib.suppress(TypeError):  # a few, such as UnicodeDecodeError, want more than a message
                return kind(message)
        return AnswerError(f"{name[:60]}: {message}")
