"""What the grader makes of its bank: right and wrong answers, noise, attacks; and how long 60 submissions take.

python benchmarks/grading_bank.py          about half an hour; needs bubblewrap
"""

import csv
import os
import platform
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # for tests.grading

import nbformat

from sentiment_kit.grading import authoring, exercise, grade, pool
from tests.grading import attacks, bank, noise

EXERCISES = exercise.load(bank.SOURCE)


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def write_bank(folder: Path) -> dict[tuple[str, str, str], bool]:
    """Writes a submission for each file of the bank, and the kit's solutions; says which task is to pass in each."""
    wanted = {}
    for name, one in EXERCISES.items():
        released = authoring.release(one)
        files = {path.stem: bank.read_answers(path) for path in sorted((bank.SUBMISSIONS / name).glob("*.py"))}
        for student, answers in {**files, "solution": {}}.items():
            filled = nbformat.from_dict(released if answers else one.notebook)
            for task in one.tasks:
                if task.name in answers:
                    filled.cells[task.answer].source = answers[task.name].code
                    wanted[student, name, task.name] = student.startswith("right")
            target = folder / student / f"{name}.ipynb"
            target.parent.mkdir(parents=True, exist_ok=True)
            nbformat.write(filled, target)
    return wanted


def judge_bank(folder: Path) -> list[tuple[str, int, int]]:
    wanted = write_bank(folder / "download")
    started = time.perf_counter()
    rows, _ = grade.grade(folder / "download", folder / "out")
    seconds = time.perf_counter() - started
    print(f"{len(rows)} submissions: {seconds:.0f} s, {seconds / len(rows):.1f} s each", flush=True)
    tasks = {
        (row["student"], row["exercise"], row["task"]): row["outcome"] for row in rows_of(folder / "out/tasks.csv")
    }
    right = [tasks[key] == "passed" for key, accepted in wanted.items() if accepted]
    wrong = [tasks[key] == "failed" for key, accepted in wanted.items() if not accepted]
    return [("right answers accepted", sum(right), len(right)), ("wrong answers rejected", sum(wrong), len(wrong))]


def judge_noise(folder: Path) -> tuple[str, int, int]:
    (folder / "download").mkdir()
    for make in noise.NOISES.values():
        name, content = make(noise.honest())
        (folder / "download" / name).write_bytes(content)
    rows, _ = grade.grade(folder / "download", folder / "out")
    return "noise harmless", sum((row.status, row.score) == ("needs_manual", 16) for row in rows), len(noise.NOISES)


def judge_attacks(folder: Path) -> tuple[str, int, int]:
    (folder / "download").mkdir()
    all_attacks = attacks.attacks(folder / "out")
    for number, one in enumerate(all_attacks):
        (folder / "download" / f"Attack {number}_{number}_1_ex06.ipynb").write_bytes(one.content)
    grade.grade(folder / "download", folder / "out", effort=pool.Effort(seconds=5, submission_seconds=150))
    rows = {row["student"]: row for row in rows_of(folder / "out" / "grades.csv")}
    tasks = {(row["student"], row["task"]): row for row in rows_of(folder / "out" / "tasks.csv")}
    loose = {}
    for number, one in enumerate(all_attacks):
        row = rows[student := f"Attack {number}"]
        if not attacks.contained(one, row, tasks.get((student, f"ex06_{attacks.TASK}"), {})):
            loose[one.name] = row
    for name, row in loose.items():
        print(f"not contained: {name}: {row}", flush=True)
    return "attacks contained", len(all_attacks) - len(loose), len(all_attacks)


def main() -> None:
    lines = []
    for judge in (judge_bank, judge_noise, judge_attacks):
        with tempfile.TemporaryDirectory() as folder:
            found = judge(Path(folder))
            lines += found if isinstance(found, list) else [found]
    print(f"\nPython {platform.python_version()}, {platform.machine()}, {os.cpu_count()} cores\n")
    print("| | | of |\n|---|---|---|")
    for told, good, total in lines:
        print(f"| {told} | {good} | {total} |")


if __name__ == "__main__":
    main()
