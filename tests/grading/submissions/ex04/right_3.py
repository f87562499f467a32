# The library's way: DataLoader, pandas, sorting.
# %% ex04_optimizer_steps
from torch.utils.data import DataLoader


def optimizer_steps(reviews, batch_size, epochs, accumulate, drop_last):
    batches = len(DataLoader(range(reviews), batch_size=batch_size, drop_last=drop_last))
    steps_of_an_epoch = len(range(0, batches, accumulate))
    return epochs * steps_of_an_epoch


# %% ex04_choose_setting
def choose_setting(trials):
    finished = trials.dropna(subset=["macro_f1"])
    groups = finished.groupby("setting")
    finished = finished[groups["seed"].transform("count") > 1]
    if len(finished) == 0:
        raise ValueError("need two finished trials of a setting")
    groups = finished.groupby("setting")
    score = groups["macro_f1"].agg(["mean", "std", "count"])
    best = score["mean"].idxmax()
    error = score.loc[best, "std"] / score.loc[best, "count"] ** 0.5
    good = score.index[score["mean"] >= score.loc[best, "mean"] - error]
    costs = groups[["seconds", "learning_rate"]].mean().loc[good]
    costs["learning_rate"] = groups["learning_rate"].min().loc[good]
    return costs.sort_index().sort_values(["seconds", "learning_rate"], kind="stable").index[0]


# %% ex04_tune
import pandas as pd


def tune(settings, score_validation, score_holdout):
    scores = pd.Series([score_validation(setting) for setting in settings], dtype="float64").dropna()
    if scores.empty:
        raise ValueError("no finished training")
    place = scores.sort_values(ascending=False, kind="stable").index[0]
    result = {"setting": dict(settings[place]), "validation": float(scores[place])}
    result["holdout"] = score_holdout(settings[place])
    return result


# %% ex04_winner_optimism
import pandas as pd


def winner_optimism(true_scores, noise, repeats, rng):
    errors = pd.DataFrame(rng.normal(scale=noise, size=(repeats, len(true_scores))))
    winner = (errors + true_scores).idxmax(axis=1)
    return sum(errors.iat[row, place] for row, place in enumerate(winner)) / repeats


# %% ex04_predict_optimism
from scipy.stats import norm

# The mean of the largest of n is the integral of its quantiles; middle points of 10,000 strips.
strips = [(place + 0.5) / 10_000 for place in range(10_000)]
largest = sum(norm.ppf([strip ** (1 / tried) for strip in strips])) / 10_000
lead = largest * seed_noise / seeds_each**0.5
predicted_optimism = sorted(options, key=lambda letter: abs(options[letter] - lead))[0]
