"""Grading a download from end to end, and opening again what was graded: tables, feedback, the class report."""

import os
import re
import textwrap
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

import nbformat

from sentiment_kit import files
from sentiment_kit.grading import exercise as bank
from sentiment_kit.grading import intake, pool, report, sandbox
from sentiment_kit.grading.book import COULD_NOT, Book, TaskMark
from sentiment_kit.grading.exercise import Exercise
from sentiment_kit.grading.intake import Found, Intake, Student, Submission
from sentiment_kit.grading.worker import Result

RECORD = "run.json"
"""What was graded and how, in the output folder."""


class GradingError(RuntimeError):
    """Grading cannot start or go on; the message says what to do."""


@dataclass(frozen=True)
class Settings:
    """What is graded, and against what.

    Attributes:
        source: The folder of the exercises; the kit's own if left out.
        course_seed: What hidden tests and predictions draw from.
        roster: A CSV of the students who should have handed in.
        columns: Headings and columns of the file for an LMS; a column may be one of the roster.
    """

    source: str | None = None
    course_seed: int = 0
    roster: str | None = None
    columns: dict[str, str] = field(default_factory=dict)


def load_exercises(source: str | None, course_seed: int) -> dict[str, Exercise]:
    """The exercises of a bank, with the course's seed in them.

    Raises:
        ExerciseError: There is none, or one cannot be used.
    """
    found = bank.load(source or bank.default_source())
    return {name: one.seeded(course_seed) for name, one in found.items()}


# ---------------------------------------------------------------- the output folder


@dataclass
class Run:
    """What lies in one output folder.

    Attributes:
        out: The folder.
        settings: What was graded, and against what.
        exercises: With the course's seed in them.
        book: The gradebook.
        results: What became of each submission.
        aside: Files that belong to nobody, with the reason.
    """

    out: Path
    settings: Settings
    exercises: dict[str, Exercise]
    book: Book
    results: dict[Submission, Result] = field(default_factory=dict)
    aside: list[tuple[str, str]] = field(default_factory=list)

    def record(self, one: Submission, result: Result, previous: Result | None) -> None:
        """Takes one result into the gradebook and writes the student's page."""
        exercise = self.exercises[one.exercise]
        self.book.record(exercise, one.student, result, previous)
        self.book.write_feedback(exercise, one.student, result)
        self.results[one] = result

    def refresh_feedback(self) -> None:
        """Writes all students' pages again, with the marks that they have now."""
        for one, result in self.results.items():
            self.book.write_feedback(self.exercises[one.exercise], one.student, result)

    def save(self) -> None:
        """Notes what was graded, so that marks can be added later.

        Raises:
            OSError: The folder cannot be written to.
        """
        listed = [asdict(one.student) | {"exercise": one.exercise, "file": one.file.name, "note": one.note}
                  for one in self.results]  # fmt: skip
        files.write_json(
            self.out / RECORD, {"settings": asdict(self.settings), "submissions": listed, "aside": self.aside}
        )

    def load(self) -> None:
        """Reads what :meth:`save` noted.

        Raises:
            GradingError: Nothing was graded here, or against other exercises.
        """
        found = _read_record(self.out)
        for one in found["submissions"]:
            submission = Submission(
                Student(one["name"], one["id"]), one["exercise"], Found(one["file"], bytes), one["note"]
            )
            if result := pool.read_result(pool.result_path(self.out, submission)):
                self.results[submission] = result
        self.aside = [(name, why) for name, why in found["aside"]]

    def rows(self) -> tuple[list[report.Row], list[report.TaskRow]]:
        """The lines of ``grades.csv`` and ``tasks.csv``, sorted."""
        rows, tasks = self._missing(), []
        for one, result in self.results.items():
            exercise = self.exercises[one.exercise]
            marks = self.book.marks(exercise, one.student, result)
            rows.append(_row(one, exercise, result, marks))
            for mark in marks:
                owner = (one.student.name, one.student.id, exercise.name, mark.task.name)
                tasks.append(report.TaskRow(*owner, mark.score, mark.task.points, mark.outcome, mark.message))
        rows.sort(key=lambda row: (row.student.casefold(), row.student, row.id, row.exercise))
        tasks.sort(key=lambda row: (row.student.casefold(), row.student, row.id, row.exercise))
        return rows, tasks

    def _missing(self) -> list[report.Row]:
        """A row for each student without a submission, among the exercises that anybody handed in."""
        there = {(one.student.name, one.exercise) for one in self.results}
        there |= {(one.student.id, one.exercise) for one in self.results if one.student.id}
        students = dict.fromkeys(one.student for one in self.results)
        known = {student.id for student in students if student.id} | {student.name for student in students}
        for student in intake.read_roster(self.settings.roster) if self.settings.roster else ():
            if student.id not in known and student.name not in known:
                students[student] = None
        return [
            report.Row(student.name, name, None, self.exercises[name].max_score, "missing", 0, None,
                       self._why_missing(student), student.id)
            for student in students
            for name in sorted({one.exercise for one in self.results})
            if (student.name, name) not in there and (student.id, name) not in there
        ]  # fmt: skip

    def _why_missing(self, student: Student) -> str:
        aside = [name for name, _ in self.aside if re.search(rf"(^|/){re.escape(student.name)}[_/]", name)]
        return f"set aside, look yourself: {', '.join(aside)}" if aside else "nothing was handed in"

    @staticmethod
    def _on_roster(rows: list[report.Row], listed: dict[Student, dict[str, str]]) -> dict[report.Row, dict[str, str]]:
        """What the roster says of each row's student: found by number, else by a name that nobody else has."""
        numbers = {student.id: said for student, said in listed.items() if student.id}
        there = Counter(student.name for student in listed)
        here = Counter(name for name, _ in {(row.student, row.id) for row in rows})
        names = {one.name: said for one, said in listed.items() if there[one.name] == 1 >= here[one.name]}
        return {row: numbers.get(row.id) or names.get(row.student, {}) for row in rows}

    def write(self) -> list[report.Row]:
        """Writes ``grades.csv``, ``tasks.csv``, ``report.html`` and, if columns were named, ``import_ex03.csv`` etc.

        Returns:
            The rows of ``grades.csv``.

        Raises:
            OSError: The folder cannot be written to.
        """
        rows, tasks = self.rows()
        report.write_table(self.out / "grades.csv", report.COLUMNS, rows)
        report.write_table(self.out / "tasks.csv", report.TASK_COLUMNS, tasks)
        if columns := self.settings.columns:
            listed = intake.read_roster_rows(self.settings.roster) if self.settings.roster else {}
            for name in {row.exercise for row in rows}:  # one score column can hold one exercise only
                mine = [row for row in rows if row.exercise == name]
                more = self._on_roster(mine, listed)
                report.write_table(self.out / f"import_{name}.csv", list(columns.values()), mine, list(columns), more)
        titles = {task.name: task.title for one in self.exercises.values() for task in one.tasks}
        report.write_class_report(self.out / "report.html", rows, tasks, titles, self.aside)
        return rows


def _row(one: Submission, exercise: Exercise, result: Result, marks: list[TaskMark]) -> report.Row:
    could_not = [status for status in COULD_NOT if any(mark.outcome == status for mark in marks)]
    waiting = sum(mark.waits for mark in marks)
    if result.status != "run" and waiting:
        status, message = result.status, result.message
    else:
        status = could_not[0] if could_not else "needs_manual" if waiting else "graded"
        message = _message(marks, result, one.note)
    score = sum(mark.score or 0.0 for mark in marks) if status in ("graded", "needs_manual") else None
    by_hand = sum(mark.waits and mark.outcome in ("written", "by hand") for mark in marks)
    name, number = one.student.name, one.student.id
    return report.Row(name, exercise.name, score, exercise.max_score, status, by_hand, result.seconds, message, number)


def _message(marks: list[TaskMark], result: Result, note: str) -> str:
    short = {mark.task.name: mark.task.name.partition("_")[2] for mark in marks}
    parts = [
        f"{short[mark.task.name]}: {textwrap.shorten(mark.message, 110, placeholder=' ...')}"
        for mark in marks
        if mark.outcome in ("failed", *COULD_NOT)
    ]
    unanswered = [short[mark.task.name] for mark in marks if mark.outcome == "unanswered"]
    parts += [f"not answered: {', '.join(unanswered)}"] if unanswered else []
    if any(mark.outcome in COULD_NOT for mark in marks):
        known = [mark for mark in marks if mark.score is not None]
        earned = f"{sum(mark.score for mark in known):g} of {sum(mark.task.points for mark in known):g}"
        parts.insert(0, f"the tasks that could be judged earn {earned}")
    return "; ".join([*parts, *(one for one in (result.message, note) if one)])


@contextmanager
def _alone(out: Path) -> Iterator[None]:
    """Keeps a second grader out of the folder, where the system can."""
    out.mkdir(parents=True, exist_ok=True)
    with (out / ".lock").open("w") as lock:
        if os.name == "posix":
            import fcntl

            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise GradingError(f"{out}: another grader is at work in this folder; wait for it") from None
        yield


def _read_record(out: Path) -> dict:
    try:
        found = files.read_json(out / RECORD)
        return {name: found[name] for name in ("settings", "submissions", "aside")}
    except FileNotFoundError:
        raise GradingError(f"{out}: nothing was graded here; first run: sentiment-kit grade ... --out {out}") from None
    except (ValueError, KeyError, TypeError):
        raise GradingError(f"{out / RECORD} is damaged: grade again; finished submissions are not repeated") from None


@contextmanager
def opened(out: str | Path, settings: Settings | None = None) -> Iterator[Run]:
    """Opens an output folder for work, alone.

    Args:
        out: The folder.
        settings: What is graded; those of last time if left out, and then the results of last time are there, too.

    Raises:
        GradingError: Somebody else is at work there, or nothing was graded there yet, or with another seed or bank.
        ExerciseError: The exercises cannot be used.
    """
    out = Path(out)
    if settings is None:
        settings = Settings(**_read_record(out)["settings"])
    elif (out / RECORD).exists():
        before = Settings(**_read_record(out)["settings"])
        if (before.course_seed, before.source) != (settings.course_seed, settings.source):
            told = f"{out} was graded with another course seed or bank: seed {before.course_seed}"
            told += f", bank {before.source or bank.default_source()}"
            raise GradingError(f"{told}. Give the same, or choose another --out")
    exercises = load_exercises(settings.source, settings.course_seed)
    with _alone(out):
        book = Book(out)
        try:
            for one in exercises.values():
                book.add_exercise(one)
                files.write_text(pool.source_path(out, one.name), nbformat.writes(one.notebook) + "\n")
            run = Run(out, settings, exercises, book)
            if (out / RECORD).exists():
                run.load()
            yield run
        finally:
            book.close()


# ---------------------------------------------------------------- grading


def _take_in(run: Run, submissions: str | Path, exercise: str | None, pattern: str | None) -> Intake:
    """The submissions of a download. What was graded before stays, unless the same student hands in anew."""
    found = intake.take_in(submissions, run.exercises, pattern=pattern, only=exercise)
    if exercise:
        others = [one for one in found.submissions if one.exercise != exercise]
        found.aside += [(one.file.name, f"it is an answer to {one.exercise}, not to {exercise}") for one in others]
        found.submissions = [one for one in found.submissions if one.exercise == exercise]
    anew = {(one.student, one.exercise) for one in found.submissions}
    run.results = {one: result for one, result in run.results.items() if (one.student, one.exercise) not in anew}
    there = {one.file.name for one in found.submissions} | {name for name, _ in found.aside}
    run.aside = [(name, why) for name, why in run.aside if name not in there] + found.aside
    return found


def grade(
    submissions: str | Path,
    out: str | Path,
    settings: Settings | None = None,
    *,
    effort: pool.Effort | None = None,
    exercise: str | None = None,
    pattern: str | None = None,
) -> tuple[list[report.Row], list[tuple[str, str]]]:
    """Grades a download of submissions.

    Args:
        submissions: A folder or a zip.
        out: The folder for all that is written. What was graded there already is not run again.
        settings: What is graded, and against what.
        effort: How submissions are run.
        exercise: The only exercise to grade; all if left out.
        pattern: How file names tell their student; see :func:`intake.take_in`.

    Returns:
        The rows of ``grades.csv``, and the files that belong to nobody, with the reason.

    Raises:
        GradingError: There is no sandbox, or ``out`` is in use or was graded with other settings.
        IntakeError: The download or the roster cannot be read.
        ExerciseError: The exercises cannot be used, or there is no such exercise.
        OSError: ``out`` cannot be written to.
    """
    settings, effort = settings or Settings(), effort or pool.Effort()
    if effort.sandboxed and (why := sandbox.available()):
        raise GradingError(
            f"no sandbox: {why}. Without one, students' code runs with your rights: it can read and delete your files "
            "and use the network. If you accept that, or grade on a machine to throw away: --unsafe-no-sandbox"
        )
    if settings.roster:
        intake.read_roster(settings.roster)  # its errors come first, not after an hour
    if exercise and exercise not in (known := load_exercises(settings.source, settings.course_seed)):
        raise bank.ExerciseError(f"there is no exercise {exercise}; there is {', '.join(known)}")
    with opened(out, settings) as run:
        found = _take_in(run, submissions, exercise, pattern)
        runner = pool.Pool(run.out, run.exercises, effort)
        for one, result, previous in runner.run_all(found.submissions):
            run.record(one, result, previous)
        run.save()
        return run.write(), run.aside
