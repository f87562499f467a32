"""Says whether this machine can run the course, and what to do where it cannot."""

import importlib.metadata
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass

import psutil
import torch

from sentiment_kit import data, models, profiles

MEMORY_GB = 4
DISK_GB = 2
PACKAGES = (
    "torch",
    "transformers",
    "datasets",
    "evaluate",
    "accelerate",
    "scikit-learn",
    "optuna",
    "papermill",
)


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: What it is.
        ok: Whether it is as the course needs it.
        found: What was found.
        remedy: What to do if it is not; empty if it is.
    """

    name: str
    ok: bool
    found: str
    remedy: str = ""


def _python() -> Check:
    found = ".".join(map(str, sys.version_info[:3]))
    return Check("Python", sys.version_info >= (3, 11), found, "install Python 3.11, 3.12 or 3.13")


def _packages() -> Check:
    found, missing = [], []
    for name in PACKAGES:
        try:
            found.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            missing.append(name)
    remedy = f"missing: {', '.join(missing)}: run `pip install -r requirements.txt`"
    return Check("packages", not missing, ", ".join(found), remedy)


def _device() -> Check:
    if torch.cuda.is_available():
        return Check("device", True, torch.cuda.get_device_name())
    return Check("device", True, f"CPU, {psutil.cpu_count(logical=False) or psutil.cpu_count()} cores")


def _memory() -> Check:
    free = psutil.virtual_memory().available / 2**30
    return Check("memory", free >= MEMORY_GB, f"{free:.1f} GB free", f"close programs until {MEMORY_GB} GB are free")


def _disk() -> Check:
    folder = profiles.runs_folder()
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free / 2**30
    remedy = f"free {DISK_GB} GB, or set SENTIMENT_KIT_RUNS to a folder on another disk"
    return Check("disk", free >= DISK_GB, f"{free:.0f} GB free", remedy)


def _profile() -> Check:
    profile = profiles.active()
    return Check("profile", True, f"{profile.name} (encoder {profile.checkpoint}, data {profile.data})")


def _checkpoint() -> Check:
    return Check("encoder", True, models.find_checkpoint())


def _data() -> Check:
    kept, dropped = data.clean(data.load_raw())
    return Check("reviews", True, f"{len(kept)} usable, {len(dropped)} set aside by cleaning")


def _tried(check: Callable[[], Check]) -> Check:
    try:
        result = check()
    except (models.CheckpointError, data.DataError, FileNotFoundError, ValueError) as error:
        return Check(check.__name__.removeprefix("_"), False, "problem", str(error))
    return Check(result.name, result.ok, result.found, "" if result.ok else result.remedy)


def examine() -> list[Check]:
    """Looks at everything that the course needs; a problem in one place does not stop the others.

    Returns:
        One check for each thing, in the order in which to mend them.
    """
    return [_tried(check) for check in (_python, _packages, _device, _memory, _disk, _profile, _checkpoint, _data)]
