"""Authoring: a release gives nothing away, a solution can be read, and both are made the same each time."""

import copy
import json
import re

import nbformat
import pytest
from nbgrader.utils import compute_checksum

from sentiment_kit.grading import authoring, exercise
from sentiment_kit.grading.exercise import mark_of

REAL = ("ex01", "ex02", "ex03", "ex04", "ex05", "ex06")
REGION = re.compile(r"### BEGIN (?:SOLUTION|HIDDEN TESTS)\n(.*?)### END", re.DOTALL)


@pytest.fixture(scope="module")
def kit():
    return exercise.load(exercise.default_source())


def strings(value):
    """All that a notebook says, wherever it stands."""
    if isinstance(value, dict):
        return [text for key, one in value.items() for text in [key, *strings(one)]]
    if isinstance(value, list):
        return [text for one in value for text in strings(one)]
    return [value] if isinstance(value, str) else []


def secrets(one):
    """The lines of solutions, hidden tests and mark schemes that stand nowhere else in the source."""
    hidden, open_text = [], []
    for cell in one.notebook.cells:
        if mark_of(cell).get("solution") and mark_of(cell).get("grade"):
            hidden.append(cell.source)
        else:
            hidden += REGION.findall(cell.source)
            open_text.append(REGION.sub("", cell.source))
    lines = {line.strip() for text in hidden for line in text.split("\n")} - {""}
    return {line for line in lines if not any(line in text for text in open_text)}


# ---------------------------------------------------------------- the release


def test_a_tiny_release_is_this_and_nothing_else(tiny_exercise):
    release = authoring.release(tiny_exercise)
    code = authoring.CODE_STUB
    assert [cell.source for cell in release.cells] == [
        "# Exercise: twice and half\n\n**Points:** 10. Write only where you are told to.",
        "import random\n\ncourse_seed = 0\nlargest = 9",
        "## Task 1: double (2 points)\n\nWrite `double(x)`.",
        'def double(x):\n    """What the task says."""\n    ' + code.replace("\n", "\n    "),
        "assert double(1) == 2, 'twice 1 is 2'",
        "## Task 2: halve (3 points)\n\nWrite `halve(x)`.",
        "def halve(x):\n    " + code.replace("\n", "\n    "),
        "",
        "## Task 3: predict (1 point)\n\nWhich number will be drawn?",
        "draw = random.Random(course_seed).randint(1, largest)",
        "# guess = a number\n" + code,
        "assert isinstance(guess, int)",
        "## Task 4: why? (4 points, marked by hand)\n\nWhy do these two undo each other?",
        authoring.WRITTEN_STUB,
        "## Before you hand in\n\nRestart and run all.",
    ]
    nbformat.validate(release)


def test_the_secrets_of_an_exercise_are_looked_for(tiny_exercise):
    assert secrets(tiny_exercise) >= {
        "return solved_double",
        "assert double(_hidden_double) == 2 * _hidden_double, 'a number drawn at random'",
        "guess = draw",
        "- (a) 4 points: names the inverse.",
        "Each is the inverse of the other.",
        "=== BEGIN MARK SCHEME ===",
    }


def test_nothing_of_a_solution_a_hidden_test_or_a_mark_scheme_is_in_a_tiny_release(tiny_exercise):
    said = strings(authoring.release(tiny_exercise))
    assert [line for line in secrets(tiny_exercise) if any(line in text for text in said)] == []


@pytest.mark.parametrize("name", REAL)
def test_nothing_of_a_solution_a_hidden_test_or_a_mark_scheme_is_in_a_release(kit, name):
    looked_for, said = secrets(kit[name]), strings(authoring.release(kit[name]))
    assert len(looked_for) > 100
    assert [line for line in looked_for if any(line in text for text in said)] == []
    for mark in ("BEGIN SOLUTION", "END SOLUTION", "HIDDEN TESTS", "MARK SCHEME"):
        assert not any(mark in text for text in said), mark


def test_a_release_has_no_outputs(tiny_exercise, kit):
    for one in (tiny_exercise, *kit.values()):
        assert any(cell.get("outputs") for cell in one.notebook.cells), "nothing to clear"
        for cell in authoring.release(one).cells:
            if cell.cell_type == "code":
                assert cell.outputs == [] and cell.execution_count is None


def test_only_answer_cells_can_be_edited_and_no_marked_cell_can_be_deleted(tiny_exercise, kit):
    for one in (tiny_exercise, *kit.values()):
        answers = {task.answer for task in one.tasks}
        for place, cell in enumerate(authoring.release(one).cells):
            if mark_of(cell):
                assert cell.metadata.deletable is False
                assert cell.metadata.get("editable", True) is (place in answers)


def test_a_release_carries_the_checksums_and_points_of_nbgrader(tiny_exercise):
    cells = authoring.release(tiny_exercise).cells
    for task in tiny_exercise.tasks:
        for cell in [cells[task.answer], *([] if task.by_hand else [cells[task.test]])]:
            assert mark_of(cell)["checksum"] == compute_checksum(cell)
        assert mark_of(cells[task.answer if task.by_hand else task.test])["points"] == task.points


def test_tags_of_an_answer_are_not_handed_out(tiny_exercise):
    assert tiny_exercise.notebook.cells[3].metadata.tags == ["solved"]
    assert "tags" not in authoring.release(tiny_exercise).cells[3].metadata


def test_pictures_of_a_model_answer_are_not_handed_out(tiny_exercise):
    tiny_exercise.notebook.cells[13]["attachments"] = {"answer.png": {"image/png": "c2VjcmV0"}}
    assert "c2VjcmV0" not in strings(authoring.release(tiny_exercise))


def test_what_widgets_showed_is_not_handed_out(tiny_exercise):
    state = {"state": {"1": {"state": {"value": "the answer"}}}}
    tiny_exercise.notebook.metadata["widgets"] = {"application/vnd.jupyter.widget-state+json": state}
    assert "the answer" not in strings(authoring.release(tiny_exercise))


def test_a_mark_scheme_beside_a_solution_region_is_not_handed_out(tiny_exercise):
    tiny_exercise.notebook.cells[13].source += "\n### BEGIN SOLUTION\nfor example\n### END SOLUTION"
    assert not any("names the inverse" in text for text in strings(authoring.release(tiny_exercise)))


def test_a_release_carries_the_seed(tiny_exercise):
    assert "\ncourse_seed = 99\n" in authoring.release(tiny_exercise.seeded(99)).cells[1].source


def test_making_releases_and_solutions_leaves_the_exercise_as_it_is(tiny_exercise):
    before = copy.deepcopy(tiny_exercise.notebook)
    authoring.release(tiny_exercise)
    authoring.solution(tiny_exercise)
    assert tiny_exercise.notebook == before


# ---------------------------------------------------------------- the solution


def test_a_tiny_solution_is_this_and_nothing_else(tiny_exercise):
    solution = authoring.solution(tiny_exercise)
    assert [cell.source for cell in solution.cells[3:14]] == [
        'def double(x):\n    """What the task says."""\n    solved_double = 2 * x\n    return solved_double',
        "assert double(1) == 2, 'twice 1 is 2'",
        "## Task 2: halve (3 points)\n\nWrite `halve(x)`.",
        "def halve(x):\n    return x * 0.5",
        "",
        "## Task 3: predict (1 point)\n\nWhich number will be drawn?",
        "draw = random.Random(course_seed).randint(1, largest)",
        "# guess = a number\nguess = draw",
        "assert isinstance(guess, int)",
        "## Task 4: why? (4 points, marked by hand)\n\nWhy do these two undo each other?",
        "**How it is marked**\n\n- (a) 4 points: names the inverse.\n\n"
        "**An answer**\n\nEach is the inverse of the other.",
    ]
    nbformat.validate(solution)


def test_a_solution_can_be_edited(tiny_exercise):
    tiny_exercise.notebook.cells[1].metadata |= {"editable": False, "deletable": False, "slideshow": {}}
    assert authoring.solution(tiny_exercise).cells[1].metadata == {"slideshow": {}}


def test_a_solution_keeps_its_outputs(tiny_exercise):
    solution = authoring.solution(tiny_exercise)
    assert solution.cells[3].outputs == tiny_exercise.notebook.cells[3].outputs != []
    assert solution.cells[9].outputs[0].text == "the output of the given cell\n"


@pytest.mark.parametrize("name", REAL)
def test_a_solution_of_the_kit_can_be_read_and_is_no_assignment(kit, name):
    one, solution = kit[name], authoring.solution(kit[name])
    said = "\n".join(strings(solution))
    for task in one.tasks:
        shown = set(solution.cells[task.answer].source.splitlines())
        for region in REGION.findall(one.notebook.cells[task.answer].source):
            assert set(region.splitlines()) <= {*shown, *(line for line in region.splitlines() if not line.strip())}
        if task.by_hand:
            assert "**How it is marked**" in shown and "**An answer**" in shown
    for mark in ("BEGIN SOLUTION", "END SOLUTION", "HIDDEN TESTS", "MARK SCHEME", "nbgrader", "YOUR CODE HERE\n"):
        assert mark not in said, mark
    assert not any({"nbgrader", "editable", "deletable"} & set(cell.metadata) for cell in solution.cells)
    for task in one.tasks:
        if not task.by_hand:
            for region in REGION.findall(one.notebook.cells[task.test].source):
                assert region not in solution.cells[task.test].source


def test_a_solution_passes_all_its_tests(tiny_exercise):
    namespace = {}
    for solved, source in zip(authoring.solution(tiny_exercise).cells, tiny_exercise.notebook.cells, strict=True):
        if source.cell_type == "code":
            exec(source.source if mark_of(source).get("grade") else solved.source, namespace)


# ---------------------------------------------------------------- files


@pytest.mark.parametrize("write", [authoring.write_release, authoring.write_solution])
def test_what_is_written_is_the_same_each_time(tmp_path, kit, tiny_exercise, write):
    for one in (tiny_exercise, kit["ex03"]):
        path = write(one, tmp_path / "first")
        again = exercise.Exercise(one.name, nbformat.from_dict(json.loads(json.dumps(one.notebook))))
        other = write(again, str(tmp_path / "second"))
        assert path == tmp_path / "first" / one.name / f"{one.name}.ipynb"
        assert path.read_bytes() == other.read_bytes() == write(one, tmp_path / "first").read_bytes()
        assert path.read_bytes().endswith(b"}\n") and b"\r" not in path.read_bytes()
        assert [found.name for found in path.parent.iterdir()] == [path.name]


def test_releases_and_solutions_are_written_to_files_of_the_same_name(tmp_path, tiny_exercise):
    release = nbformat.read(authoring.write_release(tiny_exercise, tmp_path), as_version=4)
    assert release == authoring.release(tiny_exercise)
    solution = nbformat.read(authoring.write_solution(tiny_exercise, tmp_path), as_version=4)  # in its place
    assert solution == authoring.solution(tiny_exercise)


@pytest.mark.parametrize("write", [authoring.write_release, authoring.write_solution])
def test_a_folder_that_cannot_be_written_to_raises(tmp_path, tiny_exercise, write):
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(OSError):
        write(tiny_exercise, tmp_path / "taken")
