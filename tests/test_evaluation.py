"""Evaluation: scores and intervals held against plain implementations, and the log of looks at the hold-out."""

import json
import warnings

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score

from sentiment_kit import data, evaluation, models, training
from sentiment_kit.evaluation import HoldoutWarning, Interval
from sentiment_kit.labels import LABELS


def macro_f1(gold, predicted):
    return f1_score(gold, predicted, average="macro", labels=[0, 1, 2], zero_division=0)


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


@pytest.mark.parametrize("case", ABSENT)
def test_the_centre_of_the_bootstrap_is_scikit_learns_macro_f1_with_absent_classes(case):
    gold, predicted = ABSENT[case]
    interval = evaluation.bootstrap(gold=gold, predicted=predicted, groups=list("aabbc"[: len(gold)]), resamples=20)
    assert interval.score == pytest.approx(macro_f1(gold, predicted))
    assert interval.score == pytest.approx(evaluation.score(gold=gold, predicted=predicted)["macro_f1"])


# ---------------------------------------------------------------- intervals


def slowly(*, gold, predicted, groups, minus=None, resamples, level, seed):
    """The bootstrap as one would write it on a blackboard: build each resample, review by review, and score it."""
    films = sorted(set(groups))
    draws = np.random.default_rng(seed).multinomial(len(films), [1 / len(films)] * len(films), resamples)
    scores = []
    for times in draws:
        chosen = []
        for film, count in zip(films, times, strict=True):
            chosen += [i for i in range(len(gold)) if groups[i] == film] * int(count)
        one = macro_f1([gold[i] for i in chosen], [predicted[i] for i in chosen])
        if minus is not None:
            one -= macro_f1([gold[i] for i in chosen], [minus[i] for i in chosen])
        scores.append(one)
    scores.sort()

    def quantile(share):
        place = share * (len(scores) - 1)
        below = int(place)
        above = min(below + 1, len(scores) - 1)
        return scores[below] + (place - below) * (scores[above] - scores[below])

    return quantile((1 - level) / 2), quantile((1 + level) / 2)


@pytest.mark.parametrize(("minus", "level", "seed"), [(None, 0.95, 42), ("poor", 0.9, 7)])
def test_bootstrap_is_the_plain_loop(sample, minus, level, seed):
    options = {
        "gold": sample["gold"],
        "predicted": sample["good"],
        "groups": sample["films"],
        "minus": sample[minus] if minus else None,
        "resamples": 60,
        "level": level,
        "seed": seed,
    }
    interval = evaluation.bootstrap(**options)
    assert (interval.low, interval.high) == pytest.approx(slowly(**options))
    assert interval.low < interval.score < interval.high


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


# ---------------------------------------------------------------- what cannot be scored

SCORERS = {
    "score": evaluation.score,
    "report": evaluation.report,
    "confusion_counts": evaluation.confusion_counts,
    "bootstrap": lambda gold, predicted: evaluation.bootstrap(gold=gold, predicted=predicted, groups=["a"] * len(gold)),
}


@pytest.mark.parametrize("name", SCORERS)
def test_degenerate_input_raises(name):
    score = SCORERS[name]
    with pytest.raises(ValueError, match="no labels to score: give at least one review"):
        score(gold=[], predicted=[])
    with pytest.raises(ValueError, match=r"gold has shape \(2,\), predicted \(3,\)"):
        score(gold=[0, 1], predicted=[0, 1, 2])
    with pytest.raises(ValueError, match="one label a review in both"):  # logits in place of labels
        score(gold=[0, 1], predicted=np.zeros((2, 3)))


def test_bootstrap_refuses_a_comparison_that_does_not_fit():
    with pytest.raises(ValueError, match="one label a review in both"):
        evaluation.bootstrap(gold=[0, 1, 2], predicted=[0, 1, 2], minus=[0, 1], groups=list("abc"))


@pytest.mark.parametrize("films", [["a", "b"], ["a"], list("abcd")])
def test_bootstrap_needs_the_film_of_each_review(films):
    with pytest.raises(ValueError):
        evaluation.bootstrap(gold=[0, 1, 2], predicted=[0, 1, 1], groups=films)


def test_kappa_is_agreement_beyond_chance():
    first = [0] * 5 + [1] * 3 + [2] * 2
    second = [0, 0, 0, 0, 2, 0, 0, 1, 2, 2]
    agreed = np.mean(np.array(first) == np.array(second))
    chance = sum((first.count(c) / 10) * (second.count(c) / 10) for c in range(3))
    assert 0 < chance < agreed < 1
    assert evaluation.kappa(first, second) == pytest.approx((agreed - chance) / (1 - chance))


# ---------------------------------------------------------------- baselines


def test_majority_comes_from_the_training_labels():
    assert evaluation.majority([1, 1, 0, 2], 3).tolist() == [1, 1, 1]
    with pytest.raises(ValueError):
        evaluation.majority([], 3)


def test_bag_of_words_learns_which_words_go_with_which_label(reviews):
    again = reviews.select([5, 1, 9])
    whole, part = evaluation.bag_of_words(reviews, [reviews, again])
    assert np.mean(whole == np.array(reviews["label"])) > 0.9  # one third by chance; single words tell the labels
    assert part.tolist() == whole[[5, 1, 9]].tolist()


def test_frozen_encoder_learns_from_its_features_and_scores_each_data_set(reviews, tiny_encoder, tokenizer):
    options = {"checkpoint": str(tiny_encoder), "tokenizer": tokenizer}
    again = reviews.select([5, 1, 9])
    whole, part = evaluation.frozen_encoder(reviews, [reviews, again], **options)
    assert np.mean(whole == np.array(reviews["label"])) > 0.6  # one third by chance
    assert part.tolist() == whole[[5, 1, 9]].tolist()
    flipped = reviews.map(lambda row: {"label": 2 - row["label"]})  # it learns from the labels it is given
    assert evaluation.frozen_encoder(flipped, [reviews], **options)[0].tolist() == (2 - whole).tolist()


def test_untrained_head_is_the_plain_classifier_under_each_seed(reviews, tiny_encoder, tokenizer):
    tokenized = data.tokenize(reviews, tokenizer=tokenizer)
    tests = [tokenized, tokenized.select([3, 4])]
    first, second = evaluation.untrained_head(tests, checkpoint=str(tiny_encoder), tokenizer=tokenizer, seeds=[4, 9, 4])
    assert len(first) == len(second) == 3
    assert first[0].tolist() == first[2].tolist() != first[1].tolist()
    assert second[1].tolist() == first[1][[3, 4]].tolist()
    head = models.load_classifier(tiny_encoder, seed=9)
    expected = training.predict_logits(tokenized, model=head, tokenizer=tokenizer).argmax(axis=1)
    assert first[1].tolist() == expected.tolist()


def test_mean_score_is_the_mean_over_runs(sample):
    runs = [sample["good"], sample["poor"], sample["gold"]]
    found = evaluation.mean_score(gold=sample["gold"], runs=runs)
    assert found["macro_f1"] == pytest.approx(np.mean([macro_f1(sample["gold"], run) for run in runs]))
    assert found["accuracy"] == pytest.approx(np.mean([accuracy_score(sample["gold"], run) for run in runs]))


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


def test_as_table_has_a_line_for_each_name_in_order():
    table = evaluation.as_table({"b": Interval(0.5, 0.4, 0.7), "a": Interval(0.2, 0.1, 0.3)})
    assert table.loc["b"].to_dict() == {"score": 0.5, "low": 0.4, "high": 0.7}
    assert list(table.index) == ["b", "a"]
