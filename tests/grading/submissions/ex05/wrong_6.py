# %% ex05_macro_f1  passes-visible
def macro_f1(*, gold, predicted):
    # wrong: writes the cells of the confusion matrix into the array that it was given
    if len(gold) == 0 or len(gold) != len(predicted):
        raise ValueError("give one label a review")
    gold *= 3
    gold += predicted
    counts = np.bincount(gold, minlength=9).reshape(3, 3)
    named = counts.sum(axis=0) + counts.sum(axis=1)
    return float(np.mean(2 * counts.diagonal() / np.maximum(named, 1)))


# %% ex05_film_interval  passes-visible
def film_interval(*, gold, predicted, films, resamples=2000, level=0.95, seed=0):
    # wrong: forgets the seed
    rng, right = np.random.default_rng(), gold == predicted
    names, film = np.unique(films, return_inverse=True)
    size, hits = np.bincount(film), np.bincount(film, weights=right)
    drawn = rng.integers(len(names), size=(resamples, len(names)))
    accuracies = hits[drawn].sum(axis=1) / size[drawn].sum(axis=1)
    low, high = np.quantile(accuracies, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


# %% ex05_mcnemar_p
from scipy.stats import chi2


def mcnemar_p(*, gold, first, second):
    # wrong: the approximation for many reviews, not the exact test
    a = int(np.sum((first == gold) & (second != gold)))
    b = int(np.sum((first != gold) & (second == gold)))
    if a + b == 0:
        return 1.0
    return float(chi2.sf((abs(a - b) - 1) ** 2 / (a + b), 1))


# %% ex05_not_sure_below  passes-visible
def not_sure_below(wanted, *, gold, probabilities):
    # wrong: sorts the array that it was given
    right = probabilities.argmax(axis=1) == gold
    probabilities.sort(axis=1)
    confidence = probabilities[:, -1]
    for threshold in np.unique(confidence):
        if right[confidence >= threshold].mean() >= wanted:
            return float(threshold)
    return None


# %% ex05_predict_winners
# wrong: the winners' names, not the letter
from sentiment_kit import evaluation

_gold = np.repeat([0, 1, 2], confusion.sum(axis=1))
_lazy = evaluation.score(gold=_gold, predicted=np.full(100, commonest))
_second = evaluation.score(gold=_gold, predicted=np.repeat([0, 1, 2] * 3, confusion.ravel()))
_by_accuracy, _by_f1 = ("lazy" if _lazy[name] > _second[name] else "second" for name in ("accuracy", "macro_f1"))
_other = {"lazy": "second", "second": "lazy"}
scores_prediction = f"{_by_accuracy}, {_by_f1}"
