"""The settings a run has before any lesson starts: which encoder, which data, which batch size, which folder.

A profile is data: the same code runs under each. ``SENTIMENT_KIT_PROFILE`` chooses one by name.
"""

import os
import shutil
import sys
from dataclasses import dataclass, replace
from pathlib import Path

SEED = 42
"""The seed of everything random in the course, unless a cell says otherwise."""


@dataclass(frozen=True)
class Profile:
    """What differs between a laptop and a GPU.

    Attributes:
        name: ``"laptop"`` or ``"gpu"``.
        checkpoint: The Hub name of the pre-trained encoder.
        data: ``"bundled"`` for the kit's reviews, else a data set of SST's layout: its Hub name or a folder.
        batch_size: Reviews in one training step.
        learning_rate: Peak step size of the optimizer in lesson 03.
        epochs: Passes over the training reviews in lesson 03.
        max_length: Tokens after which a review is cut off.
        half_precision: Whether to compute in 16 bits where the device can.
    """

    name: str
    checkpoint: str
    data: str
    batch_size: int
    learning_rate: float
    epochs: int
    max_length: int
    half_precision: bool


PROFILES: dict[str, Profile] = {
    "laptop": Profile(
        name="laptop",
        checkpoint="sentence-transformers/all-MiniLM-L6-v2",
        data="bundled",
        batch_size=8,
        learning_rate=7e-5,
        epochs=3,
        max_length=192,
        half_precision=False,
    ),
    "gpu": Profile(
        name="gpu",
        checkpoint="google-bert/bert-base-uncased",
        data="SetFit/sst5",
        batch_size=32,
        learning_rate=3e-5,
        epochs=3,
        max_length=192,
        half_precision=True,
    ),
}


def active() -> Profile:
    """The profile in force: ``SENTIMENT_KIT_PROFILE``, else ``gpu`` inside a Colab with a GPU, else ``laptop``.

    ``SENTIMENT_KIT_DATA`` names a folder of SST's layout that is read in place of the profile's data
    (``data.load_source``).

    Raises:
        ValueError: The variable names no profile.
    """
    in_colab_with_gpu = "google.colab" in sys.modules and shutil.which("nvidia-smi") is not None
    name = os.environ.get("SENTIMENT_KIT_PROFILE") or ("gpu" if in_colab_with_gpu else "laptop")
    if name not in PROFILES:
        raise ValueError(f"SENTIMENT_KIT_PROFILE is {name!r}: use one of {', '.join(PROFILES)}")
    chosen = os.environ.get("SENTIMENT_KIT_DATA")
    return replace(PROFILES[name], data=str(Path(chosen).expanduser().resolve())) if chosen else PROFILES[name]


def bundled(*parts: str) -> Path:
    """The path of a file that comes with the kit, from a clone or from an installed wheel.

    Args:
        parts: Names below the top folder, such as ``"data", "reviews", "raw.csv"``.

    Raises:
        FileNotFoundError: There is no such file in either place.
    """
    package = Path(__file__).parent
    for root in (package / "bundled", package.parent):
        if (path := root.joinpath(*parts)).exists():
            return path
    wanted = "/".join(parts)
    raise FileNotFoundError(f"{wanted} is missing from the kit: install it again, or clone the repository afresh")


def runs_folder() -> Path:
    """Where everything that the course makes is kept.

    ``SENTIMENT_KIT_RUNS`` if it is set, else ``runs`` beside the clone's ``notebooks``, else ``runs`` here.
    """
    if chosen := os.environ.get("SENTIMENT_KIT_RUNS"):
        return Path(chosen).expanduser().resolve()
    clone = Path(__file__).parent.parent
    return (clone if (clone / "notebooks").is_dir() else Path.cwd()) / "runs"
