"""Handing a model on in ONNX (lesson 06): a format that runs without torch, faster on a CPU, and smaller in 8 bits."""

import contextlib
import hashlib
import importlib
import logging
import shutil
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import torch
from transformers import AutoConfig, PreTrainedModel, PreTrainedTokenizerBase

from sentiment_kit import files
from sentiment_kit.models import CheckpointError, classify, reason

MODEL_FILE = "model.onnx"
LABELS_KEPT = 0.99
"""The share of texts that have to keep their label in 8 bits."""

_SAMPLES = ("A warm and funny film.", "Dull.", "It starts well, then it loses its way, and nobody seems to mind it.")


class OnnxClassifier:
    """A classifier that ONNX Runtime computes; it is called like the model of transformers that it stands for.

    Args:
        folder: A folder that :func:`to_onnx` made.
        threads: CPU threads; as many as torch uses if left out.

    Attributes:
        config: The model's configuration, with its label names.
        device: Always the CPU.

    Raises:
        CheckpointError: There is no such model, it cannot be loaded, or onnxruntime is not installed.
    """

    def __init__(self, folder: str | Path, *, threads: int | None = None) -> None:
        path = Path(folder) / MODEL_FILE
        if not path.is_file():
            raise CheckpointError(f"{folder}: no {MODEL_FILE} here: make one with `sentiment-kit export`")
        runtime = _needs("onnxruntime")
        options = runtime.SessionOptions()
        options.intra_op_num_threads = threads or torch.get_num_threads()
        try:
            self._session = runtime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime's errors have no common class
            raise CheckpointError(f"{path}: cannot be loaded: export it again (reason: {reason(error)})") from error
        self._inputs = [one.name for one in self._session.get_inputs()]
        self._path = path
        self.config = AutoConfig.from_pretrained(str(folder))
        self.device = torch.device("cpu")

    def __call__(self, **batch: torch.Tensor) -> SimpleNamespace:
        """Computes ``logits`` of shape (texts, labels) for a tokenized batch."""
        filled = {"token_type_ids": torch.zeros_like(batch["input_ids"])} | batch
        feed = {name: filled[name].numpy() for name in self._inputs}
        return SimpleNamespace(logits=torch.from_numpy(self._session.run(["logits"], feed)[0]))

    def eval(self) -> "OnnxClassifier":
        """Does nothing: an exported model can only answer."""
        return self

    def digest(self) -> str:
        """A fingerprint of the weights."""
        return hashlib.sha256(self._path.read_bytes()).hexdigest()


def to_onnx(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    folder: str | Path,
    *,
    int8: bool = False,
    texts: Sequence[str] = (),
    along: Sequence[str | Path] = (),
) -> Path:
    """Saves a classifier as ONNX, with its configuration and tokenizer, whole or not at all.

    Args:
        model: A fine-tuned classifier.
        tokenizer: Its tokenizer.
        folder: Where to; a folder of that name is replaced.
        int8: Keep matrices in 8 bits: a smaller file, faster, with slightly other answers. The first layers, where
            rounding costs most, stay in 32 bits, as many as it takes for 99 of 100 ``texts`` to keep their label.
        texts: Texts like those that the model is for, to hold the labels against; for ``int8``.
        along: Files to copy into the folder, such as ``calibration.json``.

    Returns:
        The folder.

    Raises:
        CheckpointError: onnx, onnxscript or onnxruntime is not installed, or the exported model answers differently.
        OSError: The folder cannot be written to.
    """
    for name in ("onnx", "onnxscript", "onnxruntime"):
        _needs(name)
    model = model.eval().cpu()
    with files.replacing_folder(folder) as part:
        model.config.save_pretrained(part)
        tokenizer.save_pretrained(part)
        _write(model, tokenizer, part / MODEL_FILE)
        _compare(model, tokenizer, part, tolerance=1e-3)
        if int8:
            _quantize(model, tokenizer, part, list(texts) or list(_SAMPLES))
        for path in along:
            shutil.copy(path, part)
    return Path(folder)


class _Logits(torch.nn.Module):
    """The model with plain tensors in and out, as the exporter wants it."""

    def __init__(self, model: PreTrainedModel, names: list[str]) -> None:
        super().__init__()
        self.model, self.names = model, names

    def forward(self, *tensors: torch.Tensor) -> torch.Tensor:
        return self.model(**dict(zip(self.names, tensors, strict=True))).logits


def _write(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, path: Path) -> None:
    batch = tokenizer(list(_SAMPLES), padding=True, return_tensors="pt")
    names = [name for name in ("input_ids", "attention_mask", "token_type_ids") if name in batch]
    attention = model.config._attn_implementation
    model.set_attn_implementation("eager")  # plain products and a softmax make a faster graph
    with _quietly():
        program = torch.onnx.export(
            _Logits(model, names).eval(),
            tuple(batch[name] for name in names),
            dynamo=True,
            dynamic_shapes=(tuple({0: "batch", 1: "tokens"} for _ in names),),
            input_names=names,
            output_names=["logits"],
            verbose=False,
        )
        program.save(path, external_data=False)
    model.set_attn_implementation(attention)


def _quantize(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, folder: Path, texts: list[str]) -> None:
    """Puts a model in 8 bits in place of the one in a folder, leaving as many first layers alone as the labels need."""
    import onnx
    from onnxruntime import quantization

    ids = tokenizer(texts, truncation=True)["input_ids"]
    labels = classify(ids, model=model, tokenizer=tokenizer).argmax(axis=1)
    path, layers = folder / MODEL_FILE, model.config.num_hidden_layers
    full = path.rename(folder / "full.onnx")
    graph = onnx.load(full).graph
    weights = {one.name for one in graph.initializer}
    products = [node.name for node in graph.node if node.op_type == "MatMul" and weights & set(node.input)]
    for spared in range(layers):
        with _quietly():
            quantization.quantize_dynamic(
                full,
                path,
                per_channel=True,
                weight_type=quantization.QuantType.QInt8,
                op_types_to_quantize=["MatMul"],
                nodes_to_exclude=products[: spared * len(products) // layers],
            )
        found = classify(ids, model=OnnxClassifier(folder), tokenizer=tokenizer).argmax(axis=1)
        if (found == labels).mean() >= LABELS_KEPT:
            full.unlink()
            return
    raise CheckpointError("8 bits change more than one label in a hundred: export without --int8; nothing was written")


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """Keeps back what exporters say of axis names and of packages that a model for texts does not need."""
    level = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(level)


def _compare(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, folder: Path, *, tolerance: float) -> None:
    batch = tokenizer(list(_SAMPLES), padding=True, return_tensors="pt")
    with torch.inference_mode():
        wanted = model(**batch).logits.numpy()
    found = OnnxClassifier(folder)(**batch).logits.numpy()
    if not (difference := float(np.abs(wanted - found).max())) <= tolerance:
        raise CheckpointError(
            f"the exported model answers differently (logits by {difference:.2g}): nothing was written"
        )


def _needs(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise CheckpointError(f"{name} is not installed: in the kit's folder, pip install -e '.[onnx]'") from error
