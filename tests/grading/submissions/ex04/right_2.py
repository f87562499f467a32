# Vectorized: numpy and integer arithmetic.
# %% ex04_optimizer_steps
def optimizer_steps(reviews: int, batch_size: int, epochs: int, accumulate: int, drop_last: bool) -> int:
    full, rest = divmod(reviews, batch_size)
    batches = full + (rest > 0 and not drop_last)
    return epochs * -(-batches // accumulate)


# %% ex04_choose_setting
import numpy as np


def choose_setting(trials):
    name = trials["setting"].to_numpy()
    score = trials["macro_f1"].to_numpy()
    kept = ~np.isnan(score)
    table = []
    for one in np.unique(name[kept].astype(str)):
        rows = kept & (name == one)
        if rows.sum() < 2:
            continue
        error = score[rows].std(ddof=1) / np.sqrt(rows.sum())
        seconds, rate = trials["seconds"].to_numpy()[rows].mean(), trials["learning_rate"].to_numpy()[rows][0]
        table.append((score[rows].mean(), error, seconds, rate, str(one)))
    if not table:
        raise ValueError("no setting was trained twice")
    mean, error, seconds, rate, names = (np.array(column) for column in zip(*table, strict=True))
    bound = mean.max() - error[mean.argmax()]
    order = np.lexsort((names, rate, seconds))
    return str(next(names[place] for place in order if mean[place] >= bound))


# %% ex04_tune
import numpy as np


def tune(settings, score_validation, score_holdout):
    scores = np.array([score_validation(setting) for setting in settings], dtype=float)
    if np.isnan(scores).all():  # also true of an empty array
        raise ValueError("every training failed")
    place = int(np.nanargmax(scores))
    return dict(setting=settings[place], validation=scores[place], holdout=score_holdout(settings[place]))


# %% ex04_winner_optimism
import numpy as np


def winner_optimism(true_scores, noise, repeats, rng):
    scores = true_scores + noise * rng.standard_normal((repeats, true_scores.size))
    return np.mean(scores.max(axis=1) - true_scores[np.argmax(scores, axis=1)])


# %% ex04_predict_optimism
import numpy as np

runs = np.random.default_rng(11).normal(0, seed_noise, size=(20_000, tried, seeds_each))
luck = runs.mean(axis=2).max(axis=1).mean()
predicted_optimism = list(options)[int(np.argmin([abs(value - luck) for value in options.values()]))]
