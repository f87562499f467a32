"""A label for every word (lesson 08): named entities in BIO tags, from the file to predicted names.

``B-PER`` begins a name, ``I-PER`` goes on with it, ``O`` is no part of any. A *span* is (kind, first word, word after).
"""

import re
from collections.abc import Callable, Sequence
from pathlib import Path

import datasets
import numpy as np
import torch
from transformers import EvalPrediction, PreTrainedModel, PreTrainedTokenizerBase

from sentiment_kit import data
from sentiment_kit.labels import label2id

IGNORED = -100
"""The label of positions that play no part in the loss: torch's own default."""

Span = tuple[str, int, int]


def read_tagged(path: str | Path) -> list[dict[str, list[str]]]:
    """Reads sentences of words with BIO tags.

    Args:
        path: A JSONL file; each line holds ``tokens`` and ``tags``, of the same length.

    Returns:
        A dictionary with ``tokens`` and ``tags`` for each sentence.

    Raises:
        DataError: As :func:`sentiment_kit.data.read_table`; or a sentence lacks one of the two, they differ in length,
            or a tag is not ``O``, ``B-…`` or ``I-…``.
    """
    table = data.read_table(path)
    for column in ("tokens", "tags"):
        data.require_column(table.columns, column, path=path, option="the names tokens, tags")
    rows = table[["tokens", "tags"]].to_dict("records")
    for number, row in enumerate(rows, start=1):
        where, tokens, tags = f"{Path(path).name}, row {number}", row["tokens"], row["tags"]
        if not (isinstance(tokens, list) and isinstance(tags, list) and len(tokens) == len(tags) > 0):
            raise data.DataError(f"{where}: tokens and tags are not two lists of one length: give each token a tag")
        strange = [tag for tag in tags if not re.fullmatch(r"O|[BI]-.+", str(tag))]
        if strange:
            raise data.DataError(f"{where}: unknown tag {str(strange[0])[:40]!r}: use O, B-KIND or I-KIND")
    return rows


def tag_names(sentences: Sequence[dict[str, list[str]]]) -> list[str]:
    """The tags of a task in the order of their ids: ``O`` first, then the two of each kind that occurs.

    >>> tag_names([{"tokens": ["In", "Rome"], "tags": ["O", "B-PLACE"]}])
    ['O', 'B-PLACE', 'I-PLACE']
    """
    kinds = sorted({tag[2:] for one in sentences for tag in one["tags"] if tag != "O"})
    return ["O", *(f"{start}-{kind}" for kind in kinds for start in "BI")]


def align(word_ids: Sequence[int | None], tags: Sequence[int]) -> list[int]:
    """Hands the tags of words to their pieces: the first piece carries the tag, all else is ignored.

    Args:
        word_ids: The word that each piece belongs to, as fast tokenizers tell it; ``None`` for [CLS], [SEP], padding.
        tags: The tag id of each word.

    Returns:
        A tag id for each piece; ``-100`` for later pieces of a word and for what is no word.

    Source:
        Devlin et al. (2019), https://aclanthology.org/N19-1423, section 5.3 (the first piece stands for its word).

    >>> align([None, 0, 1, 1, None], [0, 3])
    [-100, 0, 3, -100, -100]
    """
    before = [None, *word_ids[:-1]]
    return [
        IGNORED if word is None or word == last else tags[word] for word, last in zip(word_ids, before, strict=True)
    ]


def tokenize(
    sentences: Sequence[dict[str, list[str]]], *, tokenizer: PreTrainedTokenizerBase, tags: Sequence[str]
) -> datasets.Dataset:
    """Turns tagged sentences into what a token classifier learns from.

    Args:
        sentences: Sentences with ``tokens`` and ``tags`` (:func:`read_tagged`).
        tokenizer: The model's (fast) tokenizer; sentences over its ``model_max_length`` are cut off.
        tags: The tag names in the order of their ids (:func:`tag_names`).

    Returns:
        A data set with ``input_ids``, ``attention_mask`` and ``labels``, one number each for every piece.

    Raises:
        ValueError: A sentence has a tag that is none of ``tags``.
    """
    ids = label2id(tags)
    strange = sorted({tag for one in sentences for tag in one["tags"]} - ids.keys())
    if strange:
        raise ValueError(f"unknown tag {strange[0]!r}: use one of {', '.join(tags)}")
    split = {"truncation": True, "is_split_into_words": True, "return_token_type_ids": False}
    batch = tokenizer([one["tokens"] for one in sentences], **split)
    labels = [align(batch.word_ids(index), [ids[tag] for tag in one["tags"]]) for index, one in enumerate(sentences)]
    return datasets.Dataset.from_dict({**batch, "labels": labels})


# ---------------------------------------------------------------- spans and their scores


def spans(tags: Sequence[str]) -> list[Span]:
    """The names in a sentence. A stray ``I-`` that continues nothing of its kind begins a name.

    Args:
        tags: The BIO tag of each word.

    Returns:
        For each name its kind, its first word, and the word after its last.

    Source:
        The rule for a stray ``I-`` is that of the CoNLL-2003 task, https://aclanthology.org/W03-0419.

    >>> spans(["B-PER", "I-PER", "O", "B-DATE", "B-DATE"])
    [('PER', 0, 2), ('DATE', 3, 4), ('DATE', 4, 5)]
    """
    found: list[Span] = []
    for place, tag in enumerate(tags):
        start, _, kind = tag.partition("-")
        if start == "I" and found and found[-1][0] == kind and found[-1][2] == place:
            found[-1] = (kind, found[-1][1], place + 1)
        elif tag != "O":
            found.append((kind, place, place + 1))
    return found


def names_in(words: Sequence[str], tags: Sequence[str]) -> list[tuple[str, str]]:
    """The names in a tagged sentence, as one reads them.

    Args:
        words: The words of the sentence.
        tags: The BIO tag of each word.

    Returns:
        For each name its kind and its words.

    >>> names_in(["In", "Old", "Weir"], ["O", "B-PLACE", "I-PLACE"])
    [('PLACE', 'Old Weir')]
    """
    return [(kind, " ".join(words[first:last])) for kind, first, last in spans(tags)]


def entity_scores(*, gold: Sequence[Sequence[str]], predicted: Sequence[Sequence[str]]) -> dict[str, float]:
    """Precision, recall and F1 of whole names: right is only what has the same kind, beginning and end.

    Args:
        gold: The BIO tags of each sentence.
        predicted: The same, predicted; each sentence of the same length.

    Returns:
        ``precision`` (0 if nothing is predicted), ``recall`` (0 if there is nothing to find) and ``f1``.

    Raises:
        ValueError: The numbers of sentences or of a sentence's tags differ.

    Source:
        Tjong Kim Sang and De Meulder (2003), https://aclanthology.org/W03-0419, section 2.3.

    >>> entity_scores(gold=[["B-PER", "I-PER", "O"]], predicted=[["B-PER", "O", "O"]])["f1"]
    0.0
    """
    if [len(tags) for tags in gold] != [len(tags) for tags in predicted]:
        raise ValueError("gold and predicted differ in shape: give one tag for each word in both")
    wanted, found = (
        {(number, *span) for number, tags in enumerate(sentences) for span in spans(tags)}
        for sentences in (gold, predicted)
    )
    right = len(wanted & found)
    return {
        "precision": right / max(len(found), 1),
        "recall": right / max(len(wanted), 1),
        "f1": 2 * right / max(len(found) + len(wanted), 1),
    }


def metric_function(tags: Sequence[str]) -> Callable[[EvalPrediction], dict[str, float]]:
    """Makes the function that ``Trainer`` calls after each evaluation.

    Args:
        tags: The tag names in the order of their ids.

    Returns:
        A function from logits of shape (sentences, pieces, tags) and tag ids of shape (sentences, pieces) to
        :func:`entity_scores`.
    """

    def compute_metrics(evaluation: EvalPrediction) -> dict[str, float]:
        both = {}
        for name, ids in (("gold", evaluation.label_ids), ("predicted", evaluation.predictions.argmax(axis=-1))):
            rows = zip(ids, evaluation.label_ids, strict=True)
            both[name] = [[tags[index] for index in row[labels != IGNORED]] for row, labels in rows]
        return entity_scores(**both)

    return compute_metrics


# ---------------------------------------------------------------- predicting


def predict_tags(
    sentences: Sequence[Sequence[str]],
    *,
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    batch_size: int = 32,
) -> list[list[str]]:
    """Tags the words of sentences.

    Args:
        sentences: The words of each sentence.
        model: A token classifier (``models.load_tagger``), trained.
        tokenizer: Its (fast) tokenizer.
        batch_size: Sentences at a time.

    Returns:
        A tag for each word, that of its first piece; ``O`` for words beyond the tokenizer's ``model_max_length``.
    """
    model.eval()
    predicted = [["O"] * len(words) for words in sentences]
    split = {"truncation": True, "padding": True, "is_split_into_words": True, "return_tensors": "pt"}
    for start in range(0, len(sentences), batch_size):
        batch = tokenizer([list(words) for words in sentences[start : start + batch_size]], **split).to(model.device)
        with torch.inference_mode():
            best = model(**batch).logits.argmax(dim=-1).cpu().numpy()
        for row, tags in enumerate(predicted[start : start + batch_size]):
            first = align(batch.word_ids(row), range(len(tags)))  # the word that each first piece stands for
            for place in np.flatnonzero(np.array(first) != IGNORED):
                tags[first[place]] = model.config.id2label[int(best[row, place])]
    return predicted


def split_words(text: str) -> list[str]:
    """Splits a sentence as the tagging guideline does: punctuation and ``'s`` stand by themselves.

    >>> split_words("Odile's at the long-tail o'clock, 7.45.")
    ['Odile', "'s", 'at', 'the', 'long-tail', "o'clock", ',', '7.45', '.']
    """
    return re.findall(r"['’]s\b|\w+(?:(?:[./:,](?=\d)|-|['’](?!s\b))\w+)*|[^\w\s]", text)


def find_names(text: str, *, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> list[tuple[str, str]]:
    """Finds the names in a sentence.

    Args:
        text: The sentence.
        model: A trained token classifier.
        tokenizer: Its tokenizer.

    Returns:
        For each name its kind and its words.
    """
    words = split_words(text)
    (tags,) = predict_tags([words], model=model, tokenizer=tokenizer)
    return names_in(words, tags)


def known_names(train: Sequence[dict[str, list[str]]], sentences: Sequence[Sequence[str]]) -> list[list[str]]:
    """The opponent of a tagger: a list of all names in the training sentences, looked up, the longest first.

    Args:
        train: Tagged sentences. Of names that stand there as two kinds, the commoner kind counts.
        sentences: The words of the sentences to tag.

    Returns:
        A tag for each word.
    """
    counts: dict[tuple[str, ...], dict[str, int]] = {}
    for one in train:
        for kind, first, last in spans(one["tags"]):
            kinds = counts.setdefault(tuple(one["tokens"][first:last]), {})
            kinds[kind] = kinds.get(kind, 0) + 1
    names = {words: max(kinds, key=kinds.get) for words, kinds in counts.items()}
    longest = max(map(len, names), default=0)
    tagged = []
    for words in sentences:
        tags, place = ["O"] * len(words), 0
        while place < len(words):
            sizes = (size for size in range(longest, 0, -1) if tuple(words[place : place + size]) in names)
            size = min(next(sizes, 0), len(words) - place)
            if size:
                kind = names[tuple(words[place : place + size])]
                tags[place : place + size] = [f"B-{kind}"] + [f"I-{kind}"] * (size - 1)
            place += max(size, 1)
        tagged.append(tags)
    return tagged
