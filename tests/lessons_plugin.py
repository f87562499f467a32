"""pytest plugin of `make lessons`: an empty runs folder for the lessons, and a tripwire in place of the hold-out.

While lessons 03 and 04 run, the hold-out file holds nothing but a line that no reader accepts. A lesson that opens it
before its time fails.
"""

import os
import shutil
import tempfile
from pathlib import Path

import pytest

GUARDED = ("03_fine_tune", "04_tune")
TRIPWIRE = "the hold-out split is closed until lesson 05\n"


def pytest_configure(config: pytest.Config) -> None:
    config.stash_runs = Path(tempfile.mkdtemp(prefix="lessons-"))
    os.environ["SENTIMENT_KIT_RUNS"] = str(config.stash_runs)  # kernels inherit it
    os.environ.setdefault("HF_HUB_OFFLINE", "1")


def pytest_unconfigure(config: pytest.Config) -> None:
    shutil.rmtree(config.stash_runs, ignore_errors=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.path.name)  # stable: cells of a lesson stay in order


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    holdout = item.config.stash_runs / "latest" / "data" / "test.jsonl"
    kept = holdout.with_suffix(".kept")
    if item.path.stem in GUARDED:
        if holdout.exists() and not kept.exists():
            holdout.rename(kept)
            holdout.write_text(TRIPWIRE, encoding="utf-8")
    elif kept.exists():
        if holdout.read_text(encoding="utf-8") != TRIPWIRE:
            raise AssertionError("a guarded lesson wrote the hold-out split")
        kept.replace(holdout)
