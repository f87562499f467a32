"""Adapting a generative model (lesson 07): LoRA on any classifier, and a decoder that is only prompted."""

import warnings
from collections.abc import Sequence
from functools import partial

import numpy as np
import torch
from peft import LoraConfig, PeftModel, TaskType, get_peft_model
from transformers import BatchEncoding, PreTrainedModel, PreTrainedTokenizerBase, set_seed
from transformers.pytorch_utils import Conv1D

from sentiment_kit import models, profiles
from sentiment_kit.labels import LABELS

PROMPT = "Movie review:\n{text}\n\nThe sentiment of this review is"
"""What a decoder is asked to go on from, with one of the labels."""


HEAD = ("pooler", "classifier", "score")
"""What is trained whole: a decoder's head is called score, BERT's is a pooler and a classifier.

With its pooler frozen our encoder hardly learned, as that was never trained for anything of the kind.
"""


def add_lora(
    model: PreTrainedModel,
    *,
    rank: int = 8,
    target_modules: Sequence[str] | str | None = None,
    seed: int = profiles.SEED,
) -> PeftModel:
    """Freezes a classifier and puts narrow tables beside its attention, which are trained in its place.

    The head is trained as ever, all of it (:data:`HEAD`). ``merge_and_unload()`` on the result adds the tables' product
    to the frozen weights and gives a plain transformers model, for ``training.save_model``.

    Args:
        model: A classifier (``models.load_classifier``); it becomes part of the result.
        rank: How narrow the tables are.
        target_modules: Which layers get them, by the ends of their names, or ``"all-linear"``; left out, what peft
            knows for the architecture: the queries and values of BERT, GPT-2, Qwen and others.
        seed: Seed of the tables' random weights. One of each pair starts at 0, so at first nothing changes.

    Returns:
        A model that computes what ``model`` does, of which only tables and head can be trained.

    Raises:
        ValueError: The model has an adapter already, the rank is below 1, or no layer has such a name.

    Source:
        Hu et al. (2021), https://arxiv.org/abs/2106.09685.
    """
    if isinstance(model, PeftModel):
        raise ValueError("the model has an adapter already: load it afresh, or call merge_and_unload() first")
    if rank < 1:
        raise ValueError(f"rank is {rank}: use 1 or more")
    set_seed(seed)
    config = LoraConfig(
        task_type=TaskType.SEQ_CLS,
        r=rank,
        lora_alpha=2 * rank,  # the product counts twice, whatever the rank
        lora_dropout=0.1,
        target_modules=target_modules,
        modules_to_save=list(HEAD),
        fan_in_fan_out=any(isinstance(module, Conv1D) for module in model.modules()),  # GPT-2 keeps its tables on edge
    )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # peft asks transformers in a way that will go
            return get_peft_model(model, config)
    except ValueError as error:
        raise ValueError(
            f"LoRA found nothing to adapt in this {model.config.model_type}: name its layers with target_modules, "
            f"such as ['query', 'value'] (reason: {models.reason(error)})"
        ) from error


def label_likelihoods(
    texts: Sequence[str],
    *,
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    labels: Sequence[str] = LABELS,
    prompt: str = PROMPT,
    batch_size: int = 16,
) -> np.ndarray:
    """Asks a decoder that nobody has trained for the task: how likely does it go on with each label?

    Nothing is drawn at random and nothing has to be read out of an answer: each label is put behind the prompt, and its
    tokens' log-probabilities are added up. The largest sum is the answer.

    Args:
        texts: The texts. One that is too long for ``tokenizer.model_max_length`` is cut off, the prompt never is.
        model: A decoder (``models.load_decoder``); it is not changed.
        tokenizer: Its tokenizer (``models.load_tokenizer``).
        labels: The words that the decoder chooses from.
        prompt: What it is asked, with ``{text}`` where the text goes; a space and the label follow.
        batch_size: Texts at a time.

    Returns:
        Natural logarithms of probabilities, shape (texts, labels), float32, in the order of ``texts``.

    Raises:
        ValueError: The prompt has no ``{text}`` or nothing after it, it leaves no room for a text, or the tokenizer
            pads on the left.

    Source:
        Brown et al. (2020), section 2.4, https://arxiv.org/abs/2005.14165 (choosing among answers by likelihood).
    """
    if tokenizer.padding_side != "right":
        raise ValueError("the tokenizer pads on the left: load it with models.load_tokenizer")
    answers = [tokenizer(f" {label}", add_special_tokens=False)["input_ids"] for label in labels]
    asked = _asked(texts, prompt, tokenizer, reserved=max(map(len, answers)))
    model.eval()
    columns = [
        models.in_batches(
            [ids + answer for ids in asked],
            partial(_ending, length=len(answer), model=model),
            width=1,
            model=model,
            tokenizer=tokenizer,
            batch_size=batch_size,
        )
        for answer in answers
    ]
    return np.hstack(columns)


def _asked(texts: Sequence[str], prompt: str, tokenizer: PreTrainedTokenizerBase, *, reserved: int) -> list[list[int]]:
    """The prompt's token ids for each text, cut so that as many tokens as are reserved still fit behind them."""
    if prompt.count("{text}") != 1 or prompt.endswith("{text}"):
        raise ValueError(f"the prompt is {prompt!r}: write {{text}} once, and after it what the label is to follow")
    before, after = prompt.split("{text}")
    start = tokenizer(before)["input_ids"]
    end = tokenizer(after, add_special_tokens=False)["input_ids"]
    room = tokenizer.model_max_length - len(start) - len(end) - reserved
    if room < 1:
        raise ValueError(
            f"the prompt leaves no room for a text in {tokenizer.model_max_length} tokens: "
            "shorten it, or load the tokenizer with a larger max_length"
        )
    cut = {"truncation": True, "max_length": room, "add_special_tokens": False}
    return [start + ids + end for ids in (tokenizer(list(texts), **cut)["input_ids"] if len(texts) else [])]


def _ending(batch: BatchEncoding, *, length: int, model: PreTrainedModel) -> torch.Tensor:
    """The log-probability of each text's last tokens, given all before them: shape (texts, 1)."""
    ids = batch["input_ids"]
    ends = batch["attention_mask"].sum(dim=1, keepdim=True)  # padding comes after them
    places = ends + torch.arange(-length, 0, device=ids.device)  # (texts, length): where the last tokens stand
    first = int(places.min()) - 1  # a token is guessed at the place before it
    logits = model(**batch, logits_to_keep=ids.shape[1] - first).logits  # a vocabulary is wide: not for every token
    rows = torch.arange(len(ids), device=ids.device)[:, None]
    guesses = logits[rows, places - 1 - first].float().log_softmax(dim=-1)  # (texts, length, vocabulary)
    return guesses.gather(-1, ids[rows, places].unsqueeze(-1)).sum(dim=(1, 2))[:, None]
