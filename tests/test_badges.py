"""Every lesson and exercise carries the link to Colab and the set-up cell, all with the address in pyproject.toml."""

import copy
import io
import re
from contextlib import redirect_stderr, redirect_stdout

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from sentiment_kit.grading import authoring, exercise
from tests import badges

ELSEWHERE = "https://github.com/somebody/else"
EXERCISES = sorted((badges.ROOT / "exercises").glob("*/*/*.ipynb"))


def named(path):
    return path.relative_to(badges.ROOT).as_posix()


def set_up_cells(notebook):
    return [cell for cell in notebook.cells if exercise.SET_UP in cell.metadata.get("tags", [])]


@pytest.mark.parametrize("path", badges.paths(), ids=named)
def test_what_is_committed_is_what_make_badges_writes(path):
    assert path.read_text(encoding="utf-8") == badges.stamped(path, badges.address()), "run `make badges`"


@pytest.mark.parametrize("path", badges.paths(), ids=named)
def test_a_changed_address_is_noticed(path):
    committed, moved = path.read_text(encoding="utf-8"), badges.stamped(path, ELSEWHERE)
    assert committed != moved
    assert committed.count(badges.address()) == moved.count(ELSEWHERE) == 1
    assert badges.address() not in moved


@pytest.mark.parametrize("path", [*(badges.ROOT / "notebooks").glob("*.ipynb"), *EXERCISES], ids=named)
def test_a_link_opens_the_notebook_that_it_stands_in(path):
    first = nbformat.read(path, as_version=4).cells[0].source
    place = badges.address().removeprefix("https://github.com/")
    target = f"https://colab.research.google.com/github/{place}/blob/main/{named(path)}"
    assert first.splitlines()[2] == f"[Open in Colab]({target})"
    assert first.count("Open in Colab") == 1


@pytest.mark.parametrize("path", [*(badges.ROOT / "notebooks").glob("*.ipynb"), *EXERCISES], ids=named)
def test_the_set_up_cell_is_the_first_code_cell_and_silent_here(path):
    notebook = nbformat.read(path, as_version=4)
    (cell,) = set_up_cells(notebook)
    assert cell is notebook.cells[1] and cell.outputs == []
    assert len([line for line in cell.source.splitlines() if line.strip()]) <= 12
    said = io.StringIO()
    with redirect_stdout(said), redirect_stderr(said):
        exec(cell.source, {})
    assert said.getvalue() == ""
    if "release" in path.parts:
        assert cell.metadata.nbgrader.locked and not cell.metadata.editable


@pytest.fixture
def bare():
    """A notebook that was run, without link and set-up cell."""
    shown = new_output("execute_result", data={"text/plain": "2"}, execution_count=1)
    cells = [new_markdown_cell("# 07 Adapt\n\nBy the end"), new_code_cell("1 + 1", outputs=[shown], execution_count=1)]
    return new_notebook(cells=cells)


def test_a_new_notebook_gets_both_and_a_second_stamp_changes_nothing(bare):
    path = badges.Path("notebooks/07_adapt.ipynb")
    badges.stamp(bare, path, ELSEWHERE)
    link = "https://colab.research.google.com/github/somebody/else/blob/main/notebooks/07_adapt.ipynb"
    assert bare.cells[0].source == f"# 07 Adapt\n\n[Open in Colab]({link})\n\nBy the end"
    assert [cell.source for cell in bare.cells[1:]] == [badges.CELL.format(address=ELSEWHERE), "1 + 1"]
    assert [cell.execution_count for cell in bare.cells[1:]] == [1, 2]
    assert bare.cells[2].outputs[0].execution_count == 2
    nbformat.validate(bare)
    before = copy.deepcopy(bare)
    badges.stamp(bare, path, ELSEWHERE)
    assert bare == before


def test_a_notebook_that_was_not_run_keeps_its_counts(bare):
    bare.cells[1].execution_count = None
    badges.stamp(bare, badges.Path("notebooks/07_adapt.ipynb"), ELSEWHERE)
    assert [cell.execution_count for cell in bare.cells[1:]] == [None, None]


def test_a_notebook_without_a_title_is_refused(bare):
    bare.cells[0].source = "By the end"
    with pytest.raises(SystemExit, match=r"^notebooks/07_adapt.ipynb: the first cell has to begin with the title"):
        badges.stamp(bare, badges.Path("notebooks/07_adapt.ipynb"), ELSEWHERE)


def test_the_address_is_written_to_one_line_of_pyproject(tmp_path, monkeypatch):
    before = (badges.ROOT / "pyproject.toml").read_text(encoding="utf-8")
    (tmp_path / "pyproject.toml").write_text(before, encoding="utf-8")
    monkeypatch.setattr(badges, "ROOT", tmp_path)
    badges.set_address("somebody/else")
    assert badges.address() == ELSEWHERE
    after = (tmp_path / "pyproject.toml").read_text(encoding="utf-8")
    assert len(set(after.splitlines()) - set(before.splitlines())) == 1
    with pytest.raises(SystemExit, match=r"^REPO=https://github.com/a/b is not like owner/name$"):
        badges.set_address("https://github.com/a/b")


def test_a_handout_with_a_seed_of_its_own_has_no_link_to_another():
    one = exercise.load(exercise.default_source(), ["ex01"])["ex01"]
    handout = authoring.release(one.seeded(2027))
    assert "Colab" not in handout.cells[0].source
    assert handout.cells[0].source == exercise.COLAB_LINK.sub("", one.notebook.cells[0].source)
    assert len(set_up_cells(handout)) == 1


def test_the_address_stands_nowhere_else():
    texts = [*badges.ROOT.glob("sentiment_kit/**/*.py"), *badges.ROOT.glob("docs/*.md"), badges.ROOT / "README.md"]
    assert [named(path) for path in texts if re.search(r"github\.com/OWNER", path.read_text(encoding="utf-8"))] == []
