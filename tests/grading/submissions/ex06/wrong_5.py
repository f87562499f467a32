# %% ex06_predict_in_batches
# hands the scores back in the order of length
def predict_in_batches(texts, score_batch, batch_size):
    ordered = sorted(texts, key=len)
    scores = []
    for start in range(0, len(ordered), batch_size):
        scores += score_batch(ordered[start : start + batch_size])
    return scores


# %% ex06_with_temperature
# multiplies by the temperature
def with_temperature(logits, temperature):
    if temperature <= 0:
        raise ValueError("temperature must be above 0")
    scaled = logits * temperature
    powers = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


# %% ex06_answer_or_not_sure
# returns an array
def answer_or_not_sure(probabilities, threshold):
    best = np.array(LABELS)[probabilities.argmax(axis=1)]
    return np.where(probabilities.max(axis=1) >= threshold, best, "not sure")


# %% ex06_keep_aside
# counts lines from 0
def keep_aside(lines):
    good, broken = [], []
    for number, line in enumerate(lines):
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
# all the letters
prediction = ["A", "B", "C", "D", "E"]
