"""Stamps seconds and peak memory of each lesson, from the last `make course`, into README.md and docs/instructors.md.

    python benchmarks/readme_table.py      (make readme-table), on the machine that ran the course

What a lesson teaches is written in the README's table by hand, and nowhere else: a new lesson needs its row first.
"""

import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from sentiment_kit import course, files, profiles

ROOT = Path(__file__).resolve().parents[1]
BEGIN, END = "<!-- the lessons: figures by make readme-table, words by hand -->", "<!-- end of the lessons -->"
ROW = re.compile(r"^(\| \[[^\]]+\]\(notebooks/(?P<name>\w+)\.ipynb\) \| .+? )\| [^|]* \| [^|]* \|$", re.MULTILINE)


class StampError(RuntimeError):
    """Nothing was written; the message says what to do."""


def last_run(folder: Path) -> dict:
    """The summary of a finished run.

    Raises:
        StampError: There is none, or it was made under another profile, or with other versions than those here.
    """
    path = folder / "latest" / "summary.json"
    summary = files.read_json(path) if path.exists() else {}
    done = {one["name"] for one in summary.get("lessons", ())}
    missing = [one.name for one in course.LESSONS if one.name not in done]
    if missing or not summary["finished"]:
        lacks = ", ".join(missing) or "its end"
        raise StampError(f"there is no finished run in {path.parent}, it lacks {lacks}: run `make course`")
    if summary["profile"] != "laptop":
        raise StampError(f"the run in {path.parent} is no run of the laptop profile: run `make course` with that")
    if summary["versions"] != course.versions():
        raise StampError(f"the run in {path.parent} was made with other versions than those here: run `make course`")
    return summary


def stamp_readme(text: str, summary: dict, *, machine: str) -> str:
    """The README with the run's figures in the rows of its table, and total, machine and date below it.

    Raises:
        StampError: The marks around the table are missing, or its rows are not the lessons in their order.
    """
    before, begin, rest = text.partition(BEGIN)
    inside, end, after = rest.partition(END)
    if not (begin and end):
        raise StampError(f"README.md lacks {BEGIN} or {END}: put them around the table of lessons")
    measured = {one["name"]: one for one in summary["lessons"]}
    if [row["name"] for row in ROW.finditer(inside)] != list(measured):
        raise StampError(f"README.md's table needs one row for each lesson, in order: {', '.join(measured)}")

    def row(found: re.Match) -> str:
        one = measured[found["name"]]
        return f"{found[1]}| {one['seconds']:.0f} | {one['peak_memory_mb'] * 2**20 / 1e9:.1f} GB |"

    table = inside[: max(found.end() for found in ROW.finditer(inside))]
    minutes = sum(one["seconds"] for one in measured.values()) / 60
    told = f"Computing time, {minutes:.0f} minutes in all; reading takes longer."
    run = f"Run on {summary['finished'][:10]}: {machine}."
    return f"{before}{begin}{ROW.sub(row, table)}\n\n{told} {run}\n\n{end}{after}"


def stamp_syllabus(text: str, summary: dict) -> str:
    """The instructors' guide with the run's seconds in the rows of its syllabus.

    Raises:
        StampError: A lesson has no row there.
    """
    for one in summary["lessons"]:
        row = rf"^(\| [^|]+ \| [^|]+ \| {one['name'].replace('_', '[ -]')} \|) [^|]+ \|"
        text, found = re.subn(row, rf"\1 {one['seconds']:.0f} s |", text, flags=re.MULTILINE)
        if not found:
            raise StampError(f"the syllabus in docs/instructors.md has no row for {one['name']}: write one")
    return text


def main() -> None:
    """Stamps both files, or neither."""
    from benchmarks import machine

    readme, guide = ROOT / "README.md", ROOT / "docs" / "instructors.md"
    try:
        summary = last_run(profiles.runs_folder())
        stamped = {
            readme: stamp_readme(readme.read_text(encoding="utf-8"), summary, machine=machine.describe()),
            guide: stamp_syllabus(guide.read_text(encoding="utf-8"), summary),
        }
    except StampError as error:
        raise SystemExit(f"nothing was stamped: {error}") from error
    for path, text in stamped.items():
        files.write_text(path, text)
        print(f"stamped: {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
