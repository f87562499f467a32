"""Baselines: what each learns from, that it predicts data sets in their order, and that trainings are kept."""

from types import SimpleNamespace

import datasets
import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from sentiment_kit import baselines, data, models, training
from sentiment_kit.labels import LABELS


@pytest.fixture(scope="module")
def tokenized(reviews, tokenizer):
    return data.tokenize(reviews, tokenizer=tokenizer)


# ---------------------------------------------------------------- without training the network


def test_majority_comes_from_the_training_labels():
    assert baselines.majority([1, 1, 0, 2], 3).tolist() == [1, 1, 1]
    with pytest.raises(ValueError):
        baselines.majority([], 3)


def test_bag_of_words_learns_which_words_go_with_which_label(reviews):
    again = reviews.select([5, 1, 9])
    whole, part = baselines.bag_of_words(reviews, [reviews, again])
    assert np.mean(whole == np.array(reviews["label"])) > 0.9  # one third by chance; single words tell the labels
    assert part.tolist() == whole[[5, 1, 9]].tolist()


def test_bag_of_words_takes_any_labels():
    rows = {"text": ["a bill", "a bed", "a wheel", "a bed"], "label": [3, 0, 1, 0]}
    train, test = (
        datasets.Dataset.from_dict(rows),
        datasets.Dataset.from_dict({"text": ["bed", "bill"], "label": [0, 3]}),
    )
    assert baselines.bag_of_words(train, [test])[0].tolist() == [0, 3]


def test_the_linear_probe_is_logistic_regression_on_standardized_features():
    rng = np.random.default_rng(0)
    gold = np.arange(60) % 3
    features = rng.normal(size=(60, 4)) * [1, 10, 100, 0.01] + gold[:, None] * [0.5, 9, 0, 0.02]
    standard = (features - features.mean(axis=0)) / features.std(axis=0)
    by_hand = LogisticRegression(C=0.01, max_iter=2000).fit(standard, gold).predict_proba(standard)
    found = baselines.linear_probe().fit(features, gold).predict_proba(features)
    np.testing.assert_allclose(found, by_hand, atol=1e-4)


def test_frozen_encoder_learns_from_its_features_and_scores_each_data_set(reviews, tiny_encoder, tokenizer):
    options = {"checkpoint": str(tiny_encoder), "tokenizer": tokenizer}
    again = reviews.select([5, 1, 9])
    whole, part = baselines.frozen_encoder(reviews, [reviews, again], **options)
    assert np.mean(whole == np.array(reviews["label"])) > 0.6  # one third by chance
    assert part.tolist() == whole[[5, 1, 9]].tolist()
    flipped = reviews.map(lambda row: {"label": 2 - row["label"]})  # it learns from the labels it is given
    assert baselines.frozen_encoder(flipped, [reviews], **options)[0].tolist() == (2 - whole).tolist()


def test_untrained_head_is_the_plain_classifier_under_each_seed(tokenized, tiny_encoder, tokenizer):
    tests = [tokenized, tokenized.select([3, 4])]
    first, second = baselines.untrained_head(tests, checkpoint=str(tiny_encoder), tokenizer=tokenizer, seeds=[4, 9, 4])
    assert len(first) == len(second) == 3
    assert first[0].tolist() == first[2].tolist() != first[1].tolist()
    assert second[1].tolist() == first[1][[3, 4]].tolist()
    head = models.load_classifier(tiny_encoder, seed=9)
    expected = training.predict_logits(tokenized, model=head, tokenizer=tokenizer).argmax(axis=1)
    assert first[1].tolist() == expected.tolist()


# ---------------------------------------------------------------- trained, and kept

SETTINGS = {"learning_rate": 2e-3, "batch_size": 6, "epochs": 2}


def noting(calls, fine_tune):
    def noted(**options):
        words = options["model"].get_input_embeddings().weight.detach().clone()
        calls.append({**options, "words": words})
        return fine_tune(**options)

    return noted


@pytest.fixture
def trainings(monkeypatch):
    """Every call of ``training.fine_tune``: its arguments, and the word vectors that it started from."""
    calls = []
    monkeypatch.setattr(training, "fine_tune", noting(calls, training.fine_tune))
    return calls


@pytest.fixture
def pretended(monkeypatch):
    """The same, but nothing is learned: quicker where it only matters whether there is a training."""
    calls = []
    monkeypatch.setattr(training, "fine_tune", noting(calls, lambda **options: SimpleNamespace(model=options["model"])))
    return calls


@pytest.fixture
def train(tokenized, tiny_encoder, tokenizer, tmp_path):
    """Trains on the first twelve reviews and predicts all of them, then two of them."""

    def run(**changes):
        options = {
            "train": tokenized.select(range(12)),
            "tests": [tokenized, tokenized.select([17, 3])],
            "checkpoint": str(tiny_encoder),
            "tokenizer": tokenizer,
            "settings": SETTINGS,
            "seeds": [5],
            "keep": tmp_path / "kept",
        }
        return baselines.trained(**(options | changes))

    return run


def plain(runs):
    return [[one.tolist() for one in of_a_test] for of_a_test in runs]


def forbidden(**options):
    raise AssertionError("this was trained before")


def test_trained_is_fine_tuning_by_hand_once_for_each_seed(
    train, trainings, tokenized, tiny_encoder, tokenizer, tmp_path
):
    whole, part = train(seeds=[5, 8])
    assert [call["args"].seed for call in trainings] == [5, 8]
    expected = []
    for seed in (5, 8):
        trainer = training.fine_tune(
            train=tokenized.select(range(12)),
            validation=tokenized,
            model=models.load_classifier(tiny_encoder, seed=seed),
            tokenizer=tokenizer,
            args=training.training_arguments(tmp_path, **SETTINGS, seed=seed, eval_strategy="no"),
            quiet=True,
        )
        logits = training.predict_logits(tokenized, model=trainer.model, tokenizer=tokenizer)
        expected.append(logits.argmax(axis=1).tolist())
    assert [run.tolist() for run in whole] == expected
    assert expected[0] != expected[1]  # else the seeds could be swapped unseen
    assert [run.tolist() for run in part] == [[run[17], run[3]] for run in expected]


def test_trained_never_evaluates_on_what_it_predicts(train, pretended):
    train()
    assert pretended[0]["args"].eval_strategy == "no"
    assert len(pretended[0]["train"]) == 12


def test_a_second_call_trains_nothing_and_predicts_the_same(train, monkeypatch):
    first = train(seeds=[5, 8])
    monkeypatch.setattr(training, "fine_tune", forbidden)
    monkeypatch.setattr(models, "load_classifier", forbidden)
    assert plain(train(seeds=[5, 8])) == plain(first)
    assert plain(train(seeds=[8, 5])) == [list(reversed(runs)) for runs in plain(first)]


@pytest.mark.parametrize("change", ["settings", "seed", "gold labels", "train texts", "test texts", "weights", "names"])
def test_what_differs_is_trained_anew(change, train, pretended, tokenized):
    twelve = tokenized.select(range(12))
    changes = {
        "settings": {"settings": SETTINGS | {"learning_rate": 1e-3}},
        "seed": {"seeds": [6]},
        "gold labels": {"train": twelve.map(lambda row: {"label": (row["label"] + 1) % 3})},
        "train texts": {"train": tokenized.select(range(6, 18))},
        "test texts": {"tests": [tokenized.select([0, 1])]},
        "weights": {"pretrained": False},
        "names": {"labels": ("bad", "mixed", "good")},
    }
    train()
    train(**changes[change])
    assert len(pretended) == 2
    train()  # the first is still there
    train(**changes[change])
    assert len(pretended) == 2


def test_another_checkpoint_is_trained_anew(train, pretended, tiny_bert, tiny_encoder):
    train(checkpoint=str(tiny_encoder))
    train(checkpoint=str(tiny_bert))
    assert len(pretended) == 2


def test_only_with_pretrained_false_the_network_starts_from_random_weights(train, trainings, tiny_encoder):
    published = models.load_encoder(tiny_encoder).get_input_embeddings().weight
    pretrained, random = train(), train(pretrained=False)
    assert torch.equal(trainings[0]["words"], published)
    assert trainings[1]["words"].shape == published.shape
    assert (trainings[1]["words"] != published).float().mean() > 0.9
    assert plain(random) != plain(pretrained)


def test_an_interrupted_evaluation_goes_on_where_it_was(train, pretended, monkeypatch, tmp_path):
    noted = training.fine_tune

    def breaks_at_the_second(**options):
        if options["args"].seed == 8:
            raise KeyboardInterrupt
        return noted(**options)

    monkeypatch.setattr(training, "fine_tune", breaks_at_the_second)
    with pytest.raises(KeyboardInterrupt):
        train(seeds=[5, 8])
    monkeypatch.setattr(training, "fine_tune", noted)
    resumed = train(seeds=[5, 8])
    assert [call["args"].seed for call in pretended] == [5, 8]
    assert plain(resumed) == plain(train(seeds=[5, 8], keep=tmp_path / "elsewhere"))


def test_the_names_of_the_labels_become_the_models(train, pretended):
    names = ("bad", "mixed", "good")
    train(labels=names)
    assert pretended[0]["model"].config.id2label == dict(enumerate(names))
    assert names != LABELS
