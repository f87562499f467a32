"""Fine-tuning (lesson 03): the cells of that lesson, packed so that later lessons can call them."""

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import evaluate
import numpy as np
import pandas as pd
import torch
from datasets import Dataset
from safetensors import SafetensorError
from transformers import (
    DataCollatorWithPadding,
    EvalPrediction,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    Trainer,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)
from transformers.trainer_callback import PrinterCallback, ProgressCallback

from sentiment_kit import data, files, models, profiles
from sentiment_kit.labels import LABELS
from sentiment_kit.metrics import sentiment_metrics


def precision(half: bool) -> dict[str, bool]:
    """The ``TrainingArguments`` that choose the number format.

    Args:
        half: Whether 16 bits are wanted. A machine that is no faster in them computes in 32
            (:func:`sentiment_kit.models.half_precision_format`).

    Returns:
        ``{"bf16": True}``, ``{"fp16": True}`` or ``{}``; on a processor also ``{"use_cpu": True}``, without which
        ``Trainer`` looks for a GPU.
    """
    chosen = models.half_precision_format() if half else None
    if chosen is None:
        return {}
    name = "bf16" if chosen == torch.bfloat16 else "fp16"
    return {name: True} | ({} if torch.cuda.is_available() else {"use_cpu": True})


def trainer_settings(*, half_precision: bool = False, seed: int = profiles.SEED) -> dict[str, object]:
    """The ``TrainingArguments`` that teach nothing: logging, saving, seed, and what the device wants.

    Args:
        half_precision: Compute in 16 bits where the device can.
        seed: Seed of the shuffling and of dropout.
    """
    return {
        "logging_steps": 0.05,  # a fraction of all steps: twenty points on the loss curve
        "logging_nan_inf_filter": False,  # a loss that is not a number must show
        "save_strategy": "no",
        "seed": seed,
        "disable_tqdm": False,  # left out, it follows transformers' logging level
        "dataloader_pin_memory": torch.cuda.is_available(),
        **precision(half_precision),
    }


def training_arguments(
    output_dir: str | Path,
    *,
    learning_rate: float = profiles.PROFILES["laptop"].learning_rate,
    batch_size: int = profiles.PROFILES["laptop"].batch_size,
    epochs: float = profiles.PROFILES["laptop"].epochs,
    seed: int = profiles.SEED,
    half_precision: bool = False,
    **overrides: object,
) -> TrainingArguments:
    """The settings of a fine-tuning run, as lesson 03 writes them out.

    Args:
        output_dir: Where the trainer may write. Nothing is saved there unless ``save_strategy`` is overridden.
        learning_rate: The largest step size; it rises to it in the first tenth of the steps, then falls to 0.
        batch_size: Reviews in one step.
        epochs: Passes over the training split.
        seed: Seed of the shuffling and of dropout.
        half_precision: Compute in 16 bits where the device can.
        overrides: Any further argument of ``TrainingArguments``; it wins over the ones above.
    """
    settings = {
        "output_dir": str(output_dir),
        "learning_rate": learning_rate,
        "per_device_train_batch_size": batch_size,
        "per_device_eval_batch_size": 32,
        "num_train_epochs": epochs,
        "warmup_steps": 0.1,  # a fraction of all steps
        "weight_decay": 0.01,
        "train_sampling_strategy": "group_by_length",
        "eval_strategy": "epoch",
        **trainer_settings(half_precision=half_precision, seed=seed),
    }
    return TrainingArguments(**(settings | overrides))


def settings_of(args: TrainingArguments) -> dict[str, float]:
    """What a run was trained with, under the names that :func:`training_arguments` takes.

    Args:
        args: The settings of a trainer, its ``args``.

    Returns:
        ``learning_rate``, ``batch_size`` and ``epochs``.
    """
    return {
        "learning_rate": args.learning_rate,
        "batch_size": args.per_device_train_batch_size,
        "epochs": args.num_train_epochs,
    }


def metric_function(
    metrics: evaluate.CombinedEvaluations | None = None, *, labels: Sequence[str] = LABELS
) -> Callable[[EvalPrediction], dict[str, float]]:
    """Makes the function that ``Trainer`` calls after each evaluation.

    Args:
        metrics: Metrics that take class ids; accuracy and macro-F1 if left out.
        labels: The label names in the order of their ids.

    Returns:
        A function from logits of shape (reviews, labels) and gold ids of shape (reviews,) to named scores.
    """
    metrics = metrics or sentiment_metrics(labels)

    def compute_metrics(evaluation: EvalPrediction) -> dict[str, float]:
        predicted = evaluation.predictions.argmax(axis=-1)
        return metrics.compute(predictions=predicted, references=evaluation.label_ids)

    return compute_metrics


def fine_tune(
    *,
    train: Dataset,
    validation: Dataset,
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    args: TrainingArguments,
    labels: Sequence[str] = LABELS,
    callbacks: Sequence[object] = (),
    quiet: bool = False,
    resume_from: str | Path | None = None,
) -> Trainer:
    """Trains the whole model, encoder and head, and evaluates it after each epoch.

    Args:
        train: Tokenized reviews to learn from (``data.tokenize``).
        validation: Tokenized reviews to evaluate on.
        model: A classifier (``models.load_classifier``); it is changed in place.
        tokenizer: Its tokenizer.
        args: The settings (:func:`training_arguments`).
        labels: The label names in the order of their ids.
        callbacks: Further ``TrainerCallback`` objects.
        quiet: Show neither the progress bar nor the table of losses.
        resume_from: A checkpoint folder of the same training, to go on from.

    Returns:
        The trainer: the trained model is its ``model``, the losses its ``state.log_history``.

    Raises:
        FloatingPointError: The loss became infinite or not a number.
    """
    args.disable_tqdm = args.disable_tqdm or quiet
    trainer = Trainer(
        model=model,
        args=args,
        train_dataset=train,
        eval_dataset=validation,
        processing_class=tokenizer,
        data_collator=DataCollatorWithPadding(tokenizer),
        compute_metrics=metric_function(labels=labels),
        callbacks=list(callbacks),
    )
    if quiet:
        trainer.remove_callback(PrinterCallback)
        trainer.remove_callback(ProgressCallback)
    loss = trainer.train(resume_from_checkpoint=str(resume_from) if resume_from else None).training_loss
    if not (np.isfinite(loss) and _is_finite(trainer.model)):
        raise _diverged(loss, args)
    return trainer


def _is_finite(model: PreTrainedModel) -> bool:
    return all(bool(weights.isfinite().all()) for weights in model.parameters())


def _diverged(loss: float, args: TrainingArguments) -> FloatingPointError:
    return FloatingPointError(
        f"training diverged (loss {loss}): the steps were too large; try a learning rate below {args.learning_rate:g}"
    )


def loss_history(trainer: Trainer) -> pd.DataFrame:
    """The losses and scores that a trainer logged.

    Args:
        trainer: A trainer that has trained.

    Returns:
        One row for each logged step: ``epoch``, ``step``, ``train_loss``, ``validation_loss``, ``accuracy``,
        ``macro_f1``; NaN where a value was not logged at that step.
    """
    names = {
        "loss": "train_loss",
        "eval_loss": "validation_loss",
        "eval_accuracy": "accuracy",
        "eval_macro_f1": "macro_f1",
    }
    rows = [
        {"epoch": entry["epoch"], "step": entry["step"]}
        | {new: entry[old] for old, new in names.items() if old in entry}
        for entry in trainer.state.log_history
        if names.keys() & entry.keys()
    ]
    return pd.DataFrame(rows, columns=["epoch", "step", *names.values()])


def predict_logits(
    dataset: Dataset, *, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, batch_size: int = 32
) -> np.ndarray:
    """Computes a model's logits for tokenized reviews.

    Args:
        dataset: Tokenized reviews (``data.tokenize``).
        model: A classifier; it is put in evaluation mode, on the GPU if there is one, and not changed otherwise.
        tokenizer: Its tokenizer, which pads the batches.
        batch_size: Reviews at a time.

    Returns:
        An array of shape (reviews, labels), float32, in the order of ``dataset``.
    """
    ids, model = list(dataset["input_ids"]), models.to_gpu(model)
    return models.classify(ids, model=model, tokenizer=tokenizer, batch_size=batch_size)


_COMPLETE = "complete"
"""A file in a checkpoint's folder that says that all the others are there."""


def save_model(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, folder: str | Path) -> Path:
    """Saves a model as a plain transformers folder that loads without this kit, whole or not at all.

    Args:
        model: The classifier.
        tokenizer: Its tokenizer.
        folder: Where to; a folder of that name is replaced.

    Returns:
        The folder.

    Raises:
        OSError: The folder cannot be written to, or holds something other than a saved model.
    """
    models.check_output(folder)
    with files.replacing_folder(folder) as part:
        model.save_pretrained(part)
        tokenizer.save_pretrained(part)
    return Path(folder)


# ---------------------------------------------------------------- from files, with checkpoints


def train_from_files(
    *,
    train: Dataset,
    validation: Dataset,
    output: str | Path,
    checkpoint: str | None = None,
    epochs: float | None = None,
    learning_rate: float | None = None,
    batch_size: int | None = None,
    half_precision: bool = False,
    seed: int = profiles.SEED,
    labels: Sequence[str] = LABELS,
    resume: bool = False,
) -> dict[str, float]:
    """Fine-tunes on a learner's own reviews from beginning to end and saves the model.

    Ten times on the way a checkpoint is kept in ``<output>.checkpoints``, until the model itself is saved. Started by
    ``accelerate launch``, several processes share the work.

    Args:
        train: Reviews with ``text`` and ``label`` (``data.read_reviews``).
        validation: The same, to evaluate on.
        output: The folder for the model.
        checkpoint: Folder or Hub name of the encoder; the profile's if left out.
        epochs: Passes over the training reviews; the profile's if left out.
        learning_rate: The largest step size; the profile's if left out.
        batch_size: Reviews in one step, over all processes; the profile's if left out.
        half_precision: Compute in 16 bits where the device can, whatever the profile says.
        seed: Seed of the head, the shuffling and dropout.
        labels: The label names in the order of their ids.
        resume: Go on from the last checkpoint of an earlier run that was stopped.

    Returns:
        ``accuracy`` and ``macro_f1`` on the validation reviews.

    Raises:
        CheckpointError: The checkpoint cannot be loaded.
        FloatingPointError: The loss became infinite or not a number.
        OSError: The folder cannot be written to, or the disk is full; the checkpoints so far are kept.
        ValueError: An earlier run is unfinished and ``resume`` is false, or it had other settings; or the batch size
            cannot be shared by the processes.
    """
    models.check_output(output)  # before hours of training, not after
    profile = profiles.active()
    asked = {"epochs": epochs, "learning_rate": learning_rate, "batch_size": batch_size}
    settings = {name: value or getattr(profile, name) for name, value in asked.items()}
    settings |= {"checkpoint": str(checkpoint or models.find_checkpoint(profile)), "seed": seed}
    settings |= {"half_precision": half_precision or profile.half_precision, "labels": list(labels)}
    tokenizer = models.load_tokenizer(settings["checkpoint"], max_length=profile.max_length)
    model = models.load_classifier(settings["checkpoint"], labels=labels, seed=seed)
    kept = Path(f"{output}.checkpoints")
    args = _file_arguments(kept, settings)
    start = _earlier_checkpoint(kept, settings | {"reviews": _digest(train, validation)}, resume=resume)
    with _keeping(kept, model):
        trainer = fine_tune(
            train=data.tokenize(train, tokenizer=tokenizer),
            validation=data.tokenize(validation, tokenizer=tokenizer),
            model=model,
            tokenizer=tokenizer,
            args=args,
            labels=labels,
            callbacks=[_Watch()],
            resume_from=start,
        )
        scores = _final_scores(trainer)
        _replace_checkpoints(kept, trainer, output)
    return scores


def _replace_checkpoints(kept: Path, trainer: Trainer, output: str | Path) -> None:
    if trainer.is_world_process_zero():
        save_model(trainer.model, trainer.processing_class, output)
        shutil.rmtree(kept)


def _final_scores(trainer: Trainer) -> dict[str, float]:
    """Scores of the last step, measured now if training was stopped between the last checkpoint and its evaluation."""
    history = trainer.state.log_history
    if not any(one["step"] == trainer.state.global_step and "eval_loss" in one for one in history):
        trainer.evaluate()
    last = loss_history(trainer).dropna(subset=["accuracy"]).iloc[-1]
    return {name: float(last[name]) for name in ("accuracy", "macro_f1")}


def _digest(*tables: Dataset) -> str:
    digest = hashlib.sha256()
    for table in tables:
        digest.update(json.dumps([list(table["text"]), list(table["label"])]).encode())
    return digest.hexdigest()


def _file_arguments(kept: Path, settings: dict[str, Any]) -> TrainingArguments:
    processes = int(os.environ.get("WORLD_SIZE", "1"))  # set by `accelerate launch`
    if settings["batch_size"] % processes:
        raise ValueError(
            f"a batch of {settings['batch_size']} cannot be shared by {processes} processes: use a multiple"
        )
    return training_arguments(
        kept,
        learning_rate=settings["learning_rate"],
        batch_size=settings["batch_size"] // processes,
        epochs=settings["epochs"],
        seed=settings["seed"],
        half_precision=settings["half_precision"],
        save_strategy="steps",
        save_steps=0.1,  # a fraction of all steps
        save_total_limit=2,  # the newest may be half written when the power fails
    )


class _Watch(TrainerCallback):
    """Ends a training whose loss is no number, marks whole checkpoints, and makes a resumed run the same as any other.

    ``Trainer`` draws the order of the reviews from torch's generator, whose state at the beginning of an epoch no
    checkpoint holds. So each epoch has a seed of its own here; and a checkpoint at the end of an epoch must not bring
    back the state from before the evaluation that follows.
    """

    def on_epoch_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: object
    ) -> None:
        torch.manual_seed(args.seed + int((state.epoch or 0) + 1e-6))

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float] | None = None,
        **_: object,
    ) -> None:
        if not np.isfinite(loss := (logs or {}).get("loss", 0.0)):
            raise _diverged(loss, args)  # no later step can mend it

    def on_save(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **found: PreTrainedModel
    ) -> None:
        folder = Path(args.output_dir) / f"checkpoint-{state.global_step}"
        if state.epoch == round(state.epoch):
            for path in folder.glob("rng_state*.pth"):
                path.unlink(missing_ok=True)  # another process may have been faster
        if state.is_world_process_zero and _is_finite(found["model"]):
            written = list(folder.glob("*.*"))
            for path in written:
                files.flush(path)  # the mark must not reach the disk before them
            files.write_json(folder / _COMPLETE, {path.name: path.stat().st_size for path in written})


def _earlier_checkpoint(kept: Path, settings: dict[str, Any], *, resume: bool) -> Path | None:
    """The newest whole checkpoint of an earlier run, if there is one; notes the settings of a new run."""
    note = kept / "run.json"
    kept.mkdir(parents=True, exist_ok=True)
    if int(os.environ.get("RANK", "0")) == 0:  # one process looks and writes for all
        if note.exists() and not resume:
            raise ValueError(f"{kept}: an earlier run was stopped: add --resume to go on, or delete this folder")
        if note.exists() or list(kept.glob("checkpoint-*")):
            earlier = _noted(note)
            differing = [name for name in settings if earlier.get(name) != settings[name]]
            if differing:
                raise ValueError(f"{kept}: the earlier run had other {' and '.join(differing)}: resume with the same, "
                                 "or delete this folder to start over")  # fmt: skip
        else:
            files.write_json(note, settings)
    return _newest_whole(kept) if resume else None


def _newest_whole(kept: Path) -> Path | None:
    whole = filter(_is_whole, kept.glob("checkpoint-*"))
    return max(whole, key=lambda path: int(path.name.split("-")[1]), default=None)


def _noted(note: Path) -> dict[str, Any]:
    try:
        return dict(files.read_json(note))
    except (OSError, ValueError, TypeError) as error:
        raise ValueError(f"{note.parent}: holds checkpoints of an unknown run: delete this folder") from error


def _is_whole(checkpoint: Path) -> bool:
    """Whether all files that the mark lists are there, in their length."""
    try:
        listed = dict(files.read_json(checkpoint / _COMPLETE))
        return all((checkpoint / name).stat().st_size == size for name, size in listed.items())
    except (OSError, ValueError, TypeError):
        return False


@contextlib.contextmanager
def _keeping(kept: Path, model: PreTrainedModel) -> Iterator[None]:
    """Says what became of the checkpoints when training cannot end well; sees a disk that is too small beforehand."""
    one = 3 * sum(weights.numel() * weights.element_size() for weights in model.parameters())  # Adam keeps two more
    if (free := shutil.disk_usage(kept).free) < 3 * one:
        raise OSError(f"{kept}: {free / 1e9:.1f} GB are free and {3 * one / 1e9:.1f} GB needed: make room first")
    try:
        yield
    except FloatingPointError as error:
        if not _newest_whole(kept):
            shutil.rmtree(kept)
            raise
        raise FloatingPointError(f"{error}; the last good checkpoint is kept in {kept}") from error
    except (OSError, RuntimeError, SafetensorError) as error:
        if "No space left" not in str(error) and shutil.disk_usage(kept).free >= one:
            raise
        full = f"{kept}: the disk is full; the checkpoints so far are kept: make room, then add --resume"
        raise OSError(full) from error
