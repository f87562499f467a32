# Plain loops.
# %% ex04_optimizer_steps
def optimizer_steps(reviews, batch_size, epochs, accumulate, drop_last):
    steps = 0
    for _ in range(epochs):
        left = reviews
        batches = 0
        while left > 0:
            if left < batch_size and drop_last:
                break
            batches = batches + 1
            left = left - batch_size
        while batches > 0:
            steps = steps + 1
            batches = batches - accumulate
    return steps


# %% ex04_choose_setting
def choose_setting(trials):
    import math

    scores, seconds, rates = {}, {}, {}
    for _, row in trials.iterrows():
        if math.isnan(row["macro_f1"]):
            continue
        name = row["setting"]
        if name not in scores:
            scores[name], seconds[name] = [], []
        scores[name].append(row["macro_f1"])
        seconds[name].append(row["seconds"])
        rates[name] = row["learning_rate"]
    means = {}
    for name in scores:
        if len(scores[name]) > 1:
            means[name] = sum(scores[name]) / len(scores[name])
    if len(means) == 0:
        raise ValueError("nothing to choose from")
    best = max(means, key=means.get)
    squares = 0
    for score in scores[best]:
        squares += (score - means[best]) ** 2
    n = len(scores[best])
    error = math.sqrt(squares / (n - 1)) / math.sqrt(n)
    chosen = None
    for name in sorted(means):
        if means[name] < means[best] - error:
            continue
        cost = (sum(seconds[name]) / len(seconds[name]), rates[name])
        if chosen is None or cost < lowest:
            chosen, lowest = name, cost
    return chosen


# %% ex04_tune
def tune(settings, score_validation, score_holdout):
    best_setting = None
    best_score = None
    for setting in settings:
        score = score_validation(setting)
        if score != score:  # only NaN differs from itself
            continue
        if best_score is None or score > best_score:
            best_setting = setting
            best_score = score
    if best_setting is None:
        raise ValueError("all trainings failed")
    final = score_holdout(best_setting)
    return {"setting": best_setting, "validation": best_score, "holdout": final}


# %% ex04_winner_optimism
def winner_optimism(true_scores, noise, repeats, rng):
    total = 0.0
    for _ in range(repeats):
        scores = []
        for true, error in zip(true_scores, rng.normal(0, noise, len(true_scores)), strict=True):
            scores.append(true + error)
        winner = scores.index(max(scores))
        total += scores[winner] - true_scores[winner]
    return float(total / repeats)


# %% ex04_predict_optimism
best_of = {4: 1.03, 8: 1.42, 16: 1.77}[tried]
answer = best_of * seed_noise / seeds_each**0.5
predicted_optimism = "A"
for letter in options:
    if abs(options[letter] - answer) < abs(options[predicted_optimism] - answer):
        predicted_optimism = letter
