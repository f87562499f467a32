# %% ex06_predict_in_batches
# batches as the texts come: nothing is sorted
def predict_in_batches(texts, score_batch, batch_size):
    scores = []
    for start in range(0, len(texts), batch_size):
        scores += score_batch(texts[start : start + batch_size])
    return scores


# %% ex06_with_temperature
# softmax over the texts, not over the labels
def with_temperature(logits, temperature):
    if temperature <= 0:
        raise ValueError("temperature must be above 0")
    scaled = logits / temperature
    powers = np.exp(scaled - scaled.max(axis=0, keepdims=True))
    return powers / powers.sum(axis=0, keepdims=True)


# %% ex06_answer_or_not_sure
# leaves the doubtful ones out
def answer_or_not_sure(probabilities, threshold):
    return [LABELS[row.argmax()] for row in probabilities if row.max() >= threshold]


# %% ex06_keep_aside
# gives up at the first broken line
def keep_aside(lines):
    good, broken = [], []
    try:
        for number, line in enumerate(lines, start=1):
            row = json.loads(line)
            if not isinstance(row, dict):
                broken.append((number, "not an object"))
            elif not isinstance(row.get("text"), str) or not row["text"].strip():
                broken.append((number, "no text"))
            else:
                good.append(row)
    except json.JSONDecodeError:
        broken.append((number, "not JSON"))
    return good, broken


# %% ex06_prediction
# the new temperature in place of a letter
prediction = new_temperature
