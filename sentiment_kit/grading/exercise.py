"""What an exercise is: a source notebook with nbgrader's marks, its tasks, and what students get of it."""

import ast
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from sentiment_kit import profiles

SEED_LINE = re.compile(r"^course_seed = (\d+)$", re.MULTILINE)
"""The line of the setup cell that an instructor's seed is written into."""

COLAB_LINK = re.compile(r"\[Open in Colab\]\(\S+\)\n\n")
"""The line below the title that opens a notebook of the kit in Google Colab."""

SET_UP = "set-up"
"""The tag of the cell that makes a Colab ready. No part of the task: whoever changes or drops it does no harm."""


class ExerciseError(ValueError):
    """A source notebook cannot be used; the message names the cell and the remedy."""


@dataclass(frozen=True)
class Task:
    """One thing to do.

    Attributes:
        name: The ``grade_id`` of the answer cell, such as ``"ex03_cross_entropy"``.
        title: The heading above it.
        points: What it is worth.
        answer: The place of the answer cell in the notebook.
        test: The place of the cell that marks it; nothing for a text that is marked by hand.
        names: What the answer cell is to define.
    """

    name: str
    title: str
    points: float
    answer: int
    test: int | None
    names: tuple[str, ...]

    @property
    def by_hand(self) -> bool:
        """Whether a person marks it."""
        return self.test is None


def mark_of(cell: NotebookNode) -> dict:
    """Nbgrader's notes on a cell, empty for most."""
    return cell.get("metadata", {}).get("nbgrader", {})


def named_in(code: str) -> set[str]:
    r"""The names that a cell seems to define, found without parsing it.

    >>> sorted(named_in("def f(:\na = 1"))
    ['a', 'f']
    """
    found = re.findall(r"^(?:def|class)\s+(\w+)|^(\w+)\s*=(?!=)", code, re.MULTILINE)
    return {name for pair in found for name in pair if name}


def defined_names(code: str, *, nested: bool = False) -> set[str]:
    r"""The names that a cell defines at its top level, as far as it can be parsed.

    Args:
        code: The cell.
        nested: Those that are set inside loops and conditions, too.

    >>> sorted(defined_names("import os\ndef f(x): return x\na, b = 1, 2"))
    ['a', 'b', 'f']
    >>> defined_names("for i in range(3):\n    if i: a = i", nested=True) == {"a", "i"}
    True
    """
    try:
        body = ast.parse(code).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # the last two: nested without end
        return named_in(code)
    names, waiting = set(), list(body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif nested or isinstance(node, ast.Assign | ast.AnnAssign | ast.Tuple | ast.List | ast.Starred):
            waiting += ast.iter_child_nodes(node)
    return names


@dataclass(frozen=True)
class Exercise:
    """A source notebook, read and checked.

    Attributes:
        name: Such as ``"ex03"``.
        notebook: The source, with solutions and hidden tests.
    """

    name: str
    notebook: NotebookNode

    @cached_property
    def tasks(self) -> tuple[Task, ...]:
        """The tasks in their order.

        Raises:
            ExerciseError: A cell is marked in a way that cannot be graded.
        """
        try:
            return self._read_tasks()
        except (KeyError, TypeError) as error:
            raise ExerciseError(f"{self.name}: an nbgrader mark is incomplete: {error} is missing or wrong") from None

    def _read_tasks(self) -> tuple[Task, ...]:
        cells = self.notebook.cells
        places = {mark_of(cell)["grade_id"]: place for place, cell in enumerate(cells) if mark_of(cell)}
        if len(places) != sum(bool(mark_of(cell)) for cell in cells):
            raise ExerciseError(f"{self.name}: two cells have the same nbgrader ID")
        found, title = [], ""
        for place, cell in enumerate(cells):
            if heading := re.search(r"^##+ (.+)$", cell.source if cell.cell_type == "markdown" else "", re.MULTILINE):
                title = heading[1]
            if mark_of(cell).get("solution"):
                found.append(self._task(place, title, places))
        if not found:
            raise ExerciseError(f"{self.name}: no cell is marked as an answer (nbgrader: 'Autograded answer')")
        self._check_regions()
        return tuple(found)

    def _check_regions(self) -> None:
        """Regions end, and stand in cells that nbgrader clears: anything else would be handed out."""
        for place, cell in enumerate(self.notebook.cells):
            for region, kind in (("SOLUTION", "solution"), ("HIDDEN TESTS", "grade")):
                begun, ended = (cell.source.count(f"{edge} {region}") for edge in ("BEGIN", "END"))
                if begun != ended or (begun and not mark_of(cell).get(kind)):
                    where = mark_of(cell).get("grade_id", f"cell {place + 1}")
                    told = f"### BEGIN {region} without its END, or in a cell that nbgrader does not clear"
                    raise ExerciseError(f"{self.name}: {where} has {told}")

    def _points(self, cell: NotebookNode) -> float:
        try:
            return float(mark_of(cell)["points"])
        except ValueError:
            raise ExerciseError(f"{self.name}: the points of {mark_of(cell)['grade_id']} are no number") from None

    def _task(self, place: int, title: str, places: dict[str, int]) -> Task:
        cell = self.notebook.cells[place]
        name = mark_of(cell)["grade_id"]
        if mark_of(cell).get("grade"):
            return Task(name, title, self._points(cell), place, None, ())
        test = places.get(f"{name}_test")
        if test is None or not mark_of(self.notebook.cells[test]).get("grade"):
            raise ExerciseError(f"{self.name}: {name} has no test cell: mark one, with the ID {name}_test")
        if not (names := tuple(sorted(defined_names(cell.source)))):
            raise ExerciseError(f"{self.name}: the solution of {name} defines no function and no variable")
        return Task(name, title, self._points(self.notebook.cells[test]), place, test, names)

    @property
    def max_score(self) -> float:
        """All points together."""
        return sum(task.points for task in self.tasks)

    def seeded(self, course_seed: int) -> "Exercise":
        """The same exercise with another seed in its setup cell.

        Raises:
            ExerciseError: There is no line ``course_seed = 0``, or several.
        """
        notebook = nbformat.from_dict(self.notebook)
        changed = 0
        for cell in notebook.cells:
            if cell.cell_type == "code" and not mark_of(cell).get("solution"):
                cell.source, count = SEED_LINE.subn(f"course_seed = {course_seed}", cell.source)
                changed += count
        if changed != 1:
            raise ExerciseError(f"{self.name}: the setup cell must have the line 'course_seed = 0', once")
        return Exercise(self.name, notebook)


def default_source() -> Path:
    """The folder of the kit's own exercises."""
    return profiles.bundled("exercises", "source")


def load(folder: str | Path, names: list[str] | None = None) -> dict[str, Exercise]:
    """Reads the exercises of a bank.

    Args:
        folder: With one folder for each exercise: ``ex03/ex03.ipynb``.
        names: Which; all if left out.

    Returns:
        The exercises by name, in alphabetical order.

    Raises:
        ExerciseError: There is none, one of the names is missing, or a notebook cannot be used.
    """
    folder = Path(folder)
    found = {path.stem: path for path in sorted(folder.glob("*/*.ipynb")) if path.stem == path.parent.name}
    if not found:
        raise ExerciseError(f"{folder}: no exercise here; expected one folder for each, such as ex03/ex03.ipynb")
    if missing := [name for name in names or () if name not in found]:
        raise ExerciseError(f"{folder}: there is no exercise {missing[0]}; there is {', '.join(found)}")
    read = {}
    for name in sorted(names or found):
        try:
            read[name] = Exercise(name, nbformat.read(found[name], as_version=4))
            _ = [cell.source for cell in read[name].notebook.cells]
        except (ValueError, KeyError, AttributeError, TypeError, RecursionError, nbformat.ValidationError) as error:
            said = " ".join(str(error).split())[:80]
            raise ExerciseError(f"{found[name]}: not a notebook ({said})") from None
        _ = read[name].tasks
    return read
