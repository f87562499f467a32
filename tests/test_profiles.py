"""Profiles: which one is in force, and where things lie."""

import shutil
import sys
import types

import pytest

from sentiment_kit import profiles


def test_the_laptop_is_the_default(monkeypatch):
    monkeypatch.delitem(sys.modules, "google.colab", raising=False)
    monkeypatch.setattr(shutil, "which", lambda name: "/usr/bin/" + name)  # a GPU alone is not enough
    assert profiles.active().name == "laptop"
    monkeypatch.setenv("SENTIMENT_KIT_PROFILE", "")
    assert profiles.active().name == "laptop"


@pytest.mark.parametrize(("gpu_tool", "expected"), [("/opt/bin/nvidia-smi", "gpu"), (None, "laptop")])
def test_colab_uses_its_gpu_if_it_has_one(monkeypatch, gpu_tool, expected):
    monkeypatch.setitem(sys.modules, "google.colab", types.ModuleType("google.colab"))
    monkeypatch.setattr(shutil, "which", lambda name: gpu_tool if name == "nvidia-smi" else None)
    assert profiles.active().name == expected
    other = "laptop" if expected == "gpu" else "gpu"
    monkeypatch.setenv("SENTIMENT_KIT_PROFILE", other)  # the variable wins over what is found
    assert profiles.active().name == other


def test_an_unknown_profile_lists_the_known_ones(monkeypatch):
    monkeypatch.setenv("SENTIMENT_KIT_PROFILE", "laptpo")
    with pytest.raises(ValueError, match=r"SENTIMENT_KIT_PROFILE is 'laptpo': use one of laptop, gpu"):
        profiles.active()


def test_data_of_ones_own_stand_in_for_those_of_every_profile(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SENTIMENT_KIT_DATA", "sst")
    for name in profiles.PROFILES:
        monkeypatch.setenv("SENTIMENT_KIT_PROFILE", name)
        assert profiles.active().data == str(tmp_path / "sst")
    monkeypatch.setenv("SENTIMENT_KIT_DATA", "")
    assert profiles.active() == profiles.PROFILES[name]


def test_bundled_finds_the_reviews_and_says_what_is_missing():
    assert profiles.bundled("data", "reviews", "raw.csv").read_text(encoding="utf-8").startswith("review_id,")
    with pytest.raises(FileNotFoundError, match=r"data/reviews/none\.csv is missing from the kit: install it"):
        profiles.bundled("data", "reviews", "none.csv")


def test_bundled_prefers_what_an_installed_wheel_carries(monkeypatch, tmp_path):
    package = tmp_path / "site-packages" / "sentiment_kit"
    inside, beside = package / "bundled" / "data" / "a.csv", package.parent / "data" / "a.csv"
    for path in (inside, beside):
        path.parent.mkdir(parents=True)
        path.write_text("x")
    monkeypatch.setattr(profiles, "__file__", str(package / "profiles.py"))
    assert profiles.bundled("data", "a.csv") == inside
    inside.unlink()
    assert profiles.bundled("data", "a.csv") == beside


def test_runs_folder_is_the_clones_unless_the_variable_or_the_install_says_otherwise(monkeypatch, tmp_path):
    monkeypatch.setenv("SENTIMENT_KIT_RUNS", "~/elsewhere")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert profiles.runs_folder() == (tmp_path / "elsewhere").resolve()
    monkeypatch.delenv("SENTIMENT_KIT_RUNS")
    clone, work = tmp_path / "clone", tmp_path / "work"
    (clone / "notebooks").mkdir(parents=True)
    work.mkdir()
    monkeypatch.chdir(work)
    monkeypatch.setattr(profiles, "__file__", str(clone / "sentiment_kit" / "profiles.py"))
    assert profiles.runs_folder() == clone / "runs"
    (clone / "notebooks").rmdir()  # installed from a wheel: no notebooks beside the package
    assert profiles.runs_folder() == work / "runs"
