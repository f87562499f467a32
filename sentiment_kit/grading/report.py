"""What instructors read: tables for a spreadsheet or an LMS, and a page on the whole class."""

import csv
import html
import io
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import matplotlib
from matplotlib.figure import Figure

from sentiment_kit import files

COLUMNS = ("student", "exercise", "score", "max_score", "status", "needs_manual", "seconds", "message")
TASK_COLUMNS = ("student", "id", "exercise", "task", "score", "max_score", "outcome", "message")
_LONGEST_MESSAGE = 1000


@dataclass(frozen=True)
class Row:
    """One line of ``grades.csv``: a student and an exercise.

    Attributes:
        student: The student's name as the LMS has it.
        exercise: Such as ``"ex03"``.
        score: Points so far; nothing where it could not be graded.
        max_score: All points.
        status: ``graded``, ``needs_manual``, ``crashed``, ``timeout``, ``tampered``, ``unreadable`` or ``missing``.
        needs_manual: How many answers wait for a mark by hand.
        seconds: How long grading took.
        message: What failed and why, in one line.
        id: The LMS's number of the student; in ``tasks.csv`` and in the file for the LMS.
    """

    student: str
    exercise: str
    score: float | None
    max_score: float
    status: str
    needs_manual: int
    seconds: float | None
    message: str
    id: str = ""


@dataclass(frozen=True)
class TaskRow:
    """One line of ``tasks.csv``: a student and a task."""

    student: str
    id: str
    exercise: str
    task: str
    score: float | None
    max_score: float
    outcome: str
    message: str


def _writable(text: str) -> str:
    """The text without halves of characters, which no file can hold, and without codes that steer a terminal."""
    text = text.encode("utf-8", "replace").decode("utf-8")
    return "".join(one for one in text if one == "\n" or unicodedata.category(one) != "Cc")


def _cell(value: object) -> str:
    """A value as a spreadsheet shows it, and never as a formula that it would run."""
    if value is None:
        return ""
    text = f"{value:g}" if isinstance(value, float) else " ".join(str(value).split())[:_LONGEST_MESSAGE]
    return f"'{text}" if isinstance(value, str) and text[:1] in ("=", "+", "-", "@") else text


def write_table(
    path: Path,
    columns: Sequence[str],
    rows: Sequence[object],
    names: Sequence[str] | None = None,
    more: Mapping[object, Mapping[str, str]] | None = None,
) -> None:
    """Writes rows as CSV, whole or not at all.

    Args:
        path: Where to.
        columns: The attributes of a row, in order.
        rows: Data classes.
        names: Other headings for the columns.
        more: Further columns of a row; blank for a row that has none.

    Raises:
        OSError: The folder cannot be written to.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names or columns)
    for row in rows:
        values = {**(more or {}).get(row, {}), **asdict(row)}  # type: ignore[call-overload]
        writer.writerow([_cell(values.get(column)) for column in columns])
    files.write_text(path, _writable(text.getvalue()))


def parse_columns(text: str, roster: Sequence[str] = ()) -> dict[str, str]:
    """Reads the mapping for an LMS's import: ``"Student=student,SIS Login ID=id,Exercise 3=score"``.

    Args:
        text: The mapping.
        roster: Further columns that there are.

    Returns:
        The attribute of a row for each heading.

    Raises:
        ValueError: A part is no ``heading=column``, or there is no such column.
    """
    allowed = tuple(dict.fromkeys([*COLUMNS, "id", *roster]))
    mapping = {}
    for part in text.split(","):
        heading, equals, column = part.rpartition("=")
        if not equals or not heading.strip() or column.strip() not in allowed:
            raise ValueError(f"--columns: {part.strip()!r} is no HEADING=COLUMN with a column of {', '.join(allowed)}")
        if heading.strip() in mapping:
            raise ValueError(f"--columns: the heading {heading.strip()!r} comes twice")
        mapping[heading.strip()] = column.strip()
    return mapping


def _histogram(rows: Sequence[Row]) -> str:
    scored = [row for row in rows if row.status == "graded" and row.score is not None and row.max_score]
    shares = [100 * row.score / row.max_score for row in scored]
    figure = Figure(figsize=(6, 2.6), layout="constrained")
    axes = figure.subplots()
    axes.hist(shares, bins=range(0, 101, 10), color="#4477aa", edgecolor="white")
    axes.set(xlabel="percent of all points", ylabel="submissions", xlim=(0, 100))
    axes.yaxis.get_major_locator().set_params(integer=True)
    drawn = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": "class report"}):  # the same page each time
        figure.savefig(drawn, format="svg", metadata={"Date": None})
    return drawn.getvalue().partition("<svg")[1] + drawn.getvalue().partition("<svg")[2]


def _table(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    def line(tag: str, cells: Sequence[object]) -> str:
        return "<tr>" + "".join(f"<{tag}>{html.escape(str(cell))}</{tag}>" for cell in cells) + "</tr>"

    return "<table>" + line("th", heads) + "".join(line("td", row) for row in rows) + "</table>"


_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Class report</title>
<style>
body {{ font: 16px/1.5 sans-serif; max-width: 60em; margin: 2em auto; padding: 0 1em; color: #222 }}
table {{ border-collapse: collapse; margin: 1em 0 }}
th, td {{ text-align: left; padding: .2em .8em .2em 0; vertical-align: top }}
th {{ border-bottom: 2px solid #444 }} td {{ border-bottom: 1px solid #ccc }}
</style>
<h1>Class report</h1>
{body}
</html>
"""


def _exercise_part(name: str, rows: Sequence[Row], tasks: Sequence[TaskRow], titles: dict[str, str]) -> str:
    counts = Counter(row.status for row in rows)
    scores = sorted(row.score for row in rows if row.status == "graded" and row.score is not None)
    said = ", ".join(f"{count} {status}" for status, count in sorted(counts.items()))
    parts = [f"<h2>{html.escape(name)}</h2>"]
    if scores:
        middle = (scores[(len(scores) - 1) // 2] + scores[len(scores) // 2]) / 2
        parts.append(f"<p>{said}. Of the graded: median {middle:g} of {rows[0].max_score:g} points.</p>")
        parts.append(_histogram(rows))
    else:
        parts.append(f"<p>{said}. None is graded to the end yet.</p>")
    lines = []
    for task in dict.fromkeys(one.task for one in tasks):
        mine = [one for one in tasks if one.task == task]
        judged = [one for one in mine if one.score is not None]
        full = sum(one.score == one.max_score for one in judged)
        messages = Counter(one.message for one in mine if one.outcome in ("failed", "timeout", "crashed", "tampered"))
        common = "; ".join(f"{count} × {message[:160]}" for message, count in messages.most_common(3))
        share = f"{full / len(judged):.0%}" if judged else "–"
        lines.append((titles.get(task, task), f"{full} of {len(judged)}", share, common))
    parts.append(_table(("task", "full points", "share", "most common failures"), lines))
    return "\n".join(parts)


def write_class_report(
    path: Path, rows: Sequence[Row], tasks: Sequence[TaskRow], titles: dict[str, str], aside: Sequence[tuple[str, str]]
) -> None:
    """Writes the page on the class: scores, how each task went, the most common failures, files that fit nobody.

    Args:
        path: Where to.
        rows: Students and exercises.
        tasks: Students and tasks.
        titles: The heading of each task.
        aside: Files that could not be assigned, with the reason.

    Raises:
        OSError: The folder cannot be written to.
    """
    parts = []
    for name in sorted({row.exercise for row in rows}):
        mine = [one for one in tasks if one.exercise == name]
        parts.append(_exercise_part(name, [row for row in rows if row.exercise == name], mine, titles))
    troubled = [row for row in rows if row.status not in ("graded", "needs_manual")]
    if troubled:
        lines = [(row.student, row.exercise, row.status, row.message[:200]) for row in troubled]
        parts += ["<h2>To look at</h2>", _table(("student", "exercise", "status", "why"), lines)]
    if aside:
        parts += ["<h2>Files that belong to nobody</h2>", _table(("file", "why"), aside)]
    files.write_text(path, _writable(_PAGE.format(body="\n".join(parts))))
