"""Evaluating (lesson 05): scores with intervals, paired comparisons, the hold-out log, and reading the mistakes.

Every function takes gold and predicted labels by keyword, as class ids, so the two cannot be swapped.
"""

import hashlib
import json
import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
from datasets import Dataset
from scipy.optimize import brentq
from scipy.special import softmax
from scipy.stats import binomtest, norm
from sklearn.metrics import cohen_kappa_score, confusion_matrix

from sentiment_kit import files, profiles
from sentiment_kit.labels import LABELS, require_ids
from sentiment_kit.metrics import PerClassF1, sentiment_metrics


class HoldoutWarning(UserWarning):
    """The hold-out split was scored with a second model."""


@dataclass(frozen=True)
class Interval:
    """A score and the range that resampling gives it.

    Attributes:
        score: The score on the reviews as they are.
        low: Lower end of the interval.
        high: Upper end of the interval.
    """

    score: float
    low: float
    high: float


# ---------------------------------------------------------------- scores


def _checked(
    gold: Sequence[int], predicted: Sequence[int], labels: Sequence[str] | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Both as arrays of the same shape and, where the labels are given, with no other ids than theirs."""
    gold, predicted = np.asarray(gold), np.asarray(predicted)
    if gold.shape != predicted.shape or gold.ndim != 1:
        raise ValueError(f"gold has shape {gold.shape}, predicted {predicted.shape}: give one label a review in both")
    if not len(gold):
        raise ValueError("there are no labels to score: give at least one review")
    if labels is not None:
        require_ids(np.concatenate([gold, predicted]), len(labels))
    return gold, predicted


def probabilities(logits: np.ndarray, *, temperature: float = 1.0) -> np.ndarray:
    """Turns logits into probabilities (softmax).

    Args:
        logits: Shape (reviews, labels).
        temperature: Divides the logits first: above 1 the answers become less sure, below 1 surer. No label changes.

    Returns:
        The same shape; each row adds up to 1.

    Raises:
        ValueError: The shape is another, a logit is infinite or not a number, or the temperature is not above 0.

    >>> probabilities(np.array([[0.0, 0.0]])).tolist()
    [[0.5, 0.5]]
    """
    logits = np.asarray(logits, dtype=float)
    if logits.ndim != 2:
        raise ValueError(f"logits have shape {logits.shape}: give one row a review, one column a label")
    broken = np.flatnonzero(~np.isfinite(logits).all(axis=1))
    if len(broken):
        raise ValueError(
            f"the logits of review {broken[0]} are not finite ({logits[broken[0]]}): the training diverged"
        )
    if not temperature > 0:
        raise ValueError(f"temperature is {temperature}: use a number above 0")
    return softmax(logits / temperature, axis=1)


def score(*, gold: Sequence[int], predicted: Sequence[int], labels: Sequence[str] = LABELS) -> dict[str, float]:
    """Accuracy and macro-F1.

    Args:
        gold: True class ids, shape (reviews,).
        predicted: Predicted class ids, the same shape.
        labels: The label names in the order of their ids.

    Raises:
        ValueError: The shapes differ, or there are no reviews.

    >>> score(gold=[0, 1, 2, 2], predicted=[0, 1, 2, 0])["accuracy"]
    0.75
    """
    gold, predicted = _checked(gold, predicted, labels)
    return sentiment_metrics(labels).compute(predictions=predicted, references=gold)


def report(*, gold: Sequence[int], predicted: Sequence[int], labels: Sequence[str] = LABELS) -> dict[str, object]:
    """Everything that ``sentiment-kit evaluate`` prints, ready for JSON.

    Args:
        gold: True class ids, shape (reviews,).
        predicted: Predicted class ids, the same shape.
        labels: The label names in the order of their ids.

    Returns:
        ``reviews``, ``accuracy``, ``macro_f1``, ``per_class_f1`` by label, ``labels``, and ``confusion_matrix``
        (gold labels in rows).

    Raises:
        ValueError: The shapes differ, or there are no reviews.
    """
    gold, predicted = _checked(gold, predicted)
    per_class = PerClassF1(labels).compute(predictions=predicted, references=gold)
    return {
        "reviews": len(gold),
        **score(gold=gold, predicted=predicted, labels=labels),
        "per_class_f1": {name: per_class[f"f1_{name}"] for name in labels},
        "labels": list(labels),
        "confusion_matrix": confusion_counts(gold=gold, predicted=predicted, labels=labels).tolist(),
    }


def confusion_counts(*, gold: Sequence[int], predicted: Sequence[int], labels: Sequence[str] = LABELS) -> np.ndarray:
    """Counts how often each gold label (row) was predicted as each label (column).

    Raises:
        ValueError: The shapes differ, or there are no reviews.

    >>> confusion_counts(gold=[0, 0, 1], predicted=[0, 2, 1]).tolist()
    [[1, 0, 1], [0, 1, 0], [0, 0, 0]]
    """
    gold, predicted = _checked(gold, predicted, labels)
    return confusion_matrix(gold, predicted, labels=range(len(labels)))


def mean_score(
    *, gold: Sequence[int], runs: Sequence[Sequence[int]], labels: Sequence[str] = LABELS
) -> dict[str, float]:
    """The mean of accuracy and macro-F1 over several runs on the same reviews.

    Args:
        gold: True class ids, shape (reviews,).
        runs: Predicted class ids, one array for each run.
        labels: The label names in the order of their ids.

    Raises:
        ValueError: The shapes differ, or there are no reviews.
    """
    if not len(runs):
        raise ValueError("there is no run to score: give a list with at least one array of predictions")
    scores = [score(gold=gold, predicted=predicted, labels=labels) for predicted in runs]
    return {name: float(np.mean([one[name] for one in scores])) for name in scores[0]}


# ---------------------------------------------------------------- intervals


def _scores_of(counts: np.ndarray, labels: Sequence[str]) -> dict[str, np.ndarray]:
    """All scores of confusion matrices of shape (…, labels, labels), gold in rows, each of shape (…)."""
    hits = np.diagonal(counts, axis1=-2, axis2=-1)
    each = counts.sum(axis=-1) + counts.sum(axis=-2)
    f1 = np.where(each > 0, 2 * hits / np.maximum(each, 1), 0.0)  # twice the hits over row sum plus column sum
    all_reviews = np.maximum(counts.sum(axis=(-1, -2)), 1)
    scores = {"accuracy": hits.sum(axis=-1) / all_reviews, "macro_f1": f1.mean(axis=-1)}
    return scores | {f"f1_{name}": f1[..., index] for index, name in enumerate(labels)}


class _Films:
    """Draws whole films, with replacement, and scores each draw: reviews of one film are not independent."""

    def __init__(
        self, gold: Sequence[int], groups: Sequence[str], labels: Sequence[str], resamples: int, seed: int
    ) -> None:
        self.gold, self.labels = _checked(gold, gold)[0], labels
        if len(groups) != len(self.gold):
            raise ValueError(f"{len(groups)} groups for {len(self.gold)} reviews: give the film of each review")
        names, self.film = np.unique(np.asarray(groups), return_inverse=True)
        chances = np.full(len(names), 1 / len(names))
        self.draws = np.random.default_rng(seed).multinomial(len(names), chances, resamples)

    def scores(self, predicted: Sequence[int]) -> dict[str, tuple[float, np.ndarray]]:
        """Each score on the reviews as they are, and its value in each draw, shape (resamples,)."""
        gold, predicted = _checked(self.gold, predicted, self.labels)
        size = len(self.labels)
        by_film = np.zeros((self.draws.shape[1], size, size))
        np.add.at(by_film, (self.film, gold, predicted), 1)
        center = _scores_of(by_film.sum(axis=0), self.labels)
        drawn = _scores_of(np.tensordot(self.draws, by_film, 1), self.labels)
        return {name: (float(center[name]), drawn[name]) for name in center}


def _interval(center: float, drawn: np.ndarray, level: float) -> Interval:
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return Interval(center, float(low), float(high))


def bootstrap(
    *,
    gold: Sequence[int],
    predicted: Sequence[int],
    groups: Sequence[str],
    minus: Sequence[int] | None = None,
    metric: str = "macro_f1",
    labels: Sequence[str] = LABELS,
    resamples: int = 2000,
    level: float = 0.95,
    seed: int = profiles.SEED,
) -> Interval:
    """An interval for a score, or for the difference of two models, by drawing whole films again and again.

    Args:
        gold: True class ids, shape (reviews,).
        predicted: Predicted class ids, the same shape.
        groups: The film of each review.
        minus: Another model's predictions on the same reviews: the interval is then that of the difference.
        metric: ``"accuracy"``, ``"macro_f1"``, or ``"f1_"`` and a label's name.
        labels: The label names in the order of their ids.
        resamples: How many times to draw.
        level: The share of the draws that the interval covers.
        seed: Seed of the draws.

    Raises:
        ValueError: The shapes differ, there are no reviews, or an id or the metric is unknown.

    Source:
        Efron and Tibshirani (1993), An Introduction to the Bootstrap, ch. 13 (percentile intervals); Field and Welsh
        (2007), https://doi.org/10.1111/j.1467-9868.2007.00593.x (drawing whole clusters).
    """
    films = _Films(gold, groups, labels, resamples, seed)
    scores = films.scores(predicted)
    if metric not in scores:
        raise ValueError(f"there is no metric {metric!r}: use one of {', '.join(scores)}")
    center, drawn = scores[metric]
    if minus is not None:
        other, drawn_other = films.scores(minus)[metric]
        center, drawn = center - other, drawn - drawn_other
    return _interval(center, drawn, level)


def interval_table(
    systems: Mapping[str, Sequence[Sequence[int]]],
    *,
    gold: Sequence[int],
    groups: Sequence[str],
    labels: Sequence[str] = LABELS,
    resamples: int = 2000,
    level: float = 0.95,
    seed: int = profiles.SEED,
) -> pd.DataFrame:
    """Every score of every system with its interval, all on the same draws of films.

    The intervals hold the luck of which films were scored. The luck of the seed is not in them: average over runs.

    Args:
        systems: By name a list of runs (one for each seed), each predicted class ids of shape (reviews,). A system's
            score is the mean over its runs, and so is its score in each draw.
        gold: True class ids, shape (reviews,).
        groups: The film of each review.
        labels: The label names in the order of their ids.
        resamples: How many times to draw.
        level: The share of the draws that an interval covers.
        seed: Seed of the draws.

    Returns:
        One row for each system and metric: ``system``, ``runs``, ``metric``, ``score``, ``low``, ``high``.

    Raises:
        ValueError: The shapes differ, there are no reviews or no runs, or an id is unknown.
    """
    if not systems:
        raise ValueError("there is no system to score: give at least one by name")
    films, rows = _Films(gold, groups, labels, resamples, seed), []
    for system, runs in systems.items():
        if not len(runs):
            raise ValueError(f"{system}: there is no run to score: give a list with at least one array of predictions")
        scored = [films.scores(predicted) for predicted in runs]
        for metric in scored[0]:
            center = float(np.mean([one[metric][0] for one in scored]))
            interval = _interval(center, np.mean([one[metric][1] for one in scored], axis=0), level)
            rows.append({"system": system, "runs": len(runs), "metric": metric, **asdict(interval)})
    return pd.DataFrame(rows)


def readable(table: pd.DataFrame) -> pd.DataFrame:
    """An interval table for the eye: one line for each system, ``0.73 [0.69, 0.77]`` in each metric's column.

    Args:
        table: As :func:`interval_table` gives it.
    """
    cells = [f"{row.score:.2f} [{row.low:.2f}, {row.high:.2f}]" for row in table.itertuples()]
    wide = table.assign(cell=cells).pivot(index="system", columns="metric", values="cell")
    return wide.loc[table["system"].unique(), table["metric"].unique()].rename_axis(index=None, columns=None)


def kappa(first: Sequence[int], second: Sequence[int]) -> float:
    """Cohen's kappa of two labelings: 1 for full agreement, 0 for what chance would give.

    NaN where both give one and the same label throughout: then chance alone explains all of their agreement.

    Source:
        Cohen (1960), https://doi.org/10.1177/001316446002000104.

    >>> kappa([0, 0, 1, 1], [0, 0, 1, 1])
    1.0
    """
    return float(cohen_kappa_score(first, second))


# ---------------------------------------------------------------- is one model better?


@dataclass(frozen=True)
class McNemar:
    """Two models on the same reviews: how often only one of them is right, and how surprising that is.

    Attributes:
        only_first: Reviews that only the first model got right.
        only_second: Reviews that only the second model got right.
        p_value: How often a fair coin would share them out at least as unevenly.
    """

    only_first: int
    only_second: int
    p_value: float


def mcnemar(*, gold: Sequence[int], first: Sequence[int], second: Sequence[int]) -> McNemar:
    """McNemar's exact test: only the reviews count on which exactly one of the models is right.

    It takes reviews for independent. Where several belong to one film, hold the paired :func:`bootstrap` beside it.

    Args:
        gold: True class ids, shape (reviews,).
        first: One model's predictions, the same shape.
        second: Another's.

    Raises:
        ValueError: The shapes differ, or there are no reviews.

    Source:
        McNemar (1947), https://doi.org/10.1007/BF02295996.

    >>> mcnemar(gold=[0, 1, 2, 2], first=[0, 1, 2, 2], second=[0, 0, 0, 2]).only_first
    2
    """
    gold, first = _checked(gold, first)
    gold, second = _checked(gold, second)
    only_first = int(((first == gold) & (second != gold)).sum())
    only_second = int(((first != gold) & (second == gold)).sum())
    differ = only_first + only_second
    return McNemar(only_first, only_second, float(binomtest(only_first, differ).pvalue) if differ else 1.0)


def detectable_difference(*, reviews: int, disagreement: float, power: float = 0.8, level: float = 0.95) -> float:
    """How far apart two models' accuracies must lie before McNemar's test is likely to notice.

    A formula for many reviews: of a few hundred, the exact test of :func:`mcnemar` notices a little less.

    Args:
        reviews: How many reviews both models are scored on.
        disagreement: The share of reviews on which exactly one of them is right.
        power: How often the test shall notice.
        level: The test's confidence level.

    Returns:
        The smallest difference of the accuracies, from 0 to 1, that is noticed that often; infinity if, with so few
        reviews or so little disagreement, none is.

    Raises:
        ValueError: A value is out of range.

    Source:
        Connor (1987), Sample size for testing differences in proportions for the paired-sample design,
        https://doi.org/10.2307/2531961.
    """
    if not (reviews >= 1 and 0 <= disagreement <= 1 and 0 < power < 1 and 0 < level < 1):
        raise ValueError("give at least one review, a disagreement from 0 to 1, and shares between 0 and 1")
    z_level, z_power = norm.ppf((1 + level) / 2), norm.ppf(power)

    def missing(difference: float) -> float:  # of the reviews that Connor's formula asks for
        spread = z_level * np.sqrt(disagreement) + z_power * np.sqrt(disagreement - difference**2)
        return (spread / difference) ** 2 - reviews

    if disagreement == 0 or missing(disagreement) > 0:
        return math.inf
    return float(brentq(missing, 1e-6, disagreement))


# ---------------------------------------------------------------- the hold-out log


def score_holdout(
    *,
    gold: Sequence[int],
    predicted: Sequence[int],
    model: str,
    log: str | Path,
    split: str = "test",
    labels: Sequence[str] = LABELS,
) -> dict[str, float]:
    """Scores the hold-out split and writes the look into a log.

    The same predictions again are silent. Another model's are scored too, with a warning: whoever picks the best
    of several hold-out scores has tuned on the hold-out, and its score no longer says what new reviews will bring.

    Args:
        gold: True class ids, shape (reviews,).
        predicted: Predicted class ids, the same shape.
        model: A name for the model, such as ``"fine_tuned"``.
        log: The JSON-lines file that remembers the looks.
        split: The name of the split.
        labels: The label names in the order of their ids.

    Returns:
        Accuracy and macro-F1.

    Raises:
        ValueError: The shapes differ, or there are no reviews.
        OSError: The log cannot be written.
    """
    gold, predicted = _checked(gold, predicted)
    scores = score(gold=gold, predicted=predicted, labels=labels)
    digest = hashlib.sha256(predicted.astype(np.int64).tobytes()).hexdigest()[:16]
    log = Path(log)
    looks = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()] if log.exists() else []
    reviews = hashlib.sha256(gold.astype(np.int64).tobytes()).hexdigest()[:16]
    same_split = [look for look in looks if (look["split"], look["reviews"]) == (split, reviews)]
    if any(look["model"] == model and look["predictions"] == digest for look in same_split):
        return scores
    time = datetime.now(UTC).isoformat(timespec="seconds")
    looks.append({"time": time, "split": split, "reviews": reviews, "model": model, "predictions": digest, **scores})
    files.write_text(log, "".join(json.dumps(look) + "\n" for look in looks))
    if same_split:
        warnings.warn(
            f"look number {len(same_split) + 1} at the hold-out split: choose on validation; the best of several "
            "hold-out scores looks better than the model is",
            HoldoutWarning,
            stacklevel=2,
        )
    return scores


# ---------------------------------------------------------------- reading the mistakes


def worst_mistakes(
    dataset: Dataset, *, logits: np.ndarray, labels: Sequence[str] = LABELS, most: int = 8
) -> pd.DataFrame:
    """The mistakes that the model was surest of.

    Args:
        dataset: Reviews with ``text`` and ``label``.
        logits: Shape (reviews, labels).
        labels: The label names in the order of their ids.
        most: How many.

    Returns:
        A table with ``text``, ``gold``, ``predicted``, ``probability`` (of the predicted label), surest first.

    Raises:
        ValueError: The logits have another shape, or are not finite.
    """
    chances = probabilities(logits)
    if chances.shape != (len(dataset), len(labels)):
        raise ValueError(
            f"logits have shape {chances.shape}: {len(dataset)} reviews of {len(labels)} labels are expected"
        )
    table = pd.DataFrame(
        {
            "text": list(dataset["text"]),
            "gold": [labels[index] for index in dataset["label"]],
            "predicted": [labels[index] for index in chances.argmax(axis=1)],
            "probability": chances.max(axis=1),
        }
    )
    wrong = table[table["gold"] != table["predicted"]]
    surest = wrong.sort_values("probability", ascending=False, kind="stable").head(most)
    return surest.round({"probability": 3}).reset_index(drop=True)


def slices(*, gold: Sequence[int], predicted: Sequence[int], by: Sequence[str], level: float = 0.95) -> pd.DataFrame:
    """Accuracy in parts of the reviews, each with an interval: small parts say little.

    The intervals take reviews for independent; where several are of one film they are a little too narrow.

    Args:
        gold: True class ids, shape (reviews,).
        predicted: Predicted class ids, the same shape.
        by: The name of each review's part.
        level: The share that the interval covers.

    Returns:
        One row for each part, largest first, indexed by its name: ``reviews``, ``score`` (accuracy), ``low``, ``high``.

    Raises:
        ValueError: The shapes differ, or there are no reviews.

    Source:
        Wilson (1927), https://doi.org/10.1080/01621459.1927.10502953 (the interval).

    >>> slices(gold=[0, 1, 2], predicted=[0, 1, 1], by=["long", "long", "short"])["score"].to_dict()
    {'long': 1.0, 'short': 0.0}
    """
    gold, predicted = _checked(gold, predicted)
    if len(by) != len(gold):
        raise ValueError(f"{len(by)} names of parts for {len(gold)} reviews: give one for each review")
    rows = {}
    for name, right in pd.Series(gold == predicted).groupby(list(by), sort=True, dropna=False):
        interval = binomtest(int(right.sum()), len(right)).proportion_ci(level, method="wilson")
        rows[name] = {"reviews": len(right), "score": right.mean(), "low": interval.low, "high": interval.high}
    return pd.DataFrame(rows).T.astype({"reviews": int}).sort_values("reviews", ascending=False, kind="stable")
