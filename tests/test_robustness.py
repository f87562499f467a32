"""Robustness: each change does what its name says and no more, and what the model makes of it is counted right."""

import math
import random

import numpy as np
import pandas as pd
import pytest

from sentiment_kit import robustness
from sentiment_kit.inference import SentimentClassifier
from sentiment_kit.models import like_length_batches
from sentiment_kit.robustness import Change
from tests.samples import UNEVEN_TEXTS


def results(change, text, *, draws=60):
    """All that a change makes of a text."""
    return {change(text, random.Random(seed)) for seed in range(draws)}


# ---------------------------------------------------------------- typos


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("so short", {"so sohrt", "so shrot"}),  # never the first or last letter, never a word of four
        ("a hello!", {"a hlelo!"}),  # two equal letters would be no change
        ("Ends as plots do, twice.", {"Ends as polts do, twice.", "Ends as pltos do, twice."}
         | {"Ends as plots do, tiwce.", "Ends as plots do, twcie."}),
    ],
)  # fmt: skip
def test_a_typo_swaps_two_neighboring_letters_inside_one_long_word(text, expected):
    assert results(robustness.typo, text) == expected


def test_a_typo_leaves_all_else_as_it_was():
    text = "Wonderful music, and  the ending - oh, the ending!"
    for changed in results(robustness.typo, text):
        places = [at for at, pair in enumerate(zip(text, changed, strict=True)) if pair[0] != pair[1]]
        assert len(places) == 2 and places[1] == places[0] + 1
        assert changed[places[0]] + changed[places[1]] == text[places[1]] + text[places[0]]


@pytest.mark.parametrize("text", ["dull as mud", "zzzzz", "GREAT FILM", "it's 123456"])
def test_a_typo_needs_a_long_word(text):
    assert results(robustness.typo, text) == {None}


# ---------------------------------------------------------------- names


def test_a_name_is_replaced_wherever_it_stands():
    for changed in results(robustness.other_name, "A role that Ann could play, so Ann did, says annex Ann."):
        new = changed.split()[3]
        assert new != "Ann" and new[0].isupper()
        assert changed == f"A role that {new} could play, so {new} did, says annex {new}."


def test_a_longer_name_is_another_name():
    found = results(robustness.other_name, "Then Ann gives Annabel's part.")
    assert {changed.split()[1] == "Ann" for changed in found} == {True, False}  # either may be drawn
    assert all(("Annabel's" in changed) != ("Then Ann gives" in changed) for changed in found)


def test_one_name_is_replaced_and_the_others_stay():
    found = results(robustness.other_name, "We saw Lorimer could, unlike Hart's.")
    kept = {tuple(name for name in ("Lorimer", "Hart") if name in changed) for changed in found}
    assert kept == {("Lorimer",), ("Hart",)}
    assert len(found) > 8  # several names are put in


def test_a_name_is_never_replaced_by_itself():
    assert "Here Novak sings." not in results(robustness.other_name, "Here Novak sings.")


def test_the_first_word_of_a_sentence_is_no_name():
    for changed in results(robustness.other_name, "Hart knows Lorimer could. Everyone left."):
        first, knows, name, could, everyone, left = changed.split()
        assert (first, knows, could, everyone, left) == ("Hart", "knows", "could.", "Everyone", "left.")
        assert name != "Lorimer"


@pytest.mark.parametrize(
    "text", ["Lorimer is dull.", "Dull! Truly dull.", "what a mess", "My dog and I left, but I Am"]
)
def test_a_text_without_a_name_inside_a_sentence_is_left_out(text):
    assert results(robustness.other_name, text) == {None}


# ---------------------------------------------------------------- a sentence more


def test_a_neutral_sentence_stands_before_or_after_the_whole_text():
    text = "Oh, what a mess"
    found = results(robustness.neutral_sentence, text)
    before = {changed.removesuffix(f" {text}") for changed in found if changed.endswith(f" {text}")}
    after = {changed.removeprefix(f"{text} ") for changed in found if changed.startswith(f"{text} ")}
    assert before == after and len(before) == 4
    assert len(found) == len(before) + len(after)  # all of them are one or the other
    assert all(aside.endswith(".") for aside in before)


# ---------------------------------------------------------------- turned around


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It is not dull.", "It is dull."),
        ("It never drags.", "It drags."),
        ("The plot is thin.", "The plot is not thin."),
        ("  The brand was weak!", "  The brand was not weak!"),  # 'and' inside a word is no second clause
        (f"{'long ' * 10}is it", f"{'long ' * 10}is not it"),  # twelve words are not too many
    ],
)
def test_negate_removes_the_negation_or_puts_one_after_the_verb(text, expected):
    assert robustness.negate(text, random.Random(0)) == expected


@pytest.mark.parametrize(
    "text",
    [
        "It isn't dull.",
        "What they don't say is clear.",
        "There is no plot.",
        "No plot is left.",
        "There is nothing here.",
        "It is hardly new.",
        "The plot is thin, sadly.",
        "The plot is thin; go home.",
        "The plot is thin but short.",
        "The plot is thin and short.",
        "The plot is what it was.",
        "It is not what never was.",
        "Great fun.",
        "Never has mucus been so tender.",
        "Nobody is listening.",
        "The film can't say what it is.",
        "It doesn’t know what it is.",
        "It rained. The film was dull.",
        "Is this art?",
        "long " * 11 + "is it",
        "long " * 11 + "not it",
    ],
)
def test_negate_leaves_out_what_it_cannot_turn_for_certain(text):
    assert robustness.negate(text, random.Random(0)) is None


def test_written_negations_are_looked_up_and_add_a_negation():
    assert len(robustness.NEGATED) == len(set(robustness.NEGATED.values())) == 20
    for text, negated in robustness.NEGATED.items():
        assert robustness.negate(text, random.Random(0)) == negated
        assert len(robustness._NEGATIONS.findall(negated)) > len(robustness._NEGATIONS.findall(text))


def test_days_places_and_nationalities_are_no_names():
    assert results(robustness.other_name, "Seen one Friday in Lagos, an English film.") == {None}


# ---------------------------------------------------------------- many texts


def test_only_the_negation_should_change_the_label():
    assert {change.apply: change.expected for change in robustness.CHANGES} == {
        robustness.typo: "same",
        robustness.other_name: "same",
        robustness.neutral_sentence: "same",
        robustness.negate: "other",
    }
    assert len({change.name for change in robustness.CHANGES}) == 4


TYPO = robustness.CHANGES[0]


def test_changed_texts_are_those_that_the_change_fits_in_their_order():
    table = robustness.changed_texts(["so short", "so so", "a hello!"], TYPO)
    assert table["text"].tolist() == ["so short", "a hello!"]
    assert table["changed"][0] in {"so sohrt", "so shrot"} and table["changed"][1] == "a hlelo!"
    nothing = robustness.changed_texts(["so so"], TYPO)
    assert list(nothing.columns) == ["text", "changed"] and nothing.empty


def test_the_seed_decides_the_changes():
    texts = ["a wonderful, wonderful ending"] * 5
    first = robustness.changed_texts(texts, TYPO, seed=1)
    pd.testing.assert_frame_equal(first, robustness.changed_texts(texts, TYPO, seed=1))
    assert not first.equals(robustness.changed_texts(texts, TYPO, seed=2))
    assert first["changed"].nunique() > 1  # each text gets a draw of its own


class Stub:
    """Finds a text positive if it says 'good'; ``also(text, batch)`` turns the answer around."""

    labels = ("negative", "positive")

    def __init__(self, also=lambda text, batch: False, by=1.0):
        self.also, self.by = also, by

    def probabilities(self, texts, *, batch_size=32):
        positive = np.zeros(len(texts))
        for chosen in like_length_batches([len(text) for text in texts], batch_size):
            batch = [texts[i] for i in chosen]
            for i in chosen:
                sure = 1.0 if "good" in texts[i] else 0.0
                positive[i] = abs(sure - self.by) if self.also(texts[i], batch) else sure
        return np.stack([1 - positive, positive], axis=1)


def test_change_rates_are_shares_of_the_texts_that_a_change_fits():
    changes = [
        Change("good made bad", "other", lambda text, rng: text.replace("good", "bad") if "o" in text else None),
        Change("bang", "same", lambda text, rng: text + "!"),
        Change("never fits", "same", lambda text, rng: None),
        Change("drawn", "other", lambda text, rng: f"{rng.choice(['good', 'bad'])} {rng.random()}"),
    ]
    texts = ["good", "so good", "so so", "no", "a mess"]
    table = robustness.change_rates(texts, Stub(), changes=changes, seed=3)
    assert table["change"].tolist() == ["good made bad", "bang", "never fits", "drawn"]
    assert table["expected"].tolist() == ["other", "same", "same", "other"]
    assert table["texts"].tolist() == [4, 5, 0, 5]
    assert table["label_changed"].tolist()[:2] == [0.5, 0.0]
    assert math.isnan(table["label_changed"][2])
    drawn = robustness.changed_texts(texts, changes[3], seed=3)  # the seed reaches the draws
    other = [("good" in before) != ("good" in after) for before, after in zip(*map(drawn.get, drawn), strict=True)]
    assert table["label_changed"][3] == np.mean(other)


def test_change_rates_try_all_changes_of_the_lesson():
    table = robustness.change_rates(["The plot is good.", "so so"], Stub())
    assert table["change"].tolist() == [change.name for change in robustness.CHANGES]
    assert table["texts"].tolist() == [0, 0, 2, 1]


# ---------------------------------------------------------------- batches


def test_a_sound_model_answers_alike_in_any_batch(tiny_bert):
    found = robustness.batch_effect(UNEVEN_TEXTS * 6, SentimentClassifier.from_folder(tiny_bert))
    assert found["labels_changed"] == 0
    assert 0 < found["largest_difference"] < 1e-5


def test_an_answer_that_depends_on_the_crowd_is_caught():
    texts = ["so so", "good", "what", "a", "mess"]
    crowd = Stub(also=lambda text, batch: len(batch) > 2)
    assert robustness.batch_effect(texts, crowd) == {"labels_changed": 5, "largest_difference": 1.0}
    slight = Stub(also=lambda text, batch: len(batch) > 2, by=0.25)
    assert robustness.batch_effect(texts, slight) == {"labels_changed": 0, "largest_difference": 0.25}
    last = Stub(also=lambda text, batch: text == "late" and len(batch) > 2)
    assert robustness.batch_effect(["what"] * 39 + ["late"], last)["labels_changed"] == 1


@pytest.mark.parametrize(("by", "labels"), [(1.0, 32), (0.25, 0)])
def test_an_answer_that_depends_on_padding_alone_is_caught_where_like_stands_with_like(by, labels):
    texts = [f"so so {index:02d}" for index in range(32)] + ["a very long and good text " * 3] * 32
    padding = Stub(also=lambda text, batch: max(map(len, batch)) > len(text) + 20, by=by)
    assert (padding.probabilities(texts)[:32, 1] == 0).all()  # batches of like length hide it
    assert robustness.batch_effect(texts, padding) == {"labels_changed": labels, "largest_difference": by}
