# %% ex06_predict_in_batches  passes-visible
# sorts the caller's own list
def predict_in_batches(texts, score_batch, batch_size):
    before = list(texts)
    texts.sort(key=len)
    scores = {}
    for start in range(0, len(texts), batch_size):
        batch = texts[start : start + batch_size]
        scores.update(zip(batch, score_batch(batch), strict=True))
    return [scores[text] for text in before]


# %% ex06_with_temperature  passes-visible
# subtracts the largest logit of the whole array: a row far below it becomes 0 / 0
def with_temperature(logits, temperature):
    if temperature <= 0:
        raise ValueError("temperature must be above 0")
    scaled = logits / temperature
    powers = np.exp(scaled - scaled.max(initial=-np.inf))
    return powers / powers.sum(axis=1, keepdims=True)


# %% ex06_answer_or_not_sure  passes-visible
# rounds to two decimals before it compares
def answer_or_not_sure(probabilities, threshold):
    answers = []
    for row in probabilities:
        top = round(float(row.max()), 2)
        answers.append(LABELS[row.argmax()] if top >= round(threshold, 2) else "not sure")
    return answers


# %% ex06_keep_aside  passes-visible
# takes white space for a text
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
        elif not isinstance(row.get("text"), str) or not row["text"]:
            broken.append((number, "no text"))
        else:
            good.append(row)
    return good, broken


# %% ex06_prediction  passes-visible
# has the direction the wrong way round: above 1 surer
prediction = "C" if new_temperature > 1 else "B"
