"""Running a rebuilt notebook: tests in a kernel of their own, answers in the sandbox, a canary before each test.

Extends nbgrader's ``Execute``; what it leaves in the cells' outputs is what nbgrader marks by.
"""

import os
import re
import secrets
import tempfile

from nbconvert.exporters.exporter import ResourcesDict
from nbformat import NotebookNode
from nbgrader.preprocessors import Execute
from traitlets.config import Config

from sentiment_kit.grading.exercise import Exercise, mark_of

_START = (
    "from sentiment_kit.grading.bridge import Student as _Student\n__student__ = _Student({settings})\ndel _Student"
)
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{6,}")
_COLOR = re.compile(r"\x1b\[[0-9;]*m")


class CanaryError(RuntimeError):
    """An assertion that must fail did not: nothing that this kernel says can be trusted."""


class HandedOutError(RuntimeError):
    """A cell that was handed out does not run, here or in the student's process: no answer can be judged.

    Args:
        name: The type of the error that it ended with.
        message: What that error says.
    """

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


class SandboxedExecute(Execute):
    """Runs the cells of one submission.

    Args:
        exercise: Which exercise it is.
        seconds: How long one answer cell or one call may take.
        sandboxed: Whether answers run in the sandbox.
    """

    def __init__(self, exercise: Exercise, *, seconds: float = 20.0, sandboxed: bool = True) -> None:
        config = Config()
        if os.name == "posix":  # sockets in a folder of our own: no port that others on this machine could reach
            self._sockets = tempfile.TemporaryDirectory(prefix="kernel-")
            config.KernelManager.transport = "ipc"
            config.KernelManager.ip = f"{self._sockets.name}/k"
        super().__init__(timeout=None, kernel_name="python3", config=config)
        self._exercise = exercise
        self._settings = f"seconds={seconds!r}, sandboxed={sandboxed!r}"
        self._names = {task.name: task.names for task in exercise.tasks}
        self._started = False

    def _hidden(self, code: str, resources: ResourcesDict, index: int) -> NotebookNode:
        """Runs code that is in no cell, and returns the cell that it made."""
        cell = NotebookNode(cell_type="code", source=code, outputs=[], metadata=NotebookNode(), execution_count=None)
        super().preprocess_cell(cell, resources, index)
        return cell

    def _canary(self, resources: ResourcesDict, index: int) -> None:
        nonce = secrets.token_hex(16)
        said = self._hidden(f"assert False, {nonce!r}", resources, index).outputs
        if [(one.get("ename"), one.get("evalue")) for one in said] != [("AssertionError", nonce)]:
            raise CanaryError("an assertion that must fail did not fail")

    def preprocess_cell(
        self, cell: NotebookNode, resources: ResourcesDict, index: int
    ) -> tuple[NotebookNode, ResourcesDict]:
        """Runs one cell where it belongs.

        Raises:
            CanaryError: The tests' kernel does not report a failing assertion.
            HandedOutError: A cell that was handed out does not run.
        """
        if cell.cell_type != "code":
            return cell, resources
        if not self._started:
            self._require(self._hidden(_START.format(settings=self._settings), resources, index))
            self._started = True
        mark, code = mark_of(cell), cell.source
        handed_out = not mark.get("solution") and not mark.get("grade")
        if mark.get("solution"):
            call = f"__student__.answer({code!r}, {self._names[mark['grade_id']]!r}, globals())"
            cell.source = f"print({call}, end='')\n__student__.check()"
        elif mark.get("grade"):
            self._canary(resources, index)
        else:
            self._require(self._hidden(f"__student__.given({code!r})", resources, index))
        try:
            super().preprocess_cell(cell, resources, index)
        finally:
            cell.source = code
        if handed_out:
            self._require(cell)
        self._tidy(cell, graded=bool(mark.get("grade")))
        return cell, resources

    @staticmethod
    def _require(cell: NotebookNode) -> None:
        for output in cell.outputs:
            if output.output_type == "error":
                raise HandedOutError(output.ename, output.evalue)

    @staticmethod
    def _tidy(cell: NotebookNode, *, graded: bool) -> None:
        """Keeps what the student may see: of a test its error's message, without the lines of the test."""
        kept = []
        for output in cell.outputs:
            if output.output_type == "error":
                output.evalue = _ADDRESS.sub("0x...", _COLOR.sub("", output.evalue))
                output.traceback = [f"{output.ename}: {output.evalue}"]
                kept.append(output)
            elif not graded and output.output_type == "stream" and output.name == "stdout":
                kept.append(output)
        cell.outputs = kept
