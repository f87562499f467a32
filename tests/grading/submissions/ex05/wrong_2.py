# %% ex05_macro_f1
from sklearn.metrics import f1_score


def macro_f1(*, gold, predicted):
    # wrong: scikit-learn leaves out a class that occurs nowhere
    return float(f1_score(gold, predicted, average="macro"))


# %% ex05_film_interval
def film_interval(*, gold, predicted, films, resamples=2000, level=0.95, seed=0):
    # wrong: isin takes the reviews of a film once, however often it was drawn
    rng, names, right = np.random.default_rng(seed), np.unique(films), gold == predicted
    accuracies = []
    for _ in range(resamples):
        drawn = rng.choice(names, size=len(names))
        accuracies.append(right[np.isin(films, drawn)].mean())
    low, high = np.quantile(accuracies, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


# %% ex05_mcnemar_p  passes-visible
from math import comb


def mcnemar_p(*, gold, first, second):
    # wrong: doubles the middle as well, so an even share gives more than 1
    a = int(np.sum((first == gold) & (second != gold)))
    b = int(np.sum((first != gold) & (second == gold)))
    if a + b == 0:
        return 1.0
    return 2 * sum(comb(a + b, heads) for heads in range(min(a, b) + 1)) / 2 ** (a + b)


# %% ex05_not_sure_below
def not_sure_below(wanted, *, gold, probabilities):
    # wrong: goes down from the surest and stops at the first that is not good
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == gold
    best = None
    for threshold in np.unique(confidence)[::-1]:
        if right[confidence >= threshold].mean() < wanted:
            break
        best = float(threshold)
    return best


# %% ex05_predict_winners  passes-visible
# wrong: the winner by macro-F1 is right, the one by accuracy is not
from sentiment_kit import evaluation

_gold = np.repeat([0, 1, 2], confusion.sum(axis=1))
_lazy = evaluation.score(gold=_gold, predicted=np.full(100, commonest))
_second = evaluation.score(gold=_gold, predicted=np.repeat([0, 1, 2] * 3, confusion.ravel()))
_by_accuracy, _by_f1 = ("lazy" if _lazy[name] > _second[name] else "second" for name in ("accuracy", "macro_f1"))
_other = {"lazy": "second", "second": "lazy"}
scores_prediction = next(letter for letter, pair in options.items() if pair == (_other[_by_accuracy], _by_f1))
