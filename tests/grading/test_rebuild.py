"""Rebuilding: a student's answers are found however the notebook comes back, and nothing else of it is taken."""

import copy
import json
import time

import pytest
from nbformat.v4 import new_code_cell

from sentiment_kit.grading import authoring, rebuild
from sentiment_kit.grading.exercise import Exercise
from sentiment_kit.grading.rebuild import UnreadableError, exercise_of, read_cells

EDITED = "cells that were handed out had been changed; the originals were used"


def dump(notebook):
    return json.dumps(notebook).encode()


def place_of(notebook, grade_id):
    return next(place for place, cell in enumerate(notebook["cells"]) if id_of(cell) == grade_id)


def id_of(cell):
    return cell["metadata"].get("nbgrader", {}).get("grade_id")


def cell_of(notebook, grade_id):
    return notebook["cells"][place_of(notebook, grade_id)]


def without_ids(notebook):
    for cell in notebook["cells"]:
        cell["metadata"] = {}
    return notebook


def new_cell(source, grade_id=None, kind="code"):
    return {"cell_type": kind, "source": source, "metadata": {"nbgrader": {"grade_id": grade_id}} if grade_id else {}}


@pytest.fixture
def again(tiny_exercise):
    """Rebuilds a notebook, or the bytes of one."""

    def call(notebook):
        return rebuild.rebuild(tiny_exercise, notebook if isinstance(notebook, bytes) else dump(notebook))

    return call


@pytest.fixture
def check(tiny_exercise, answers, again):
    """Rebuilds a notebook and checks that the answers are these, and all else is the source's."""

    def call(notebook, *, notes=(), **others):
        result = again(notebook)
        wanted = answers | others
        stubs = authoring.release(tiny_exercise).cells
        for place, (cell, source) in enumerate(zip(result.notebook.cells, tiny_exercise.notebook.cells, strict=True)):
            task = next((one for one in tiny_exercise.tasks if one.answer == place), None)
            if task is None:
                assert (cell.source, cell.metadata) == (source.source, source.metadata)
            else:
                text = wanted[task.name]
                assert cell.source == (stubs[place].source if text is None else text), task.name
                assert (cell.cell_type, cell.metadata) == (stubs[place].cell_type, stubs[place].metadata)
            assert cell.get("outputs", []) == [] and cell.get("execution_count") is None
        assert result.notebook.metadata == tiny_exercise.notebook.metadata
        assert result.untouched == {name for name, text in wanted.items() if text is None}
        assert result.notes == list(notes)

    return call


# ---------------------------------------------------------------- answers where they belong


def test_answers_take_the_place_of_the_solutions_and_all_else_is_the_source(answered, check):
    check(answered)


def test_rebuilding_leaves_the_exercise_as_it_is(tiny_exercise, answered, again):
    before = copy.deepcopy(tiny_exercise.notebook)
    first, second = again(answered), again(answered)
    first.notebook.cells[4].source = "changed"
    assert tiny_exercise.notebook == before
    assert second.notebook.cells[4].source == before.cells[4].source


def test_untouched_stubs_are_known(handed_out, check, answers):
    check(handed_out, **dict.fromkeys(answers))
    check(without_ids(handed_out), **dict.fromkeys(answers))


def test_a_stub_with_other_blanks_is_untouched(handed_out, check, answers):
    for name in ("ex07_double", "ex07_why"):
        cell = cell_of(handed_out, name)
        cell["source"] = "\n" + cell["source"].replace("    ", "\t") + "  \n\n"
    check(handed_out, **dict.fromkeys(answers))


def test_some_answered_and_some_not(answered, handed_out, check, tiny_exercise):
    stubs = authoring.release(tiny_exercise)
    for name in ("ex07_halve", "ex07_why"):
        cell_of(answered, name)["source"] = cell_of(stubs, name).source
    check(answered, ex07_halve=None, ex07_why=None)


@pytest.mark.parametrize("blank", ["", " \n\t\n"])
def test_an_emptied_answer_cell_is_untouched(answered, check, blank):
    cell_of(answered, "ex07_double")["source"] = blank
    check(answered, ex07_double=None)


@pytest.mark.parametrize("before", [[], ["A real answer."]])
def test_an_emptied_text_is_untouched(answered, check, before):
    place = place_of(answered, "ex07_why")
    cells = [new_cell(text, "ex07_why", "markdown") for text in [*before, " \n"]]
    answered["cells"][place : place + 1] = cells
    check(answered, ex07_why=before[0] if before else None)


def test_a_syntax_error_in_an_answer_is_the_students(answered, check):
    broken = "def double(x:\n    return 2 * x"
    cell_of(answered, "ex07_double")["source"] = broken
    check(answered, ex07_double=broken)
    without_ids(answered)
    check(answered, ex07_double=broken, notes=[found("double"), found("halve"), found("guess")])


def test_an_answer_that_defines_something_else_is_taken_from_its_own_cell(answered, check):
    cell_of(answered, "ex07_double")["source"] = "def twice(x): return 2 * x"
    check(answered, ex07_double="def twice(x): return 2 * x")


# ---------------------------------------------------------------- answers elsewhere


def found(task):
    return f"ex07_{task}: found by its name, not in its own cell"


def test_without_ids_answers_are_found_by_the_names_they_define(answered, check):
    check(without_ids(answered), notes=[found("double"), found("halve"), found("guess")])


def test_swapped_ids_mislead_nobody(answered, check):
    first, second = cell_of(answered, "ex07_double"), cell_of(answered, "ex07_halve")
    first["metadata"], second["metadata"] = second["metadata"], first["metadata"]
    check(answered, notes=[found("double"), found("halve")])


def test_of_several_answer_cells_the_last_counts(answered, check):
    place = place_of(answered, "ex07_double")
    answered["cells"].insert(place, new_cell("def double(x): return 'first'", "ex07_double"))
    answered["cells"].insert(place, new_cell("def double(x): return 'zeroth'", "ex07_double"))
    check(answered, notes=["ex07_double: 3 answer cells, the last one counts"])
    answered["cells"].append(new_cell("def double(x): return 'last'", "ex07_double"))
    check(
        answered, ex07_double="def double(x): return 'last'", notes=["ex07_double: 4 answer cells, the last one counts"]
    )


def test_a_copy_of_an_answer_or_of_its_stub_is_not_another_answer(answered, check, tiny_exercise):
    answered["cells"].append(copy.deepcopy(cell_of(answered, "ex07_double")))
    answered["cells"].append(new_cell(authoring.release(tiny_exercise).cells[3].source, "ex07_double"))
    answered["cells"].append(new_cell("\n", "ex07_double"))
    check(answered)


def test_several_answers_without_ids_count_as_several(answered, check):
    without_ids(answered)["cells"].append(new_cell("def double(x): return 'last'"))
    notes = ["ex07_double: 2 answer cells, the last one counts", found("halve"), found("guess")]
    check(answered, ex07_double="def double(x): return 'last'", notes=notes)


def test_an_answer_in_an_extra_cell_counts_if_the_answer_cell_is_untouched(handed_out, check, answers):
    extra = [new_cell(answers["ex07_double"]), new_cell("double(3)"), new_cell("def helper(): pass")]
    handed_out["cells"][4:4] = extra
    check(handed_out, **dict.fromkeys(answers) | {"ex07_double": answers["ex07_double"]}, notes=[found("double")])


def test_an_answer_in_its_own_cell_counts_before_one_in_an_extra_cell(answered, check):
    answered["cells"].append(new_cell("def double(x): return 'elsewhere'"))
    check(answered)


def test_an_answer_in_an_extra_cell_beside_an_edited_stub_is_at_least_noted(answered, again, answers):
    own = cell_of(answered, "ex07_halve")
    own["source"] = 'def halve(x):\n    raise NotImplementedError("your answer is still to come")'
    answered["cells"].append(new_cell(answers["ex07_halve"]))
    result = again(answered)
    assert result.notebook.cells[6].source == answers["ex07_halve"] or any("halve" in note for note in result.notes)


def test_the_last_line_of_the_stub_may_stay_below_an_answer(answered, check):
    left = 'def halve(x):\n    return x / 2\n    raise NotImplementedError("your answer is still to come")'
    cell_of(answered, "ex07_halve")["source"] = left
    check(answered, ex07_halve=left)
    check(without_ids(answered), ex07_halve=left, notes=[found("double"), found("halve"), found("guess")])


def test_a_mention_of_a_name_is_no_answer(handed_out, check, answers):
    handed_out["cells"] += [
        new_cell("print(double(2), halve(4))\n# guess = 3"),
        new_cell("def double(): pass", kind="markdown"),
    ]
    check(handed_out, **dict.fromkeys(answers))


def test_an_answer_written_over_a_test_is_found(handed_out, check, answers):
    cell_of(handed_out, "ex07_double_test")["source"] = answers["ex07_double"]
    wanted = dict.fromkeys(answers) | {"ex07_double": answers["ex07_double"]}
    check(handed_out, **wanted, notes=[EDITED, found("double")])


def test_an_extra_cell_counts_before_one_with_the_id_of_another_task(answered, check, answers):
    cell_of(answered, "ex07_double")["source"] = ""
    cell_of(answered, "ex07_halve")["source"] += "\n\n\ndef double(x): return 'beside'"
    cell_of(answered, "ex07_double")["metadata"] = {}
    answered["cells"].insert(0, new_cell(answers["ex07_double"]))
    check(answered, ex07_halve=cell_of(answered, "ex07_halve")["source"], notes=[found("double")])


def test_the_order_of_cells_does_not_matter(answered, check):
    answered["cells"].reverse()
    check(answered)


def test_a_deleted_answer_cell_is_an_answer_not_given(answered, check):
    for name in ("ex07_double", "ex07_why"):
        del answered["cells"][place_of(answered, name)]
    check(answered, ex07_double=None, ex07_why=None)


def test_a_code_answer_that_became_text_is_still_code(answered, check):
    cell_of(answered, "ex07_double")["cell_type"] = "markdown"
    cell_of(answered, "ex07_why")["cell_type"] = "raw"
    check(answered)


# ---------------------------------------------------------------- written answers


def test_a_written_answer_is_found_by_its_id_wherever_it_stands(answered, check):
    answered["cells"].insert(0, answered["cells"].pop(place_of(answered, "ex07_why")))
    check(answered)


def test_a_written_answer_without_id_is_what_follows_the_question(answered, check):
    del cell_of(answered, "ex07_why")["metadata"]["nbgrader"]
    check(answered)
    answered["cells"][12]["source"] = answered["cells"][12]["source"].replace("\n", "\n \n")
    check(answered)


def test_of_several_written_answers_the_last_counts(answered, check):
    answered["cells"].append(new_cell("On second thought, no.", "ex07_why", "markdown"))
    check(answered, ex07_why="On second thought, no.")


def test_a_copy_of_the_stub_is_no_written_answer(answered, check, answers):
    stub = new_cell(authoring.WRITTEN_STUB + "\n", "ex07_why", "markdown")
    answered["cells"].append(stub)
    check(answered)
    place = place_of(answered, "ex07_why")
    answered["cells"][place : place + 1] = [new_cell(answers["ex07_why"], kind="markdown"), stub]
    check(answered)


def test_what_was_handed_out_is_no_written_answer(answered, check):
    del answered["cells"][place_of(answered, "ex07_why")]
    check(answered, ex07_why=None)
    del answered["cells"][-1]
    check(answered, ex07_why=None)


def test_a_written_answer_below_the_untouched_stub_is_found(handed_out, check, answers):
    place = place_of(handed_out, "ex07_why")
    handed_out["cells"].insert(place + 1, new_cell(answers["ex07_why"], kind="markdown"))
    check(handed_out, **dict.fromkeys(answers) | {"ex07_why": answers["ex07_why"]})


# ---------------------------------------------------------------- what was handed out


@pytest.mark.parametrize("grade_id", ["ex07_double_test", "ex07_setup", "ex07_given"])
def test_edited_cells_are_replaced_and_noted(answered, check, grade_id):
    cell_of(answered, grade_id)["source"] = "double = halve = lambda x: 1\ncourse_seed = 0"
    check(answered, notes=[EDITED])


def test_a_copy_of_a_test_cell_that_was_edited_is_noted(answered, check):
    answered["cells"].append(copy.deepcopy(cell_of(answered, "ex07_double_test")))
    check(answered)
    answered["cells"][-1]["source"] = "assert True"
    check(answered, notes=[EDITED])


def test_an_edited_test_cell_before_its_copy_is_noted(answered, check):
    answered["cells"].append(copy.deepcopy(cell_of(answered, "ex07_double_test")))
    cell_of(answered, "ex07_double_test")["source"] = "assert True"
    check(answered, notes=[EDITED])


def test_deleted_cells_are_put_back(answered, again, tiny_exercise):
    for grade_id in ("ex07_double_test", "ex07_setup"):
        del answered["cells"][place_of(answered, grade_id)]
    rebuilt = again(answered).notebook.cells
    assert rebuilt[1].source == tiny_exercise.notebook.cells[1].source
    assert rebuilt[4].source == tiny_exercise.notebook.cells[4].source
    assert "_hidden_double" in rebuilt[4].source


def test_a_deleted_test_cell_is_noted(answered, again):
    del answered["cells"][place_of(answered, "ex07_double_test")]
    assert again(answered).notes


def test_the_set_up_cell_for_colab_may_be_changed_dropped_or_not_there_yet(tiny_exercise, answered, answers):
    before = dump(answered)  # handed out when there was none
    mark = {"grade": False, "grade_id": "ex07_colab", "locked": True, "schema_version": 3, "solution": False}
    cell = new_code_cell("drive = False", metadata={"tags": ["set-up"], "nbgrader": mark | {"task": False}})
    tiny_exercise.notebook.cells.insert(1, cell)
    changed = json.loads(before)
    changed["cells"].insert(1, new_cell("drive = True", "ex07_colab"))
    for content in (before, dump(changed)):
        result = rebuild.rebuild(Exercise(tiny_exercise.name, tiny_exercise.notebook), content)
        assert result.notes == []
        assert result.notebook.cells[1].source == "drive = False"
        assert cell_of(result.notebook, "ex07_double").source == answers["ex07_double"]


def test_other_blanks_in_a_test_are_not_noted(answered, check):
    cell_of(answered, "ex07_double_test")["source"] += "\n\n"
    check(answered)


def test_points_locks_kernels_and_other_metadata_are_not_looked_at(answered, check):
    for cell in answered["cells"]:
        if mark := cell["metadata"].get("nbgrader"):
            mark |= {"points": 1000, "locked": False, "solution": True, "grade": True, "checksum": "0", "task": True}
        cell["metadata"] |= {"deletable": True, "tags": ["raises-exception"], "collapsed": True}
        cell |= (
            {"outputs": [{"output_type": "error", "ename": "x"}], "execution_count": 3}
            if cell["cell_type"] == "code"
            else {}
        )
    answered["metadata"] = {"kernelspec": {"name": "evil", "language": "sh"}, "max_score": 99}
    answered |= {"nbformat": 2, "nbformat_minor": -1, "more": []}
    check(answered)


def test_an_id_of_another_exercise_is_nobodys(answered, check):
    cell_of(answered, "ex07_why")["metadata"]["nbgrader"]["grade_id"] = "ex08_why"
    answered["cells"][12]["source"] = "no question"
    check(answered, ex07_why=None)


def test_another_seed_is_noted_and_not_taken(tiny_exercise, answered):
    theirs = tiny_exercise.seeded(7)
    cell_of(answered, "ex07_setup")["source"] = theirs.notebook.cells[1].source
    ours = rebuild.rebuild(tiny_exercise.seeded(8), dump(answered))
    assert ours.notes == ["made from a release with course seed 7, graded with 8"]
    assert "course_seed = 8\n" in ours.notebook.cells[1].source
    assert rebuild.rebuild(theirs, dump(answered)).notes == []


def test_another_seed_and_an_edit_are_both_noted(answered, again):
    cell_of(answered, "ex07_setup")["source"] = "course_seed = 123456789012345\nlargest = 1"
    assert again(answered).notes == [EDITED, "made from a release with course seed 123456789012, graded with 0"]


# ---------------------------------------------------------------- how notebooks are saved


def test_windows_line_ends_are_mended(answered, check, answers):
    for end in ("\r\n", "\r"):
        changed = copy.deepcopy(answered)
        for cell in changed["cells"]:
            cell["source"] = cell["source"].replace("\n", end)
        check(changed)
    check(dump(answered).replace(b"\n", b"\r\n"))


def test_lone_surrogates_and_nuls_are_mended(answered, check):
    cell_of(answered, "ex07_double")["source"] = "def double(x):\n    return '\ud83d\x00'"
    cell_of(answered, "ex07_why")["source"] = "half an emoji \udc4d, a whole one \U0001f44d"
    assert b"\\ud83d\\u0000" in dump(answered)
    text = "half an emoji ?, a whole one \U0001f44d"
    check(answered, ex07_double="def double(x):\n    return '?'", ex07_why=text)


def test_lines_and_one_string_are_the_same(answered, check):
    for cell in answered["cells"]:
        cell["source"] = cell["source"].splitlines(keepends=True)
    check(answered)


def test_a_notebook_of_format_3_is_read(answered, check):
    cells = []
    for cell in answered["cells"]:
        key = "input" if cell["cell_type"] == "code" else "source"
        cells.append({key: cell["source"], "cell_type": cell["cell_type"], "metadata": cell["metadata"]})
    cells[0] |= {"cell_type": "heading", "level": 1}
    check(
        {"metadata": {"name": ""}, "nbformat": 3, "nbformat_minor": 0, "worksheets": [{"cells": cells, "metadata": {}}]}
    )


@pytest.mark.parametrize("minor", [0, 4, 5, 99])
def test_the_minor_version_does_not_matter(answered, check, minor):
    answered["nbformat_minor"] = minor
    for place, cell in enumerate(answered["cells"]):
        cell.pop("id", None)
        cell |= {"id": f"{place}"} if minor > 4 else {}
    check(answered)


def test_what_colab_adds_is_left_out(answered, check):
    for place, cell in enumerate(answered["cells"]):
        cell["metadata"] |= {"id": f"aB3_{place}", "colab": {"base_uri": "https://localhost"}, "outputId": "f0"}
    answered["metadata"] |= {"colab": {"provenance": [], "gpuType": "T4"}, "accelerator": "GPU"}
    answered["metadata"]["widgets"] = {"application/vnd.jupyter.widget-state+json": {"1": {"model_name": "HTMLModel"}}}
    check(answered)


def test_a_byte_order_mark_does_no_harm(answered, check):
    check(b"\xef\xbb\xbf" + dump(answered))


@pytest.mark.parametrize("odd", [None, 5, True, {"a": 1}, [], [1, None], ["x", ["y"]]])
def test_odd_values_where_text_or_metadata_belong_do_no_harm(answered, check, odd):
    answered["cells"].append({"cell_type": "code", "source": odd, "metadata": {}})
    answered["cells"].append({"cell_type": "code", "source": "1", "metadata": odd})
    answered["cells"].append({"cell_type": "code", "source": "2", "metadata": {"nbgrader": odd}})
    answered["cells"].append({"cell_type": odd, "source": "3", "metadata": {"nbgrader": {"grade_id": odd}}})
    check(answered)


@pytest.mark.parametrize("number", ["1e999", "-" + "9" * 4000, "NaN", "0.1" + "1" * 9000])
def test_huge_numbers_do_no_harm(answered, check, number):
    answered["cells"][1]["execution_count"] = 777
    check(dump(answered).replace(b"777", number.encode()))


# ---------------------------------------------------------------- what is no notebook

NO_NOTEBOOK = r"^this is not a notebook \({}\): hand in the .ipynb file$"
DAMAGED = NO_NOTEBOOK.format("it is damaged, or something else with that name")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "^the file is empty: save the notebook and hand it in again$"),
        (b" \r\n\t", "^the file is empty"),
        (b"PK\x03\x04\x14\x00", NO_NOTEBOOK.format("it seems to be a zip archive")),
        (b"%PDF-1.7\n\xe2\xe3", NO_NOTEBOOK.format("it seems to be a PDF")),
        (b"\n<!DOCTYPE html><html>", NO_NOTEBOOK.format("it seems to be a web page")),
        (b"\x89PNG\r\n\x1a\n", NO_NOTEBOOK.format("it seems to be a picture")),
        ('{"cells": []}'.encode("utf-16"), NO_NOTEBOOK.format("it seems to be UTF-16")),
        ('{"cells": []}'.encode("utf-16-be"), DAMAGED),
        (b"def double(x):\n    return 2 * x\n", DAMAGED),
        (b"\xff\xff", DAMAGED),
        (b"{}", DAMAGED),
        (b"[]", DAMAGED),
        (b"5", DAMAGED),
        (b"null", DAMAGED),
        (b'"cells"', DAMAGED),
        (b'["cells"]', DAMAGED),
        (b'{"cells": null}', DAMAGED),
        (b'{"cells": 3}', DAMAGED),
        (b'{"cells": {"a": 1}}', DAMAGED),
        (b'{"cells": [1, "x", null]}', DAMAGED),
        (b'{"cells": [[]]}', DAMAGED),
        (b'{"cells": [{"source": "x"}]}', DAMAGED),
        (b'{"worksheets": []}', DAMAGED),
        (b'{"worksheets": [{"cells": [5]}]}', DAMAGED),
        (b"[" * 100_000, DAMAGED),
        (b'{"cells":' * 100_000, DAMAGED),
        (b'{"cells": [], "number": ' + b"1" * 5000 + b"}", DAMAGED),
        (b'{"cells": []}', "^the notebook has no cells$"),
        (b'{"cells": [{"cell_type": "code", "source": " \\n"}]}', "^the notebook has no cells$"),
        (b"x" * (20 * 1024 * 1024 + 1), "^the file is larger than 20 MB: clear all outputs and hand it in again$"),
    ],
    ids=lambda value: repr(value[:24]) if isinstance(value, bytes) else "",
)
def test_what_is_no_notebook_is_told_from_one(again, content, message):
    with pytest.raises(UnreadableError, match=message):
        again(content)


def test_a_notebook_that_breaks_off_is_damaged(answered, again):
    content = dump(answered)
    for length in (1, len(content) // 2, len(content) - 1):
        with pytest.raises(UnreadableError, match=DAMAGED):
            again(content[:length])


@pytest.mark.parametrize("depth", range(900, 1001, 4))
def test_nesting_that_json_still_reads_does_no_harm(depth):
    content = b'{"cells": [{"cell_type": "code", "source": [' + b"[" * depth + b"]" * depth + b"]}]}"
    try:
        assert len(read_cells(content)) == 1
    except UnreadableError as error:
        assert "this is not a notebook" in str(error)


def test_cells_are_read_as_what_they_are():
    cells = [new_cell("1", "a"), new_cell("2", kind="markdown"), new_cell("3", kind="raw")]
    assert read_cells(dump({"cells": cells})) == [
        rebuild.Cell("code", "1", "a"),
        rebuild.Cell("text", "2", None),
        rebuild.Cell("text", "3", None),
    ]


@pytest.mark.parametrize("name", ["ex07_double", "ex07_why"])
def test_an_answer_may_have_so_many_characters_and_no_more(answered, again, name):
    start = "def double(x): return 2 * x  # "
    cell = cell_of(answered, name)
    cell["source"] = start + "x" * (100_000 - len(start))
    assert again(answered).notebook.cells[{"ex07_double": 3, "ex07_why": 13}[name]].source == cell["source"]
    cell["source"] += "x"
    with pytest.raises(UnreadableError, match=rf"^the answer to {name} is longer than 100,000 characters$"):
        again(answered)


def test_cells_longer_than_an_answer_may_be_are_not_parsed(answered, again, monkeypatch):
    parsed, real = [], rebuild.defined_names
    monkeypatch.setattr(rebuild, "defined_names", lambda code, **how: parsed.append(len(code)) or real(code, **how))
    answered["cells"].append(new_cell("a = 1\n" * 20_000))
    again(answered)
    assert parsed and max(parsed) <= 100_000


def test_many_cells_take_no_time(answered, again):
    answered["cells"] += [new_cell(f"a{number} = {number}") for number in range(3000)]
    started = time.monotonic()
    again(answered)
    assert time.monotonic() - started < 5


# ---------------------------------------------------------------- which exercise


def test_a_notebook_is_known_by_its_ids(exercises, answered):
    for cell in answered["cells"]:
        if id_of(cell) in ("ex07_double", "ex07_halve", "ex07_guess"):
            cell["source"] = ""
    assert exercise_of(dump(answered), exercises, "ex08.ipynb") == "ex07"


def test_a_notebook_without_ids_is_known_by_its_functions(exercises, answered):
    assert exercise_of(dump(without_ids(answered)), exercises, "ex08.ipynb") == "ex07"
    assert exercise_of(dump({"cells": [new_cell("def third(x:")]}), exercises, "ex07.ipynb") == "ex08"


def test_ids_tell_more_than_names(exercises):
    cells = [new_cell("def double(): pass"), new_cell("1", "ex08_triple")]
    assert exercise_of(dump({"cells": cells}), exercises) == "ex08"


def test_a_notebook_of_two_exercises_is_known_by_its_name(exercises):
    both = dump({"cells": [new_cell("1", "ex07_double"), new_cell("1", "ex08_triple")]})
    assert exercise_of(both, exercises, "ex08.ipynb") == "ex08"
    assert exercise_of(both, exercises, "homework.ipynb") is None


@pytest.mark.parametrize(
    ("name", "exercise"),
    [
        ("ex07.ipynb", "ex07"),
        ("EX08.PDF", "ex08"),
        ("Copy of ex07.ipynb", "ex07"),
        ("ex08 (1).ipynb", "ex08"),
        ("my_ex07-final.ipynb", "ex07"),
        ("ex7.ipynb", None),
        ("ex071.ipynb", None),
        ("complex07.ipynb", None),
        ("notes.ipynb", None),
        ("", None),
        ("ex07\n.ipynb", "ex07"),
    ],
)
@pytest.mark.parametrize("content", [b"%PDF-1.7", b'{"cells": [{"cell_type": "code", "source": "1"}]}'])
def test_a_file_that_says_nothing_is_known_by_its_name(exercises, name, exercise, content):
    assert exercise_of(content, exercises, name) == exercise


def test_without_exercises_nothing_is_known(answered):
    assert exercise_of(dump(answered), {}, "ex07.ipynb") is None
