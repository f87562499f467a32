"""Finding submissions in what an LMS (a learning platform such as Moodle or Canvas) lets you download.

A folder or a zip; nothing is unpacked, no link is followed, no name in it becomes a path of this machine.
"""

import csv
import hashlib
import os
import re
import stat
import unicodedata
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from sentiment_kit.grading.exercise import Exercise
from sentiment_kit.grading.rebuild import LARGEST_NOTEBOOK, exercise_of

PATTERNS = (
    # Moodle, a folder for each student or all in one: Anna Weber_4711_assignsubmission_file_/ex03.ipynb
    # (the outermost folder counts: what lies in it is the student's own)
    r"(?:.*?/)??(?P<student>[^/]+?)_(?P<id>\d+)_assignsubmission_(?:file|onlinetext)_?/(?P<file>.+)",
    r"(?:.*?/)??(?P<student>[^/]+?)_(?P<id>\d+)_assignsubmission_(?:file|onlinetext)_(?P<file>[^/]+)",
    # Canvas: weberanna_LATE_4711_98765_ex03-1.ipynb
    r"(?:.*/)?(?P<student>[^/_]+)(?:_LATE)?_(?P<id>\d+)_\d+_(?P<file>[^/]+)",
    # weber_anna_4711_ex03.ipynb (in a folder only with a number that a copy's would not be)
    r"(?P<student>[^/]+?)_(?P<id>\d+)_(?P<file>[^/]+)",
    r".*/(?P<student>[^/]+?)_(?P<id>\d{3,})_(?P<file>[^/]+)",
    # a folder for each student: weber_anna/ex03.ipynb
    r"(?:.*/)?(?P<student>[^/]+)/(?P<file>[^/]+)",
    # weber_anna_ex03.ipynb, weber_anna.ipynb
    r"(?P<student>[^/]+?)[-_ ]+(?P<file>ex\d+[^/]*)",
    r"(?P<student>[^/]+)\.ipynb",
)
"""How a path names its student: named groups ``student`` and, where there are, ``id``, ``file``, ``attempt``."""

_ATTEMPT = re.compile(r"(?: ?\((\d+)\)|-(\d{1,2})|[ _-]?attempt[ _-]?(\d+))$", re.IGNORECASE)
_NOT_HANDED_IN = re.compile(r"(^|/)(\.(?!\.([/\\]|$))|__MACOSX/|Thumbs\.db$|desktop\.ini$)")
_MOST_FILES, _LONGEST_NAME = 20_000, 1_000


class IntakeError(ValueError):
    """What was given as submissions cannot be read; the message says why."""


@dataclass(frozen=True)
class Student:
    """A student as the LMS names them.

    Attributes:
        name: As it stands in the file's name, or in the roster.
        id: The LMS's number, or nothing.
    """

    name: str
    id: str = ""

    @property
    def slug(self) -> str:
        """A name for files: plain letters, and a few digits that keep students of like names apart.

        >>> Student("Zoë O'Neil; rm -rf", "7").slug
        'zoe-o-neil-rm-rf-...'
        """
        plain = unicodedata.normalize("NFKD", self.name).encode("ascii", "ignore").decode()
        plain = re.sub(r"[^a-z0-9]+", "-", plain.casefold()).strip("-")[:40]
        return f"{plain or 'student'}-{hashlib.sha256(f'{self.name}|{self.id}'.encode()).hexdigest()[:6]}"


@dataclass(frozen=True)
class Found:
    """A file in the download.

    Attributes:
        name: Its path there.
        read: Gives its bytes, at most one more than a notebook may have.
        problem: Why it cannot be read, or nothing.
    """

    name: str
    read: Callable[[], bytes]
    problem: str | None = None


@dataclass(frozen=True)
class Submission:
    """One student's answer to one exercise.

    Attributes:
        student: Who.
        exercise: Which.
        file: The file that counts.
        note: What was odd, such as several attempts.
    """

    student: Student
    exercise: str
    file: Found
    note: str = ""


@dataclass
class Intake:
    """What was found.

    Attributes:
        submissions: One for each student and exercise, sorted.
        aside: Files that belong to nobody, with the reason.
    """

    submissions: list[Submission] = field(default_factory=list)
    aside: list[tuple[str, str]] = field(default_factory=list)


def _in_zip(path: Path) -> Iterator[Found]:
    archive = zipfile.ZipFile(path)
    entries = [one for one in archive.infolist() if not one.is_dir()]
    if len(entries) > _MOST_FILES:
        raise IntakeError(f"{path}: more than {_MOST_FILES:,} files: this is no download of submissions")
    for entry in entries:
        name = entry.filename
        if not entry.flag_bits & 0x800:  # not said to be UTF-8, and often is
            try:
                name = name.encode("cp437").decode("utf-8")
            except UnicodeError:
                name = entry.filename
        problem = None
        if stat.S_ISLNK(entry.external_attr >> 16):
            problem = "it is a link, not a file"
        elif entry.flag_bits & 0x1:
            problem = "it is encrypted"
        elif entry.file_size > LARGEST_NOTEBOOK:
            problem = "it is larger than 20 MB"

        def read(entry: zipfile.ZipInfo = entry) -> bytes:
            with archive.open(entry) as stream:
                return stream.read(LARGEST_NOTEBOOK + 1)  # whatever size the entry claims

        yield Found(name, read, problem)


def _in_folder(folder: Path) -> Iterator[Found]:
    for path in sorted(folder.rglob("*")):
        if path.is_symlink() or path.is_file():
            problem = "it is a link, not a file" if path.is_symlink() else None

            def read(path: Path = path) -> bytes:
                with path.open("rb") as stream:
                    return stream.read(LARGEST_NOTEBOOK + 1)

            name = os.fsencode(path.relative_to(folder).as_posix())
            try:
                yield Found(name.decode("utf-8"), read, problem)
            except UnicodeDecodeError:  # from a system of other days
                yield Found(name.decode("latin-1"), read, problem)


def _files(source: Path) -> Iterator[Found]:
    if source.is_dir():
        yield from _in_folder(source)
        return
    try:
        yield from _in_zip(source)
    except FileNotFoundError:
        raise IntakeError(f"{source}: there is no such folder or zip") from None
    except (zipfile.BadZipFile, NotImplementedError, UnicodeError, OSError) as error:
        raise IntakeError(f"{source}: neither a folder nor a zip that can be read ({error})") from None


def who(path: str, patterns: tuple[re.Pattern, ...], exercises: dict[str, Exercise]) -> tuple[Student, str, int] | None:
    """Reads a path as the LMS writes it.

    Args:
        path: As it stands in the download.
        patterns: What to try, in this order.
        exercises: A folder of this name is no student.

    Returns:
        The student, the file's own name, and the attempt (0 for the only one); nothing if no pattern fits.
    """
    *folders, last = path.replace("\\", "/").split("/")
    path = "/".join([*(one for one in folders if one.casefold() not in exercises), last])
    for pattern in patterns:
        match = pattern.fullmatch(path)
        if not match or not match["student"].strip() or match["student"].casefold() in exercises:
            continue
        parts = match.groupdict()
        name = parts.get("file") or PurePosixPath(path).name
        numbered = _ATTEMPT.search(PurePosixPath(name).stem)
        attempt = parts.get("attempt") or next((one for one in (numbered.groups() if numbered else ()) if one), "0")
        student = _name(match["student"])
        return Student(student, parts.get("id") or ""), name, int(attempt[:6]) if attempt.isdecimal() else 0
    return None


def _name(text: str) -> str:
    """A student's name, composed, without codes that steer a terminal, its blanks in order."""
    text = unicodedata.normalize("NFC", " ".join(text.split()))
    return "".join(one for one in text if unicodedata.category(one) != "Cc")


def _unwrapped(files: list[Found], patterns: tuple[re.Pattern, ...], exercises: dict[str, Exercise]) -> int:
    """How many letters of all paths are a folder around the files of several students, each named in its own file."""
    names = [one.name for one in files if one.name.casefold().endswith(".ipynb")]
    folders = {name.rpartition("/")[0] for name in names}
    if len(folders) != 1 or not (folder := folders.pop()):
        return 0
    owners = [who(name[len(folder) + 1 :], patterns[:-1], exercises) for name in names]
    several = None not in owners and len({student for student, *_ in owners}) > 1
    return len(folder) + 1 if several else 0


def _safe(path: str) -> bool:
    parts = PurePosixPath(path.replace("\\", "/")).parts
    return ".." not in parts and not path.startswith("/") and not re.match(r"[A-Za-z]:", path)


def _read(file: Found) -> tuple[Found, bytes]:
    if file.problem:
        return file, b""
    try:
        return file, file.read()
    except Exception as error:  # a zip can be broken in many ways
        return Found(file.name, file.read, f"it cannot be read ({str(error)[:80]})"), b""


def take_in(
    source: str | Path, exercises: dict[str, Exercise], *, pattern: str | None = None, only: str | None = None
) -> Intake:
    """Finds the submissions in a download.

    Args:
        source: A folder or a zip.
        exercises: Those that there are.
        pattern: A regular expression for the path of a file in it, with a group ``student`` and, if you like, ``id``,
            ``file`` and ``attempt``. The default knows Moodle's and Canvas's names, and folders per student.
        only: The one exercise that all files are answers to, where a file does not say otherwise.

    Returns:
        For each student and exercise the last attempt; and the files that could not be assigned.

    Raises:
        IntakeError: ``source`` cannot be read, or ``pattern`` is no such expression.
    """
    try:
        patterns = tuple(re.compile(one, re.DOTALL) for one in ([pattern] if pattern else PATTERNS))
    except re.error as error:
        raise IntakeError(f"the pattern is no regular expression: {error}") from None
    if pattern and "student" not in patterns[0].groupindex:
        raise IntakeError("the pattern needs a group (?P<student>...)")
    result, found, others = Intake(), {}, {}
    files = [one for one in _files(Path(source)) if not _NOT_HANDED_IN.search(one.name)]
    wrapped = 0 if pattern else _unwrapped(files, patterns, exercises)
    for listed in files:
        if len(listed.name) > _LONGEST_NAME:
            result.aside.append((listed.name[:_LONGEST_NAME], "its name is too long"))
        elif not _safe(listed.name):
            result.aside.append((listed.name, "its path leads out of the archive"))
        elif not (owner := who(listed.name[wrapped:], patterns, exercises)):
            result.aside.append((listed.name, "no pattern tells whose it is"))
        else:
            student, name, attempt = owner
            notebook = name.casefold().endswith(".ipynb")
            file, content = _read(listed) if notebook else (listed, b"")
            around = next((one for one in listed.name.casefold().split("/") if one in exercises), None)
            exercise = exercise_of(content, exercises, name) or around or only
            if not notebook:
                others.setdefault(student, []).append((name, file, exercise))
            elif exercise is None:
                result.aside.append((file.name, "no telling which exercise it is: name it, or use --exercise"))
            else:
                found.setdefault((student, exercise), []).append((attempt, name, file))
    _add_others(found, others, result)
    result.submissions = [_last(student, exercise, files) for (student, exercise), files in found.items()]
    result.submissions.sort(key=lambda one: (one.student.name.casefold(), one.student.id, one.exercise))
    return result


def _add_others(found: dict, others: dict, result: Intake) -> None:
    """A student who handed in no notebook, but something else, gets a row that says so."""
    with_notebook = {student for student, _ in found}
    for student, files in others.items():
        for name, file, exercise in files:
            if (student, exercise) in found or (exercise is None and student in with_notebook):
                continue
            if exercise is None:
                result.aside.append((file.name, "not a notebook, and it names no exercise: --exercise gives it a row"))
            else:
                problem = file.problem or f"{name[-60:]} is not a notebook: hand in the .ipynb file"
                found.setdefault((student, exercise), []).append((0, name, Found(file.name, file.read, problem)))


def _last(student: Student, exercise: str, files: list[tuple[int, str, Found]]) -> Submission:
    files = sorted(files, key=lambda one: one[:2])
    _, name, file = files[-1]
    return Submission(student, exercise, file, f"{len(files)} files, graded {name[-60:]}" if len(files) > 1 else "")


def read_rows(path: str | Path, needed: Sequence[str], expected: str) -> list[dict[str, str]]:
    """Reads a table that a person made or filled in: CSV with commas, in UTF-8.

    Args:
        path: The table.
        needed: Columns that it must have.
        expected: What is expected, for the message.

    Raises:
        IntakeError: It cannot be read, a column is missing, or there is no row; the message says what it has instead.
    """
    try:
        with Path(path).open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            rows, header = list(reader), list(reader.fieldnames or ())
    except UnicodeError:
        raise IntakeError(f"{path}: cannot be read as CSV (it is not UTF-8): save it as 'CSV UTF-8'") from None
    except (OSError, csv.Error) as error:
        raise IntakeError(f"{path}: cannot be read as CSV ({error})") from None
    missing = [name for name in needed if name not in header]
    if missing or not rows:
        told = f"; there is {_seen(header)}" if missing and header else ""
        raise IntakeError(f"{path}: {expected}, and at least one row{told}")
    return rows


def _seen(header: Sequence[str]) -> str:
    """What a table has where columns were expected."""
    for mark, name in ((";", "semicolons"), ("\t", "tabs")):
        if len(header) == 1 and mark in header[0]:
            return f"one column with {name} in it: save the table with commas"
    return " ".join(", ".join(header).split())[:200]


def read_roster(path: str | Path) -> list[Student]:
    """Reads the students of a course: a CSV with a column ``student`` and, if there is one, ``id``.

    Raises:
        IntakeError: There is no such file or column, or a row without a name; the message names the row.
    """
    return list(read_roster_rows(path))


def read_roster_rows(path: str | Path) -> dict[Student, dict[str, str]]:
    """Reads the students of a course with all that the roster says of them, such as an e-mail address.

    Returns:
        A row for each student.

    Raises:
        IntakeError: As :func:`read_roster`.
    """
    rows = read_rows(path, ("student",), "expected a column 'student' (and 'id', if the LMS has one)")
    for number, row in enumerate(rows, start=1):
        if not (row["student"] or "").strip():
            raise IntakeError(f"{path}: row {number} has no student")
    return {Student(_name(row["student"]), (row.get("id") or "").strip()): row for row in rows}
