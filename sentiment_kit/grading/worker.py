"""Marks one submission, in a process of its own: reads a job, runs it, leaves a result and the notebook as it ran.

``python -m sentiment_kit.grading.worker JOB.json``
"""

import hashlib
import os
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

import nbformat
from nbclient.exceptions import DeadKernelError

from sentiment_kit import files
from sentiment_kit.grading import authoring, execute, rebuild
from sentiment_kit.grading.exercise import Exercise, Task

STOPPED = {"AnswerTimeout": "timeout", "AnswerCrashed": "crashed", "AnswerTampered": "tampered"}
"""Errors of the bridge after which a task could not be judged, and the status that says so."""


@dataclass(frozen=True)
class Outcome:
    """What became of one task.

    Attributes:
        task: Its name.
        outcome: ``passed``, ``failed``, ``unanswered``, ``written``, or ``timeout``, ``crashed``, ``tampered``.
        message: Why.
        digest: Of the answer: a mark by hand holds for this answer only.
    """

    task: str
    outcome: str
    message: str = ""
    digest: str = ""


@dataclass
class Result:
    """What became of one submission.

    Attributes:
        status: ``run`` if its cells were run, else ``crashed``, ``timeout``, ``tampered`` or ``unreadable``.
        message: Why, and what was odd.
        outcomes: One for each task, if its cells were run.
        seconds: How long it took.
        digest: Of all that it follows from: the same digest, the same result.
    """

    status: str
    message: str = ""
    outcomes: list[Outcome] = field(default_factory=list)
    seconds: float = 0.0
    digest: str = ""

    def write(self, path: Path) -> None:
        """Writes it as JSON, whole or not at all.

        Raises:
            OSError: The folder cannot be written to.
        """
        files.write_json(path, asdict(self))

    @classmethod
    def read(cls, path: Path) -> "Result":
        """Reads what :meth:`write` wrote.

        Raises:
            ValueError, TypeError, KeyError, OSError: There is no such file, or it is damaged.
        """
        found = files.read_json(path)
        found["outcomes"] = [Outcome(**one) for one in found["outcomes"]]
        return cls(**found)


def _error_of(cell: nbformat.NotebookNode) -> tuple[str, str] | None:
    return next(((one.ename, one.evalue) for one in cell.get("outputs", []) if one.output_type == "error"), None)


def _outcome(task: Task, rebuilt: rebuild.Rebuilt) -> Outcome:
    answer = rebuilt.notebook.cells[task.answer]
    digest = hashlib.sha256(answer.source.encode()).hexdigest()[:16]
    if task.name in rebuilt.untouched:
        return Outcome(task.name, "unanswered", "not answered", digest)
    if task.by_hand:
        return Outcome(task.name, "written", "", digest)
    stopped, failed = _error_of(answer), _error_of(rebuilt.notebook.cells[task.test])
    for error in (failed, stopped):
        if error and error[0] in STOPPED:
            return Outcome(task.name, STOPPED[error[0]], error[1], digest)
    if failed is None:
        return Outcome(task.name, "passed", "", digest)
    if stopped is not None:
        return Outcome(task.name, "failed", f"your answer cell stopped with {stopped[0]}: {stopped[1]}", digest)
    name, message = failed
    return Outcome(task.name, "failed", message if name == "AssertionError" else f"{name}: {message}", digest)


def mark(
    exercise: Exercise, content: bytes, *, seconds: float, sandboxed: bool
) -> tuple[Result, nbformat.NotebookNode | None]:
    """Runs one submission.

    Args:
        exercise: The exercise, with the course's seed in it.
        content: The file that was handed in.
        seconds: How long one answer cell or one call may take.
        sandboxed: Whether answers run in the sandbox.

    Returns:
        The result, and the notebook as it ran, with nothing in its outputs that a student may not see.
    """
    try:
        rebuilt = rebuild.rebuild(exercise, content)
    except rebuild.UnreadableError as error:
        return Result("unreadable", str(error)), None
    runner = execute.SandboxedExecute(exercise, seconds=seconds, sandboxed=sandboxed)
    with tempfile.TemporaryDirectory(prefix="tests-") as folder:
        os.environ["SENTIMENT_KIT_RUNS"] = f"{folder}/runs"
        try:
            runner.preprocess(rebuilt.notebook, {"metadata": {"path": folder}})
        except execute.CanaryError as error:
            return Result("tampered", str(error)), None
        except execute.HandedOutError as error:
            status = STOPPED.get(error.name, "crashed")
            return Result(status, f"a cell that was handed out does not run: {error.name}: {error}"), None
        except DeadKernelError:
            return Result("crashed", "the tests' own process ended"), None
    outcomes = [_outcome(task, rebuilt) for task in exercise.tasks]
    visible = authoring.release(exercise).cells
    rebuilt.notebook.cells[0].source = visible[0].source  # the source's title links to itself, with all hidden tests
    for task in exercise.tasks:
        if task.by_hand:  # it will be shown in browsers: text, never markup
            answer = rebuilt.notebook.cells[task.answer]
            answer.source = answer.source.replace("<", "&lt;")
        else:
            rebuilt.notebook.cells[task.test].source = visible[task.test].source
    return Result("run", "; ".join(rebuilt.notes), outcomes), rebuilt.notebook


def main(job_file: str) -> None:
    """Does one job.

    Args:
        job_file: JSON with ``source`` (the seeded exercise), ``submission``, ``result`` and ``notebook`` (paths),
            ``seconds``, ``sandboxed`` and ``digest``.
    """
    started = time.monotonic()
    job = files.read_json(job_file)
    source = Path(job["source"])
    exercise = Exercise(source.stem, nbformat.read(source, as_version=4))
    content = Path(job["submission"]).read_bytes()
    result, notebook = mark(exercise, content, seconds=job["seconds"], sandboxed=job["sandboxed"])
    if notebook is not None:
        files.write_text(job["notebook"], nbformat.writes(notebook))
    result.seconds, result.digest = round(time.monotonic() - started, 1), job["digest"]
    result.write(Path(job["result"]))


if __name__ == "__main__":
    main(sys.argv[1])
