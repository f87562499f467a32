# Libraries: the kit's batches, scipy, pandas, torch.
# %% ex06_predict_in_batches
from sentiment_kit.models import like_length_batches


def predict_in_batches(texts, score_batch, batch_size):
    found = {}
    for places in like_length_batches(list(map(len, texts)), batch_size):
        found.update(zip(places, score_batch([texts[place] for place in places]), strict=True))
    return [found[place] for place in sorted(found)]


# %% ex06_with_temperature
import torch


def with_temperature(logits, temperature):
    if temperature <= 0:
        raise ValueError(temperature)
    return torch.softmax(torch.tensor(logits, dtype=torch.float64) / temperature, dim=-1).numpy()


# %% ex06_answer_or_not_sure
def answer_or_not_sure(probabilities, threshold):
    return [
        max(zip(LABELS, row, strict=True), key=lambda pair: pair[1])[0] if any(row >= threshold) else "not sure"
        for row in probabilities
    ]


# %% ex06_keep_aside
import re


def keep_aside(lines: list[str]) -> tuple[list[dict], list[tuple[int, str]]]:
    good: dict[int, dict] = {}
    broken: dict[int, str] = {}
    for number, line in enumerate(lines):
        try:
            good[number] = json.loads(line)
        except json.JSONDecodeError:
            broken[number] = "not JSON"
    for number, row in list(good.items()):
        try:
            if not re.search(r"\S", row["text"]):
                raise ValueError
        except (KeyError, TypeError, ValueError, IndexError):
            broken[number] = "no text" if isinstance(good.pop(number), dict) else "not an object"
    return list(good.values()), sorted((number + 1, reason) for number, reason in broken.items())


# %% ex06_prediction
import scipy.special

tables = [scipy.special.softmax(six_logits / t, axis=1) for t in (1, new_temperature)]
old, new = ([LABELS[r.argmax()] if r.max() >= kept_threshold else "not sure" for r in table] for table in tables)
turned = {(a == "not sure", b == "not sure") for a, b in zip(old, new, strict=True) if a != b}
prediction = {frozenset(): "A", frozenset({(False, True)}): "B", frozenset({(True, False)}): "C"}.get(
    frozenset(turned), "D"
)
if prediction == "B" and set(new) == {"not sure"}:
    prediction = "E"
