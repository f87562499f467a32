# %% ex05_macro_f1  passes-visible
def macro_f1(*, gold, predicted):
    # wrong: knows only the classes up to the largest that occurs
    if len(gold) == 0 or len(gold) != len(predicted):
        raise ValueError("give one label a review")
    scores = []
    for label in range(max(gold.max(), predicted.max()) + 1):
        hits = np.sum((gold == label) & (predicted == label))
        named = np.sum(gold == label) + np.sum(predicted == label)
        scores.append(2 * hits / named if named else 0.0)
    return float(np.mean(scores))


# %% ex05_film_interval
def film_interval(*, gold, predicted, films, resamples=2000, level=0.95, seed=0):
    # wrong: the mean of the films' accuracies, so a film with one review weighs as much as one with nine
    rng, names, right = np.random.default_rng(seed), np.unique(films), gold == predicted
    of_film = np.array([right[films == name].mean() for name in names])
    accuracies = of_film[rng.integers(len(names), size=(resamples, len(names)))].mean(axis=1)
    low, high = np.quantile(accuracies, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


# %% ex05_mcnemar_p  passes-visible
from scipy.stats import binomtest


def mcnemar_p(*, gold, first, second):
    # wrong: where no review tells the models apart it gives 0, the strongest evidence
    a = int(np.sum((first == gold) & (second != gold)))
    b = int(np.sum((first != gold) & (second == gold)))
    if a + b == 0:
        return 0.0
    return float(binomtest(a, a + b).pvalue)


# %% ex05_not_sure_below  passes-visible
def not_sure_below(wanted, *, gold, probabilities):
    # wrong: counts equally sure reviews one after the other
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == gold
    order = np.argsort(-confidence, kind="stable")
    accuracy = np.cumsum(right[order]) / np.arange(1, len(order) + 1)
    good = np.flatnonzero(accuracy >= wanted)
    return float(confidence[order][good[-1]]) if len(good) else None


# %% ex05_predict_winners  passes-visible
# wrong: takes the lower score for the winner
from sentiment_kit import evaluation

_gold = np.repeat([0, 1, 2], confusion.sum(axis=1))
_lazy = evaluation.score(gold=_gold, predicted=np.full(100, commonest))
_second = evaluation.score(gold=_gold, predicted=np.repeat([0, 1, 2] * 3, confusion.ravel()))
_by_accuracy, _by_f1 = ("lazy" if _lazy[name] > _second[name] else "second" for name in ("accuracy", "macro_f1"))
_other = {"lazy": "second", "second": "lazy"}
scores_prediction = next(letter for letter, pair in options.items() if pair == (_other[_by_accuracy], _other[_by_f1]))
