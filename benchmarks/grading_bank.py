"""What the grader makes of its bank: right and wrong answers, noise, attacks; and how long 60 submissions take.

python benchmarks/grading_bank.py          about half an hour; needs bubblewrap
"""

import platform
import tempfile
import time
from pathlib import Path

import nbformat

from sentiment_kit.grading import authoring, exercise, grade, pool
from tests.grading import attacks, bank, noise

EXERCISES = exercise.load(bank.SOURCE)


def write_bank(folder: Path) -> dict[tuple[str, str], dict[str, bool]]:
    """Writes a submission for each file of the bank; says for each which tasks are to pass."""
    wanted = {}
    for name, one in EXERCISES.items():
        released = authoring.release(one)
        for path in sorted((bank.SUBMISSIONS / name).glob("*.py")):
            answers, filled = bank.read_answers(path), nbformat.from_dict(released)
            for task in one.tasks:
                if task.name in answers:
                    filled.cells[task.answer].source = answers[task.name].code
            target = folder / path.stem / f"{name}.ipynb"
            target.parent.mkdir(parents=True, exist_ok=True)
            nbformat.write(filled, target)
            wanted[path.stem, name] = dict.fromkeys(answers, path.stem.startswith("right"))
    return wanted


def bank_of_answers() -> tuple[list[tuple[str, int, int]], float, int]:
    """Right and wrong answers, through the whole grader; the counts, and the seconds for all."""
    with tempfile.TemporaryDirectory() as folder:
        download, out = Path(folder, "download"), Path(folder, "out")
        wanted = write_bank(download)
        started = time.perf_counter()
        grade.grade(download, out)
        seconds = time.perf_counter() - started
        with grade.opened(out) as run:
            _, tasks = run.rows()
    found = {True: [], False: []}
    for row in tasks:
        expected = wanted[row.student, row.exercise]
        if row.task in expected:
            found[expected[row.task]].append(row.outcome == ("passed" if expected[row.task] else "failed"))
    lines = [(f"{kind} answers {verb}", sum(found[one]), len(found[one]))
             for one, kind, verb in ((True, "right", "accepted"), (False, "wrong", "rejected"))]  # fmt: skip
    return lines, seconds, len(wanted)
