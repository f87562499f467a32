"""The bank of answers that the grader is held against, and a quick way to judge them without it.

``submissions/ex01/right_1.py`` carries one answer for each task of an exercise, ``wrong_1.py`` one wrong answer for each:

    # %% ex01_fragments  passes-visible
    def fragments(...): ...

``passes-visible`` says that the answer passes every check that students see.
"""

import re
import types
from dataclasses import dataclass
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "exercises" / "source"
SUBMISSIONS = Path(__file__).parent / "submissions"
HEAD = re.compile(r"^# %% (\w+)[ \t]*(passes-visible)?[ \t]*$", re.MULTILINE)
HIDDEN = re.compile(r"^### BEGIN HIDDEN TESTS\n.*?^### END HIDDEN TESTS$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Answer:
    """One answer to one task.

    Attributes:
        code: What stands in the answer cell.
        passes_visible: Whether the checks that students see let it through.
    """

    code: str
    passes_visible: bool


def read_answers(path: Path) -> dict[str, Answer]:
    """The answers of one file, by task."""
    parts = HEAD.split(path.read_text(encoding="utf-8"))
    triples = zip(parts[1::3], parts[2::3], parts[3::3], strict=True)
    return {task: Answer(code.strip() + "\n", bool(mark)) for task, mark, code in triples}


def source(exercise: str) -> nbformat.NotebookNode:
    """The edited notebook of an exercise."""
    return nbformat.read(SOURCE / exercise / f"{exercise}.ipynb", as_version=4)


def tasks(exercise: str) -> list[str]:
    """The tasks of an exercise that a program marks, in their order."""
    marks = [cell.metadata.get("nbgrader", {}) for cell in source(exercise).cells if cell.cell_type == "code"]
    return [mark["grade_id"] for mark in marks if mark.get("solution")]


def judge(
    exercise: str, answers: dict[str, str], *, hidden: bool = True, course_seed: int = 0
) -> dict[str, Exception | None]:
    """Runs an exercise in this process with the answers given, and says what became of each task.

    Args:
        exercise: Such as ``"ex01"``.
        answers: The code for each task; a task that is left out keeps the kit's solution.
        hidden: Whether the hidden tests run, or those only that students see.
        course_seed: What the hidden tests draw from.

    Returns:
        For each task the error that its checks raised, or nothing.
    """
    namespace = types.ModuleType("exercise").__dict__
    result: dict[str, Exception | None] = {}
    for cell in source(exercise).cells:
        if cell.cell_type != "code":
            continue
        mark = cell.metadata.get("nbgrader", {})
        code = re.sub(r"^course_seed = 0$", f"course_seed = {course_seed}", cell.source, flags=re.MULTILINE)
        if not mark.get("solution") and not mark.get("grade"):
            exec(code, namespace)
            continue
        if mark.get("solution"):
            code = answers.get(mark["grade_id"], code)
        elif not hidden:
            code = HIDDEN.sub("", code)
        task = mark["grade_id"].removesuffix("_test")
        try:
            exec(code, namespace)
        except Exception as error:
            result[task] = result.get(task) or error
        else:
            result.setdefault(task, None)
    return result
