"""Evaluation: scores and intervals held against plain implementations, and the log of looks at the hold-out."""

import json
import warnings
from functools import cache

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.special import softmax
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score
from statsmodels.stats import contingency_tables
from statsmodels.stats.proportion import proportion_confint

from sentiment_kit import evaluation
from sentiment_kit.evaluation import HoldoutWarning, Interval
from sentiment_kit.labels import LABELS


def macro_f1(gold, predicted):
    return f1_score(gold, predicted, average="macro", labels=[0, 1, 2], zero_division=0)


def f1_of(label):
    return lambda gold, predicted: f1_score(gold, predicted, average="macro", labels=[label], zero_division=0)


SCIKIT_LEARNS = {
    "accuracy": accuracy_score,
    "macro_f1": macro_f1,
    **{f"f1_{name}": f1_of(label) for label, name in enumerate(LABELS)},
}


@pytest.fixture(scope="module")
def sample():
    """Ninety reviews of nine films of different sizes, unbalanced, with two models of different faults."""
    rng = np.random.default_rng(3)
    films = np.repeat([f"film {i}" for i in range(9)], [2, 3, 5, 8, 10, 12, 14, 16, 20])
    gold = rng.choice(3, size=len(films), p=[0.5, 0.2, 0.3])
    good = np.where(rng.random(len(films)) < 0.8, gold, rng.choice(3, size=len(films), p=[0.1, 0.1, 0.8]))
    poor = np.where(rng.random(len(films)) < 0.5, good, 0)
    order = rng.permutation(len(films))  # reviews of one film need not stand together
    return {"gold": gold[order], "good": good[order], "poor": poor[order], "films": films[order]}


# ---------------------------------------------------------------- scores


def test_score_and_report_agree_with_scikit_learn(sample):
    gold, predicted = sample["gold"], sample["good"]
    expected = {"accuracy": accuracy_score(gold, predicted), "macro_f1": macro_f1(gold, predicted)}
    assert evaluation.score(gold=gold, predicted=predicted) == pytest.approx(expected)
    report = evaluation.report(gold=gold.tolist(), predicted=predicted)
    matrix = confusion_matrix(gold, predicted, labels=[0, 1, 2])
    assert (matrix != matrix.T).any()  # else rows and columns could be swapped unseen
    assert report["confusion_matrix"] == matrix.tolist()
    each = f1_score(gold, predicted, average=None)
    assert report["per_class_f1"] == pytest.approx(dict(zip(LABELS, each, strict=True)))
    assert {name: report[name] for name in expected} == pytest.approx(expected)
    assert (report["reviews"], report["labels"]) == (90, list(LABELS))
    assert json.loads(json.dumps(report)) == report


def test_report_has_a_row_for_a_label_that_does_not_occur():
    report = evaluation.report(gold=[0, 0, 2], predicted=[0, 2, 2])
    assert report["confusion_matrix"] == [[1, 0, 1], [0, 0, 0], [0, 0, 1]]
    assert report["per_class_f1"]["neutral"] == 0
    assert report["macro_f1"] == pytest.approx(macro_f1([0, 0, 2], [0, 2, 2]))


ABSENT = {
    "neutral neither gold nor predicted": ([0, 0, 0, 2, 2], [0, 2, 0, 2, 2]),
    "neutral never predicted": ([0, 1, 1, 2, 0], [0, 0, 2, 2, 0]),
    "neutral only predicted": ([0, 0, 2, 2, 2], [1, 0, 1, 2, 2]),
    "all wrong": ([0, 0, 1], [1, 1, 0]),
}


@pytest.mark.parametrize("metric", SCIKIT_LEARNS)
@pytest.mark.parametrize("case", ABSENT)
def test_the_centre_of_the_bootstrap_is_scikit_learns_with_absent_classes(case, metric):
    gold, predicted = ABSENT[case]
    films = list("aabbc"[: len(gold)])
    interval = evaluation.bootstrap(gold=gold, predicted=predicted, groups=films, metric=metric, resamples=20)
    assert interval.score == pytest.approx(SCIKIT_LEARNS[metric](gold, predicted))
    assert evaluation.score(gold=gold, predicted=predicted).get(metric, interval.score) == interval.score


def test_probabilities_are_torchs_softmax_of_the_divided_logits():
    logits = np.random.default_rng(0).normal(size=(7, 3)) * 4
    logits[0] = [1000, 999, -1000]  # too large for a plain exponential
    for temperature in (0.5, 1.0, 3.0):
        expected = torch.softmax(torch.tensor(logits) / temperature, dim=1).numpy()
        np.testing.assert_allclose(evaluation.probabilities(logits, temperature=temperature), expected, atol=1e-12)
    np.testing.assert_array_equal(evaluation.probabilities(logits), evaluation.probabilities(logits, temperature=1))
    surest = [evaluation.probabilities(logits, temperature=t)[1].max() for t in (0.5, 1, 3)]
    assert surest == sorted(surest, reverse=True)


def test_probabilities_of_broken_logits_raise():
    for broken in (np.nan, np.inf, -np.inf):
        with pytest.raises(ValueError, match=r"the logits of review 1 are not finite.*diverged"):
            evaluation.probabilities([[0.0, 1.0], [0.0, broken]])
    with pytest.raises(ValueError, match="one row a review"):
        evaluation.probabilities([0.0, 1.0])
    for temperature in (0, -2, np.nan):
        with pytest.raises(ValueError, match="use a number above 0"):
            evaluation.probabilities([[0.0, 1.0]], temperature=temperature)


# ---------------------------------------------------------------- intervals


def slowly(*, gold, predicted, groups, metric, minus=None, resamples, level, seed):
    """The bootstrap as one would write it on a blackboard: build each resample, review by review, and score it."""
    films = sorted(set(groups))
    draws = np.random.default_rng(seed).multinomial(len(films), [1 / len(films)] * len(films), resamples)
    scores, score = [], SCIKIT_LEARNS[metric]
    for times in draws:
        chosen = []
        for film, count in zip(films, times, strict=True):
            chosen += [i for i in range(len(gold)) if groups[i] == film] * int(count)
        one = score([gold[i] for i in chosen], [predicted[i] for i in chosen])
        if minus is not None:
            one -= score([gold[i] for i in chosen], [minus[i] for i in chosen])
        scores.append(one)
    scores.sort()

    def quantile(share):
        place = share * (len(scores) - 1)
        below = int(place)
        above = min(below + 1, len(scores) - 1)
        return scores[below] + (place - below) * (scores[above] - scores[below])

    return quantile((1 - level) / 2), quantile((1 + level) / 2)


@pytest.mark.parametrize(("minus", "level", "seed"), [(None, 0.95, 42), ("poor", 0.9, 7)])
@pytest.mark.parametrize("metric", SCIKIT_LEARNS)
def test_bootstrap_is_the_plain_loop(sample, metric, minus, level, seed):
    options = {
        "gold": sample["gold"],
        "predicted": sample["good"],
        "groups": sample["films"],
        "minus": sample[minus] if minus else None,
        "metric": metric,
        "resamples": 40,
        "level": level,
        "seed": seed,
    }
    interval = evaluation.bootstrap(**options)
    assert (interval.low, interval.high) == pytest.approx(slowly(**options))
    assert interval.low < interval.score < interval.high


def test_macro_f1_is_the_metric_if_none_is_named(sample):
    options = {"gold": sample["gold"], "predicted": sample["good"], "groups": sample["films"]}
    assert evaluation.bootstrap(**options) == evaluation.bootstrap(**options, metric="macro_f1")
    assert evaluation.bootstrap(**options) != evaluation.bootstrap(**options, metric="accuracy")


def test_one_review_or_one_film_has_an_interval_of_no_width():
    assert evaluation.bootstrap(gold=[1], predicted=[1], groups=["a"], metric="accuracy") == Interval(1, 1, 1)
    assert evaluation.bootstrap(gold=[1], predicted=[2], groups=["a"]) == Interval(0, 0, 0)
    of_one_film = evaluation.bootstrap(gold=[0, 1, 2, 2], predicted=[0, 1, 2, 0], groups=["a"] * 4, metric="accuracy")
    assert of_one_film == Interval(0.75, 0.75, 0.75)


def test_films_are_drawn_not_reviews():
    # Ten films, each all right or all wrong: what matters is how many films there are, not how many reviews.
    gold = np.tile([0, 1, 2], 100)
    films = np.repeat(np.arange(10), 30)
    predicted = np.where(films < 6, gold, (gold + 1) % 3)
    by_film = evaluation.bootstrap(gold=gold, predicted=predicted, groups=films.astype(str))
    by_review = evaluation.bootstrap(gold=gold, predicted=predicted, groups=np.arange(300).astype(str))
    assert by_film.score == pytest.approx(by_review.score)
    assert by_film.high - by_film.low > 3 * (by_review.high - by_review.low)  # √30 in theory
    # With whole films the score is the share of right ones, so a draw's spread is the binomial's.
    assert by_film.high - by_film.low == pytest.approx(2 * 1.96 * np.sqrt(0.6 * 0.4 / 10), rel=0.15)


def test_a_difference_is_paired(sample):
    gold, films = sample["gold"], sample["films"]
    same = evaluation.bootstrap(gold=gold, predicted=sample["good"], minus=sample["good"], groups=films)
    assert same == Interval(0.0, 0.0, 0.0)  # on the same reviews a model never differs from itself
    options = {"gold": gold, "groups": films}
    forth = evaluation.bootstrap(predicted=sample["good"], minus=sample["poor"], **options)
    back = evaluation.bootstrap(predicted=sample["poor"], minus=sample["good"], **options)
    assert (back.score, back.low, back.high) == pytest.approx((-forth.score, -forth.high, -forth.low))
    assert forth.score == pytest.approx(macro_f1(gold, sample["good"]) - macro_f1(gold, sample["poor"]))


def test_the_seed_the_level_and_the_names_of_films(sample):
    options = {"gold": sample["gold"], "predicted": sample["good"], "groups": sample["films"]}
    assert evaluation.bootstrap(**options) == evaluation.bootstrap(**options)
    assert evaluation.bootstrap(**options, seed=1) != evaluation.bootstrap(**options, seed=2)
    wide, narrow = (evaluation.bootstrap(**options, level=level) for level in (0.99, 0.5))
    assert wide.low < narrow.low < narrow.high < wide.high
    renamed = options | {"groups": ["the " + film for film in sample["films"]]}
    assert evaluation.bootstrap(**renamed) == evaluation.bootstrap(**options)


def test_labels_of_ones_own():
    gold, predicted = [0, 1, 1, 0, 1], [0, 1, 0, 0, 1]
    interval = evaluation.bootstrap(gold=gold, predicted=predicted, groups=list("abcde"), labels=("no", "yes"))
    assert interval.score == pytest.approx(f1_score(gold, predicted, average="macro"))
    own = {"groups": list("abcde"), "labels": ("no", "yes"), "metric": "f1_yes"}
    assert evaluation.bootstrap(gold=gold, predicted=predicted, **own).score == pytest.approx(0.8)


# ---------------------------------------------------------------- the table of intervals


def test_interval_table_of_one_run_is_the_bootstrap_of_each_metric(sample):
    options = {"gold": sample["gold"], "groups": sample["films"], "resamples": 200, "level": 0.9, "seed": 5}
    table = evaluation.interval_table({"rival": [sample["poor"]], "ours": [sample["good"]]}, **options)
    expected = []
    for name, predicted in (("rival", sample["poor"]), ("ours", sample["good"])):
        for metric in SCIKIT_LEARNS:
            interval = evaluation.bootstrap(predicted=predicted, metric=metric, **options)
            expected.append([name, 1, metric, interval.score, interval.low, interval.high])
    pd.testing.assert_frame_equal(
        table, pd.DataFrame(expected, columns=["system", "runs", "metric", "score", "low", "high"])
    )


def test_several_runs_are_averaged_within_each_draw(sample):
    # Two runs that are right on opposite halves of the films: whatever films are drawn, together they score one half.
    gold = np.tile([0, 1, 2], 20)
    films = np.repeat(list("abcdefghij"), 6)
    half = films < "f"
    wrong = (gold + 1) % 3
    runs = [np.where(half, gold, wrong), np.where(half, wrong, gold)]
    table = evaluation.interval_table({"both": runs, "one": runs[:1]}, gold=gold, groups=films)
    rows = table[table["metric"] == "accuracy"].set_index("system")
    assert rows.loc["both", ["runs", "score", "low", "high"]].tolist() == pytest.approx([2, 0.5, 0.5, 0.5])
    assert rows.loc["one", "low"] < 0.3 < 0.7 < rows.loc["one", "high"]


def test_the_score_of_several_runs_is_their_mean(sample):
    runs = [sample["good"], sample["poor"], sample["gold"]]
    table = evaluation.interval_table({"it": runs}, gold=sample["gold"], groups=sample["films"], resamples=50)
    for row in table.itertuples():
        expected = np.mean([SCIKIT_LEARNS[row.metric](sample["gold"], run) for run in runs])
        assert (row.runs, row.score) == (3, pytest.approx(expected))
        assert row.low < row.score < row.high


def test_interval_table_refuses_what_it_cannot_score(sample):
    options = {"gold": [0, 1, 2], "groups": list("abc")}
    with pytest.raises(ValueError, match="forgotten: there is no run to score"):
        evaluation.interval_table({"ours": [[0, 1, 2]], "forgotten": []}, **options)
    with pytest.raises(ValueError, match="label id 3 is none of the 3 labels"):
        evaluation.interval_table({"ours": [[0, 1, 3]]}, **options)
    with pytest.raises(ValueError, match="one label a review in both"):
        evaluation.interval_table({"ours": [[0, 1]]}, **options)
    with pytest.raises(ValueError, match="one label a review in both"):
        evaluation.interval_table({"a run, not a list of runs": [0, 1, 2]}, **options)
    with pytest.raises(ValueError, match="2 groups for 3 reviews"):
        evaluation.interval_table({"ours": [[0, 1, 2]]}, gold=[0, 1, 2], groups=["a", "b"])
    with pytest.raises(ValueError, match="no labels to score"):
        evaluation.interval_table({"ours": [[]]}, gold=[], groups=[])


def test_readable_has_a_line_for_each_system_and_keeps_the_order():
    columns = ["system", "runs", "metric", "score", "low", "high"]
    rows = [
        ["zebra", 1, "macro_f1", 0.7349, 0.6951, 0.7749],
        ["zebra", 1, "accuracy", 0.8, 0.75, 1.0],
        ["ant", 3, "macro_f1", 0.5, 0.4, 0.6],
        ["ant", 3, "accuracy", 0.0, 0.0, 0.125],
    ]
    found = evaluation.readable(pd.DataFrame(rows, columns=columns))
    assert list(found.index) == ["zebra", "ant"]
    assert list(found) == ["macro_f1", "accuracy"]
    assert found.loc["zebra"].tolist() == ["0.73 [0.70, 0.77]", "0.80 [0.75, 1.00]"]
    assert found.loc["ant"].tolist() == ["0.50 [0.40, 0.60]", "0.00 [0.00, 0.12]"]


# ---------------------------------------------------------------- is one model better?


def paired(*, both, only_first, only_second, neither):
    """Gold labels and two models' predictions with these counts; where neither is right, they often disagree too."""
    size = both + only_first + only_second + neither
    gold = np.arange(size) % 3
    first, second = (gold + 1) % 3, (gold + 1 + np.arange(size) % 2) % 3
    first[: both + only_first] = gold[: both + only_first]
    second[:both] = gold[:both]
    second[both + only_first :][:only_second] = gold[both + only_first :][:only_second]
    order = np.random.default_rng(1).permutation(size)
    return {"gold": gold[order], "first": first[order], "second": second[order]}


TABLES = [(20, 9, 2, 5), (3, 1, 8, 40), (50, 30, 14, 6), (0, 0, 9, 3), (7, 6, 6, 1), (10, 4, 5, 0), (4, 1, 0, 0)]


@pytest.mark.parametrize("table", TABLES)
def test_mcnemar_is_statsmodels_exact_test(table):
    both, only_first, only_second, neither = table
    answers = paired(both=both, only_first=only_first, only_second=only_second, neither=neither)
    found = evaluation.mcnemar(**answers)
    assert (found.only_first, found.only_second) == (only_first, only_second)
    expected = contingency_tables.mcnemar([[both, only_first], [only_second, neither]], exact=True)
    assert found.p_value == pytest.approx(float(expected.pvalue))
    back = evaluation.mcnemar(gold=answers["gold"], first=answers["second"], second=answers["first"])
    assert (back.only_first, back.only_second) == (only_second, only_first)
    assert back.p_value == pytest.approx(found.p_value)


def test_mcnemar_of_models_that_are_right_on_the_same_reviews_finds_nothing():
    assert evaluation.mcnemar(gold=[0, 1, 2], first=[0, 1, 1], second=[0, 1, 0]) == evaluation.McNemar(0, 0, 1.0)
    assert evaluation.mcnemar(gold=[0], first=[1], second=[2]) == evaluation.McNemar(0, 0, 1.0)
    assert evaluation.mcnemar(gold=[0], first=[0], second=[2]) == evaluation.McNemar(1, 0, 1.0)


@cache
def exact_p(only_first, only_second):
    return float(contingency_tables.mcnemar([[0, only_first], [only_second, 0]], exact=True).pvalue)


@pytest.mark.parametrize(
    ("reviews", "disagreement", "power", "level"),
    [(300, 0.3, 0.8, 0.95), (1000, 0.1, 0.8, 0.95), (400, 0.5, 0.5, 0.95), (600, 0.3, 0.9, 0.9), (500, 0.4, 0.8, 0.99)],
)
def test_a_detectable_difference_is_noticed_as_often_as_asked_for(reviews, disagreement, power, level):
    difference = evaluation.detectable_difference(reviews=reviews, disagreement=disagreement, power=power, level=level)
    shares = [(disagreement + difference) / 2, (disagreement - difference) / 2, 1 - disagreement]
    drawn = np.random.default_rng(0).multinomial(reviews, shares, size=3000)
    noticed = np.mean([exact_p(first, second) <= 1 - level for first, second, _ in drawn.tolist()])
    assert noticed == pytest.approx(power, abs=0.06)  # Connor's formula approximates; the exact test is cautious


def test_a_smaller_difference_takes_more_reviews_or_less_power():
    options = {"reviews": 300, "disagreement": 0.2, "power": 0.8, "level": 0.95}

    def found(name, values):
        return [evaluation.detectable_difference(**(options | {name: value})) for value in values]

    falling = found("reviews", [50, 100, 300, 1000, 10_000])
    assert falling == sorted(falling, reverse=True) and falling[0] > 5 * falling[-1]
    for name, values in {
        "power": [0.5, 0.8, 0.9, 0.99],
        "level": [0.8, 0.95, 0.99],
        "disagreement": [0.1, 0.2, 0.6],
    }.items():
        rising = found(name, values)
        assert rising == sorted(rising) and rising[0] < rising[-1]
    assert evaluation.detectable_difference(reviews=300, disagreement=0.2) == found("power", [0.8])[0]


def test_no_difference_is_detected_by_too_few_reviews_or_between_models_that_never_differ():
    for few in ({"reviews": 10, "disagreement": 0.2}, {"reviews": 300, "disagreement": 0}):
        assert evaluation.detectable_difference(**few) == np.inf
    for strange in ({"reviews": 0}, {"disagreement": -0.1}, {"disagreement": 1.1}, {"power": 1}, {"level": 95}):
        with pytest.raises(ValueError, match="shares between 0 and 1"):
            evaluation.detectable_difference(**({"reviews": 300, "disagreement": 0.2} | strange))


# ---------------------------------------------------------------- what cannot be scored

SCORERS = {
    "score": evaluation.score,
    "report": evaluation.report,
    "confusion_counts": evaluation.confusion_counts,
    "mean_score": lambda gold, predicted: evaluation.mean_score(gold=gold, runs=[predicted]),
    "bootstrap": lambda gold, predicted: evaluation.bootstrap(gold=gold, predicted=predicted, groups=["a"] * len(gold)),
    "mcnemar, first": lambda gold, predicted: evaluation.mcnemar(gold=gold, first=predicted, second=gold),
    "mcnemar, second": lambda gold, predicted: evaluation.mcnemar(gold=gold, first=gold, second=predicted),
    "slices": lambda gold, predicted: evaluation.slices(gold=gold, predicted=predicted, by=["a"] * len(gold)),
}
KNOWING = ("score", "report", "confusion_counts", "mean_score", "bootstrap")  # these know the labels


@pytest.mark.parametrize("name", SCORERS)
def test_degenerate_input_raises(name):
    score = SCORERS[name]
    with pytest.raises(ValueError, match="no labels to score: give at least one review"):
        score(gold=[], predicted=[])
    with pytest.raises(ValueError, match=r"gold has shape \(2,\), predicted \(3,\)"):
        score(gold=[0, 1], predicted=[0, 1, 2])
    with pytest.raises(ValueError, match="one label a review in both"):  # logits in place of labels
        score(gold=[0, 1], predicted=np.zeros((2, 3)))


@pytest.mark.parametrize("name", KNOWING)
def test_an_id_that_is_no_label_raises(name):
    for strange in (-1, 3):
        with pytest.raises(ValueError, match=f"label id {strange} is none of the 3 labels: use ids from 0 to 2"):
            SCORERS[name](gold=[0, 1], predicted=[0, strange])
        with pytest.raises(ValueError, match=f"label id {strange} is none of the 3 labels"):
            SCORERS[name](gold=[strange, 1], predicted=[0, 1])


def test_an_unknown_metric_raises_and_the_known_are_named():
    with pytest.raises(ValueError, match=r"no metric 'f1_great': use one of accuracy, macro_f1, f1_negative"):
        evaluation.bootstrap(gold=[0, 1], predicted=[0, 1], groups=["a", "b"], metric="f1_great")


def test_bootstrap_refuses_a_comparison_that_does_not_fit():
    with pytest.raises(ValueError, match="one label a review in both"):
        evaluation.bootstrap(gold=[0, 1, 2], predicted=[0, 1, 2], minus=[0, 1], groups=list("abc"))

    with pytest.raises(ValueError, match="label id 7 is none of the 3 labels"):
        evaluation.bootstrap(gold=[0, 1, 2], predicted=[0, 1, 2], minus=[0, 1, 7], groups=list("abc"))


@pytest.mark.parametrize("films", [["a", "b"], ["a"], list("abcd")])
def test_bootstrap_needs_the_film_of_each_review(films):
    with pytest.raises(ValueError, match=f"{len(films)} groups for 3 reviews: give the film of each review"):
        evaluation.bootstrap(gold=[0, 1, 2], predicted=[0, 1, 1], groups=films)


def test_kappa_is_agreement_beyond_chance():
    first = [0] * 5 + [1] * 3 + [2] * 2
    second = [0, 0, 0, 0, 2, 0, 0, 1, 2, 2]
    agreed = np.mean(np.array(first) == np.array(second))
    chance = sum((first.count(c) / 10) * (second.count(c) / 10) for c in range(3))
    assert 0 < chance < agreed < 1
    assert evaluation.kappa(first, second) == pytest.approx((agreed - chance) / (1 - chance))


# ---------------------------------------------------------------- several runs


def test_mean_score_is_the_mean_over_runs(sample):
    runs = [sample["good"], sample["poor"], sample["gold"]]
    found = evaluation.mean_score(gold=sample["gold"], runs=runs)
    assert found["macro_f1"] == pytest.approx(np.mean([macro_f1(sample["gold"], run) for run in runs]))
    assert found["accuracy"] == pytest.approx(np.mean([accuracy_score(sample["gold"], run) for run in runs]))
    with pytest.raises(ValueError, match="there is no run to score"):
        evaluation.mean_score(gold=sample["gold"], runs=[])


# ---------------------------------------------------------------- the hold-out log


@pytest.fixture
def look(sample, tmp_path):
    """Scores the hold-out into a log; says whether it warned."""

    def score(model="fine_tuned", predicted="good", reviews=slice(None), **options):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            evaluation.score_holdout(
                gold=sample["gold"][reviews],
                predicted=sample[predicted][reviews],
                model=model,
                log=tmp_path / "made" / "looks.jsonl",
                **options,
            )
        ours = [str(one.message) for one in caught if one.category is HoldoutWarning]
        assert len(ours) <= 1
        return ours[0] if ours else None

    return score


@pytest.fixture
def looks(tmp_path):
    """The lines of that log."""

    def read():
        lines = (tmp_path / "made" / "looks.jsonl").read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines]

    return read


def test_the_first_look_is_logged_in_silence_and_the_same_again_not_at_all(look, looks, sample):
    assert look() is None
    assert look() is None
    (only,) = looks()
    assert (only["model"], only["split"]) == ("fine_tuned", "test")
    assert only["macro_f1"] == pytest.approx(macro_f1(sample["gold"], sample["good"]))


def test_another_models_look_warns_and_says_why(look, looks):
    look()
    warned = look(model="rival", predicted="poor")
    assert "look number 2" in warned and "choose on validation" in warned
    assert [one["model"] for one in looks()] == ["fine_tuned", "rival"]
    assert "look number 3" in look(model="third")
    assert look() is None  # the first model's own predictions are still no new look
    assert len(looks()) == 3


def test_the_same_name_with_other_predictions_is_another_look(look):
    look()
    assert "look number 2" in look(predicted="poor")


def test_another_split_is_no_second_look(look, looks):
    look()
    assert look(model="rival", predicted="poor", split="validation") is None
    assert look(model="rival", predicted="poor", reviews=slice(0, 40)) is None  # other reviews by the same name
    assert len(looks()) == 3


def test_looks_are_scored_like_everything_else(sample, tmp_path):
    options = {"gold": sample["gold"], "predicted": sample["good"], "model": "m"}
    expected = evaluation.score(gold=sample["gold"], predicted=sample["good"])
    assert evaluation.score_holdout(**options, log=tmp_path / "a") == expected
    assert evaluation.score_holdout(**options, log=tmp_path / "a") == expected


def test_what_cannot_be_scored_is_not_logged(tmp_path):
    with pytest.raises(ValueError):
        evaluation.score_holdout(gold=[0, 1], predicted=[0], model="m", log=tmp_path / "looks.jsonl")
    assert list(tmp_path.iterdir()) == []


# ---------------------------------------------------------------- mistakes


def test_worst_mistakes_are_sorted_before_they_are_rounded(reviews):
    logits = np.array([[0.0, 0.0, 9.0], [0.0, 0.0, 20.0], [12.0, 0.0, 0.0]])  # gold: 0, 1, 2; all round to 1.000
    found = evaluation.worst_mistakes(reviews.select(range(3)), logits=logits)
    assert list(found["text"]) == [reviews["text"][place] for place in (1, 2, 0)]
    with pytest.raises(ValueError, match="2 reviews of 3 labels are expected"):
        evaluation.worst_mistakes(reviews.select(range(2)), logits=logits)


def test_worst_mistakes_are_the_surest_first(reviews):
    some = reviews.select(range(6))  # negative, neutral, positive, twice
    logits = np.array(
        [
            [0.0, 0.0, 1.0],  # wrong, rather sure
            [0.0, 9.0, 0.0],  # right, surest of all
            [0.0, 0.5, 0.0],  # wrong, barely
            [1.0, 5.0, 0.0],  # wrong, very sure
            [3.0, 0.0, 0.0],  # wrong, sure
            [0.0, 1.0, 2.0],  # right
        ]
    )
    found = evaluation.worst_mistakes(some, logits=logits)
    texts = list(some["text"])
    assert list(found["text"]) == [texts[i] for i in (3, 4, 0, 2)]
    assert list(found["gold"]) == ["negative", "neutral", "negative", "positive"]
    assert list(found["predicted"]) == ["neutral", "negative", "positive", "neutral"]
    assert found["probability"].tolist() == softmax(logits, axis=1).max(axis=1)[[3, 4, 0, 2]].round(3).tolist()
    assert list(evaluation.worst_mistakes(some, logits=logits, most=2)["text"]) == [texts[3], texts[4]]


def test_worst_mistakes_need_finite_logits_and_may_be_none(reviews):
    some = reviews.select(range(3))
    assert evaluation.worst_mistakes(some, logits=np.eye(3)).empty
    with pytest.raises(ValueError, match="the logits of review 2 are not finite"):
        evaluation.worst_mistakes(some, logits=np.array([[1.0, 0, 0], [1, 0, 0], [np.nan, 0, 0]]))


@pytest.mark.parametrize("level", [0.95, 0.8])
def test_slices_have_wilsons_intervals_largest_first(level):
    by = ["long"] * 12 + ["none right"] * 5 + ["all right"] * 30 + ["one"]
    hit = np.array([1] * 9 + [0] * 3 + [0] * 5 + [1] * 30 + [1], dtype=bool)
    gold = np.arange(48) % 3
    order = np.random.default_rng(2).permutation(48)
    predicted = np.where(hit, gold, (gold + 1) % 3)
    names = [by[i] for i in order]
    table = evaluation.slices(gold=gold[order], predicted=predicted[order], by=names, level=level)
    assert list(table.index) == ["all right", "long", "none right", "one"]
    assert table["reviews"].tolist() == [30, 12, 5, 1]
    assert table["score"].tolist() == [1, 0.75, 0, 1]
    low, high = proportion_confint(np.array([30, 9, 0, 1]), table["reviews"], alpha=1 - level, method="wilson")
    np.testing.assert_allclose(table["low"], low, atol=1e-12)
    np.testing.assert_allclose(table["high"], high, atol=1e-12)


def test_slices_are_at_95_percent_if_nothing_is_said():
    options = {"gold": [0, 1, 2], "predicted": [0, 1, 1], "by": ["a", "a", "b"]}
    pd.testing.assert_frame_equal(evaluation.slices(**options), evaluation.slices(**options, level=0.95))


def test_slices_lose_no_review():
    table = evaluation.slices(gold=[0, 1, 2], predicted=[0, 1, 1], by=["a", None, None])
    assert table["reviews"].tolist() == [2, 1]
    assert table["score"].tolist() == [0.5, 1.0]
    with pytest.raises(ValueError, match="2 names of parts for 3 reviews"):
        evaluation.slices(gold=[0, 1, 2], predicted=[0, 1, 1], by=["a", "b"])
