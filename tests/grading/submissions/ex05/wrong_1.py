# %% ex05_macro_f1
def macro_f1(*, gold, predicted):
    # wrong: averages over the classes in gold only
    if len(gold) == 0 or len(gold) != len(predicted):
        raise ValueError("give one label a review")
    scores = []
    for label in np.unique(gold):
        hits = np.sum((gold == label) & (predicted == label))
        named = np.sum(gold == label) + np.sum(predicted == label)
        scores.append(2 * hits / named)
    return float(np.mean(scores))


# %% ex05_film_interval
def film_interval(*, gold, predicted, films, resamples=2000, level=0.95, seed=0):
    # wrong: draws reviews, not films
    right = gold == predicted
    rows = np.random.default_rng(seed).integers(len(right), size=(resamples, len(right)))
    accuracies = right[rows].mean(axis=1)
    low, high = np.quantile(accuracies, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


# %% ex05_mcnemar_p  passes-visible
from math import comb


def mcnemar_p(*, gold, first, second):
    # wrong: counts reviews on which the labels differ, also where both are wrong
    n = int(np.sum(first != second))
    k = int(np.sum((first == gold) & (second != gold)))
    ways = sum(comb(n, heads) for heads in range(min(k, n - k) + 1))
    return min(1.0, 2 * ways / 2**n)


# %% ex05_not_sure_below
def not_sure_below(wanted, *, gold, probabilities):
    # wrong: the largest good threshold, which answers the fewest reviews
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == gold
    for threshold in np.unique(confidence)[::-1]:
        if right[confidence >= threshold].mean() >= wanted:
            return float(threshold)
    return None


# %% ex05_predict_winners  passes-visible
# wrong: the winner by accuracy is right, the one by macro-F1 is not
from sentiment_kit import evaluation

_gold = np.repeat([0, 1, 2], confusion.sum(axis=1))
_lazy = evaluation.score(gold=_gold, predicted=np.full(100, commonest))
_second = evaluation.score(gold=_gold, predicted=np.repeat([0, 1, 2] * 3, confusion.ravel()))
_by_accuracy, _by_f1 = ("lazy" if _lazy[name] > _second[name] else "second" for name in ("accuracy", "macro_f1"))
_other = {"lazy": "second", "second": "lazy"}
scores_prediction = next(letter for letter, pair in options.items() if pair == (_by_accuracy, _other[_by_f1]))
