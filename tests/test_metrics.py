"""Metrics: the same numbers as scikit-learn's, behind evaluate's interface."""

import evaluate
import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score, precision_recall_fscore_support

from sentiment_kit.metrics import Accuracy, MacroF1, PerClassF1, sentiment_metrics

# Unbalanced, with errors that lean one way; in the last two a class is never predicted, or absent altogether.
CASES = {
    "skewed": ([0] * 30 + [1] * 7 + [2] * 15, [0] * 25 + [2] * 5 + [1] * 2 + [0] * 5 + [2] * 11 + [1] * 4),
    "neutral never predicted": ([0, 0, 0, 1, 1, 2, 2, 2, 2], [0, 0, 2, 0, 2, 2, 2, 2, 0]),
    "neutral absent altogether": ([0, 0, 0, 2, 2], [0, 2, 2, 2, 2]),
    "neutral only predicted": ([0, 0, 0, 2, 2], [0, 1, 1, 2, 1]),
}


@pytest.mark.parametrize("case", CASES)
def test_metrics_agree_with_scikit_learn(case):
    gold, predicted = CASES[case]
    options = {"labels": [0, 1, 2], "zero_division": 0}
    macro = f1_score(gold, predicted, average="macro", **options)
    assert MacroF1().compute(predictions=predicted, references=gold)["macro_f1"] == pytest.approx(macro)
    accuracy = accuracy_score(gold, predicted)
    assert Accuracy().compute(predictions=predicted, references=gold)["accuracy"] == pytest.approx(accuracy)
    each = precision_recall_fscore_support(gold, predicted, **options)[2]
    found = PerClassF1().compute(predictions=predicted, references=gold)
    assert list(found) == ["f1_negative", "f1_neutral", "f1_positive"]
    assert list(found.values()) == pytest.approx(list(each))


def test_an_absent_class_pulls_macro_f1_down():
    # scikit-learn's default leaves it out and gives 1.0; over a fixed set of labels that would flatter.
    assert MacroF1().compute(predictions=[0, 2], references=[0, 2])["macro_f1"] == pytest.approx(2 / 3)


def test_batches_add_up_to_the_whole():
    gold, predicted = (np.array(ids) for ids in CASES["skewed"])
    metrics = sentiment_metrics()
    for part in np.array_split(np.arange(len(gold)), 4):
        metrics.add_batch(predictions=predicted[part], references=gold[part])
    assert metrics.compute() == sentiment_metrics().compute(predictions=predicted, references=gold)
    # and nothing is left over for the next evaluation
    assert metrics.compute(predictions=[0, 1], references=[0, 1])["accuracy"] == 1.0


def test_metrics_combine_with_others_and_take_labels_of_ones_own():
    both = evaluate.combine([Accuracy(("no", "yes")), PerClassF1(("no", "yes"))])
    scores = both.compute(predictions=[1, 1, 1, 0], references=[1, 0, 1, 0])
    assert scores == pytest.approx({"accuracy": 0.75, "f1_no": 2 / 3, "f1_yes": 0.8})
    assert MacroF1(("no", "yes")).compute(predictions=[1, 0], references=[1, 0])["macro_f1"] == 1.0
