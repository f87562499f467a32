# %% ex05_macro_f1  passes-visible
def macro_f1(*, gold, predicted):
    # wrong: looks for empty input, but not for lengths that differ
    if len(gold) == 0:
        raise ValueError("no reviews")
    scores = []
    for label in range(3):
        hits = np.sum((gold == label) & (predicted == label))
        named = np.sum(gold == label) + np.sum(predicted == label)
        scores.append(2 * hits / named if named else 0.0)
    return float(np.mean(scores))


# %% ex05_film_interval  passes-visible
def film_interval(*, gold, predicted, films, resamples=2000, level=0.95, seed=0):
    # wrong: the same draws whatever the seed
    rng, right = np.random.default_rng(42), gold == predicted
    names, film = np.unique(films, return_inverse=True)
    size, hits = np.bincount(film), np.bincount(film, weights=right)
    drawn = rng.integers(len(names), size=(resamples, len(names)))
    accuracies = hits[drawn].sum(axis=1) / size[drawn].sum(axis=1)
    low, high = np.quantile(accuracies, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


# %% ex05_mcnemar_p  passes-visible
from math import comb


def mcnemar_p(*, gold, first, second):
    # wrong: takes it for granted that the first model is the better one
    a = int(np.sum((first == gold) & (second != gold)))
    b = int(np.sum((first != gold) & (second == gold)))
    return min(1.0, 2 * sum(comb(a + b, heads) for heads in range(b + 1)) / 2 ** (a + b))


# %% ex05_not_sure_below  passes-visible
def not_sure_below(wanted, *, gold, probabilities):
    # wrong: 1.0 where no threshold is good
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == gold
    for threshold in np.unique(confidence):
        if right[confidence >= threshold].mean() >= wanted:
            return float(threshold)
    return 1.0


# %% ex05_predict_winners
# wrong: the list of all options
scores_prediction = list(options)
