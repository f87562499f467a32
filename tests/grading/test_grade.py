"""The grader from end to end: tables, marks by hand, feedback, resuming, what it says without a sandbox."""

import csv
import html
import json
import re
import shutil
import sys

import nbformat
import pytest

from sentiment_kit import cli
from sentiment_kit.grading import authoring, exercise, grade, manual, pool, sandbox
from tests.grading import bank

NEEDS_SANDBOX = pytest.mark.skipif(sandbox.available() is not None, reason=f"no sandbox: {sandbox.available()}")
SEED = 7


def notebook(name, answers, written="", seed=SEED):
    """A submission: a release with answers put in."""
    one = exercise.load(bank.SOURCE, [name])[name].seeded(seed)
    filled = authoring.release(one)
    for task in one.tasks:
        if task.by_hand and written:
            filled.cells[task.answer].source = written
        elif task.name in answers:
            filled.cells[task.answer].source = answers[task.name].code
    return nbformat.writes(filled)


def rows_of(path):
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture(scope="module")
def download(tmp_path_factory):
    """Four students: all right, all wrong, one with an endless loop, one who handed in a text file."""
    folder = tmp_path_factory.mktemp("download")
    right = bank.read_answers(bank.SUBMISSIONS / "ex06" / "right_1.py")
    wrong = bank.read_answers(bank.SUBMISSIONS / "ex06" / "wrong_1.py")
    loop = right | {
        "ex06_with_temperature": bank.Answer("def with_temperature(logits, temperature):\n    while True: pass\n", True)
    }
    notebooks = {
        "Weber Anna_11_501_ex06.ipynb": notebook(
            "ex06", right, "I would label fifty comments first. <script>alert(1)</script>"
        ),
        "Boe Zoë_12_502_ex06.ipynb": notebook("ex06", wrong),
        "Loop Lou_13_503_ex06.ipynb": notebook("ex06", loop, seed=0),
        "Text Tim_14_504_ex06.txt": "I did it on paper",
    }
    for name, text in notebooks.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def marks(download, tmp_path_factory):
    """The output folder of one grading, by the command."""
    out = tmp_path_factory.mktemp("marks")
    roster = out.parent / "class.csv"
    roster.write_text("student,id\nWeber Anna,11\nNever Ned,99\n", encoding="utf-8")
    words = ["grade", str(download), "--out", str(out), "--course-seed", str(SEED), "--seconds", "5"]
    assert cli.main([*words, "--roster", str(roster), "--columns", "Student=student,ID=id,Exercise 6=score"]) == 0
    return out


@pytest.fixture
def own_marks(marks, tmp_path):
    """A copy that a test may change."""
    return shutil.copytree(marks, tmp_path / "marks")


@NEEDS_SANDBOX
def test_each_student_has_a_row_with_a_true_status(marks):
    rows = {row["student"]: row for row in rows_of(marks / "grades.csv")}
    assert {name: (row["status"], row["score"]) for name, row in rows.items()} == {
        "Weber Anna": ("needs_manual", "16"),
        "Boe Zoë": ("graded", "0"),
        "Loop Lou": ("timeout", ""),
        "Text Tim": ("unreadable", ""),
        "Never Ned": ("missing", ""),
    }
    assert {row["max_score"] for row in rows.values()} == {"20"}
    assert rows["Weber Anna"]["needs_manual"] == "1"
    assert "the tasks that could be judged earn 13 of 17" in rows["Loop Lou"]["message"]
    assert "course seed 0, graded with 7" in rows["Loop Lou"]["message"]
    assert "ipynb" in rows["Text Tim"]["message"]
    assert rows["Boe Zoë"]["message"].count(";") >= 4  # why each task failed


@NEEDS_SANDBOX
def test_the_file_for_the_lms_has_the_columns_that_were_asked_for(marks):
    rows = rows_of(marks / "import_ex06.csv")
    assert list(rows[0]) == ["Student", "ID", "Exercise 6"]
    assert {"Student": "Weber Anna", "ID": "11", "Exercise 6": "16"} in rows


@NEEDS_SANDBOX
def test_the_file_for_the_lms_may_have_columns_of_the_roster(own_marks, download, tmp_path):
    roster = tmp_path / "class.csv"
    roster.write_text(
        "student,id,email\nAnna W.,11,anna@x\nBoe Zoë,,zoe@x\nLoop Lou,,lou.1@x\nLoop Lou,77,lou.2@x\n",
        encoding="utf-8",
    )
    words = ["grade", str(download), "--out", str(own_marks), "--course-seed", str(SEED), "--seconds", "5"]
    assert cli.main([*words, "--roster", str(roster), "--columns", "Email address=email,Exercise 6=score"]) == 0
    rows = [tuple(row.values()) for row in rows_of(own_marks / "import_ex06.csv")]
    assert ("anna@x", "16") in rows  # by the number
    assert ("zoe@x", "0") in rows  # by the name
    # a name that two have tells nobody, and neither does one that is not on the roster
    assert sorted(email for email, _ in rows) == ["", "", "anna@x", "zoe@x"]


@NEEDS_SANDBOX
def test_grading_with_the_wrong_seed_is_told(own_marks, capsys):
    with grade.opened(own_marks) as run:
        cli.print_grading_summary(own_marks, run.rows()[0], [])
    assert "another course seed (see grades.csv): 1 of 5" in capsys.readouterr().out


@NEEDS_SANDBOX
def test_files_set_aside_stay_on_record_and_with_their_student(own_marks, tmp_path):
    (tmp_path / "class.csv").write_text("student\nZipp Nora\n", encoding="utf-8")
    settings = grade.Settings(course_seed=SEED, roster=str(tmp_path / "class.csv"))
    for name in ("Zipp Nora_21_assignsubmission_file_/homework.zip", "Pye Omar_22_assignsubmission_file_/answers.py"):
        (tmp_path / name.replace("/", "_") / name).parent.mkdir(parents=True)
        (tmp_path / name.replace("/", "_") / name).write_bytes(b"PK")
        rows, aside = grade.grade(tmp_path / name.replace("/", "_"), own_marks, settings)
    assert [name.split("/")[-1] for name, _ in aside] == ["homework.zip", "answers.py"]
    (row,) = [row for row in rows if row.status == "missing"]
    assert "homework.zip" in row.message


@NEEDS_SANDBOX
def test_tasks_and_report_say_what_failed(marks):
    tasks = {(row["student"], row["task"]): row for row in rows_of(marks / "tasks.csv")}
    assert tasks["Loop Lou", "ex06_with_temperature"]["outcome"] == "timeout"
    assert tasks["Weber Anna", "ex06_keep_aside"]["outcome"] == "passed"
    page = (marks / "report.html").read_text(encoding="utf-8")
    assert "Text Tim" in page and "<svg" in page
    assert html.escape(tasks["Boe Zoë", "ex06_keep_aside"]["message"][:60]) in page


@NEEDS_SANDBOX
def test_feedback_shows_what_failed_and_no_hidden_test(marks):
    pages = {
        page.parent.name.rpartition("-")[0]: page.read_text(encoding="utf-8")
        for page in marks.glob("feedback/*/*.html")
    }
    assert set(pages) == {"weber-anna", "boe-zoe", "loop-lou", "text-tim"}
    source = exercise.load(bank.SOURCE, ["ex06"])["ex06"]
    hidden = {
        line.strip()
        for cell in source.notebook.cells
        for region in bank.HIDDEN.findall(cell.source)
        for line in region.splitlines()
    }
    visible = {line.strip() for cell in authoring.release(source).cells for line in cell.source.splitlines()}
    secret = {line for line in hidden - visible if len(line) > 25}
    assert len(secret) > 50
    shown = html.unescape(re.sub("<[^>]+>", "", pages["boe-zoe"]))
    assert not [line for line in secret if line in shown]
    message = next(
        row["message"]
        for row in rows_of(marks / "tasks.csv")
        if row["outcome"] == "failed" and row["student"] == "Boe Zoë"
    )
    assert message[:50] in shown
    assert "<script>alert" not in pages["weber-anna"]
    assert "exercises/source" not in pages["weber-anna"]  # the source's own link would lead to all of it
    assert "could not be graded" in pages["text-tim"]


@NEEDS_SANDBOX
def test_the_same_again_runs_nothing_and_writes_the_same(marks, own_marks, download, monkeypatch):
    monkeypatch.setattr(pool.Pool, "_process", lambda *_: pytest.fail("a submission was run again"))
    assert (
        cli.main(["grade", str(download), "--out", str(own_marks), "--course-seed", str(SEED), "--seconds", "5"]) == 0
    )
    kept = [row for row in (marks / "grades.csv").read_text(encoding="utf-8").splitlines() if "missing" not in row]
    assert (own_marks / "grades.csv").read_text(encoding="utf-8").splitlines() == kept


@NEEDS_SANDBOX
def test_another_seed_needs_another_folder(own_marks, download, capsys):
    assert cli.main(["grade", str(download), "--out", str(own_marks), "--course-seed", "8"]) == 2
    said = capsys.readouterr().err
    assert "another course seed" in said and f"seed {SEED}, bank {bank.SOURCE}" in said


# ---------------------------------------------------------------- marks by hand


@NEEDS_SANDBOX
def test_a_walk_through_the_answers_shows_question_scheme_and_answer(own_marks, monkeypatch, capsys):
    given = iter(
        [
            "5",
            "3.5",
            "Good plan.",
        ]
    )
    monkeypatch.setattr("builtins.input", lambda prompt="": next(given))
    assert cli.main(["grade", "manual", "--exercise", "ex06", "--out", str(own_marks)]) == 0
    said = capsys.readouterr().out
    assert "HOW IT IS MARKED" in said and "fifty comments" in said
    assert "5 is not between 0 and 4" in said  # and asked again
    row = next(row for row in rows_of(own_marks / "grades.csv") if row["student"] == "Weber Anna")
    assert (row["status"], row["score"], row["needs_manual"]) == ("graded", "19.5", "0")
    page = next(own_marks.glob("feedback/weber-anna-*/ex06.html")).read_text(encoding="utf-8")
    assert "Good plan." in page and "3.5 of 4" in page


@NEEDS_SANDBOX
def test_the_end_of_input_stops_a_walk_and_keeps_what_was_given(own_marks, monkeypatch, capsys):
    def asked(prompt: str = "") -> str:
        raise EOFError  # Ctrl+D

    monkeypatch.setattr("builtins.input", asked)
    assert cli.main(["grade", "manual", "--exercise", "ex06", "--out", str(own_marks)]) == 0
    assert "graded" in capsys.readouterr().out


@NEEDS_SANDBOX
def test_marks_from_a_table_count_and_bad_rows_are_kept_aside(own_marks, tmp_path, capsys):
    table = tmp_path / "marks.csv"
    table.write_text(
        "student,id,exercise,task,score,comment\n"
        "Weber Anna,11,ex06,unfamiliar_text,4,\n"
        "Loop Lou,13,ex06,ex06_with_temperature,0,never ends\n"
        "Weber Anna,,ex06,unfamiliar_text,9,\n"
        "Nobody,,ex06,unfamiliar_text,1,\n"
        "Weber Anna,,ex06,no_such_task,1,\n"
        "Weber Anna,,ex06,unfamiliar_text,four,\n",
        encoding="utf-8",
    )
    assert cli.main(["grade", "manual", "--csv", str(table), "--out", str(own_marks)]) == 0
    said = capsys.readouterr().out
    assert "2 marks taken" in said and "row 3 not taken" in said
    rows = {row["student"]: row for row in rows_of(own_marks / "grades.csv")}
    assert (rows["Weber Anna"]["status"], rows["Weber Anna"]["score"]) == ("graded", "20")
    assert (rows["Loop Lou"]["status"], rows["Loop Lou"]["score"]) == ("graded", "13")  # the loop is decided
    rejected = rows_of(own_marks / "marks.rejected.csv")
    assert [row["row"] for row in rejected] == ["3", "4", "5", "6"]
    assert "not between 0 and 4" in rejected[0]["reason"] and "four" in rejected[3]["reason"]


@NEEDS_SANDBOX
def test_a_table_of_tasks_given_back_whole_changes_only_what_was_filled_in(own_marks, tmp_path):
    rows = rows_of(own_marks / "tasks.csv")
    for row in rows:
        if row["student"] == "Weber Anna" and row["outcome"] == "written":
            row["score"] = "3"
    table = tmp_path / "marks.csv"
    with table.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    with grade.opened(own_marks) as run:
        assert manual.take_table(run, table) == (1, [])
        after = {(row.student, row.task): row.outcome for row in run.rows()[1]}
    changed = [row["task"] for row in rows if after[row["student"], row["task"]] != row["outcome"]]
    assert changed == ["ex06_unfamiliar_text"]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (
            b"student;exercise;task;score\nAnna;ex06;x;1\n",
            "one column with semicolons in it: save the table with commas",
        ),
        (b"student,exercise,task,points\nAnna,ex06,x,1\n", "there is student, exercise, task, points"),
        ("student,exercise,task,score\nZoë,ex06,x,1\n".encode("cp1252"), "save it as 'CSV UTF-8'"),
    ],
)
def test_a_table_of_marks_that_cannot_be_used_says_what_to_do(tmp_path, content, told):
    (tmp_path / "marks.csv").write_bytes(content)
    with pytest.raises(ValueError, match=re.escape(told)):
        manual.take_table(None, tmp_path / "marks.csv")


@NEEDS_SANDBOX
def test_marks_survive_regrading_until_the_answer_changes(own_marks, download, tmp_path):
    with grade.opened(own_marks) as run:
        (waiting,) = [one for one in manual.waiting(run, "ex06") if one.submission.student.name == "Weber Anna"]
        run.book.set_mark(run.exercises["ex06"], waiting.submission.student, waiting.task, 4)
    changed = tmp_path / "download"
    changed.mkdir()
    file = next(download.glob("Weber*"))
    for text, status, score in (
        (file.read_text(encoding="utf-8"), "graded", "20"),
        (file.read_text(encoding="utf-8").replace("fifty comments", "sixty comments"), "needs_manual", "20"),
    ):
        (changed / file.name).write_text(text, encoding="utf-8")
        settings = grade.Settings(course_seed=SEED)
        rows, _ = grade.grade(changed, own_marks, settings, effort=pool.Effort(seconds=5, regrade=True))
        (row,) = [row for row in rows if row.student == "Weber Anna"]
        assert (row.status, f"{row.score:g}") == (status, score)
        assert [row.status for row in rows if row.student == "Boe Zoë"] == ["graded"]  # not in this download


# ---------------------------------------------------------------- what it refuses


def test_without_a_sandbox_it_refuses_and_says_what_that_means(tmp_path, monkeypatch, capsys):
    (tmp_path / "anna").mkdir()
    (tmp_path / "anna" / "ex06.ipynb").write_text(notebook("ex06", {}), encoding="utf-8")
    monkeypatch.setattr(sandbox, "available", lambda: "bubblewrap is not installed")
    assert cli.main(["grade", str(tmp_path), "--out", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err
    assert "bubblewrap is not installed" in said and "--unsafe-no-sandbox" in said and "your rights" in said
    assert not (tmp_path / "out" / "grades.csv").exists()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["grade", "nowhere", "--out", "out"], "nowhere"),
        (["grade", ".", "--out", "out", "--exercise", "ex99"], "there is ex01"),
        (["grade", ".", "--out", "out", "--source", "."], "no exercise here"),
        (["grade", ".", "--out", "out", "--pattern", "(("], "regular expression"),
        (["grade", ".", "--out", "out", "--columns", "Grade=points"], "Grade=points"),
        (["grade", ".", "--out", "out", "--roster", "none.csv"], "none.csv"),
        (["grade", "manual", "--out", "out", "--exercise", "ex03"], "nothing was graded here"),
    ],
)
def test_bad_input_is_one_line_and_exit_2(words, told, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sandbox, "available", lambda: None)
    assert cli.main(words) == 2
    said = capsys.readouterr().err
    assert told in said and said.count("\n") == 1


def test_without_nbgrader_it_says_how_to_get_it(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "nbgrader", None)
    for name in [one for one in sys.modules if one.startswith(("nbgrader.", "sentiment_kit.grading"))]:
        monkeypatch.delitem(sys.modules, name)
    assert cli.main(["grade", "release", "--out", str(tmp_path)]) == 2
    assert "in the kit's folder, `make dev` or pip install -e '.[grading]'" in capsys.readouterr().err


def test_a_release_carries_the_course_seed(tmp_path, capsys):
    assert cli.main(["grade", "release", "--course-seed", "2027", "--out", str(tmp_path)]) == 0
    made = sorted(tmp_path.glob("*/*.ipynb"))
    assert len(made) == len(exercise.load(bank.SOURCE)) == len(capsys.readouterr().out.splitlines())
    for path in made:
        text = path.read_text(encoding="utf-8")
        assert '"course_seed = 2027' in text and "HIDDEN" not in text
    json.loads(text)
