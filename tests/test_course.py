"""Running the lessons: order, resume, failures, bringing. The lessons here are tiny notebooks in a temporary folder."""

import ast
import json
import logging
import platform
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from types import ModuleType

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from sentiment_kit import course, profiles

REPOSITORY = Path(__file__).resolve().parents[1]

# Each lesson writes itself into a log, with "again" if it finds something that it had made before.
OPENING = """\
import json, os, pathlib
run = pathlib.Path(os.environ["SENTIMENT_KIT_RUNS"]) / "latest"
made = run / {made!r}
with (run.parent / "log.txt").open("a") as log:
    log.write({name!r} + (" again" if made.exists() else "") + "\\n")
print("the first cell of", {name!r})
"""
CELLS = {
    "a_first": ("a.txt", "made.write_text('a')"),
    "b_second": (
        "b.txt",
        "made.write_text((run / 'a.txt').read_text() + 'b')",
        "if (run.parent / 'broken').exists():\n    raise ValueError('out of ink\\nand out of paper')",
        "(run / 'b_folder').mkdir(exist_ok=True)",
    ),
    "c_third": (
        "c.txt",
        "import time\nblock = b'x' * 150_000_000\ntime.sleep(0.8)",  # long enough to be measured
        "made.write_text((run / 'summary.json').read_text())",
        "(run / 'scores.json').write_text(json.dumps({'validation': {'majority': {'accuracy': 0.5}}}))",
    ),
}
LESSONS = (
    course.Lesson("a_first", (), ("a.txt",), 0.1),
    course.Lesson("b_second", ("a_first",), ("b.txt", "b_folder"), 0.1),
    course.Lesson("c_third", (), ("c.txt", "scores.json"), 0.1),
)


def _write_notebook(path: Path, *sources: str) -> None:
    cells = [new_markdown_cell("# A lesson"), *map(new_code_cell, sources)]
    for number, cell in enumerate(cells):
        cell.id = f"cell-{number}"
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(new_notebook(cells=cells, metadata={"kernelspec": kernel}), path)


def _write_lessons(folder: Path) -> None:
    folder.mkdir(parents=True)
    for name, (made, *sources) in CELLS.items():
        _write_notebook(folder / f"{name}.ipynb", OPENING.format(name=name, made=made), *sources)


def _edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


class World:
    """A folder with fake lessons in ``notebooks``, fake reviews in ``data/reviews`` and their runs in ``runs``."""

    def __init__(self, root: Path, patch: pytest.MonkeyPatch) -> None:
        self.root, self.latest = root, root / "runs" / "latest"
        patch.setenv("SENTIMENT_KIT_RUNS", str(root / "runs"))
        patch.setattr(course, "LESSONS", LESSONS)
        patch.setattr(profiles, "bundled", lambda *parts: root.joinpath(*parts))

    def log(self) -> list[str]:
        """What ran since this was last asked."""
        path = self.root / "runs" / "log.txt"
        lines = path.read_text(encoding="utf-8").split("\n")[:-1] if path.exists() else []
        path.unlink(missing_ok=True)
        return lines

    def summary(self) -> dict:
        return json.loads((self.latest / "summary.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A world in which the course has run once, from nothing. Tests work on copies."""
    root = tmp_path_factory.mktemp("course")
    _write_lessons(root / "notebooks")
    (root / "data" / "reviews").mkdir(parents=True)
    (root / "data" / "reviews" / "raw.csv").write_text("text\ngood\n", encoding="utf-8")
    (root / "data" / "messages").mkdir()
    (root / "data" / "messages" / "raw.csv").write_text("text\nhello\n", encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("SENTIMENT_KIT_PROFILE", "SENTIMENT_KIT_ENCODER", "SENTIMENT_KIT_DATA"):
            patch.delenv(name, raising=False)
        World(root, patch)
        returned = course.run()
    (root / "returned.json").write_text(json.dumps(returned), encoding="utf-8")
    return root


@pytest.fixture
def world(finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """A copy of the finished world."""
    shutil.copytree(finished, tmp_path / "world")
    return World(tmp_path / "world", monkeypatch)


# ---------------------------------------------------------------- a first run


def test_a_run_goes_through_the_lessons_in_order_and_sums_up(world: World) -> None:
    assert world.log() == ["a_first", "b_second", "c_third"]
    assert (world.latest / "b.txt").read_text(encoding="utf-8") == "ab"
    summary = world.summary()
    assert summary == json.loads((world.root / "returned.json").read_text(encoding="utf-8"))
    assert summary.keys() == {
        "profile", "checkpoint", "data", "seed", "versions", "lessons", "scores", "model_dir", "finished",
    }  # fmt: skip
    laptop = profiles.PROFILES["laptop"]
    assert [summary[key] for key in ("profile", "checkpoint", "data", "seed", "model_dir")] == [
        "laptop", laptop.checkpoint, "bundled", 42, "model",
    ]  # fmt: skip
    assert summary["versions"]["python"] == platform.python_version()
    assert summary["versions"].keys() >= {"torch", "transformers", "sentiment-kit"}
    assert summary["scores"] == {"validation": {"majority": {"accuracy": 0.5}}}
    assert [(one["name"], one["skipped"]) for one in summary["lessons"]] == [
        ("a_first", False), ("b_second", False), ("c_third", False),
    ]  # fmt: skip
    assert datetime.fromisoformat(summary["finished"]).tzinfo is not None


def test_seconds_and_memory_are_measured(world: World) -> None:
    first, _, third = world.summary()["lessons"]
    assert third["seconds"] >= 0.8
    assert third["peak_memory_mb"] > 150  # it held a block of that size for 0.8 seconds
    assert third["peak_memory_mb"] > first["peak_memory_mb"] + 100
    assert first["seconds"] > 0


def test_the_summary_is_unfinished_while_lessons_run(world: World) -> None:
    seen = json.loads((world.latest / "c.txt").read_text(encoding="utf-8"))
    assert seen["finished"] is None
    assert [one["name"] for one in seen["lessons"]] == ["a_first", "b_second"]


def test_executed_notebooks_are_kept_and_the_lessons_stay_as_they_were(world: World) -> None:
    for name in CELLS:
        executed = nbformat.read(world.latest / "notebooks" / f"{name}.ipynb", as_version=4)
        printed = [output.text for cell in executed.cells for output in cell.get("outputs", []) if "text" in output]
        assert f"the first cell of {name}\n" in printed
        lesson = nbformat.read(world.root / "notebooks" / f"{name}.ipynb", as_version=4)
        assert all(cell.execution_count is None for cell in lesson.cells if cell.cell_type == "code")


# ---------------------------------------------------------------- resuming


def test_a_second_run_repeats_nothing_says_so_and_keeps_the_seconds(world: World) -> None:
    before, told = world.summary(), []
    world.log()
    after = course.run(tell=told.append)
    assert world.log() == []
    assert [line.split()[0] for line in told] == ["a_first", "b_second", "c_third"]
    assert all("skipped" in line for line in told)
    assert [one | {"skipped": True} for one in before["lessons"]] == after["lessons"]
    assert after["finished"] is not None
    assert after["scores"] == before["scores"]


def test_a_changed_notebook_runs_again_from_scratch_with_those_that_need_it(world: World) -> None:
    world.log()
    _edit(world.root / "notebooks" / "a_first.ipynb", "write_text('a')", "write_text('A')")
    after = course.run()
    assert world.log() == ["a_first", "b_second"]  # and not "again": what they had made was dropped first
    assert (world.latest / "b.txt").read_text(encoding="utf-8") == "Ab"
    assert [(one["name"], one["skipped"]) for one in after["lessons"]] == [
        ("a_first", False), ("b_second", False), ("c_third", True),
    ]  # fmt: skip


def test_a_lesson_whose_result_was_deleted_runs_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.log()
    monkeypatch.setattr(course, "LESSONS", LESSONS[2:])
    (world.latest / "scores.json").unlink()
    assert course.run_lesson("c_third") is True
    assert world.log() == ["c_third again"]  # same inputs: what is still there may be used
    assert (world.latest / "scores.json").exists()
    assert course.run_lesson("c_third") is False


def test_fresh_starts_over(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.log()
    monkeypatch.setattr(course, "LESSONS", LESSONS[:1])
    (world.latest / "left.txt").write_text("from the run before", encoding="utf-8")
    course.run(fresh=True)
    assert world.log() == ["a_first"]
    assert not (world.latest / "left.txt").exists()
    assert not (world.latest / "scores.json").exists()


# ---------------------------------------------------------------- a lesson that fails


@pytest.fixture(scope="module")
def broken(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A world in which the first lesson is finished, the second stopped with an error, and the third never began."""
    root = tmp_path_factory.mktemp("broken") / "world"
    shutil.copytree(finished, root)
    latest = root / "runs" / "latest"
    shutil.rmtree(latest / "lessons")
    (latest / "lessons").mkdir()
    shutil.copy(finished / "runs" / "latest" / "lessons" / "a_first.json", latest / "lessons")
    for made in ("b.txt", "c.txt", "scores.json", "notebooks/b_second.ipynb", "notebooks/c_third.ipynb"):
        (latest / made).unlink()
    (latest / "b_folder").rmdir()
    (root / "runs" / "log.txt").unlink()
    (root / "runs" / "broken").touch()
    with pytest.MonkeyPatch.context() as patch:
        for name in ("SENTIMENT_KIT_PROFILE", "SENTIMENT_KIT_ENCODER", "SENTIMENT_KIT_DATA"):
            patch.delenv(name, raising=False)
        World(root, patch)
        with pytest.raises(course.LessonError) as error:
            course.run()
    return root, str(error.value)


@pytest.fixture
def stopped(broken: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """A copy of the broken world."""
    shutil.copytree(broken[0], tmp_path / "world")
    return World(tmp_path / "world", monkeypatch)


def test_a_failing_lesson_is_named_with_its_cell_its_error_and_the_half_run_notebook(
    broken: tuple[Path, str],
) -> None:
    root, message = broken
    assert "b_second" in message
    assert re.search(r"\bcell 3\b", message)  # as in In [3] in the notebook
    assert "ValueError: out of ink" in message
    half_run = root / "runs" / "latest" / "notebooks" / "b_second.ipynb"
    assert str(half_run) in message
    cells = [cell for cell in nbformat.read(half_run, as_version=4).cells if cell.cell_type == "code"]
    outputs = [output for cell in cells for output in cell.outputs]
    assert "the first cell of b_second\n" in [output.get("text") for output in outputs]
    assert "ValueError" in [output.get("ename") for output in outputs]


def test_a_failing_lesson_gives_one_line_even_if_its_error_has_several(broken: tuple[Path, str]) -> None:
    assert len(broken[1].splitlines()) == 1, broken[1]


def test_a_failing_lesson_stops_the_run_and_leaves_it_unfinished(stopped: World) -> None:
    assert stopped.log() == ["b_second"]  # the first was finished, the third comes after
    summary = stopped.summary()
    assert summary["finished"] is None
    assert [(one["name"], one["skipped"]) for one in summary["lessons"]] == [("a_first", True)]
    assert summary["scores"] == {}


def test_after_mending_nothing_finished_is_repeated_and_what_was_half_done_is_used(stopped: World) -> None:
    stopped.log()
    (stopped.root / "runs" / "broken").unlink()
    after = course.run()
    assert stopped.log() == ["b_second again", "c_third"]
    assert after["finished"] is not None
    assert [(one["name"], one["skipped"]) for one in after["lessons"]] == [
        ("a_first", True), ("b_second", False), ("c_third", False),
    ]  # fmt: skip


def test_a_kernel_that_dies_is_a_failing_lesson_too(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that runs out of memory kills the kernel: the learner must read which lesson that was."""
    monkeypatch.setattr(course, "LESSONS", LESSONS[:1])
    _write_notebook(
        world.root / "notebooks" / "a_first.ipynb", "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)"
    )
    with pytest.raises(course.LessonError, match="a_first"):
        course.run()
    assert world.summary()["finished"] is None


# ---------------------------------------------------------------- what a lesson's results depend on


def _change_package(world: World, patch: pytest.MonkeyPatch) -> None:
    copy = world.root / "package"
    shutil.copytree(Path(course.__file__).parent, copy, ignore=shutil.ignore_patterns("__pycache__", "bundled"))
    with (copy / "data.py").open("a", encoding="utf-8") as file:
        file.write("# changed\n")
    patch.setattr(course, "__file__", str(copy / "course.py"))


def _change_versions(world: World, patch: pytest.MonkeyPatch) -> None:
    now = course.versions()
    patch.setattr(course, "versions", lambda: now | {"torch": "1.0"})


CHANGES: dict[str, Callable[[World, pytest.MonkeyPatch], object]] = {
    "package": _change_package,
    "versions": _change_versions,
    "data": lambda world, _: _edit(world.root / "data" / "reviews" / "raw.csv", "good", "bad"),
    "other data": lambda world, _: _edit(world.root / "data" / "messages" / "raw.csv", "hello", "bye"),
    "profile": lambda _, patch: patch.setenv("SENTIMENT_KIT_PROFILE", "gpu"),
    "encoder": lambda _, patch: patch.setenv("SENTIMENT_KIT_ENCODER", "/another/encoder"),
    "data of one's own": lambda _, patch: patch.setenv("SENTIMENT_KIT_DATA", "/another/data"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_every_lesson_depends_on(world: World, monkeypatch: pytest.MonkeyPatch, change: str) -> None:
    before = {name: course.fingerprint(name) for name in CELLS}
    assert {name: course.fingerprint(name) for name in CELLS} == before
    CHANGES[change](world, monkeypatch)
    assert [name for name in CELLS if course.fingerprint(name) == before[name]] == []


def test_a_notebook_counts_for_itself_and_for_those_that_need_it_by_its_cells_alone(world: World) -> None:
    before = {name: course.fingerprint(name) for name in CELLS}
    assert len(set(before.values())) == 3

    def changed() -> list[str]:
        return [name for name in CELLS if course.fingerprint(name) != before[name]]

    executed = world.latest / "notebooks" / "a_first.ipynb"
    shutil.copy(executed, world.root / "notebooks" / "a_first.ipynb")  # outputs and counts: no change
    assert changed() == []
    _edit(world.root / "notebooks" / "a_first.ipynb", "write_text('a')", "write_text('A')")
    assert changed() == ["a_first", "b_second"]
    _edit(world.root / "notebooks" / "c_third.ipynb", "# A lesson", "# The third lesson")
    assert changed() == ["a_first", "b_second", "c_third"]


# ---------------------------------------------------------------- the run's folder


def test_results_of_another_profile_are_moved_aside_whole(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    assert course.run_folder() == world.latest
    before = {path.relative_to(world.latest) for path in world.latest.rglob("*")}
    monkeypatch.setenv("SENTIMENT_KIT_PROFILE", "gpu")
    with caplog.at_level(logging.WARNING):
        assert course.run_folder() == world.latest
    (aside,) = [path for path in world.latest.parent.iterdir() if path.is_dir() and path != world.latest]
    assert aside.name.startswith("laptop-")
    assert aside.name in caplog.text
    assert {path.relative_to(aside) for path in aside.rglob("*")} == before
    assert not (world.latest / "a.txt").exists()
    caplog.clear()
    assert course.run_folder() == world.latest  # the same again: nothing moves
    assert caplog.text == ""


def test_changing_the_encoder_twice_in_a_moment_keeps_both_older_runs(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for encoder in ("/first", "/second"):
        monkeypatch.setenv("SENTIMENT_KIT_ENCODER", encoder)
        (course.run_folder() / "mine.txt").write_text(encoder, encoding="utf-8")
    monkeypatch.delenv("SENTIMENT_KIT_ENCODER")
    assert not (course.run_folder() / "mine.txt").exists()
    kept = [path.read_text(encoding="utf-8") for path in world.latest.parent.glob("*/mine.txt")]
    assert sorted(kept) == ["/first", "/second"]


# ---------------------------------------------------------------- bringing


@pytest.fixture
def kit_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the package with a lesson 02 of its own, which the process that ``bring`` starts finds first."""
    root = tmp_path / "kit"
    package = Path(course.__file__).parent
    shutil.copytree(package, root / "sentiment_kit", ignore=shutil.ignore_patterns("__pycache__", "bundled"))
    (root / "notebooks").mkdir()
    (root / "data" / "reviews").mkdir(parents=True)
    monkeypatch.setenv("PYTHONPATH", str(root))
    monkeypatch.setenv("SENTIMENT_KIT_RUNS", str(tmp_path / "runs"))
    monkeypatch.chdir(root)
    return root


MAKES_ALL = """\
import os, pathlib
run = pathlib.Path(os.environ["SENTIMENT_KIT_RUNS"]) / "latest"
(run / "data").mkdir()
for name in ("train.jsonl", "validation.jsonl", "test.jsonl", "dropped.csv"):
    (run / "data" / name).write_text("made by lesson 02")
"""


def test_bring_runs_the_lesson_that_is_missing_and_only_once(
    kit_copy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    notebook = kit_copy / "notebooks" / "02_prepare_data.ipynb"
    _write_notebook(notebook, MAKES_ALL)
    assert course.bring("02_prepare_data") == tmp_path / "runs" / "latest"
    said = capsys.readouterr()
    assert re.search(r"02_prepare_data .*about \d+ min", said.err)
    assert said.out == ""
    made = tmp_path / "runs" / "latest" / "data" / "train.jsonl"
    assert made.read_text(encoding="utf-8") == "made by lesson 02"
    notebook.unlink()  # so that running it again would fail
    assert course.bring("02_prepare_data") == tmp_path / "runs" / "latest"
    assert capsys.readouterr().err == ""


def test_bring_keeps_to_the_profile_of_whoever_asks(
    kit_copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saying = "(run / 'profile').write_text(os.environ['SENTIMENT_KIT_PROFILE'])"
    _write_notebook(kit_copy / "notebooks" / "02_prepare_data.ipynb", MAKES_ALL + saying)
    monkeypatch.setitem(sys.modules, "google.colab", ModuleType("google.colab"))  # as inside Colab, with a GPU
    monkeypatch.setattr(profiles.shutil, "which", lambda name: name)
    course.bring("02_prepare_data")
    assert (tmp_path / "runs" / "latest" / "profile").read_text(encoding="utf-8") == "gpu"


def test_bring_says_which_lesson_and_cell_failed(kit_copy: Path) -> None:
    source = "raise RuntimeError('out of ink\\nand out of paper')"
    _write_notebook(kit_copy / "notebooks" / "02_prepare_data.ipynb", "1 + 1", source)
    with pytest.raises(course.LessonError) as error:
        course.bring("02_prepare_data")
    assert "02_prepare_data" in str(error.value)
    assert "cell 2" in str(error.value)
    assert "out of ink" in str(error.value)


def test_bring_that_was_interrupted_says_how_to_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*args: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setenv("SENTIMENT_KIT_RUNS", str(tmp_path))
    monkeypatch.setattr(course.subprocess, "run", stopped)
    with pytest.raises(KeyboardInterrupt, match=r"^lesson 02_prepare_data was interrupted: run this cell again"):
        course.bring("02_prepare_data")


def test_bring_says_which_lesson_was_killed(kit_copy: Path) -> None:
    (kit_copy / "sentiment_kit" / "__main__.py").write_text("import os\nos.kill(os.getpid(), 9)\n", encoding="utf-8")
    with pytest.raises(course.LessonError, match="02_prepare_data"):
        course.bring("02_prepare_data")


def test_bring_without_names_gives_the_folder_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENTIMENT_KIT_RUNS", str(tmp_path))
    assert course.bring() == tmp_path / "latest"
    assert (tmp_path / "latest").is_dir()


@pytest.mark.parametrize("act", [course.bring, course.run_lesson, course.lesson])
def test_an_unknown_lesson_is_answered_with_those_there_are(act: Callable[[str], object]) -> None:
    with pytest.raises(ValueError, match=r"'3'.*03_fine_tune"):
        act("3")


# ---------------------------------------------------------------- the real lessons


def _closure(names: set[str]) -> set[str]:
    return names | {above for name in names for above in _closure(set(course.lesson(name).needs))}


def _brought(path: Path) -> Iterator[str]:
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type != "code":
            continue
        code = "\n".join(line for line in cell.source.split("\n") if not line.lstrip().startswith(("%", "!")))
        for node in ast.walk(ast.parse(code)):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("course.bring", "bring"):
                yield from (argument.value for argument in node.args)


@pytest.mark.parametrize("one", course.LESSONS, ids=lambda one: one.name)
def test_a_lesson_declares_what_it_brings(one: course.Lesson) -> None:
    """Otherwise it would be skipped though what it reads has changed."""
    names = [lesson.name for lesson in course.LESSONS]
    assert all(names.index(needed) < names.index(one.name) for needed in one.needs)
    brought = set(_brought(REPOSITORY / "notebooks" / f"{one.name}.ipynb"))
    assert _closure(brought) == _closure(set(one.needs))


def test_another_decoder_asks_for_lesson_07_again_and_for_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    before = {one.name: course.fingerprint(one.name) for one in course.LESSONS}
    monkeypatch.setenv("SENTIMENT_KIT_DECODER", "openai-community/gpt2")
    changed = [name for name, digest in before.items() if course.fingerprint(name) != digest]
    assert changed == ["07_adapt_a_generative_model"]


# ---------------------------------------------------------------- paths and folders


def test_relative_folders_mean_the_same_to_the_runner_and_to_the_lessons(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(world.root)
    monkeypatch.setenv("SENTIMENT_KIT_RUNS", "elsewhere")
    course.run()
    assert (world.root / "elsewhere" / "latest" / "b.txt").exists()
    assert not (world.root / "notebooks" / "elsewhere").exists()


def test_relative_folders_of_encoder_and_data_are_settled_and_stamped(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(world.root)
    monkeypatch.setenv("SENTIMENT_KIT_ENCODER", "bert")
    monkeypatch.setenv("SENTIMENT_KIT_DATA", "sst")
    summary = course.run()
    stamp = json.loads((world.latest / "setting.json").read_text(encoding="utf-8"))
    for found in (summary, stamp):
        assert (found["checkpoint"], found["data"]) == (str(world.root / "bert"), str(world.root / "sst"))


def test_a_lesson_that_makes_nothing_is_not_finished(world: World) -> None:
    _edit(world.root / "notebooks" / "a_first.ipynb", "made.write_text('a')", "pass")
    with pytest.raises(course.LessonError, match=r"a_first ended without making a\.txt"):
        course.run()


def test_starting_over_leaves_the_run_of_another_profile(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENTIMENT_KIT_PROFILE", "gpu")
    course.run(fresh=True)
    kept = [path for path in world.latest.parent.iterdir() if path.name.startswith("laptop-")]
    assert [(path / "b.txt").exists() for path in kept] == [True]


def test_what_an_editor_leaves_among_the_reviews_changes_nothing(world: World) -> None:
    (world.root / "data" / "reviews" / ".ipynb_checkpoints").mkdir()
    (world.root / "data" / "reviews" / ".ipynb_checkpoints" / "raw-checkpoint.csv").write_text("x", encoding="utf-8")
    (world.root / "data" / "reviews" / ".DS_Store").write_text("x", encoding="utf-8")
    world.log()
    course.run()
    assert world.log() == []
