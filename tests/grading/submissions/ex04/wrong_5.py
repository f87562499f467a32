# %% ex04_optimizer_steps  passes-visible
def optimizer_steps(reviews, batch_size, epochs, accumulate, drop_last):
    # Wrong: drop_last drops an incomplete group of batches as well.
    if drop_last:
        return epochs * (reviews // batch_size // accumulate)
    return epochs * math.ceil(math.ceil(reviews / batch_size) / accumulate)


# %% ex04_choose_setting
def choose_setting(trials):
    # Wrong: each setting's own standard error instead of the best one's.
    finished = trials[trials["macro_f1"].notna()]
    groups = finished.groupby("setting")
    count = groups["macro_f1"].size()
    mean = groups["macro_f1"].mean()[count >= 2]
    if mean.empty:
        raise ValueError("nothing finished")
    error = (groups["macro_f1"].std() / count**0.5)[mean.index]
    table = pd.DataFrame(
        {"cost": groups["seconds"].mean()[mean.index], "rate": groups["learning_rate"].first()[mean.index]}
    )
    table = table[mean + error >= mean.max()].reset_index()
    return table.sort_values(["cost", "rate", "setting"])["setting"].iloc[0]


# %% ex04_tune
def tune(settings, score_validation, score_holdout):
    # Wrong: trains the winner a second time to learn its score.
    scores = {place: score_validation(setting) for place, setting in enumerate(settings)}
    finished = [place for place in scores if not math.isnan(scores[place])]
    if not finished:
        raise ValueError("all trainings failed")
    best = settings[max(finished, key=scores.get)]
    return {"setting": best, "validation": score_validation(best), "holdout": score_holdout(best)}


# %% ex04_winner_optimism
def winner_optimism(true_scores, noise, repeats, rng):
    # Wrong: the mean over all settings, no winner.
    scores = true_scores + rng.normal(0, noise, (repeats, len(true_scores)))
    return float((scores - true_scores).mean())


# %% ex04_predict_optimism
# Wrong: the value instead of its letter.
predicted_optimism = 0.02
