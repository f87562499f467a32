# %% ex05_macro_f1
def macro_f1(*, gold, predicted):
    # wrong: this is accuracy (micro-F1)
    if len(gold) == 0 or len(gold) != len(predicted):
        raise ValueError("give one label a review")
    return float(np.mean(gold == predicted))


# %% ex05_film_interval  passes-visible
def film_interval(*, gold, predicted, films, resamples=2000, level=0.95, seed=0):
    # wrong: looks a film up by a part of its name, so "Tide" collects the reviews of "Tide 2", too
    rng, names, right = np.random.default_rng(seed), np.unique(films), gold == predicted
    found = [np.char.find(films, name) >= 0 for name in names]
    size, hits = np.array([rows.sum() for rows in found]), np.array([right[rows].sum() for rows in found])
    drawn = rng.integers(len(names), size=(resamples, len(names)))
    accuracies = hits[drawn].sum(axis=1) / size[drawn].sum(axis=1)
    low, high = np.quantile(accuracies, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


# %% ex05_mcnemar_p
from math import comb


def mcnemar_p(*, gold, first, second):
    # wrong: one side only
    a = int(np.sum((first == gold) & (second != gold)))
    b = int(np.sum((first != gold) & (second == gold)))
    return sum(comb(a + b, heads) for heads in range(min(a, b) + 1)) / 2 ** (a + b)


# %% ex05_not_sure_below  passes-visible
def not_sure_below(wanted, *, gold, probabilities):
    # wrong: exactly the accuracy wanted is not enough for it
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == gold
    for threshold in np.unique(confidence):
        if right[confidence >= threshold].mean() > wanted:
            return float(threshold)
    return None


# %% ex05_predict_winners
# wrong: lower case
from sentiment_kit import evaluation

_gold = np.repeat([0, 1, 2], confusion.sum(axis=1))
_lazy = evaluation.score(gold=_gold, predicted=np.full(100, commonest))
_second = evaluation.score(gold=_gold, predicted=np.repeat([0, 1, 2] * 3, confusion.ravel()))
_by_accuracy, _by_f1 = ("lazy" if _lazy[name] > _second[name] else "second" for name in ("accuracy", "macro_f1"))
_other = {"lazy": "second", "second": "lazy"}
scores_prediction = next(letter for letter, pair in options.items() if pair == (_by_accuracy, _by_f1))
scores_prediction = scores_prediction.lower()
