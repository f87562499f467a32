"""Predicting new reviews (lesson 06): one text, many texts, or a file."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import torch
from safetensors import SafetensorError
from scipy.special import softmax
from transformers import AutoModelForSequenceClassification, PreTrainedModel, PreTrainedTokenizerBase

from sentiment_kit import export, files, streaming
from sentiment_kit.models import (
    CALIBRATION_FILE,
    CheckpointError,
    classify,
    half_precision_format,
    load_tokenizer,
    reason,
    to_gpu,
)
from sentiment_kit.streaming import FileReport

NOT_SURE = "not sure"


@dataclass(frozen=True)
class Prediction:
    """What the model says of one text.

    Attributes:
        text: The text.
        label: The likeliest label, or ``"not sure"`` if its probability is below the threshold.
        probabilities: The probability of each label by name; they add up to 1.
    """

    text: str
    label: str
    probabilities: dict[str, float]

    @property
    def probability(self) -> float:
        """The probability of the likeliest label."""
        return max(self.probabilities.values())


class SentimentClassifier:
    """A fine-tuned model, ready to label texts.

    Args:
        model: A classifier of transformers, or an :class:`~sentiment_kit.export.OnnxClassifier`.
        tokenizer: Its tokenizer.
        threshold: Answers below this probability become ``"not sure"``; 0 turns that off.
        temperature: Divides the logits before they become probabilities (lesson 05b); no label changes.

    Attributes:
        at_limit: Texts so far that reached ``tokenizer.model_max_length``: whatever came after it was not read.
    """

    def __init__(
        self,
        model: PreTrainedModel | export.OnnxClassifier,
        tokenizer: PreTrainedTokenizerBase,
        *,
        threshold: float = 0.0,
        temperature: float = 1.0,
    ) -> None:
        if not 0 <= threshold <= 1:
            raise ValueError(f"threshold is {threshold}: use a probability from 0 to 1")
        if not temperature > 0:
            raise ValueError(f"temperature is {temperature}: use a number above 0")
        self.temperature = temperature
        self.model = model.eval()
        self.tokenizer = tokenizer
        self.threshold = threshold
        self.at_limit = 0
        self.labels = [model.config.id2label[index] for index in range(model.config.num_labels)]

    @classmethod
    def from_folder(
        cls,
        folder: str | Path,
        *,
        threshold: float | None = None,
        temperature: float | None = None,
        engine: str = "torch",
        half_precision: bool = False,
    ) -> "SentimentClassifier":
        """Loads a model that lesson 04, ``sentiment-kit train`` or plain transformers saved.

        Args:
            folder: The model's folder.
            threshold: Answers below this probability become ``"not sure"``; by default what the folder's
                ``calibration.json`` says (lesson 05b writes it), else 0.
            temperature: Divides the logits before they become probabilities; by default as above, else 1.
            engine: ``"torch"``, or ``"onnx"`` for a folder that :func:`sentiment_kit.export.to_onnx` made.
            half_precision: Let torch compute in 16 bits where the device is faster in them: a few labels in a thousand
                may change.

        Raises:
            CheckpointError: There is no model in the folder, or one that nobody has trained to classify, or its
                ``calibration.json`` cannot be read.
            ValueError: ``engine`` is unknown, or ``half_precision`` is asked of ONNX.
        """
        folder = Path(folder)
        if not (folder / "config.json").is_file():
            raise CheckpointError(f"{folder}: no model here (no config.json): train one first, or correct the path")
        if engine not in ("torch", "onnx"):
            raise ValueError(f"engine is {engine!r}: use 'torch' or 'onnx'")
        if engine == "onnx" and half_precision:
            raise ValueError("half_precision is for torch: an ONNX model computes as it was exported")
        model = export.OnnxClassifier(folder) if engine == "onnx" else _load_trained(folder)
        if half_precision and (chosen_format := half_precision_format()):
            model = model.to(chosen_format)
        chosen = {name: value for name, value in (("threshold", threshold), ("temperature", temperature))
                  if value is not None}  # fmt: skip
        return cls(model, load_tokenizer(folder), **(_read_calibration(folder) | chosen))

    def probabilities(self, texts: Sequence[str], *, batch_size: int = 32) -> np.ndarray:
        """Computes the probability of each label for each text.

        Args:
            texts: The texts.
            batch_size: Texts at a time.

        Returns:
            An array of shape (texts, labels), float32, in the order of ``texts``; each row adds up to 1.

        Raises:
            ValueError: One of the texts is empty or no text; the message says which.
        """
        texts = list(texts)
        for position, text in enumerate(texts, start=1):
            if not isinstance(text, str) or not text.strip():
                raise ValueError(f"text {position} of {len(texts)} is empty: give a review of at least one word")
        if not texts:
            return np.zeros((0, len(self.labels)), dtype=np.float32)
        ids = self.tokenizer(texts, truncation=True)["input_ids"]
        self.at_limit += sum(len(one) >= self.tokenizer.model_max_length for one in ids)
        logits = classify(ids, model=self.model, tokenizer=self.tokenizer, batch_size=batch_size)
        return softmax(logits / self.temperature, axis=1)

    def predict(self, texts: Sequence[str], *, batch_size: int = 32) -> list[Prediction]:
        """Labels texts.

        Args:
            texts: The texts; an empty list is fine.
            batch_size: Texts at a time.

        Returns:
            One prediction for each text, in their order.

        Raises:
            TypeError: A single string was given in place of a list.
            ValueError: One of the texts is empty; the message says which.
        """
        if isinstance(texts, str):
            raise TypeError("predict takes a list of texts: put the one text in square brackets")
        texts = list(texts)
        if not texts:
            return []
        predictions = []
        for text, row in zip(texts, self.probabilities(texts, batch_size=batch_size), strict=True):
            best = int(row.argmax())
            label = self.labels[best] if row[best] >= self.threshold else NOT_SURE
            predictions.append(Prediction(text, label, dict(zip(self.labels, row.tolist(), strict=True))))
        return predictions

    def predict_file(
        self,
        source: str | Path | BinaryIO,
        target: str | Path,
        *,
        text_column: str = "text",
        format: str | None = None,
        shard: tuple[int, int] = (1, 1),
        resume: bool = False,
        quiet: bool = True,
    ) -> FileReport:
        """Labels each row of a CSV, JSONL, Parquet or text file of any size; bad rows are kept aside.

        Args:
            source: The file to read, or an open binary stream.
            target: The ``.csv`` or ``.jsonl`` file to write, whole or not at all: the rows of ``source`` in order, with
                ``predicted`` and a column of probability for each label.
            text_column: The column with the texts.
            format: ``csv``, ``jsonl``, ``parquet`` or ``txt`` (a text in each line); by default as the ending says.
            shard: Label the first, second, … of so many shares of the rows: ``(2, 8)`` is the second of eight.
            resume: Go on where an earlier run was stopped.
            quiet: Show no progress bar.

        Raises:
            DataError: As :func:`sentiment_kit.streaming.label_file`, which does the work.
            OSError: ``target`` cannot be written.
        """
        shares = [f"probability_{name}" for name in self.labels]

        def label(texts: list[str]) -> list[dict[str, object]]:
            return [
                {"predicted": one.label}
                | dict(zip(shares, (round(value, 6) for value in one.probabilities.values()), strict=True))
                for one in self.predict(texts)
            ]

        return streaming.label_file(
            source,
            target,
            label,
            added=["predicted", *shares],
            format=format,
            text_column=text_column,
            settings={"model": self._digest(), "threshold": self.threshold, "temperature": self.temperature},
            shard=shard,
            resume=resume,
            quiet=quiet,
        )

    def _digest(self) -> str:
        """A fingerprint of the weights, by which a resumed run knows its model."""
        if isinstance(self.model, export.OnnxClassifier):
            return self.model.digest()
        digest = hashlib.sha256()
        for weights in self.model.state_dict().values():
            digest.update(weights.detach().cpu().contiguous().view(torch.uint8).numpy())
        return digest.hexdigest()


def _load_trained(folder: Path) -> PreTrainedModel:
    try:
        model, report = AutoModelForSequenceClassification.from_pretrained(str(folder), output_loading_info=True)
    except (OSError, ValueError, SafetensorError) as error:
        if (folder / export.MODEL_FILE).is_file():
            raise CheckpointError(f"{folder}: an exported model: only predict --engine onnx can use it") from error
        raise CheckpointError(
            f"{folder}: the model cannot be loaded: train it again (reason: {reason(error)})"
        ) from error
    if report["missing_keys"]:  # transformers would make a random head up
        raise CheckpointError(f"{folder}: an encoder without a trained head: fine-tune it first")
    return to_gpu(model)


def _read_calibration(folder: Path) -> dict[str, float]:
    path = folder / CALIBRATION_FILE
    if not path.exists():
        return {}
    try:
        found = files.read_json(path)
        return {name: float(found[name]) for name in ("temperature", "threshold")}
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise CheckpointError(
            f"{path}: no temperature and threshold in it: run lesson 05b again, or delete it"
        ) from error
