"""Making what students get: release notebooks without solutions, and solutions for those who learn alone.

The source notebooks are the only ones that are edited. nbgrader clears, locks and signs the cells.
"""

from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbgrader import preprocessors
from traitlets.config import Config

from sentiment_kit import files
from sentiment_kit.grading.exercise import COLAB_LINK, SEED_LINE, Exercise, mark_of

WRITTEN_STUB = "*Write your answer here.*"
UNANSWERED = "your answer is still to come"
CODE_STUB = f'# YOUR CODE HERE\nraise NotImplementedError("{UNANSWERED}")'
SCHEME_MARKS = {"=== BEGIN MARK SCHEME ===": "**How it is marked**\n", "=== END MARK SCHEME ===": "\n**An answer**\n"}

_RELEASE = (
    preprocessors.LockCells,
    preprocessors.ClearSolutions,
    preprocessors.ClearOutput,
    preprocessors.ClearHiddenTests,
    preprocessors.ComputeChecksums,
    preprocessors.CheckCellMetadata,
)


def _processed(notebook: NotebookNode, steps: tuple[type, ...]) -> NotebookNode:
    config = Config()
    config.ClearSolutions.code_stub = {"python": CODE_STUB}
    config.ClearSolutions.text_stub = WRITTEN_STUB
    notebook = nbformat.from_dict(notebook)
    for step in steps:
        notebook, _ = step(config=config).preprocess(notebook, {})
    return notebook


def _link(notebook: NotebookNode, folder: str) -> None:
    """Lets the link to Colab open this copy, not the source; a course's own seed is in no copy that it could open."""
    seeds = {int(found[1]) for cell in notebook.cells if (found := SEED_LINE.search(cell.source))}
    title = notebook.cells[0]
    if seeds == {0}:
        title.source = title.source.replace("/exercises/source/", f"/exercises/{folder}/")
    else:
        title.source = COLAB_LINK.sub("", title.source)


def release(exercise: Exercise) -> NotebookNode:
    """The notebook that students open: no solutions, no hidden tests, no mark schemes, no outputs."""
    source = nbformat.from_dict(exercise.notebook)
    source.metadata.pop("widgets", None)
    _link(source, "release")
    for task in exercise.tasks:
        answer = source.cells[task.answer]
        answer.metadata.pop("tags", None)
        answer.pop("attachments", None)
        if task.by_hand:
            answer.source = WRITTEN_STUB
    return _processed(source, _RELEASE)


def solution(exercise: Exercise) -> NotebookNode:
    """The solved notebook with its outputs, for reading: no hidden tests, and no marks of nbgrader's."""
    notebook = _processed(exercise.notebook, (preprocessors.ClearHiddenTests,))
    _link(notebook, "solutions")
    for cell in notebook.cells:
        markers = ("### BEGIN SOLUTION", "### END SOLUTION")
        lines = [line for line in cell.source.splitlines() if line.strip() not in markers]
        if mark_of(cell).get("solution") and mark_of(cell).get("grade"):
            lines = [SCHEME_MARKS.get(line.strip(), line) for line in lines]
        cell.source = "\n".join(lines)
        for name in ("nbgrader", "deletable", "editable"):
            cell.metadata.pop(name, None)
    return notebook


def write_release(exercise: Exercise, folder: str | Path) -> Path:
    """Writes ``<folder>/<name>/<name>.ipynb`` as students get it.

    Returns:
        The file.

    Raises:
        OSError: The folder cannot be written to.
    """
    return _write(release(exercise), exercise.name, folder)


def write_solution(exercise: Exercise, folder: str | Path) -> Path:
    """Writes ``<folder>/<name>/<name>.ipynb`` with the solutions.

    Returns:
        The file.

    Raises:
        OSError: The folder cannot be written to.
    """
    return _write(solution(exercise), exercise.name, folder)


def _write(notebook: NotebookNode, name: str, folder: str | Path) -> Path:
    path = Path(folder) / name / f"{name}.ipynb"
    files.write_text(path, nbformat.writes(notebook) + "\n")
    return path
