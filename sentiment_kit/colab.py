"""Google Colab: installs what its machines lack, keeps results in Drive if asked, says what there is to compute with.

The first code cell of each lesson and exercise calls :func:`set_up` there. What Colab has preinstalled stays as it is:
another torch or numpy would need a restart, and might not fit the machine.
"""

import contextlib
import importlib
import importlib.metadata
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version
from tqdm.auto import tqdm

from sentiment_kit import files, profiles

LEFT_OUT = ("jupyterlab", "nbval")
"""Requirements that no lesson needs on Colab, which is a notebook server itself and runs no tests."""

DRIVE = Path("/content/drive")
"""Where Colab shows Google Drive, once it is mounted."""

RUNS_IN_DRIVE = DRIVE / "MyDrive" / "sentiment_kit_runs"

_MENU = "Runtime > Change runtime type"


class ColabError(RuntimeError):
    """Colab could not be made ready; the message says why, and what to do."""


def requirements() -> Iterator[tuple[Requirement, str | None]]:
    """What the kit needs, without its extras.

    Yields:
        Each requirement of ``pyproject.toml``, and the version that is installed, ``None`` if there is none.

    Raises:
        importlib.metadata.PackageNotFoundError: The kit itself is not installed.
    """
    for requirement in map(Requirement, importlib.metadata.requires("sentiment-kit") or []):
        if requirement.marker and not requirement.marker.evaluate({"extra": ""}):
            continue
        try:
            yield requirement, importlib.metadata.version(requirement.name)
        except importlib.metadata.PackageNotFoundError:
            yield requirement, None


def _pins() -> list[str]:
    """Everything that is installed, each held at its version; what pip could not read is left out."""
    pins = {}
    for one in importlib.metadata.distributions():
        with contextlib.suppress(InvalidVersion, TypeError):  # some of the system's own packages; half-removed ones
            pins.setdefault(canonicalize_name(one.name), f"{one.name}=={Version(one.version)}")
    return sorted(pins.values())


def _install(missing: Sequence[Requirement]) -> None:
    """Installs packages, and what these need, around everything that is there."""
    names = ", ".join(one.name for one in missing)
    with tempfile.TemporaryDirectory() as folder, tqdm(total=1, desc=f"installing {names}", unit="step") as progress:
        pins = Path(folder) / "constraints.txt"
        files.write_text(pins, "".join(f"{pin}\n" for pin in _pins()))
        command = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--constraint"]
        command += [str(pins), *map(str, missing)]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        if done.returncode:
            said = "\n".join(done.stdout.strip().splitlines()[-12:])
            raise ColabError(
                f"pip could not install {names}:\n{said}\n"
                "Run this cell again. If it says the same, take a fresh machine "
                "(Runtime > Disconnect and delete runtime) and run it there."
            )
        progress.update()
    importlib.invalidate_caches()  # else Python may not see what has come since it last looked


def _mount() -> None:
    from google.colab import drive  # there is no such package anywhere else

    try:
        drive.mount(str(DRIVE))
    except Exception as error:  # Colab raises several of its own
        raise ColabError(
            f"Google Drive was not mounted ({error}): run this cell again and allow it, or set drive=False"
        ) from error
    if not os.environ.get("SENTIMENT_KIT_RUNS"):
        os.environ["SENTIMENT_KIT_RUNS"] = str(RUNS_IN_DRIVE)


def _device() -> str:
    import torch  # late, as transformers looks only once which packages there are

    from sentiment_kit import models

    if not torch.cuda.is_available():
        return f"Device: CPU (for a GPU: {_MENU}). Profile: {profiles.active().name}."
    half = "bf16" if models.half_precision_format() is torch.bfloat16 else "fp16"
    return f"Device: {torch.cuda.get_device_name()}, 16 bits as {half}. Profile: {profiles.active().name}."


def _place() -> str:
    runs = profiles.runs_folder()
    if DRIVE in runs.parents:
        return f"Results are kept in {runs}, and found there next time."
    return f"Results stay in {runs}, and go with this machine. To keep them: drive=True in this cell, and run it again."


def set_up(*, drive: bool = False) -> str:
    """Makes a Colab ready for a lesson: no restart is needed, and running it again does no harm.

    Installs what is missing and moves nothing that is there; a package outside its range is told, not replaced. Lessons
    that :func:`sentiment_kit.course.bring` runs in a process of their own get this notebook's profile and folder.

    Args:
        drive: Mount Google Drive, and keep runs there unless ``SENTIMENT_KIT_RUNS`` says where.

    Returns:
        What to tell the learner, a sentence or two on each line: what was installed, device and profile, where
        results lie.

    Raises:
        ColabError: This is no Colab, pip failed, or Drive was not mounted.
    """
    if "google.colab" not in sys.modules:
        raise ColabError("this is no Google Colab: on a computer of your own, install as the README says")
    found = [(needed, version) for needed, version in requirements() if needed.name not in LEFT_OUT]
    told = []
    if missing := [needed for needed, version in found if version is None]:
        _install(missing)
        told.append(f"Installed: {', '.join(one.name for one in missing)}. What Colab had is as it was.")
    for needed, version in found:
        if version is not None and not needed.specifier.contains(version, prereleases=True):
            told.append(
                f"{needed.name} {version} is not {needed.specifier}, which the course was made for; it stays as it is. "
                f"If a lesson stops over it, choose the latest version under {_MENU}."
            )
    if drive:
        _mount()
    os.environ["SENTIMENT_KIT_PROFILE"] = profiles.active().name
    return "\n".join([*told, _device(), _place()])
