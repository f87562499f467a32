"""Rebuilding a submission: the notebook that was handed out, with the student's answers and nothing else of theirs.

Whatever a submission says of points, tests, metadata or kernels is not looked at.
"""

import copy
import itertools
import json
import re
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from nbformat import NotebookNode

from sentiment_kit.grading import authoring
from sentiment_kit.grading.exercise import SEED_LINE, SET_UP, Exercise, Task, defined_names, mark_of, named_in

ANOTHER_SEED = "made from a release with course seed"
"""How the note begins on a notebook that another course was given."""

LARGEST_NOTEBOOK = 20 * 1024 * 1024
_LARGEST_ANSWER = 100_000
_KNOWN_STARTS = {
    b"PK": "a zip archive",
    b"%PDF": "a PDF",
    b"<": "a web page",
    b"\x89PNG": "a picture",
    b"\xff\xfe": "UTF-16",
}


class UnreadableError(ValueError):
    """A submission is no notebook; the message says what it seems to be and what to hand in."""


@dataclass(frozen=True)
class Cell:
    """A cell of a submission: its kind, its text, and the ID that nbgrader gave it, if it is still there."""

    kind: str
    source: str
    grade_id: str | None

    @cached_property
    def names(self) -> set[str]:
        """What it defines; nothing for a cell that is longer than an answer may be."""
        short = self.kind == "code" and len(self.source) <= _LARGEST_ANSWER
        return defined_names(self.source, nested=True) if short else set()


@dataclass
class Rebuilt:
    """A submission ready to run.

    Attributes:
        notebook: The source notebook with the student's answers in place of the solutions.
        notes: What was odd, as sentences.
        untouched: Tasks whose answer cell is as it was handed out.
    """

    notebook: NotebookNode
    notes: list[str] = field(default_factory=list)
    untouched: set[str] = field(default_factory=set)


def _text(source: object) -> str:
    """A cell's text: lines or one string; Windows line ends and broken characters are mended."""
    text = "".join(str(line) for line in source) if isinstance(source, list) else str(source or "")
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "")
    return text.encode("utf-8", "replace").decode("utf-8")


def read_cells(content: bytes) -> list[Cell]:
    """Reads the cells of a notebook file, however it was saved.

    Args:
        content: The bytes of the file.

    Raises:
        UnreadableError: It is no notebook.
    """
    if not content.strip():
        raise UnreadableError("the file is empty: save the notebook and hand it in again")
    if len(content) > LARGEST_NOTEBOOK:
        raise UnreadableError("the file is larger than 20 MB: clear all outputs and hand it in again")
    try:
        document = json.loads(content.decode("utf-8-sig"))
        sheets = document["cells"] if "cells" in document else document["worksheets"][0]["cells"]
        cells = [_read_cell(cell) for cell in sheets]
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError):
        seems = next((name for start, name in _KNOWN_STARTS.items() if content.lstrip().startswith(start)), None)
        seems = f"it seems to be {seems}" if seems else "it is damaged, or something else with that name"
        raise UnreadableError(f"this is not a notebook ({seems}): hand in the .ipynb file") from None
    if not any(cell.source.strip() for cell in cells):
        raise UnreadableError("the notebook has no cells")
    return cells


def _read_cell(cell: dict) -> Cell:
    metadata = cell.get("metadata")
    mark = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    grade_id = mark.get("grade_id") if isinstance(mark, dict) else None
    kind = "code" if cell["cell_type"] == "code" else "text"
    source = _text(cell.get("source", cell.get("input", "")))
    return Cell(kind, source, grade_id if isinstance(grade_id, str) else None)


def _same(first: str, second: str) -> bool:
    return first.split() == second.split()


def _code_answer(task: Task, stub: str, cells: list[Cell], others: set[str]) -> tuple[str, str | None]:
    """The code of a task, and a note where it was not in its place."""
    written = [cell for cell in cells if cell.source.strip() and not _same(cell.source, stub)]
    marked = [cell for cell in written if cell.grade_id == task.name]
    defining = [cell for cell in written if set(task.names) <= cell.names]
    # some leave the stub's last line below their answer, others the stub above a cell of their own
    defining = [cell for cell in defining if authoring.UNANSWERED not in cell.source] or defining
    unmarked = [cell for cell in defining if cell.grade_id not in others]
    best = [cell for cell in marked if cell in defining] or unmarked or defining or marked
    if not best:
        return stub, None
    different = {tuple(cell.source.split()) for cell in best}
    note = f"{task.name}: {len(different)} answer cells, the last one counts" if len(different) > 1 else None
    if best[-1].grade_id != task.name:
        note = note or f"{task.name}: found by its name, not in its own cell"
    return best[-1].source, note


def _written_answer(task: Task, stub: str, question: str, cells: list[Cell], handed_out: list[str]) -> str:
    """The text of a task that a person marks: by its ID, else what follows the question, or the untouched cell."""

    def written(cell: Cell) -> bool:
        return bool(cell.source.strip()) and not any(_same(cell.source, one) for one in (stub, *handed_out))

    marked = [cell.source for cell in cells if cell.grade_id == task.name and written(cell)]
    if marked:
        return marked[-1]
    for before, cell in itertools.pairwise(cells):
        after = before.grade_id == task.name or _same(before.source, question)
        if after and cell.kind == "text" and written(cell):
            return cell.source
    return stub


def _notes_on_tampering(base: NotebookNode, cells: list[Cell]) -> list[str]:
    notes = []
    given = [cell for cell in base.cells if SET_UP not in cell.metadata.get("tags", [])]
    tests = {mark_of(cell)["grade_id"]: cell.source for cell in given if mark_of(cell).get("locked")}
    submitted = [(cell.grade_id, cell.source) for cell in cells if cell.grade_id in tests]
    if any(not _same(SEED_LINE.sub("", source), SEED_LINE.sub("", tests[name])) for name, source in submitted):
        notes.append("cells that were handed out had been changed; the originals were used")
    if submitted and tests.keys() - {name for name, _ in submitted}:
        notes.append("cells that were handed out were missing; the originals were used")
    seed = SEED_LINE.search("\n".join(tests.values()))
    seeds = {own[1][:12] for _, source in submitted if (own := SEED_LINE.search(source))}
    for own in sorted(seeds - {seed[1]} if seed else ()):
        notes.append(f"{ANOTHER_SEED} {own}, graded with {seed[1]}")
    return notes


def rebuild(exercise: Exercise, content: bytes) -> Rebuilt:
    """Puts a student's answers into the exercise.

    Args:
        exercise: The exercise, with the course's seed in it.
        content: The file that was handed in.

    Returns:
        The notebook to run: hidden tests included, all else of the submission left out.

    Raises:
        UnreadableError: The file is no notebook, or an answer is longer than 100,000 characters.
    """
    cells = read_cells(content)
    handed_out = authoring.release(exercise)
    texts = [cell.source for cell in handed_out.cells]
    result = Rebuilt(copy.deepcopy(exercise.notebook), _notes_on_tampering(handed_out, cells))
    ids = {mark_of(cell)["grade_id"] for cell in handed_out.cells if mark_of(cell)}
    for task in exercise.tasks:
        answer = copy.deepcopy(handed_out.cells[task.answer])  # with the checksum by which nbgrader knows the stub
        stub, note = answer.source, None
        if task.by_hand:
            answer.source = _written_answer(task, stub, texts[task.answer - 1], cells, texts)
        else:
            answer.source, note = _code_answer(task, stub, cells, ids - {task.name})
        if len(answer.source) > _LARGEST_ANSWER:
            raise UnreadableError(f"the answer to {task.name} is longer than {_LARGEST_ANSWER:,} characters")
        if answer.source == stub or _same(answer.source, stub):
            answer.source = stub
            result.untouched.add(task.name)
        result.notes += [note] if note else []
        result.notebook.cells[task.answer] = answer
    for cell in result.notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return result


def exercise_of(content: bytes, exercises: dict[str, Exercise], name: str = "") -> str | None:
    """Which exercise a file is an answer to: by its cells, else by its name.

    Args:
        content: The file.
        exercises: Those that there are.
        name: The file's name.

    Returns:
        The name of the exercise with most cells in common, or the one that the file's name holds, or nothing.
    """
    try:
        cells = read_cells(content)
    except UnreadableError:
        cells = []
    counts = {}
    for candidate, exercise in exercises.items():
        ids = {mark_of(cell)["grade_id"] for cell in exercise.notebook.cells if mark_of(cell)}
        names = {one for task in exercise.tasks for one in task.names}
        defined = {one for cell in cells if cell.kind == "code" for one in named_in(cell.source)}
        counts[candidate] = 2 * len(ids & {cell.grade_id for cell in cells}) + len(names & defined)
    best = max(counts, key=counts.__getitem__, default=None)
    if best is not None and counts[best] and list(counts.values()).count(counts[best]) == 1:
        return best
    stem = Path(name).stem.casefold()
    named = [one for one in exercises if re.search(rf"(?<![a-z0-9]){re.escape(one.casefold())}(?![0-9])", stem)]
    return named[-1] if named else None
