"""The exercises and their bank: what is committed is in step, and the tests tell right answers from wrong ones.

Here answers run in this process, which is quick; ``test_grade.py`` sends them through the grader.
"""

import io
import os
import re
from contextlib import redirect_stderr, redirect_stdout

import nbformat
import pytest

from sentiment_kit.grading import authoring, exercise
from tests.grading import bank

EXERCISES = exercise.load(bank.SOURCE)
FILES = [path for name in EXERCISES for path in sorted((bank.SUBMISSIONS / name).glob("*.py"))]
SEEDS = (0, 2027)


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def judge(name, answers, **how):
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        return bank.judge(name, answers, **how)


# ---------------------------------------------------------------- the notebooks


def test_there_is_an_exercise_for_each_lesson_from_01_to_06():
    assert {f"ex0{number}" for number in range(1, 7)} <= set(EXERCISES)  # an instructor may have added others


@pytest.mark.parametrize("name", EXERCISES)
def test_an_exercise_holds_what_it_should(name):
    one = EXERCISES[name]
    assert 4 <= len(one.tasks) <= 6
    assert one.max_score == 20
    assert sum(task.by_hand for task in one.tasks) == 1
    assert all(re.search(rf"\({task.points:g} points\b", task.title) for task in one.tasks), (
        "a title's points are wrong"
    )
    hints = sum(cell.source.count("<summary>Hint") for cell in one.notebook.cells if cell.cell_type == "markdown")
    assert hints >= len(one.tasks) - 1, "a task has no folded hint"
    assert one.seeded(7).notebook != one.notebook


@pytest.mark.parametrize("name", EXERCISES)
def test_release_and_solutions_are_those_of_the_source(name):
    for folder, made in (
        ("release", authoring.release(EXERCISES[name])),
        ("solutions", authoring.solution(EXERCISES[name])),
    ):
        path = bank.ROOT / "exercises" / folder / name / f"{name}.ipynb"
        assert path.read_text(encoding="utf-8") == nbformat.writes(made) + "\n", f"run `make exercises`: {path.name}"


@pytest.mark.parametrize("name", EXERCISES)
def test_a_release_shows_no_solution_no_hidden_test_and_no_mark_scheme(name):
    released = (bank.ROOT / "exercises" / "release" / name / f"{name}.ipynb").read_text(encoding="utf-8")
    for marker in ("SOLUTION", "HIDDEN TESTS", "MARK SCHEME"):
        assert marker not in released
    shown = {line.strip() for cell in nbformat.reads(released, as_version=4).cells for line in cell.source.splitlines()}
    for cell in EXERCISES[name].notebook.cells:
        regions = re.findall(r"### BEGIN (?:SOLUTION|HIDDEN TESTS)\n(.*?)### END", cell.source, re.DOTALL)
        if exercise.mark_of(cell).get("solution") and exercise.mark_of(cell).get("grade"):
            regions.append(cell.source)
        hidden = {line.strip() for region in regions for line in region.splitlines() if len(line.strip()) > 25}
        if exercise.mark_of(cell).get("grade") and cell.cell_type == "code":  # a check may look like one that is hidden
            hidden -= {line.strip() for line in bank.HIDDEN.sub("", cell.source).splitlines()}
        assert hidden & shown == set()


@pytest.mark.parametrize("name", EXERCISES)
def test_a_source_was_run_and_its_outputs_name_no_machine(name):
    cells = [cell for cell in EXERCISES[name].notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    for cell in cells:
        assert not any(output.output_type == "error" for output in cell.outputs)
        assert not (exercise.mark_of(cell).get("grade") and cell.outputs), "a test cell prints"
        assert not re.search(r"/(home|root|tmp|work|opt|usr)/", str(cell.outputs))


# ---------------------------------------------------------------- the answers


def test_the_bank_has_enough_answers_for_every_task():
    for name in EXERCISES:
        files = [path for path in FILES if path.parent.name == name]
        rights = [bank.read_answers(path) for path in files if path.stem.startswith("right")]
        wrongs = [bank.read_answers(path) for path in files if path.stem.startswith("wrong")]
        for task in bank.tasks(name):
            right, wrong = [one[task] for one in rights], [one[task] for one in wrongs]
            assert len({one.code for one in right}) >= 3, task
            assert len({one.code for one in wrong}) >= 6, task
            assert sum(one.passes_visible for one in wrong) >= 3, task


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_answers_are_judged_as_they_are_marked(path):
    name, answers = path.parent.name, bank.read_answers(path)
    code = {task: one.code for task, one in answers.items()}
    right = path.stem.startswith("right")
    visible = judge(name, code, hidden=False)
    assert {task: error is None for task, error in visible.items()} == {
        task: right or one.passes_visible for task, one in answers.items()
    }
    for seed in SEEDS:
        found = judge(name, code, course_seed=seed)
        assert {task: error for task, error in found.items() if (error is None) != right} == {}
        for task, error in found.items():  # a bare assert teaches nothing
            assert not isinstance(error, AssertionError) or len(str(error)) > 20, task


@pytest.mark.parametrize("name", EXERCISES)
def test_a_prediction_has_another_answer_under_another_seed(name):
    answers = set()
    for seed in (0, 1, 2, 3, 2027):
        namespace = {}
        for cell in EXERCISES[name].seeded(seed).notebook.cells:
            if cell.cell_type == "code" and not exercise.mark_of(cell).get("grade"):
                with redirect_stdout(io.StringIO()):
                    exec(cell.source, namespace)
        values = [namespace[one] for task in EXERCISES[name].tasks for one in task.names]
        (prediction,) = [value for value in values if not callable(value)]
        answers.add(prediction)
    assert len(answers) > 1


def test_exercises_leave_the_runs_folder_alone():
    assert not os.path.exists(os.environ["SENTIMENT_KIT_RUNS"]) or not os.listdir(os.environ["SENTIMENT_KIT_RUNS"])
