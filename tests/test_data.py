"""Data: reading files with their faults, cleaning, splitting by film, and the committed reviews themselves."""

import json
import re
import shutil
from collections import Counter

import datasets
import pandas as pd
import pytest

from sentiment_kit import data, models, profiles
from sentiment_kit.labels import LABELS

COMMITTED = profiles.bundled("data", "reviews")

# ---------------------------------------------------------------- the bundled reviews


@pytest.fixture(scope="module")
def raw():
    return data.load_raw()


@pytest.fixture(scope="module")
def cleaned(raw):
    return data.clean(raw)


@pytest.fixture(scope="module")
def planted():
    return pd.read_csv(COMMITTED / "flaws.csv", dtype=str)


def test_cleaning_finds_the_planted_flaws_and_no_others(raw, planted):
    found = set(data.find_flaws(raw).itertuples(index=False, name=None))
    assert found == set(planted[["review_id", "flaw", "action"]].itertuples(index=False, name=None))


def test_cleaning_keeps_dropped_rows_aside_as_they_stood(raw, cleaned, planted):
    kept, dropped = cleaned
    drop = planted[planted["action"] == "drop"]
    assert set(dropped["review_id"]) == set(drop["review_id"])
    assert sorted([*kept["review_id"], *dropped["review_id"]]) == sorted(raw["review_id"])  # nothing lost or doubled
    before = raw[raw["review_id"].isin(dropped["review_id"])].reset_index(drop=True)
    pd.testing.assert_frame_equal(dropped.drop(columns="flaw"), before)
    reasons = set(dropped[["review_id", "flaw"]].itertuples(index=False, name=None))
    assert reasons <= set(drop[["review_id", "flaw"]].itertuples(index=False, name=None))


def test_cleaning_changes_no_review_without_a_flaw(raw, cleaned, planted):
    kept = cleaned[0].set_index("review_id")
    sound = raw.set_index("review_id").drop(index=planted["review_id"].unique())
    assert len(sound) > 0.9 * len(raw)
    pd.testing.assert_frame_equal(kept.loc[sound.index], sound)


def test_cleaned_reviews_have_no_flaw_left(cleaned):
    kept = cleaned[0]
    assert data.find_flaws(kept.sample(500, random_state=0)).empty
    assert data.near_duplicates(kept["text"].tolist()) == []
    assert set(kept["label"]) == set(LABELS)
    # Looked at without the kit's own eyes:
    for trace in ("<br", "<p>", "&amp;", "&#", "â€", "Ã", "  ", "\n", "\t", "\xa0"):
        assert not kept["text"].str.contains(trace, regex=False).any(), trace
    assert (kept["text"] == kept["text"].str.strip()).all() and not kept["text"].str.lower().duplicated().any()


def test_the_reviews_are_many_and_varied(cleaned):
    kept = cleaned[0]
    assert len(kept) >= 2400 and kept["film"].nunique() >= 300
    shares = kept["label"].value_counts(normalize=True)
    assert all(abs(shares[label] - share) < 0.02 for label, share in zip(LABELS, (0.38, 0.24, 0.38), strict=True))
    words = [re.findall(r"[\w'’]+", text.casefold()) for text in kept["text"]]
    openings = Counter(tuple(text[:3]) for text in words if len(text) >= 3)
    assert openings.most_common(1)[0][1] <= 0.01 * len(kept)
    fives = Counter(gram for text in words for gram in {tuple(text[i : i + 5]) for i in range(len(text) - 4)})
    assert fives.most_common(1)[0][1] <= 0.005 * len(kept)


def test_every_review_is_labeled_twice_and_neither_pass_copies_the_other(cleaned):
    kept = cleaned[0]
    assert set(kept["second_label"]) == set(LABELS)
    differ = kept[kept["label"] != kept["second_label"]]
    assert 0 < len(differ) < 0.2 * len(kept)


def test_phenomena_name_reviews_that_are_there(cleaned):
    phenomena = pd.read_csv(COMMITTED / "phenomena.csv", dtype=str)
    assert phenomena["review_id"].nunique() >= 500
    assert not phenomena.duplicated().any()
    dropped = set(cleaned[1]["review_id"])
    assert set(phenomena["review_id"]) <= set(cleaned[0]["review_id"]) | dropped


def test_load_raw_leaves_every_cell_a_string(raw):
    assert list(raw.columns) == list(data.COLUMNS)
    assert all(isinstance(cell, str) for column in raw for cell in raw[column])


def test_the_committed_splits_are_made_again_byte_for_byte(tmp_path):
    data.write_splits(data.load_source("bundled"), tmp_path)
    for name in data.SPLITS:
        assert (tmp_path / f"{name}.jsonl").read_bytes() == (COMMITTED / f"{name}.jsonl").read_bytes(), name


def test_no_film_is_in_two_splits_and_the_labels_have_like_shares(cleaned):
    rows = {
        name: [json.loads(line) for line in (COMMITTED / f"{name}.jsonl").read_text("utf-8").split("\n") if line]
        for name in data.SPLITS
    }
    films = {name: {row["film"] for row in rows[name]} for name in rows}
    assert not films["train"] & films["validation"]
    assert not films["train"] & films["test"]
    assert not films["validation"] & films["test"]
    total = sum(map(len, rows.values()))
    assert total == len(cleaned[0])
    for name, share in zip(data.SPLITS, (0.70, 0.15, 0.15), strict=True):
        assert len(rows[name]) / total == pytest.approx(share, abs=0.01)
        for label in LABELS:
            overall = (cleaned[0]["label"] == label).mean()
            assert sum(row["label"] == label for row in rows[name]) / len(rows[name]) == pytest.approx(
                overall, abs=0.02
            )


def test_plain_datasets_loads_the_folder_with_labels_in_order(tmp_path):
    folder = shutil.copytree(COMMITTED, tmp_path / "reviews")
    loaded = datasets.load_dataset(str(folder), cache_dir=str(tmp_path / "cache"))
    assert list(loaded) == ["train", "validation", "test"]
    for name, split in loaded.items():
        lines = [line for line in (folder / f"{name}.jsonl").read_text("utf-8").split("\n") if line]
        assert split.column_names == ["review_id", "film", "text", "label", "second_label"]
        assert split.features["label"].names == ["negative", "neutral", "positive"]
        assert split.features["second_label"].names == ["negative", "neutral", "positive"]
        assert len(split) == len(lines)
        labels = [split.features["label"].int2str(one) for one in split["label"]]
        assert labels == [json.loads(line)["label"] for line in lines]


def test_the_kit_loads_the_splits_as_plain_datasets_does(tmp_path):
    folder = shutil.copytree(COMMITTED, tmp_path / "reviews")
    plain = datasets.load_dataset(str(folder), cache_dir=str(tmp_path / "cache"))
    ours = data.load_splits(folder, names=data.SPLITS)
    for name in data.SPLITS:
        assert ours[name].features == plain[name].features
        assert ours[name].to_list() == plain[name].to_list()


def test_the_holdout_split_is_not_even_needed_unless_asked_for(tmp_path):
    for name in ("train", "validation"):
        shutil.copy(COMMITTED / f"{name}.jsonl", tmp_path)
    assert sorted(data.load_splits(tmp_path)) == ["train", "validation"]
    with pytest.raises(data.DataError, match=r"test\.jsonl: no such file"):
        data.load_splits(tmp_path, names=("test",))


# ---------------------------------------------------------------- cleaning, on rows made for it


def reviews_of(*rows):
    """A table of raw reviews from (text, label) pairs; ids a, b, c, …"""
    return pd.DataFrame(
        [
            {"review_id": chr(97 + i), "film": f"film {i}", "text": text, "label": label, "second_label": ""}
            for i, (text, label) in enumerate(rows)
        ]
    )


def flaws_of(*rows):
    found = data.find_flaws(reviews_of(*rows))
    return set(found.itertuples(index=False, name=None))


def test_a_disguised_copy_is_dropped_and_the_first_stays():
    rows = [("Slow, sad and far too long.", "negative"), ("slow sad and FAR too long!!", "negative")]
    assert flaws_of(*rows) == {("b", "exact_duplicate", "drop")}
    assert list(data.clean(reviews_of(*rows))[0]["review_id"]) == ["a"]


def test_of_copies_with_two_labels_none_can_be_trusted():
    rows = [
        ("Not bad.", "neutral"),
        ("Loved every minute of it.", "positive"),
        ("not bad", "positive"),
        ("Not bad!", "NEU"),
    ]
    assert {flaw for flaw in flaws_of(*rows) if flaw[2] == "drop"} == {
        (one, "conflicting_labels", "drop") for one in "acd"
    }


def test_a_copy_of_a_row_that_is_dropped_anyway_is_kept():
    # The first has no usable label, so the second is the only good one of its text.
    rows = [("A fine film, all in all.", "???"), ("A fine film, all in all.", "positive")]
    assert flaws_of(*rows) == {("a", "unknown_label", "drop")}


def test_an_edited_copy_is_a_near_duplicate_and_another_review_is_not():
    rows = [
        ("The lighthouse keeper waits for a ship that never comes, and so did I.", "negative"),
        ("The lighthouse keeper waits for the ship that never comes, and so did I", "negative"),
        ("The lighthouse is lovely and I would watch the keeper wait all night.", "positive"),
    ]
    assert flaws_of(*rows) == {("b", "near_duplicate", "drop")}


def test_one_row_may_have_several_flaws():
    found = flaws_of(("  Fine &amp; dandy, <i>nearly</i>", "POS"))
    assert found == {
        ("a", "html", "repair"),
        ("a", "whitespace", "repair"),
        ("a", "label_spelling", "repair"),
    }
    kept = data.clean(reviews_of(("  Fine &amp; dandy, <i>nearly</i>", "POS")))[0]
    assert kept.loc[0, ["text", "label"]].tolist() == ["Fine & dandy, nearly", "positive"]


def test_audit_counts_the_reviews_with_each_flaw():
    rows = [("Good. ", "positive"), ("Bad  film", "NEG"), ("good", "positive"), ("", "neutral"), ("GOOD!", "2")]
    table = data.audit(reviews_of(*rows)).set_index("flaw")
    assert table["reviews"].to_dict() == {
        "whitespace": 2,
        "label_spelling": 2,
        "exact_duplicate": 2,
        "missing_text": 1,
    }
    assert table["action"].to_dict() == {
        "whitespace": "repair",
        "label_spelling": "repair",
        "exact_duplicate": "drop",
        "missing_text": "drop",
    }
    assert table.loc["missing_text", "example"] == "d" and table.loc["label_spelling", "example"] in "be"


def test_missing_things_are_dropped():
    assert flaws_of((" \n", "positive"), ("Good.", " "), ("<br/>", "neutral")) >= {
        ("a", "missing_text", "drop"),
        ("b", "missing_label", "drop"),
        ("c", "missing_text", "drop"),
    }


def test_a_table_that_pandas_read_is_cleaned_like_one_that_the_kit_read(tmp_path):
    path = written(tmp_path, "a.csv", "review_id,text,label\na,Good film,2\nb,,1\nc,Bad film,\n,,\n")
    kept, dropped = data.clean(pd.read_csv(path))  # nan where nothing stands, 2.0 for 2
    assert kept[["text", "label"]].values.tolist() == [["Good film", "positive"]]
    assert dropped["flaw"].tolist() == ["missing_text", "missing_label", "missing_text"]


def test_a_missing_column_is_named():
    table = pd.DataFrame({"text": ["Good", "Bad"], "stars": [5, 1]})
    for use in (data.audit, data.find_flaws, data.clean):
        with pytest.raises(
            data.DataError,
            match=r"the table: no column 'review_id' and 'label' \(it has: text, stars\): rename one, or number the rows",
        ):
            use(table)
    with pytest.raises(data.DataError, match=r"the table: no column 'film' \(it has: text, label\)"):
        data.split(table.rename(columns={"stars": "label"}))


def test_cleaning_does_not_change_what_it_was_given(raw):
    some = raw.head(200)
    before = some.copy(deep=True)
    data.clean(some)
    pd.testing.assert_frame_equal(some, before)


@pytest.mark.parametrize(
    "text",
    [
        "I <3 this film, and 2 < 3 & 5 > 4.",
        "Crème brûlée in a café: ‘très’ Amélie — naïve…",
        "so-so (AT&T ad included); 100% of it, 50/50!",
        "Ünïcödé 東京 😀",
    ],
)
def test_what_the_writer_meant_is_left_alone(text):
    assert data.clean_text(text) == (text, [])


@pytest.mark.parametrize(
    ("broken", "mended", "flaw"),
    [
        ("Good.<br /><br />Bad.", "Good. Bad.", "html"),
        ("<p>It&#39;s &quot;fine&quot;</p>", 'It\'s "fine"', "html"),
        ("the cafÃ© scenes", "the café scenes", "mojibake"),
        ("itâ€™s fine", "it’s fine", "mojibake"),
        ("one\ttwo  three\n", "one two three", "whitespace"),
        ("one\xa0two", "one two", "whitespace"),
    ],
)
def test_what_the_export_did_is_mended(broken, mended, flaw):
    text, flaws = data.clean_text(broken)
    assert flaw in flaws
    assert text == mended
    assert data.clean_text(text) == (text, [])  # mending twice changes nothing


@pytest.mark.parametrize(
    ("text", "foreign"),
    [
        ("Un film che non mi è piaciuto per niente, molto lento e gli attori di legno", True),
        ("Der Film ist nicht schlecht, aber die Musik und das Ende sind zu laut", True),
        ("Очень скучный фильм", True),
        ("とても面白い映画でした", True),
        ("La Strada and Il Posto on one bill; the man at the bar knew the lot", False),
        ("Die, monster, die: das Ende is the best of it and I want to see it again", False),
        ("Naïve café décor, très chic", False),
        ("", False),
    ],
)
def test_looks_foreign(text, foreign):
    assert data.looks_foreign(text) is foreign


# ---------------------------------------------------------------- near duplicates


def brute_force(texts, threshold):
    """Every pair compared as the definition says: sets of five-character pieces, Jaccard index."""
    sets = []
    for text in texts:
        normal = f" {data.normalize(text)} "
        sets.append({normal[i : i + 5] for i in range(len(normal) - 4)})
    pairs = []
    for i, first in enumerate(sets):
        for j in range(i + 1, len(sets)):
            union = len(first | sets[j])
            if union and (similarity := len(first & sets[j]) / union) >= threshold:
                pairs.append((i, j, round(similarity, 3)))
    return pairs


NEAR = [
    "The lighthouse keeper waits for a ship that never comes.",
    "Two hours of waiting, and the ship is made of cardboard!",
    "the lighthouse keeper waits for the ship that never came",
    "",
    "ok",
    "OK!!",
    "The lighthouse keeper waits, waits for a ship that never comes.",
    "aaaaaaaaaaaaaaaa aaaaaaaaaaaa",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "two hours of waiting and the ship is made of cardboard",
    "Größe & STRASSE in the same film, says the keeper",
    "grösse strasse in the same film says the keeper",
]


@pytest.mark.parametrize("threshold", [0.05, 0.3, 0.6, 1.0])
@pytest.mark.parametrize("block", [1, 5, 2000])
def test_near_duplicates_are_those_of_a_brute_force_search(threshold, block):
    expected = brute_force(NEAR, threshold)
    assert expected  # else there would be nothing to find
    assert data.near_duplicates(NEAR, threshold=threshold, block=block) == expected


def test_a_pair_exactly_at_the_threshold_counts():
    texts = ["abcdefgh", "abcdefgh ijk"]
    first, second = ({f" {t} "[i : i + 5] for i in range(len(t) - 2)} for t in texts)
    exactly = len(first & second) / len(first | second)
    assert 0 < exactly < 1
    assert len(data.near_duplicates(texts, threshold=exactly)) == 1
    assert data.near_duplicates(texts, threshold=exactly + 1e-9) == []


def test_near_duplicates_of_nothing():
    assert data.near_duplicates([]) == data.near_duplicates(["", "?!", "a"]) == []


# ---------------------------------------------------------------- splitting


def test_split_does_not_depend_on_the_order_of_the_reviews(cleaned):
    kept = cleaned[0]
    straight = data.split(kept)
    shuffled = data.split(kept.sample(frac=1, random_state=5))
    for name in data.SPLITS:
        assert set(straight[name]["review_id"]) == set(shuffled[name]["review_id"])
        assert list(straight[name]["review_id"]) == sorted(
            straight[name]["review_id"], key=list(kept["review_id"]).index
        )


def test_split_follows_seed_and_shares(cleaned):
    kept = cleaned[0]
    first, other = (data.split(kept, seed=seed)["test"]["film"] for seed in (42, 43))
    assert set(first) != set(other)
    halves = data.split(kept, shares=(0.5, 0.3, 0.2))
    assert [len(halves[name]) / len(kept) for name in data.SPLITS] == pytest.approx([0.5, 0.3, 0.2], abs=0.02)
    assert not set(halves["train"]["film"]) & set(halves["test"]["film"])


def test_films_with_many_reviews_are_in_every_split() -> None:
    """A split by size would test the large films only: what is tested must be drawn like what is learned from."""
    sizes = [12] * 40 + [4] * 120
    rows = [(f"film {index}", label) for index, size in enumerate(sizes) for label in (LABELS * size)[:size]]
    splits = data.split(pd.DataFrame(rows, columns=["film", "label"]).assign(text=""))
    large = {name: table["film"].value_counts().eq(12).mean() for name, table in splits.items()}
    assert all(0.1 < share < 0.45 for share in large.values()), large  # a quarter of all films


@pytest.mark.parametrize("shares", [(0.8, 0.2), (0.8, 0.2, 0), (60, 20, 20)])
def test_split_needs_three_shares_that_add_up_to_one(cleaned, shares):
    with pytest.raises(ValueError, match=r"^shares are \(.+\): give three above 0 that add up to 1"):
        data.split(cleaned[0], shares=shares)


def test_split_needs_a_film_for_each_split():
    table = reviews_of(("a", "positive"), ("b", "negative"))
    with pytest.raises(ValueError, match=r"2 films cannot fill 3 splits: .*\(a film for each row\)"):
        data.split(table)
    table = reviews_of(("a", "positive"), ("b", "negative"), ("c", "neutral"), ("d", "positive"))
    with pytest.raises(ValueError, match=r"4 films are too few: none is left for validation and test\. Add films"):
        data.split(table)


# ---------------------------------------------------------------- reading files of one's own


def written(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


BAD_FILES = {
    "wrong ending": ("a.txt", "text,label\nGood,2\n", {}, "a.txt", "cannot read .txt: use .csv, .jsonl or .parquet"),
    "no ending": ("reviews", "text,label\nGood,2\n", {}, "reviews", "use .csv, .jsonl or .parquet"),
    "empty CSV": ("a.csv", "", {}, "a.csv", "no rows in it: give a file with at least one review"),
    "blank CSV": ("a.csv", "\n\n", {}, "a.csv", "no rows in it: give a file"),
    "header only": ("a.csv", "text,label\n", {}, "a.csv", "no rows in it: give a file"),
    "empty JSONL": ("a.jsonl", "", {}, "a.jsonl", "no rows in it: give a file"),
    "blank JSONL": ("a.jsonl", "\n \n", {}, "a.jsonl", "no rows in it: give a file"),
    "Latin-1": ("a.csv", b"text,label\nGood,2\nCaf\xe9,1\n", {}, "a.csv, line 3", "0xe9): save the file as UTF-8"),
    "Latin-1 JSONL": ("a.jsonl", b'{"text": "Caf\xe9", "label": 1}\n', {}, "a.jsonl, line 1", "save the file as UTF-8"),
    "UTF-16": ("a.csv", "text,label\nGood,2\n".encode("utf-16"), {}, "a.csv, line 1", "save the file as UTF-8"),
    "bad JSON line": (
        "a.jsonl",
        '{"text": "a", "label": 1}\n{"text": "b", label: 2}\n',
        {},
        "a.jsonl, line 2",
        "correct or delete it",
    ),
    "JSON that is no object": ("a.jsonl", '{"text": "a", "label": 1}\n["b", 2]\n', {}, "a.jsonl, line 2", "correct it"),
    "broken Parquet": ("a.parquet", "text,label\nGood,2\n", {}, "a.parquet", "not a Parquet file"),
    "open quote": ("a.csv", 'text,label\n"Good,2\nBad,0\n', {}, "a.csv, line 3", "double quotes"),
    "wrong text column": (
        "a.csv",
        "review,label\nGood,2\n",
        {},
        "a.csv",
        "no column 'text' (it has: review, label): rename it or use --text-column",
    ),
    "wrong label column": (
        "a.csv",
        "text,stars\nGood,2\n",
        {},
        "a.csv",
        "no column 'label' (it has: text, stars): rename it or use --label-column",
    ),
    "semicolons": ("a.csv", "text;label\nGood;2\n", {}, "a.csv", "save it as CSV with commas"),
    "semicolons, and quotes as Excel sets them": (
        "a.csv",
        'text;stars;label\r\n"Slow; lovely";4,5;pos\r\n',
        {},
        "a.csv",
        "semicolons: save it as CSV with commas, or in Python: pandas.read_csv(FILE, sep=';', dtype=str).to_csv(",
    ),
    "tabs": ("a.csv", "text\tlabel\nGood\t2\n", {}, "a.csv", r"by tabs: save it as CSV with commas, or in Python"),
    "empty text": (
        "a.csv",
        "text,label\nGood,2\n  ,1\n",
        {},
        "a.csv, row 2",
        "text is empty: fill it in or delete the row",
    ),
    "null text": (
        "a.jsonl",
        '{"text": "a", "label": 1}\n{"text": null, "label": 1}\n',
        {},
        "a.jsonl, row 2",
        "text is empty",
    ),
    "text left out": ("a.jsonl", '{"text": "a", "label": 1}\n{"label": 1}\n', {}, "a.jsonl, row 2", "text is empty"),
    "text is a number": ("a.jsonl", '{"text": 5, "label": 1}\n', {}, "a.jsonl, row 1", "text is empty"),
    "unknown label": (
        "a.csv",
        "text,label\nGood,2\nHm,meh\n",
        {},
        "a.csv, row 2",
        "'meh': use one of negative, neutral, positive, or 0 to 2",
    ),
    "empty label": ("a.csv", "text,label\nGood,2\nHm\n", {}, "a.csv, row 2", "use one of negative, neutral, positive"),
    "null label": (
        "a.jsonl",
        '{"text": "a", "label": null}\n',
        {},
        "a.jsonl, row 1",
        "use one of negative, neutral, positive",
    ),
    "id too high": ("a.csv", "text,label\nGood,2\nHm,1\nBad,3\n", {}, "a.csv, row 3", "'3': use one of"),
    "id too low": ("a.csv", "text,label\nGood,-1\n", {}, "a.csv, row 1", "'-1': use one of"),
    "rating too high": (
        "a.csv",
        "text,label\nGood,4\nHm,5\n",
        {"five_point": True},
        "a.csv, row 2",
        "'5': use a whole number from 0",
    ),
    "rating as a word": (
        "a.csv",
        "text,label\nGood,positive\n",
        {"five_point": True},
        "a.csv, row 1",
        "whole number from 0",
    ),
    "half a star": ("a.csv", "text,label\nGood,3.5\n", {"five_point": True}, "a.csv, row 1", "whole number from 0"),
    "comma without quotes": ("a.csv", "text,label\nGood,2\nBad, really,0\n", {}, "a.csv, row 2", "double quotes"),
    "comma without quotes in the first row": (
        "a.csv",
        "text,label\nBad, really,0\nGood,2\n",
        {},
        "a.csv, row 1",
        "double quotes",
    ),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_a_bad_file_is_named_with_its_row_and_a_remedy(tmp_path, case):
    name, content, options, where, remedy = BAD_FILES[case]
    with pytest.raises(data.DataError) as caught:
        data.read_reviews(written(tmp_path, name, content), **options)
    message = str(caught.value)
    assert message.startswith(where + ":"), message
    assert remedy in message
    assert "\n" not in message


def test_two_columns_of_one_name_are_refused(tmp_path):
    with pytest.raises(data.DataError, match=r"a\.csv: two columns have the same name"):
        data.read_reviews(written(tmp_path, "a.csv", "text,text,label\nGood,Bad,2\nBad,Good,0\n"))


def test_half_a_character_is_named_with_its_line(tmp_path):
    lines = '{"text": "Good", "label": 2}\n{"text": "Cut off \\ud83d", "label": 0}\n'
    with pytest.raises(data.DataError, match=r"a\.jsonl, line 2: half of a character"):
        data.read_reviews(written(tmp_path, "a.jsonl", lines))


def test_a_line_break_in_a_header_does_not_break_the_message(tmp_path):
    with pytest.raises(data.DataError, match="no column 'text'") as caught:
        data.read_reviews(written(tmp_path, "a.csv", '"What did\nyou think?",label\nGood,2\n'))
    assert "\n" not in str(caught.value)


def test_cleaning_takes_gaps_numbers_and_an_index_that_repeats():
    rows = [("a", "Fine.", "positive"), ("b", None, "neutral"), ("c", "Dull.", 0), ("d", "Odd.", float("nan"))]
    one = pd.DataFrame(rows, columns=["review_id", "text", "label"])
    two = pd.DataFrame([("e", "Warm and slow.", 2.0)], columns=one.columns)
    kept, dropped = data.clean(pd.concat([one, two]))
    assert kept.to_dict("list") == {
        "review_id": ["a", "c", "e"],
        "text": ["Fine.", "Dull.", "Warm and slow."],
        "label": ["positive", "negative", "positive"],
    }
    assert dict(zip(dropped["review_id"], dropped["flaw"], strict=True)) == {"b": "missing_text", "d": "missing_label"}


def test_two_rows_with_one_id_are_refused(raw):
    with pytest.raises(data.DataError, match="two rows have the review_id 'r0001'"):
        data.clean(pd.concat([raw.head(3), raw.head(1)], ignore_index=True))


def test_a_missing_file_is_named_with_its_path(tmp_path):
    with pytest.raises(data.DataError, match=r"nowhere\.csv: no such file: check the path") as caught:
        data.read_reviews(tmp_path / "nowhere.csv")
    assert str(tmp_path) in str(caught.value)
    with pytest.raises(data.DataError, match="no such file"):
        data.read_table(tmp_path)  # a folder is no file


def test_of_a_relative_path_the_folder_is_told(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(data.DataError, match=rf"mine\.csv: no such file in {re.escape(str(tmp_path))}: check the path"):
        data.load_raw("mine.csv")


def test_a_text_is_never_cut_at_a_comma_without_a_word(tmp_path):
    path = written(tmp_path, "a.csv", "text\nGood, really good\n")
    with pytest.raises(data.DataError, match="double quotes"):
        data.read_table(path)


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
def test_a_byte_order_mark_is_no_part_of_the_first_column(tmp_path, name):
    content = "text,label\nGood,2\n" if name == "a.csv" else '{"text": "Good", "label": 2}\n'
    found = data.read_reviews(written(tmp_path, name, b"\xef\xbb\xbf" + content.encode()))
    assert found.to_list() == [{"text": "Good", "label": 2}]


@pytest.mark.parametrize("break_", ["\u2028", "\u2029", "\x85"])
def test_a_jsonl_text_may_hold_any_character_that_json_allows(tmp_path, break_):
    # JSON Lines end in \n only; exports that write plain UTF-8 leave the others in the text as they are.
    text = f"one{break_}two"
    line = json.dumps({"text": text, "label": 1}, ensure_ascii=False)
    found = data.read_table(written(tmp_path, "a.jsonl", line + "\n"))
    assert found["text"].tolist() == [text]


def test_read_table_leaves_every_cell_untouched(tmp_path):
    path = written(
        tmp_path, "a.csv", 'text,id,label\r\n"NA, or  so",007,None\r\nnan,1e5,\r\n"a ""q""\r\nb",1.50,true\r\n'
    )
    rows = data.read_table(path).values.tolist()
    assert rows == [["NA, or  so", "007", "None"], ["nan", "1e5", ""], ['a "q"\r\nb', "1.50", "true"]]
    path = written(tmp_path, "a.jsonl", '{"text": "a", "n": 3, "x": null}\n\n{"text": "b", "n": 4, "x": true}\r\n')
    assert data.read_table(path).to_dict("records") == [
        {"text": "a", "n": 3, "x": None},
        {"text": "b", "n": 4, "x": True},
    ]


ROWS = [("Good, really", "Positive"), ("Hm", "neu"), ("Bad", "0"), ("né à 東京", "2")]


@pytest.mark.parametrize("name", ["a.csv", "a.JSONL", "a.parquet"])
def test_read_reviews_reads_every_format_in_the_files_order(tmp_path, name):
    path, table = tmp_path / name, pd.DataFrame(ROWS, columns=["opinion", "stars"])
    if name == "a.csv":
        table.to_csv(path, index=False)
    elif name == "a.JSONL":
        table.to_json(path, orient="records", lines=True)
    else:
        table.to_parquet(path)
    found = data.read_reviews(path, text_column="opinion", label_column="stars")
    assert list(found["text"]) == [text for text, _ in ROWS]
    assert list(found["label"]) == [2, 1, 0, 2]
    assert found.features["label"].names == list(LABELS)


def test_read_reviews_takes_ids_and_numbers_as_a_spreadsheet_writes_them(tmp_path):
    path = tmp_path / "a.parquet"
    pd.DataFrame({"text": ["a", "b", "c"], "label": [0.0, 2.0, 1.0]}).to_parquet(path)
    assert list(data.read_reviews(path)["label"]) == [0, 2, 1]


def test_read_reviews_maps_five_points_and_takes_labels_of_ones_own(tmp_path):
    path = written(tmp_path, "a.csv", "text,label\na,0\nb,1\nc,2\nd,3\ne,4\n")
    assert list(data.read_reviews(path, five_point=True)["label"]) == [0, 0, 1, 2, 2]
    five = ("awful", "bad", "so-so", "good", "great")
    found = data.read_reviews(path, labels=five)
    assert list(found["label"]) == [0, 1, 2, 3, 4] and found.features["label"].names == list(five)


def test_ratings_are_for_the_three_labels_only(tmp_path):
    (tmp_path / "a.csv").write_text("text,label\nGood,4\n", encoding="utf-8")
    with pytest.raises(ValueError, match="not no, yes: leave --five-to-three out"):
        data.read_reviews(tmp_path / "a.csv", labels=("no", "yes"), five_point=True)


def test_texts_are_read_without_labels(tmp_path):
    (tmp_path / "a.csv").write_text("body,label\n Good ,what?\n,\n", encoding="utf-8")
    with pytest.raises(data.DataError, match=r"a\.csv, row 2: the text is empty"):
        data.read_texts(tmp_path / "a.csv", text_column="body")
    (tmp_path / "a.csv").write_text("body,label\n Good ,what?\n", encoding="utf-8")
    assert data.read_texts(tmp_path / "a.csv", text_column="body") == ["Good"]


def test_cleaning_takes_labels_of_ones_own():
    raw = data.read_table(profiles.bundled("data", "messages", "messages_raw_example.csv"))
    raw = raw.rename(columns={"id": "review_id", "topic": "label"})
    topics = ("booking", "payment", "damage", "feedback")
    kept, dropped = data.clean(raw, labels=topics)
    reasons = dropped.groupby("flaw")["review_id"].apply(list).to_dict()
    assert reasons == {
        "conflicting_labels": ["r02", "r28"],
        "exact_duplicate": ["r21", "r35", "r39"],  # r39 differs from r38 in capitals and a full stop only
        "missing_label": ["r26"],
        "missing_text": ["r27", "r31"],
        "unknown_label": ["r06", "r09", "r12", "r23"],
    }
    assert set(kept["label"]) == set(topics)
    counts = data.audit(raw, labels=topics).set_index("flaw")["reviews"]
    assert counts["label_spelling"] == 5 and counts["unknown_label"] == 4


def test_load_raw_names_a_missing_column(tmp_path):
    path = written(tmp_path, "mine.csv", "review_id,text,label,second_label\nr1,Good,2,2\n")
    with pytest.raises(data.DataError, match=r"mine\.csv: no column 'film' \(it has: review_id, text, label"):
        data.load_raw(path)
    path = written(tmp_path, "mine.csv", "text,label\nGood,2\n")  # all that are missing at once
    with pytest.raises(data.DataError, match="no column 'review_id' and 'film' and 'second_label'"):
        data.load_raw(path)


def test_a_split_without_second_labels_names_the_column(tmp_path):
    data.write_splits({"train": reviews_of(("Good", "positive")).drop(columns="second_label")}, tmp_path)
    with pytest.raises(data.DataError, match=r"train\.jsonl: no column 'second_label' \(it has: "):
        data.load_splits(tmp_path, names=("train",))


# ---------------------------------------------------------------- a data set of SST's layout


WORDS = ("very negative", "negative", "neutral", "positive", "very positive")


@pytest.fixture
def sst(tmp_path):
    folder = tmp_path / "sst5"
    folder.mkdir()
    for name, ratings in {"train": [4, 0, 2], "dev": [1], "test": [3, 3]}.items():
        rows = [{"text": f"{name} {rating}", "label": rating, "label_text": WORDS[rating]} for rating in ratings]
        lines = [json.dumps(row) + "\n" for row in rows]
        (folder / f"{name}.jsonl").write_text("".join(lines))
    return folder


def test_load_source_maps_five_labels_to_three_and_keeps_the_splits(sst):
    splits = data.load_source(str(sst))
    assert {name: list(table["label"]) for name, table in splits.items()} == {
        "train": ["positive", "negative", "neutral"],
        "validation": ["negative"],
        "test": ["positive", "positive"],
    }
    assert list(splits["train"]["text"]) == ["train 4", "train 0", "train 2"]
    ids = [one for table in splits.values() for one in table["review_id"]]
    assert len(set(ids)) == len(ids)
    assert all(set(table.columns) == set(data.COLUMNS) for table in splits.values())


def test_what_load_source_gives_can_be_written_and_loaded(sst, tmp_path):
    data.write_splits(data.load_source(str(sst)), tmp_path / "out")
    loaded = data.load_splits(tmp_path / "out")
    assert list(loaded["train"]["label"]) == [2, 0, 1]
    assert list(loaded["train"]["second_label"]) == [None] * 3


@pytest.mark.parametrize("file", ["train.jsonl", "dev.jsonl", "test.jsonl"])
def test_load_source_says_which_file_is_missing(sst, file):
    (sst / file).unlink()
    with pytest.raises(
        data.DataError, match=rf"no {file} in .*: give a folder of SST's layout, with train\.jsonl, dev"
    ):
        data.load_source(str(sst))


def test_load_source_says_where_there_is_no_folder(tmp_path):
    with pytest.raises(data.DataError, match=r"sst5': there is no such folder: give a folder of SST's layout"):
        data.load_source(str(tmp_path / "sst5"))


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ({"text": "fine", "label": 5}, r"dev\.jsonl, row 1: unknown rating '5'"),
        ({"text": " ", "label": 2}, r"dev\.jsonl, row 1: the text is empty"),
        ({"sentence": "fine", "label": 2}, r"dev\.jsonl: no column 'text'"),
    ],
)
def test_load_source_names_file_and_row_of_what_is_not_of_ssts_layout(sst, row, problem):
    (sst / "dev.jsonl").write_text(json.dumps(row) + "\n")
    with pytest.raises(data.DataError, match=problem):
        data.load_source(str(sst))


# ---------------------------------------------------------------- tokenizing


def test_tokenize_gives_what_the_model_reads_and_keeps_the_labels(tiny_bert, train_file):
    tokenizer = models.load_tokenizer(tiny_bert, max_length=6)
    reviews = data.read_reviews(train_file)
    found = data.tokenize(reviews, tokenizer=tokenizer)
    assert set(found.column_names) == {"input_ids", "attention_mask", "label"}
    assert list(found["label"]) == list(reviews["label"])
    assert found.features["label"].names == list(LABELS)
    for text, ids, mask in zip(reviews["text"], found["input_ids"], found["attention_mask"], strict=True):
        words = tokenizer.tokenize(text)[:4]  # room for [CLS] and [SEP]
        assert tokenizer.convert_ids_to_tokens(ids) == ["[CLS]", *words, "[SEP]"]
        assert mask == [1] * len(ids)  # no padding before a batch is made
    assert len({len(ids) for ids in found["input_ids"]}) > 1


def test_tokenize_takes_all_splits_at_once_and_leaves_progress_bars_as_they_were(tiny_bert, train_file):
    tokenizer = models.load_tokenizer(tiny_bert)
    reviews = data.read_reviews(train_file)
    before = datasets.are_progress_bars_disabled()
    both = data.tokenize(datasets.DatasetDict(validation=reviews, test=reviews.select([3])), tokenizer=tokenizer)
    assert datasets.are_progress_bars_disabled() is before
    assert both["test"][0] == both["validation"][3]


def test_subset_is_fixed_and_has_the_classes_in_their_shares():
    features = datasets.Features({"text": datasets.Value("string"), "label": datasets.ClassLabel(names=list(LABELS))})
    labels = [0] * 60 + [1] * 30 + [2] * 10
    reviews = datasets.Dataset.from_dict({"text": [str(i) for i in range(100)], "label": labels}, features=features)
    part = data.subset(reviews, 20)
    assert sorted(part["label"]) == [0] * 12 + [1] * 6 + [2] * 2
    assert len(set(part["text"])) == 20
    assert list(part["text"]) == list(data.subset(reviews, 20)["text"])
    assert set(part["text"]) != set(data.subset(reviews, 20, seed=1)["text"])
    assert data.subset(reviews, 100) is reviews
