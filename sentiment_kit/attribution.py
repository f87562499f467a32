"""Looking closer (lesson 05b): which words pulled an answer which way, by integrated gradients.

The scores add up to what the logit gained over the masked text. They say what moved this network, not why a person
would think so, and not what would happen if a word were taken out.
"""

from dataclasses import dataclass

import numpy as np
import torch
from captum.attr import LayerIntegratedGradients
from transformers import BatchEncoding

from sentiment_kit.inference import SentimentClassifier


@dataclass(frozen=True)
class Attribution:
    """What each word added to the logit of one label.

    Attributes:
        label: The label that is explained.
        words: The text's words and signs, as the tokenizer splits them.
        scores: What each added to the label's logit; below 0 it spoke against the label.
        start: The logit for the same text with every word masked.
        end: The logit for the text as it is.
    """

    label: str
    words: tuple[str, ...]
    scores: tuple[float, ...]
    start: float
    end: float

    @property
    def error(self) -> float:
        """How far the scores are from adding up to ``end - start``: completeness asks for 0."""
        return abs(sum(self.scores) - (self.end - self.start))


def explain(text: str, classifier: SentimentClassifier, *, label: str | None = None, steps: int = 64) -> Attribution:
    """Shares a label's logit out among the words of a text.

    Walks in small steps from the text with every word replaced by the mask token to the text as it is, and adds up
    how the logit answers to each word's embedding on the way.

    Args:
        text: The text.
        classifier: The model.
        label: The label to explain; the predicted one if left out.
        steps: How many steps: more take longer and come closer to completeness.

    Returns:
        A score for each word: word pieces are joined; special tokens are the same in both texts, score 0 and are left
        out. A text longer than the tokenizer's ``model_max_length`` is cut.

    Raises:
        ValueError: The text is empty, or there is no such label.

    Source:
        Sundararajan et al. (2017), Axiomatic Attribution for Deep Networks, https://arxiv.org/abs/1703.01365;
        Captum, https://captum.ai/api/layer.html#layer-integrated-gradients.
    """
    chances = classifier.probabilities([text])[0]
    if label is not None and label not in classifier.labels:
        raise ValueError(f"there is no label {label!r}: use one of {', '.join(classifier.labels)}")
    target = int(chances.argmax()) if label is None else classifier.labels.index(label)
    tokenizer, model = classifier.tokenizer, classifier.model
    asked = {"return_special_tokens_mask": True, "return_offsets_mapping": True}
    batch = tokenizer(text, truncation=True, return_tensors="pt", **asked).to(model.device)
    ids, added = batch["input_ids"], batch["special_tokens_mask"].bool()
    masked = ids.masked_fill(~added, tokenizer.mask_token_id)  # an unknown word is masked too

    def logit(input_ids: torch.Tensor) -> torch.Tensor:
        mask = batch["attention_mask"].expand(len(input_ids), -1)
        return model(input_ids=input_ids, attention_mask=mask).logits[:, target]

    method = LayerIntegratedGradients(logit, model.base_model.embeddings)
    pieces = method.attribute(ids, baselines=masked, n_steps=steps, internal_batch_size=16)
    scores = pieces.sum(dim=-1)[0].detach().double().cpu().numpy()
    with torch.inference_mode():
        start, end = float(logit(masked)[0]), float(logit(ids)[0])
    words, joined = _by_word(text, batch, scores)
    return Attribution(classifier.labels[target], words, joined, start, end)


def _by_word(text: str, batch: BatchEncoding, scores: np.ndarray) -> tuple[tuple, tuple]:
    """Joins the pieces of each word: its letters as they stand in the text, and the sum of its scores."""
    words: dict[int, list] = {}
    for word, (begin, end), score in zip(batch.word_ids(), batch["offset_mapping"][0].tolist(), scores, strict=True):
        if word is None:
            continue
        known = words.setdefault(word, [begin, end, 0.0])
        known[1], known[2] = end, known[2] + float(score)
    return tuple(text[begin:end] for begin, end, _ in words.values()), tuple(score for *_, score in words.values())
