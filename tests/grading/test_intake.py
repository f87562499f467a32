"""Intake: whose a file is and which exercise it answers, in every shape of download; nothing outside is touched."""

import contextlib
import csv
import json
import os
import re
import stat
import struct
import sys
import time
import unicodedata
import zipfile

import pytest

from sentiment_kit.grading import intake
from sentiment_kit.grading.intake import IntakeError, Student, read_roster, read_roster_rows, take_in

EMPTY = b'{"cells": [{"cell_type": "code", "source": "1"}]}'  # a notebook that says nothing of its exercise
NFC, NFD = "Zo\u00eb M\u00fcller", unicodedata.normalize("NFD", "Zo\u00eb M\u00fcller")
POSIX_NAMES = pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="such file names are Linux's")


@pytest.fixture(params=["folder", "zip"])
def download(request, tmp_path):
    """Writes files to a folder, and to a zip, and gives either."""

    def write(files):
        files = files if isinstance(files, dict) else dict.fromkeys(files, EMPTY)
        if request.param == "zip":
            return zipped(tmp_path / "download.zip", files)
        for name, content in files.items():
            path = tmp_path / "download" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        return tmp_path / "download"

    return write


def zipped(path, files):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def patched(path, member, offset, code, value):
    """Writes a number into both headers of a member: ``offset`` is that in the local one."""
    with zipfile.ZipFile(path) as archive:
        local = archive.getinfo(member).header_offset
        central = archive.start_dir
        for one in archive.infolist():
            if one.filename == member:
                break
            central += 46 + len(one.filename.encode()) + len(one.extra) + len(one.comment)
    content = bytearray(path.read_bytes())
    assert content[local : local + 4] == b"PK\x03\x04" and content[central : central + 4] == b"PK\x01\x02"
    struct.pack_into(code, content, local + offset, value)
    struct.pack_into(code, content, central + offset + 2, value)
    path.write_bytes(content)
    return path


FLAGS, METHOD, SIZE = (6, "<H"), (8, "<H"), (22, "<I")
EXPECTED = "expected a column 'student' (and 'id', if the LMS has one), and at least one row"


def listed(found):
    return [(one.student.name, one.student.id, one.exercise, one.file.name) for one in found.submissions]


# ---------------------------------------------------------------- shapes of downloads


@pytest.mark.parametrize(
    ("name", "student", "number"),
    [
        # Moodle
        ("Anna Weber_4711_assignsubmission_file_/ex07.ipynb", "Anna Weber", "4711"),
        ("Anna Weber_4711_assignsubmission_file_/part 1/ex07.ipynb", "Anna Weber", "4711"),
        ("Anna Weber_4711_assignsubmission_file_ex07.ipynb", "Anna Weber", "4711"),
        ("Anna_Maria van Weber_4711_assignsubmission_file_/ex07.ipynb", "Anna_Maria van Weber", "4711"),
        ("course 12/Anna Weber_4711_assignsubmission_file_/ex07.ipynb", "Anna Weber", "4711"),
        ("course 12/Anna Weber_4711_assignsubmission_file_ex07.ipynb", "Anna Weber", "4711"),
        # Canvas
        ("weberanna_4711_98765_ex07.ipynb", "weberanna", "4711"),
        ("weberanna_LATE_4711_98765_ex07.ipynb", "weberanna", "4711"),
        ("weberanna_LATE_4711_98765_ex07-1.ipynb", "weberanna", "4711"),
        ("weberanna_4711_98765_my_own_ex07-12.ipynb", "weberanna", "4711"),
        ("submissions/weberanna_4711_98765_ex07.ipynb", "weberanna", "4711"),
        # a name, a number, the file
        ("weber_anna_4711_ex07.ipynb", "weber_anna", "4711"),
        ("weber_4711_ex07_final.ipynb", "weber", "4711"),
        # a folder for each student
        ("weber_anna/ex07.ipynb", "weber_anna", ""),
        ("Anna Weber/my ex07.ipynb", "Anna Weber", ""),
        ("submissions/weber_anna/ex07.ipynb", "weber_anna", ""),
        ("submissions/ex07/weber_anna/ex07.ipynb", "weber_anna", ""),
        ("ex07/weber_anna/ex07.ipynb", "weber_anna", ""),
        ("EX07/weber_anna/ex07.ipynb", "weber_anna", ""),
        # no folder
        ("weber_anna_ex07.ipynb", "weber_anna", ""),
        ("weber-anna-ex07.ipynb", "weber-anna", ""),
        ("Anna Weber ex07 final.ipynb", "Anna Weber", ""),
        # Colab's and browsers' copies
        ("weber_anna/Copy of ex07.ipynb", "weber_anna", ""),
        ("weber_anna/ex07 (1).ipynb", "weber_anna", ""),
        ("Anna Weber_4711_assignsubmission_file_/Copy of ex07.ipynb", "Anna Weber", "4711"),
        ("weberanna_4711_98765_Copy of ex07.ipynb", "weberanna", "4711"),
    ],
)
def test_a_path_tells_its_student(download, exercises, name, student, number):
    found = take_in(download([name]), exercises)
    assert listed(found) == [(student, number, "ex07", name)]
    assert found.aside == [] and found.submissions[0].note == ""
    assert found.submissions[0].file.read() == EMPTY and found.submissions[0].file.problem is None


def test_a_file_without_exercise_in_its_name_tells_its_student(exercises, tmp_path, answered):
    source = zipped(tmp_path / "all.zip", {"weber_anna.ipynb": json.dumps(answered)})
    assert listed(take_in(source, exercises)) == [("weber_anna", "", "ex07", "weber_anna.ipynb")]


@pytest.mark.parametrize(
    ("name", "student", "number"),
    [
        ("weber_anna/ex07/ex07.ipynb", "weber_anna", ""),  # as nbgrader keeps them
        ("ex07/weber_anna.ipynb", "weber_anna", ""),
        ("ex07/weber_anna_ex07.ipynb", "weber_anna", ""),
        ("weber_anna/copy_1_ex07.ipynb", "weber_anna", ""),
        ("Anna Weber_4711_assignsubmission_file_/Bob Fox_12_assignsubmission_file_/ex07.ipynb", "Anna Weber", "4711"),
    ],
)
def test_a_path_tells_its_student_here_too(download, exercises, name, student, number):
    assert listed(take_in(download([name]), exercises)) == [(student, number, "ex07", name)]


def test_files_of_several_students_in_a_folder_stay_apart(download, exercises):
    source = download(["submissions/weber_anna_ex07.ipynb", "submissions/fox_bob_ex07.ipynb"])
    assert [name for name, *_ in listed(take_in(source, exercises))] == ["fox_bob", "weber_anna"]


def test_a_zip_with_backslashes_is_read_as_windows_meant_it(exercises, tmp_path):
    source = zipped(tmp_path / "all.zip", {"weber_anna\\ex07.ipynb": EMPTY, "fox_bob\\ex07.ipynb": EMPTY})
    assert [name for name, *_ in listed(take_in(source, exercises))] == ["fox_bob", "weber_anna"]


def test_an_online_text_of_moodle_makes_no_student(download, exercises):
    source = download(["Anna Weber_4711_assignsubmission_onlinetext_/onlinetext.html"])
    found = take_in(source, exercises, only="ex07")
    assert [one.student for one in found.submissions] in ([], [Student("Anna Weber", "4711")])


def test_a_folder_named_after_an_exercise_is_no_student(download, exercises):
    found = take_in(download(["ex07/ex07.ipynb", "EX08/ex08.ipynb"]), exercises)
    assert found.submissions == [] and {reason for _, reason in found.aside} == {"no pattern tells whose it is"}
    assert len(found.aside) == 2


def test_each_submission_is_read_from_its_own_file(download, exercises):
    contents = {f"w_{number}_ex07.ipynb": b"%d" % number for number in range(3)}
    found = take_in(download(contents), exercises)
    assert {one.file.name: one.file.read() for one in found.submissions} == contents


def test_submissions_are_sorted_by_name_number_and_exercise(download, exercises):
    names = ["Bob_2_ex07.ipynb", "anna_9_ex08.ipynb", "anna_9_ex07.ipynb", "Bob_1_ex07.ipynb", "carla_1_ex07.ipynb"]
    found = listed(take_in(str(download(names)), exercises))
    assert [(name, number, exercise) for name, number, exercise, _ in found] == [
        ("anna", "9", "ex07"),
        ("anna", "9", "ex08"),
        ("Bob", "1", "ex07"),
        ("Bob", "2", "ex07"),
        ("carla", "1", "ex07"),
    ]


# ---------------------------------------------------------------- several attempts


@pytest.mark.parametrize(
    ("names", "last"),
    [
        (["w_1_9_ex07.ipynb", "w_1_8_ex07-1.ipynb", "w_1_7_ex07-2.ipynb"], "w_1_7_ex07-2.ipynb"),
        (
            ["W W_1_assignsubmission_file_ex07-1.ipynb", "W W_1_assignsubmission_file_ex07.ipynb"],
            "W W_1_assignsubmission_file_ex07-1.ipynb",
        ),
        (["w_1_9_ex07-9.ipynb", "w_LATE_1_8_ex07-10.ipynb", "w_1_7_ex07.ipynb"], "w_LATE_1_8_ex07-10.ipynb"),
        (["w/ex07.ipynb", "w/ex07 (1).ipynb", "w/ex07 (2).ipynb"], "w/ex07 (2).ipynb"),
        (["w/ex07(11).ipynb", "w/ex07(2).ipynb"], "w/ex07(11).ipynb"),
        (["w/ex07_attempt_2.ipynb", "w/ex07 Attempt 10.ipynb"], "w/ex07 Attempt 10.ipynb"),
        (["w/ex07.ipynb", "w/ex07_final.ipynb"], "w/ex07_final.ipynb"),
        (["w/ex07.ipynb", "w/Copy of ex07.ipynb"], "w/ex07.ipynb"),
    ],
)
def test_of_several_attempts_the_last_counts_and_is_noted(download, exercises, names, last):
    found = take_in(download(names), exercises)
    assert [one.file.name for one in found.submissions] == [last]
    name = re.sub(r"^w/|^w_.*\d_(?=ex)|^W.*file_", "", last)
    assert found.submissions[0].note == f"{len(names)} files, graded {name}"


def test_attempts_at_other_exercises_or_of_others_are_no_attempts(download, exercises):
    names = ["w_1_9_ex07.ipynb", "w_1_8_ex08-1.ipynb", "v_2_7_ex07-2.ipynb"]
    found = take_in(download(names), exercises)
    assert len(found.submissions) == 3 and not any(one.note for one in found.submissions)


def test_two_students_of_one_name_and_other_numbers_stay_apart(download, exercises):
    found = take_in(download(["Anna Weber_1_ex07.ipynb", "Anna Weber_2_ex07.ipynb"]), exercises)
    assert [one.student for one in found.submissions] == [Student("Anna Weber", "1"), Student("Anna Weber", "2")]
    assert len({one.student.slug for one in found.submissions}) == 2


# ---------------------------------------------------------------- a pattern of one's own


def test_a_pattern_of_ones_own_is_the_only_one(download, exercises):
    pattern = r"(?P<attempt>\d+)/ID(?P<id>\w+) (?P<student>.+)\.ipynb"
    names = ["1/IDx9 Weber_ex07.ipynb", "2/IDx9 Weber_ex07.ipynb", "10/IDx9 Weber_ex07.ipynb", "weber_anna/ex07.ipynb"]
    found = take_in(download(names), exercises, pattern=pattern)
    assert listed(found) == [("Weber_ex07", "x9", "ex07", "10/IDx9 Weber_ex07.ipynb")]
    assert found.submissions[0].note == "3 files, graded IDx9 Weber_ex07.ipynb"
    assert found.aside == [("weber_anna/ex07.ipynb", "no pattern tells whose it is")]


def test_a_pattern_needs_no_more_than_a_student(download, exercises):
    found = take_in(download(["x-anna-ex07.ipynb"]), exercises, pattern=r"x-(?P<student>\w+)-.*")
    assert listed(found) == [("anna", "", "ex07", "x-anna-ex07.ipynb")]


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("(?P<student>", "^the pattern is no regular expression: "),
        ("*", "^the pattern is no regular expression: "),
        (r"(?P<name>\w+)/.*", r"^the pattern needs a group \(\?P<student>\.\.\.\)$"),
    ],
)
def test_a_pattern_that_cannot_be_used_is_refused(download, exercises, pattern, message):
    with pytest.raises(IntakeError, match=message):
        take_in(download(["weber_anna/ex07.ipynb"]), exercises, pattern=pattern)


def test_an_attempt_that_is_no_number_is_refused_or_passed_over(download, exercises):
    source = download(["anna-b-ex07.ipynb", "anna--ex07.ipynb"])
    with contextlib.suppress(IntakeError):
        take_in(source, exercises, pattern=r"(?P<student>\w+)-(?P<attempt>\w*)-.*")


# ---------------------------------------------------------------- which exercise


def test_a_renamed_file_is_known_by_its_content(download, exercises, answered):
    found = take_in(download({"weber_anna/ex08 final.ipynb": json.dumps(answered).encode()}), exercises)
    assert listed(found) == [("weber_anna", "", "ex07", "weber_anna/ex08 final.ipynb")]


def test_a_file_that_says_nothing_is_set_aside_unless_only_one_exercise_is_graded(download, exercises):
    source = download(["weber_anna/homework.ipynb"])
    found = take_in(source, exercises)
    reason = "no telling which exercise it is: name it, or use --exercise"
    assert (found.submissions, found.aside) == ([], [("weber_anna/homework.ipynb", reason)])
    found = take_in(source, exercises, only="ex08")
    assert listed(found) == [("weber_anna", "", "ex08", "weber_anna/homework.ipynb")] and found.aside == []


def test_content_tells_more_than_the_only_exercise(download, exercises, answered):
    source = download({"weber_anna/homework.ipynb": json.dumps(answered).encode()})
    assert take_in(source, exercises, only="ex08").submissions[0].exercise == "ex07"


# ---------------------------------------------------------------- other files


@pytest.mark.parametrize("name", ["ex07.pdf", "ex07.py", "ex07.ipynb.txt", "ex07.html"])
def test_something_else_than_a_notebook_gets_a_row_that_says_so(download, exercises, name):
    found = take_in(download({f"weber_anna/{name}": b"%PDF-1.7"}), exercises)
    assert listed(found) == [("weber_anna", "", "ex07", f"weber_anna/{name}")]
    assert found.submissions[0].file.problem == f"{name} is not a notebook: hand in the .ipynb file"
    assert found.aside == []


def test_something_else_of_unknown_name_gets_a_row_if_only_one_exercise_is_graded(download, exercises):
    found = take_in(download({"weber_anna/homework.pdf": b"%PDF-1.7"}), exercises, only="ex07")
    assert found.submissions[0].file.problem == "homework.pdf is not a notebook: hand in the .ipynb file"


def test_something_else_beside_a_notebook_changes_nothing(download, exercises):
    found = take_in(download(["w/ex07.ipynb", "w/ex07.pdf", "w/ex07 (3).py"]), exercises)
    assert listed(found) == [("w", "", "ex07", "w/ex07.ipynb")]
    assert found.submissions[0].note == "" and found.submissions[0].file.problem is None


def test_something_else_for_one_exercise_beside_a_notebook_for_another_gets_a_row(download, exercises):
    found = take_in(download(["w/ex07.ipynb", "w/ex08.pdf"]), exercises)
    assert [(one.exercise, bool(one.file.problem)) for one in found.submissions] == [("ex07", False), ("ex08", True)]


def test_the_ending_may_be_in_capitals(download, exercises):
    assert take_in(download(["w/EX07.IPYNB"]), exercises).submissions[0].file.problem is None


def test_unknown_files_are_set_aside_with_the_reason(download, exercises):
    found = take_in(download(["readme.txt", "weber_anna/notes.txt", "ex07.ipynb", "weber_anna/picture.png"]), exercises)
    no_row = "not a notebook, and it names no exercise: --exercise gives it a row"
    assert found.submissions == []
    assert sorted(found.aside) == [
        ("ex07.ipynb", "no pattern tells whose it is"),
        ("readme.txt", "no pattern tells whose it is"),
        ("weber_anna/notes.txt", no_row),
        ("weber_anna/picture.png", no_row),
    ]


def test_what_computers_leave_in_folders_is_passed_over(download, exercises):
    names = ["__MACOSX/weber_anna/._ex07.ipynb", "__MACOSX/weber_anna/ex07.ipynb", "weber_anna/.DS_Store"]
    names += ["weber_anna/.ipynb_checkpoints/ex07-checkpoint.ipynb", ".git/x/ex07.ipynb", "weber_anna/Thumbs.db"]
    names += ["desktop.ini", "all/__MACOSX/fox_bob/ex07.ipynb", "weber_anna/._ex07.ipynb"]
    found = take_in(download(names), exercises)
    assert (found.submissions, found.aside) == ([], [])
    assert len(take_in(download(["my__MACOSX/ex07.ipynb"]), exercises).submissions) == 1


def test_a_download_without_files_is_empty(tmp_path, exercises):
    (tmp_path / "nothing").mkdir()
    for source in (tmp_path / "nothing", zipped(tmp_path / "nothing.zip", {"folder/": b""})):
        found = take_in(source, exercises)
        assert (found.submissions, found.aside) == ([], [])


# ---------------------------------------------------------------- downloads that mean harm, or are broken


@pytest.mark.parametrize(
    "name", ["/etc/w_1_ex07.ipynb", "C:/w_1_ex07.ipynb", "c:w_1_ex07.ipynb", "w\\..\\..\\x_1_ex07.ipynb"]
)
def test_a_path_that_leads_out_of_a_zip_is_set_aside(tmp_path, exercises, name):
    found = take_in(zipped(tmp_path / "all.zip", {name: EMPTY, "weber_anna/ex07.ipynb": EMPTY}), exercises)
    assert found.aside == [(name, "its path leads out of the archive")]
    assert [one.student.name for one in found.submissions] == ["weber_anna"]


@pytest.mark.parametrize(
    "name", ["../w_1_ex07.ipynb", "w/../../x_1_ex07.ipynb", "..\\w_1_ex07.ipynb", "\\\\host\\w_1_ex07.ipynb"]
)
def test_a_path_that_leads_out_of_a_zip_has_no_student(tmp_path, exercises, name):
    found = take_in(zipped(tmp_path / "all.zip", {name: EMPTY, "weber_anna/ex07.ipynb": EMPTY}), exercises)
    plain = [one.student.slug for one in found.submissions]
    assert "weber-anna" in plain[-1] and all(re.fullmatch("[a-z0-9-]+", slug) for slug in plain)
    assert len(plain) == 1 or name.startswith("\\\\")


@pytest.mark.parametrize("name", ["../w_1_ex07.ipynb", "w/../../x_1_ex07.ipynb", "..\\w_1_ex07.ipynb"])
def test_a_path_with_two_dots_is_set_aside(tmp_path, exercises, name):
    assert take_in(zipped(tmp_path / "all.zip", {name: EMPTY}), exercises).aside == [
        (name, "its path leads out of the archive")
    ]


def test_nothing_is_unpacked(tmp_path, exercises):
    inside = tmp_path / "inside"
    inside.mkdir()
    source = zipped(inside / "all.zip", {"../w_1_ex07.ipynb": EMPTY, "w_2_ex07.ipynb": EMPTY, f"{tmp_path}/y": EMPTY})
    take_in(source, exercises).submissions[0].file.read()
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["all.zip", "inside"]


def test_a_link_in_a_zip_is_no_file(tmp_path, exercises):
    entry = zipfile.ZipInfo("weber_anna/ex07.ipynb")
    entry.create_system, entry.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.writestr(entry, "/etc/passwd")
    (one,) = take_in(tmp_path / "all.zip", exercises).submissions
    assert one.file.problem == "it is a link, not a file"


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_no_link_in_a_folder_is_followed(tmp_path, exercises, answered):
    outside = tmp_path / "outside"
    (outside / "fox_bob").mkdir(parents=True)
    for path in (outside / "ex07.ipynb", outside / "fox_bob" / "ex07.ipynb"):
        path.write_text(json.dumps(answered))
    folder = tmp_path / "download" / "weber_anna"
    folder.mkdir(parents=True)
    (folder / "ex08.ipynb").symlink_to(outside / "ex07.ipynb")  # its content would say ex07
    (folder / "more").symlink_to(outside)
    (tmp_path / "download" / "linked").symlink_to(outside)
    (folder / "ex07 gone.ipynb").symlink_to(tmp_path / "nowhere")
    found = take_in(tmp_path / "download", exercises)
    assert listed(found) == [
        ("weber_anna", "", "ex07", "weber_anna/ex07 gone.ipynb"),
        ("weber_anna", "", "ex08", "weber_anna/ex08.ipynb"),
    ]
    assert {one.file.problem for one in found.submissions} == {"it is a link, not a file"}
    assert "linked" in [name for name, _ in found.aside] and len(found.aside) <= 2


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes there")
def test_a_pipe_in_a_folder_is_not_waited_for(tmp_path, exercises):
    (tmp_path / "w").mkdir()
    os.mkfifo(tmp_path / "w" / "ex07.ipynb")
    assert take_in(tmp_path, exercises).submissions == []


def test_a_member_that_says_it_is_huge_is_not_read(tmp_path, exercises):
    source = zipped(tmp_path / "all.zip", {"weber_anna/ex07.ipynb": b"0" * 2000, "fox_bob/ex07.ipynb": EMPTY})
    patched(source, "weber_anna/ex07.ipynb", *SIZE, 20 * 1024 * 1024 + 1)
    bob, anna = take_in(source, exercises).submissions
    assert anna.file.problem == "it is larger than 20 MB" and bob.file.problem is None


def test_a_member_that_is_huge_is_not_read(tmp_path, exercises):
    source = zipped(tmp_path / "all.zip", {"weber_anna/ex07.ipynb": bytes(20 * 1024 * 1024 + 1)})
    assert source.stat().st_size < 30_000
    (one,) = take_in(source, exercises).submissions
    assert one.file.problem == "it is larger than 20 MB"


def test_a_member_that_claims_to_be_small_is_read_no_further(tmp_path, exercises):
    source = zipped(tmp_path / "all.zip", {"weber_anna/ex07.ipynb": bytes(40 * 1024 * 1024)})
    patched(source, "weber_anna/ex07.ipynb", *SIZE, 100)
    (one,) = take_in(source, exercises).submissions
    assert one.file.problem.startswith("it cannot be read (Bad CRC-32")


def test_no_file_is_read_further_than_a_notebook_may_be_long(monkeypatch, download, exercises):
    source = download({"weber_anna/ex07.ipynb": b"x" * 900})
    monkeypatch.setattr(intake, "LARGEST_NOTEBOOK", 1000)
    (one,) = take_in(source, exercises).submissions
    monkeypatch.setattr(intake, "LARGEST_NOTEBOOK", 500)
    assert len(one.file.read()) == 501  # one more: the reader sees that it is too long


def test_an_encrypted_member_is_not_read(tmp_path, exercises):
    source = patched(zipped(tmp_path / "all.zip", {"weber_anna/ex07.ipynb": EMPTY}), "weber_anna/ex07.ipynb", *FLAGS, 1)
    (one,) = take_in(source, exercises).submissions
    assert one.file.problem == "it is encrypted"


def test_a_problem_with_something_else_than_a_notebook_stays_the_problem(tmp_path, exercises):
    source = patched(zipped(tmp_path / "all.zip", {"weber_anna/ex07.pdf": EMPTY}), "weber_anna/ex07.pdf", *FLAGS, 1)
    (one,) = take_in(source, exercises).submissions
    assert one.file.problem == "it is encrypted"


def test_a_member_that_cannot_be_unpacked_is_a_problem_of_its_own(tmp_path, exercises):
    source = zipped(
        tmp_path / "all.zip", {"weber_anna/ex07.ipynb": EMPTY * 50, "fox_bob/ex07.ipynb": EMPTY, "z/ex07.ipynb": EMPTY}
    )
    with zipfile.ZipFile(source) as archive:
        start = archive.getinfo("weber_anna/ex07.ipynb").header_offset + 30 + len("weber_anna/ex07.ipynb")
    content = bytearray(source.read_bytes())
    content[start + 4 : start + 12] = b"\xff" * 8
    source.write_bytes(content)
    patched(source, "z/ex07.ipynb", *METHOD, 77)
    bob, anna, z = take_in(source, exercises).submissions
    assert bob.file.problem is None
    assert anna.file.problem.startswith("it cannot be read (") and z.file.problem.startswith("it cannot be read (")


@pytest.mark.parametrize("kind", ["text", "empty", "truncated", "start only"])
def test_what_is_no_zip_is_refused(tmp_path, exercises, kind):
    whole = zipped(tmp_path / "all.zip", {"weber_anna/ex07.ipynb": EMPTY * 50}).read_bytes()
    content = {"text": b"weber_anna", "empty": b"", "truncated": whole[:-30], "start only": whole[:40]}[kind]
    (tmp_path / "bad.zip").write_bytes(content)
    with pytest.raises(IntakeError) as error:
        take_in(tmp_path / "bad.zip", exercises)
    assert str(error.value).startswith(f"{tmp_path / 'bad.zip'}: neither a folder nor a zip that can be read (")


def test_a_missing_download_is_refused(tmp_path, exercises):
    with pytest.raises(IntakeError) as error:
        take_in(tmp_path / "nowhere.zip", exercises)
    assert str(error.value) == f"{tmp_path / 'nowhere.zip'}: there is no such folder or zip"


def test_a_zip_of_very_many_files_is_refused(tmp_path, monkeypatch, exercises):
    monkeypatch.setattr(intake, "_MOST_FILES", 3)
    names = [f"w_{number}_ex07.ipynb" for number in range(4)]
    assert len(take_in(zipped(tmp_path / "some.zip", dict.fromkeys(names[:3], EMPTY)), exercises).submissions) == 3
    with pytest.raises(IntakeError, match="more than 3 files: this is no download of submissions"):
        take_in(zipped(tmp_path / "all.zip", dict.fromkeys(names, EMPTY)), exercises)


def test_a_zip_whose_names_are_not_the_utf8_they_are_said_to_be_is_refused(tmp_path, exercises):
    source = zipped(tmp_path / "all.zip", {"Zoë_1_ex07.ipynb": EMPTY})
    source.write_bytes(source.read_bytes().replace("ë".encode(), b"\xff\xfe"))
    with pytest.raises(IntakeError):
        take_in(source, exercises)


def test_a_very_long_name_takes_no_time(tmp_path, exercises):
    source = zipped(tmp_path / "all.zip", {"_1" * 12_000 + "/x/y": EMPTY})
    started = time.monotonic()
    take_in(source, exercises)
    assert time.monotonic() - started < 0.3


# ---------------------------------------------------------------- names of students


def test_composed_and_decomposed_names_are_the_same_student(tmp_path, exercises):
    assert NFC != NFD
    source = zipped(tmp_path / "all.zip", {f"{NFC}_1_ex07.ipynb": EMPTY, f"{NFD}_1_ex07-1.ipynb": EMPTY})
    (one,) = take_in(source, exercises).submissions
    assert one.student == Student(NFC, "1") and one.note == "2 files, graded ex07-1.ipynb"


@pytest.mark.parametrize(("encoding", "flag"), [("utf-8", True), ("utf-8", False), ("cp437", False)])
def test_names_in_a_zip_are_read_with_and_without_the_utf8_flag(tmp_path, exercises, encoding, flag):
    placeholder = "Z" * len("Zoë Müller".encode(encoding)) + "_1_ex07.ipynb"
    source = zipped(tmp_path / "all.zip", {placeholder: EMPTY})
    patched(source, placeholder, *FLAGS, 0x800 if flag else 0)
    name = "Zoë Müller_1_ex07.ipynb"
    source.write_bytes(source.read_bytes().replace(placeholder.encode(), name.encode(encoding)))
    (one,) = take_in(source, exercises).submissions
    assert (one.student, one.file.name) == (Student("Zoë Müller", "1"), name)
    assert one.file.read() == EMPTY and one.file.problem is None


@POSIX_NAMES
def test_a_name_that_is_no_utf8_can_be_written_down(tmp_path, exercises):
    for name in (b"M\xfcller_1_ex07.ipynb", b"M\xf6ller_1_ex07.ipynb", b"M\xe4ller.txt"):
        (tmp_path / os.fsdecode(name)).write_bytes(EMPTY)
    found = take_in(tmp_path, exercises)
    assert len({one.student.slug for one in found.submissions}) == 2
    said = [found.aside, [(one.student.name, one.file.name, one.note) for one in found.submissions]]
    assert str(said).encode() and str(found.aside[0][0]).encode() and found.submissions[0].student.name.encode()


@POSIX_NAMES
@pytest.mark.parametrize(
    ("name", "student"),
    [
        ("$(touch x);`id` & 'x' \"y\" | *?<>", "$(touch x);`id` & 'x' \"y\" | *?<>"),
        ("Anna\nWeber\t \r Fox", "Anna Weber Fox"),
        ('=HYPERLINK("http:x","y")', '=HYPERLINK("http:x","y")'),
        ("+1-2@3", "+1-2@3"),
        ("-rf", "-rf"),
        ("王小明", "王小明"),
        ("\u202egnp.anna", "\u202egnp.anna"),
        ("<script>alert(1)<script>", "<script>alert(1)<script>"),
    ],
)
def test_odd_names_stay_names(download, exercises, name, student):
    (one,) = take_in(download([f"{name}_4711_ex07.ipynb"]), exercises).submissions
    assert one.student == Student(student, "4711")
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*-[0-9a-f]{6,}", one.student.slug)
    assert one.file.read() == EMPTY


@POSIX_NAMES
def test_a_newline_in_a_folder_hides_nobody(download, exercises):
    found = take_in(download(["all\nof them/Anna\nWeber_4711_assignsubmission_file_/ex07\n.ipynb"]), exercises)
    assert [one.student for one in found.submissions] == [Student("Anna Weber", "4711")]


def test_slugs_are_plain_and_no_two_students_share_one():
    names = [
        "Anna Weber",
        "anna weber",
        "Anna-Weber",
        "Ánna Weber",
        "Anna Weber ",
        "",
        "...",
        "-",
        "王小明",
        "李小龍",
        "../..",
        "/etc/passwd",
    ]
    names += ["x" * 500, "x" * 501, "CON", "a|1", "$(x)", NFC, NFD]
    students = [Student(name, number) for name in names for number in ("", "1", "2")]
    slugs = [student.slug for student in students]
    assert len(set(slugs)) == len(slugs)
    assert all(re.fullmatch("[a-z0-9][a-z0-9-]*", slug) and len(slug) < 60 for slug in slugs)
    assert Student("Zoë O'Neil; rm -rf", "7").slug.startswith("zoe-o-neil-rm-rf-")
    assert Student("王小明").slug.startswith("student-")


def test_a_slug_is_the_same_each_time():
    assert Student("Anna Weber", "4711").slug == Student("Anna Weber", "4711").slug
    assert re.fullmatch(r"anna-weber-[0-9a-f]{6,}", Student("Anna Weber", "4711").slug)


@pytest.mark.parametrize("name", [" _1_ex07.ipynb", "\t/ex07.ipynb"])
def test_a_blank_is_no_student(tmp_path, exercises, name):
    found = take_in(zipped(tmp_path / "all.zip", {name: EMPTY}), exercises)
    assert all(one.student.name.strip() for one in found.submissions)


# ---------------------------------------------------------------- the roster


def test_a_roster_names_students_and_their_numbers(tmp_path):
    path = tmp_path / "roster.csv"
    path.write_bytes('\ufeffstudent,mail,id\r\n"Weber,  Anna",x@y, 4711 \r\nZoë,z@y,\r\n\r\nBob\r\n'.encode())
    assert read_roster(path) == [Student("Weber, Anna", "4711"), Student("Zoë"), Student("Bob")]
    path.write_text("student\nAnna\n")
    assert read_roster(str(path)) == [Student("Anna")]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", EXPECTED),
        (b"student,id\n", EXPECTED),
        (b"Name,ID\nAnna,1\n", f"{EXPECTED}; there is Name, ID"),
        (b"student;id\nAnna;1\n", f"{EXPECTED}; there is one column with semicolons in it: save the table with commas"),
        (b"student,id\nAnna,1\n ,2\n", "row 2 has no student"),
        (b"id,student\n1\n", "row 1 has no student"),
        ("student\nZoë\n".encode("latin-1"), "cannot be read as CSV (it is not UTF-8): save it as 'CSV UTF-8'"),
        ("student\nZoë\n".encode("utf-16"), "cannot be read as CSV (it is not UTF-8): save it as 'CSV UTF-8'"),
        (b'student\n"' + b"x" * 200_000 + b'"\n', "cannot be read as CSV (field larger"),
    ],
    ids=["empty", "no row", "no column", "semicolons", "blank", "short row", "latin-1", "utf-16", "long"],
)
def test_a_roster_that_cannot_be_used_is_refused(tmp_path, content, message):
    csv.field_size_limit(131_072)  # Python's own: a test that labels a file in this process has raised it
    path = tmp_path / "roster.csv"
    path.write_bytes(content)
    with pytest.raises(IntakeError) as error:
        read_roster(path)
    assert str(error.value).startswith(f"{path}: {message}")


def test_a_roster_says_more_of_a_student_than_the_name(tmp_path):
    (tmp_path / "roster.csv").write_text("student,email\nAnna,anna@x\nZoë,\n", encoding="utf-8")
    assert read_roster_rows(tmp_path / "roster.csv") == {
        Student("Anna"): {"student": "Anna", "email": "anna@x"},
        Student("Zoë"): {"student": "Zoë", "email": ""},
    }


def test_a_missing_roster_is_refused(tmp_path):
    for path in (tmp_path / "nowhere.csv", tmp_path):
        with pytest.raises(IntakeError, match="cannot be read as CSV"):
            read_roster(path)


def test_a_decomposed_name_in_the_roster_is_the_same_student(tmp_path):
    (tmp_path / "roster.csv").write_text(f"student\n{NFD}\n", encoding="utf-8")
    assert read_roster(tmp_path / "roster.csv") == [Student(NFC)]
