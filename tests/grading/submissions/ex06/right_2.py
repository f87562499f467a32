# Vectorised numpy.
# %% ex06_predict_in_batches
def predict_in_batches(texts: list[str], score_batch: Callable, batch_size: int) -> list[float]:
    order = np.argsort([len(text) for text in texts], kind="stable")
    ordered = [texts[place] for place in order]
    scores = []
    for start in range(0, len(ordered), batch_size):
        scores.extend(score_batch(ordered[start : start + batch_size]))
    back = np.argsort(order)
    return [scores[place] for place in back]


# %% ex06_with_temperature
def with_temperature(logits: np.ndarray, temperature: float) -> np.ndarray:
    if not temperature > 0:
        raise ValueError("use a temperature above 0")
    z = np.array(logits, dtype=np.float64)
    z = (z - z.max(axis=1)[:, None]) / temperature
    return np.exp(z - np.log(np.exp(z).sum(axis=1, keepdims=True)))


# %% ex06_answer_or_not_sure
def answer_or_not_sure(probabilities: np.ndarray, threshold: float) -> list[str]:
    best = np.array(LABELS)[probabilities.argmax(axis=1)]
    return np.where(probabilities.max(axis=1) >= threshold, best, "not sure").tolist()


# %% ex06_keep_aside
def keep_aside(lines):
    def reason(line):
        try:
            row = json.loads(line)
        except json.JSONDecodeError:
            return "not JSON", None
        if not isinstance(row, dict):
            return "not an object", None
        text = row.get("text", "")
        return (None, row) if isinstance(text, str) and text.strip() else ("no text", None)

    judged = [reason(line) for line in lines]
    return (
        [row for why, row in judged if why is None],
        [(number, why) for number, (why, _) in enumerate(judged, start=1) if why is not None],
    )


# %% ex06_prediction
e = np.exp(six_logits)
f = np.exp(six_logits / new_temperature)
sure_before = e.max(axis=1) / e.sum(axis=1) >= kept_threshold
sure_after = f.max(axis=1) / f.sum(axis=1) >= kept_threshold
changes = sure_after.sum() - sure_before.sum()
prediction = "A" if changes == 0 else "C" if changes > 0 else "B" if sure_after.any() else "E"
