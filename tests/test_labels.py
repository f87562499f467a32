"""Labels: reading what people write for them, and never guessing."""

import pytest

from sentiment_kit.labels import LABELS, five_to_three, id2label, label2id, parse_label, parse_names, require_ids


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("negative", "negative"),
        ("NEUTRAL", "neutral"),
        ("  Positive\n", "positive"),
        ("neg", "negative"),
        ("Neu", "neutral"),
        ("posit", "positive"),
        (0, "negative"),
        ("1", "neutral"),
        (" 2 ", "positive"),
        (2.0, "positive"),  # a column with a gap in it becomes floats
        ("0.0", "negative"),
    ],
)
def test_parse_label_reads(written, meant):
    assert parse_label(written) == meant


@pytest.mark.parametrize(
    "written",
    ["", " ", "ne", "po", "n", "p", "positively", "mixed", "3", 3, -1, "-1", 1.5, "2.5", None, float("nan"), "pos."],
)
def test_parse_label_rejects_what_it_would_have_to_guess(written):
    with pytest.raises(ValueError, match=r"unknown label .*negative, neutral, positive, or 0 to 2"):
        parse_label(written)


def test_parse_label_quotes_a_long_value_only_in_part():
    with pytest.raises(ValueError) as caught:
        parse_label("spam" * 500)
    assert len(str(caught.value)) < 200


def test_parse_label_with_labels_of_ones_own():
    names = ("neutral", "neurotic", "Bad")
    assert parse_label("bad", names) == "Bad"
    assert parse_label(1, names) == "neurotic"
    assert parse_label("neut", names) == "neutral"
    with pytest.raises(ValueError, match="unknown label 'neu'"):  # two names begin so
        parse_label("neu", names)
    with pytest.raises(ValueError, match="0 to 1"):
        parse_label(2, ("no", "yes"))


def test_names_that_are_numbers_are_names_and_no_ids():
    stars = ("0", "2", "1")
    assert [parse_label(value, stars) for value in (1, "2", 0.0)] == ["1", "2", "0"]
    with pytest.raises(ValueError, match=r"unknown label '0': use one of 1, 2, 3$"):
        parse_label(0, ("1", "2", "3"))


def test_names_are_read_from_one_line():
    assert parse_names(" no ,yes, may be") == ("no", "yes", "may be")


@pytest.mark.parametrize("text", ["", "booking", "booking,", ",booking,damage", "a, ,b"])
def test_fewer_than_two_names_are_refused(text):
    with pytest.raises(ValueError, match=r"are not two or more names: .+,damage,payment \(no spaces\)$"):
        parse_names(text)


def test_a_name_twice_is_refused():
    with pytest.raises(ValueError, match="a name stands there twice"):
        parse_names("yes,no,Yes")


def test_ids_and_names_are_inverse_and_in_the_published_order():
    assert LABELS == ("negative", "neutral", "positive")
    names = ("z", "a", "m")  # order is the caller's, not the alphabet's
    assert id2label(names) == {0: "z", 1: "a", 2: "m"}
    assert {index: name for name, index in label2id(names).items()} == id2label(names)


@pytest.mark.parametrize(
    ("rating", "label"),
    [(0, "negative"), ("1", "negative"), (2.0, "neutral"), (" 3 ", "positive"), ("4.0", "positive")],
)
def test_five_to_three_maps_sst(rating, label):
    assert five_to_three(rating) == label


@pytest.mark.parametrize("rating", [5, -1, "2.5", "", "good", None, "10"])
def test_five_to_three_rejects_other_ratings(rating):
    with pytest.raises(ValueError, match=r"unknown rating .* whole number from 0 \(worst\) to 4 \(best\)"):
        five_to_three(rating)


def test_five_stars_are_told_how_to_become_a_rating():
    with pytest.raises(ValueError, match="stars from 1 to 5, subtract 1"):
        five_to_three(5)


@pytest.mark.parametrize("strange", [-1, 3])
def test_an_id_that_is_no_labels_is_named(strange):
    require_ids([0, 2, 1, 2], 3)
    with pytest.raises(ValueError, match=rf"label id {strange} is none of the 3 labels: use ids from 0 to 2"):
        require_ids([0, strange, 2], 3)
