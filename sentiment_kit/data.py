"""Preparing labeled data (lesson 02): reading, auditing, cleaning, splitting and tokenizing reviews.

Tables are pandas data frames until they are split, then a ``datasets.DatasetDict``.
A *row* in a message counts from 1 and leaves out the header.
"""

import csv
import hashlib
import html
import json
import os
import re
from collections.abc import Callable, Iterable, Sequence
from io import BytesIO, StringIO
from pathlib import Path

import datasets
import ftfy
import numpy as np
import pandas as pd
from huggingface_hub import snapshot_download
from sklearn.feature_extraction.text import CountVectorizer
from transformers import PreTrainedTokenizerBase

from sentiment_kit import files, hub, profiles
from sentiment_kit.labels import LABELS, five_to_three, parse_label

COLUMNS = ("review_id", "film", "text", "label", "second_label")
SPLITS = ("train", "validation", "test")
SHARES = (0.70, 0.15, 0.15)
NEAR_DUPLICATE = 0.6
"""Two texts that share this much of their five-character pieces (Jaccard index) count as the same review."""

DROPPED = (
    "missing_text",
    "missing_label",
    "unknown_label",
    "other_language",
    "conflicting_labels",
    "exact_duplicate",
    "near_duplicate",
)
REPAIRED = ("html", "mojibake", "whitespace", "label_spelling")

# Frequent small words that English does not have, of the languages that turn up most in review exports.
_FOREIGN_WORDS = frozenset(
    "le la les des une est pas pour dans qui que el los las una es muy pero con por der die das und ist "
    "nicht ein eine sehr mit "
    "il lo gli che non molto è di della um uma não muito mais het een niet van os mas tem nem ele são".split()
)
_ENGLISH_WORDS = frozenset("the a an and of to is was it i this that in for with but not on my you at".split())


class DataError(ValueError):
    """A data file cannot be used as it is; the message names the file, the row and the remedy."""


# ---------------------------------------------------------------- reading


def _decode(path: Path) -> str:
    content = path.read_bytes()
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise DataError(
            f"{path.name}, line {line}: not UTF-8 (byte 0x{content[error.start]:02x}): "
            "save the file as UTF-8 and try again"
        ) from error


def _read_jsonl(path: Path) -> pd.DataFrame:
    rows = []
    for number, line in enumerate(_decode(path).split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise DataError(f"{path.name}, line {number}: not JSON ({error.msg}): correct or delete it") from error
        if not isinstance(row, dict):
            raise DataError(f'{path.name}, line {number}: not a JSON object like {{"text": …}}: correct it')
        if re.search(r"[\ud800-\udfff]", json.dumps(row, ensure_ascii=False)):
            raise DataError(f"{path.name}, line {number}: half of a character (a cut-off emoji): delete it")
        rows.append(row)
    return pd.DataFrame(rows, dtype=object)


def _read_csv(path: Path) -> pd.DataFrame:
    remedy = "put texts that hold commas or quotes in double quotes"
    reader = csv.reader(StringIO(_decode(path), newline=""), strict=True)
    try:
        header = next((row for row in reader if row), [])
        require_header(header, name=path.name)  # first: quotes beside semicolons would read as a broken row
        rows = [row for row in reader if row]
    except csv.Error as error:
        raise DataError(f"{path.name}, line {reader.line_num}: not well-formed CSV ({error}): {remedy}") from error
    for number, row in enumerate(rows, start=1):
        row += [""] * (len(header) - len(row))
        if len(row) > len(header):
            raise DataError(f"{path.name}, row {number}: {len(row)} cells for {len(header)} columns: {remedy}")
    return pd.DataFrame(rows, columns=header, dtype=str)


def require_header(header: Sequence[str], *, name: str) -> None:
    """Checks the column names of a table.

    Args:
        header: The names, in order.
        name: What the file is called, for the message.

    Raises:
        DataError: Two are the same, or the columns are separated by something else than commas.
    """
    if len(set(header)) < len(header):
        raise DataError(f"{name}: two columns have the same name: rename one")
    if len(header) == 1 and (found := next((mark for mark in ";\t" if mark in header[0]), None)):
        told, mark = ("semicolons", ";") if found == ";" else ("tabs", "\\t")
        remedy = f"pandas.read_csv(FILE, sep='{mark}', dtype=str).to_csv('commas.csv', index=False)"
        raise DataError(
            f"{name}: its columns are separated by {told}: save it as CSV with commas, or in Python: {remedy}"
        )


def _read_parquet(path: Path) -> pd.DataFrame:
    try:
        return pd.read_parquet(BytesIO(path.read_bytes()))
    except (OSError, ValueError) as error:  # pyarrow's errors are both
        raise DataError(f"{path.name}: not a Parquet file that can be read: export it again") from error


_READERS: dict[str, Callable[[Path], pd.DataFrame]] = {
    ".csv": _read_csv,
    ".jsonl": _read_jsonl,
    ".parquet": _read_parquet,
}


def read_table(path: str | Path) -> pd.DataFrame:
    """Reads a CSV, JSONL or Parquet file as it stands, every cell untouched.

    Args:
        path: The file; its ending tells the format.

    Returns:
        One row for each row of the file.

    Raises:
        DataError: The file is missing, empty, not UTF-8, of another format or malformed.
    """
    path = Path(path)
    if not path.is_file():
        where = "" if path.is_absolute() else f" in {Path.cwd()}"  # a notebook's folder is not where one thinks
        raise DataError(f"{path}: no such file{where}: check the path")
    if path.suffix.lower() not in _READERS:
        raise DataError(
            f"{path.name}: cannot read {path.suffix or 'a file without ending'}: use .csv, .jsonl or .parquet"
        )
    table = _READERS[path.suffix.lower()](path)
    if table.empty:
        raise DataError(f"{path.name}: there are no rows in it: give a file with at least one review")
    return table


def require_column(columns: Iterable[str], column: str, *, path: str | Path, option: str) -> None:
    """Checks that a table has a column.

    Args:
        columns: The names of those there are.
        column: The column that is needed.
        path: Where the table came from, for the message.
        option: The command-line option that would name another column.

    Raises:
        DataError: There is no such column; the message lists those there are.
    """
    columns = [str(name) for name in columns]
    if column not in columns:
        raise DataError(
            f"{Path(path).name}: no column {column!r} (it has: {_listed(columns)}): rename it or use {option}"
        )


def _require_columns(table: pd.DataFrame, columns: Sequence[str], *, name: str = "the table") -> None:
    if missing := [column for column in columns if column not in table]:
        needed = " and ".join(map(repr, missing))
        number = next((column for column in missing if column in ("review_id", "film")), None)
        remedy = f", or number the rows: table.assign({number}=range(len(table)))" if number else ""
        raise DataError(f"{name}: no column {needed} (it has: {_listed(table.columns)}): rename one{remedy}")


def _listed(columns: Iterable[object]) -> str:
    names = [str(name) for name in columns]
    return ", ".join(name[:40] if " ".join(name.split()) == name else repr(name)[:40] for name in names)


def _texts(table: pd.DataFrame, column: str, *, path: str | Path) -> list[str]:
    require_column(table.columns, column, path=path, option="--text-column")
    for row, text in enumerate(table[column], start=1):
        if not isinstance(text, str) or not text.strip():
            raise DataError(f"{Path(path).name}, row {row}: the text is empty: fill it in or delete the row")
    return [text.strip() for text in table[column]]


def read_texts(path: str | Path, *, text_column: str = "text") -> list[str]:
    """Reads the texts of a file, labeled or not.

    Args:
        path: A CSV, JSONL or Parquet file.
        text_column: The column with the texts.

    Raises:
        DataError: As :func:`read_table`; or the column is missing, or a text empty.
    """
    return _texts(read_table(path), text_column, path=path)


def read_reviews(
    path: str | Path,
    *,
    text_column: str = "text",
    label_column: str = "label",
    labels: Sequence[str] = LABELS,
    five_point: bool = False,
) -> datasets.Dataset:
    """Reads a labeled file of one's own.

    Args:
        path: A CSV, JSONL or Parquet file.
        text_column: The column with the texts.
        label_column: The column with the labels: names in any case, or ids from 0.
        labels: The label names in the order of their ids.
        five_point: The labels are ratings from 0 to 4, to be mapped to the three.

    Returns:
        A data set with ``text`` and ``label`` (ClassLabel), in the file's order.

    Raises:
        DataError: As :func:`read_table`; or a column is missing, a text empty, a label unknown.
        ValueError: ``five_point`` is asked for, and ``labels`` are not the three.
    """
    if five_point and set(labels) != set(LABELS):
        raise ValueError(f"ratings become {', '.join(LABELS)}, not {', '.join(labels)}: leave --five-to-three out")
    table = read_table(path)
    texts = _texts(table, text_column, path=path)
    require_column(table.columns, label_column, path=path, option="--label-column")
    parsed = []
    for row, value in enumerate(table[label_column], start=1):
        try:
            parsed.append(five_to_three(value) if five_point else parse_label(value, labels))
        except ValueError as error:
            raise DataError(f"{Path(path).name}, row {row}: {error}") from error
    features = datasets.Features({"text": datasets.Value("string"), "label": datasets.ClassLabel(names=list(labels))})
    ids = [list(labels).index(name) for name in parsed]
    return datasets.Dataset.from_dict({"text": texts, "label": ids}, features=features)


def load_raw(path: str | Path | None = None) -> pd.DataFrame:
    """Reads the raw reviews as exported, flaws and all.

    Args:
        path: A CSV file with the columns of ``COLUMNS``; the bundled one if left out.

    Returns:
        One row for each row of the file, every cell a string (empty where nothing stands).

    Raises:
        DataError: As :func:`read_table`, or a column is missing.
    """
    path = Path(path or profiles.bundled("data", "reviews", "raw.csv"))
    table = read_table(path)
    _require_columns(table, COLUMNS, name=path.name)
    return table


# ---------------------------------------------------------------- auditing and cleaning


def normalize(text: str) -> str:
    """A text's bare words: lower case, no punctuation, single spaces. Disguised copies become equal.

    >>> normalize("  GREAT film,  great cast!! ")
    'great film great cast'
    """
    return " ".join(re.findall(r"\w+", text.casefold()))


def clean_text(text: str) -> tuple[str, list[str]]:
    """Repairs what an export did to a text, and nothing that its writer did.

    Args:
        text: The text as it stands in the file.

    Returns:
        The repaired text, and the flaws that were found: ``html``, ``mojibake``, ``whitespace``.

    >>> clean_text("Slow,<br />but  the cafÃ© scenes &amp; the music!")
    ('Slow, but the café scenes & the music!', ['html', 'mojibake', 'whitespace'])
    """
    flaws = []
    without_html = html.unescape(re.sub(r"</?[a-zA-Z][^<>]*>", " ", text))
    if without_html != text:
        flaws.append("html")
    mended = ftfy.fix_encoding(without_html)
    if mended != without_html:
        flaws.append("mojibake")
    if text != text.strip() or re.search(r"\s\s|[^\S ]", text):
        flaws.append("whitespace")
    return " ".join(mended.split()), flaws


def looks_foreign(text: str) -> bool:
    """Whether a text is probably not English, by its small words and its alphabet.

    A rough check for an audit: it needs three small words of another language, more than the English ones.

    >>> looks_foreign("Une belle histoire, mais les acteurs ne sont pas dans le ton")
    True
    >>> looks_foreign("Le Havre? Loved it.")
    False
    """
    words = re.findall(r"[^\W\d_]+", text.casefold())
    foreign = sum(word in _FOREIGN_WORDS for word in words)
    english = sum(word in _ENGLISH_WORDS for word in words)
    not_latin = sum(ord(letter) > 0x24F for letter in "".join(words))
    return (foreign >= 3 and foreign > english) or not_latin > len("".join(words)) / 2


def near_duplicates(
    texts: Sequence[str], *, threshold: float = NEAR_DUPLICATE, block: int = 2000
) -> list[tuple[int, int, float]]:
    """Finds pairs of texts that are nearly the same.

    Args:
        texts: The texts.
        threshold: The least Jaccard index of their sets of five-character pieces, from 0 to 1.
        block: Texts compared with all others at a time; bounds the memory.

    Returns:
        Tuples (earlier index, later index, similarity), ordered by index.

    Source:
        Broder (1997), https://doi.org/10.1109/SEQUEN.1997.666900 (resemblance of documents by shingles).

    >>> near_duplicates(["a dull, long film", "A dull, looong film!", "a bright film"], threshold=0.5)
    [(0, 1, 0.579)]
    """
    normal = [f" {normalize(text)} " for text in texts]
    if not any(len(text) >= 5 for text in normal):
        return []
    pieces = CountVectorizer(analyzer="char", ngram_range=(5, 5), binary=True, dtype=np.int32).fit_transform(normal)
    sizes = np.asarray(pieces.sum(axis=1)).ravel()
    pairs = []
    for start in range(0, len(normal), block):
        shared = (pieces[start : start + block] @ pieces.T).tocoo()
        rows, columns = shared.row + start, shared.col
        similarity = shared.data / (sizes[rows] + sizes[columns] - shared.data)
        chosen = (rows < columns) & (similarity >= threshold)
        pairs += zip(rows[chosen].tolist(), columns[chosen].tolist(), similarity[chosen].round(3).tolist(), strict=True)
    return sorted(pairs)


def _inspect_rows(reviews: pd.DataFrame, labels: Sequence[str]) -> tuple[pd.DataFrame, list[tuple[str, str]]]:
    """Repairs each row on its own and notes its flaws as (review_id, flaw)."""
    repaired, found = reviews.copy(), []
    for index, row in reviews.iterrows():
        text, flaws = clean_text(row["text"])
        repaired.loc[index, "text"] = text
        if not text:
            flaws = ["missing_text"]
        elif looks_foreign(text):
            flaws.append("other_language")
        if not row["label"].strip():
            flaws.append("missing_label")
        else:
            try:
                repaired.loc[index, "label"] = label = parse_label(row["label"], labels)
                flaws += ["label_spelling"] if label != row["label"] else []
            except ValueError:
                flaws.append("unknown_label")
        found += [(row["review_id"], flaw) for flaw in flaws]
    return repaired, found


def _compare_rows(repaired: pd.DataFrame) -> list[tuple[str, str]]:
    """Finds repaired rows that say the same: with two labels none can be trusted, with one the first is enough."""
    rows = repaired.reset_index(drop=True)
    same = rows["text"].map(normalize)
    conflicting = rows.groupby(same)["label"].transform("nunique") > 1
    exact = same.duplicated() & ~conflicting
    found = [(review_id, "conflicting_labels") for review_id in rows.loc[conflicting, "review_id"]]
    found += [(review_id, "exact_duplicate") for review_id in rows.loc[exact, "review_id"]]
    unique = rows.loc[~conflicting & ~exact].reset_index(drop=True)
    later = {second for _, second, _ in near_duplicates(unique["text"].tolist())}
    return found + [(unique.loc[index, "review_id"], "near_duplicate") for index in sorted(later)]


def _inspect(reviews: pd.DataFrame, labels: Sequence[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    _require_columns(reviews, ("review_id", "text", "label"))
    reviews = reviews.reset_index(drop=True)  # tables put together may have an index twice
    # pandas.read_csv leaves NaN where nothing stands, and numbers in place of labels
    reviews = reviews.assign(**{name: reviews[name].fillna("").astype(str) for name in ("text", "label")})
    twice = reviews["review_id"][reviews["review_id"].duplicated()]
    if len(twice):
        raise DataError(f"two rows have the review_id {twice.iloc[0]!r}: give each row its own")
    repaired, found = _inspect_rows(reviews, labels)
    unusable = {review_id for review_id, flaw in found if flaw in DROPPED}
    found += _compare_rows(repaired[~repaired["review_id"].isin(unusable)])
    flaws = pd.DataFrame(found, columns=["review_id", "flaw"])
    flaws["action"] = np.where(flaws["flaw"].isin(DROPPED), "drop", "repair")
    return repaired, flaws


def find_flaws(reviews: pd.DataFrame, *, labels: Sequence[str] = LABELS) -> pd.DataFrame:
    """Finds what is wrong with raw reviews, by looking at them alone.

    Args:
        reviews: Raw reviews, as :func:`load_raw` gives them, or others with ``review_id``, ``text`` and ``label``.
        labels: The label names in the order of their ids.

    Returns:
        One row for each flaw of a review: ``review_id``, ``flaw``, ``action`` (``drop`` or ``repair``).

    Raises:
        DataError: A column is missing, or two rows have one ``review_id``.
    """
    return _inspect(reviews, labels)[1]


def audit(reviews: pd.DataFrame, *, labels: Sequence[str] = LABELS) -> pd.DataFrame:
    """Counts the flaws of raw reviews by kind.

    Args:
        reviews: As :func:`find_flaws` takes them.
        labels: The label names in the order of their ids.

    Returns:
        One row for each kind that occurs: ``flaw``, ``action``, ``reviews`` (how many), ``example`` (a review_id).
    """
    grouped = find_flaws(reviews, labels=labels).groupby(["action", "flaw"])["review_id"]
    table = grouped.agg(reviews="nunique", example="first").reset_index()
    return table[["flaw", "action", "reviews", "example"]]


def clean(reviews: pd.DataFrame, *, labels: Sequence[str] = LABELS) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Repairs what can be repaired and sets aside what cannot be trusted.

    Args:
        reviews: As :func:`find_flaws` takes them. They are not changed.
        labels: The label names in the order of their ids.

    Returns:
        The clean reviews, and the dropped rows as they stood, with a further column ``flaw``.
    """
    repaired, flaws = _inspect(reviews, labels)
    reasons = flaws[flaws["action"] == "drop"].drop_duplicates("review_id").set_index("review_id")["flaw"]
    dropped = reviews[reviews["review_id"].isin(reasons.index)].copy()
    dropped["flaw"] = dropped["review_id"].map(reasons)
    kept = repaired[~repaired["review_id"].isin(reasons.index)]
    return kept.reset_index(drop=True), dropped.reset_index(drop=True)


# ---------------------------------------------------------------- splitting


def split(
    reviews: pd.DataFrame, *, shares: Sequence[float] = SHARES, seed: int = profiles.SEED
) -> dict[str, pd.DataFrame]:
    """Splits reviews by film, so that no film is in two splits, with the labels in like shares.

    Films are dealt out in an order drawn from the seed, each to the split that it brings closest to its aim. Their
    size plays no part in that order: else the films with the most reviews would all be tested and never learned from.
    (scikit-learn's StratifiedGroupKFold deals differently from one of its versions to the next; this gives the same
    bytes everywhere.)

    Args:
        reviews: Clean reviews with ``film`` and ``label``.
        shares: The shares of train, validation and test; they add up to 1.
        seed: Changes the order of the films.

    Returns:
        The three splits by name, each in the order of ``reviews``.

    Raises:
        DataError: A column is missing.
        ValueError: There are too few films to fill each split, or ``shares`` are not three that add up to 1.
    """
    _require_columns(reviews, ("film", "label"))
    if len(shares) != len(SPLITS) or min(shares) <= 0 or abs(sum(shares) - 1) > 1e-6:
        raise ValueError(f"shares are {tuple(shares)}: give three above 0 that add up to 1, such as (0.6, 0.2, 0.2)")
    counts = pd.crosstab(reviews["film"], reviews["label"])
    if len(counts) < len(SPLITS):
        raise ValueError(
            f"{len(counts)} films cannot fill {len(SPLITS)} splits: add films, or split by review (a film for each row)"
        )
    order = sorted(counts.index, key=lambda film: hashlib.sha256(f"{seed}:{film}".encode()).hexdigest())
    aims = np.outer(shares, counts.sum())  # (splits, labels)
    filled, chosen = np.zeros_like(aims), {}
    for film in order:
        added = counts.loc[film].to_numpy()
        # How much closer each split would come to its aim, measured in shares of that aim.
        gain = ((np.abs(aims - filled) - np.abs(aims - filled - added)) / aims).sum(axis=1)
        best = int(np.argmax(gain))
        filled[best] += added
        chosen[film] = SPLITS[best]
    if empty := [name for name in SPLITS if name not in chosen.values()]:
        raise ValueError(
            f"{len(counts)} films are too few: none is left for {' and '.join(empty)}. "
            "Add films, or split by review (a film for each row)"
        )
    where = reviews["film"].map(chosen)
    return {name: reviews[where == name].reset_index(drop=True) for name in SPLITS}


def as_json_lines(table: pd.DataFrame) -> str:
    """A table as JSON lines, one for each row: what the split files hold."""
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in table.to_dict("records"))


def write_splits(splits: dict[str, pd.DataFrame], folder: str | Path) -> None:
    """Writes each split as ``<name>.jsonl``, each file whole or not at all.

    Raises:
        OSError: The folder cannot be written to.
    """
    for name, table in splits.items():
        files.write_text(Path(folder) / f"{name}.jsonl", as_json_lines(table))


def load_splits(
    folder: str | Path, *, names: Sequence[str] = ("train", "validation"), labels: Sequence[str] = LABELS
) -> datasets.DatasetDict:
    """Loads splits that :func:`write_splits` wrote. The hold-out split comes only if it is asked for.

    Args:
        folder: The folder with ``train.jsonl`` and so on.
        names: Which splits to load.
        labels: The label names in the order of their ids.

    Returns:
        Data sets with ``review_id``, ``film``, ``text``, ``label`` and ``second_label`` (both ClassLabel).

    Raises:
        DataError: A split is missing, or a column in it.
    """
    class_label = datasets.ClassLabel(names=list(labels))
    features = datasets.Features(
        {column: datasets.Value("string") for column in COLUMNS[:3]}
        | {"label": class_label, "second_label": class_label}
    )
    loaded = {}
    for name in names:
        table = read_table(Path(folder) / f"{name}.jsonl")
        _require_columns(table, COLUMNS, name=f"{name}.jsonl")
        columns = {column: table[column].tolist() for column in COLUMNS[:3]}
        for column in ("label", "second_label"):
            columns[column] = [class_label.str2int(value) if value else None for value in table[column]]
        loaded[name] = datasets.Dataset.from_dict(columns, features=features, split=name)
    return datasets.DatasetDict(loaded)


_SST_FILES = {"train": "train.jsonl", "validation": "dev.jsonl", "test": "test.jsonl"}


def load_source(source: str, *, seed: int = profiles.SEED) -> dict[str, pd.DataFrame]:
    """The three splits of a profile's data, in the kit's columns.

    Args:
        source: ``"bundled"``, or a data set of SST's layout: its Hub name or a local folder with ``train.jsonl``,
            ``dev.jsonl`` and ``test.jsonl``, each line with ``text`` and ``label`` (0 to 4). The five labels become
            three; each sentence counts as a film of its own, since SST does not say which film it is on.
        seed: Seed of the split of the bundled reviews. SST keeps its own.

    Raises:
        DataError: The data set cannot be had, is not of that layout, or has a row that cannot be read.
    """
    if source == "bundled":
        return split(clean(load_raw())[0], seed=seed)
    folder, splits = _fetched(source), {}
    for name, file in _SST_FILES.items():
        reviews = read_reviews(folder / file, five_point=True)
        ids = [f"{name}-{row:05d}" for row in range(len(reviews))]
        table = pd.DataFrame({"review_id": ids, "film": ids, "text": list(reviews["text"])})
        splits[name] = table.assign(label=[LABELS[one] for one in reviews["label"]], second_label="")
    return splits


def _fetched(source: str) -> Path:
    """The folder with a data set's files: the one named, else the copy of a repository of the Hub in its cache."""
    wanted, folder = list(_SST_FILES.values()), Path(source)
    told = f"give a folder of SST's layout, with {', '.join(wanted)}"
    if os.path.isabs(source) and not folder.is_dir():
        raise DataError(f"data set {source!r}: there is no such folder: {told}")
    if not folder.is_dir():
        told = "it was fetched only in part, or is not of SST's layout: delete the folder and try again with a network"
        try:
            folder = Path(snapshot_download(source, repo_type="dataset", allow_patterns=wanted))
        except Exception as error:  # the Hub's client has many, and lets those of its transport through
            why = hub.explain(source, error, kind="dataset")
            raise DataError(f"data set {source!r} {why} (reason: {hub.reason(error)})") from error
    for file in wanted:
        if not (folder / file).is_file():
            raise DataError(f"data set {source!r}: no {file} in {folder}: {told}")
    return folder


# ---------------------------------------------------------------- tokenizing


def tokenize(
    dataset: datasets.Dataset | datasets.DatasetDict, *, tokenizer: PreTrainedTokenizerBase
) -> datasets.Dataset | datasets.DatasetDict:
    """Adds what the model reads: ``input_ids`` and ``attention_mask``. Padding waits until a batch is made.

    Args:
        dataset: One split or several, with a column ``text``.
        tokenizer: The model's tokenizer; texts over its ``model_max_length`` are cut off.

    Returns:
        The same with these columns in place of ``text`` and the other strings; ``label`` stays.
    """

    def add_ids(batch: dict[str, list]) -> dict[str, list]:
        return dict(tokenizer(batch["text"], truncation=True, return_token_type_ids=False))

    columns = (next(iter(dataset.values())) if isinstance(dataset, dict) else dataset).column_names
    shown = not datasets.are_progress_bars_disabled()
    datasets.disable_progress_bars()  # it takes a moment only
    try:
        return dataset.map(add_ids, batched=True, remove_columns=[name for name in columns if name != "label"])
    finally:
        if shown:
            datasets.enable_progress_bars()


def subset(dataset: datasets.Dataset, size: int, *, seed: int = profiles.SEED) -> datasets.Dataset:
    """A fixed random part of a data set with the classes in their shares, for quick comparisons.

    Args:
        dataset: A data set with ``label`` (ClassLabel).
        size: How many rows; the whole data set comes back if it has no more.
        seed: Seed of the draw.
    """
    if size >= len(dataset):
        return dataset
    return dataset.train_test_split(train_size=size, stratify_by_column="label", seed=seed)["train"]
