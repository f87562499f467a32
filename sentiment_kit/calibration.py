"""Looking closer (lesson 05b): whether a model's confidence means anything, and when it had better not answer.

A probability is calibrated if, of the answers given with 80 % confidence, 80 % are right.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

from sentiment_kit.evaluation import probabilities
from sentiment_kit.labels import require_ids


def _confidence(gold: Sequence[int], chances: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The probability of each answer, and whether it was right."""
    gold, chances = np.asarray(gold), np.asarray(chances, dtype=float)
    if chances.ndim != 2 or gold.shape != (len(chances),):
        raise ValueError(f"gold has shape {gold.shape}, probabilities {chances.shape}: give one row a review")
    if not len(gold):
        raise ValueError("there are no reviews: give at least one")
    require_ids(gold, chances.shape[1])
    if not (np.isfinite(chances).all() and np.allclose(chances.sum(axis=1), 1, atol=1e-3) and (chances >= 0).all()):
        raise ValueError("each row must hold probabilities that add up to 1: turn logits into probabilities first")
    return chances.max(axis=1), chances.argmax(axis=1) == gold


def reliability_table(*, gold: Sequence[int], probabilities: np.ndarray, bins: int = 10) -> pd.DataFrame:
    """Compares confidence with accuracy, in bins of confidence of equal width.

    Args:
        gold: True class ids, shape (reviews,).
        probabilities: Shape (reviews, labels); each row adds up to 1.
        bins: How many bins there are between 0 and 1. A confidence on an edge counts in the lower bin.

    Returns:
        One row for each bin that is not empty: ``low``, ``high``, ``reviews``, ``confidence`` (mean), ``accuracy``.

    Raises:
        ValueError: The shapes do not fit, there are no reviews, or the rows are no probabilities.

    Source:
        Guo et al. (2017), On Calibration of Modern Neural Networks, https://arxiv.org/abs/1706.04599.

    >>> table = reliability_table(gold=[0, 1], probabilities=np.array([[0.75, 0.25], [0.75, 0.25]]), bins=2)
    >>> table.to_dict("records")
    [{'low': 0.5, 'high': 1.0, 'reviews': 2, 'confidence': 0.75, 'accuracy': 0.5}]
    """
    confidence, right = _confidence(gold, probabilities)
    edges = np.linspace(0, 1, bins + 1)
    bin_of = np.clip(np.searchsorted(edges, confidence, side="left") - 1, 0, bins - 1)
    table = pd.DataFrame({"bin": bin_of, "confidence": confidence, "accuracy": right.astype(float)})
    found = table.groupby("bin").agg(
        reviews=("confidence", "size"), confidence=("confidence", "mean"), accuracy=("accuracy", "mean")
    )
    found.insert(0, "low", edges[found.index])
    found.insert(1, "high", edges[found.index + 1])
    return found.reset_index(drop=True)


def expected_calibration_error(*, gold: Sequence[int], probabilities: np.ndarray, bins: int = 10) -> float:
    """How far confidence lies from accuracy, on average over the reviews: 0 is perfect.

    Args:
        gold: True class ids, shape (reviews,).
        probabilities: Shape (reviews, labels); each row adds up to 1.
        bins: How many bins there are between 0 and 1. Few reviews and many bins make any model look bad.

    Raises:
        ValueError: The shapes do not fit, there are no reviews, or the rows are no probabilities.

    Source:
        Guo et al. (2017), https://arxiv.org/abs/1706.04599, equation 3.
    """
    table = reliability_table(gold=gold, probabilities=probabilities, bins=bins)
    return float(np.average((table["confidence"] - table["accuracy"]).abs(), weights=table["reviews"]))


def _loss(gold: np.ndarray, logits: np.ndarray, temperature: float) -> float:
    """The mean cross-entropy of inputs that were checked before."""
    return float(-log_softmax(logits / temperature, axis=1)[np.arange(len(gold)), gold].mean())


def negative_log_likelihood(*, gold: Sequence[int], logits: np.ndarray, temperature: float = 1.0) -> float:
    """The mean loss that training makes small (cross-entropy), in nats, after dividing the logits by a temperature.

    Args:
        gold: True class ids, shape (reviews,).
        logits: Shape (reviews, labels).
        temperature: Above 0.

    Raises:
        ValueError: The shapes do not fit, there are no reviews, a logit is not finite, an id is unknown, or the
            temperature is not above 0.
    """
    _confidence(gold, probabilities(logits, temperature=temperature))
    return _loss(np.asarray(gold), np.asarray(logits, dtype=float), temperature)


def fit_temperature(*, gold: Sequence[int], logits: np.ndarray) -> float:
    """Finds the one number that logits should be divided by, so that confidence fits accuracy best.

    Fit it on validation reviews. It changes no label, only how sure the answers are.

    Args:
        gold: True class ids, shape (reviews,).
        logits: Shape (reviews, labels).

    Returns:
        The temperature, from 0.05 to 20: above 1 the model was too sure.

    Raises:
        ValueError: The shapes do not fit, there are no reviews, or a logit is not finite.

    Source:
        Guo et al. (2017), https://arxiv.org/abs/1706.04599, section 4.2.
    """
    _confidence(gold, probabilities(logits))
    gold, logits = np.asarray(gold), np.asarray(logits, dtype=float)
    found = minimize_scalar(
        lambda log_t: _loss(gold, logits, np.exp(log_t)),
        bounds=(np.log(0.05), np.log(20)),
        method="bounded",
        options={"xatol": 1e-6},
    )
    return float(np.exp(found.x))


def abstention_curve(*, gold: Sequence[int], probabilities: np.ndarray) -> pd.DataFrame:
    """What answering only when sure would bring: accuracy against the share of reviews answered.

    Args:
        gold: True class ids, shape (reviews,).
        probabilities: Shape (reviews, labels); each row adds up to 1.

    Returns:
        One row for each distinct confidence, highest first: ``threshold`` (answers at least this sure are given),
        ``answered`` (share of the reviews), ``accuracy`` (of those answered).

    Raises:
        ValueError: The shapes do not fit, there are no reviews, or the rows are no probabilities.

    Source:
        El-Yaniv and Wiener (2010), https://jmlr.org/papers/v11/el-yaniv10a.html (the risk-coverage curve).
    """
    confidence, right = _confidence(gold, probabilities)
    order = np.argsort(-confidence, kind="stable")
    answered = np.arange(1, len(order) + 1)
    table = pd.DataFrame(
        {
            "threshold": confidence[order],
            "answered": answered / len(order),
            "accuracy": np.cumsum(right[order]) / answered,
        }
    )
    return table.drop_duplicates("threshold", keep="last").reset_index(drop=True)  # equals are answered together


def threshold_for(accuracy: float, *, gold: Sequence[int], probabilities: np.ndarray) -> float:
    """The lowest confidence to ask for so that the answers given reach an accuracy. Choose it on validation.

    Args:
        accuracy: The accuracy wanted of the answers that are given.
        gold: True class ids, shape (reviews,).
        probabilities: Shape (reviews, labels); each row adds up to 1.

    Raises:
        ValueError: No threshold reaches that accuracy; the message says what is reached at most.
    """
    curve = abstention_curve(gold=gold, probabilities=probabilities)
    good = curve[curve["accuracy"] >= accuracy]
    if good.empty:
        raise ValueError(f"no threshold reaches {accuracy:.2f}: the most is {curve['accuracy'].max():.2f}")
    return float(good["threshold"].iloc[-1])
