"""How long 2,000 resamples of films take: counted once for each film (the kit), and review by review with scikit-learn.

python benchmarks/bootstrap_speed.py
"""

import time

import numpy as np
from sklearn.metrics import f1_score

from sentiment_kit import evaluation

REVIEWS, FILMS, RESAMPLES, PLAIN = 500, 50, 2000, 200


def main() -> None:
    rng = np.random.default_rng(0)
    gold, films = rng.choice(3, REVIEWS), rng.choice(FILMS, REVIEWS)
    predicted = np.where(rng.random(REVIEWS) < 0.75, gold, rng.choice(3, REVIEWS))
    start = time.perf_counter()
    evaluation.interval_table({"model": [predicted]}, gold=gold, groups=films.astype(str), resamples=RESAMPLES)
    kit = time.perf_counter() - start
    start = time.perf_counter()
    rows = [np.flatnonzero(films == film) for film in range(FILMS)]
    for _ in range(PLAIN):
        drawn = np.concatenate([rows[film] for film in rng.choice(FILMS, FILMS)])
        f1_score(gold[drawn], predicted[drawn], average="macro")
    plain = (time.perf_counter() - start) * RESAMPLES / PLAIN
    print(f"| {RESAMPLES} resamples of {FILMS} films, {REVIEWS} reviews | seconds | ratio |\n|---|---|---|")
    print(f"| review by review, scikit-learn's macro-F1 alone | {plain:.2f} | 1 |")
    print(f"| the kit, all five scores | {kit:.3f} | {plain / kit:.0f} |")


if __name__ == "__main__":
    main()
