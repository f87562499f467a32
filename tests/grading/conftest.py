"""What the grader's tests share: two tiny exercises, and ways to answer them and to write them to a bank."""

import copy
import json
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from sentiment_kit.grading import authoring
from sentiment_kit.grading.exercise import Exercise

ANSWERS = {
    "ex07_double": "def double(x):\n    return x + x",
    "ex07_halve": "def halve(x):\n    half = x / 2\n    return half",
    "ex07_guess": "guess = 4",
    "ex07_why": "Because two halves make a whole.",
}


def _mark(grade_id: str, points: int | None = None, *, solution: bool = False) -> dict:
    mark = {"grade": points is not None, "grade_id": grade_id, "locked": not solution, "schema_version": 3}
    return {"nbgrader": mark | {"solution": solution, "task": False} | ({} if points is None else {"points": points})}


def _tiny(name: str, first: str, second: str, guess: str) -> Exercise:
    """Two functions to write, a number to predict, and a text that a person marks."""
    shown = new_output("stream", name="stdout", text="the output of the given cell\n")
    sums = new_output("execute_result", data={"text/plain": "the output of a solution"}, execution_count=4)
    cells = [
        new_markdown_cell("# Exercise: twice and half\n\n**Points:** 10. Write only where you are told to."),
        new_code_cell("import random\n\ncourse_seed = 0\nlargest = 9", metadata=_mark(f"{name}_setup")),
        new_markdown_cell(f"## Task 1: {first} (2 points)\n\nWrite `{first}(x)`."),
        new_code_cell(
            f"def {first}(x):\n"
            '    """What the task says."""\n'
            "    ### BEGIN SOLUTION\n"
            f"    solved_{first} = 2 * x\n"
            f"    return solved_{first}\n"
            "    ### END SOLUTION",
            metadata=_mark(f"{name}_{first}", solution=True) | {"tags": ["solved"]},
            outputs=[sums],
            execution_count=4,
        ),
        new_code_cell(
            f"assert {first}(1) == 2, 'twice 1 is 2'\n"
            "### BEGIN HIDDEN TESTS\n"
            f"_hidden_{first} = random.Random(course_seed).random()\n"
            f"assert {first}(_hidden_{first}) == 2 * _hidden_{first}, 'a number drawn at random'\n"
            "### END HIDDEN TESTS",
            metadata=_mark(f"{name}_{first}_test", 2),
        ),
        new_markdown_cell(f"## Task 2: {second} (3 points)\n\nWrite `{second}(x)`."),
        new_code_cell(
            f"def {second}(x):\n    ### BEGIN SOLUTION\n    return x * 0.5\n    ### END SOLUTION",
            metadata=_mark(f"{name}_{second}", solution=True),
        ),
        new_code_cell(
            f"### BEGIN HIDDEN TESTS\nassert {second}(-7) == -3.5, 'a number below zero'\n### END HIDDEN TESTS",
            metadata=_mark(f"{name}_{second}_test", 3),
        ),
        new_markdown_cell("## Task 3: predict (1 point)\n\nWhich number will be drawn?"),
        new_code_cell(
            "draw = random.Random(course_seed).randint(1, largest)",
            metadata=_mark(f"{name}_given"),
            outputs=[shown],
            execution_count=7,
        ),
        new_code_cell(
            f"# {guess} = a number\n### BEGIN SOLUTION\n{guess} = draw\n### END SOLUTION",
            metadata=_mark(f"{name}_{guess}", solution=True),
        ),
        new_code_cell(
            f"assert isinstance({guess}, int)\n### BEGIN HIDDEN TESTS\nassert {guess} == draw\n### END HIDDEN TESTS",
            metadata=_mark(f"{name}_{guess}_test", 1),
        ),
        new_markdown_cell("## Task 4: why? (4 points, marked by hand)\n\nWhy do these two undo each other?"),
        new_markdown_cell(
            "=== BEGIN MARK SCHEME ===\n"
            "- (a) 4 points: names the inverse.\n"
            "=== END MARK SCHEME ===\n"
            "Each is the inverse of the other.",
            metadata=_mark(f"{name}_why", 4, solution=True),
        ),
        new_markdown_cell("## Before you hand in\n\nRestart and run all."),
    ]
    for place, cell in enumerate(cells):
        cell.id = f"{name}-{place:02d}"
    kernel = {"kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}}
    return Exercise(name, new_notebook(cells=cells, metadata=kernel))


@pytest.fixture(scope="session")
def _built() -> dict[str, Exercise]:
    return {"ex07": _tiny("ex07", "double", "halve", "guess"), "ex08": _tiny("ex08", "triple", "third", "bet")}


@pytest.fixture
def exercises(_built: dict[str, Exercise]) -> dict[str, Exercise]:
    """Two tiny exercises, ``ex07`` and ``ex08``, alike but for their names; each test gets its own copy."""
    return {name: Exercise(name, copy.deepcopy(one.notebook)) for name, one in _built.items()}


@pytest.fixture
def tiny_exercise(exercises: dict[str, Exercise]) -> Exercise:
    """``ex07``: ``double`` and ``halve`` to write, ``guess`` to predict, and a text that a person marks."""
    return exercises["ex07"]


@pytest.fixture
def answers() -> dict[str, str]:
    """An answer to each task of ``tiny_exercise``, none of which is the solution."""
    return dict(ANSWERS)


@pytest.fixture
def handed_out(tiny_exercise: Exercise) -> dict:
    """The release of ``tiny_exercise`` as plain JSON, to be changed at will."""
    return json.loads(json.dumps(authoring.release(tiny_exercise)))


@pytest.fixture
def answered(handed_out: dict, answers: dict[str, str]) -> dict:
    """The same with every task answered."""
    for cell in handed_out["cells"]:
        cell["source"] = answers.get(cell["metadata"].get("nbgrader", {}).get("grade_id"), cell["source"])
    return handed_out


@pytest.fixture
def bank(tmp_path: Path) -> Callable[..., Path]:
    """Writes exercises to a folder as :func:`exercise.load` expects them, and gives the folder."""

    def write(*given: Exercise) -> Path:
        for one in given:
            path = tmp_path / "bank" / one.name / f"{one.name}.ipynb"
            path.parent.mkdir(parents=True)
            path.write_text(nbformat.writes(one.notebook), encoding="utf-8")
        return tmp_path / "bank"

    return write
