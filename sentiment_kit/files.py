"""Writing files whole or not at all: a killed program leaves the old file or the new one, never half of one."""

import glob
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Gives a path beside ``path`` to write a file to; moves it into place when the block ends well.

    Args:
        path: The file to write or replace. Missing parent folders are made.

    Yields:
        A path in the same folder. If the block raises, it is removed and ``path`` stays as it was.

    Raises:
        OSError: The folder cannot be written to.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    os.close(handle)
    part = Path(name)
    try:
        yield part
        part.chmod(0o644)  # mkstemp makes files private
        flush(part)  # or a power cut could leave an empty file under the new name
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def leftovers(path: str | Path) -> list[Path]:
    """What programs that were killed inside :func:`replacing` left behind; ask only while nobody writes the file.

    Args:
        path: The file that they were writing.
    """
    path = Path(path)
    return list(path.parent.glob(f".{glob.escape(path.name)}.*.part"))


def flush(path: str | Path) -> None:
    """Waits until a file that was written has reached the disk.

    Raises:
        OSError: There is no such file, or the disk failed.
    """
    with Path(path).open("rb") as written:
        os.fsync(written.fileno())


@contextmanager
def replacing_folder(folder: str | Path) -> Iterator[Path]:
    """The same as :func:`replacing` for a whole folder, such as a saved model.

    Args:
        folder: The folder to write or replace.

    Yields:
        An empty folder beside it. If the block raises, it is removed and ``folder`` stays as it was.

    Raises:
        OSError: The parent folder cannot be written to.
    """
    folder = Path(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".part", dir=folder.parent))
    try:
        yield part
        part.chmod(0o755)
        if folder.exists():
            old = part.with_suffix(".old")
            os.replace(folder, old)
            os.replace(part, folder)
            shutil.rmtree(old, ignore_errors=True)
        else:
            os.replace(part, folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def write_text(path: str | Path, text: str) -> None:
    """Writes UTF-8 text with plain line feeds, whole or not at all.

    Raises:
        OSError: The folder cannot be written to.
    """
    with replacing(path) as part:
        part.write_text(text, encoding="utf-8", newline="\n")


def write_json(path: str | Path, value: object) -> None:
    """Writes a value as indented JSON, whole or not at all.

    Raises:
        OSError: The folder cannot be written to.
        TypeError: The value holds something that JSON cannot.
    """
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def read_json(path: str | Path) -> Any:  # noqa: ANN401 (whatever the file holds)
    """Reads a JSON file.

    Raises:
        OSError: There is no such file.
        ValueError: It is no JSON.
    """
    return json.loads(Path(path).read_text(encoding="utf-8"))
