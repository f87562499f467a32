"""The messages for a task of one's own: whole, without copies, tagged well, and as their card says."""

import itertools
import json
import re
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest

FOLDER = Path(__file__).parent.parent / "data" / "messages"
CARD = (FOLDER / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def messages():
    return pd.read_csv(FOLDER / "messages.csv", keep_default_na=False)


@pytest.fixture(scope="module")
def sentences():
    lines = (FOLDER / "entities.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def words(text):
    return set(re.findall(r"\w+", text.lower()))


def alike(texts):
    """Pairs that share more than six tenths of their words."""
    sets = list(map(words, texts))
    return [(one, two) for one, two in itertools.combinations(sets, 2) if len(one & two) > 0.6 * len(one | two)]


def test_every_message_has_an_id_a_text_and_two_labels(messages):
    assert messages.columns.tolist() == ["id", "text", "topic", "urgent"]
    assert messages["id"].is_unique and messages["text"].str.strip().str.len().gt(0).all()
    assert alike(messages["text"]) == []


def test_the_card_tells_the_counts(messages, sentences):
    assert f"{len(messages)} short messages" in CARD and f"{len(sentences)} sentences" in CARD
    for column in ("topic", "urgent"):
        told = ", ".join(f"{name} {count}" for name, count in messages[column].value_counts().items())
        assert f"`{column}` ({told})" in CARD


def test_the_second_labels_agree_as_the_card_says(messages):
    second = pd.read_csv(FOLDER / "second_labels.csv").merge(messages, on="id", suffixes=("", "_first"))
    same = {column: int((second[column] == second[f"{column}_first"]).sum()) for column in ("topic", "urgent")}
    assert (len(second), same) == (120, {"topic": 119, "urgent": 120})
    assert re.search(r"119\s+of 120 topics and in all 120 answers", CARD)


def test_tags_are_well_formed(sentences):
    found = Counter()
    for one in sentences:
        assert len(one["tokens"]) == len(one["tags"]) and all(token.strip() for token in one["tokens"])
        for before, tag in zip(["O", *one["tags"]], one["tags"], strict=False):
            kind, _, name = tag.partition("-")
            assert tag == "O" or (kind in "BI" and name in ("PER", "PLACE", "DATE"))
            assert kind != "I" or before.partition("-")[2] == name, one["tokens"]
            found[tag] += kind == "B"
    assert min(found[f"B-{name}"] for name in ("PER", "PLACE", "DATE")) > 100
    assert alike(" ".join(one["tokens"]) for one in sentences) == []


def test_the_raw_example_has_the_flaws_that_the_guideline_lists(messages):
    raw = pd.read_csv(FOLDER / "messages_raw_example.csv", keep_default_na=False).set_index("id")
    listed = re.findall(r"^\| (r\d+) \| (m\d+) \|", (FOLDER / "guideline.md").read_text(encoding="utf-8"), re.MULTILINE)
    clean = messages.set_index("id")
    assert len(raw) == 40 and len(listed) == 24
    copies = {row for row, _ in listed if raw.loc[row].tolist() in clean.values.tolist()}
    assert copies == {"r21", "r35"}  # the exact duplicates, whose flaw is that they are there twice
