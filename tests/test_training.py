"""Training: that it trains, that it is the recipe of lesson 03, and that its models load anywhere."""

import ast
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import nbformat
import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from sklearn.metrics import f1_score
from transformers import AutoModelForSequenceClassification

from sentiment_kit import data, models, training
from sentiment_kit.labels import LABELS

LESSON_03 = Path(__file__).parents[1] / "notebooks" / "03_fine_tune.ipynb"


@pytest.fixture(scope="module")
def tokenized(reviews, tokenizer):
    return data.tokenize(reviews, tokenizer=tokenizer)


def weights(model):
    return {name: value.detach().clone() for name, value in model.state_dict().items()}


def train(model, tokenized, tokenizer, folder, **settings):
    settings = {"learning_rate": 2e-3, "batch_size": 6, "epochs": 4} | settings
    return training.fine_tune(
        train=tokenized,
        validation=tokenized.select(range(0, 18, 2)),
        model=model,
        tokenizer=tokenizer,
        args=training.training_arguments(folder, **settings),
        quiet=True,
    )


# ---------------------------------------------------------------- that it trains


@pytest.fixture(scope="module")
def trained(tiny_encoder, tokenized, tokenizer, tmp_path_factory):
    """One fine-tuning, looked at from several sides: weights before, and the trainer after."""
    model = models.load_classifier(tiny_encoder, seed=1)
    before = weights(model)
    trainer = train(model, tokenized, tokenizer, tmp_path_factory.mktemp("trained"), epochs=12)
    return before, trainer


def test_fine_tuning_lowers_the_loss(trained):
    losses = training.loss_history(trained[1])
    train_losses = losses["train_loss"].dropna().to_numpy()
    validation = losses["validation_loss"].dropna().to_numpy()
    assert len(validation) == 12  # once after each epoch
    assert train_losses[-3:].mean() < 0.8 * train_losses[:3].mean()
    assert validation[-1] < 0.8 * validation[0]


def test_fine_tuning_changes_the_encoder_as_well_as_the_head(trained, tokenized):
    before, trainer = trained
    after = weights(trainer.model)
    words = np.unique(np.concatenate([np.array(ids) for ids in tokenized["input_ids"]]))
    changed = [
        "bert.embeddings.word_embeddings.weight",
        "bert.encoder.layer.0.attention.self.query.weight",
        "bert.encoder.layer.1.output.dense.weight",
        "bert.pooler.dense.weight",
        "classifier.weight",
    ]
    for name in changed:
        assert (after[name] - before[name]).abs().max() > 1e-3, name
    read, unread = (torch.zeros(len(before[changed[0]]), dtype=torch.bool) for _ in range(2))
    read[words] = True
    unread[:] = ~read
    moved = (after[changed[0]] - before[changed[0]]).abs()
    assert moved[read].mean() > 10 * moved[unread].mean()  # words that were read move, others only decay


def test_loss_history_has_the_scores_that_the_trainer_logged(trained, tokenized, tokenizer):
    history = training.loss_history(trained[1])
    assert list(history.columns) == ["epoch", "step", "train_loss", "validation_loss", "accuracy", "macro_f1"]
    evaluated = history.dropna(subset=["validation_loss"])
    assert list(evaluated["epoch"]) == list(range(1, 13))
    assert list(evaluated["step"]) == list(range(3, 37, 3))  # 18 reviews in batches of 6
    assert len(history["train_loss"].dropna()) >= 15  # about twenty points to draw
    validation = tokenized.select(range(0, 18, 2))
    predicted = training.predict_logits(validation, model=trained[1].model, tokenizer=tokenizer).argmax(axis=1)
    expected = f1_score(validation["label"], predicted, average="macro", labels=[0, 1, 2], zero_division=0)
    assert evaluated["macro_f1"].iloc[-1] == pytest.approx(expected)


@pytest.fixture(scope="module")
def short_run(tiny_encoder, tokenized, tokenizer, tmp_path_factory):
    """Trains for two epochs and gives the weights."""

    def run(seed):
        torch.rand(seed + 1)  # whatever was drawn before must not matter
        model = models.load_classifier(tiny_encoder, seed=seed)
        folder = tmp_path_factory.mktemp("short")
        return weights(train(model, tokenized, tokenizer, folder, epochs=2, seed=seed).model), folder

    return run


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(short_run):
    first, folder = short_run(5)
    again, _ = short_run(5)
    other, _ = short_run(6)
    assert all(torch.equal(first[name], again[name]) for name in first)
    name = "bert.encoder.layer.1.output.dense.weight"  # the same before training under every seed
    assert not torch.equal(first[name], other[name])
    assert not list(folder.iterdir())  # nothing is saved on the way


@pytest.mark.parametrize("trouble", ["steps too large", "a weight is not a number"])
def test_a_loss_that_is_not_a_number_raises(tiny_encoder, tokenized, tokenizer, tmp_path, trouble):
    model = models.load_classifier(tiny_encoder)
    rate = 1e30 if trouble == "steps too large" else 1e-4
    if trouble == "a weight is not a number":
        with torch.no_grad():
            model.classifier.weight[0, 0] = float("nan")
    with pytest.raises(FloatingPointError, match=re.escape(f"try a learning rate below {rate:g}")):
        train(model, tokenized, tokenizer, tmp_path, learning_rate=rate, epochs=2)


# ---------------------------------------------------------------- the recipe of lesson 03


class Stop(Exception):
    """Ends a recorded call before it does anything."""


@pytest.fixture
def passed(monkeypatch, tokenized, tokenizer, tmp_path):
    """The keyword arguments that the package passes to TrainingArguments and to Trainer."""
    recorded = {}
    real = training.TrainingArguments

    def arguments(**settings):
        recorded["TrainingArguments"] = settings
        return real(**settings)

    def trainer(**settings):
        recorded["Trainer"] = settings
        raise Stop

    monkeypatch.setattr(training, "TrainingArguments", arguments)
    monkeypatch.setattr(training, "Trainer", trainer)
    with pytest.raises(Stop):
        train(torch.nn.Linear(1, 1), tokenized, tokenizer, tmp_path)
    return recorded


def calls_in_lesson(name):
    """Every call of a name in the lesson's cells, as {keyword: value}; ** is the key None."""
    notebook = nbformat.read(LESSON_03, as_version=4)
    found = []
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        source = "\n".join(line for line in cell.source.splitlines() if not line.lstrip().startswith(("%", "!")))
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == name:
                assert not node.args, f"{name} is called with positional arguments"
                found.append({keyword.arg: keyword.value for keyword in node.keywords})
    assert found, f"lesson 03 does not call {name}"
    return found


def test_lesson_03_passes_the_same_training_arguments_as_the_package(passed):
    packed = passed["TrainingArguments"]
    for call in calls_in_lesson("TrainingArguments"):
        named = set(call) - {None}
        if None in call:
            assert ast.unparse(call[None]).startswith("training.trainer_settings(")
            named |= set(training.trainer_settings())
        assert named == set(packed)
        for keyword, value in call.items():
            if isinstance(value, ast.Constant):  # values that the lesson writes out cannot drift either
                assert value.value == packed[keyword], keyword


def test_lesson_03_passes_the_same_things_to_the_trainer_as_the_package(passed):
    # callbacks is the one thing that fine_tune adds: a hook for later lessons, empty unless asked for.
    for call in calls_in_lesson("Trainer"):
        assert set(call) | {"callbacks"} == set(passed["Trainer"])
    assert passed["Trainer"]["callbacks"] == []


def test_overrides_win_and_precision_follows_the_device(monkeypatch, tmp_path):
    args = training.training_arguments(
        tmp_path, learning_rate=1e-3, eval_strategy="steps", eval_steps=2, weight_decay=0
    )
    assert (args.learning_rate, args.eval_strategy, args.eval_steps, args.weight_decay) == (1e-3, "steps", 2, 0)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    in_16_bits = {"bf16": True, "use_cpu": True}
    for name, expected in {"avx512f": {}, "amx_bf16": in_16_bits, "avx512_bf16": in_16_bits}.items():
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda name=name: {name: True})
        assert training.precision(True) == expected
        assert training.precision(False) == {}
    monkeypatch.delattr(torch.cpu, "get_capabilities")
    assert training.precision(True) == {}
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    for capability, expected in {(7, 5): {"fp16": True}, (8, 0): {"bf16": True}, (9, 0): {"bf16": True}}.items():
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda capability=capability: capability)
        assert training.precision(True) == expected
        assert training.precision(False) == {}


# ---------------------------------------------------------------- predicting and saving


def test_predict_logits_is_what_each_review_gives_alone(trained, tokenized, tokenizer):
    model = trained[1].model
    model.train()  # dropout must not matter
    order = np.random.default_rng(0).permutation(len(tokenized))
    logits = training.predict_logits(tokenized.select(order), model=model, tokenizer=tokenizer, batch_size=5)
    alone = []
    with torch.no_grad():
        for index in order:
            alone.append(model.eval()(input_ids=torch.tensor([tokenized[int(index)]["input_ids"]])).logits[0].numpy())
    assert logits.dtype == np.float32
    np.testing.assert_allclose(logits, np.stack(alone), atol=1e-5)
    assert np.ptp(logits, axis=0).min() > 0.05  # the reviews differ, or the order would prove nothing


LOAD_PLAINLY = """
import json, sys

class Block:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "sentiment_kit":
            raise ImportError("the kit is not here")

sys.meta_path.insert(0, Block())
from transformers import pipeline
classify = pipeline("text-classification", model=sys.argv[1], top_k=None, device="cpu")
found = [{one["label"]: one["score"] for one in answers} for answers in classify(json.loads(sys.argv[2]))]
assert "sentiment_kit" not in sys.modules
print(json.dumps([classify.model.config.id2label, found]))
"""


def test_a_saved_model_loads_with_plain_transformers(trained, tokenized, tokenizer, reviews, tmp_path):
    folder = training.save_model(trained[1].model, tokenizer, tmp_path / "model")
    assert (folder / "model.safetensors").is_file()
    texts = list(reviews["text"])[:4]
    done = subprocess.run(
        [sys.executable, "-c", LOAD_PLAINLY, str(folder), json.dumps(texts)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    names, found = json.loads(done.stdout.splitlines()[-1])
    assert names == {"0": "negative", "1": "neutral", "2": "positive"}
    logits = training.predict_logits(tokenized.select(range(4)), model=trained[1].model, tokenizer=tokenizer)
    expected = torch.tensor(logits).softmax(dim=1).numpy()
    np.testing.assert_allclose([[one[name] for name in LABELS] for one in found], expected, atol=1e-5)


def test_saving_that_fails_leaves_the_old_model(trained, tokenizer, tmp_path):
    folder = training.save_model(trained[1].model, tokenizer, tmp_path / "model")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    class FullDisk:
        def save_pretrained(self, part):
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):  # the weights are written by then, the tokenizer is not
        training.save_model(trained[1].model, FullDisk(), folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_train_from_files_saves_the_model_whose_scores_it_gives(tiny_encoder, reviews, tokenizer, tmp_path):
    validation = reviews.select(range(1, 18, 2))
    scores = training.train_from_files(
        train=reviews,
        validation=validation,
        output=tmp_path / "mine" / "model",
        checkpoint=str(tiny_encoder),
        epochs=2,
        learning_rate=2e-3,
        batch_size=4,
        seed=3,
    )
    saved = AutoModelForSequenceClassification.from_pretrained(tmp_path / "mine" / "model")
    logits = training.predict_logits(data.tokenize(validation, tokenizer=tokenizer), model=saved, tokenizer=tokenizer)
    gold, predicted = np.array(validation["label"]), logits.argmax(axis=1)
    assert scores["accuracy"] == pytest.approx((gold == predicted).mean())
    expected = f1_score(gold, predicted, average="macro", labels=[0, 1, 2], zero_division=0)
    assert scores["macro_f1"] == pytest.approx(expected)
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["model"]  # nothing beside it


# ---------------------------------------------------------------- stopped and gone on with

TRAIN = """
import os, signal, sys
from pathlib import Path
from types import SimpleNamespace
from transformers import TrainerCallback
from sentiment_kit import cli, training

class Kill(TrainerCallback):
    def on_step_end(self, args, state, control, **_):
        if state.global_step == int(sys.argv[1]):
            os.kill(os.getpid(), signal.SIGKILL)
    def on_save(self, args, state, control, **_):
        if -state.global_step == int(sys.argv[1]):  # all is written but the mark
            os.kill(os.getpid(), signal.SIGKILL)

fine_tune = training.fine_tune
def watched(**settings):
    settings["callbacks"] = [Kill(), *settings["callbacks"]]
    return fine_tune(**settings)
training.fine_tune = watched
sys.exit(cli.main(["train", *sys.argv[2:]]))
"""


@pytest.fixture
def command(tiny_encoder, train_file, validation_file, tmp_path):
    def make(*more, name="model"):
        return [
            "--train", str(train_file), "--validation", str(validation_file), "--output", str(tmp_path / name),
            "--checkpoint", str(tiny_encoder), "--epochs", "5", "--batch-size", "4", *more,
        ]  # fmt: skip

    return make


def run_training(step, arguments):
    command = [sys.executable, "-c", TRAIN, str(step), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def weights_of(folder):
    return load_file(folder / "model.safetensors")


def test_killed_at_any_step_and_resumed_the_weights_are_the_same(command, tmp_path):
    assert run_training(0, command(name="whole")).returncode == 0
    assert not (tmp_path / "whole.checkpoints").exists()
    steps = [1, -4, 6, -8, random.Random(5).randrange(10, 15)]  # also in an epoch's middle, and before a mark is set
    for step in steps:
        more = ["--resume"] if step != steps[0] else []
        assert run_training(step, command(*more)).returncode == -signal.SIGKILL, step
        assert not (tmp_path / "model").exists()
    done = run_training(0, command("--resume"))
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "model.checkpoints").exists()
    found, wanted = weights_of(tmp_path / "model"), weights_of(tmp_path / "whole")
    assert all(torch.equal(found[name], wanted[name]) for name in wanted)


def test_stopped_after_the_last_checkpoint_the_score_is_that_of_the_end(command, tmp_path):
    whole = run_training(0, command(name="whole"))
    assert run_training(-15, command()).returncode == -signal.SIGKILL
    mark = tmp_path / "model.checkpoints" / "checkpoint-15" / "complete"
    found = {path.name: path.stat().st_size for path in mark.parent.glob("*.*") if "rng" not in path.name}
    mark.write_text(json.dumps(found))
    for path in mark.parent.glob("rng*"):
        path.unlink()
    done = run_training(0, command("--resume"))
    assert done.stdout.splitlines()[-2] == whole.stdout.splitlines()[-2]
    assert done.stdout.splitlines()[-2].startswith("validation: ")


def test_a_checkpoint_that_lacks_a_file_is_not_trusted(command, tmp_path):
    assert run_training(0, command(name="whole")).returncode == 0
    assert run_training(9, command()).returncode == -signal.SIGKILL
    newest = max((tmp_path / "model.checkpoints").glob("checkpoint-*/complete"), key=lambda path: path.stat().st_mtime)
    (newest.parent / "optimizer.pt").unlink()
    assert run_training(0, command("--resume")).returncode == 0
    found, wanted = weights_of(tmp_path / "model"), weights_of(tmp_path / "whole")
    assert all(torch.equal(found[name], wanted[name]) for name in wanted)


@pytest.mark.parametrize("note", [None, "", "[1]"])
def test_checkpoints_without_a_note_belong_to_nobody(command, tmp_path, note):
    assert run_training(5, command()).returncode == -signal.SIGKILL
    path = tmp_path / "model.checkpoints" / "run.json"
    path.unlink() if note is None else path.write_text(note)
    done = run_training(0, command("--resume"))
    assert (done.returncode, "holds checkpoints of an unknown run: delete this folder" in done.stderr) == (2, True)


def test_a_run_that_was_stopped_is_neither_lost_nor_mixed_up(command, tmp_path, train_file):
    assert run_training(9, command()).returncode == -signal.SIGKILL
    kept = sorted(path.name for path in (tmp_path / "model.checkpoints").iterdir())
    done = run_training(0, command())
    assert (done.returncode, "add --resume to go on, or delete this folder" in done.stderr) == (2, True)
    done = run_training(0, command("--resume", "--seed", "7"))
    assert (done.returncode, "the earlier run had other seed" in done.stderr) == (2, True)
    done = run_training(0, command("--resume", "--labels", "neutral,negative,positive"))
    assert (done.returncode, "the earlier run had other labels" in done.stderr) == (2, True)
    reviews = train_file.read_text(encoding="utf-8")
    train_file.write_text("\n".join(reviews.splitlines()[1:]) + "\n", encoding="utf-8")
    done = run_training(0, command("--resume"))
    assert (done.returncode, "the earlier run had other reviews" in done.stderr) == (2, True)
    assert sorted(path.name for path in (tmp_path / "model.checkpoints").iterdir()) == kept


def test_a_disk_that_fills_up_keeps_the_checkpoints(tiny_encoder, reviews, tmp_path, monkeypatch):
    settings = {"train": reviews, "validation": reviews, "output": tmp_path / "model", "checkpoint": str(tiny_encoder)}
    saves, save = [], torch.save

    def full(*args, **kwargs):
        saves.append(args)
        if len(saves) > 6:
            raise OSError(28, "No space left on device")
        save(*args, **kwargs)

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(
        OSError, match="the disk is full; the checkpoints so far are kept: make room, then add --resume"
    ):
        training.train_from_files(**settings)
    monkeypatch.undo()
    assert list((tmp_path / "model.checkpoints").glob("checkpoint-*/complete"))
    training.train_from_files(**settings, resume=True)
    training.train_from_files(**settings | {"output": tmp_path / "whole"})
    found, wanted = weights_of(tmp_path / "model"), weights_of(tmp_path / "whole")
    assert all(torch.equal(found[name], wanted[name]) for name in wanted)


def test_a_disk_that_is_too_small_is_seen_before_training(tiny_encoder, reviews, tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=10_000))
    monkeypatch.setattr(training, "fine_tune", lambda **_: pytest.fail("it trained"))
    with pytest.raises(OSError, match=r"0\.0 GB are free and .* needed: make room first"):
        training.train_from_files(
            train=reviews, validation=reviews, output=tmp_path / "model", checkpoint=str(tiny_encoder)
        )


def test_a_place_that_cannot_be_written_to_is_seen_before_training(tiny_encoder, reviews, monkeypatch):
    monkeypatch.setattr(training, "fine_tune", lambda **_: pytest.fail("it trained"))
    with pytest.raises(OSError, match="/proc/"):  # not even for root
        training.train_from_files(train=reviews, validation=reviews, output="/proc/model", checkpoint=str(tiny_encoder))


def test_a_loss_that_is_no_number_ends_at_once_and_keeps_the_last_good_checkpoint(
    tiny_encoder, reviews, tmp_path, monkeypatch
):
    loss, steps = training.Trainer.compute_loss, []

    def broken(self, *args, **kwargs):
        steps.append(self.state.global_step)
        found = loss(self, *args, **kwargs)
        return found * float("nan") if self.model.training and self.state.global_step == 4 else found

    monkeypatch.setattr(training.Trainer, "compute_loss", broken)
    with pytest.raises(FloatingPointError, match=r"try a learning rate below .*; the last good checkpoint is kept in"):
        training.train_from_files(
            train=reviews, validation=reviews, output=tmp_path / "model", checkpoint=str(tiny_encoder), epochs=5
        )
    assert max(steps) < 8  # it did not train on
    good = {int(path.parent.name.split("-")[1]) for path in (tmp_path / "model.checkpoints").glob("*/complete")}
    assert good and max(good) <= 4


def test_two_processes_train_to_the_same_score_as_one(command, train_file, tmp_path):
    """Each takes half of every batch. Dropout and order differ, so both are to learn their reviews by heart."""
    launch = [sys.executable, "-m", "accelerate.commands.launch", "--num_machines", "1", "--mixed_precision", "no"]
    launch += ["--dynamo_backend", "no", "--num_cpu_threads_per_process", "1"]
    launch += ["--multi_gpu", "--num_processes", "2", "-m"]  # with --cpu, accelerate would start a single process
    by_heart = ["--validation", str(train_file), "--learning-rate", "2e-3", "--epochs", "25"]

    def train(name, *more, start=launch):
        return subprocess.run(
            [*start, "sentiment_kit.cli", "train", *command(*by_heart, *more, name=name)],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "ACCELERATE_USE_CPU": "true"},
        )

    for name, start in (("one", [sys.executable, "-m"]), ("two", launch)):
        done = train(name, start=start)
        assert done.returncode == 0, done.stderr[-2000:]
        said = re.findall(r"^validation: .*$", done.stdout, re.M)
        assert said == ["validation: accuracy 1.000, macro-F1 1.000"]  # once, not by each
        assert not (tmp_path / f"{name}.checkpoints").exists()
    assert "cannot be shared by 2 processes" in train("three", "--batch-size", "3").stderr  # there were two indeed
