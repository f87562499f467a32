# %% ex04_optimizer_steps
def optimizer_steps(reviews, batch_size, epochs, accumulate, drop_last):
    # Wrong: the smaller batch is always dropped.
    return epochs * math.ceil(reviews // batch_size / accumulate)


# %% ex04_choose_setting
def choose_setting(trials):
    # Wrong: the standard deviation where the standard error belongs.
    finished = trials[trials["macro_f1"].notna()]
    groups = finished.groupby("setting")
    count = groups["macro_f1"].size()
    mean = groups["macro_f1"].mean()[count >= 2]
    if mean.empty:
        raise ValueError("nothing finished")
    error = (groups["macro_f1"].std())[mean.index]
    table = pd.DataFrame(
        {"cost": groups["seconds"].mean()[mean.index], "rate": groups["learning_rate"].first()[mean.index]}
    )
    table = table[mean >= mean.max() - error[mean.idxmax()]].reset_index()
    return table.sort_values(["cost", "rate", "setting"])["setting"].iloc[0]


# %% ex04_tune
def tune(settings, score_validation, score_holdout):
    # Wrong: chooses on the hold-out.
    scores = [(score_validation(setting), score_holdout(setting)) for setting in settings]
    finished = [place for place, pair in enumerate(scores) if not math.isnan(pair[0])]
    if not finished:
        raise ValueError("all trainings failed")
    best = max(finished, key=lambda place: scores[place][1])
    return {"setting": settings[best], "validation": scores[best][0], "holdout": scores[best][1]}


# %% ex04_winner_optimism
def winner_optimism(true_scores, noise, repeats, rng):
    # Wrong: takes noise for the variance.
    errors = rng.normal(0, noise**0.5, (repeats, len(true_scores)))
    winners = (true_scores + errors).argmax(axis=1)
    return float(errors[np.arange(repeats), winners].mean())


# %% ex04_predict_optimism
# Wrong: the right letter in lower case.
lead = {4: 1.03, 8: 1.42, 16: 1.77}[tried] * seed_noise / seeds_each**0.5
predicted_optimism = min(options, key=lambda letter: abs(options[letter] - lead)).lower()
