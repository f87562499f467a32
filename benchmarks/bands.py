"""What macro-F1 should a run come to? Trains the profile's setting under several seeds: the bands of profiles.py.

    python benchmarks/bands.py [--seeds 42 43 1]      about ten minutes on two cores; what is trained is kept

The band is the 95 % prediction interval of one more run: mean ± t·s·√(1 + 1/n), which n scores with the standard
deviation s give if scores scatter normally. It covers the luck of the seed, not that of which reviews were drawn.
"""

import argparse
import math
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from scipy import stats

from sentiment_kit import baselines, course, data, evaluation, models, profiles

SPLITS = {"validation": "validation", "holdout": "test"}


def band(scores: Sequence[float]) -> tuple[float, float]:
    """Where one more run should lie, rounded outwards to hundredths.

    Args:
        scores: Two or more, one for each seed.
    """
    middle, count = statistics.mean(scores), len(scores)
    reach = stats.t.ppf(0.975, count - 1) * statistics.stdev(scores) * math.sqrt(1 + 1 / count)
    return math.floor((middle - reach) * 100) / 100, math.ceil((middle + reach) * 100) / 100


def main() -> None:
    """Prints a row for each split."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[profiles.SEED, profiles.SEED + 1, 1])
    seeds = parser.parse_args().seeds
    profile, run = profiles.active(), course.bring("02_prepare_data")
    checkpoint = models.find_checkpoint(profile)
    tokenizer = models.load_tokenizer(checkpoint, max_length=profile.max_length)
    splits = data.load_splits(run / "data", names=("train", *SPLITS.values()))
    tokenized = data.tokenize(splits, tokenizer=tokenizer)
    names = ("learning_rate", "batch_size", "epochs", "half_precision")
    runs = baselines.trained(
        tokenized["train"],
        [tokenized[name] for name in SPLITS.values()],
        checkpoint=checkpoint,
        tokenizer=tokenizer,
        settings={name: getattr(profile, name) for name in names},
        seeds=seeds,
        keep=run / "baselines",
    )
    print("| profile | split | macro-F1 by seed | band |\n|---|---|---|---|")
    for (name, split), made in zip(SPLITS.items(), runs, strict=True):
        gold = list(splits[split]["label"])
        scores = [evaluation.score(gold=gold, predicted=predicted)["macro_f1"] for predicted in made]
        by_seed = ", ".join(f"{seed}: {score:.3f}" for seed, score in zip(seeds, scores, strict=True))
        low_high = "{:.2f} to {:.2f}".format(*band(scores)) if len(scores) > 1 else "needs two seeds"
        print(f"| {profile.name} | {name} | {by_seed} | {low_high} |")


if __name__ == "__main__":
    main()
