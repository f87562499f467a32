"""Exercises: which tasks a source notebook has, the seed, the bank, and what is said of one that cannot be used."""

import copy
import json
import re

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell

from sentiment_kit.grading import exercise
from sentiment_kit.grading.exercise import Exercise, ExerciseError, Task, defined_names, named_in

REAL = ("ex01", "ex02", "ex03", "ex04", "ex05", "ex06")


def cell_of(one: Exercise, grade_id: str):
    return next(cell for cell in one.notebook.cells if exercise.mark_of(cell).get("grade_id") == grade_id)


# ---------------------------------------------------------------- tasks


def test_the_tasks_stand_in_their_order_with_heading_points_places_and_names(tiny_exercise):
    assert tiny_exercise.tasks == (
        Task("ex07_double", "Task 1: double (2 points)", 2.0, 3, 4, ("double",)),
        Task("ex07_halve", "Task 2: halve (3 points)", 3.0, 6, 7, ("halve",)),
        Task("ex07_guess", "Task 3: predict (1 point)", 1.0, 10, 11, ("guess",)),
        Task("ex07_why", "Task 4: why? (4 points, marked by hand)", 4.0, 13, None, ()),
    )
    assert [task.by_hand for task in tiny_exercise.tasks] == [False, False, False, True]
    assert tiny_exercise.max_score == 10


def test_a_task_keeps_the_last_heading_over_text_without_one(tiny_exercise):
    tiny_exercise.notebook.cells.insert(3, new_markdown_cell("Mind the #sign, and the next cell."))
    assert tiny_exercise.tasks[0].title == "Task 1: double (2 points)"


def test_a_comment_in_a_code_block_is_no_heading(tiny_exercise):
    tiny_exercise.notebook.cells.insert(3, new_markdown_cell("For example:\n\n```python\ndouble(2)\n# gives 4\n```"))
    assert tiny_exercise.tasks[0].title == "Task 1: double (2 points)"


def test_every_task_of_the_kit_is_called_by_its_heading():
    for one in exercise.load(exercise.default_source()).values():
        for number, task in enumerate(one.tasks, start=1):
            assert re.fullmatch(rf"Task {number}: .+ \({task.points:g} points?(, marked by hand)?\)", task.title), task


def test_a_task_names_all_that_its_solution_defines(tiny_exercise):
    cell_of(
        tiny_exercise, "ex07_double"
    ).source = "import os\nfactor: int = 2\n\n\ndef double(x):\n    return factor * x"
    assert tiny_exercise.tasks[0].names == ("double", "factor")


# ---------------------------------------------------------------- what cannot be used


def test_two_cells_of_one_id_are_refused(tiny_exercise):
    cell_of(tiny_exercise, "ex07_setup").metadata.nbgrader.grade_id = "ex07_given"
    with pytest.raises(ExerciseError, match=r"^ex07: two cells have the same nbgrader ID$"):
        _ = tiny_exercise.tasks


def test_a_notebook_without_an_answer_cell_is_refused(tiny_exercise):
    for cell in tiny_exercise.notebook.cells:
        cell.metadata.pop("nbgrader", None)
    with pytest.raises(
        ExerciseError, match=r"^ex07: no cell is marked as an answer \(nbgrader: 'Autograded answer'\)$"
    ):
        _ = tiny_exercise.tasks


@pytest.mark.parametrize("change", [{"grade_id": "ex07_other_test"}, {"grade": False}])
def test_an_answer_without_a_test_cell_is_refused(tiny_exercise, change):
    cell_of(tiny_exercise, "ex07_halve_test").metadata.nbgrader.update(change)
    with pytest.raises(
        ExerciseError, match=r"^ex07: ex07_halve has no test cell: mark one, with the ID ex07_halve_test$"
    ):
        _ = tiny_exercise.tasks


def test_a_solution_that_defines_nothing_is_refused(tiny_exercise):
    cell_of(tiny_exercise, "ex07_guess").source = "print(draw)"
    with pytest.raises(ExerciseError, match=r"^ex07: the solution of ex07_guess defines no function and no variable$"):
        _ = tiny_exercise.tasks


@pytest.mark.parametrize(
    ("grade_id", "mark"),
    [
        ("ex07_double", {"grade_id": None}),
        ("ex07_double_test", {"points": None}),
        ("ex07_why", {"points": None}),
        ("ex07_double_test", {"points": "many"}),
    ],
)
def test_a_half_marked_cell_is_refused_by_its_name(tiny_exercise, grade_id, mark):
    found = cell_of(tiny_exercise, grade_id).metadata.nbgrader
    for key, value in mark.items():
        found.pop(key)
        if value is not None:
            found[key] = value
    try:
        _ = tiny_exercise.tasks
    except ExerciseError as error:
        assert "ex07" in str(error)
    else:
        pytest.fail("nothing was said")


# ---------------------------------------------------------------- the seed


def test_a_seed_changes_its_line_and_nothing_else(tiny_exercise):
    before = copy.deepcopy(tiny_exercise.notebook)
    seeded = tiny_exercise.seeded(4711)
    assert tiny_exercise.notebook == before
    assert seeded.name == "ex07"
    before.cells[1].source = "import random\n\ncourse_seed = 4711\nlargest = 9"
    assert seeded.notebook == before
    before.cells[1].source = "import random\n\ncourse_seed = 12\nlargest = 9"
    assert seeded.seeded(12).notebook == before


@pytest.mark.parametrize(
    "source", ["seed = 0", "  course_seed = 0", "course_seed = 0  # mine", "course_seed = 0\n" * 2]
)
def test_a_setup_cell_without_one_line_for_the_seed_is_refused(tiny_exercise, source):
    tiny_exercise.notebook.cells[1].source = source
    with pytest.raises(ExerciseError, match=r"^ex07: the setup cell must have the line 'course_seed = 0', once$"):
        tiny_exercise.seeded(1)


def test_two_cells_with_the_line_for_the_seed_are_refused(tiny_exercise):
    tiny_exercise.notebook.cells.append(new_code_cell("course_seed = 0"))
    with pytest.raises(ExerciseError, match=r"once$"):
        tiny_exercise.seeded(1)


@pytest.mark.parametrize("kind", ["text", "answer"])
def test_the_seed_is_not_written_into_texts_and_answers(tiny_exercise, kind):
    if kind == "text":
        tiny_exercise.notebook.cells[0].source += "\ncourse_seed = 0\n"
    else:
        cell_of(tiny_exercise, "ex07_double").source += "\ncourse_seed = 0\n"
    seeded = tiny_exercise.seeded(5)
    assert [place for place, cell in enumerate(seeded.notebook.cells) if "course_seed = 5" in cell.source] == [1]


# ---------------------------------------------------------------- the bank


def test_the_bank_is_read_in_alphabetical_order_or_in_part(bank, exercises):
    folder = bank(exercises["ex08"], exercises["ex07"])
    found = exercise.load(folder)
    assert list(found) == ["ex07", "ex08"]
    assert found["ex08"].notebook == exercises["ex08"].notebook
    assert list(exercise.load(str(folder), ["ex08"])) == ["ex08"]
    assert list(exercise.load(folder, ["ex08", "ex07"])) == ["ex07", "ex08"]


def test_a_notebook_of_another_name_than_its_folder_is_no_exercise(bank, tiny_exercise):
    folder = bank(tiny_exercise)
    (folder / "ex07" / "draft.ipynb").write_text("not even JSON")
    (folder / "ex09.ipynb").write_text("not even JSON")
    assert list(exercise.load(folder)) == ["ex07"]


@pytest.mark.parametrize("there", [True, False])
def test_a_folder_without_exercises_says_what_was_expected(tmp_path, there):
    folder = tmp_path if there else tmp_path / "nowhere"
    with pytest.raises(ExerciseError) as error:
        exercise.load(folder)
    assert str(error.value) == f"{folder}: no exercise here; expected one folder for each, such as ex03/ex03.ipynb"


def test_a_missing_exercise_is_named_with_those_that_there_are(bank, exercises):
    folder = bank(*exercises.values())
    with pytest.raises(ExerciseError) as error:
        exercise.load(folder, ["ex07", "ex99"])
    assert str(error.value) == f"{folder}: there is no exercise ex99; there is ex07, ex08"


@pytest.mark.parametrize("content", [b"", b"%PDF-1.7", b"[]", b"null", b'{"nbformat": 4', b"\xff\xfe\x00"])
def test_a_file_that_is_no_notebook_is_named(bank, tiny_exercise, content):
    folder = bank(tiny_exercise)
    path = folder / "ex07" / "ex07.ipynb"
    path.write_bytes(content)
    with pytest.raises(ExerciseError) as error:
        exercise.load(folder)
    assert str(error.value).startswith(f"{path}: not a notebook (")


@pytest.mark.parametrize(
    "content",
    ["{}", '{"nbformat": 4, "nbformat_minor": 5, "metadata": {}}', '{"nbformat": 4, "cells": null}', "[" * 100_000],
    ids=["no format", "no cells", "cells are null", "nested"],
)
def test_json_that_is_no_notebook_is_named(bank, tiny_exercise, content):
    folder = bank(tiny_exercise)
    path = folder / "ex07" / "ex07.ipynb"
    path.write_text(content)
    with pytest.raises(ExerciseError, match="not a notebook"):
        exercise.load(folder)


def test_loading_looks_at_the_tasks_too(bank, tiny_exercise):
    cell_of(tiny_exercise, "ex07_halve_test").metadata.nbgrader.grade = False
    with pytest.raises(ExerciseError, match="ex07_halve has no test cell"):
        exercise.load(bank(tiny_exercise))


@pytest.mark.parametrize(
    ("grade_id", "source"),
    [
        ("ex07_double", "def double(x):\n    ### BEGIN SOLUTION\n    return 2 * x"),
        ("ex07_double_test", "### BEGIN HIDDEN TESTS\nassert double(1) == 2"),
        ("ex07_setup", "course_seed = 0\n### BEGIN HIDDEN TESTS\n1\n### END HIDDEN TESTS"),
        ("ex07_setup", "course_seed = 0\n### BEGIN SOLUTION\n1\n### END SOLUTION"),
    ],
)
def test_loading_refuses_regions_that_do_not_end_or_stand_in_the_wrong_cell(bank, tiny_exercise, grade_id, source):
    cell_of(tiny_exercise, grade_id).source = source
    with pytest.raises(ExerciseError, match="ex07"):
        exercise.load(bank(tiny_exercise))


def test_the_exercises_of_the_kit_can_be_read_and_seeded():
    found = exercise.load(exercise.default_source())
    assert set(REAL) <= set(found)  # an instructor may have added others
    for name, one in found.items():
        assert one.max_score == 20 and sum(task.by_hand for task in one.tasks) == 1
        assert all(task.name.startswith(f"{name}_") for task in one.tasks)
        changed = [
            (old.source.replace("course_seed = 0", "course_seed = 31337"), new.source)
            for old, new in zip(one.notebook.cells, one.seeded(31337).notebook.cells, strict=True)
            if old.source != new.source
        ]
        assert len(changed) == 1 and changed[0][0] == changed[0][1]


# ---------------------------------------------------------------- names in code


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("", set()),
        ("def f(x):\n    inner = 1\n    def g(): pass\n    return inner", {"f"}),
        ("async def f(): pass\nclass C:\n    attribute = 1", {"f", "C"}),
        ("a = b = 1\nc: int = 2\n(d, [e, *f]) = 1, [2, 3]", set("abcdef")),
        ("a += 1\nprint(b)\nc == d\nimport os", set()),
        ("@decorated\ndef f(): pass", {"f"}),
        ("größe = 1", {"größe"}),
        ("f = lambda: 0\n# g = 1\n'h = 1'", {"f"}),
    ],
)
def test_the_names_of_code_are_those_that_it_defines_at_its_top_level(code, names):
    assert defined_names(code) == names


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("def f(:\n    inner = 1\nclass C\na = 1\nb=2", {"f", "C", "a", "b"}),
        ("a == 1\nif a: b = 2\n return c\n d = 3", set()),
        ("def  spaced (x):\n\tyield", {"spaced"}),
        ("%matplotlib inline\ndef f(): pass", {"f"}),
        ("define = 1\nclassy = 2 (", {"define", "classy"}),
    ],
)
def test_names_are_found_in_code_that_cannot_be_parsed(code, names):
    assert named_in(code) == names
    assert defined_names(code) == names


@pytest.mark.parametrize(
    "nested",
    ["(", "[", "{", "-", "not ", "a.b", "1 + ", "lambda: ", "f(", "1 if 1 else ", "*", "await ", "1 ** ", "x[0]", "a["],
)
def test_code_that_is_nested_without_end_does_no_harm(nested):
    assert "found" in defined_names("found = 1\n" + nested * 100_000)
    assert "found" in named_in("found = 1\n" + nested * 100_000)


def test_blocks_nested_without_end_and_odd_characters_do_no_harm():
    blocks = "\n".join(" " * depth + "if 1:" for depth in range(500))
    for odd in (blocks, "\x00", "\ud800 = 1", "a\\", "'''", "\x0c", json.dumps("\u2028")):
        assert "found" in defined_names(f"found = 1\n{odd}"), odd


@pytest.mark.parametrize(
    "code", ["a" * 300_000, "a\n" * 100_000, "def " + "\n" * 200_000, "a " * 100_000, "a =" * 50_000]
)
def test_names_are_found_in_long_code_in_no_time(code):
    assert len(named_in(code)) <= 1
