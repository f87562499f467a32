"""nbgrader's gradebook: scores that the tests gave, marks that people gave, and the feedback made from both."""

import contextlib
import html
import logging
import os
import sysconfig
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbconvert.exporters import HTMLExporter
from nbgrader import preprocessors
from nbgrader.api import Grade, Gradebook
from nbgrader.converters import GenerateFeedback
from nbgrader.coursedir import CourseDirectory
from sqlalchemy.exc import SAWarning
from traitlets.config import Config

from sentiment_kit import files
from sentiment_kit.grading import authoring
from sentiment_kit.grading.exercise import Exercise, ExerciseError, Task
from sentiment_kit.grading.intake import Student
from sentiment_kit.grading.worker import STOPPED, Result

COULD_NOT = ("tampered", "crashed", "timeout")
"""Statuses of what could not be graded, the gravest first; ``unreadable`` and ``missing`` besides."""


@dataclass(frozen=True)
class TaskMark:
    """What a student has for one task.

    Attributes:
        task: The task.
        score: Points, or nothing while they are not known.
        outcome: See :class:`worker.Outcome`; ``by hand`` where a person decided.
        message: Why.
        waits: Whether a person has to look: there is no score, or the answer has changed since it was marked.
    """

    task: Task
    score: float | None
    outcome: str
    message: str
    waits: bool


class Book:
    """The gradebook of one output folder.

    Args:
        folder: Where ``gradebook.db`` is, or is to be.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._url = f"sqlite:///{folder / 'gradebook.db'}"
        with _scripts_on_path():
            self._book = Gradebook(self._url)
        self._exporter: HTMLExporter | None = None

    def close(self) -> None:
        """Lets go of the file."""
        self._book.close()

    def _resources(self, exercise: str, student: str) -> dict:
        names = {"assignment": exercise, "notebook": exercise, "student": student, "db_url": self._url}
        return {"nbgrader": names, "metadata": {"name": exercise}}

    def add_exercise(self, exercise: Exercise) -> None:
        """Records an exercise's cells and points.

        Raises:
            ExerciseError: It has lost or gained tasks since submissions were recorded.
        """
        self._book.update_or_create_assignment(exercise.name)
        notebook = nbformat.from_dict(exercise.notebook)
        try:
            for step in (preprocessors.LockCells, preprocessors.ComputeChecksums, preprocessors.SaveCells):
                notebook, _ = step().preprocess(notebook, self._resources(exercise.name, "."))
        except RuntimeError:
            message = f"{exercise.name} has other tasks than when {self.folder} was made: grade into a new folder"
            raise ExerciseError(message) from None
        self._book.db.expire_all()

    def _grades(self, exercise: Exercise, student: str) -> Iterator[tuple[Task, Grade]]:
        for task in exercise.tasks:
            cell = task.name if task.by_hand else f"{task.name}_test"
            yield task, self._book.find_grade(cell, exercise.name, exercise.name, student)

    def record(self, exercise: Exercise, student: Student, result: Result, previous: Result | None) -> None:
        """Records what the tests found. Marks given by hand stay, and wait for review where the answer has changed.

        Args:
            exercise: The exercise.
            student: Whose submission it is.
            result: What became of it.
            previous: What had become of it before, if it was graded already.
        """
        slug = student.slug
        self._book.update_or_create_student(slug, last_name=student.name[:120], lms_user_id=student.id or None)
        with _quiet():
            self._book.update_or_create_submission(exercise.name, slug)
        outcomes = {one.task: one for one in result.outcomes}
        before = {one.task: one.digest for one in previous.outcomes} if previous else {}
        if result.status == "run":
            notebook = self.notebook(exercise.name, student)
            preprocessors.SaveAutoGrades().preprocess(notebook, self._resources(exercise.name, slug))
            self._book.db.expire_all()
        else:
            self._notebook_path(exercise.name, student).unlink(missing_ok=True)
        for task, grade in self._grades(exercise, slug):
            now = outcomes.get(task.name)
            if now is None or now.outcome in STOPPED.values():
                grade.auto_score = None
            same_answer = now is not None and now.digest == before.get(task.name)
            decided = grade.manual_score is not None and same_answer
            grade.needs_manual_grade = not decided and (grade.auto_score is None or grade.manual_score is not None)
        self._book.db.commit()

    def notebook(self, exercise: str, student: Student) -> nbformat.NotebookNode:
        """A student's notebook as it ran.

        Raises:
            OSError: It was not run.
        """
        return nbformat.read(self._notebook_path(exercise, student), as_version=4)

    def _notebook_path(self, exercise: str, student: Student) -> Path:
        return self.folder / "autograded" / student.slug / exercise / f"{exercise}.ipynb"

    # ------------------------------------------------------------ marks by hand

    def set_mark(self, exercise: Exercise, student: Student, task: Task, score: float) -> None:
        """Records a mark that a person gives; it counts in place of the tests'.

        Raises:
            ValueError: The score is not between 0 and the task's points.
        """
        if not 0 <= score <= task.points:
            raise ValueError(f"{task.name}: {score:g} is not between 0 and {task.points:g}")
        grade = dict((one.name, found) for one, found in self._grades(exercise, student.slug))[task.name]
        grade.manual_score, grade.needs_manual_grade = score, False
        self._book.db.commit()

    def set_comment(self, exercise: str, student: Student, task: Task, comment: str) -> None:
        """Records what a person says about an answer; the student reads it."""
        self._book.find_comment(task.name, exercise, exercise, student.slug).manual_comment = comment or None
        self._book.db.commit()

    def marks(self, exercise: Exercise, student: Student, result: Result) -> list[TaskMark]:
        """What a student has for each task."""
        outcomes = {one.task: one for one in result.outcomes}
        found = []
        for task, grade in self._grades(exercise, student.slug):
            outcome = outcomes.get(task.name)
            state, message = (outcome.outcome, outcome.message) if outcome else (result.status, result.message)
            if grade.manual_score is not None:
                state = "by hand"
                message = self._book.find_comment(task.name, exercise.name, exercise.name, student.slug).comment or ""
            score = grade.manual_score if grade.manual_score is not None else grade.auto_score
            found.append(TaskMark(task, score, state, message, score is None or grade.needs_manual_grade))
        return found

    # ------------------------------------------------------------ feedback

    def write_feedback(self, exercise: Exercise, student: Student, result: Result) -> Path:
        """Writes a student's page: their answers, the checks that students see, what failed and why, the marks.

        Returns:
            The page.
        """
        page = self.folder / "feedback" / student.slug / f"{exercise.name}.html"
        if result.status == "run":
            notebook = self.notebook(exercise.name, student)
            notebook.cells.insert(0, _summary(self.marks(exercise, student, result)))
            resources = self._resources(exercise.name, student.slug)
            with _quiet():
                text, _ = self._feedback_exporter().from_notebook_node(notebook, resources)
        else:
            said = html.escape(result.message)
            text = f"<!doctype html><meta charset='utf-8'><title>{exercise.name}</title><h1>{exercise.name}</h1>"
            text += f"<p>Your submission could not be graded ({result.status}): {said}</p>\n"
        files.write_text(page, text)
        return page

    def _feedback_exporter(self) -> HTMLExporter:
        if self._exporter is None:
            config = Config(GenerateFeedback(coursedir=CourseDirectory(root=str(self.folder))).config)
            self._exporter = HTMLExporter(config=config)
            self._exporter.register_preprocessor(preprocessors.GetGrades, enabled=True)
        return self._exporter


def _summary(marks: list[TaskMark]) -> nbformat.NotebookNode:
    """A cell for the top of a student's page: what each task earned, and why."""
    lines = ["| task | points | what happened |", "|---|---|---|"]
    for mark in marks:
        earned = "not marked yet" if mark.waits else f"{mark.score:g} of {mark.task.points:g}"
        said = html.escape(" ".join(mark.message.split())).replace("|", "&#124;")
        happened = said if mark.outcome == "unanswered" else f"{mark.outcome}{': ' if said else ''}{said}"
        lines.append(f"| {mark.task.title} | {earned} | {happened} |")
    return nbformat.v4.new_markdown_cell("\n".join(lines))


@contextlib.contextmanager
def _scripts_on_path() -> Iterator[None]:
    """For nbgrader, which starts ``alembic`` by its name: without an activated environment it is not found."""
    before = os.environ.get("PATH", "")
    os.environ["PATH"] = os.pathsep.join([sysconfig.get_path("scripts"), before])
    try:
        yield
    finally:
        os.environ["PATH"] = before


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Warnings of nbgrader's that nobody can act on: of pictures without a text, and of its own use of the database."""
    logger = logging.getLogger("traitlets")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SAWarning)
            yield
    finally:
        logger.setLevel(level)


def mark_scheme(exercise: Exercise, task: Task) -> tuple[str, str]:
    """The question and the mark scheme of a task that is marked by hand."""
    cells = exercise.notebook.cells
    scheme = cells[task.answer].source
    for begin_or_end, shown in authoring.SCHEME_MARKS.items():
        scheme = scheme.replace(begin_or_end, shown)
    return cells[task.answer - 1].source, scheme
