"""Says whether this machine can run the course, and what to do where it cannot."""

import importlib.metadata
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil
import torch

from sentiment_kit import colab, course, data, models, profiles

MEMORY_GB = 4
DISK_GB = 2


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
    return Check("Python", (3, 11) <= sys.version_info[:2] <= (3, 13), found, "install Python 3.11, 3.12 or 3.13")


def _packages() -> Check:
    found, problems = [], []
    for requirement, version in colab.requirements():
        if version is None:
            problems.append(f"missing: {requirement.name}: ")
        elif not requirement.specifier.contains(version, prereleases=True):
            problems.append(f"{requirement.name} {version} is not {requirement.specifier}: ")
        elif requirement.name in course.PACKAGES:
            found.append(f"{requirement.name} {version}")
    return Check(
        "packages", not problems, ", ".join(found), "".join(problems) + "run `pip install -r requirements.txt`"
    )


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
    if profile.data != "bundled":
        data.load_source(profile.data)
    return Check("profile", True, f"{profile.name} (encoder {profile.checkpoint}, data {profile.data})")


def _checkpoint() -> Check:
    checkpoint = models.find_checkpoint()
    models.load_tokenizer(checkpoint)  # from a folder, or from the Hub
    if Path(checkpoint).is_dir():
        models.load_encoder(checkpoint)
    return Check("encoder", True, checkpoint)


def _data() -> Check:
    kept, dropped = data.clean(data.load_raw())
    for name, table in data.split(kept).items():
        stored = profiles.bundled("data", "reviews", f"{name}.jsonl").read_text(encoding="utf-8")
        if stored != data.as_json_lines(table):
            raise data.DataError(
                f"data/reviews/{name}.jsonl does not follow from raw.csv: clone or install the kit again"
            )
    return Check("reviews", True, f"{len(kept)} usable, {len(dropped)} set aside by cleaning")


CHECKS: dict[str, Callable[[], Check]] = {
    "Python": _python,
    "packages": _packages,
    "device": _device,
    "memory": _memory,
    "disk": _disk,
    "profile": _profile,
    "encoder": _checkpoint,
    "reviews": _data,
}


def _tried(name: str, check: Callable[[], Check]) -> Check:
    try:
        result = check()
    except importlib.metadata.PackageNotFoundError as error:
        return Check(name, False, "problem", f"{error.name} is not installed: run `pip install --no-deps -e .`")
    except (models.CheckpointError, OSError, ValueError) as error:
        return Check(name, False, "problem", str(error))
    return Check(name, result.ok, result.found, "" if result.ok else result.remedy)


def examine() -> list[Check]:
    """Looks at everything that the course needs; a problem in one place does not stop the others.

    Returns:
        One check for each thing, in the order in which to mend them.
    """
    return [_tried(name, check) for name, check in CHECKS.items()]
