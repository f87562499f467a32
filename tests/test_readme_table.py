"""The README's table of lessons: a row for each, stamped whole or not at all, twice the same."""

import re
from pathlib import Path

import pytest

from benchmarks import machine, readme_table
from sentiment_kit import course, files, profiles

ROOT = Path(__file__).resolve().parents[1]
README, GUIDE = ((ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "docs/instructors.md"))
NAMES = [one.name for one in course.LESSONS]
LESSONS = [{"name": name, "seconds": 60.4 + place, "peak_memory_mb": 1500} for place, name in enumerate(NAMES)]
SUMMARY = {"profile": "laptop", "finished": "2026-11-28T19:00:00+00:00", "lessons": LESSONS}


def test_the_readme_and_the_syllabus_have_a_row_for_each_lesson_in_order():
    table = README.partition(readme_table.BEGIN)[2].partition(readme_table.END)[0]
    assert [row["name"] for row in readme_table.ROW.finditer(table)] == NAMES
    titles = re.findall(r"^\| \[(.+?)\]", table, re.MULTILINE)
    assert [re.sub("[ -]", "_", title) for title in titles] == NAMES
    readme_table.stamp_syllabus(GUIDE, SUMMARY)


def test_stamping_changes_figures_and_what_stands_below_them_only():
    once = readme_table.stamp_readme(README, SUMMARY, machine="a machine")
    assert readme_table.stamp_readme(once, SUMMARY, machine="a machine") == once
    stamped = [row[0].split(" | ")[-2:] for row in readme_table.ROW.finditer(once)]
    assert stamped == [[f"{60 + place}", "1.6 GB |"] for place in range(len(NAMES))]
    total = sum(one["seconds"] for one in LESSONS) / 60
    told = f"{total:.0f} minutes in all; reading takes longer. Run on 2026-11-28: a machine.\n"
    assert once.count(told) == once.count("minutes in all") == 1
    words = [[row[1] for row in readme_table.ROW.finditer(text)] for text in (README, once)]
    assert words[0] == words[1]  # what a lesson teaches is written by hand
    outside = [
        re.sub(f"{readme_table.BEGIN}.*{readme_table.END}", "", text, flags=re.DOTALL) for text in (README, once)
    ]
    assert outside[0] == outside[1]


def test_the_syllabus_gets_the_same_seconds():
    once = readme_table.stamp_syllabus(GUIDE, SUMMARY)
    assert readme_table.stamp_syllabus(once, SUMMARY) == once
    changed = [new for old, new in zip(GUIDE.splitlines(), once.splitlines(), strict=True) if old != new]
    assert [row.split(" | ")[3] for row in changed] == [f"{60 + place} s" for place in range(len(NAMES))]


@pytest.fixture
def kit(tmp_path, monkeypatch):
    """A copy of both documents, and a finished run."""
    monkeypatch.setattr(readme_table, "ROOT", tmp_path)
    monkeypatch.setattr(machine, "describe", lambda: "a machine")
    files.write_text(tmp_path / "README.md", README)
    files.write_text(tmp_path / "docs" / "instructors.md", GUIDE)
    monkeypatch.setenv("SENTIMENT_KIT_RUNS", str(tmp_path / "runs"))
    return tmp_path


def finish(**changes):
    run = profiles.runs_folder() / "latest" / "summary.json"
    files.write_json(run, SUMMARY | {"versions": course.versions()} | changes)


def test_both_documents_are_stamped(kit, capsys):
    finish()
    readme_table.main()
    assert "Run on 2026-11-28: a machine." in (kit / "README.md").read_text(encoding="utf-8")
    assert "| 60 s |" in (kit / "docs" / "instructors.md").read_text(encoding="utf-8")
    assert capsys.readouterr().out.split() == ["stamped:", "README.md", "stamped:", str(Path("docs", "instructors.md"))]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        (None, "no finished run in .* lacks 00_start_here"),
        ({"finished": None}, "no finished run in .* lacks its end"),
        ({"lessons": LESSONS[:-1]}, f"lacks {NAMES[-1]}: run `make course`"),
        ({"profile": "gpu"}, "no run of the laptop profile"),
        ({"versions": {}}, "other versions"),
    ],
)
def test_without_such_a_run_nothing_is_written_and_it_says_what_to_do(kit, changes, says):
    if changes is not None:
        finish(**changes)
    with pytest.raises(SystemExit, match=f"nothing was stamped: .*{says}"):
        readme_table.main()
    assert (kit / "README.md").read_text(encoding="utf-8") == README


@pytest.mark.parametrize(
    ("document", "old", "new", "says"),
    [
        ("README.md", readme_table.END, "", "README.md lacks"),
        ("README.md", "notebooks/04_tune.ipynb) |", "notebooks/04_tuna.ipynb) |", "one row for each lesson"),
        ("docs/instructors.md", "| 04 tune |", "| 04 |", "no row for 04_tune"),
    ],
)
def test_a_document_that_does_not_fit_leaves_both_as_they_were(kit, document, old, new, says):
    finish()
    broken = (README if document == "README.md" else GUIDE).replace(old, new)
    files.write_text(kit / document, broken)
    with pytest.raises(SystemExit, match=says):
        readme_table.main()
    assert (kit / document).read_text(encoding="utf-8") == broken
    other = {"README.md": "docs/instructors.md", "docs/instructors.md": "README.md"}[document]
    assert (kit / other).read_text(encoding="utf-8") in (README, GUIDE)
