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
class Band:
    """The macro-F1 that a run should come to, for a learner to lay beside their own.

    Attributes:
        split: ``"validation"`` or ``"holdout"``.
        low: Where the band begins.
        high: Where it ends; equal to ``low`` for a single published figure.
        source: Where the figures are from.
    """

    split: str
    low: float
    high: float
    source: str


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
        decoder: The Hub name of lesson 07's generative model; ``None`` where it would be too slow.
        bands: What lesson 03's setting should come to, measured by ``benchmarks/bands.py`` or, where that has not been
            run, published.
    """

    name: str
    checkpoint: str
    data: str
    batch_size: int
    learning_rate: float
    epochs: int
    max_length: int
    half_precision: bool
    decoder: str | None
    bands: tuple[Band, ...] = ()

    def beside(self, score: float, *, split: str) -> str:
        """Sets a macro-F1 beside what one should see.

        Args:
            score: The macro-F1 of a run.
            split: What it was scored on: ``"validation"`` or ``"holdout"``.

        Returns:
            A sentence: the band and where it is from, or that there is none yet.

        >>> PROFILES["laptop"].beside(0.76, split="holdout")  # doctest: +ELLIPSIS
        'macro-F1 0.760. What you should see: 0.71 to 0.80 (...).'
        """
        for band in self.bands:
            if band.split == split:
                range_ = f"{band.low:.2f} to {band.high:.2f}" if band.low < band.high else f"about {band.low:.3f}"
                return f"macro-F1 {score:.3f}. What you should see: {range_} ({band.source})."
        return f"macro-F1 {score:.3f}. What you should see has not been measured for the profile {self.name} yet."


_MEASURED = "19 of 20 runs, judging by {} seeds"

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
        decoder=None,
        bands=(
            Band("validation", 0.75, 0.82, _MEASURED.format("three")),
            Band("holdout", 0.71, 0.80, _MEASURED.format("six")),
        ),
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
        decoder="Qwen/Qwen2.5-0.5B",
        bands=(
            Band(
                "holdout", 0.666, 0.666, "published for bert-base-cased by CS224u's finetuning notebook, not measured"
            ),
        ),
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
