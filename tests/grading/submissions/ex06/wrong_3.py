# %% ex06_predict_in_batches  passes-visible
# measures length in words
def predict_in_batches(texts, score_batch, batch_size):
    order = sorted(range(len(texts)), key=lambda i: (len(texts[i].split()), len(texts[i])))
    scores = [0.0] * len(texts)
    for start in range(0, len(order), batch_size):
        chosen = order[start : start + batch_size]
        for i, score in zip(chosen, score_batch([texts[i] for i in chosen]), strict=True):
            scores[i] = score
    return scores


# %% ex06_with_temperature  passes-visible
# writes into the caller's logits
def with_temperature(logits, temperature):
    if temperature <= 0:
        raise ValueError("temperature must be above 0")
    logits -= logits.max(axis=1, keepdims=True)
    powers = np.exp(logits / temperature)
    return powers / powers.sum(axis=1, keepdims=True)


# %% ex06_answer_or_not_sure  passes-visible
# of labels that tie it takes the last
def answer_or_not_sure(probabilities, threshold):
    answers = []
    for row in probabilities.tolist():
        probability, label = max((p, number) for number, p in enumerate(row))
        answers.append(LABELS[label] if probability >= threshold else "not sure")
    return answers


# %% ex06_keep_aside  passes-visible
# turns anything into a text, and tidies it on the way
def keep_aside(lines):
    good, broken = [], []
    for number, line in enumerate(lines, start=1):
        try:
            row = json.loads(line)
        except json.JSONDecodeError:
            broken.append((number, "not JSON"))
            continue
        if not isinstance(row, dict):
            broken.append((number, "not an object"))
            continue
        row["text"] = str(row.get("text", "")).strip()
        if row["text"]:
            good.append(row)
        else:
            broken.append((number, "no text"))
    return good, broken


# %% ex06_prediction  passes-visible
# "no label changes, so no answer changes": forgets the threshold; where that is low, it expects some 'not sure'
prediction = "B" if kept_threshold < 0.5 else "A"
