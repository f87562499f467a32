"""Running submissions: a process for each, several at a time, each with a time limit; finished ones are kept."""

import contextlib
import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

import sentiment_kit
from sentiment_kit import files
from sentiment_kit.grading.exercise import Exercise
from sentiment_kit.grading.intake import Submission
from sentiment_kit.grading.worker import Result


@dataclass(frozen=True)
class Effort:
    """How submissions are run.

    Attributes:
        workers: Submissions at a time.
        seconds: For one answer cell or one call of a student's function.
        submission_seconds: For one submission.
        sandboxed: Whether students' code runs in the sandbox.
        regrade: Whether to run again what was run already.
    """

    workers: int = 2
    seconds: float = 20.0
    submission_seconds: float = 600.0
    sandboxed: bool = True
    regrade: bool = False


def _code_digest() -> str:
    package = Path(sentiment_kit.__file__).parent
    return hashlib.sha256(b"".join(path.read_bytes() for path in sorted(package.rglob("*.py")))).hexdigest()


def source_path(out: Path, exercise: str) -> Path:
    """Where the exercise lies that submissions are graded against."""
    return out / "source" / exercise / f"{exercise}.ipynb"


def submitted_path(out: Path, one: Submission) -> Path:
    """Where a submission's file is kept."""
    return out / "submitted" / one.student.slug / one.exercise / f"{one.exercise}.ipynb"


def result_path(out: Path, one: Submission) -> Path:
    """Where a submission's result is kept."""
    return out / "results" / one.student.slug / f"{one.exercise}.json"


def read_result(path: Path) -> Result | None:
    """A result, or nothing if there is none or it is damaged."""
    try:
        return Result.read(path)
    except (OSError, ValueError, TypeError, KeyError):
        return None


class Pool:
    """Runs submissions into one folder.

    Args:
        out: The folder.
        exercises: With the course's seed in them; ``source_path`` holds the same.
        effort: How.
    """

    def __init__(self, out: Path, exercises: dict[str, Exercise], effort: Effort) -> None:
        self._out, self._exercises, self._effort = out, exercises, effort
        self._code = _code_digest()
        self._running: set[subprocess.Popen] = set()
        self._stopping = threading.Event()

    def _digest(self, one: Submission, content: bytes) -> str:
        limits = [self._effort.seconds, self._effort.submission_seconds, self._effort.sandboxed]
        told = json.dumps([self._exercises[one.exercise].notebook, limits, one.file.problem], sort_keys=True)
        return hashlib.sha256("\n".join([self._code, told]).encode() + content).hexdigest()

    def run(self, one: Submission) -> tuple[Result, Result | None]:
        """Runs one submission, unless its result is there already.

        Returns:
            The result, and the one that was there before.

        Raises:
            OSError: The folder cannot be written to.
        """
        path = result_path(self._out, one)
        previous = read_result(path)
        content = b"" if one.file.problem else one.file.read()
        digest = self._digest(one, content)
        if previous and previous.digest == digest and not self._effort.regrade:
            return previous, previous
        if one.file.problem:
            result = Result("unreadable", one.file.problem, digest=digest)
        else:
            result = self._run(one, content, digest)
        result.write(path)
        return result, previous

    def _run(self, one: Submission, content: bytes, digest: str) -> Result:
        slug, name = one.student.slug, one.exercise
        with files.replacing(submitted_path(self._out, one)) as part:
            part.write_bytes(content)
        results = result_path(self._out, one).parent
        fresh, job_file = results / f".{name}.fresh.json", results / f".{name}.job.json"
        fresh.unlink(missing_ok=True)
        places = {
            "source": source_path(self._out, name),
            "submission": submitted_path(self._out, one),
            "result": fresh,
            "notebook": self._out / "autograded" / slug / name / f"{name}.ipynb",
        }
        job = {key: str(path.resolve()) for key, path in places.items()}
        job |= {"seconds": self._effort.seconds, "sandboxed": self._effort.sandboxed, "digest": digest}
        files.write_json(job_file, job)
        try:
            problem = self._process(job_file)
            return Result(*problem, digest=digest) if problem else Result.read(fresh)
        except (OSError, ValueError, TypeError, KeyError):
            return Result("crashed", "grading this submission ended without a result", digest=digest)
        finally:
            job_file.unlink(missing_ok=True)
            fresh.unlink(missing_ok=True)

    def _process(self, job_file: Path) -> tuple[str, str] | None:
        """Runs a worker to its end, and says what went wrong, if anything did."""
        surroundings = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
        command = [sys.executable, "-m", "sentiment_kit.grading.worker", str(job_file)]
        quiet = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)
        process = subprocess.Popen(command, **quiet, env=surroundings, start_new_session=True)
        self._running.add(process)
        try:
            process.wait(self._effort.submission_seconds)
        except subprocess.TimeoutExpired:
            return "timeout", f"stopped after {self._effort.submission_seconds:g} seconds"
        finally:
            self._kill(process)
            self._running.discard(process)
        if self._stopping.is_set():
            raise KeyboardInterrupt
        return None if process.returncode == 0 else ("crashed", "grading this submission ended before its end")

    @staticmethod
    def _kill(process: subprocess.Popen) -> None:
        """Ends a worker; its kernel and the sandbox notice and end too."""
        if os.name == "posix":
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
        process.wait()

    def run_all(self, submissions: list[Submission]) -> Iterator[tuple[Submission, Result, Result | None]]:
        """Runs submissions, several at a time, with a progress bar.

        Yields:
            Each as it ends: the submission, its result, and the result that was there before.

        Raises:
            KeyboardInterrupt: Somebody pressed Ctrl-C; what was finished is kept.
            OSError: The folder cannot be written to.
        """
        threads = ThreadPoolExecutor(max_workers=self._effort.workers)
        try:
            waiting = {threads.submit(self.run, one): one for one in submissions}
            for done in tqdm(as_completed(waiting), total=len(waiting), desc="grading", unit="submission", leave=False):
                yield waiting[done], *done.result()
        finally:
            self._stopping.set()
            threads.shutdown(wait=False, cancel_futures=True)
            for process in list(self._running):
                self._kill(process)
            threads.shutdown()
