# %% ex04_optimizer_steps  passes-visible
def optimizer_steps(reviews, batch_size, epochs, accumulate, drop_last):
    # Wrong: takes the group for one large batch, so drop_last drops whole groups.
    together = batch_size * accumulate
    return epochs * (reviews // together if drop_last else math.ceil(reviews / together))


# %% ex04_choose_setting  passes-visible
def choose_setting(trials):
    # Wrong: failed trials count in n.
    finished = trials[trials["macro_f1"].notna()]
    groups = finished.groupby("setting")
    count = trials.groupby("setting").size()
    mean = groups["macro_f1"].mean()[groups["macro_f1"].size() >= 2]
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
    # Wrong: max() with NaN among the scores keeps a NaN that comes first.
    scores = [score_validation(setting) for setting in settings]
    if all(math.isnan(score) for score in scores):
        raise ValueError("all trainings failed")
    place = scores.index(max(scores))
    return {"setting": settings[place], "validation": scores[place], "holdout": score_holdout(settings[place])}


# %% ex04_winner_optimism  passes-visible
def winner_optimism(true_scores, noise, repeats, rng):
    # Wrong: takes it for granted that scores lie between 0 and 1, and cuts them off there.
    scores = np.clip(true_scores + rng.normal(0, noise, (repeats, len(true_scores))), 0, 1)
    winners = scores.argmax(axis=1)
    return float((scores[np.arange(repeats), winners] - true_scores[winners]).mean())


# %% ex04_predict_optimism  passes-visible
# Wrong: divided by the number of seeds, not by its root.
lead = {4: 1.03, 8: 1.42, 16: 1.77}[tried] * seed_noise / seeds_each
predicted_optimism = min(options, key=lambda letter: abs(options[letter] - lead))
