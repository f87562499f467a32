"""Hostile submissions beside honest ones: each ends in a true status, and nobody else's row changes.

A subset runs always; all of them, and all that must not cost marks, by `make test-grading`.
"""

import csv
import ctypes
import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from sentiment_kit.grading import grade, pool, sandbox
from tests.grading import attacks, noise

pytestmark = pytest.mark.skipif(sandbox.available() is not None, reason=f"no sandbox: {sandbox.available()}")
PR_SET_CHILD_SUBREAPER = 36
HONEST = "Honest Hanna_1_1_ex06.ipynb"
EFFORT = pool.Effort(seconds=5, submission_seconds=150)
GRADE = "import sys\nfrom sentiment_kit.grading import grade, pool\ngrade.grade(sys.argv[1], sys.argv[2], effort=pool.Effort(seconds=5, submission_seconds=150))"


def rows_of(out, name="grades.csv"):
    with (out / name).open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def without_seconds(out):
    return [{key: value for key, value in row.items() if key != "seconds"} for row in rows_of(out)]


def run_together(tmp_path, files):
    """Grades files in one download, beside an honest one, with a file outside that nobody may touch."""
    download, out = tmp_path / "download", tmp_path / "out"
    download.mkdir()
    (tmp_path / "outside.txt").write_text("mine", encoding="utf-8")
    for name, content in {**files, HONEST: noise.honest()}.items():
        (download / name).write_bytes(content)
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)  # what outlives its parent becomes a child of this process
    before = {one.pid for one in psutil.Process().children(recursive=True)}
    grade.grade(download, out, effort=EFFORT)
    assert (tmp_path / "outside.txt").read_text(encoding="utf-8") == "mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["download", "out", "outside.txt"]
    left = [one for one in psutil.Process().children(recursive=True) if one.pid not in before]
    assert [one for one in left if one.status() != psutil.STATUS_ZOMBIE] == []
    return out


def check_honest(rows):
    assert (rows["Honest Hanna"]["status"], rows["Honest Hanna"]["score"]) == ("needs_manual", "16")
    assert rows["Honest Hanna"]["message"] == ""


def check_attacks(tmp_path, wanted):
    files = {f"Attack {number}_{number}_1_ex06.ipynb": one.content for number, one in enumerate(wanted)}
    out = run_together(tmp_path, files)
    rows = {row["student"]: row for row in rows_of(out)}
    tasks = {(row["student"], row["task"]): row for row in rows_of(out, "tasks.csv")}
    check_honest(rows)
    pairs = {one: (rows[f"Attack {number}"], tasks.get((f"Attack {number}", f"ex06_{attacks.TASK}"), {}))
             for number, one in enumerate(wanted)}  # fmt: skip
    assert {one.name: pair for one, pair in pairs.items() if not attacks.contained(one, *pair)} == {}
    for page in out.glob("feedback/*/*.html"):
        assert "<script>alert" not in page.read_text(encoding="utf-8")
    assert "\x1b" not in (out / "grades.csv").read_text(encoding="utf-8")
    return out


def check_noises(tmp_path, names):
    made = {name: noise.NOISES[name](noise.honest()) for name in names}
    out = run_together(tmp_path, {file: content for file, content in made.values()})
    rows = rows_of(out)
    check_honest({row["student"]: row for row in rows})
    assert len(rows) == len(names) + 1
    lost = [row for row in rows if (row["status"], row["score"]) != ("needs_manual", "16")]
    assert lost == []


def test_the_most_telling_attacks_are_contained(tmp_path):
    wanted = [one for one in attacks.attacks(tmp_path / "out") if one.quick]
    assert len(wanted) >= 12
    check_attacks(tmp_path, wanted)


def test_the_most_common_noise_costs_nothing(tmp_path):
    check_noises(tmp_path, noise.QUICK)


@pytest.mark.bank
@pytest.mark.parametrize("part", range(4))
def test_all_attacks_are_contained(tmp_path, part):
    check_attacks(tmp_path, attacks.attacks(tmp_path / "out")[part::4])


@pytest.mark.bank
@pytest.mark.parametrize("part", range(3))
def test_no_noise_costs_anything(tmp_path, part):
    check_noises(tmp_path, sorted(noise.NOISES)[part::3])


# ---------------------------------------------------------------- killed, and graded again


@pytest.fixture(scope="module")
def three(tmp_path_factory):
    """A download of three, and what grading it undisturbed gives."""
    folder = tmp_path_factory.mktemp("three")
    (folder / "download").mkdir()
    for number in range(3):
        (folder / "download" / f"Student {number}_{number}_1_ex06.ipynb").write_bytes(noise.honest())
    grade.grade(folder / "download", folder / "out", effort=EFFORT)
    return folder


def test_a_killed_run_goes_on_where_it_was(three, tmp_path):
    out = tmp_path / "out"
    process = subprocess.Popen(
        [sys.executable, "-c", GRADE, str(three / "download"), str(out)], stderr=subprocess.DEVNULL
    )
    while not (kept := list(out.glob("results/*/ex06.json"))):
        assert process.poll() is None, "it ended before it could be killed"
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    finished = {path: path.stat().st_mtime_ns for path in kept}
    assert len(finished) < 3 and not (out / "grades.csv").exists()
    grade.grade(three / "download", out, effort=EFFORT)
    assert {path: path.stat().st_mtime_ns for path in kept} == finished  # not run twice
    assert without_seconds(out) == without_seconds(three / "out")


def test_a_submission_that_crashes_on_the_second_grading_loses_its_score(three, tmp_path):
    download, out = tmp_path / "download", tmp_path / "out"
    download.mkdir()
    file = download / "Student 0_0_1_ex06.ipynb"
    for content, status, score in ((noise.honest(), "needs_manual", "16"), (b"", "unreadable", "")):
        file.write_bytes(content)
        grade.grade(download, out, effort=EFFORT)
        (row,) = rows_of(out)
        assert (row["status"], row["score"]) == (status, score)
    with grade.opened(out) as run:
        (one,) = run.results
        marks = run.book.marks(run.exercises["ex06"], one.student, run.results[one])
    assert [mark.score for mark in marks] == [None] * len(marks) and all(mark.waits for mark in marks)
    assert not list(out.glob("autograded/*/*/*.ipynb"))


def test_only_one_grader_works_in_a_folder(three):
    with grade.opened(three / "out"), pytest.raises(grade.GradingError, match="another grader"):
        grade.grade(three / "download", three / "out", effort=EFFORT)


def test_a_download_that_is_hostile_itself_is_read_and_not_unpacked(tmp_path):
    if os.name != "posix":
        pytest.skip("links need rights there")
    download = tmp_path / "download"
    (download / "Honest Hanna_1_1_").mkdir(parents=True)
    secret = tmp_path / "secret.ipynb"
    secret.write_bytes(noise.honest())
    (download / HONEST).write_bytes(noise.honest())
    (download / "Link Lea_2_2_ex06.ipynb").symlink_to(secret)
    (download / "$(touch x);=cmd|A1_3_3_ex06.ipynb").write_bytes(b"")
    grade.grade(download, tmp_path / "out", effort=EFFORT)
    rows = {row["student"]: row for row in rows_of(tmp_path / "out")}
    check_honest(rows)
    assert rows["Link Lea"]["status"] == "unreadable" and "link" in rows["Link Lea"]["message"]
    assert len(rows) == 3 and not (tmp_path / "x").exists()
