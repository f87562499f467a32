"""Tags for words: reading them, handing them to pieces, scoring whole names by hand-made cases, learning a few."""

import json

import numpy as np
import pytest
import torch
from transformers import DataCollatorForTokenClassification, EvalPrediction, Trainer

from sentiment_kit import data, models, profiles, tokens, training

SENTENCES = [
    {"tokens": ["great", "film", "awful"], "tags": ["B-GOOD", "O", "B-BAD"]},
    {"tokens": ["awful", "awful", "film"], "tags": ["B-BAD", "I-BAD", "O"]},
    {"tokens": ["the", "film"], "tags": ["O", "O"]},
]
TAGS = ["O", "B-BAD", "I-BAD", "B-GOOD", "I-GOOD"]


def write(path, *rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_the_bundled_sentences_are_read_whole():
    sentences = tokens.read_tagged(profiles.bundled("data", "messages", "entities.jsonl"))
    assert len(sentences) == 320 and set(sentences[0]) == {"tokens", "tags"}
    assert tokens.tag_names(sentences) == ["O", "B-DATE", "I-DATE", "B-PER", "I-PER", "B-PLACE", "I-PLACE"]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"tokens": ["a", "b"], "tags": ["O"]}, "row 2: tokens and tags are not two lists of one length"),
        ({"tokens": [], "tags": []}, "row 2: tokens and tags"),
        ({"tokens": "ab", "tags": "OO"}, "row 2: tokens and tags"),
        ({"tokens": ["a"]}, "row 2: tokens and tags"),
        ({"tokens": ["a"], "tags": ["PER"]}, "row 2: unknown tag 'PER': use O, B-KIND or I-KIND"),
        ({"tokens": ["a"], "tags": ["B-"]}, "row 2: unknown tag 'B-'"),
        ({"tokens": ["a"], "tags": [3]}, "row 2: unknown tag '3'"),
    ],
)
def test_a_bad_line_is_named(tmp_path, row, message):
    with pytest.raises(data.DataError, match=message):
        tokens.read_tagged(write(tmp_path / "a.jsonl", SENTENCES[0], row))


def test_a_missing_column_is_named(tmp_path):
    with pytest.raises(data.DataError, match=r"a\.jsonl: no column 'tags' \(it has: tokens\)"):
        tokens.read_tagged(write(tmp_path / "a.jsonl", {"tokens": ["a"]}))


def test_the_first_piece_carries_the_tag_and_the_rest_nothing(tokenizer):
    made = tokens.tokenize(
        [{"tokens": ["great", "zzz", "."], "tags": ["O", "B-BAD", "O"]}], tokenizer=tokenizer, tags=TAGS
    )
    pieces = tokenizer.convert_ids_to_tokens(made[0]["input_ids"])
    assert pieces == ["[CLS]", "great", "z", "##z", "##z", ".", "[SEP]"]
    assert made[0]["labels"] == [-100, 0, 1, -100, -100, 0, -100]
    assert made.column_names == ["input_ids", "attention_mask", "labels"]
    assert tokens.align([None, 0, 0, 1, None, None], [5, 6]) == [-100, 5, -100, 6, -100, -100]


def test_a_tag_that_is_not_in_the_list_is_named(tokenizer):
    with pytest.raises(ValueError, match="unknown tag 'B-BAD': use one of O, B-GOOD"):
        tokens.tokenize(SENTENCES, tokenizer=tokenizer, tags=["O", "B-GOOD"])


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ("O O", []),
        ("B-A I-A O", [("A", 0, 2)]),
        ("B-A B-A", [("A", 0, 1), ("A", 1, 2)]),
        ("B-A I-B", [("A", 0, 1), ("B", 1, 2)]),
        ("O I-A I-A", [("A", 1, 3)]),  # a stray I begins a name
        ("B-A O I-A", [("A", 0, 1), ("A", 2, 3)]),
        ("O B-X-Y I-X-Y", [("X-Y", 1, 3)]),
        ("", []),
    ],
)
def test_spans(tags, expected):
    assert tokens.spans(tags.split()) == expected


@pytest.mark.parametrize(
    ("gold", "predicted", "expected"),
    [
        ("B-A I-A O B-B", "B-A I-A O B-B", (1, 1, 1)),
        ("B-A I-A O B-B", "B-A O O B-B", (1 / 2, 1 / 2, 1 / 2)),  # too short is wrong, not half right
        ("B-A I-A O B-B", "B-A I-A I-A B-B", (1 / 2, 1 / 2, 1 / 2)),  # too long, too
        ("B-A I-A O B-B", "B-A I-A O B-A", (1 / 2, 1 / 2, 1 / 2)),  # the right place, another kind
        ("B-A I-A O B-B", "O O O B-B", (1, 1 / 2, 2 / 3)),
        ("O O O B-B", "B-A B-A O B-B", (1 / 3, 1, 1 / 2)),
        ("B-A O O O", "O O O O", (0, 0, 0)),
        ("O O O O", "O O O O", (0, 0, 0)),
    ],
)
def test_only_whole_names_count(gold, predicted, expected):
    found = tokens.entity_scores(gold=[gold.split()], predicted=[predicted.split()])
    assert tuple(found.values()) == pytest.approx(expected)


def test_names_of_different_sentences_are_different_names():
    gold, predicted = [["B-A", "O"], ["O", "B-A"]], [["B-A", "O"], ["B-A", "O"]]
    assert tokens.entity_scores(gold=gold, predicted=predicted)["f1"] == 1 / 2


@pytest.mark.parametrize("predicted", [[["O"]], [["O", "O"], ["O"]], []])
def test_other_shapes_are_refused(predicted):
    with pytest.raises(ValueError, match="one tag for each word in both"):
        tokens.entity_scores(gold=[["O", "O"]], predicted=predicted)


def test_the_trainers_metric_skips_what_is_ignored():
    labels = np.array([[-100, 1, -100, 2, -100], [-100, 0, 3, -100, -100]])
    best = np.array([[3, 1, 4, 2, 3], [1, 0, 1, 3, 3]])  # right in the first sentence, wrong in the second
    logits = np.eye(len(TAGS))[best]
    scores = tokens.metric_function(TAGS)(EvalPrediction(predictions=logits, label_ids=labels))
    assert scores == {"precision": 1 / 2, "recall": 1 / 2, "f1": 1 / 2}


def test_a_sentence_is_split_as_the_guideline_says():
    assert tokens.split_words("Don't ask O'Dell's, it's 09/11/2024 (or 7.45)!") == [
        "Don't", "ask", "O'Dell", "'s", ",", "it", "'s", "09/11/2024", "(", "or", "7.45", ")", "!",
    ]  # fmt: skip
    for one in tokens.read_tagged(profiles.bundled("data", "messages", "entities.jsonl")):
        assert tokens.split_words(" ".join(one["tokens"])) == one["tokens"]


def test_the_list_of_known_names_takes_the_longest_and_the_commonest():
    train = [
        {"tokens": ["May", "Old", "Weir"], "tags": ["B-PER", "B-PLACE", "I-PLACE"]},
        {"tokens": ["May", "May", "Old"], "tags": ["B-DATE", "B-DATE", "B-PLACE"]},
    ]
    tagged = tokens.known_names(train, [["Old", "Weir", "May", "Old"], ["nobody"], []])
    assert tagged == [["B-PLACE", "I-PLACE", "B-DATE", "B-PLACE"], ["O"], []]
    assert tokens.known_names([], [["May"]]) == [["O"]]


def test_the_plain_trainer_teaches_a_tagger(tiny_encoder, tokenizer, tmp_path):
    model = models.load_tagger(tiny_encoder, tags=TAGS, seed=1)
    made = tokens.tokenize(SENTENCES, tokenizer=tokenizer, tags=TAGS)
    trainer = Trainer(
        model=model,
        args=training.training_arguments(tmp_path, learning_rate=5e-3, batch_size=3, epochs=20, eval_strategy="no"),
        train_dataset=made,
        eval_dataset=made,
        processing_class=tokenizer,
        data_collator=DataCollatorForTokenClassification(tokenizer),
        compute_metrics=tokens.metric_function(TAGS),
    )
    trainer.train()
    gold = [one["tags"] for one in SENTENCES]
    words = [one["tokens"] for one in SENTENCES]
    assert trainer.evaluate()["eval_f1"] == 1
    assert tokens.predict_tags(words, model=model, tokenizer=tokenizer) == gold
    assert tokens.predict_tags(words, model=model, tokenizer=tokenizer, batch_size=1) == gold
    assert tokens.find_names("Great film, awful", model=model, tokenizer=tokenizer)[0] == ("GOOD", "Great")
    training.save_model(model, tokenizer, tmp_path / "tagger")
    again = models.load_tagger(tmp_path / "tagger", tags=TAGS, seed=2)  # a saved tagger keeps its head
    assert torch.equal(again.classifier.weight, model.classifier.weight.cpu())


def test_words_that_are_cut_off_are_no_names(tiny_encoder):
    short = models.load_tokenizer(tiny_encoder, max_length=4)  # [CLS], two words, [SEP]
    model = models.load_tagger(tiny_encoder, tags=["B-A"])  # sees a name in everything
    assert tokens.predict_tags([["great", "film", "awful"]], model=model, tokenizer=short) == [["B-A", "B-A", "O"]]


def test_a_tagger_needs_a_checkpoint(tmp_path):
    with pytest.raises(models.CheckpointError, match="holds no model"):
        models.load_tagger(tmp_path, tags=TAGS)
