"""What must not cost marks: ways in which an honest, fully right notebook differs from the one that was handed out.

Each noise takes the bytes of a right notebook (see :func:`honest`) and returns a file name and other bytes, which have to
earn the very same score.
"""

import base64
import copy
import json
from collections.abc import Callable

import nbformat

from sentiment_kit.grading import authoring, exercise
from tests.grading import bank

NAME = "ex06"
WRITTEN = "I would let my colleague label 300 comments drawn at random, without the model's answers beside them."
Noise = Callable[[bytes], tuple[str, bytes]]
NOISES: dict[str, Noise] = {}
QUICK = ("warnings_and_logging", "magics_and_display", "saved_by_colab", "without_marks_and_ids")


def fill(answers: dict[str, str], written: str = WRITTEN, *, course_seed: int = 0) -> bytes:
    """The release of exercise 6 with answers put in, as Jupyter would save it.

    Args:
        answers: The code for each task, by its name without ``ex06_``; a task left out keeps its stub.
        written: The text for the task that is marked by hand.
        course_seed: That of the release.
    """
    one = exercise.load(bank.SOURCE, [NAME])[NAME].seeded(course_seed)
    notebook = authoring.release(one)
    for task in one.tasks:
        short = task.name.removeprefix(f"{NAME}_")
        if task.by_hand:
            notebook.cells[task.answer].source = written
        elif short in answers:
            notebook.cells[task.answer].source = answers[short]
    return (nbformat.writes(notebook) + "\n").encode()


def right_answers() -> dict[str, str]:
    """A right answer to each task that a program marks, by its name without ``ex06_``."""
    found = bank.read_answers(bank.SUBMISSIONS / NAME / "right_1.py")
    return {name.removeprefix(f"{NAME}_"): answer.code for name, answer in found.items()}


def honest() -> bytes:
    """The plain notebook that noise is added to."""
    return fill(right_answers())


def _noise(function: Noise) -> Noise:
    NOISES[function.__name__] = function
    return function


def _file(noise: Callable, ending: str = "ex06.ipynb") -> str:
    return f"Noise {noise.__name__.replace('_', ' ')}_{1000 + len(noise.__name__)}_77_{ending}"


def _cells(document: dict) -> dict[str, dict]:
    """The cells that nbgrader marked, by ID."""
    marked = [cell for cell in document["cells"] if "nbgrader" in cell["metadata"]]
    return {cell["metadata"]["nbgrader"]["grade_id"].removeprefix(f"{NAME}_"): cell for cell in marked}


def _code(cell: dict) -> str:
    return "".join(cell["source"])


def _save(document: dict) -> bytes:
    return json.dumps(document, indent=1, ensure_ascii=False).encode() + b"\n"


def _put(content: bytes, before: dict[str, str], after: dict[str, str]) -> bytes:
    """Adds code above and below the answers."""
    document = json.loads(content)
    for name, cell in _cells(document).items():
        if name in before or name in after:
            cell["source"] = before.get(name, "") + _code(cell) + after.get(name, "")
    return _save(document)


def _inside(code: str, lines: str) -> str:
    """Puts lines at the top of the function that a cell defines."""
    head, colon, body = code.partition("):\n")
    return head + colon + "".join(f"    {line}\n" for line in lines.splitlines()) + body


# ---------------------------------------------------------------- what answers do besides answering


@_noise
def warnings_and_logging(content: bytes) -> tuple[str, bytes]:
    document = json.loads(content)
    cells = _cells(document)
    top = "import logging\nimport sys\nimport warnings\n\nlogging.basicConfig(level=logging.DEBUG, force=True)\n"
    top += 'warnings.warn("this is deprecated", DeprecationWarning)\nwarnings.warn("mind the gap")\n'
    top += 'print("to stderr", file=sys.stderr)\nlogging.getLogger("mine").error("in a cell")\n\n\n'
    lines = 'warnings.warn("in a function")\nlogging.warning("in a function")\nprint("err", file=sys.stderr)\n'
    lines += "np.float64(1) / np.float64(0)  # numpy's own warning"
    for name in ("with_temperature", "keep_aside"):
        cells[name]["source"] = top + _inside(_code(cells[name]), lines)
    return _file(warnings_and_logging), _save(document)


@_noise
def progress_bars_and_prints(content: bytes) -> tuple[str, bytes]:
    document = json.loads(content)
    cells = _cells(document)
    top = "from tqdm import tqdm, trange\nfrom tqdm.auto import tqdm as auto\n\n\n"
    lines = 'for _ in tqdm(range(3), desc="texts"):\n    pass\nfor _ in auto(range(2)):\n    pass\n'
    lines += 'for _ in trange(2, leave=False):\n    print("." * 500, end="\\r", flush=True)'
    for name in ("predict_in_batches", "answer_or_not_sure"):
        cells[name]["source"] = top + _inside(_code(cells[name]), lines)
    return _file(progress_bars_and_prints), _save(document)


@_noise
def magics_and_display(content: bytes) -> tuple[str, bytes]:
    before = {
        "predict_in_batches": "%matplotlib inline\n%load_ext autoreload\n%autoreload 2\n",
        "with_temperature": "%%time\n",
        "answer_or_not_sure": "from IPython.display import HTML, Markdown, clear_output, display\n\n",
        "keep_aside": "%%capture\n",
    }
    after = {
        "with_temperature": "\n\nwith_temperature(np.eye(3), 2.0)\n",
        "answer_or_not_sure": '\n\ndisplay(pd.DataFrame({"a": [1]}), HTML("<b>x</b>"), Markdown("*y*"))\nclear_output()\n'
        "%timeit -n 1 -r 1 answer_or_not_sure(np.eye(3), 0.5)\nx = %pwd\n",
    }
    return _file(magics_and_display), _put(content, before, after)


@_noise
def shell_lines(content: bytes) -> tuple[str, bytes]:
    """There is no shell in the sandbox; what follows such a line is still the answer."""
    before = {
        "predict_in_batches": "!pip install tqdm\n",
        "with_temperature": "%pip install -q numpy\n",
        "answer_or_not_sure": "!ls\nfiles = !ls\n",
    }
    return _file(shell_lines), _put(content, before, {"keep_aside": "\n\njson.loads?\n"})


@_noise
def plots(content: bytes) -> tuple[str, bytes]:
    top = "import matplotlib.pyplot as plt\n\nplt.plot([1, 2], [3, 4])\nplt.title('Größe')\nplt.show()\n\n\n"
    lines = 'figure, axes = plt.subplots()\naxes.hist([1, 2, 2])\nplt.savefig("mine.png")\nplt.close(figure)'
    document = json.loads(content)
    cell = _cells(document)["answer_or_not_sure"]
    cell["source"] = top + _inside(_code(cell), lines)
    return _file(plots), _save(document)


@_noise
def own_checks_and_files(content: bytes) -> tuple[str, bytes]:
    after = {
        "predict_in_batches": '\n\nassert predict_in_batches([], len, 2) == []\nif __name__ == "__main__":\n    print("ok")\n',
        "keep_aside": '\n\nfrom pathlib import Path\n\nPath("notes.txt").write_text("{}\\n")\n'
        'with open("notes.txt") as file:\n    print(keep_aside(file.readlines()))\n',
    }
    before = {"keep_aside": "import os\nimport tempfile\n\nos.makedirs('results', exist_ok=True)\n"}
    return _file(own_checks_and_files), _put(content, before, after)


@_noise
def helper_in_the_same_cell(content: bytes) -> tuple[str, bytes]:
    document = json.loads(content)
    cells = _cells(document)
    cells["with_temperature"]["source"] = (
        "import functools\nimport sys\n\nsys.setrecursionlimit(5000)\n\n\n"
        "def check(temperature):\n    if temperature <= 0:\n        raise ValueError('above 0, please')\n\n\n"
        "class Softmax:\n    def __call__(self, row):\n        powers = np.exp(row - row.max())\n"
        "        return powers / powers.sum()\n\n\n"
        "@functools.lru_cache\ndef softmax():\n    return Softmax()\n\n\n"
        "def with_temperature(logits, temperature):\n    check(temperature)\n"
        "    rows = [softmax()(row / temperature) for row in logits]\n"
        "    return np.array(rows) if rows else np.zeros((0, 3))\n"
    )
    cells["answer_or_not_sure"]["source"] = (
        "def one(row, threshold):\n    return LABELS[int(row.argmax())] if row.max() >= threshold else 'not sure'\n\n\n"
        "answer_or_not_sure = lambda probabilities, threshold: [one(row, threshold) for row in probabilities]\n"
    )
    return _file(helper_in_the_same_cell), _save(document)


@_noise
def annotations_and_unicode_names(content: bytes) -> tuple[str, bytes]:
    document = json.loads(content)
    cells = _cells(document)
    cells["predict_in_batches"]["source"] = (
        "from __future__ import annotations\n\nfrom typing import TypeVar\n\nT = TypeVar('T')\n\n\n"
        "def predict_in_batches(texts: list[str], score_batch: Callable[[list[str]], list[float]], batch_size: int = 8"
        ") -> list[float]:\n"
        '    """Größe → Reihenfolge 🎬"""\n'
        "    λ: list[int] = sorted(range(len(texts)), key=lambda i: len(texts[i]))\n"
        "    größe, 結果 = len(texts), {}\n"
        "    for début in range(0, größe, batch_size):\n"
        "        if stück := λ[début : début + batch_size]:\n"
        "            結果 |= dict(zip(stück, score_batch([texts[i] for i in stück]), strict=True))\n"
        "    return [結果[i] for i in range(größe)]\n"
    )
    return _file(annotations_and_unicode_names), _save(document)


@_noise
def nbgraders_own_markers(content: bytes) -> tuple[str, bytes]:
    """Comments that mean something in a source notebook, and nothing in an answer."""
    document = json.loads(content)
    cells = _cells(document)
    lines = "### BEGIN SOLUTION\n### END SOLUTION\n### BEGIN HIDDEN TESTS\n### END HIDDEN TESTS\n# === BEGIN MARK SCHEME ==="
    for name in ("predict_in_batches", "with_temperature", "keep_aside"):
        cells[name]["source"] = "### END SOLUTION\n" + _inside(_code(cells[name]), lines) + "\n### BEGIN HIDDEN TESTS\n"
    return _file(nbgraders_own_markers), _save(document)


# ---------------------------------------------------------------- cells


@_noise
def extra_cells(content: bytes) -> tuple[str, bytes]:
    document = json.loads(content)
    sources = ["!pip install torch", "1 / 0", "while True: pass", "course_seed = 99", "import not_there", "def f(:", ""]
    sources += ["import os\nos._exit(1)", "np = None", "from google.colab import drive\ndrive.mount('/content/drive')"]
    extra = [_code_cell(source, f"extra{place}") for place, source in enumerate(sources)]
    note = {"cell_type": "markdown", "id": "note", "metadata": {}, "source": ["my notes\n", "- x"]}
    spread = []
    for place, cell in enumerate(document["cells"]):
        spread += [cell, extra[place]] if place < len(extra) else [cell]
    document["cells"] = [note, *spread, copy.deepcopy(note) | {"id": "note2"}]
    return _file(extra_cells), _save(document)


def _code_cell(source: str, identity: str) -> dict:
    return {"cell_type": "code", "id": identity, "metadata": {}, "source": source, "outputs": [], "execution_count": 1}


@_noise
def reordered_cells(content: bytes) -> tuple[str, bytes]:
    document = json.loads(content)
    document["cells"].reverse()
    return _file(reordered_cells), _save(document)


@_noise
def deleted_and_edited_given_cells(content: bytes) -> tuple[str, bytes]:
    """Only the answers are left, and the setup, changed."""
    document = json.loads(content)
    marks = [cell["metadata"].get("nbgrader", {}) for cell in document["cells"]]
    kept = [cell for cell, mark in zip(document["cells"], marks, strict=True) if mark.get("solution")]
    setup = _cells(document)["setup"]
    setup["source"] = "# my imports\n" + _code(setup)
    document["cells"] = [setup, *kept]
    return _file(deleted_and_edited_given_cells), _save(document)


@_noise
def first_draft_left_above(content: bytes) -> tuple[str, bytes]:
    """An early wrong attempt of the student's own stands above the answer."""
    document = json.loads(content)
    draft = _code_cell("def with_temperature(logits, temperature):\n    return logits\n", "draft")
    document["cells"].insert(2, draft)
    return _file(first_draft_left_above), _save(document)


# ---------------------------------------------------------------- how the file was saved


@_noise
def saved_by_colab(content: bytes) -> tuple[str, bytes]:
    document = json.loads(content)
    document["metadata"] = {
        "colab": {"provenance": [], "toc_visible": True, "gpuType": "T4"},
        "accelerator": "GPU",
        "kernelspec": {"name": "python3", "display_name": "Python 3"},
        "language_info": {"name": "python"},
        "widgets": {"application/vnd.jupyter.widget-state+json": {"a1": {"model_module": "x", "state": {}}}},
    }
    document["nbformat_minor"] = 0
    for place, cell in enumerate(document["cells"]):
        cell["metadata"] |= {"id": cell.pop("id", f"c{place}")}
        if cell["cell_type"] == "code":
            user = {"displayName": "Noé", "userId": "0123"}
            cell["metadata"] |= {
                "executionInfo": {
                    "status": "ok",
                    "timestamp": 1730000000000,
                    "user_tz": -60,
                    "elapsed": 7,
                    "user": user,
                },
                "outputId": "7e2f6a5c-0000-4b1e-8a0e-000000000000",
                "colab": {"base_uri": "https://localhost:8080/", "height": 35},
            }
            cell["outputs"] = [{"output_type": "stream", "name": "stdout", "text": ["hello\n"]}]
    return _file(saved_by_colab), _save(document)


@_noise
def without_marks_and_ids(content: bytes) -> tuple[str, bytes]:
    """Copied cell by cell into a new notebook of any name: nothing is left but the text."""
    document = json.loads(content)
    for cell in document["cells"]:
        cell["metadata"] = {}
        cell.pop("id", None)
    document |= {"metadata": {}, "nbformat_minor": 4}
    return _file(without_marks_and_ids, "Untitled12.ipynb"), _save(document)


@_noise
def renamed_file(content: bytes) -> tuple[str, bytes]:
    return _file(renamed_file, "Hausaufgabe final FINAL (ü).ipynb"), content


@_noise
def attempt_suffix(content: bytes) -> tuple[str, bytes]:
    return _file(attempt_suffix, "ex06-2.ipynb"), content


@_noise
def attempt_in_brackets(content: bytes) -> tuple[str, bytes]:
    return _file(attempt_in_brackets, "ex06 (1).IPYNB"), content


@_noise
def windows_line_ends(content: bytes) -> tuple[str, bytes]:
    document = json.loads(content)
    for cell in document["cells"]:
        cell["source"] = _code(cell).replace("\n", "\r\n")
    return _file(windows_line_ends), _save(document).replace(b"\n", b"\r\n")


@_noise
def tabs_and_trailing_spaces(content: bytes) -> tuple[str, bytes]:
    document = json.loads(content)
    for cell in _cells(document).values():
        lines = _code(cell).replace("    ", "\t").split("\n")
        cell["source"] = "\n".join(f"{line}  " if line.strip() else line for line in lines) + "\n\n\n"
    return _file(tabs_and_trailing_spaces), _save(document)


@_noise
def other_kernel(content: bytes) -> tuple[str, bytes]:
    document = json.loads(content)
    document["metadata"] = {
        "kernelspec": {"name": "conda-env-nlp-py", "display_name": "Python [conda env:nlp]", "language": "python"},
        "language_info": {"name": "python", "version": "3.13.1", "codemirror_mode": {"name": "ipython", "version": 3}},
        "vscode": {"interpreter": {"hash": "0" * 64}},
    }
    return _file(other_kernel), _save(document)


@_noise
def source_as_one_string(content: bytes) -> tuple[str, bytes]:
    document = json.loads(content)
    for cell in document["cells"]:
        cell["source"] = _code(cell)
    return _file(source_as_one_string), json.dumps(document, separators=(",", ":")).encode()


@_noise
def byte_order_mark(content: bytes) -> tuple[str, bytes]:
    return _file(byte_order_mark), b"\xef\xbb\xbf" + content


@_noise
def format_4_2(content: bytes) -> tuple[str, bytes]:
    document = json.loads(content)
    document["nbformat_minor"] = 2
    for cell in document["cells"]:
        cell.pop("id", None)
    return _file(format_4_2), _save(document)


@_noise
def format_3(content: bytes) -> tuple[str, bytes]:
    document = json.loads(content)
    for cell in document["cells"]:
        if cell["cell_type"] == "code":
            cell |= {"input": cell.pop("source"), "language": "python", "prompt_number": cell.pop("execution_count")}
    cells = document.pop("cells")
    document |= {"nbformat": 3, "nbformat_minor": 0, "worksheets": [{"cells": cells, "metadata": {}}]}
    return _file(format_3), _save(document)


@_noise
def megabytes_of_outputs(content: bytes) -> tuple[str, bytes]:
    document = json.loads(content)
    picture = base64.b64encode(bytes(range(256)) * 12_000).decode()
    shown = {"output_type": "display_data", "metadata": {}, "data": {"image/png": picture, "text/plain": ["<Figure>"]}}
    error = {"output_type": "error", "ename": "KeyboardInterrupt", "evalue": "", "traceback": ["\x1b[0;31mstop\x1b[0m"]}
    for cell in list(_cells(document).values())[:3]:
        cell["outputs"] = [shown, {"output_type": "stream", "name": "stdout", "text": "x" * 500_000}, error]
    return _file(megabytes_of_outputs), _save(document)
