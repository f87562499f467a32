"""Labeling files of any size (lesson 06): rows come in one after the other and go out the same way.

Memory stays constant, a row that cannot be read is set aside with its reason, and a killed run can go on: what is
written so far lies in ``<target>.part``, and ``<target>.journal`` says up to which row it is complete.
"""

import codecs
import contextlib
import csv
import hashlib
import io
import itertools
import json
import math
import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from tqdm.auto import tqdm

from sentiment_kit import files
from sentiment_kit.data import DataError, require_column, require_header

if TYPE_CHECKING:
    import pyarrow

FORMATS = ("csv", "jsonl", "parquet", "txt")
WINDOW = 2048
"""Rows that are labeled together: long enough to sort by length in, short enough to repeat after a kill."""

_LONGEST = 1_000_000
"""Characters in one cell or line; more is a quote that was never closed, or no text for this model."""


@dataclass(frozen=True)
class Row:
    """One row of a file.

    Attributes:
        number: Its place, from 1; a header does not count.
        values: Column names and values; of a row that cannot be read, its text under ``"line"``.
        problem: Why it cannot be used; ``None`` if it can.
    """

    number: int
    values: dict[str, object]
    problem: str | None = None


@dataclass(frozen=True)
class FileReport:
    """What became of the rows of a file.

    Attributes:
        predicted: Rows that were labeled.
        rejected: Rows that were set aside, with their reasons, in ``rejected_path``.
        rejected_path: The file of rejected rows; none if every row was good.
        first_problem: What was wrong with the first rejected row; empty if every row was good.
    """

    predicted: int
    rejected: int
    rejected_path: Path | None
    first_problem: str = ""


# ---------------------------------------------------------------- reading


class Rows:
    """The rows of a CSV, JSONL, Parquet or text file, read one after the other.

    Args:
        source: A path, or an open binary stream such as ``sys.stdin.buffer``.
        format: One of ``FORMATS``; by default what the path's ending says.

    Attributes:
        name: What to call the source in messages.
        columns: The names of the columns; ``None`` for JSONL, where each row brings its own.
        size: Bytes (Parquet: rows) in all; ``None`` if that cannot be known.
        unit: What ``size`` counts.

    Raises:
        DataError: There is no such file, its format is unknown, or its header cannot be used.
    """

    def __init__(self, source: str | Path | BinaryIO, format: str | None = None) -> None:
        is_path = isinstance(source, str | Path)
        self.name = Path(source).name if is_path else "standard input"
        if is_path and not Path(source).is_file():
            raise DataError(f"{source}: no such file: check the path")
        format = format or (Path(source).suffix.lower().removeprefix(".") if is_path else "txt")
        if format not in FORMATS:
            kind = f".{format}" if format else "a file without ending"
            raise DataError(
                f"{self.name}: cannot read {kind}: use .csv, .jsonl, .parquet or .txt (a text in each line)"
            )
        self.columns: list[str] | None = None
        self.size = Path(source).stat().st_size if is_path else None
        self.unit = "row" if format == "parquet" else "B"
        self._position = 0
        self._rows = getattr(self, f"_read_{format}")(source)
        self._first = next(self._rows, None)  # also reads the header
        if self._first is None:
            raise DataError(f"{self.name}: there are no rows in it: give a file with at least one review")

    def __iter__(self) -> Iterator[Row]:
        for row in itertools.chain([self._first], self._rows):
            broken = row.problem is None and any(map(_is_broken, (*row.values, *row.values.values())))
            yield Row(row.number, row.values, "not UTF-8: save the file as UTF-8") if broken else row

    def position(self) -> int:
        """How many bytes (Parquet: rows) have been read."""
        return self._position

    def _lines(self, source: str | Path | BinaryIO) -> Iterator[str]:
        """Lines with their ends; bytes that are no UTF-8 become lone surrogates, by which they are known later."""
        encoding = "utf-8-sig"
        with _opened(source) as stream:
            while raw := stream.readline(4 * _LONGEST):
                if not self._position and raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
                    raise DataError(f"{self.name}: is UTF-16, not UTF-8: save the file as UTF-8 and try again")
                self._position += len(raw)
                yield raw.decode(encoding, errors="surrogateescape")
                while len(raw) == 4 * _LONGEST and not raw.endswith(b"\n"):  # the rest of that line belongs to no row
                    raw = stream.readline(4 * _LONGEST)
                    self._position += len(raw)
                encoding = "utf-8"

    def _read_txt(self, source: str | Path | BinaryIO) -> Iterator[Row]:
        self.columns = ["text"]
        for number, line in enumerate(self._lines(source), start=1):
            problem = f"longer than {_LONGEST:,} characters" if len(line) > _LONGEST else None
            yield Row(number, {"text": line.rstrip("\r\n")}, problem)

    def _read_jsonl(self, source: str | Path | BinaryIO) -> Iterator[Row]:
        for number, line in enumerate((one for one in self._lines(source) if one.strip()), start=1):
            try:
                value = json.loads(line)
            except (ValueError, RecursionError) as error:
                told = "nested too deeply" if isinstance(error, RecursionError) else str(error)
                yield Row(number, {"line": line.rstrip()}, f"not JSON ({told})")
                continue
            if isinstance(value, dict):
                yield Row(number, value)
            else:
                yield Row(number, {"line": line.rstrip()}, 'not a JSON object like {"text": …}')

    def _read_csv(self, source: str | Path | BinaryIO) -> Iterator[Row]:
        csv.field_size_limit(_LONGEST)
        taken: list[str] = []  # the lines of the record at hand
        again: deque[str] = deque()  # lines to be read once more, after a quote that was never closed
        lines = self._lines(source)

        def noted() -> str:
            line = again.popleft() if again else next(lines, "")
            if taken or line.strip("\r\n"):  # empty lines before a record do not count
                taken.append(line)
            return line

        reader = csv.reader(_Lines(noted), strict=True)
        self.columns = self._header(reader)
        for number in itertools.count(1):
            taken.clear()
            mending = bool(again)
            try:
                cells = next(one for one in reader if one)  # empty lines do not count
            except StopIteration:
                return
            except csv.Error as error:
                again.extendleft(reversed(taken[1:]))  # the fault may be in the first line alone
                yield Row(number, {"line": taken[0].rstrip()}, f"not well-formed CSV ({error})")
                continue
            missing = len(self.columns) - len(cells)
            if missing < 0 or (missing and mending):
                problem = f"{len(cells)} cells for {len(self.columns)} columns: put texts with commas in double quotes"
                yield Row(number, {"line": "".join(taken).rstrip()}, problem)
            else:
                yield Row(number, dict(zip(self.columns, cells + [""] * missing, strict=True)))

    def _header(self, reader: Iterator[list[str]]) -> list[str]:
        try:
            header = next((one for one in reader if one), [])
        except csv.Error as error:
            raise DataError(f"{self.name}, line 1: not well-formed CSV ({error}): correct the header") from error
        if any(map(_is_broken, header)):
            raise DataError(f"{self.name}, line 1: not UTF-8: save the file as UTF-8 and try again")
        require_header(header, name=self.name)
        return header

    def _read_parquet(self, source: str | Path | BinaryIO) -> Iterator[Row]:
        import pyarrow
        from pyarrow import parquet

        if self.size is None:
            raise DataError(f"{self.name}: Parquet cannot be read from a pipe: give --input FILE")
        try:
            with parquet.ParquetFile(source, pre_buffer=False, buffer_size=1 << 20) as table:
                self.size, self.columns = table.metadata.num_rows, list(table.schema_arrow.names)
                require_header(self.columns, name=self.name)
                for batch in table.iter_batches(batch_size=1024):
                    for values, problem in _values(batch):
                        self._position += 1
                        yield Row(self._position, values, problem)
        except (OSError, pyarrow.ArrowException) as error:
            raise DataError(f"{self.name}: not a Parquet file that can be read: export it again") from error


class _Lines:
    """Lines from a function until it gives none; unlike a generator, it can go on after its end."""

    def __init__(self, read: Callable[[], str]) -> None:
        self._read = read

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        if line := self._read():
            return line
        raise StopIteration


@contextlib.contextmanager
def _opened(source: str | Path | BinaryIO) -> Iterator[BinaryIO]:
    if isinstance(source, str | Path):
        with Path(source).open("rb") as stream:
            yield stream
    else:
        yield source


def _values(batch: "pyarrow.RecordBatch") -> Iterator[tuple[dict[str, object], str | None]]:
    """The rows of a batch, and what is wrong with one that holds what Python cannot, such as the year 40,000."""
    try:
        yield from ((values, None) for values in batch.to_pylist())
    except (ValueError, OverflowError):
        for place in range(batch.num_rows):
            values, problem = {}, None
            for name, column in zip(batch.schema.names, batch.columns, strict=True):
                try:
                    values[name] = column[place].as_py()
                except (ValueError, OverflowError) as error:
                    values[name] = _raw(column[place])
                    problem = f"{name!r} cannot be read ({error})"
            yield values, problem


def _raw(scalar: "pyarrow.Scalar") -> str:
    import pyarrow

    for kind in (pyarrow.binary(), pyarrow.int64(), pyarrow.int32()):
        with contextlib.suppress(pyarrow.ArrowException, ValueError, OverflowError):
            return str(scalar.cast(kind).as_py())
    return "?"


def _is_broken(value: object) -> bool:
    """Whether a text (or one inside a value) holds half a character, which no file could keep."""
    if not isinstance(value, str):
        return isinstance(value, dict | list) and _is_broken(json.dumps(value, ensure_ascii=False, default=str))
    if value.isascii():
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return True
    return False


# ---------------------------------------------------------------- writing


@dataclass
class _Journal:
    """How far a run has come: counts, the lengths of its two part files, and a digest of the rows read."""

    settings: dict[str, object]
    read: int = 0
    predicted: int = 0
    rejected: int = 0
    written: int = 0
    rejected_written: int = 0
    digest: str = ""
    columns: list[str] = field(default_factory=list)
    first_problem: str = ""
    finished: bool = False


def _rejected_path(target: Path) -> Path:
    return target.with_name(f"{target.name}.rejected.jsonl")


class _Output:
    """Two growing part files, for labeled and for rejected rows, and the journal that vouches for them."""

    def __init__(self, target: Path, settings: dict[str, object], *, resume: bool) -> None:
        self.target = target
        self.rejected_path = _rejected_path(target)
        self.part = target.with_name(f"{target.name}.part")
        self.rejected_part = target.with_name(f"{target.name}.rejected.part")
        self.journal_path = target.with_name(f"{target.name}.journal")
        target.parent.mkdir(parents=True, exist_ok=True)
        self._good, self._bad = self._locked(self.part), self.rejected_part.open("ab")
        try:
            there = self.journal_path.exists()
            self.journal = self._earlier(settings, resume=resume) if there else _Journal(settings)
        except DataError:
            self._close()
            raise
        if not self.journal.finished:
            for stream, length in ((self._good, self.journal.written), (self._bad, self.journal.rejected_written)):
                stream.truncate(length)  # what came after was not complete
                stream.seek(0, os.SEEK_END)

    def _locked(self, path: Path) -> BinaryIO:
        stream = path.open("ab")
        try:
            import fcntl

            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            mine = os.fstat(stream.fileno()).st_ino == path.stat().st_ino
        except ImportError:  # Windows
            return stream
        except OSError:
            mine = False
        if not mine:
            stream.close()
            raise DataError(f"{self.target.name}: another run is writing it: wait for that, or give another output")
        return stream

    def _earlier(self, settings: dict[str, object], *, resume: bool) -> _Journal:
        name = self.journal_path.name
        try:
            found = _Journal(**files.read_json(self.journal_path))
            known = dict(found.settings)
        except (ValueError, TypeError) as error:
            raise DataError(f"{name}: cannot be read: delete it to start over") from error
        if not resume:
            raise DataError(f"{self.target.name}: an earlier run stopped after {found.read:,} rows: "
                            f"add --resume to go on, or delete {name} to start over")  # fmt: skip
        differing = [key for key in settings if known.get(key) != settings[key]]
        if differing:
            raise DataError(f"{name}: the earlier run had another {' and '.join(differing)}: "
                            "resume with the same, or delete the journal to start over")  # fmt: skip
        for path, wanted in ((self.part, found.written), (self.rejected_part, found.rejected_written)):
            if not found.finished and wanted > path.stat().st_size:
                raise DataError(f"{path.name}: shorter than {name} says: delete the journal to start over")
        return found

    def write(self, good: bytes, bad: bytes, **progress: object) -> None:
        """Adds one window to both files, and only then says so in the journal."""
        try:
            for stream, content in ((self._good, good), (self._bad, bad)):
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
            lengths = {"written": self._good.tell(), "rejected_written": self._bad.tell()}
            files.write_json(self.journal_path, vars(self.journal) | lengths | progress)
        except OSError as error:
            kept = f"{self.journal.read:,} rows are kept: make room, then add --resume"
            raise OSError(f"{self.part}: {error.strerror}: {kept}") from error
        vars(self.journal).update(lengths | progress)

    def finish(self) -> FileReport:
        """Moves both files into place; whoever is stopped in the middle can do it again."""
        journal = self.journal
        if not journal.finished:
            self.write(b"", b"", finished=True)
        if not journal.rejected:
            self.rejected_path.unlink(missing_ok=True)  # of an earlier run
        elif self.rejected_part.stat().st_size:
            os.replace(self.rejected_part, self.rejected_path)
        if self.part.stat().st_size == journal.written:
            os.replace(self.part, self.target)
        self.discard()
        rejected_path = self.rejected_path if journal.rejected else None
        return FileReport(journal.predicted, journal.rejected, rejected_path, journal.first_problem)

    def stop(self) -> None:
        """Keeps what the journal vouches for; without one complete window nothing stays."""
        self._close()
        if not self.journal.read:
            self.discard()

    def discard(self) -> None:
        """Leaves nothing behind."""
        self._close()
        for path in (self.journal_path, self.part, self.rejected_part, *files.leftovers(self.journal_path)):
            path.unlink(missing_ok=True)

    def _close(self) -> None:
        for stream in (self._good, self._bad):
            with contextlib.suppress(OSError):  # a full disk; `write` has told of it
                stream.close()


class _Table:
    """Rows as lines of CSV or JSON; of CSV, the columns are those of the input or of its first good row."""

    def __init__(self, kind: str, columns: list[str] | None, added: Sequence[str]) -> None:
        self.is_csv, self.columns, self.added = kind == ".csv", columns, list(added)

    def problem(self, values: dict[str, object]) -> str | None:
        """Why a row does not fit, if it does not."""
        taken = [name for name in self.added if name in values]
        if taken:
            return f"it has a column {taken[0]!r} already: rename it"
        if self.is_csv:
            if self.columns is None:
                self.columns = list(values)
            strange = [name for name in values if name not in self.columns]
            if strange:
                return f"a column {strange[0]!r} that the first row does not have: write .jsonl instead"
        return None

    def header(self) -> str:
        """The first line; nothing for JSONL."""
        return _csv_line([*(self.columns or []), *self.added]) if self.is_csv else ""

    def line(self, values: dict[str, object], answer: dict[str, object]) -> str:
        """One row with its answer."""
        if not self.is_csv:
            return _json({**values, **answer}) + "\n"
        row = {**values, **answer}
        return _csv_line([_as_cell(row.get(name)) for name in [*(self.columns or []), *self.added]])


def _csv_line(cells: Sequence[object]) -> str:
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\r\n").writerow(cells)  # so that a lone \r is quoted, too
    return stream.getvalue()[:-2] + "\n"


def _as_cell(value: object) -> object:
    return _json(value) if isinstance(value, dict | list) else value


def _json(value: object, **options: bool) -> str:
    """A value as JSON, which knows no NaN and no infinity: they become null."""
    settings = {"ensure_ascii": False, "default": str, "allow_nan": False} | options
    try:
        return json.dumps(value, **settings)
    except ValueError:
        return json.dumps(_finite(value), **settings)


def _finite(value: object) -> object:
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


# ---------------------------------------------------------------- the run


def label_file(
    source: str | Path | BinaryIO,
    target: str | Path,
    label: Callable[[list[str]], list[dict[str, object]]],
    *,
    added: Sequence[str],
    format: str | None = None,
    text_column: str = "text",
    settings: dict[str, object] | None = None,
    shard: tuple[int, int] = (1, 1),
    resume: bool = False,
    window: int = WINDOW,
    quiet: bool = True,
) -> FileReport:
    """Labels each row of a file, in constant memory; rows that cannot be used are set aside.

    Args:
        source: The file to read, or an open binary stream.
        target: The ``.csv`` or ``.jsonl`` file to write, whole or not at all: the good rows of ``source`` in order,
            with the added columns; with several shards also ``row``, the place in ``source``. Rejected rows go to
            ``<target>.rejected.jsonl`` beside it.
        label: Takes the texts of a window and gives a dictionary of the added columns for each.
        added: The names of those columns.
        format: One of ``FORMATS``; by default what the ending of ``source`` says, and ``txt`` for a stream.
        text_column: The column with the texts.
        settings: What the answers depend on; a run is resumed only with the same.
        shard: Which share of the rows to label, of how many: row by row in turns.
        resume: Go on where an earlier run was stopped.
        window: Rows that are labeled together, and lost at most by a kill.
        quiet: Show no progress bar.

    Returns:
        How many rows were labeled and set aside, those of the earlier run included.

    Raises:
        DataError: ``source`` cannot be read, has no such column or no text at all, or is where rejected rows go;
            ``target`` ends otherwise; an earlier run is unfinished and ``resume`` is false, or was of other rows or
            settings.
        OSError: ``target`` cannot be written; what was written so far stays for ``resume``.
    """
    target = Path(target)
    rows = _checked(source, target, format=format, text_column=text_column)
    known = {"shard": f"{shard[0]}/{shard[1]}", "text column": text_column, "window": window, **(settings or {})}
    output = _Output(target, known, resume=resume)
    journal = output.journal
    if journal.finished:  # stopped while files were moved
        return output.finish()
    table = _Table(target.suffix, rows.columns, [*(["row"] if shard[1] > 1 else []), *added])
    before = journal.predicted
    try:
        if rows.columns and (problem := table.problem(dict.fromkeys(rows.columns))):
            raise DataError(f"{rows.name}: {problem}")
        table.columns = table.columns or journal.columns or None
        with tqdm(total=rows.size, desc="labeling", unit=rows.unit, unit_scale=True, disable=quiet) as bar:
            for batch in _windows(rows, journal, shard=shard, window=window):
                _label_window(batch, label, table=table, output=output, text_column=text_column)
                bar.update(rows.position() - bar.n)
                rate = (journal.predicted - before) / max(bar.format_dict["elapsed"], 1e-9)
                bar.set_postfix_str(f"{journal.predicted:,} rows, {rate:,.0f} a second")
    except BaseException:
        output.stop()
        raise
    if not journal.predicted and shard == (1, 1):
        output.discard()
        raise DataError(f"{rows.name}: no row has a usable text in {text_column!r} ({journal.first_problem})")
    return output.finish()


def _checked(source: str | Path | BinaryIO, target: Path, *, format: str | None, text_column: str) -> Rows:
    """The rows to label, if they can be read and ``target`` is where answers can go."""
    if target.suffix not in (".csv", ".jsonl"):
        raise DataError(f"{target.name}: cannot write {target.suffix or 'that'}: use .csv or .jsonl")
    rejected_path = _rejected_path(target)
    for path in (target, rejected_path):
        if path.is_dir():
            raise DataError(f"{path}: is a folder: give another output name")
    if isinstance(source, str | Path) and Path(source).resolve() == rejected_path.resolve():
        raise DataError(f"{target.name}: its rejected rows would replace the input: give another output name")
    rows = Rows(source, format)
    if rows.columns is not None:
        require_column(rows.columns, text_column, path=rows.name, option="--text-column")
    return rows


@dataclass(frozen=True)
class _Window:
    """Rows to label together, and where reading stands after them."""

    rows: list[Row]
    read: int
    digest: str


def _windows(rows: Rows, journal: _Journal, *, shard: tuple[int, int], window: int) -> Iterator[_Window]:
    """Puts the rows of a shard together, from where the journal ends; makes sure that the rows before are the same."""
    done, mine, number, digest = journal.read, [], 0, hashlib.sha256()
    changed = DataError(f"{rows.name}: not the rows of the earlier run: delete the journal to start over")
    for row in rows:
        number = row.number
        digest.update(repr(row.values).encode("utf-8", "backslashreplace"))
        if number <= done:
            if number == done and digest.hexdigest() != journal.digest:
                raise changed
            continue
        if (number - shard[0]) % shard[1] == 0:
            mine.append(row)
        if len(mine) == window:
            yield _Window(mine, number, digest.hexdigest())
            mine = []
    if number < done:
        raise changed
    yield _Window(mine, number, digest.hexdigest())


def _label_window(
    batch: _Window,
    label: Callable[[list[str]], list[dict[str, object]]],
    *,
    table: _Table,
    output: _Output,
    text_column: str,
) -> None:
    good, bad = [], []
    for row in batch.rows:
        problem = row.problem
        if not problem:
            text = row.values.get(text_column)
            usable = isinstance(text, str) and text.strip()
            problem = table.problem(row.values) if usable else _no_text(row.values, text_column)
        if problem:
            bad.append({"row": row.number, "reason": problem, "content": row.values})
        else:
            good.append(row)
    answers = label([str(row.values[text_column]) for row in good]) if good else []
    places = [{"row": row.number} if "row" in table.added else {} for row in good]
    lines = [table.line(row.values, place | answer) for row, place, answer in zip(good, places, answers, strict=True)]
    journal = output.journal
    if table.columns is not None and not journal.written:
        lines.insert(0, table.header())
    output.write(
        "".join(lines).encode(),
        "".join(map(_rejected_line, bad)).encode(),
        read=batch.read,
        digest=batch.digest,
        columns=table.columns or [],
        first_problem=journal.first_problem or (f"row {bad[0]['row']}: {bad[0]['reason']}" if bad else ""),
        predicted=journal.predicted + len(good),
        rejected=journal.rejected + len(bad),
    )


def _no_text(values: dict[str, object], column: str) -> str:
    if column in values:
        return "the text is empty or no text"
    return f"there is no {column!r} in it (it has: {', '.join(map(str, values))[:80] or 'nothing'})"


def _rejected_line(entry: dict[str, object]) -> str:
    line = _json(entry)
    return (_json(entry, ensure_ascii=True) if _is_broken(line) else line) + "\n"  # half a character: as an escape
