"""Lints the committed lessons: they were run in order, their outputs are there to compare, and they keep to the style.

`make lessons` runs them under nbval; this says that nbval has something to compare.
"""

import re
import statistics
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest

from sentiment_kit import course, files, profiles, training
from sentiment_kit.grading.exercise import COLAB_LINK, SET_UP

FOLDER = Path(__file__).parent.parent / "notebooks"
GLOSSARY = FOLDER.parent / "docs" / "glossary.md"
LESSONS = sorted(FOLDER.glob("*.ipynb"))
QUIZ = re.compile(r"## Quiz\n(.*)(?=## Recap)", re.DOTALL)
IGNORED = "nbval-ignore-output"
MACHINE_PATH = re.compile(r"(?<![\w.])/(home|root|Users|tmp|work|opt|content|usr)/|[A-Z]:\\\\")


@pytest.fixture(params=LESSONS, ids=lambda path: path.stem)
def lesson(request):
    """A lesson without its link to Colab and its set-up cell, which ``test_badges.py`` and ``test_colab.py`` look at."""
    notebook = nbformat.read(request.param, as_version=4)
    notebook.cells = [cell for cell in notebook.cells if SET_UP not in cell.metadata.get("tags", [])]
    notebook.cells[0].source = COLAB_LINK.sub("", notebook.cells[0].source)
    return notebook


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def lines(cell):
    return [line for line in cell.source.splitlines() if line.strip()]


def is_ignored(cell):
    return IGNORED in cell.metadata.get("tags", [])


def test_the_lessons_are_those_that_the_course_runs():
    assert [path.stem for path in LESSONS] == [one.name for one in course.LESSONS]


def test_cells_were_run_in_order(lesson):
    counts = [cell.execution_count for cell in code_cells(lesson)]
    assert counts == list(range(2, len(counts) + 2))  # the set-up cell is the first


def test_kernel_and_cell_ids(lesson):
    assert lesson.metadata.kernelspec.name == "python3"
    ids = [cell["id"] for cell in lesson.cells]
    assert len(set(ids)) == len(ids)


def test_no_stored_errors(lesson):
    assert [cell.source for cell in code_cells(lesson) for out in cell.outputs if out.output_type == "error"] == []


def test_cells_that_print_have_outputs(lesson):
    silent = [
        cell.source
        for cell in code_cells(lesson)
        if not cell.outputs and re.search(r"^\s*print\(|^plots\.", cell.source, re.MULTILINE) and not is_ignored(cell)
    ]
    assert silent == []


def test_no_path_of_a_machine(lesson):
    found = [cell.source[:60] for cell in code_cells(lesson) if MACHINE_PATH.search(str(cell.outputs))]
    assert found == []


def test_outputs_are_small(lesson):
    assert len(nbformat.writes(lesson)) < 1_000_000


def test_at_least_80_percent_of_printing_cells_are_compared(lesson):
    printing = [cell for cell in code_cells(lesson) if cell.outputs]
    varying = [cell for cell in printing if is_ignored(cell)]
    # Training, timing and bring cells are exempt, if a compared cell with output comes soon after: see below.
    compared = [cell for cell in printing if not is_ignored(cell)]
    exempt = [
        cell
        for cell in varying
        if re.search(r"train\(|fine_tune\(|search\(|train_once\(|trained\(|bring\(|untrained_head\(", cell.source)
    ]
    assert len(compared) >= 0.8 * (len(printing) - len(exempt))


def test_each_ignored_cell_is_followed_by_a_compared_one(lesson):
    cells = code_cells(lesson)
    lonely = [
        cell.source[:60]
        for index, cell in enumerate(cells)
        if is_ignored(cell)
        and index + 1 < len(cells)
        and not any(not is_ignored(later) and later.outputs for later in cells[index + 1 : index + 3])
    ]
    assert lonely == []
    assert not is_ignored(cells[-1]) or len(cells[-1].outputs) <= 1


def test_figures_have_alt_text(lesson):
    for cell in code_cells(lesson):
        for output in cell.outputs:
            if "image/png" in output.get("data", {}):
                assert output.metadata["image/png"]["alt"], cell.source
                assert output.data["text/plain"].startswith("[figure] "), cell.source


def test_style_budgets(lesson):
    cells, code = lesson.cells, code_cells(lesson)
    sizes = [len(lines(cell)) for cell in code]
    assert len(cells) <= 40
    assert max(sizes) <= 15
    assert statistics.median(sizes) <= 4
    words = sum(len(QUIZ.sub("", cell.source).split()) for cell in cells if cell.cell_type == "markdown")
    assert 8 <= words / sum(sizes) <= 15
    kinds = [cell.cell_type for cell in cells]
    preceded = [kinds[index - 1] == "markdown" for index, kind in enumerate(kinds) if kind == "code"]
    assert sum(preceded) >= 0.9 * len(preceded)
    assert "code code code" not in " ".join(kinds)


def test_aims_and_recap(lesson):
    first, last = lesson.cells[0].source, lesson.cells[-1].source
    assert re.match(r"# \d\db? ", first)
    assert first.count("\n- ") == 3
    assert "laptop" in first and "GPU" in first
    assert "Recap" in last and "exercises/" in last
    assert "course.bring(" in code_cells(lesson)[0].source


def test_a_quiz_has_five_questions_with_one_right_answer_each(lesson):
    quiz = QUIZ.search(lesson.cells[-1].source).group(1)
    questions = re.split(r"^\*\*\d\. ", quiz, flags=re.MULTILINE)[1:]
    assert len(questions) == 5
    places = []
    for question in questions:
        # Plain HTML that opens with Enter or a click, and needs neither a script nor a network.
        answers = re.findall(
            r"<details><summary>[a-d]\) [^\n]+</summary>\n\n(Yes|No)\. .+?\n\n</details>", question, re.DOTALL
        )
        assert len(answers) == question.count("<details>") >= 3 and answers.count("Yes") == 1, question[:60]
        places.append(answers.index("Yes"))
    assert len(set(places)) > 1, "the right answer is always in the same place"


def test_the_glossary_is_in_order_and_its_links_lead_somewhere():
    entries = re.findall(
        r"^### (.+?)$(.*?)(?=^### |\Z)", GLOSSARY.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    terms = [term.lower() for term, _ in entries]
    assert terms == sorted(terms, key=lambda term: term.strip("[]")) and len(terms) > 80
    for term, text in entries:
        for target in re.findall(r"\]\((.+?)\)", text):
            assert (GLOSSARY.parent / target).is_file(), f"{term}: {target}"


def test_the_hold_out_is_opened_by_lessons_05_and_05b_only():
    # `make lessons` also puts a tripwire in its place while 03 and 04 run.
    opening = re.compile(r"load_splits\([^)]*\btest\b|test\.jsonl")
    readers = {
        path.stem
        for path in LESSONS
        for cell in code_cells(nbformat.read(path, as_version=4))
        if opening.search(cell.source)
    }
    assert readers == {"05_evaluate", "05b_look_closer"}


def _cell(name, text):
    """The source of the one cell of a lesson in which a text stands."""
    cells = code_cells(nbformat.read(FOLDER / f"{name}.ipynb", as_version=4))
    (found,) = (cell.source for cell in cells if text in cell.source)
    return found


def test_lesson_03_notes_the_settings_that_it_trained_with_not_those_of_the_profile(tmp_path, capsys):
    # a learner changes them in the cell above; lesson 05 would take another setting's model for one of its own
    args = training.training_arguments(tmp_path, learning_rate=0.01, batch_size=4, epochs=1)
    kit = SimpleNamespace(save_model=lambda *_: None, settings_of=training.settings_of)
    names = {"training": kit, "trainer": SimpleNamespace(model=None, args=args), "tokenizer": None, "files": files}
    names |= {"run": tmp_path, "macro_f1": {"fine-tuned": 0.2}}
    exec(_cell("03_fine_tune", "first_model.json"), names | {"profile": profiles.PROFILES["laptop"]})
    noted = {"learning_rate": 0.01, "batch_size": 4, "epochs": 1}
    assert files.read_json(tmp_path / "first_model.json")["settings"] == noted

    for final, told in ((noted, True), (noted | {"epochs": 3}, False)):
        exec(_cell("04_tune", "first_model.json"), {"run": tmp_path, "score": 0.3, "noise": 0.1, "final": final})
        assert f"the same setting as in lesson 03: {told}" in capsys.readouterr().out
