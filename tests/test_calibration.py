"""Calibration: held against torchmetrics, scikit-learn, torch and plain loops."""

import numpy as np
import pytest
import sklearn
import torch
from packaging.version import Version
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import log_loss
from torchmetrics.functional.classification import multiclass_calibration_error

from sentiment_kit import calibration, evaluation


@pytest.fixture(scope="module")
def sample():
    """Logits of a model that is too sure, on 240 reviews, unbalanced; their gold labels; probabilities with ties."""
    rng = np.random.default_rng(11)
    gold = rng.choice(3, size=240, p=[0.55, 0.15, 0.3])
    logits = rng.normal(size=(240, 3)) * 2.5 + 2.2 * np.eye(3)[gold] + [0.8, 0, -0.3]
    chances = evaluation.probabilities(logits)
    twentieths = np.floor(chances * 20)  # confidences of few values, many of them on the edges of ten bins
    twentieths[np.arange(240), chances.argmax(axis=1)] += 20 - twentieths.sum(axis=1)
    return {"gold": gold, "logits": logits, "chances": chances, "tied": twentieths / 20}


def right(sample, chances):
    return chances.argmax(axis=1) == sample["gold"]


# ---------------------------------------------------------------- confidence against accuracy


BINS = [1, 2, 7, 10, 15, 100]


@pytest.fixture(scope="module")
def unsteady(sample):
    """Probabilities that are too high in some bins and too low in others: then the bins matter."""
    chances = evaluation.probabilities(sample["logits"], temperature=2.5)
    errors = [calibration.expected_calibration_error(gold=sample["gold"], probabilities=chances, bins=b) for b in BINS]
    assert len({round(error, 4) for error in errors}) >= 5
    return chances


@pytest.mark.parametrize("bins", BINS)
@pytest.mark.parametrize("name", ["chances", "unsteady"])
def test_expected_calibration_error_is_torchmetrics(sample, unsteady, name, bins):
    chances = {"unsteady": unsteady, **sample}[name]
    found = calibration.expected_calibration_error(gold=sample["gold"], probabilities=chances, bins=bins)
    tensors = torch.tensor(chances), torch.tensor(sample["gold"])
    expected = multiclass_calibration_error(*tensors, num_classes=3, n_bins=bins, norm="l1")
    assert found == pytest.approx(float(expected), abs=1e-6)  # torchmetrics computes in 32 bits
    assert found > 0.002


def test_ten_bins_are_the_default(sample, unsteady):
    options = {"gold": sample["gold"], "probabilities": unsteady}
    of_ten, of_nine = (calibration.expected_calibration_error(**options, bins=bins) for bins in (10, 9))
    assert calibration.expected_calibration_error(**options) == of_ten != of_nine
    assert len(calibration.reliability_table(**options)) == 7  # none below a third


@pytest.mark.parametrize("bins", [1, 8, 10])
@pytest.mark.parametrize("name", ["chances", "tied"])
def test_reliability_table_is_the_plain_loop(sample, name, bins):
    chances = sample[name]
    expected = []
    for low, high in zip(np.linspace(0, 1, bins + 1)[:-1], np.linspace(0, 1, bins + 1)[1:], strict=True):
        inside = [i for i, row in enumerate(chances) if low < max(row) <= high]
        if inside:
            confidence = sum(max(chances[i]) for i in inside) / len(inside)
            hits = sum(list(chances[i]).index(max(chances[i])) == sample["gold"][i] for i in inside)
            expected.append([low, high, len(inside), confidence, hits / len(inside)])
    table = calibration.reliability_table(gold=sample["gold"], probabilities=chances, bins=bins)
    assert list(table) == ["low", "high", "reviews", "confidence", "accuracy"]
    np.testing.assert_allclose(table.to_numpy(dtype=float), expected)
    assert table["reviews"].sum() == 240


def test_a_confidence_on_an_edge_counts_in_the_lower_bin():
    chances = np.array([[0.5, 0.25, 0.25], [0.25, 0.75, 0.0], [0.0, 0.0, 1.0], [0.51, 0.49, 0.0]])
    table = calibration.reliability_table(gold=[0, 0, 2, 1], probabilities=chances, bins=4)
    assert table["low"].tolist() == [0.25, 0.5, 0.75]
    assert table["high"].tolist() == [0.5, 0.75, 1.0]
    assert table["reviews"].tolist() == [1, 2, 1]
    assert table["accuracy"].tolist() == [1, 0, 1]


DEGENERATE = {
    "one right review": ([1], [[0.2, 0.7, 0.1]], 0.3),
    "one wrong review": ([0], [[0.2, 0.7, 0.1]], 0.7),
    "all wrong and sure": ([0, 1, 2], [[0, 1, 0], [0, 0, 1], [1, 0, 0]], 1.0),
    "all right and sure": ([0, 1, 2], [[1, 0, 0], [0, 1, 0], [0, 0, 1]], 0.0),
    "one class absent": ([0, 0, 2, 2], [[0.9, 0, 0.1], [0.4, 0, 0.6], [0.1, 0, 0.9], [0.4, 0, 0.6]], 0.1),
    "the first of equals is the answer": ([0, 1], [[0.5, 0.5, 0], [0.5, 0.5, 0]], 0.0),
}


@pytest.mark.parametrize("case", DEGENERATE)
def test_calibration_error_of_few_reviews_by_hand(case):
    gold, chances, expected = DEGENERATE[case]
    found = calibration.expected_calibration_error(gold=gold, probabilities=np.array(chances))
    assert found == pytest.approx(expected)


# ---------------------------------------------------------------- temperature


@pytest.mark.parametrize("temperature", [0.4, 1.0, 3.0])
def test_negative_log_likelihood_is_torchs_and_scikit_learns(sample, temperature):
    gold, logits = sample["gold"], sample["logits"]
    found = calibration.negative_log_likelihood(gold=gold, logits=logits, temperature=temperature)
    loss = torch.nn.functional.cross_entropy(torch.tensor(logits) / temperature, torch.tensor(gold))
    assert found == pytest.approx(float(loss))
    assert found == pytest.approx(log_loss(gold, evaluation.probabilities(logits, temperature=temperature)))


def test_a_hopeless_answer_has_a_finite_loss():
    found = calibration.negative_log_likelihood(gold=[1], logits=np.array([[2000.0, 0.0, 0.0]]))
    assert found == pytest.approx(2000)  # the logarithm of a softmax that became 0 would be infinite


class Given(ClassifierMixin, BaseEstimator):
    """A classifier whose input already is its logits."""

    def fit(self, logits, gold):
        self.classes_ = np.unique(gold)
        return self

    def decision_function(self, logits):
        return logits

    def predict(self, logits):
        return self.classes_[logits.argmax(axis=1)]


@pytest.mark.skipif(Version(sklearn.__version__) < Version("1.8"), reason="scikit-learn has it from 1.8 on")
@pytest.mark.parametrize("factor", [0.3, 1.0, 4.0])
def test_temperature_is_scikit_learns(sample, factor):
    gold, logits = sample["gold"], sample["logits"] * factor
    model = FrozenEstimator(Given().fit(logits, gold))
    expected = CalibratedClassifierCV(model, method="temperature").fit(logits, gold).predict_proba(logits)
    temperature = calibration.fit_temperature(gold=gold, logits=logits)
    np.testing.assert_allclose(evaluation.probabilities(logits, temperature=temperature), expected, atol=1e-5)
    assert np.abs(evaluation.probabilities(logits) - expected).max() > 0.05  # else there were nothing to find


def test_three_times_the_logits_have_three_times_the_temperature(sample):
    gold, logits = sample["gold"], sample["logits"]
    once, thrice = (calibration.fit_temperature(gold=gold, logits=logits * factor) for factor in (1, 3))
    assert once > 1.2  # this model is too sure
    assert thrice == pytest.approx(3 * once, rel=1e-3)


def test_labels_that_follow_the_logits_chances_need_no_temperature():
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(20_000, 3)) * 2
    gold = (evaluation.probabilities(logits).cumsum(axis=1) < rng.random((20_000, 1))).sum(axis=1)
    assert calibration.fit_temperature(gold=gold, logits=logits) == pytest.approx(1, abs=0.04)
    error = calibration.expected_calibration_error(gold=gold, probabilities=evaluation.probabilities(logits))
    assert error < 0.02


def test_temperature_changes_no_label_and_mends_the_confidence(sample):
    gold, logits = sample["gold"], sample["logits"]
    temperature = calibration.fit_temperature(gold=gold, logits=logits)
    cooler = evaluation.probabilities(logits, temperature=temperature)
    assert cooler.argmax(axis=1).tolist() == logits.argmax(axis=1).tolist()
    before, after = (
        calibration.expected_calibration_error(gold=gold, probabilities=chances)
        for chances in (sample["chances"], cooler)
    )
    assert after < 0.6 * before


@pytest.mark.parametrize(("gold", "expected"), [([0, 1, 2], 0.05), ([1, 2, 0], 20)])
def test_a_model_that_is_always_right_or_always_wrong_gets_the_end_of_the_range(gold, expected):
    assert calibration.fit_temperature(gold=gold, logits=np.eye(3)) == pytest.approx(expected, rel=1e-3)
    assert calibration.fit_temperature(gold=gold[:1], logits=np.eye(3)[:1]) == pytest.approx(expected, rel=1e-3)


# ---------------------------------------------------------------- answering only when sure


@pytest.mark.parametrize("name", ["chances", "tied"])
def test_abstention_curve_is_the_plain_loop(sample, name):
    confidence, hit = sample[name].max(axis=1), right(sample, sample[name])
    expected = []
    for threshold in sorted(set(confidence), reverse=True):
        given = confidence >= threshold
        expected.append([threshold, given.sum() / 240, hit[given].sum() / given.sum()])
    curve = calibration.abstention_curve(gold=sample["gold"], probabilities=sample[name])
    assert list(curve) == ["threshold", "answered", "accuracy"]
    np.testing.assert_allclose(curve.to_numpy(), expected)
    assert (len(curve) < 20) == (name == "tied")
    assert curve["answered"].iloc[-1] == 1
    assert curve["accuracy"].iloc[-1] == pytest.approx(hit.mean())


def test_abstention_curve_of_equals_has_one_row():
    for gold, accuracy in (([0], 1.0), ([1], 0.0), ([0, 1, 1, 2], 0.25)):
        curve = calibration.abstention_curve(gold=gold, probabilities=np.array([[0.6, 0.3, 0.1]] * len(gold)))
        assert curve.to_dict("records") == [{"threshold": 0.6, "answered": 1.0, "accuracy": accuracy}]


@pytest.mark.parametrize("wanted", [0.0, 0.7, 0.75, 0.8, 0.83])
@pytest.mark.parametrize("name", ["chances", "tied"])
def test_threshold_is_the_lowest_that_reaches_the_accuracy(sample, name, wanted):
    confidence, hit = sample[name].max(axis=1), right(sample, sample[name])
    found = calibration.threshold_for(wanted, gold=sample["gold"], probabilities=sample[name])
    assert found == min(t for t in confidence if hit[confidence >= t].mean() >= wanted)
    assert hit[confidence >= found].mean() >= wanted


def test_threshold_is_looked_for_below_a_dip():
    chances = np.array([[c, 1 - c, 0.0] for c in (0.95, 0.9, 0.8, 0.7, 0.6)])
    gold = [0, 1, 0, 0, 1]  # accuracy from the surest on: 1, 1/2, 2/3, 3/4, 3/5
    assert calibration.threshold_for(0.75, gold=gold, probabilities=chances) == 0.7  # reached exactly
    assert calibration.threshold_for(0.76, gold=gold, probabilities=chances) == 0.95
    assert calibration.threshold_for(0.6, gold=gold, probabilities=chances) == 0.6


def test_an_accuracy_out_of_reach_says_what_is_reached():
    chances = np.array([[0.9, 0.1, 0.0], [0.6, 0.3, 0.1], [0.5, 0.4, 0.1]])
    with pytest.raises(ValueError, match=r"no threshold reaches 0\.80: the most is 0\.67"):
        calibration.threshold_for(0.8, gold=[1, 0, 0], probabilities=chances)
    with pytest.raises(ValueError, match=r"the most is 0\.00"):
        calibration.threshold_for(0.1, gold=[2, 2, 2], probabilities=chances)


# ---------------------------------------------------------------- what cannot be judged

OF_PROBABILITIES = {
    "reliability_table": calibration.reliability_table,
    "expected_calibration_error": calibration.expected_calibration_error,
    "abstention_curve": calibration.abstention_curve,
    "threshold_for": lambda **given: calibration.threshold_for(0.5, **given),
}
OF_LOGITS = {
    "negative_log_likelihood": calibration.negative_log_likelihood,
    "fit_temperature": calibration.fit_temperature,
}
NO_PROBABILITIES = {
    "not a number": [0.5, np.nan, 0.5],
    "above 1 in all": [0.5, 0.5, 0.5],
    "below 1 in all": [0.5, 0.2, 0.2],
    "negative": [1.2, -0.2, 0.0],
    "logits": [3.0, -1.0, 0.5],
}


@pytest.mark.parametrize("case", NO_PROBABILITIES)
@pytest.mark.parametrize("name", OF_PROBABILITIES)
def test_what_is_no_probability_raises(name, case):
    chances = np.array([[1.0, 0.0, 0.0], NO_PROBABILITIES[case]])
    with pytest.raises(ValueError, match="add up to 1"):
        OF_PROBABILITIES[name](gold=[0, 1], probabilities=chances)


@pytest.mark.parametrize("name", [*OF_PROBABILITIES, *OF_LOGITS])
def test_shapes_and_ids_that_do_not_fit_raise(name):
    def judge(gold, scores):
        if name in OF_LOGITS:
            return OF_LOGITS[name](gold=gold, logits=scores)
        return OF_PROBABILITIES[name](gold=gold, probabilities=scores)

    two = np.array([[0.7, 0.2, 0.1], [0.3, 0.3, 0.4]])
    with pytest.raises(ValueError, match="one row a review"):
        judge([0], two)
    with pytest.raises(ValueError, match="one row a review"):
        judge([[0], [1]], two)
    with pytest.raises(ValueError, match=r"one row a review|one column a label"):
        judge([0, 1], two[0, :2])
    with pytest.raises(ValueError, match="at least one"):
        judge([], np.zeros((0, 3)))
    for strange in (-1, 3):
        with pytest.raises(ValueError, match=rf"label id {strange} is none of the 3 labels"):
            judge([0, strange], two)


@pytest.mark.parametrize("name", OF_LOGITS)
def test_logits_of_a_diverged_training_raise(name):
    with pytest.raises(ValueError, match="the logits of review 1 are not finite"):
        OF_LOGITS[name](gold=[0, 1], logits=np.array([[1.0, 0, 0], [np.nan, 0, 0]]))


@pytest.mark.parametrize("temperature", [0, -1.0, np.nan])
def test_a_temperature_that_is_not_above_0_raises(temperature):
    with pytest.raises(ValueError, match="use a number above 0"):
        calibration.negative_log_likelihood(gold=[0], logits=np.eye(3)[:1], temperature=temperature)
