"""Files: whole or not at all, whatever interrupts the writing."""

import json
import stat

import pytest

from sentiment_kit import files


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("interruption", [RuntimeError, KeyboardInterrupt, SystemExit])
def test_replacing_leaves_the_old_file_when_the_block_raises(tmp_path, interruption):
    target = tmp_path / "a.txt"
    target.write_text("old")
    with pytest.raises(interruption), files.replacing(target) as part:
        part.write_text("half of the ne")
        assert target.read_text() == "old"  # nor does anybody see the half while it is written
        raise interruption
    assert target.read_text() == "old"
    assert names(tmp_path) == ["a.txt"]


def test_replacing_leaves_no_new_file_when_the_block_raises(tmp_path):
    with pytest.raises(ValueError), files.replacing(tmp_path / "new" / "a.txt") as part:
        part.write_text("half")
        raise ValueError
    assert names(tmp_path / "new") == []


def test_replacing_moves_the_new_file_into_place(tmp_path):
    target = tmp_path / "made" / "on the way" / "a.txt"
    for content in ("first", "second"):
        with files.replacing(target) as part:
            assert part.parent == target.parent  # the same disk, so that moving is one step
            part.write_text(content)
        assert target.read_text() == content
    assert names(target.parent) == ["a.txt"]
    assert stat.S_IMODE(target.stat().st_mode) == 0o644  # others may read it


def test_replacing_folder_leaves_the_old_folder_when_the_block_raises(tmp_path):
    target = tmp_path / "model"
    (target / "deep").mkdir(parents=True)
    (target / "deep" / "weights").write_text("old")
    with pytest.raises(KeyboardInterrupt), files.replacing_folder(target) as part:
        (part / "weights").write_text("half")
        raise KeyboardInterrupt
    assert names(tmp_path) == ["model"]
    assert names(target) == ["deep"]
    assert (target / "deep" / "weights").read_text() == "old"


def test_replacing_folder_leaves_no_new_folder_when_the_block_raises(tmp_path):
    with pytest.raises(ValueError), files.replacing_folder(tmp_path / "model") as part:
        (part / "weights").write_text("half")
        raise ValueError
    assert names(tmp_path) == []


def test_replacing_folder_keeps_nothing_of_the_old_one(tmp_path):
    target = tmp_path / "model"
    for name in ("old.bin", "new.bin"):
        with files.replacing_folder(target) as part:
            assert names(part) == []
            (part / name).write_text(name)
        assert names(target) == [name]
    assert names(tmp_path) == ["model"]
    assert stat.S_IMODE(target.stat().st_mode) == 0o755


def test_write_text_is_utf8_with_plain_line_feeds(tmp_path):
    files.write_text(tmp_path / "a.txt", "Amélie\nnöch\n")
    assert (tmp_path / "a.txt").read_bytes() == "Amélie\nnöch\n".encode()


def test_write_json_leaves_the_old_file_when_a_value_cannot_be_written(tmp_path):
    target = tmp_path / "a.json"
    files.write_json(target, {"film": "Amélie", "scores": [0.5, None]})
    assert json.loads(target.read_text(encoding="utf-8")) == {"film": "Amélie", "scores": [0.5, None]}
    assert "Amélie" in target.read_text(encoding="utf-8")  # readable, not \u00e9
    with pytest.raises(TypeError):
        files.write_json(target, {"film": {1, 2}})
    assert json.loads(target.read_text(encoding="utf-8"))["film"] == "Amélie"
    assert names(tmp_path) == ["a.json"]
