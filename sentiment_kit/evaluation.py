"""Evaluating (lesson 05): scores with intervals, baselines, the hold-out log, and reading the mistakes.

Every function takes gold and predicted labels by keyword, as class ids, so the two cannot be swapped.
"""

import hashlib
import json
import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
from datasets import Dataset
from scipy.special import softmax
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import cohen_kappa_score, confusion_matrix
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from tqdm.auto import tqdm
from transformers import PreTrainedTokenizerBase

from sentiment_kit import files, models, profiles, training
from sentiment_kit.labels import LABELS
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


def _checked(gold: Sequence[int], predicted: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    gold, predicted = np.asarray(gold), np.asarray(predicted)
    if gold.shape != predicted.shape or gold.ndim != 1:
        raise ValueError(f"gold has shape {gold.shape}, predicted {predicted.shape}: give one label a review in both")
    if not len(gold):
        raise ValueError("there are no labels to score: give at least one review")
    return gold, predicted


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
    gold, predicted = _checked(gold, predicted)
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
    gold, predicted = _checked(gold, predicted)
    return confusion_matrix(gold, predicted, labels=range(len(labels)))


def _macro_f1_of_counts(counts: np.ndarray) -> np.ndarray:
    """Macro-F1 of confusion matrices of shape (…, labels, labels): twice the hits over row and column sums."""
    hits = np.diagonal(counts, axis1=-2, axis2=-1)
    total = counts.sum(axis=-1) + counts.sum(axis=-2)
    return np.where(total > 0, 2 * hits / np.maximum(total, 1), 0.0).mean(axis=-1)


def _group_counts(gold: np.ndarray, predicted: np.ndarray, groups: Sequence[str], size: int) -> np.ndarray:
    """One confusion matrix for each group, shape (groups, labels, labels)."""
    if len(groups) != len(gold):
        raise ValueError(f"{len(groups)} groups for {len(gold)} reviews: give the film of each review")
    _, group = np.unique(np.asarray(groups), return_inverse=True)
    counts = np.zeros((group.max() + 1, size, size))
    np.add.at(counts, (group, gold, predicted), 1)
    return counts


def bootstrap(
    *,
    gold: Sequence[int],
    predicted: Sequence[int],
    groups: Sequence[str],
    minus: Sequence[int] | None = None,
    labels: Sequence[str] = LABELS,
    resamples: int = 2000,
    level: float = 0.95,
    seed: int = profiles.SEED,
) -> Interval:
    """An interval for macro-F1 by drawing whole films again and again.

    Reviews of one film are not independent, so films are drawn, with replacement, not reviews.

    Args:
        gold: True class ids, shape (reviews,).
        predicted: Predicted class ids, the same shape.
        groups: The film of each review.
        minus: Another model's predictions on the same reviews: the interval is then that of the difference.
        labels: The label names in the order of their ids.
        resamples: How many times to draw.
        level: The share of the draws that the interval covers.
        seed: Seed of the draws.

    Raises:
        ValueError: The shapes differ, or there are no reviews.

    Source:
        Efron and Tibshirani (1993), An Introduction to the Bootstrap, ch. 13 (percentile intervals).
    """
    gold, predicted = _checked(gold, predicted)
    by_film = _group_counts(gold, predicted, groups, len(labels))
    draws = np.random.default_rng(seed).multinomial(len(by_film), np.full(len(by_film), 1 / len(by_film)), resamples)

    def scores(counts: np.ndarray) -> tuple[float, np.ndarray]:
        return float(_macro_f1_of_counts(counts.sum(axis=0))), _macro_f1_of_counts(np.tensordot(draws, counts, 1))

    center, drawn = scores(by_film)
    if minus is not None:
        other, drawn_other = scores(_group_counts(*_checked(gold, minus), groups, len(labels)))
        center, drawn = center - other, drawn - drawn_other
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return Interval(center, float(low), float(high))


def kappa(first: Sequence[int], second: Sequence[int]) -> float:
    """Cohen's kappa of two labelings: 1 for full agreement, 0 for what chance would give.

    Source:
        Cohen (1960), https://doi.org/10.1177/001316446002000104.

    >>> kappa([0, 0, 1, 1], [0, 0, 1, 1])
    1.0
    """
    return float(cohen_kappa_score(first, second))


# ---------------------------------------------------------------- baselines


def majority(train_labels: Sequence[int], size: int) -> np.ndarray:
    """Predicts the commonest training label for every review.

    Args:
        train_labels: Class ids of the training reviews.
        size: How many reviews to predict.

    >>> majority([2, 0, 2], 2).tolist()
    [2, 2]
    """
    return np.full(size, np.bincount(train_labels).argmax())


def bag_of_words(train: Dataset, tests: Sequence[Dataset]) -> list[np.ndarray]:
    """What counting words gets: TF-IDF of words and word pairs, with logistic regression on top.

    Args:
        train: Reviews with ``text`` and ``label``.
        tests: Data sets to predict.

    Returns:
        Predicted class ids, one array for each data set.
    """
    counter = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    model = make_pipeline(counter, LogisticRegression(C=10, max_iter=2000))
    model.fit(list(train["text"]), list(train["label"]))
    return [model.predict(list(test["text"])) for test in tests]


def linear_probe() -> Pipeline:
    """The classifier that is trained on frozen features: standardized, then logistic regression. Not yet fitted.

    Source:
        Alain and Bengio (2016), https://arxiv.org/abs/1610.01644 (linear probes).
    """
    return make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=2000))


def frozen_encoder(
    train: Dataset, tests: Sequence[Dataset], *, checkpoint: str, tokenizer: PreTrainedTokenizerBase
) -> list[np.ndarray]:
    """The generic encoder at its best: mean-pooled features, untouched, with logistic regression on top.

    Args:
        train: Reviews with ``text`` and ``label``.
        tests: Data sets to predict.
        checkpoint: Folder or Hub name of the pre-trained encoder.
        tokenizer: Its tokenizer.

    Returns:
        Predicted class ids, one array for each data set.

    Raises:
        CheckpointError: The checkpoint cannot be loaded.
    """
    encoder = models.load_encoder(checkpoint)

    def features(dataset: Dataset) -> np.ndarray:
        return models.embed(list(dataset["text"]), encoder=encoder, tokenizer=tokenizer)

    head = linear_probe().fit(features(train), list(train["label"]))
    return [head.predict(features(test)) for test in tests]


def untrained_head(
    tests: Sequence[Dataset],
    *,
    checkpoint: str,
    tokenizer: PreTrainedTokenizerBase,
    seeds: Sequence[int] = range(5),
    labels: Sequence[str] = LABELS,
) -> list[list[np.ndarray]]:
    """The classifier before any training, under several seeds of its random head.

    Args:
        tests: Tokenized data sets.
        checkpoint: Folder or Hub name of the pre-trained encoder.
        tokenizer: Its tokenizer.
        seeds: One head each. One seed alone proves little: it may be lucky.
        labels: The label names in the order of their ids.

    Returns:
        For each data set a list of predicted class ids, one array for each seed.

    Raises:
        CheckpointError: The checkpoint cannot be loaded.
    """
    predicted: list[list[np.ndarray]] = [[] for _ in tests]
    for seed in tqdm(seeds, desc="random heads"):
        model = models.load_classifier(checkpoint, labels=labels, seed=seed)
        for into, test in zip(predicted, tests, strict=True):
            into.append(training.predict_logits(test, model=model, tokenizer=tokenizer).argmax(axis=1))
    return predicted


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
    scores = [score(gold=gold, predicted=predicted, labels=labels) for predicted in runs]
    return {name: float(np.mean([one[name] for one in scores])) for name in scores[0]}


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
    """
    probabilities = softmax(logits, axis=1)
    table = pd.DataFrame(
        {
            "text": list(dataset["text"]),
            "gold": [labels[index] for index in dataset["label"]],
            "predicted": [labels[index] for index in logits.argmax(axis=1)],
            "probability": probabilities.max(axis=1).round(3),
        }
    )
    wrong = table[table["gold"] != table["predicted"]]
    return wrong.sort_values("probability", ascending=False, kind="stable").head(most).reset_index(drop=True)


def as_table(intervals: dict[str, Interval]) -> pd.DataFrame:
    """Intervals as a table with one line for each name: ``score``, ``low``, ``high``."""
    return pd.DataFrame({name: asdict(interval) for name, interval in intervals.items()}).T
