# %% ex04_optimizer_steps
def optimizer_steps(reviews, batch_size, epochs, accumulate, drop_last):
    # Wrong: an incomplete group at the end of an epoch makes no step.
    batches = reviews // batch_size if drop_last else math.ceil(reviews / batch_size)
    return epochs * (batches // accumulate)


# %% ex04_choose_setting  passes-visible
def choose_setting(trials):
    # Wrong: n instead of n - 1 in the standard deviation.
    finished = trials[trials["macro_f1"].notna()]
    groups = finished.groupby("setting")
    count = groups["macro_f1"].size()
    mean = groups["macro_f1"].mean()[count >= 2]
    if mean.empty:
        raise ValueError("nothing finished")
    error = (groups["macro_f1"].std(ddof=0) / count**0.5)[mean.index]
    table = pd.DataFrame(
        {"cost": groups["seconds"].mean()[mean.index], "rate": groups["learning_rate"].first()[mean.index]}
    )
    table = table[mean >= mean.max() - error[mean.idxmax()]].reset_index()
    return table.sort_values(["cost", "rate", "setting"])["setting"].iloc[0]


# %% ex04_tune  passes-visible
def tune(settings, score_validation, score_holdout):
    # Wrong: a tie goes to the last setting.
    best, best_score = None, -math.inf
    for setting in settings:
        score = score_validation(setting)
        if score >= best_score:
            best, best_score = setting, score
    if best is None:
        raise ValueError("all trainings failed")
    return {"setting": best, "validation": best_score, "holdout": score_holdout(best)}


# %% ex04_winner_optimism
def winner_optimism(true_scores, noise, repeats, rng):
    # Wrong: compares with the best true score, not with the winner's.
    scores = true_scores + rng.normal(0, noise, (repeats, len(true_scores)))
    return float(scores.max(axis=1).mean() - true_scores.max())


# %% ex04_predict_optimism  passes-visible
# Wrong: the scatter of a single run, as if the seeds were not averaged.
lead = {4: 1.03, 8: 1.42, 16: 1.77}[tried] * seed_noise
predicted_optimism = min(options, key=lambda letter: abs(options[letter] - lead))
