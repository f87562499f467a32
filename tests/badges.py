"""Stamps the way to Google Colab into every lesson and exercise (`make badges`): a link and the set-up cell.

The repository's address stands in pyproject.toml, once; `make badges REPO=owner/name` writes it there first. Whatever an
earlier stamp left is replaced, so stamping again changes nothing.
"""

import re
import sys
import tomllib
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell

from sentiment_kit import files
from sentiment_kit.grading.exercise import COLAB_LINK, SET_UP

ROOT = Path(__file__).resolve().parent.parent
CELL = """\
import sys

if "google.colab" in sys.modules:  # Google Colab is made ready; anywhere else this cell does nothing
    import glob
    import importlib.util
    import subprocess

    if importlib.util.find_spec("sentiment_kit") is None:
        kit = "{address}/archive/main.zip"
        kit = max(glob.glob("sentiment_kit*.[wz]*"), default=kit)  # a wheel or zip that you uploaded goes first
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", kit]
        assert subprocess.call(pip) == 0, "Not installed: upload the kit's wheel or zip (folder icon, left), run again"
    from sentiment_kit import colab

    print(colab.set_up(drive=False))  # drive=True keeps your results in your Google Drive"""


def address() -> str:
    """The repository's address, as pyproject.toml has it."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["urls"]["Repository"]


def set_address(repository: str) -> None:
    """Writes an address into pyproject.toml.

    Args:
        repository: Owner and name, such as ``"owner/name"``.
    """
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", repository):
        sys.exit(f"REPO={repository} is not like owner/name")
    path = ROOT / "pyproject.toml"
    text = path.read_text(encoding="utf-8")
    line = f'Repository = "https://github.com/{repository}"'
    files.write_text(path, re.sub(r'^Repository = ".*"$', line, text, flags=re.MULTILINE))


def paths() -> list[Path]:
    """The notebooks that are stamped; releases and solutions are made from the sources."""
    return sorted([*(ROOT / "notebooks").glob("*.ipynb"), *(ROOT / "exercises" / "source").glob("*/*.ipynb")])


def _renumber(cells: list[nbformat.NotebookNode]) -> None:
    """Counts as if run in order, in notebooks that were run."""
    code = [cell for cell in cells if cell.cell_type == "code"]
    for number, cell in enumerate(code if any(cell.execution_count for cell in code) else (), start=1):
        cell.execution_count = number
        for output in cell.outputs:
            if "execution_count" in output:
                output.execution_count = number


def stamp(notebook: nbformat.NotebookNode, path: Path, repository: str) -> None:
    """Gives a notebook its link below the title and its set-up cell after the first cell, in place.

    Args:
        notebook: A lesson, or the source of an exercise.
        path: Where it lies in the repository, relative to the top.
        repository: The address, such as ``"https://github.com/owner/name"``.
    """
    title, _, rest = COLAB_LINK.sub("", notebook.cells[0].source).partition("\n")
    if not title.startswith("# "):
        sys.exit(f"{path}: the first cell has to begin with the title, such as '# 07 Adapt'")
    opened = repository.replace("https://github.com/", "https://colab.research.google.com/github/")
    link = f"[Open in Colab]({opened}/blob/main/{path.as_posix()})"
    notebook.cells[0].source = f"{title}\n\n{link}\n\n{rest.lstrip()}"
    cell = new_code_cell(CELL.format(address=repository), id=SET_UP, metadata={"tags": [SET_UP]})
    if path.parts[0] == "exercises":
        mark = {"grade": False, "grade_id": f"{path.stem}_colab", "locked": True, "schema_version": 3}
        cell.metadata["nbgrader"] = mark | {"solution": False, "task": False}
    others = [one for one in notebook.cells[1:] if SET_UP not in one.metadata.get("tags", [])]
    notebook.cells = [notebook.cells[0], cell, *others]
    _renumber(notebook.cells)


def stamped(path: Path, repository: str) -> str:
    """The text of a notebook's file as it is to be."""
    notebook = nbformat.read(path, as_version=4)
    stamp(notebook, path.relative_to(ROOT), repository)
    return nbformat.writes(notebook) + "\n"


def main(arguments: list[str]) -> None:
    from tests import refresh

    if arguments:
        set_address(arguments[0])
    for path in paths():
        files.write_text(path, stamped(path, address()))
    refresh.make_exercises()


if __name__ == "__main__":
    main(sys.argv[1:])
