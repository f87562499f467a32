"""Running the lessons: in order, with resume, each measured; and bringing one lesson what another made.

A run lives in ``runs/latest``: executed notebooks in ``notebooks/``, a record of each lesson in ``lessons/``,
what the lessons made beside them, and ``summary.json`` over it all.
"""

import contextlib
import hashlib
import importlib.metadata
import json
import logging
import os
import platform
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import nbformat
import papermill
import psutil
from nbclient.exceptions import DeadKernelError
from papermill.engines import NBClientEngine, papermill_engines
from papermill.exceptions import PapermillExecutionError
from tqdm.auto import tqdm

from sentiment_kit import files, profiles

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Lesson:
    """What the runner knows of a lesson.

    Attributes:
        name: The notebook's name without its ending.
        needs: The lessons whose results it reads.
        makes: What it leaves in the run's folder.
        minutes: About how long it takes on a two-core laptop.
        variables: Environment variables that it alone depends on.
    """

    name: str
    needs: tuple[str, ...]
    makes: tuple[str, ...]
    minutes: float
    variables: tuple[str, ...] = ()


LESSONS: tuple[Lesson, ...] = (
    Lesson("00_start_here", (), (), 0.3),
    Lesson("01_choose_a_model", (), (), 0.5),
    Lesson(
        "02_prepare_data",
        (),
        ("data/train.jsonl", "data/validation.jsonl", "data/test.jsonl", "data/dropped.csv"),
        0.5,
    ),
    Lesson("03_fine_tune", ("02_prepare_data",), ("first_model", "first_model.json"), 5),
    Lesson("04_tune", ("02_prepare_data",), ("trials.db", "choice.json", "model"), 5),
    Lesson("05_evaluate", ("02_prepare_data", "04_tune"), ("scores.json",), 5),
    Lesson("05b_look_closer", ("02_prepare_data", "04_tune"), ("model/calibration.json",), 1.5),
    Lesson(
        "06_inference",
        ("02_prepare_data", "04_tune", "05_evaluate", "05b_look_closer"),
        ("predictions.csv", "model/README.md"),
        0.5,
    ),
    Lesson(
        "07_adapt_a_generative_model",
        ("02_prepare_data", "04_tune"),
        ("adapter", "merged_model"),
        3,
        variables=("SENTIMENT_KIT_DECODER",),
    ),
    Lesson("08_your_own_task", (), ("own_task/model", "own_task/tagger"), 2.5),
)

PACKAGES = (
    "torch", "transformers", "datasets", "evaluate", "accelerate", "scikit-learn", "optuna", "peft", "sentiment-kit",
)  # fmt: skip


class LessonError(RuntimeError):
    """A lesson stopped with an error; the message names lesson, cell, error and the half-run notebook."""


def lesson(name: str) -> Lesson:
    """Looks up a lesson.

    Args:
        name: Its whole name, such as ``"03_fine_tune"``.

    Raises:
        ValueError: There is no lesson of that name; the message lists those there are.
    """
    for one in LESSONS:
        if one.name == name:
            return one
    raise ValueError(f"there is no lesson {name!r}: use one of {', '.join(one.name for one in LESSONS)}")


def versions() -> dict[str, str]:
    """The versions of Python and of the packages that the results depend on."""
    return {"python": platform.python_version()} | {name: importlib.metadata.version(name) for name in PACKAGES}


# ---------------------------------------------------------------- the run's folder


def _setting() -> dict[str, object]:
    """What a run is made with. Results of different settings must not meet in one folder."""
    profile = profiles.active()
    checkpoint = os.environ.get("SENTIMENT_KIT_ENCODER") or profile.checkpoint
    return {"profile": profile.name, "checkpoint": checkpoint, "data": profile.data, "seed": profiles.SEED}


def run_folder() -> Path:
    """The folder of the current run, made if it is not there.

    If it holds results of another profile, encoder or data, those are moved aside first, to a folder beside it.
    """
    latest = profiles.runs_folder() / "latest"
    stamp, setting = latest / "setting.json", _setting()
    if stamp.exists() and (before := json.loads(stamp.read_text(encoding="utf-8"))) != setting:
        aside = latest.with_name(f"{before['profile']}-{datetime.now(UTC):%Y%m%d-%H%M%S-%f}")
        os.replace(latest, aside)
        _log.warning("runs/latest was made with other settings: it is kept as runs/%s", aside.name)
    if not stamp.exists():
        files.write_json(stamp, setting)
    return latest


def _record_path(folder: Path, name: str) -> Path:
    return folder / "lessons" / f"{name}.json"


def _record(folder: Path, name: str) -> dict[str, object]:
    path = _record_path(folder, name)
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def _is_made(folder: Path, one: Lesson) -> bool:
    return all((folder / made).exists() for made in one.makes)


def bring(*names: str) -> Path:
    """Brings a lesson what earlier lessons made; runs those whose results are not there.

    Args:
        names: The lessons whose results are needed, such as ``"02_prepare_data"``; none for the folder alone.

    Returns:
        The run's folder, with the results in it.

    Raises:
        ValueError: There is no lesson of that name.
        LessonError: An earlier lesson had to be run and failed.
    """
    folder = run_folder()
    for one in map(lesson, names):
        if _is_made(folder, one):
            continue
        saying = f"lesson {one.name} has not been run yet: running it first, about {max(one.minutes, 1):.0f} min"
        with tqdm(total=1, desc=saying, unit="lesson") as progress:
            command = [sys.executable, "-m", "sentiment_kit", "course", "--only", one.name]
            # inside Colab the profile is gpu because of what this process has loaded, which a child has not
            surroundings = os.environ | {"SENTIMENT_KIT_PROFILE": profiles.active().name}
            try:
                with _metered(progress):
                    done = subprocess.run(command, capture_output=True, text=True, check=False, env=surroundings)
            except KeyboardInterrupt:  # without the frames of subprocess
                told = f"lesson {one.name} was interrupted: run this cell again; what is finished is not repeated"
                raise KeyboardInterrupt(told) from None
            if done.returncode:
                said = done.stderr.strip().splitlines() or [f"lesson {one.name} was stopped from outside"]
                raise LessonError(said[-1])
            progress.update()
    return folder


# ---------------------------------------------------------------- running a lesson


def _package_digest() -> str:
    digest = hashlib.sha256()
    package, texts = Path(__file__).parent, profiles.bundled("data")
    for folder, paths in ((package, package.glob("*.py")), (texts, texts.glob("*/*"))):
        for path in sorted(paths):
            name = path.relative_to(folder).as_posix()
            if path.is_file() and not path.name.startswith("."):  # editors and file managers leave things there
                digest.update(name.encode() + path.read_bytes())
    return digest.hexdigest()


def fingerprint(name: str) -> str:
    """A digest of all that a lesson's results depend on: if it is the same, there is no need to run it again.

    Args:
        name: The lesson.

    Returns:
        A digest of its notebook's cells, the package, the data, the setting, its variables, the versions, and its
        upstream lessons.
    """
    notebook = nbformat.read(profiles.bundled("notebooks", f"{name}.ipynb"), as_version=4)
    parts = [
        [cell.source for cell in notebook.cells],
        _package_digest(),
        _setting(),
        asdict(profiles.active()),
        [os.environ.get(variable) for variable in lesson(name).variables],
        versions(),
        [fingerprint(needed) for needed in lesson(name).needs],
    ]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


class _Meter(threading.Thread):
    """Keeps the clock of a progress bar going and notes the most memory that the kernel took."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.bar: tqdm | None = None
        self.peak_bytes = 0
        self._stopped = threading.Event()

    def run(self) -> None:
        while not self._stopped.wait(0.5):
            used = 0
            for child in psutil.Process().children(recursive=True):
                try:
                    used += child.memory_info().rss
                except psutil.Error:  # it ended in the meantime
                    continue
            self.peak_bytes = max(self.peak_bytes, used)
            if self.bar is not None:
                self.bar.refresh()

    def stop(self) -> None:
        self._stopped.set()
        self.join()


@contextlib.contextmanager
def _metered(bar: tqdm | None = None) -> Iterator[_Meter]:
    meter = _Meter()
    meter.bar = bar
    meter.start()
    try:
        yield meter
    finally:
        meter.stop()


def _engine(meter: _Meter) -> type[NBClientEngine]:
    """The usual engine of papermill, which hands its progress bar to the meter."""

    class MeteredEngine(NBClientEngine):
        @classmethod
        def execute_managed_notebook(cls, nb_man: object, kernel_name: str, **kwargs: object) -> object:
            meter.bar = nb_man.pbar
            try:
                return super().execute_managed_notebook(nb_man, kernel_name, **kwargs)
            finally:
                meter.bar = None

    return MeteredEngine


def _execute(name: str, target: Path) -> float:
    """Runs a notebook with papermill into ``target``; gives the most memory it took, in megabytes."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with _metered() as meter:
            papermill_engines.register("metered", _engine(meter))
            papermill.execute_notebook(
                profiles.bundled("notebooks", f"{name}.ipynb"),
                target,
                engine_name="metered",
                kernel_name="python3",
                cwd=profiles.bundled("notebooks"),
                progress_bar={"desc": f"{name:<18}"},
                # else kernels warn of their connection, or say ERROR when they are stopped at the end, over the bar
                extra_arguments=["--IPKernelApp.log_level=50"],
            )
    except (PapermillExecutionError, DeadKernelError) as error:
        if isinstance(error, DeadKernelError):
            what = "the kernel died; mostly that is a lack of memory, so close other programs"
        else:
            what = f"cell {error.exec_count}: {error.ename}: {' '.join(str(error.evalue).split())}"
        raise LessonError(
            f"lesson {name}, {what} (the half-run notebook is {target}; "
            "put it right and run the course again: finished lessons are not repeated)"
        ) from error
    return meter.peak_bytes / 2**20


def _forget(folder: Path, one: Lesson) -> None:
    for made in one.makes:
        path = folder / made
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def _settle_paths() -> None:
    """Kernels run in the lessons' folder: what a relative path means is settled before one starts."""
    os.environ["SENTIMENT_KIT_RUNS"] = str(profiles.runs_folder())
    for name in ("SENTIMENT_KIT_ENCODER", "SENTIMENT_KIT_DATA"):
        if chosen := os.environ.get(name):
            os.environ[name] = str(Path(chosen).expanduser().resolve())
    if (chosen := os.environ.get("SENTIMENT_KIT_DECODER")) and Path(chosen).expanduser().is_dir():  # else a Hub name
        os.environ["SENTIMENT_KIT_DECODER"] = str(Path(chosen).expanduser().resolve())


def run_lesson(name: str) -> bool:
    """Runs one lesson, unless its results are there and nothing they depend on has changed.

    A lesson that was interrupted goes on with what it had made; one whose inputs changed starts anew.

    Args:
        name: The lesson.

    Returns:
        Whether it was run; ``False`` if there was no need to.

    Raises:
        LessonError: The lesson stopped with an error.
    """
    _settle_paths()
    one, folder = lesson(name), run_folder()
    digest, record = fingerprint(name), _record(folder, name)
    same_inputs = record.get("fingerprint") == digest
    if same_inputs and record.get("finished") and _is_made(folder, one):
        return False
    if record and not same_inputs:
        _forget(folder, one)
    files.write_json(_record_path(folder, name), {"fingerprint": digest, "finished": None})
    started = time.perf_counter()
    peak = _execute(name, folder / "notebooks" / f"{name}.ipynb")
    if not _is_made(folder, one):
        raise LessonError(f"lesson {name} ended without making {', '.join(one.makes)}: restore the lesson's last cells")
    finished = {
        "fingerprint": digest,
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": round(time.perf_counter() - started, 1),
        "peak_memory_mb": round(peak),
    }
    files.write_json(_record_path(folder, name), finished)
    return True


# ---------------------------------------------------------------- the whole course


def _write_summary(folder: Path, skipped: Sequence[str], *, finished: bool) -> dict[str, object]:
    records = {one.name: _record(folder, one.name) for one in LESSONS}
    scores = folder / "scores.json"
    summary = {
        **_setting(),
        "versions": versions(),
        "lessons": [
            {
                "name": name,
                "seconds": record["seconds"],
                "peak_memory_mb": record["peak_memory_mb"],
                "skipped": name in skipped,
            }
            for name, record in records.items()
            if record.get("finished")
        ],
        "scores": json.loads(scores.read_text(encoding="utf-8")) if scores.exists() else {},
        "model_dir": "model",
        "finished": datetime.now(UTC).isoformat(timespec="seconds") if finished else None,
    }
    files.write_json(folder / "summary.json", summary)
    return summary


def run(*, fresh: bool = False, tell: Callable[[str], None] = _log.info) -> dict[str, object]:
    """Runs all lessons in order and writes ``summary.json``, after each lesson and at the end.

    Args:
        fresh: Throw the current run away and start over.
        tell: Called with a line for each lesson that is skipped.

    Returns:
        The summary.

    Raises:
        LessonError: A lesson stopped with an error. What was finished stays finished.
    """
    _settle_paths()
    if fresh:
        shutil.rmtree(run_folder())  # this setting's own; a run of another was moved aside
    folder, skipped = run_folder(), []
    _write_summary(folder, skipped, finished=False)
    for one in LESSONS:
        if not run_lesson(one.name):
            skipped.append(one.name)
            tell(f"{one.name:<18}: skipped, it is finished and nothing it depends on has changed")
        _write_summary(folder, skipped, finished=False)
    return _write_summary(folder, skipped, finished=True)
