"""Accuracy, macro-F1 and per-class F1 as ``evaluate`` metrics that need no network (lesson 03 explains them).

``evaluate.load("accuracy")`` fetches a script from the Hub. These are the same arithmetic, scikit-learn's,
behind the same interface, so ``compute``, ``add_batch`` and ``evaluate.combine`` work on them.
"""

from collections.abc import Sequence

import datasets
import evaluate
import numpy as np
from sklearn.metrics import accuracy_score, f1_score

from sentiment_kit.labels import LABELS

_CITATION = "Pedregosa et al. (2011), https://jmlr.org/papers/v12/pedregosa11a.html"


class _ClassificationMetric(evaluate.Metric):
    """What the three metrics share: integer class ids in, a dictionary of floats out."""

    def __init__(self, labels: Sequence[str] = LABELS, **kwargs: object) -> None:
        self.labels = tuple(labels)
        kwargs.setdefault("keep_in_memory", True)  # else evaluate leaves cache files behind
        super().__init__(**kwargs)

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description=self.__doc__ or "",
            citation=_CITATION,
            features=datasets.Features({"predictions": datasets.Value("int32"), "references": datasets.Value("int32")}),
        )

    def _f1(self, predictions: Sequence[int], references: Sequence[int]) -> np.ndarray:
        ids = list(range(len(self.labels)))
        return f1_score(references, predictions, labels=ids, average=None, zero_division=0)


class Accuracy(_ClassificationMetric):
    """The share of reviews whose predicted label is the gold label, from 0 to 1.

    >>> Accuracy().compute(predictions=[0, 1, 2, 2], references=[0, 1, 2, 0])
    {'accuracy': 0.75}
    """

    def _compute(self, predictions: Sequence[int], references: Sequence[int]) -> dict[str, float]:
        return {"accuracy": float(accuracy_score(references, predictions))}


class MacroF1(_ClassificationMetric):
    """The plain mean of the F1 of each class, from 0 to 1: a rare class counts as much as a common one.

    A class that is neither in the gold labels nor predicted counts as 0.

    >>> MacroF1().compute(predictions=[2, 2, 2, 2], references=[0, 1, 2, 2])["macro_f1"]
    0.2222222222222222
    """

    def _compute(self, predictions: Sequence[int], references: Sequence[int]) -> dict[str, float]:
        return {"macro_f1": float(self._f1(predictions, references).mean())}


class PerClassF1(_ClassificationMetric):
    """The F1 of each class: the harmonic mean of its precision and its recall, from 0 to 1.

    >>> PerClassF1().compute(predictions=[0, 2, 2, 2], references=[0, 1, 2, 2])
    {'f1_negative': 1.0, 'f1_neutral': 0.0, 'f1_positive': 0.8}
    """

    def _compute(self, predictions: Sequence[int], references: Sequence[int]) -> dict[str, float]:
        scores = self._f1(predictions, references)
        return {f"f1_{name}": float(score) for name, score in zip(self.labels, scores, strict=True)}


def sentiment_metrics(labels: Sequence[str] = LABELS) -> evaluate.CombinedEvaluations:
    """The two numbers that the course reports everywhere: accuracy and macro-F1.

    >>> sorted(sentiment_metrics().compute(predictions=[0, 1], references=[0, 1]))
    ['accuracy', 'macro_f1']
    """
    return evaluate.combine([Accuracy(labels), MacroF1(labels)])
