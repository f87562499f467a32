"""The doctor finds what is wrong with a machine, and says what to do about it."""

import importlib.metadata
import json
import re
import shutil
import sys
import tomllib
from pathlib import Path
from types import SimpleNamespace

import pytest

import sentiment_kit
from sentiment_kit import cli, data, doctor, profiles

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(autouse=True)
def _healthy(tiny_bert: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that can run the course, whatever this one is."""
    monkeypatch.setenv("SENTIMENT_KIT_ENCODER", str(tiny_bert))
    monkeypatch.setattr(doctor, "MEMORY_GB", 0.01)
    monkeypatch.setattr(doctor, "DISK_GB", 0.01)


@pytest.fixture
def few_reviews(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spares tests of other things the seconds that cleaning three thousand reviews takes."""
    few = data.load_raw().head(20)
    monkeypatch.setattr(data, "load_raw", lambda: few)
    monkeypatch.setattr(data, "split", lambda kept: {})  # and of comparing their splits


def _examined() -> dict[str, doctor.Check]:
    checks = doctor.examine()
    assert all(bool(check.remedy) != check.ok for check in checks), "a remedy for each problem, and for nothing else"
    return {check.name: check for check in checks}


def _problems() -> list[str]:
    return [check.remedy for check in _examined().values() if not check.ok]


def _reviews_copy(folder: Path, patch: pytest.MonkeyPatch) -> Path:
    """Lets the kit read its reviews from a copy, and gives the copy's folder."""
    copy = folder / "data" / "reviews"
    shutil.copytree(REPOSITORY / "data" / "reviews", copy)
    original = profiles.bundled

    def bundled(*parts: str) -> Path:
        path = folder.joinpath(*parts)
        if parts[0] == "data" and not path.exists():
            raise FileNotFoundError(f"{'/'.join(parts)} is missing from the kit: install it again")
        return path if parts[0] == "data" else original(*parts)

    patch.setattr(profiles, "bundled", bundled)
    return copy


def test_a_healthy_machine_is_found_so_in_everything_that_the_course_needs(
    tiny_bert: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["doctor"]) == 0
    *lines, last = capsys.readouterr().out.splitlines()
    assert last == "This machine can run the course."
    assert all(line.startswith("ok ") for line in lines)
    found = {line.split()[1]: line for line in lines}
    assert found.keys() == {"Python", "packages", "device", "memory", "disk", "profile", "encoder", "reviews"}
    assert ".".join(map(str, sys.version_info[:3])) in found["Python"]
    assert f"torch {importlib.metadata.version('torch')}" in found["packages"]
    assert str(tiny_bert) in found["encoder"]
    assert "laptop" in found["profile"]


@pytest.mark.usefixtures("few_reviews")
@pytest.mark.parametrize(("what", "remedy"), [("memory", "close programs"), ("disk", "SENTIMENT_KIT_RUNS")])
def test_too_little_of_something_is_a_problem(monkeypatch: pytest.MonkeyPatch, what: str, remedy: str) -> None:
    monkeypatch.setattr(doctor, f"{what.upper()}_GB", 10**6)
    check = _examined()[what]
    assert not check.ok
    assert remedy in check.remedy
    assert "1000000 GB" in check.remedy


@pytest.mark.usefixtures("few_reviews")
def test_the_disk_that_counts_is_that_of_the_runs_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked = []
    monkeypatch.setenv("SENTIMENT_KIT_RUNS", str(tmp_path / "not" / "yet" / "there"))
    monkeypatch.setattr(shutil, "disk_usage", lambda path: asked.append(Path(path)) or SimpleNamespace(free=5 * 2**30))
    assert _examined()["disk"].found == "5 GB free"
    assert asked == [tmp_path]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("few_reviews")
def test_an_old_python_is_a_problem_where_the_package_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lowest = tuple(map(int, project["requires-python"].removeprefix(">=").split(".")))
    monkeypatch.setattr(doctor, "sys", SimpleNamespace(version_info=(lowest[0], lowest[1] - 1, 9)))
    check = _examined()["Python"]
    assert not check.ok
    assert check.found == f"{lowest[0]}.{lowest[1] - 1}.9"
    assert f"{lowest[0]}.{lowest[1]}" in check.remedy
    monkeypatch.setattr(doctor, "sys", SimpleNamespace(version_info=(*lowest, 0)))
    assert _examined()["Python"].ok


def _version_of(name: str, version: str | None, patch: pytest.MonkeyPatch) -> None:
    """Makes an installed package look as if it were of another version, or not there."""
    original = importlib.metadata.version

    def pretended(asked: str) -> str:
        if asked != name:
            return original(asked)
        if version is None:
            raise importlib.metadata.PackageNotFoundError(asked)
        return version

    patch.setattr(importlib.metadata, "version", pretended)


@pytest.mark.usefixtures("few_reviews")
def test_a_missing_package_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    _version_of("optuna", None, monkeypatch)
    check = _examined()["packages"]
    assert not check.ok
    assert "missing: optuna:" in check.remedy
    assert "pip install -r requirements.txt" in check.remedy


@pytest.mark.usefixtures("few_reviews")
@pytest.mark.parametrize("version", ["4.40.0", "6.0.0"])
def test_a_package_outside_the_range_of_the_project_is_a_problem(monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    """pyproject.toml asks for transformers>=5.15,<6."""
    _version_of("transformers", version, monkeypatch)
    check = _examined()["packages"]
    assert not check.ok
    assert "transformers" in check.remedy


def test_a_package_that_cannot_even_be_imported_is_named_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """This is the case for which a learner calls the doctor: half of the packages are not there."""
    _version_of("datasets", None, monkeypatch)
    monkeypatch.setitem(sys.modules, "datasets", None)  # importing it raises ModuleNotFoundError
    for module in [name for name in sys.modules if name.startswith("sentiment_kit.") and name != "sentiment_kit.cli"]:
        monkeypatch.delitem(sys.modules, module)
        if hasattr(sentiment_kit, module.partition(".")[2]):
            monkeypatch.delattr(sentiment_kit, module.partition(".")[2])
    assert cli.main(["doctor"]) == 1
    printed = capsys.readouterr().out
    assert "datasets" in printed
    assert "pip install" in printed


@pytest.mark.usefixtures("few_reviews")
def test_an_encoder_that_is_not_there_is_a_problem_and_the_rest_is_still_examined(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = list(_examined())
    monkeypatch.setenv("SENTIMENT_KIT_ENCODER", str(tmp_path))
    assert cli.main(["doctor"]) == 1
    printed = capsys.readouterr().out
    remedies = [line for line in printed.splitlines() if "→" in line]
    assert "config.json" in remedies[0]
    assert len(re.findall(r"^(?:ok |NOT) ", printed, re.M)) == len(names)
    assert "can run the course" not in printed


def test_a_thing_has_the_same_name_when_it_is_well_and_when_it_is_not(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SENTIMENT_KIT_ENCODER", str(tmp_path))
    monkeypatch.setattr(profiles, "bundled", lambda *parts: tmp_path.joinpath(*parts))
    assert {name for name, check in _examined().items() if not check.ok} == {"encoder", "reviews"}


@pytest.mark.usefixtures("few_reviews")
def test_an_unknown_profile_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENTIMENT_KIT_PROFILE", "laptpo")
    checks = _examined()
    assert not checks["profile"].ok
    assert "use one of laptop, gpu" in checks["profile"].remedy
    assert checks["reviews"].ok


def test_reviews_that_are_gone_are_a_problem(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (_reviews_copy(tmp_path, monkeypatch) / "raw.csv").unlink()
    (problem,) = _problems()
    assert "raw.csv" in problem


def test_reviews_without_their_columns_are_a_problem(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    raw = _reviews_copy(tmp_path, monkeypatch) / "raw.csv"
    header, _, rest = raw.read_text(encoding="utf-8").partition("\n")
    raw.write_text(header.replace("label", "mood", 1) + "\n" + rest, encoding="utf-8")
    (problem,) = _problems()
    assert "'label'" in problem


def test_reviews_that_were_cut_off_are_a_problem(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A download or a copy that broke off in the middle leaves a file that can still be read."""
    raw = _reviews_copy(tmp_path, monkeypatch) / "raw.csv"
    lines = raw.read_text(encoding="utf-8").splitlines(keepends=True)
    raw.write_text("".join(lines[: len(lines) // 2]), encoding="utf-8")
    assert len(_problems()) == 1


def test_splits_that_were_changed_are_a_problem(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    test = _reviews_copy(tmp_path, monkeypatch) / "test.jsonl"
    rows = [json.loads(line) for line in test.read_text(encoding="utf-8").splitlines()]
    rows[0]["label"] = "neutral" if rows[0]["label"] != "neutral" else "positive"
    test.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    assert len(_problems()) == 1


@pytest.mark.usefixtures("few_reviews")
def test_data_of_ones_own_are_looked_at_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENTIMENT_KIT_DATA", str(tmp_path))
    assert "no train.jsonl in" in _examined()["profile"].remedy
    for name in ("train", "dev", "test"):
        (tmp_path / f"{name}.jsonl").write_text(json.dumps({"text": "fine", "label": 2}) + "\n", encoding="utf-8")
    assert f"data {tmp_path}" in _examined()["profile"].found
