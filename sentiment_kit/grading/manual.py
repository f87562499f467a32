"""Marks that people give: the answers that wait for one, and marks from a table."""

import itertools
import textwrap
from dataclasses import dataclass
from pathlib import Path

from sentiment_kit.grading import report
from sentiment_kit.grading.book import mark_scheme
from sentiment_kit.grading.exercise import Task
from sentiment_kit.grading.grade import Run
from sentiment_kit.grading.intake import Submission, read_rows

NEEDED = ("student", "exercise", "task", "score")


@dataclass(frozen=True)
class Waiting:
    """An answer that waits for a mark.

    Attributes:
        submission: Whose it is.
        task: What it answers.
        question: The cell above the answer.
        scheme: How to mark it, and a model answer.
        answer: What the student wrote.
        mark: The mark that it had, if the answer has changed since.
    """

    submission: Submission
    task: Task
    question: str
    scheme: str
    answer: str
    mark: float | None


def waiting(run: Run, exercise: str, *, every: bool = False) -> list[Waiting]:
    """The written answers to an exercise that wait for a mark.

    Args:
        run: What was graded.
        exercise: Such as ``"ex03"``.
        every: Those with a mark, too.

    Raises:
        ValueError: There is no such exercise.
    """
    if exercise not in run.exercises:
        raise ValueError(f"there is no exercise {exercise}; there is {', '.join(run.exercises)}")
    found, one = [], run.exercises[exercise]
    for submission, result in run.results.items():
        if submission.exercise != exercise or result.status != "run":
            continue
        cells = run.book.notebook(exercise, submission.student).cells
        for mark in run.book.marks(one, submission.student, result):
            if mark.task.by_hand and (mark.waits or (every and mark.outcome != "unanswered")):
                question, scheme = mark_scheme(one, mark.task)
                answer = cells[mark.task.answer].source.replace("&lt;", "<")
                found.append(Waiting(submission, mark.task, question, scheme, answer, mark.score))
    return found


@dataclass(frozen=True)
class Rejected:
    """A row of a table of marks that was not taken."""

    row: int
    student: str
    exercise: str
    task: str
    score: str
    reason: str


def _take(run: Run, row: dict[str, str]) -> bool:
    """Records the mark of a row; says whether there was one: a blank score, or the one it has, is none."""
    if not row["score"].strip():
        return False
    name, number = " ".join(row["student"].split()), (row.get("id") or "").strip()
    matching = [
        one
        for one in run.results
        if one.exercise == row["exercise"].strip()
        and name.casefold() in (one.student.name.casefold(), one.student.slug)
        and number in ("", one.student.id)
    ]
    if len(matching) != 1:
        told = "has handed in nothing for it" if not matching else "is the name of several: add a column 'id'"
        raise ValueError(f"{name or 'nobody'} {told}")
    wanted = row["task"].strip()
    tasks = run.exercises[matching[0].exercise].tasks
    task = next((one for one in tasks if wanted in (one.name, one.name.partition("_")[2])), None)
    if task is None:
        raise ValueError(f"no task {wanted!r}; there is {', '.join(one.name for one in tasks)}")
    try:
        score = float(row["score"])
    except ValueError:
        raise ValueError(f"{row['score']!r} is not a number") from None
    exercise, student = run.exercises[matching[0].exercise], matching[0].student
    comment = (row.get("comment") or "").strip()
    marks = run.book.marks(exercise, student, run.results[matching[0]])
    has = next(mark for mark in marks if mark.task == task)
    if has.score == score and not has.waits and not comment:
        return False
    run.book.set_mark(exercise, student, task, score)
    if "comment" in row:
        run.book.set_comment(exercise.name, student, task, comment)
    return True


def take_table(run: Run, path: str | Path) -> tuple[int, list[Rejected]]:
    """Records marks from a CSV with ``student, exercise, task, score`` and, if there are, ``id`` and ``comment``.

    A mark may be for any task: it counts in place of the tests'. A row that leaves the score blank, or as it is,
    changes nothing, so ``tasks.csv`` can be filled in and given back whole.

    Args:
        run: What was graded.
        path: The table.

    Returns:
        How many marks were taken, and the rows that were not, with the reason; these are also written to
        ``marks.rejected.csv`` in the output folder.

    Raises:
        ValueError: The file cannot be read, or a column is missing.
    """
    rows = read_rows(path, NEEDED, f"expected the columns {', '.join(NEEDED)}")
    taken, rejected = 0, []
    for number, row in enumerate(rows, start=1):
        row = {key: value or "" for key, value in row.items() if key and not isinstance(value, list)}
        try:
            taken += _take(run, row)
        except ValueError as error:
            rejected.append(Rejected(number, *(row[name] for name in NEEDED), str(error)))
    target = run.out / "marks.rejected.csv"
    if rejected:
        report.write_table(target, list(Rejected.__dataclass_fields__), rejected)
    else:
        target.unlink(missing_ok=True)
    return taken, rejected


def side_by_side(left_head: str, left: str, right_head: str, right: str, *, width: int = 48) -> str:
    """Two texts in two columns, wrapped.

    Args:
        left_head: The heading of the left text.
        left: A text.
        right_head: The heading of the right text.
        right: A text.
        width: Of one column, in characters.

    >>> print(side_by_side("A", "one two", "B", "three", width=4))
    A    │ B
    one  │ thre
    two  │ e
    """

    def wrapped(head: str, text: str) -> list[str]:
        return [head, *(part for line in text.splitlines() for part in textwrap.wrap(line, width) or [""])]

    pairs = itertools.zip_longest(wrapped(left_head, left), wrapped(right_head, right), fillvalue="")
    return "\n".join(f"{one:<{width}} │ {two}".rstrip() for one, two in pairs)
