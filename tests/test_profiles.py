"""Profiles: which one is in force, and where things lie."""

import dataclasses
import re
import shutil
import sys
import types
from pathlib import Path

import nbformat
import numpy as np
import pytest

from benchmarks import bands
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


def test_a_score_stands_beside_what_one_should_see():
    laptop, gpu = profiles.PROFILES["laptop"], profiles.PROFILES["gpu"]
    assert laptop.beside(0.7644, split="holdout").startswith("macro-F1 0.764. What you should see: 0.71 to 0.80 (")
    assert "about 0.666 (published" in gpu.beside(0.7, split="holdout")  # nobody has measured it
    bare = dataclasses.replace(laptop, bands=())
    assert bare.beside(0.7, split="holdout") == (
        "macro-F1 0.700. What you should see has not been measured for the profile laptop yet."
    )


def _band(split):
    return next((one for one in profiles.PROFILES["laptop"].bands if one.split == split), None)


def test_the_bands_follow_from_the_seeds_in_the_documents():
    corpus, performance = (
        (Path(__file__).parents[1] / "docs" / f"{name}.md").read_text(encoding="utf-8")
        for name in ("corpus", "performance")
    )
    rows = dict(re.findall(r"^\| laptop \| (\w+) \| (.+?) \|", performance, re.MULTILINE))
    scores = {split: [float(one) for one in re.findall(r": (0\.\d+)", row)] for split, row in rows.items()}
    row = r"fine-tuned encoder \| 3 \| .+? \| ([\d.]+) \(([\d.]+) to ([\d.]+)\)"
    mean, low, high = map(float, re.search(row, corpus.partition("## Hold-out split")[2]).groups())
    scores["holdout"] += [low, 3 * mean - low - high, high]
    assert {split: len(found) for split, found in scores.items()} == {"validation": 3, "holdout": 6}
    for split, found in scores.items():
        assert bands.band(found) == (_band(split).low, _band(split).high)


def test_a_band_is_the_prediction_interval_of_one_more_run():
    assert bands.band([0.7, 0.7, 0.7]) == (0.7, 0.7)
    drawn = np.random.default_rng(0).normal(0.76, 0.01, size=(2000, 4))
    inside = [low <= one <= high for *seeds, one in drawn for low, high in [bands.band(seeds)]]
    assert 0.94 < np.mean(inside) < 0.98  # 19 of 20, and a little more from rounding outwards


def test_the_committed_lessons_lie_in_their_band():
    found = {}
    for name, split, pattern in (
        ("03_fine_tune", "validation", r"'fine-tuned': ([\d.]+)"),
        ("05_evaluate", "holdout", r"^fine_tuned +\S+ \[.+?\] +([\d.]+)"),
    ):
        cells = nbformat.read(profiles.bundled("notebooks", f"{name}.ipynb"), as_version=4).cells
        printed = "\n".join(
            out.get("data", {}).get("text/plain", "") for cell in cells for out in cell.get("outputs", ())
        )
        found[split] = float(re.search(pattern, printed, re.MULTILINE)[1])
    inside = {split: band.low <= score <= band.high for split, score in found.items() if (band := _band(split))}
    assert inside and all(inside.values()), found
