"""Reports: tables that a spreadsheet reads and runs nothing of, and a page on the class that shows what was written."""

import csv
import re
from html.parser import HTMLParser

import pytest

from sentiment_kit.grading import report
from sentiment_kit.grading.report import Row, TaskRow, parse_columns, write_class_report, write_table


def row(student="Anna Weber", exercise="ex07", score=7.5, status="graded", message="", **more):
    return Row(student, exercise, score, 10.0, status, **{"needs_manual": 0, "seconds": 1.5, "message": message} | more)


def task_row(task="ex07_double", score=2.0, outcome="passed", message="", exercise="ex07"):
    return TaskRow("Anna Weber", "4711", exercise, task, score, 2.0, outcome, message)


class Page(HTMLParser):
    """The tables of a page as lists of cells, its text, and its tags."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.tables, self.tags, self.text, self._open = [], [], "", []
        self.feed(text)
        assert not [tag for tag in self._open if tag in ("table", "tr", "td", "th", "h2", "svg")], "left open"

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self._open.append(tag)
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")

    def handle_endtag(self, tag):
        while self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data):
        self.text += data
        if self._open and self._open[-1] in ("td", "th"):
            self.tables[-1][-1][-1] += data


@pytest.fixture
def table(tmp_path):
    """Writes rows as a table and gives its bytes, and its cells as a spreadsheet reads them."""

    def write(rows, columns=report.COLUMNS, names=None):
        path = tmp_path / "out" / "table.csv"
        write_table(path, columns, rows, names)
        with path.open(encoding="utf-8", newline="") as stream:
            return path.read_bytes(), list(csv.reader(stream))

    return write


@pytest.fixture
def page(tmp_path):
    """Writes the page on a class and gives it, read."""

    def write(rows=(), tasks=(), titles=None, aside=()):
        write_class_report(tmp_path / "out" / "report.html", rows, tasks, titles or {}, aside)
        return Page((tmp_path / "out" / "report.html").read_text("utf-8"))

    return write


# ---------------------------------------------------------------- tables


def test_a_table_is_this(table):
    rows = [
        row(),
        row("Zoë Müller", score=None, status="missing", seconds=None, message="nothing was handed in", id="12"),
    ]
    assert (
        table(rows)[0]
        == (
            "student,exercise,score,max_score,status,needs_manual,seconds,message\n"
            "Anna Weber,ex07,7.5,10,graded,0,1.5,\n"
            "Zoë Müller,ex07,,10,missing,0,,nothing was handed in\n"
        ).encode()
    )


def test_a_table_of_tasks_is_this(table):
    rows = [task_row(), task_row("ex07_why", None, "written")]
    assert table(rows, report.TASK_COLUMNS)[0] == (
        b"student,id,exercise,task,score,max_score,outcome,message\n"
        b"Anna Weber,4711,ex07,ex07_double,2,2,passed,\n"
        b"Anna Weber,4711,ex07,ex07_why,,2,written,\n"
    )


def test_a_table_without_rows_has_its_headings(table):
    assert table([])[1] == [list(report.COLUMNS)]


def test_commas_quotes_and_newlines_stay_in_their_cell(table):
    content, cells = table([row('Weber, Anna "Ann"\nB.', message=' one,\r\n"two";\tthree\u2028four \n')])
    assert cells[1][0] == 'Weber, Anna "Ann" B.' and cells[1][-1] == 'one, "two"; three four'
    assert content.count(b"\n") == 2 and b"\r" not in content


def test_a_long_message_is_cut_off(table):
    message = "x" * (report._LONGEST_MESSAGE - 1) + "yz"
    assert table([row(message=message)])[1][1][-1] == message[:-1]
    assert report._LONGEST_MESSAGE < 5000


@pytest.mark.parametrize(
    "formula", ["=1+1", "+1", "-1", "@SUM(A1)", ' =HYPERLINK("http://x","y")', "\t=1", "\r\n=1", "-rf"]
)
def test_text_is_never_a_formula(table, formula):
    rows = [row(formula, message=formula, id=formula)]
    cells = table(rows, (*report.COLUMNS, "id"))[1][1]
    assert cells[0] == cells[-2] == cells[-1] == f"'{' '.join(formula.split())}"


def test_text_that_is_no_formula_and_numbers_stay_as_they_are(table):
    cells = table([row("a=b", score=-1.0, message="1 + 1 = 2", needs_manual=-2, seconds=0.1 + 0.2)])[1][1]
    assert cells == ["a=b", "ex07", "-1", "10", "graded", "-2", "0.3", "1 + 1 = 2"]


@pytest.mark.parametrize(("score", "shown"), [(None, ""), (0.0, "0"), (2, "2"), (3.25, "3.25"), (2 / 3, "0.666667")])
def test_a_score_is_short_and_a_missing_one_is_blank(table, score, shown):
    assert table([row(score=score)])[1][1][2] == shown


def test_a_table_for_an_lms_has_its_headings_and_columns(table):
    mapping = parse_columns("Student=student,SIS Login ID=id,Exercise 3=score,Again=score")
    cells = table([row(id="007")], list(mapping.values()), list(mapping))[1]
    assert cells == [["Student", "SIS Login ID", "Exercise 3", "Again"], ["Anna Weber", "007", "7.5", "7.5"]]


def test_a_table_is_written_the_same_each_time_and_in_the_place_of_the_old_one(table):
    first = table([row(), row("Bob")])[0]
    assert table([])[0] != first
    assert table([row(), row("Bob")])[0] == first


@pytest.mark.parametrize("write", ["table", "page"])
def test_a_folder_that_cannot_be_written_to_raises(tmp_path, request, write):
    (tmp_path / "out").write_text("a file")
    with pytest.raises(OSError):
        request.getfixturevalue(write)([row()])


@pytest.mark.parametrize("write", ["table", "page"])
def test_a_broken_character_does_not_cost_the_whole_report(request, write):
    request.getfixturevalue(write)([row("M\udcfcller", status="unreadable", message="it is \ud83d")])


# ---------------------------------------------------------------- columns for an LMS


def test_columns_are_named_by_their_headings():
    assert parse_columns(" Student = student ,ID=id,a = b=score, Points [3]=max_score") == {
        "Student": "student",
        "ID": "id",
        "a = b": "score",
        "Points [3]": "max_score",
    }
    for column in (*report.COLUMNS, "id"):
        assert parse_columns(f"X={column}") == {"X": column}


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "''"),
        ("student", "'student'"),
        ("Student=student,", "''"),
        ("Student=name", "'Student=name'"),
        ("Student=student, Mark = points ", "'Mark = points'"),
        ("=score", "'=score'"),
        (" =score", "'=score'"),
        ("Score=", "'Score='"),
        ("Score=SCORE", "'Score=SCORE'"),
    ],
)
def test_columns_that_cannot_be_used_are_named(text, part):
    with pytest.raises(ValueError) as error:
        parse_columns(text)
    allowed = "student, exercise, score, max_score, status, needs_manual, seconds, message, id"
    assert str(error.value) == f"--columns: {part} is no HEADING=COLUMN with a column of {allowed}"


def test_a_column_may_be_one_of_the_roster():
    assert parse_columns("Email address=email,Ex=score", ["student", "email"]) == {
        "Email address": "email",
        "Ex": "score",
    }
    with pytest.raises(ValueError, match=r"message, id, email$"):
        parse_columns("Mail=mail", ["student", "email"])


def test_a_heading_that_comes_twice_is_refused():
    with pytest.raises(ValueError):
        parse_columns("Exercise 3=score,Exercise 3=max_score")


# ---------------------------------------------------------------- the page on the class


def test_each_exercise_says_how_many_were_graded_and_the_median(page):
    scores = [row(score=score) for score in (1.0, 10.0, 4.0, 7.0)]
    others = [row(score=9.0, status="needs_manual"), row(score=None, status="crashed", message="it ended")]
    more = [row(exercise="ex08", score=score) for score in (3.0, 9.5, 6.0)]
    found = page([*more, *scores, *others])
    assert re.findall(r"ex0\d", found.text)[:2] == ["ex07", "ex08"]
    assert "1 crashed, 4 graded, 1 needs_manual. Of the graded: median 5.5 of 10 points." in found.text
    assert "3 graded. Of the graded: median 6 of 10 points." in found.text
    assert found.tags.count("svg") == 2 and found.tags.count("h2") == 3


def test_a_class_without_graded_rows_has_a_page(page):
    found = page(
        [row(score=None, status="missing"), row(score=None, status="timeout"), row(score=3.0, status="needs_manual")]
    )
    assert "1 missing, 1 needs_manual, 1 timeout. None is graded to the end yet." in found.text
    assert "svg" not in found.tags and "median" not in found.text


def test_a_class_without_rows_has_a_page(page):
    found = page()
    assert found.tables == [] and "Class report" in found.text and "h2" not in found.tags
    assert page(aside=[("a.txt", "not a notebook")]).tables == [[["file", "why"], ["a.txt", "not a notebook"]]]


def test_each_task_says_how_many_had_full_points(page):
    tasks = [task_row("ex07_halve"), *[task_row(score=score) for score in (2.0, 0.0, 1.9, None)]]
    tasks += [task_row("ex07_why", None, "written"), task_row("ex08_bet", exercise="ex08")]
    found = page([row()], tasks, {"ex07_double": "Task 1: double", "ex07_halve": "Task 2: halve"})
    assert found.tables[0] == [
        ["task", "full points", "share", "most common failures"],
        ["Task 2: halve", "1 of 1", "100%", ""],
        ["Task 1: double", "1 of 3", "33%", ""],
        ["ex07_why", "0 of 0", "–", ""],
    ]


def test_the_three_most_common_failures_are_shown_with_how_often(page):
    said = {"off by one": 2, "wrong type": 4, "rare": 1, "in between": 3}
    tasks = [
        task_row(score=0.0, outcome="failed", message=message) for message, times in said.items() for _ in range(times)
    ]
    tasks += [
        task_row(score=2.0, outcome=outcome, message="no failure")
        for outcome in ("passed", "unanswered", "written", "by hand")
    ] * 9
    found = page([row()], tasks)
    assert found.tables[0][1][-1] == "4 × wrong type; 3 × in between; 2 × off by one"


@pytest.mark.parametrize("outcome", ["failed", "timeout", "crashed", "tampered"])
def test_what_could_not_be_judged_is_a_failure_too(page, outcome):
    found = page([row()], [task_row(score=None, outcome=outcome, message="m" * 200)])
    assert found.tables[0][1] == ["ex07_double", "0 of 0", "–", f"1 × {'m' * 160}"]


def test_submissions_in_trouble_are_listed_with_the_reason(page):
    rows = [
        row("Bob", score=None, status="unreadable", message="the file is empty " * 20),
        row("Carla"),
        row(status="needs_manual"),
    ]
    (tasks, troubled) = page(rows).tables
    assert len(tasks) == 1
    message = ("the file is empty " * 20)[:200]
    assert troubled == [["student", "exercise", "status", "why"], ["Bob", "ex07", "unreadable", message]]


def test_everything_is_shown_as_text_and_runs_nothing(page):
    evil = '<script>alert("x")</script><img src=x onerror=y>&amp;\'{body}</td></table>'
    rows = [row(evil, exercise=evil, score=None, status="unreadable", message=evil)]
    tasks = [task_row(score=0.0, outcome="failed", message=evil, exercise=evil)]
    found = page(rows, tasks, {"ex07_double": evil}, [(evil, evil)])
    assert found.tables == [
        [["task", "full points", "share", "most common failures"], [evil, "0 of 1", "0%", f"1 × {evil}"]],
        [["student", "exercise", "status", "why"], [evil, evil, "unreadable", evil]],
        [["file", "why"], [evil, evil]],
    ]
    assert not {"script", "img"} & set(found.tags) and found.text.count(evil) == 8  # and once in the heading


def test_a_page_needs_nothing_from_elsewhere(tmp_path, page):
    page([row(), row(score=None, status="missing")], [task_row()])
    text = (tmp_path / "out" / "report.html").read_text("utf-8")
    assert text.startswith('<!doctype html>\n<html lang="en"><meta charset="utf-8">')
    assert not re.findall(r'(?:src|href)="(?!#)', text) and "<?xml" not in text
    assert "{" not in re.sub(r"<style.*?</style>", "", text, flags=re.DOTALL)


def test_a_page_is_the_same_each_time(tmp_path):
    for name in ("first", "second"):
        write_class_report(tmp_path / name, [row(), row("Bob", score=3.0)], [task_row()], {}, [("a", "b")])
    assert (tmp_path / "first").read_bytes() == (tmp_path / "second").read_bytes()


def test_a_page_without_picture_is_the_same_each_time(tmp_path):
    rows = [row(score=None, status=status) for status in ("missing", "crashed", "tampered")]
    tasks = [task_row(score=0.0, outcome="failed", message=message) for message in "abcde"]
    for name in ("first", "second"):
        write_class_report(tmp_path / name, rows, tasks, {}, [("a", "b")])
    assert (tmp_path / "first").read_bytes() == (tmp_path / "second").read_bytes()


@pytest.mark.parametrize("scores", [[10.0], [0.0], [0.0, 10.0], [5.0] * 40])
def test_all_scores_can_be_drawn(page, scores):
    found = page([row(score=score) for score in scores])
    assert found.tags.count("svg") == 1


def test_only_what_is_graded_to_the_end_is_drawn(tmp_path):
    shapes = []
    for more in ([], [row(score=9.0, status="needs_manual")] * 3, [row(score=9.0)] * 3):
        write_class_report(tmp_path / "report.html", [row(score=3.0), *more], [], {}, [])
        shapes.append(re.findall(r' d="([^"]*)"', (tmp_path / "report.html").read_text("utf-8")))
    assert shapes[0] == shapes[1] != shapes[2]


def test_an_exercise_without_points_has_a_page(page):
    page([Row("Anna Weber", "ex07", 0.0, 0.0, "graded", 0, 1.0, "")])
