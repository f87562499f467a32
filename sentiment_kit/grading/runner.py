"""Runs inside the sandbox: executes a student's cells and answers calls of their functions, over its first two pipes.

Whoever controls this process can answer what they like, and gains nothing: an answer is data, compared elsewhere.
"""

import base64
import builtins
import io
import json
import os
import pickle
import random
import sys
import traceback
from collections.abc import Callable
from typing import BinaryIO

import numpy as np
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.text import LSString, SList

from sentiment_kit.grading import wire

_MOST_PRINTED = 20_000


class _Printed(io.TextIOBase):
    """Keeps the first characters that are printed, and lets the rest go."""

    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str) -> int:
        self.text += text[: max(0, _MOST_PRINTED - len(self.text))]
        return len(text)

    def writable(self) -> bool:
        return True

    def take(self) -> str:
        text, self.text = self.text, ""
        return text


class _Unpickler(pickle.Unpickler):
    """Reads arguments: functions of the tests become callbacks, answers and classes of given cells those made here."""

    def __init__(self, raw: bytes, namespace: dict, callback: Callable[[int], Callable]) -> None:
        super().__init__(io.BytesIO(raw))
        self._namespace, self._callback = namespace, callback

    def persistent_load(self, identity: int | str) -> Callable:
        return self._namespace[identity] if isinstance(identity, str) else self._callback(identity)

    def find_class(self, module: str, name: str) -> object:
        return self._namespace[name] if module == "__main__" else super().find_class(module, name)


class _Shell(InteractiveShell):
    """IPython's, where ``%matplotlib inline`` finds nothing to switch on and ``!pip install`` does nothing."""

    def enable_gui(self, gui: str | None = None) -> None:
        """Nothing: there are no windows here."""

    def system(self, cmd: str) -> None:
        """Nothing: no other program can be started here."""

    system_piped = system_raw = system

    def getoutput(self, cmd: str, split: bool = True, depth: int = 0) -> SList | LSString:
        """What the program that cannot be started says: nothing."""
        return SList() if split else LSString()


class Runner:
    """Executes cells and calls, one message after the other.

    Args:
        source: Where messages come from, one JSON object a line.
        target: Where answers go.
    """

    def __init__(self, source: BinaryIO, target: BinaryIO) -> None:
        self._source, self._target = source, target
        self._printed = sys.stdout = sys.stderr = _Printed()
        self._shell = _Shell(colors="nocolor")
        self._shell.history_manager.enabled = False
        self._shell.showtraceback = self._shell.showsyntaxerror = lambda *_, **__: None
        sys.modules["__main__"] = self._shell.user_module

    def _send(self, message: dict) -> None:
        self._target.write(json.dumps(message).encode("ascii") + b"\n")
        self._target.flush()

    def _receive(self) -> dict:
        line = self._source.readline()
        if not line:
            os._exit(0)  # nobody is there any more
        return json.loads(line)

    def serve(self) -> None:
        """Answers messages until there are no more."""
        while True:
            message = self._receive()
            answer = self._run(**message) if "code" in message else self._call(**message)
            self._send(answer | {"printed": self._printed.take()})

    def _run(self, code: str, names: list[str]) -> dict:
        result = self._shell.run_cell(code, store_history=False, silent=False)
        error = result.error_before_exec or result.error_in_exec
        found = {name: self._shell.user_ns[name] for name in names if name in self._shell.user_ns}
        try:
            values = {name: ["callable"] if callable(one) else wire.encode(one) for name, one in found.items()}
        except BaseException as odd:  # what a student's own objects do when they are looked at
            values, error = {}, error or odd
        return {"values": values} | ({"error": self._describe(error)} if error is not None else {})

    def _call(self, name: str, arguments: str) -> dict:
        random.seed(0)
        np.random.seed(0)
        if "torch" in sys.modules:
            sys.modules["torch"].manual_seed(0)
        changed: list = []
        try:
            values, named = _Unpickler(base64.b64decode(arguments), self._shell.user_ns, self._make_callback).load()
            everything = [*values, *named.values()]
            before = [wire.encode(one) for one in everything]
            try:
                result = {"result": wire.encode(self._shell.user_ns[name](*values, **named))}
            except BaseException as error:  # exiting, too, is an answer, and a wrong one
                result = {"error": self._describe(error)}
            after = [wire.encode(one) for one in everything]
            changed = [[place, new] for place, (old, new) in enumerate(zip(before, after, strict=True)) if old != new]
        except BaseException as error:
            result = {"error": self._describe(error)}
        return result | {"changed": changed}

    def _make_callback(self, identity: int) -> Callable:
        def callback(*values: object, **named: object) -> object:
            call = [[wire.encode(one) for one in values], {key: wire.encode(one) for key, one in named.items()}]
            self._send({"callback": identity, "arguments": call})
            answer = self._receive()
            if "error" in answer:
                raise getattr(builtins, answer["error"]["type"], RuntimeError)(answer["error"]["message"])
            return _Unpickler(base64.b64decode(answer["result"]), self._shell.user_ns, self._make_callback).load()

        return callback

    def _describe(self, error: BaseException) -> dict:
        """The error's type, its message, and the lines of the student's own cells that led to it."""
        frames = traceback.extract_tb(error.__traceback__)
        own = [frame for frame in frames if "ipython-input" in frame.filename or "ipykernel" in frame.filename]
        lines = [f"line {frame.lineno}, in {frame.name}: {frame.line}" for frame in own]
        try:
            message = str(error)
        except BaseException:
            message = "an error that cannot be shown"
        if isinstance(error, SyntaxError):
            message, lines = str(error.msg), [f"line {error.lineno}: {str(error.text or '').strip()}"]
        return {"type": type(error).__name__, "message": message[:2000], "lines": [line[:300] for line in lines[-5:]]}


def main() -> None:
    """Takes the pipes for itself, so that printing cannot get in between, and serves."""
    source, target = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nothing, standard)
    Runner(source, target).serve()


if __name__ == "__main__":
    main()
