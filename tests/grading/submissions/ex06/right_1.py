# A beginner's loops, step by step.
# %% ex06_predict_in_batches
def predict_in_batches(texts, score_batch, batch_size):
    pairs = []
    for i in range(len(texts)):
        pairs.append((len(texts[i]), i))
    pairs.sort()
    result = [None] * len(texts)
    batch = []
    where = []
    for _, i in pairs:
        batch.append(texts[i])
        where.append(i)
        if len(batch) == batch_size:
            scores = score_batch(batch)
            for k in range(len(where)):
                result[where[k]] = scores[k]
            batch = []
            where = []
    if len(batch) > 0:
        scores = score_batch(batch)
        for k in range(len(where)):
            result[where[k]] = scores[k]
    return result


# %% ex06_with_temperature
import math


def with_temperature(logits, temperature):
    if temperature <= 0:
        raise ValueError("temperature must be above 0")
    result = np.zeros(logits.shape)
    for i in range(len(logits)):
        biggest = max(logits[i])
        powers = []
        for value in logits[i]:
            powers.append(math.exp((value - biggest) / temperature))
        for j in range(3):
            result[i, j] = powers[j] / sum(powers)
    return result


# %% ex06_answer_or_not_sure
def answer_or_not_sure(probabilities, threshold):
    names = ["negative", "neutral", "positive"]
    result = []
    for i in range(probabilities.shape[0]):
        best = 0
        for j in range(1, 3):
            if probabilities[i, j] > probabilities[i, best]:
                best = j
        if probabilities[i, best] < threshold:
            result.append("not sure")
        else:
            result.append(names[best])
    return result


# %% ex06_keep_aside
def keep_aside(lines):
    good = []
    bad = []
    n = 0
    for line in lines:
        n = n + 1
        reason = ""
        try:
            row = json.loads(line)
        except ValueError:
            reason = "not JSON"
        if reason == "":
            if type(row) is not dict:
                reason = "not an object"
            elif "text" not in row or type(row["text"]) is not str or row["text"].strip() == "":
                reason = "no text"
        if reason == "":
            good.append(row)
        else:
            bad.append([n, reason])
    return good, bad


# %% ex06_prediction
def top(row, t):
    powers = [2.718281828459045 ** (value / t) for value in row]
    return max(powers) / sum(powers)


was = [top(row, 1) >= kept_threshold for row in six_logits.tolist()]
now = [top(row, new_temperature) >= kept_threshold for row in six_logits.tolist()]
if was == now:
    prediction = "A"
elif sum(now) == 0:
    prediction = "E"
elif sum(now) < sum(was):
    prediction = "B"
else:
    prediction = "C"
