"""Opponents (lesson 05): what a fine-tuned model must beat, from always one label to the same network untaught.

Most take the data sets to predict as a list and give back predicted class ids for each of them, in that order.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from datasets import Dataset
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from tqdm.auto import tqdm
from transformers import PreTrainedTokenizerBase

from sentiment_kit import files, models, training
from sentiment_kit.labels import LABELS


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
    encoder = models.to_gpu(models.load_encoder(checkpoint))

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


def trained(
    train: Dataset,
    tests: Sequence[Dataset],
    *,
    checkpoint: str,
    tokenizer: PreTrainedTokenizerBase,
    settings: Mapping[str, object],
    seeds: Sequence[int],
    keep: str | Path,
    pretrained: bool = True,
    labels: Sequence[str] = LABELS,
) -> list[list[np.ndarray]]:
    """Trains the whole network once for each seed and predicts. What is done is kept, and not done again.

    Args:
        train: Tokenized reviews to learn from.
        tests: Tokenized data sets to predict.
        checkpoint: Folder or Hub name of the pre-trained encoder.
        tokenizer: Its tokenizer.
        settings: Arguments of ``training.training_arguments``, such as ``learning_rate``.
        seeds: One training each: of the head, the order of the reviews, dropout.
        keep: A folder for the predictions, so that an interrupted evaluation goes on where it was.
        pretrained: With ``False`` the same network starts from random weights: what pre-training is worth.
        labels: The label names in the order of their ids.

    Returns:
        For each data set a list of predicted class ids, one array for each seed.

    Raises:
        CheckpointError: The checkpoint cannot be loaded.
        FloatingPointError: The loss became infinite or not a number.
    """
    inputs = [[list(one["input_ids"]) for one in (train, *tests)], list(train["label"]), dict(settings), list(labels)]
    parts = json.dumps([inputs, str(checkpoint)], sort_keys=True, default=str)
    digest = hashlib.sha256(parts.encode()).hexdigest()[:16]
    kind = "pretrained" if pretrained else "random"
    runs = []
    for seed in tqdm(seeds, desc=f"trainings ({kind} weights)"):
        place = Path(keep) / f"{kind}-{seed}-{digest}.json"
        if not place.exists():
            model = models.load_classifier(checkpoint, labels=labels, seed=seed, pretrained=pretrained)
            trainer = training.fine_tune(
                train=train,
                validation=tests[0],  # never looked at: no evaluation is asked for
                model=model,
                tokenizer=tokenizer,
                args=training.training_arguments(keep, **settings, seed=seed, eval_strategy="no"),
                labels=labels,
                quiet=True,
            )
            logits = [training.predict_logits(test, model=trainer.model, tokenizer=tokenizer) for test in tests]
            files.write_json(place, [one.argmax(axis=1).tolist() for one in logits])
        runs.append(json.loads(place.read_text(encoding="utf-8")))
    return [[np.array(run[position]) for run in runs] for position in range(len(tests))]
