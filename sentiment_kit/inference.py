"""Predicting new reviews (lesson 06): one text, many texts, or a file."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from scipy.special import softmax
from transformers import AutoModelForSequenceClassification, PreTrainedModel, PreTrainedTokenizerBase

from sentiment_kit import data, files
from sentiment_kit.models import CheckpointError, like_length_batches, load_tokenizer, reason

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


@dataclass(frozen=True)
class FileReport:
    """What became of the rows of a file.

    Attributes:
        predicted: Rows that were labeled.
        rejected: Rows that were set aside, with their reasons, in ``rejected_path``.
        rejected_path: The file of rejected rows; none if every row was good.
    """

    predicted: int
    rejected: int
    rejected_path: Path | None


class SentimentClassifier:
    """A fine-tuned model, ready to label texts.

    Args:
        model: A classifier.
        tokenizer: Its tokenizer.
        threshold: Answers below this probability become ``"not sure"``; 0 turns that off.
        temperature: Divides the logits before they become probabilities (lesson 05b); no label changes.
    """

    def __init__(
        self,
        model: PreTrainedModel,
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
        self.labels = [model.config.id2label[index] for index in range(model.config.num_labels)]

    @classmethod
    def from_folder(
        cls, folder: str | Path, *, threshold: float = 0.0, temperature: float = 1.0
    ) -> "SentimentClassifier":
        """Loads a model that lesson 04, ``sentiment-kit train`` or plain transformers saved.

        Args:
            folder: The model's folder.
            threshold: Answers below this probability become ``"not sure"``.
            temperature: Divides the logits before they become probabilities (lesson 05b).

        Raises:
            CheckpointError: There is no model in the folder, or one that nobody has trained to classify.
        """
        folder = Path(folder)
        if not (folder / "config.json").is_file():
            raise CheckpointError(f"{folder}: no model here (no config.json): train one first, or correct the path")
        try:
            model, report = AutoModelForSequenceClassification.from_pretrained(str(folder), output_loading_info=True)
        except (OSError, ValueError, SafetensorError) as error:
            raise CheckpointError(
                f"{folder}: the model cannot be loaded: train it again (reason: {reason(error)})"
            ) from error
        if report["missing_keys"]:  # transformers would make a random head up
            raise CheckpointError(f"{folder}: an encoder without a trained head: fine-tune it first")
        model.to("cuda" if torch.cuda.is_available() else "cpu")
        return cls(model, load_tokenizer(folder), threshold=threshold, temperature=temperature)

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
        logits = np.zeros((len(texts), len(self.labels)), dtype=np.float32)
        for chosen in like_length_batches([len(text) for text in texts], batch_size):
            batch = self.tokenizer([texts[i] for i in chosen], padding=True, truncation=True, return_tensors="pt")
            with torch.inference_mode():
                output = self.model(**batch.to(self.model.device)).logits
            logits[chosen] = output.float().cpu().numpy()
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

    def predict_file(self, source: str | Path, target: str | Path, *, text_column: str = "text") -> FileReport:
        """Labels each row of a CSV, JSONL or Parquet file; rows without a text are kept aside.

        Args:
            source: The file to read; its ending tells the format.
            target: The ``.csv`` or ``.jsonl`` file to write, whole or not at all: the rows of ``source`` in order,
                with ``predicted`` and a column of probability for each label.
            text_column: The column with the texts.

        Raises:
            DataError: ``source`` cannot be read, has no such column or no text at all, or is where rejected rows go; or
                ``target`` ends otherwise.
            OSError: ``target`` cannot be written.
        """
        target = Path(target)
        if target.suffix not in (".csv", ".jsonl"):
            raise data.DataError(f"{target.name}: cannot write {target.suffix or 'that'}: use .csv or .jsonl")
        rejected_path = target.with_name(f"{target.stem}.rejected.jsonl")
        if Path(source).resolve() == rejected_path.resolve():
            raise data.DataError(f"{target.name}: its rejected rows would replace the input: give another output name")
        table = data.read_table(source)
        data.require_column(table, text_column, path=source, option="--text-column")
        good = table[text_column].map(lambda text: isinstance(text, str) and bool(text.strip()))
        if not good.any():
            raise data.DataError(f"{Path(source).name}: no row has a text in {text_column!r}: check the column")
        rows = table[good].copy()
        predictions = self.predict(rows[text_column].tolist())
        rows["predicted"] = [prediction.label for prediction in predictions]
        for name in self.labels:
            rows[f"probability_{name}"] = [round(prediction.probabilities[name], 6) for prediction in predictions]
        with files.replacing(target) as part:
            if target.suffix == ".csv":
                rows.to_csv(part, index=False)
            else:
                rows.to_json(part, orient="records", lines=True, force_ascii=False)
        rejected = [
            {"row": int(position) + 1, "reason": "the text is empty or no text", "content": row}
            for position, row in table.reset_index(drop=True)[~good.to_numpy()].astype(str).to_dict("index").items()
        ]
        rejected_path.unlink(missing_ok=True)  # of an earlier run
        if rejected:
            lines = [json.dumps(entry, ensure_ascii=False) + "\n" for entry in rejected]
            files.write_text(rejected_path, "".join(lines))
        return FileReport(len(rows), len(rejected), rejected_path if rejected else None)
