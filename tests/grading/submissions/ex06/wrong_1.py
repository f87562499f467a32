# %% ex06_predict_in_batches  passes-visible
# looks each text's place up by the text: the second of two equal texts is never filled in
def predict_in_batches(texts, score_batch, batch_size):
    ordered = sorted(texts, key=len)
    result = [0.0] * len(texts)
    for start in range(0, len(ordered), batch_size):
        batch = ordered[start : start + batch_size]
        for text, score in zip(batch, score_batch(batch), strict=True):
            result[texts.index(text)] = score
    return result


# %% ex06_with_temperature
# exp of large logits: infinity divided by infinity
def with_temperature(logits, temperature):
    if temperature <= 0:
        raise ValueError("temperature must be above 0")
    powers = np.exp(logits / temperature)
    return powers / powers.sum(axis=1, keepdims=True)


# %% ex06_answer_or_not_sure  passes-visible
# exactly at the threshold is taken as not sure
def answer_or_not_sure(probabilities, threshold):
    return [LABELS[row.argmax()] if row.max() > threshold else "not sure" for row in probabilities]


# %% ex06_keep_aside  passes-visible
# asks for "text" before asking whether it got an object
def keep_aside(lines):
    good, broken = [], []
    for number, line in enumerate(lines, start=1):
        try:
            row = json.loads(line)
        except json.JSONDecodeError:
            broken.append((number, "not JSON"))
            continue
        if "text" not in row or not isinstance(row["text"], str) or not row["text"].strip():
            broken.append((number, "no text"))
        else:
            good.append(row)
    return good, broken


# %% ex06_prediction  passes-visible
# believes that a temperature changes labels
prediction = "D"
