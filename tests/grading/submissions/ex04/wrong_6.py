# %% ex04_optimizer_steps  passes-visible
def optimizer_steps(reviews, batch_size, epochs, accumulate, drop_last):
    # Wrong: at least one step, even where there is no batch.
    batches = reviews // batch_size if drop_last else math.ceil(reviews / batch_size)
    return epochs * max(1, math.ceil(batches / accumulate))


# %% ex04_choose_setting  passes-visible
def choose_setting(trials):
    # Wrong: changes the table that it is given.
    trials.dropna(inplace=True)
    finished = trials
    groups = finished.groupby("setting")
    count = groups["macro_f1"].size()
    mean = groups["macro_f1"].mean()[count >= 2]
    if mean.empty:
        raise ValueError("nothing finished")
    error = (groups["macro_f1"].std() / count**0.5)[mean.index]
    table = pd.DataFrame(
        {"cost": groups["seconds"].mean()[mean.index], "rate": groups["learning_rate"].first()[mean.index]}
    )
    table = table[mean >= mean.max() - error[mean.idxmax()]].reset_index()
    return table.sort_values(["cost", "rate", "setting"])["setting"].iloc[0]


# %% ex04_tune  passes-visible
def tune(settings, score_validation, score_holdout):
    # Wrong: opens the hold-out although all trainings failed.
    scores = [score_validation(setting) for setting in settings]
    place = max(range(len(scores)), key=lambda place: -math.inf if math.isnan(scores[place]) else scores[place])
    result = {"setting": settings[place], "validation": scores[place], "holdout": score_holdout(settings[place])}
    if math.isnan(result["validation"]):
        raise ValueError("all trainings failed")
    return result


# %% ex04_winner_optimism  passes-visible
def winner_optimism(true_scores, noise, repeats, rng):
    # Wrong: sorts the array that it is given.
    true_scores.sort()
    errors = rng.normal(0, noise, (repeats, len(true_scores)))
    winners = (true_scores + errors).argmax(axis=1)
    return float(errors[np.arange(repeats), winners].mean())


# %% ex04_predict_optimism
# Wrong: all options.
predicted_optimism = list(options)
