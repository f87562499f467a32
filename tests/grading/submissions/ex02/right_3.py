# numpy, libraries and short forms.
# %% ex02_find_copies
import html
import re
from itertools import product
from unicodedata import normalize


def words(text: str) -> tuple[str, ...]:
    return tuple(re.findall(r"\w+", normalize("NFKC", html.unescape(re.sub(TAG, " ", text))).casefold()))


def find_copies(train: pd.DataFrame, validation: pd.DataFrame) -> list[list[str]]:
    left, right = ([(i, words(t)) for i, t in table[["review_id", "text"]].to_numpy()] for table in (train, validation))
    return sorted([a, b] for (a, one), (b, other) in product(left, right) if one and one == other)


# %% ex02_set_aside
from collections import defaultdict


def set_aside_conflicts(reviews: pd.DataFrame) -> list[pd.DataFrame]:
    labels = defaultdict(set)
    for row in reviews.itertuples():
        labels[row.bare].add(row.label)
    labels[""] = set()
    mask = np.array([len(labels[bare]) > 1 for bare in reviews["bare"]], dtype=bool)
    return [reviews[~mask], reviews[mask]]


# %% ex02_kappa
from sklearn.metrics import confusion_matrix


def kappa(first: list[str], second: list[str]) -> np.floating:
    one, other = np.array(first, dtype=object), np.array(second, dtype=object)
    both = (one != "") & (other != "")
    if len({*one[both], *other[both]}) <= 1:
        return np.float64("nan")
    table = confusion_matrix(one[both].tolist(), other[both].tolist()) / both.sum()
    luck = table.sum(axis=0) @ table.sum(axis=1)
    return (np.trace(table) - luck) / (1 - luck)


# %% ex02_deal_films
from collections import Counter
from itertools import accumulate


def deal_films(films: list[str], size: int, seed: int) -> list[str]:
    counts = Counter(films)
    order = sorted(counts, key=lambda film: lot(film, seed))
    before = dict(zip(order, accumulate((counts[film] for film in order), initial=0), strict=False))
    return ["validation" if before[film] < size else "train" for film in films]


# %% ex02_predict_unseen
# Exactly: of all ways to hold out so many rows, those that hold out all others of the film.
from math import comb

rows = 500 * reviews_per_film
held_out = round(share_held_out * rows)
exact = comb(rows - reviews_per_film, held_out - reviews_per_film) / comb(rows - 1, held_out - 1)
prediction = {value: letter for letter, value in options.items()}[min(options.values(), key=lambda v: abs(v - exact))]
