"""The command line: train, evaluate and predict end to end, and bad input that ends in one line and exit code 2.

A few tests start real processes; the rest call ``main`` here, which saves the seconds that importing takes.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file
from sklearn.metrics import confusion_matrix, f1_score
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from sentiment_kit import course, models
from sentiment_kit.cli import main

NAMES = ["negative", "neutral", "positive"]
TRAINING = ("--epochs", "12", "--learning-rate", "3e-3", "--batch-size", "4", "--seed", "1")


def _process(*arguments: object, folder: Path) -> subprocess.CompletedProcess:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SENTIMENT_KIT")}
    return subprocess.run(
        [sys.executable, "-m", "sentiment_kit", *map(str, arguments)],
        env=environment | {"HF_HUB_OFFLINE": "1", "SENTIMENT_KIT_RUNS": str(folder / "runs")},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def _tree(folder: Path) -> dict[str, bytes | None]:
    """Every file and folder below a folder, hidden ones too, with the files' contents."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else None for path in folder.rglob("*")
    }


def _plain_probabilities(model: Path, texts: list[str]) -> np.ndarray:
    """What plain transformers says of the texts, one at a time."""
    tokenizer = AutoTokenizer.from_pretrained(model)
    network = AutoModelForSequenceClassification.from_pretrained(model).eval()
    with torch.inference_mode():
        rows = [network(**tokenizer(text, return_tensors="pt")).logits.softmax(-1)[0].numpy() for text in texts]
    return np.array(rows)


@pytest.fixture(scope="module")
def trained(
    tmp_path_factory: pytest.TempPathFactory, tiny_bert: Path, review_rows: list[dict[str, str]]
) -> SimpleNamespace:
    """What ``sentiment-kit train`` made in a process of its own, and what it was made from."""
    folder = tmp_path_factory.mktemp("trained")
    files = {"train": folder / "train.jsonl", "validation": folder / "validation.csv"}
    pd.DataFrame(review_rows[:12]).to_json(files["train"], orient="records", lines=True)
    pd.DataFrame(review_rows[12:]).to_csv(files["validation"], index=False)
    done = _process(
        "train", "--train", files["train"], "--validation", files["validation"],
        "--output", folder / "made" / "model", "--checkpoint", tiny_bert, *TRAINING, folder=folder,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return SimpleNamespace(folder=folder, model=folder / "made" / "model", stdout=done.stdout, **files)


# ---------------------------------------------------------------- end to end, in processes of their own


def test_train_saves_a_plain_model_and_nothing_else(trained: SimpleNamespace) -> None:
    assert sorted(path.name for path in trained.folder.iterdir()) == ["made", "train.jsonl", "validation.csv"]
    assert [path.name for path in trained.model.parent.iterdir()] == ["model"]
    config = json.loads((trained.model / "config.json").read_text(encoding="utf-8"))
    assert config["id2label"] == {"0": "negative", "1": "neutral", "2": "positive"}
    counts = pd.read_json(trained.train, lines=True)["label"].value_counts()
    told = ", ".join(f"{name} {counts[name]}" for name in NAMES)
    assert trained.stdout.splitlines()[0] == f"{trained.train}: {told}"
    assert trained.stdout.splitlines()[-1] == f"model: {trained.model}"


def test_evaluate_prints_and_writes_the_figures(trained: SimpleNamespace, tmp_path: Path) -> None:
    done = _process(
        "evaluate", "--model", trained.model, "--data", trained.validation, "--json", tmp_path / "report.json",
        folder=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    report = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    table = pd.read_csv(trained.validation)
    gold = table["label"].map(NAMES.index).to_numpy()
    predicted = _plain_probabilities(trained.model, table["text"].tolist()).argmax(axis=1)
    assert len(set(predicted)) > 1, "this model says the same of everything: the figures would prove nothing"
    assert report["reviews"] == len(table)
    assert report["labels"] == NAMES
    assert report["accuracy"] == pytest.approx((gold == predicted).mean())
    assert report["macro_f1"] == pytest.approx(f1_score(gold, predicted, average="macro", labels=[0, 1, 2]))
    by_class = f1_score(gold, predicted, average=None, labels=[0, 1, 2])
    assert report["per_class_f1"] == pytest.approx(dict(zip(NAMES, by_class, strict=True)))
    assert report["confusion_matrix"] == confusion_matrix(gold, predicted, labels=[0, 1, 2]).tolist()
    assert re.search(rf"^accuracy +{report['accuracy']:.3f}$", done.stdout, re.M)
    assert re.search(rf"^macro-F1 +{report['macro_f1']:.3f}$", done.stdout, re.M)
    for name, row in zip(NAMES, report["confusion_matrix"], strict=True):
        assert re.search(rf"^{name} +" + " +".join(map(str, row)) + "$", done.stdout, re.M)
    said = f"validation: accuracy {report['accuracy']:.3f}, macro-F1 {report['macro_f1']:.3f}"
    assert trained.stdout.splitlines()[-2] == said  # train scored the same model on the same reviews


def test_predict_prints_label_and_probabilities_of_each_text(trained: SimpleNamespace, tmp_path: Path) -> None:
    texts = ["what a lovely , clever film and what a great end", "awful", "it was fine"]
    done = _process("predict", "--model", trained.model, *texts, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    expected = _plain_probabilities(trained.model, texts)
    assert len(done.stdout.splitlines()) == 3
    for line, text, row in zip(done.stdout.splitlines(), texts, expected, strict=True):
        assert line.startswith(NAMES[row.argmax()])
        assert line.endswith(text)
        printed = [float(number) for number in re.findall(r"(?:negative|neutral|positive) (\d\.\d{3})", line)]
        assert printed == pytest.approx(row.tolist(), abs=6e-4)
    assert list(tmp_path.iterdir()) == []


def test_a_bad_file_ends_a_real_process_in_one_line(trained: SimpleNamespace, tiny_bert: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.jsonl").write_text('{"text": "fine", "label": "splendid"}\n', encoding="utf-8")
    before = _tree(tmp_path)
    done = _process(
        "train", "--train", trained.train, "--validation", tmp_path / "bad.jsonl",
        "--output", tmp_path / "model", "--checkpoint", tiny_bert, folder=tmp_path,
    )  # fmt: skip
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert "bad.jsonl, row 1: unknown label 'splendid'" in done.stderr
    assert done.stdout == ""
    assert _tree(tmp_path) == before


def test_the_installed_command_says_what_it_can_do(tmp_path: Path) -> None:
    command = Path(sys.executable).with_name("sentiment-kit")
    done = subprocess.run([command, "--help"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert set(re.findall(r"^    (\w+) ", done.stdout, re.M)) == {
        "course",
        "doctor",
        "train",
        "evaluate",
        "predict",
        "grade",
        "export",
        "card",
        "demo",
    }


# ---------------------------------------------------------------- own data, in other spellings and formats


def _report(model: Path, data: Path, *options: str) -> dict:
    target = data.with_name(f"{data.name}.report.json")
    assert main(["evaluate", "--model", str(model), "--data", str(data), "--json", str(target), *options]) == 0
    return json.loads(target.read_text(encoding="utf-8"))


def test_labels_may_be_spelled_in_many_ways_and_columns_named_otherwise(
    trained: SimpleNamespace, tmp_path: Path
) -> None:
    texts = ["awful", "dull , dull", "a mess", "fine", "it is average", "great fun"]
    spelled = ["NEGATIVE", "0", " neg ", "Neutral", "1", "positive"]
    pd.DataFrame({"Review": texts, "Mood": spelled}).to_csv(tmp_path / "a.csv", index=False)
    report = _report(trained.model, tmp_path / "a.csv", "--text-column", "Review", "--label-column", "Mood")
    assert [sum(row) for row in report["confusion_matrix"]] == [3, 2, 1]


def test_a_label_that_never_occurs_is_told_with_how_numbers_were_read(
    trained: SimpleNamespace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Elsewhere 0 and 1 are negative and positive; here 1 is neutral."""
    pd.DataFrame({"text": ["awful", "great fun"], "label": [0, 1]}).to_csv(tmp_path / "a.csv", index=False)
    _report(trained.model, tmp_path / "a.csv")
    said = capsys.readouterr()
    assert "negative 1, neutral 1, positive 0" in said.out
    assert "none is positive: in macro-F1 that counts as 0. " in said.err and "1 neutral" in said.err


def test_five_point_ratings_become_three_labels(trained: SimpleNamespace, tmp_path: Path) -> None:
    table = pd.DataFrame({"text": ["fine"] * 8, "label": [0, 1, 1, 0, 2, 3, 4, 4]})
    table.to_parquet(tmp_path / "a.parquet")
    report = _report(trained.model, tmp_path / "a.parquet", "--five-to-three")
    assert [sum(row) for row in report["confusion_matrix"]] == [4, 1, 3]


def test_the_three_formats_give_the_same_figures(
    trained: SimpleNamespace, tmp_path: Path, review_rows: list[dict[str, str]]
) -> None:
    table = pd.DataFrame(review_rows)[["text", "label"]]
    table.to_csv(tmp_path / "a.csv", index=False)
    table.to_json(tmp_path / "a.jsonl", orient="records", lines=True)
    table.to_parquet(tmp_path / "a.parquet")
    reports = [_report(trained.model, tmp_path / f"a{ending}") for ending in (".csv", ".jsonl", ".parquet")]
    assert reports[0] == reports[1] == reports[2]
    assert reports[0]["reviews"] == len(review_rows)


def _reordered(model: Path, target: Path, order: list[int]) -> Path:
    """The same model with its labels in another order: it says the same of every text."""
    network = AutoModelForSequenceClassification.from_pretrained(model)
    head = torch.nn.Linear(network.classifier.in_features, len(order))
    with torch.no_grad():
        head.weight.copy_(network.classifier.weight[order])
        head.bias.copy_(network.classifier.bias[order])
    network.classifier, network.num_labels = head, len(order)
    network.config.id2label = {new: NAMES[old] for new, old in enumerate(order)}
    network.config.label2id = {NAMES[old]: new for new, old in enumerate(order)}
    network.save_pretrained(target)
    AutoTokenizer.from_pretrained(model).save_pretrained(target)
    return target


def test_evaluate_goes_by_the_names_of_a_models_labels_not_by_their_numbers(
    trained: SimpleNamespace, tmp_path: Path
) -> None:
    """Models from elsewhere number their labels as they like."""
    data = shutil.copy(trained.validation, tmp_path / "a.csv")
    expected = _report(trained.model, data)
    assert expected["accuracy"] > 0
    found = _report(_reordered(trained.model, tmp_path / "model", [2, 0, 1]), data)
    for key in ("accuracy", "macro_f1", "per_class_f1"):
        assert found[key] == pytest.approx(expected[key]), key


def test_evaluate_refuses_labels_that_the_model_does_not_have(
    trained: SimpleNamespace, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    two = _reordered(trained.model, tmp_path / "model", [0, 1])
    (tmp_path / "a.jsonl").write_text('{"text": "fine", "label": "positive"}\n', encoding="utf-8")
    capfd.readouterr()
    code = main(["evaluate", "--model", str(two), "--data", str(tmp_path / "a.jsonl")])
    assert code == 2
    assert len(capfd.readouterr().err.splitlines()) == 1


def test_predict_labels_the_rows_of_a_file(
    trained: SimpleNamespace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    texts = ["great fun", "", "awful acting and no plot", "it was fine"]
    pd.DataFrame({"id": ["a", "b", "c", "d"], "note": texts}).to_csv(tmp_path / "new.csv", index=False)
    target = tmp_path / "out.csv"
    arguments = ["predict", "--model", trained.model, "--input", tmp_path / "new.csv", "--output", target]
    assert main([*map(str, arguments), "--text-column", "note"]) == 0
    table = pd.read_csv(target)
    assert table["id"].tolist() == ["a", "c", "d"]
    expected = _plain_probabilities(trained.model, [texts[0], *texts[2:]])
    assert table["predicted"].tolist() == [NAMES[row.argmax()] for row in expected]
    printed = capsys.readouterr().out
    assert f"3 rows labeled: {target}" in printed
    assert "1 rows set aside" in printed


def test_predict_says_how_many_texts_were_longer_than_it_reads(
    trained: SimpleNamespace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "new.jsonl").write_text(f'{{"text": "{"dull " * 500}"}}\n{{"text": "fine"}}\n', encoding="utf-8")
    arguments = ["predict", "--model", trained.model]
    assert (
        main([*map(str, arguments), "--input", str(tmp_path / "new.jsonl"), "--output", str(tmp_path / "o.csv")]) == 0
    )
    assert "texts of 192 tokens or more: 1; only so many are read" in capsys.readouterr().err
    assert main([*map(str, arguments), "fine"]) == 0
    assert "tokens or more" not in capsys.readouterr().err


def test_predict_answers_not_sure_below_the_threshold(
    trained: SimpleNamespace, capsys: pytest.CaptureFixture[str]
) -> None:
    texts = ["great fun", "awful", "it was fine", "the plot"]
    surest = _plain_probabilities(trained.model, texts).max(axis=1)
    threshold = float(np.sort(surest)[1:3].mean())  # two lie above it and two below
    assert main(["predict", "--model", str(trained.model), "--threshold", f"{threshold:.9f}", *texts]) == 0
    said = [line.startswith("not sure") for line in capsys.readouterr().out.splitlines()]
    assert said == (surest < threshold).tolist()
    assert sum(said) == 2


def test_predict_reads_standard_input_and_shards(trained: SimpleNamespace, tmp_path: Path) -> None:
    texts = ["great fun", "awful acting", "it was fine", "the plot", "great"]
    found = {}
    for number in (1, 2):
        target = tmp_path / f"out{number}.jsonl"
        more = ["--input", "-", "--output", target, "--shard", f"{number}/2"]
        done = subprocess.run(
            [sys.executable, "-m", "sentiment_kit", "predict", "--model", trained.model, *more],
            input="\n".join(texts),
            capture_output=True,
            text=True,
            check=True,
        )
        assert "labeling" in done.stderr  # the progress bar
        rows = [json.loads(line) for line in target.read_text(encoding="utf-8").splitlines()]
        found |= {row["row"]: (row["text"], row["predicted"]) for row in rows}
    expected = [NAMES[row.argmax()] for row in _plain_probabilities(trained.model, texts)]
    assert [found[place] for place in range(1, 6)] == list(zip(texts, expected, strict=True))


def test_nobody_reading_on_is_no_error(trained: SimpleNamespace) -> None:
    command = [sys.executable, "-m", "sentiment_kit", "predict", "--model", trained.model, *["great fun " * 99] * 99]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    process.stdout.close()
    assert "Error" not in (told := process.stderr.read()) and "Errno" not in told
    assert process.wait() == 0


def test_another_broken_pipe_is_an_error(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    def fail(**_: object) -> None:
        raise BrokenPipeError(32, "Broken pipe")

    monkeypatch.setattr(course, "run", fail)
    _one_line(main(["course"]), capfd, ("Broken pipe",))


def test_predict_stopped_by_a_kill_goes_on_only_when_told(
    trained: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "new.txt").write_text("\n".join(f"great fun {number}" for number in range(5000)), encoding="utf-8")
    command = ["predict", "--model", str(trained.model), "--input", str(tmp_path / "new.txt"), "--output"]
    process = subprocess.Popen([sys.executable, "-m", "sentiment_kit", *command, str(tmp_path / "out.csv")])
    while process.poll() is None and not (tmp_path / "out.csv.journal").exists():
        time.sleep(0.005)
    process.kill()
    assert process.wait() != 0, "it was finished before the kill"
    assert not (tmp_path / "out.csv").exists()
    capfd.readouterr()
    _one_line(main([*command, str(tmp_path / "out.csv")]), capfd, ("add --resume to go on",))
    assert main([*command, str(tmp_path / "out.csv"), "--resume"]) == 0
    assert main([*command, str(tmp_path / "whole.csv")]) == 0
    assert (tmp_path / "out.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new.txt", "out.csv", "whole.csv"]


def test_an_exported_model_carries_its_calibration(
    trained: SimpleNamespace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model, onnx = tmp_path / "model", tmp_path / "onnx"
    shutil.copytree(trained.model, model)
    (model / "calibration.json").write_text('{"temperature": 1.7, "threshold": 0.99}')
    assert main(["export", "--model", str(model), "--output", str(onnx)]) == 0
    capsys.readouterr()
    assert main(["predict", "--model", str(onnx), "--engine", "onnx", "great fun"]) == 0
    told = capsys.readouterr()
    assert told.out.startswith("not sure  (negative ")
    assert "below 0.99 the answer is 'not sure'" in told.err
    assert main(["predict", "--model", str(model), "--threshold", "0", "great fun"]) == 0
    assert capsys.readouterr().out.split("  ", 1)[1] == told.out.split("  ", 1)[1]  # the same probabilities
    assert main(["export", "--model", str(model), "--output", str(model)]) == 2


def test_the_card_needs_a_run(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    _one_line(main(["card", "--run", str(tmp_path)]), capfd, ("missing: run lesson 04_tune first",))


# ---------------------------------------------------------------- another task


@pytest.fixture(scope="module")
def topics(tmp_path_factory: pytest.TempPathFactory, tiny_bert: Path) -> SimpleNamespace:
    """A model of four topics, trained from the command line, and its files."""
    folder = tmp_path_factory.mktemp("topics")
    names = ["booking", "damage", "payment", "a-long-topic-name"]
    rows = [("great", 0), ("awful", 1), ("fine", 2), ("dull", 3)] * 3
    data = folder / "topics.csv"
    pd.DataFrame([{"note": word, "topic": names[index]} for word, index in rows]).to_csv(data, index=False)
    columns = ("--text-column", "note", "--label-column", "topic")
    command = ["train", "--train", data, "--validation", data, "--output", folder / "model", "--checkpoint", tiny_bert]
    assert main([*map(str, command), *columns, *TRAINING, "--labels", "booking, damage,payment,a-long-topic-name"]) == 0
    return SimpleNamespace(folder=folder, model=folder / "model", data=data, columns=columns, names=names)


def test_a_model_carries_the_labels_that_train_was_given(
    topics: SimpleNamespace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = json.loads((topics.model / "config.json").read_text(encoding="utf-8"))
    assert [config["id2label"][str(index)] for index in range(4)] == topics.names
    data = shutil.copy(topics.data, tmp_path / "a.csv")
    report = _report(topics.model, data, *topics.columns)
    assert report["labels"] == topics.names and report["accuracy"] == 1
    printed = capsys.readouterr().out.splitlines()
    matrix = printed[printed.index("confusion matrix (gold in rows, predicted in columns)") + 1 :]
    assert len({len(line) for line in matrix}) == 1 and matrix[0].split() == topics.names
    assert main(["predict", "--model", str(topics.model), "awful"]) == 0
    assert capsys.readouterr().out.startswith("damage  (booking ")


def test_labels_that_nobody_named_are_refused_with_the_option_that_names_them(
    topics: SimpleNamespace, tmp_path: Path, tiny_bert: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    command = ["train", "--train", topics.data, "--validation", topics.data, "--output", tmp_path / "model"]
    command = [*map(str, command), "--checkpoint", str(tiny_bert), *topics.columns]
    _one_line(main(command), capfd, ("topics.csv, row 1: unknown label 'booking'", "another task: --labels NAME,NAME"))
    _one_line(main([*command, "--labels", "booking,damage"]), capfd, ("row 3", "use one of booking, damage, or 0 to 1"))
    with pytest.raises(SystemExit):
        main([*command, "--labels", "booking"])
    assert "not two or more names" in capfd.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_evaluate_reads_the_file_by_the_models_labels(
    topics: SimpleNamespace, trained: SimpleNamespace, capfd: pytest.CaptureFixture[str]
) -> None:
    capfd.readouterr()
    code = main(["evaluate", "--model", str(topics.model), "--data", str(trained.validation)])
    _one_line(code, capfd, ("validation.csv, row 1: unknown label", "booking, damage, payment, a-long-topic-name"))
    code = main(["evaluate", "--model", str(topics.model), "--data", str(trained.validation), "--five-to-three"])
    _one_line(code, capfd, ("leave --five-to-three out",))


def test_eight_bits_of_another_task_are_checked_on_texts_of_that_task(
    topics: SimpleNamespace, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    command = ["export", "--model", str(topics.model), "--output", str(tmp_path / "onnx"), "--int8"]
    _one_line(main(command), capfd, ("checked on movie reviews", "give --validation FILE"))
    with pytest.raises(SystemExit):
        main([*command[:-1], "--validation", str(topics.data)])
    assert "--validation goes with --int8" in capfd.readouterr().err
    _one_line(main([*command, "--validation", str(topics.data)]), capfd, ("topics.csv", "no column 'text'"))
    assert main([*command, "--validation", str(topics.data), "--text-column", "note"]) == 0
    assert main(["predict", "--model", str(tmp_path / "onnx"), "--engine", "onnx", "awful"]) == 0
    assert capfd.readouterr().out.splitlines()[-1].startswith("damage  (booking ")


# ---------------------------------------------------------------- options reach the training


def _train(trained: SimpleNamespace, tiny_bert: Path, output: Path, *options: str) -> int:
    return main(
        [
            "train", "--train", str(trained.train), "--validation", str(trained.validation),
            "--output", str(output), "--checkpoint", str(tiny_bert), *options,
        ]
    )  # fmt: skip


def test_every_option_of_train_makes_a_difference(
    trained: SimpleNamespace, tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = {"--epochs": "1", "--learning-rate": "1e-3", "--batch-size": "4", "--seed": "3"}
    runs = {
        "base": base,
        "again": base,
        "epochs": base | {"--epochs": "2"},
        "learning rate": base | {"--learning-rate": "2e-3"},
        "batch size": base | {"--batch-size": "6"},
        "seed": base | {"--seed": "4"},
    }
    monkeypatch.setattr(models, "half_precision_format", lambda: torch.bfloat16)

    def trained_with(name: str, options: dict[str, str], *more: str) -> torch.Tensor:
        words = [word for pair in options.items() for word in pair]
        assert _train(trained, tiny_bert, tmp_path / name, *words, *more) == 0
        tensors = load_file(tmp_path / name / "model.safetensors")
        return torch.cat([tensors[key].flatten() for key in sorted(tensors)])

    weights = {name: trained_with(name, options) for name, options in runs.items()}
    weights["half precision"] = trained_with("half precision", base, "--half-precision")
    assert torch.equal(weights["base"], weights["again"])
    for name in weights.keys() - {"base", "again"}:
        assert not torch.equal(weights["base"], weights[name]), f"{name} does not reach the training"


def test_train_replaces_a_model_that_it_made_before(trained: SimpleNamespace, tiny_bert: Path, tmp_path: Path) -> None:
    shutil.copytree(trained.model, tmp_path / "model")
    assert _train(trained, tiny_bert, tmp_path / "model", "--epochs", "1") == 0
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    old, new = (load_file(folder / "model.safetensors") for folder in (trained.model, tmp_path / "model"))
    assert not torch.equal(old["classifier.weight"], new["classifier.weight"])


@pytest.mark.parametrize("target", ["folder", "file"])
def test_train_does_not_wipe_what_is_no_model(
    trained: SimpleNamespace, tiny_bert: Path, tmp_path: Path, target: str
) -> None:
    """``--output .`` or a slip of the hand must not cost anyone their files."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "thesis.txt").write_text("three years of work", encoding="utf-8")
    (tmp_path / "file").write_text("my reviews", encoding="utf-8")
    _train(trained, tiny_bert, tmp_path / target, "--epochs", "1")
    assert (tmp_path / "folder" / "thesis.txt").exists()
    assert (tmp_path / "file").is_file()
    assert (tmp_path / "file").read_text(encoding="utf-8") == "my reviews"


def test_a_run_that_diverges_saves_no_model(
    trained: SimpleNamespace, tiny_bert: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The last step can be the one that breaks the weights: no training loss is ever computed after it."""
    options = ("--epochs", "1", "--batch-size", "6", "--learning-rate", "1e38")  # two steps; warm-up spares the first
    assert _train(trained, tiny_bert, tmp_path / "model", *options) == 2
    assert "learning rate" in capfd.readouterr().err.splitlines()[-1]
    assert not (tmp_path / "model").exists()


# ---------------------------------------------------------------- bad files


def _text(name: str, content: str) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        (folder / name).write_text(content, encoding="utf-8")
        return folder / name

    return write


def _bytes(name: str, content: bytes) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        (folder / name).write_bytes(content)
        return folder / name

    return write


GOOD = '{"text": "fine", "label": "neutral"}\n'

# What the file is, options, and what the message must hold: file, row where there is one, problem, remedy.
BAD_FILES: dict[str, tuple[Callable[[Path], Path], tuple[str, ...], tuple[str, ...]]] = {
    "missing": (lambda folder: folder / "absent.csv", (), ("absent.csv", "no such file", "check the path")),
    "a folder": (lambda folder: folder, (), ("no such file", "check the path")),
    "wrong ending": (_text("a.txt", GOOD), (), ("a.txt", "use .csv, .jsonl or .parquet")),
    "no ending": (_text("reviews", GOOD), (), ("reviews", "use .csv, .jsonl or .parquet")),
    "empty csv": (_text("a.csv", ""), (), ("a.csv", "no rows", "at least one review")),
    "empty jsonl": (_text("a.jsonl", "\n \n"), (), ("a.jsonl", "no rows", "at least one review")),
    "header only": (_text("a.csv", "text,label\n"), (), ("a.csv", "no rows", "at least one review")),
    "not UTF-8": (
        _bytes("a.csv", "text,label\nfine,neutral\ncafé,positive\n".encode("latin-1")),
        (),
        ("a.csv", "line 3", "not UTF-8", "save the file as UTF-8"),
    ),
    "bad JSON": (_text("a.jsonl", GOOD + '{"text": "fine"\n'), (), ("a.jsonl", "line 2", "not JSON", "correct")),
    "JSON list": (_text("a.jsonl", GOOD + "[1, 2]\n"), (), ("a.jsonl", "line 2", "JSON object", "correct")),
    "bad parquet": (_text("a.parquet", "PAR1"), (), ("a.parquet", "Parquet", "export it again")),
    "no text column": (
        _text("a.csv", "review,label\nfine,neutral\n"),
        (),
        ("a.csv", "'text'", "review, label", "--text-column"),
    ),
    "no label column": (
        _text("a.csv", "text,stars\nfine,neutral\n"),
        (),
        ("a.csv", "'label'", "text, stars", "--label-column"),
    ),
    "named column is not there": (_text("a.jsonl", GOOD), ("--text-column", "body"), ("a.jsonl", "'body'")),
    "empty text": (_text("a.csv", 'text,label\nfine,neutral\n"",positive\n'), (), ("a.csv", "row 2", "text is empty")),
    "blank text": (_text("a.jsonl", GOOD + '{"text": " ", "label": 1}\n'), (), ("a.jsonl", "row 2", "delete the row")),
    "text is null": (_text("a.jsonl", '{"text": null, "label": 1}\n'), (), ("a.jsonl", "row 1", "text is empty")),
    "unknown label": (
        _text("a.jsonl", GOOD * 2 + '{"text": "fine", "label": "meh"}\n'),
        (),
        ("a.jsonl", "row 3", "'meh'", "negative, neutral, positive, or 0 to 2"),
    ),
    "label missing": (_text("a.jsonl", GOOD + '{"text": "fine"}\n'), (), ("a.jsonl", "row 2", "unknown label")),
    "id 3": (_text("a.jsonl", '{"text": "fine", "label": 3}\n'), (), ("a.jsonl", "row 1", "'3'", "0 to 2")),
    "id -1": (_text("a.jsonl", '{"text": "fine", "label": -1}\n'), (), ("a.jsonl", "row 1", "'-1'", "0 to 2")),
    "rating 5": (
        _text("a.jsonl", '{"text": "fine", "label": 5}\n'),
        ("--five-to-three",),
        ("a.jsonl", "row 1", "'5'", "from 0 (worst) to 4 (best)"),
    ),
    "a name for a rating": (_text("a.jsonl", GOOD), ("--five-to-three",), ("a.jsonl", "row 1", "'neutral'")),
}  # fmt: skip


def _one_line(code: int, capfd: pytest.CaptureFixture[str], expected: tuple[str, ...]) -> None:
    """The command ended with code 2 and one line on stderr that says what it should; on stdout stands nothing."""
    said = capfd.readouterr()
    assert code == 2
    assert len(said.err.splitlines()) == 1, said.err
    for part in expected:
        assert part in said.err
    assert said.out == ""


@pytest.mark.parametrize("case", BAD_FILES)
@pytest.mark.parametrize("command", ["train", "train on it", "evaluate"])
def test_a_bad_file_is_answered_with_file_row_and_remedy(
    trained: SimpleNamespace,
    tiny_bert: Path,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    command: str,
    case: str,
) -> None:
    make, options, expected = BAD_FILES[case]
    bad = make(tmp_path)
    before = _tree(tmp_path)
    if command == "evaluate":
        arguments = ["evaluate", "--model", trained.model, "--data", bad, "--json", tmp_path / "report.json"]
    else:
        good = tmp_path / "good.jsonl"
        good.write_text(
            '{"text": "fine", "body": "fine", "label": %s}\n' % (2 if options == ("--five-to-three",) else 1)
        )
        before = _tree(tmp_path)
        train, validation = (good, bad) if command == "train" else (bad, good)
        arguments = ["train", "--train", train, "--validation", validation, "--checkpoint", tiny_bert]
        arguments += ["--output", tmp_path / "deep" / "model"]
    _one_line(main([*map(str, arguments), *options]), capfd, expected)
    assert _tree(tmp_path) == before


# ---------------------------------------------------------------- other bad input


def _config(folder: Path, content: str) -> str:
    folder.mkdir()
    (folder / "config.json").write_text(content, encoding="utf-8")
    return str(folder)


BAD_MODELS: dict[str, tuple[Callable[[Path], str], tuple[str, ...]]] = {
    "missing": (lambda folder: str(folder / "absent"), ("absent", "no model here", "train one first")),
    "a file": (lambda folder: str(_text("a.txt", "no model")(folder)), ("a.txt", "no model here")),
    "no weights": (lambda folder: _config(folder / "m", '{"model_type": "bert"}'), ("be loaded", "train it again")),
    "broken configuration": (lambda folder: _config(folder / "m", "{"), ("cannot be loaded", "train it again")),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_MODELS)
@pytest.mark.parametrize("command", ["predict", "evaluate"])
def test_a_folder_without_a_model_is_answered_with_a_remedy(
    trained: SimpleNamespace, tmp_path: Path, capfd: pytest.CaptureFixture[str], command: str, case: str
) -> None:
    make, expected = BAD_MODELS[case]
    model = make(tmp_path)
    before = _tree(tmp_path)
    more = ["fine"] if command == "predict" else ["--data", str(trained.validation), "--json", str(tmp_path / "r.json")]
    _one_line(main([command, "--model", model, *more]), capfd, expected)
    assert _tree(tmp_path) == before


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("--checkpoint", "nobody/no-such-model"), ("'nobody/no-such-model'", "unset it", "network")),
        (("--seed", "-1"), ("seed",)),
    ],
)
def test_train_refuses(
    trained: SimpleNamespace,
    tiny_bert: Path,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    options: tuple[str, ...],
    expected: tuple[str, ...],
) -> None:
    try:
        code = _train(trained, tiny_bert, tmp_path / "model", *options)
    except SystemExit as stopped:  # the parser's refusals, which show the usage first
        code = stopped.code
    said = capfd.readouterr().err
    assert code == 2
    assert all(part in said.splitlines()[-1].casefold() for part in expected)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--epochs", "0"), ("--epochs", "-1"), ("--epochs", "many"), ("--epochs", "nan"), ("--epochs", "inf"),
        ("--learning-rate", "0"), ("--learning-rate", "-1e-4"), ("--learning-rate", "nan"), ("--learning-rate", "inf"),
        ("--batch-size", "0"), ("--batch-size", "2.5"), ("--batch-size", "-8"),
    ],
)  # fmt: skip
def test_a_number_that_cannot_be_is_refused_before_any_file_is_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str, value: str
) -> None:
    paths = [word for name in ("train", "validation", "output") for word in (f"--{name}", str(tmp_path / name))]
    with pytest.raises(SystemExit) as stopped:
        main(["train", *paths, option, value])
    assert stopped.value.code == 2
    assert option in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["dance"],
        ["predict", "--model", "m"],
        ["predict", "--model", "m", "a text", "--input", "a.csv", "--output", "b.csv"],
        ["predict", "--model", "m", "--input", "a.csv"],
        ["predict", "a text"],
        ["train", "--train", "a.csv", "--output", "m"],
        ["evaluate", "--model", "m"],
    ],
)
def test_missing_or_contradicting_arguments_are_refused(
    capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    said = capsys.readouterr()
    assert "error: " in said.err.splitlines()[-1]
    assert said.out == ""


@pytest.mark.parametrize("name", ["new", "mistyped.csv"])
def test_a_file_in_place_of_a_text_is_not_labeled_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("new").write_text("text\nfine\n", encoding="utf-8")
    with pytest.raises(SystemExit) as stopped:
        main(["predict", "--model", "m", "A fine film. " * 500, name])
    assert stopped.value.code == 2
    told = f"predict: {name} is a file's name: to label its rows, give --input {name} --output FILE"
    assert capsys.readouterr().err.splitlines()[-1].endswith(told)


@pytest.mark.parametrize("text", ["", " \n"])
def test_predict_refuses_an_empty_text_by_its_position(
    trained: SimpleNamespace, capfd: pytest.CaptureFixture[str], text: str
) -> None:
    _one_line(main(["predict", "--model", str(trained.model), "fine", text]), capfd, ("text 2 of 2 is empty",))


@pytest.mark.parametrize("threshold", ["1.5", "-0.1", "nan"])
def test_predict_refuses_a_threshold_that_is_no_probability(
    trained: SimpleNamespace, capfd: pytest.CaptureFixture[str], threshold: str
) -> None:
    try:
        code = main(["predict", "--model", str(trained.model), "fine", f"--threshold={threshold}"])
    except SystemExit as stopped:
        code = stopped.code
    assert code == 2
    assert "threshold" in capfd.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize(
    ("output", "column", "expected"),
    [
        ("out.txt", "text", ("out.txt", "use .csv or .jsonl")),
        ("out", "text", ("out", "use .csv or .jsonl")),
        ("out.csv", "body", ("validation.csv", "'body'", "--text-column")),
        ("a file/out.csv", "text", ("a file",)),
    ],
)
def test_predict_refuses_a_file_that_it_cannot_read_or_write(
    trained: SimpleNamespace,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    output: str,
    column: str,
    expected: tuple[str, ...],
) -> None:
    (tmp_path / "a file").write_text("in the way", encoding="utf-8")
    before = _tree(tmp_path)
    files = ["--input", str(trained.validation), "--output", str(tmp_path / output)]
    _one_line(main(["predict", "--model", str(trained.model), *files, "--text-column", column]), capfd, expected)
    assert _tree(tmp_path) == before


def test_an_unknown_lesson_is_refused(capfd: pytest.CaptureFixture[str]) -> None:
    _one_line(main(["course", "--only", "3"]), capfd, ("'3'", "03_fine_tune"))


def test_an_unknown_profile_is_refused(
    trained: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SENTIMENT_KIT_PROFILE", "laptpo")
    files = ["--train", str(trained.train), "--validation", str(trained.validation)]
    code = main(["train", *files, "--output", str(tmp_path / "model")])
    _one_line(code, capfd, ("SENTIMENT_KIT_PROFILE", "'laptpo'", "laptop, gpu"))


# ---------------------------------------------------------------- the course's closing words and exit codes


def test_the_course_takes_encoder_and_data_from_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seen = {}
    names = ("SENTIMENT_KIT_ENCODER", "SENTIMENT_KIT_DATA")
    for name in names:
        monkeypatch.setenv(name, "")  # set, so that it is put back afterwards
    monkeypatch.setattr(course, "run_lesson", lambda name: seen.update({one: os.environ[one] for one in names}))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bert").mkdir()
    (tmp_path / "sst").mkdir()
    assert main(["course", "--only", "00_start_here", "--checkpoint", "bert", "--data", "sst"]) == 0
    assert seen == dict(zip(names, (str(tmp_path / "bert"), str(tmp_path / "sst")), strict=True))
    for option in ("--checkpoint", "--data"):
        with pytest.raises(SystemExit, match="2"):
            main(["course", option, "nowhere"])
        assert f"argument {option}: nowhere is no folder" in capsys.readouterr().err


def test_a_failing_lesson_ends_in_one_line_and_code_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(name: str) -> bool:
        raise course.LessonError(f"lesson {name}, cell 7: ValueError: out of ink")

    monkeypatch.setattr(course, "run_lesson", fail)
    assert main(["course", "--only", "03_fine_tune"]) == 1
    said = capsys.readouterr().err.splitlines()
    assert said == ["sentiment-kit course: lesson 03_fine_tune, cell 7: ValueError: out of ink"]


def test_an_interrupted_course_ends_in_code_130_and_says_how_to_go_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(name: str) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr(course, "run_lesson", interrupt)
    assert main(["course", "--only", "03_fine_tune"]) == 130
    assert "`sentiment-kit course` goes on where it was" in capsys.readouterr().err


def test_the_course_ends_with_times_scores_and_three_predictions(
    trained: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    scores = {
        "validation": {
            "majority": {"accuracy": 0.411, "macro_f1": 0.412},
            "fine_tuned": {"accuracy": 0.8, "macro_f1": 0.745},
        },
        "holdout": {
            "majority": {"accuracy": 0.422, "macro_f1": 0.423},
            "fine_tuned": {"accuracy": 0.8, "macro_f1": 0.712},
        },
    }
    summary = {
        "lessons": [
            {"name": "02_prepare_data", "seconds": 12.34, "peak_memory_mb": 512, "skipped": True},
            {"name": "03_fine_tune", "seconds": 100.0, "peak_memory_mb": 1717, "skipped": False},
        ],
        "scores": scores,
        "model_dir": "model",
    }
    monkeypatch.setenv("SENTIMENT_KIT_RUNS", str(tmp_path))
    shutil.copytree(trained.model, tmp_path / "latest" / "model")
    monkeypatch.setattr(course, "run", lambda *, fresh, tell: summary)
    assert main(["course"]) == 0
    printed = capsys.readouterr().out
    rows = {line.split()[0]: line.split()[1:] for line in printed.splitlines() if line.strip()}
    assert rows["02_prepare_data"][:3] == ["12.3", "512", "(skipped:"]
    assert rows["03_fine_tune"] == ["100.0", "1717"]
    assert rows["all"] == ["lessons", "112.3"]
    assert rows["majority"] == ["0.411", "0.412", "0.422", "0.423"]
    assert rows["fine_tuned"] == ["0.800", "0.745", "0.800", "0.712"]
    assert str(tmp_path / "latest" / "model") in printed
    assert len(re.findall(r"^  (?:negative|neutral|positive) +\d\.\d\d  .+$", printed, re.M)) == 3
