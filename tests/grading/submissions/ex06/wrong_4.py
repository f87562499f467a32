# %% ex06_predict_in_batches  passes-visible
# calls the model for an empty list, too
def predict_in_batches(texts, score_batch, batch_size):
    order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
    scores = [0.0] * len(texts)
    start = 0
    while True:
        chosen = order[start : start + batch_size]
        for i, score in zip(chosen, score_batch([texts[i] for i in chosen]), strict=True):
            scores[i] = score
        start += batch_size
        if start >= len(texts):
            return scores


# %% ex06_with_temperature  passes-visible
# lets negative temperatures through
def with_temperature(logits, temperature):
    if temperature == 0:
        raise ValueError("temperature must not be 0")
    scaled = logits / temperature
    powers = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


# %% ex06_answer_or_not_sure  passes-visible
# blanks doubtful probabilities in the caller's array
def answer_or_not_sure(probabilities, threshold):
    probabilities[probabilities < threshold] = 0
    return [LABELS[row.argmax()] if row.max() >= threshold else "not sure" for row in probabilities]


# %% ex06_keep_aside  passes-visible
# skips blank lines, so that all later numbers are too low
def keep_aside(lines):
    good, broken = [], []
    for number, line in enumerate([line for line in lines if line.strip()], start=1):
        try:
            row = json.loads(line)
        except json.JSONDecodeError:
            broken.append((number, "not JSON"))
            continue
        if not isinstance(row, dict):
            broken.append((number, "not an object"))
        elif not isinstance(row.get("text"), str) or not row["text"].strip():
            broken.append((number, "no text"))
        else:
            good.append(row)
    return good, broken


# %% ex06_prediction
# the right letter, but lower case
prediction = {3.0: "a", 2.0: "b", 0.5: "c", 50.0: "e"}[new_temperature]
