"""Runs the lessons in an empty runs folder and writes their outputs back into notebooks/ (`make refresh`).

With ``--exercises`` it runs exercises/source/ instead, and makes exercises/release/ and exercises/solutions/ from it.
With ``--from-run`` it runs nothing and takes the outputs of the last ``make course``.

Left out of what is stored: paths of this machine, live widgets, and all but the last state of a progress bar.
"""

import os
import re
import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from tqdm import tqdm

ROOT = Path(__file__).resolve().parent.parent


def _portable(text: str, runs: str) -> str:
    for path, name in ((runs, "runs"), (sys.prefix, ".venv"), (str(ROOT), "."), (str(Path.home()), "~")):
        text = text.replace(path, name)
    return "".join(line.split("\r")[-1] for line in text.replace("\r\n", "\n").splitlines(keepends=True))


def tidy(notebook: nbformat.NotebookNode, runs: str) -> None:
    """Makes stored outputs portable, in place."""
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        if cell.cell_type != "code":
            continue
        for output in cell.outputs:
            if "text" in output:
                output.text = re.sub(r"\x1b\[[0-9;]*m", "", _portable(output.text, runs))
            for kind in list(output.get("data", {})):
                if "widget" in kind:
                    del output.data[kind]
                elif kind.startswith("text/"):
                    output.data[kind] = _portable(output.data[kind], runs)
        cell.outputs = [one for one in cell.outputs if one.get("text") or one.get("data")]
    notebook.metadata.pop("widgets", None)
    notebook.metadata.language_info = {"name": "python"}


def take_outputs(notebook: nbformat.NotebookNode, executed: nbformat.NotebookNode) -> None:
    """Takes the outputs of a run of the same notebook.

    Raises:
        ValueError: It is not the same: cells were edited since.
    """
    if [cell.source for cell in notebook.cells] != [cell.source for cell in executed.cells]:
        raise ValueError("the lesson was edited after the run: run `make course` again")
    for cell, found in zip(notebook.cells, executed.cells, strict=True):
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = found.outputs, found.execution_count


def make_exercises() -> None:
    """Writes what students open, and the solutions."""
    from sentiment_kit.grading import authoring, exercise

    for one in exercise.load(ROOT / "exercises" / "source").values():
        authoring.write_release(one, ROOT / "exercises" / "release")
        authoring.write_solution(one, ROOT / "exercises" / "solutions")


def main(arguments: list[str]) -> None:
    names = [one for one in arguments if not one.startswith("--")]
    exercises = "--exercises" in arguments
    paths = sorted(
        (ROOT / "exercises" / "source").glob("*/*.ipynb") if exercises else (ROOT / "notebooks").glob("*.ipynb")
    )
    with tempfile.TemporaryDirectory() as folder:
        runs = os.environ["SENTIMENT_KIT_RUNS"] = os.environ.get("REFRESH_RUNS", folder)
        os.environ.setdefault("HF_HUB_OFFLINE", "1")
        if "--from-run" in arguments:
            runs = str(ROOT / "runs")
        for path in tqdm([path for path in paths if not names or path.stem in names], desc="notebooks"):
            notebook = nbformat.read(path, as_version=4)
            if "--from-run" in arguments:
                take_outputs(notebook, nbformat.read(Path(runs) / "latest" / "notebooks" / path.name, as_version=4))
            else:
                NotebookClient(notebook, timeout=1800, record_timing=False).execute(cwd=path.parent)
            tidy(notebook, runs)
            nbformat.write(notebook, path)
    if exercises:
        make_exercises()


if __name__ == "__main__":
    main(sys.argv[1:])
