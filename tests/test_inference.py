"""Inference: the same answer in any company, 'not sure' at the right place, and files that lose nothing."""

import json
import os
import shutil

import numpy as np
import pandas as pd
import pytest
import torch

from sentiment_kit import data, inference
from sentiment_kit.inference import NOT_SURE, SentimentClassifier
from sentiment_kit.models import CheckpointError
from tests.samples import UNEVEN_TEXTS as TEXTS


@pytest.fixture(scope="module")
def classifier(tiny_bert):
    return SentimentClassifier.from_folder(tiny_bert)


def sure_above(classifier, threshold):
    return SentimentClassifier(classifier.model, classifier.tokenizer, threshold=threshold)


def with_calibration(tiny_bert, folder, content):
    shutil.copytree(tiny_bert, folder)
    (folder / "calibration.json").write_text(content)
    return folder


def test_temperature_and_threshold_come_with_the_folder(tiny_bert, tmp_path):
    folder = with_calibration(tiny_bert, tmp_path / "model", '{"temperature": 1.5, "threshold": 0.9}')
    found = SentimentClassifier.from_folder(folder)
    assert (found.temperature, found.threshold) == (1.5, 0.9)
    told = SentimentClassifier.from_folder(folder, threshold=0.0, temperature=1.0)  # what is asked for wins
    assert (told.temperature, told.threshold) == (1.0, 0.0)
    plain = SentimentClassifier.from_folder(tiny_bert)
    assert (plain.temperature, plain.threshold) == (1.0, 0.0)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"temperature": "warm", "threshold": 0.5}'])
def test_a_broken_calibration_is_no_calibration_of_one(tiny_bert, tmp_path, content):
    folder = with_calibration(tiny_bert, tmp_path / "model", content)
    with pytest.raises(CheckpointError, match=r"calibration\.json: no temperature and threshold in it"):
        SentimentClassifier.from_folder(folder)


def test_half_precision_where_the_device_is_faster_in_it(tiny_bert, classifier, monkeypatch):
    wanted = classifier.probabilities(TEXTS)
    for kind in (None, torch.bfloat16):
        monkeypatch.setattr(inference, "half_precision_format", lambda kind=kind: kind)
        found = SentimentClassifier.from_folder(tiny_bert, half_precision=True)
        assert found.model.dtype == (kind or torch.float32)
        assert (found._digest() == classifier._digest()) == (kind is None)  # another model, for --resume
        rows = found.probabilities(TEXTS)
        np.testing.assert_allclose(rows, wanted, atol=0.02)
        np.testing.assert_allclose(rows.sum(axis=1), 1, atol=1e-6)
    with pytest.raises(ValueError, match="an ONNX model computes as it was exported"):
        SentimentClassifier.from_folder(tiny_bert, engine="onnx", half_precision=True)


# ---------------------------------------------------------------- texts


@pytest.fixture(scope="module")
def alone(classifier):
    """The probabilities of each text by the plainest way: one at a time, no padding, by the model itself."""
    rows = []
    with torch.no_grad():
        for text in TEXTS:
            logits = classifier.model(
                **classifier.tokenizer(text, return_tensors="pt").to(classifier.model.device)
            ).logits
            rows.append(logits.softmax(dim=1)[0].cpu().numpy())
    rows = np.stack(rows)
    assert np.ptp(rows, axis=0).min() > 0.01  # the texts differ, or neither order nor padding would show
    return rows


@pytest.mark.parametrize("batch_size", [1, 3, 32])
def test_probabilities_do_not_depend_on_the_company(classifier, alone, batch_size):
    found = classifier.probabilities(TEXTS, batch_size=batch_size)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, alone, atol=1e-5)
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-5)


def test_the_temperature_divides_the_logits_and_changes_no_label(classifier, alone):
    cool = SentimentClassifier(classifier.model, classifier.tokenizer, temperature=2.5).probabilities(TEXTS)
    expected = alone ** (1 / 2.5)  # dividing logits is taking the root of probabilities
    np.testing.assert_allclose(cool, expected / expected.sum(axis=1, keepdims=True), atol=1e-5)
    assert (cool.argmax(axis=1) == alone.argmax(axis=1)).all() and cool.max() < alone.max()
    for broken in (0, -1, float("nan")):
        with pytest.raises(ValueError, match=r"temperature is .*: use a number above 0"):
            SentimentClassifier(classifier.model, classifier.tokenizer, temperature=broken)


def test_predictions_keep_the_order_of_the_texts(classifier, alone):
    order = [4, 0, 6, 2, 5, 1, 3, 0]
    found = classifier.predict([TEXTS[i] for i in order], batch_size=3)
    assert [one.text for one in found] == [TEXTS[i] for i in order]
    for one, index in zip(found, order, strict=True):
        assert list(one.probabilities) == ["negative", "neutral", "positive"]
        assert list(one.probabilities.values()) == pytest.approx(alone[index].tolist(), abs=1e-5)
        assert one.label == ("negative", "neutral", "positive")[alone[index].argmax()]
        assert one.probability == max(one.probabilities.values())


def test_a_model_in_training_mode_answers_without_dropout(tiny_bert, alone):
    fresh = SentimentClassifier.from_folder(tiny_bert)
    again = SentimentClassifier(fresh.model.train(), fresh.tokenizer)
    np.testing.assert_allclose(again.probabilities(TEXTS), alone, atol=1e-5)


def test_a_probability_equal_to_the_threshold_is_answered(classifier):
    (plain,) = classifier.predict([TEXTS[4]])
    at = plain.probability
    assert plain.label != NOT_SURE
    (equal,) = sure_above(classifier, at).predict([TEXTS[4]])
    assert equal.label == plain.label
    (above,) = sure_above(classifier, at + 1e-6).predict([TEXTS[4]])
    assert above.label == "not sure"
    assert above.probabilities == plain.probabilities  # the figures stay, whatever is answered


def test_the_threshold_turns_away_exactly_those_below_it(classifier, alone):
    middle = float(np.sort(alone.max(axis=1))[3]) - 1e-5
    found = sure_above(classifier, middle).predict(TEXTS)
    assert [one.label == NOT_SURE for one in found] == (alone.max(axis=1) < middle).tolist()
    assert sum(one.label == NOT_SURE for one in found) == 3


@pytest.mark.parametrize("threshold", [-0.1, 1.01, 55, float("nan")])
def test_a_threshold_is_a_probability(classifier, threshold):
    with pytest.raises(ValueError, match="use a probability from 0 to 1"):
        sure_above(classifier, threshold)


def test_no_texts_give_no_predictions(classifier):
    assert classifier.predict([]) == []
    assert classifier.probabilities([]).shape == (0, 3)


def test_a_single_string_is_refused_not_read_letter_by_letter(classifier):
    with pytest.raises(TypeError, match="list of texts: put the one text in square brackets"):
        classifier.predict("great fun")


@pytest.mark.parametrize("empty", ["", " \n\t", None, float("nan"), 5])
def test_an_empty_text_is_named_by_its_position(classifier, empty):
    with pytest.raises(ValueError, match="text 3 of 4 is empty: give a review of at least one word"):
        classifier.predict(["great", "fine", empty, "awful"])


def test_a_text_of_any_length_is_cut_to_what_the_model_reads(classifier):
    long, before = "dull " * 5000, classifier.at_limit
    found, _ = classifier.predict([long, "fine"])
    assert found.text == long
    assert classifier.at_limit == before + 1  # and counted
    cut = classifier.tokenizer.model_max_length - 2
    np.testing.assert_allclose(classifier.probabilities([long]), classifier.probabilities(["dull " * cut]), atol=1e-6)


# ---------------------------------------------------------------- loading


def test_a_folder_without_a_model_says_what_to_do(tmp_path):
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(CheckpointError, match=r"no model here .* train one first, or correct the path") as caught:
            SentimentClassifier.from_folder(folder)
        assert str(folder) in str(caught.value)


def test_a_damaged_model_says_what_to_do(tiny_bert, tmp_path):
    folder = shutil.copytree(tiny_bert, tmp_path / "model")
    (folder / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes()[:5000])
    with pytest.raises(CheckpointError, match="the model cannot be loaded: train it again"):
        SentimentClassifier.from_folder(folder)
    (folder / "model.safetensors").unlink()
    with pytest.raises(CheckpointError, match="the model cannot be loaded: train it again"):
        SentimentClassifier.from_folder(folder)


def test_a_model_without_its_tokenizer_is_refused(tiny_bert, tmp_path):
    folder = shutil.copytree(tiny_bert, tmp_path / "model")
    for path in folder.glob("tokenizer*"):
        path.unlink()
    with pytest.raises(CheckpointError):  # with a made-up one, each word would be [UNK] and each answer the same
        SentimentClassifier.from_folder(folder)


def test_labels_come_from_the_model(tiny_bert, tmp_path):
    folder = shutil.copytree(tiny_bert, tmp_path / "model")
    config = json.loads((folder / "config.json").read_text())
    config["id2label"] = {"0": "thumbs down", "1": "shrug", "2": "thumbs up"}
    config["label2id"] = {name: int(index) for index, name in config["id2label"].items()}
    (folder / "config.json").write_text(json.dumps(config))
    (found,) = SentimentClassifier.from_folder(folder).predict(["great"])
    assert list(found.probabilities) == ["thumbs down", "shrug", "thumbs up"]
    assert found.label in found.probabilities


# ---------------------------------------------------------------- files

MIXED = pd.DataFrame(
    {
        "id": ["007", "2", "3", "x,y", "5"],
        "opinion": [TEXTS[3], "", TEXTS[0], "  ", TEXTS[1]],
        "note": ["é", "", '"quoted"', "NA", "東京"],
    }
)


@pytest.mark.parametrize("ending", [".csv", ".jsonl"])
def test_predict_file_keeps_rows_columns_and_order(classifier, alone, tmp_path, ending):
    source, target = tmp_path / "in.csv", tmp_path / "made" / f"out{ending}"
    MIXED.to_csv(source, index=False)
    report = classifier.predict_file(source, target, text_column="opinion")
    assert (report.predicted, report.rejected) == (3, 2)

    found = data.read_table(target).to_dict("records")
    kept = MIXED.iloc[[0, 2, 4]].to_dict("records")
    assert [{name: row[name] for name in MIXED.columns} for row in found] == kept
    for row, index in zip(found, (3, 0, 1), strict=True):
        assert row["predicted"] == ("negative", "neutral", "positive")[alone[index].argmax()]
        shares = [float(row[f"probability_{name}"]) for name in ("negative", "neutral", "positive")]
        assert shares == pytest.approx(alone[index].tolist(), abs=1e-5)

    assert report.rejected_path == target.parent / f"{target.name}.rejected.jsonl"
    rejected = [json.loads(line) for line in report.rejected_path.read_text(encoding="utf-8").splitlines()]
    assert [entry["row"] for entry in rejected] == [2, 4]
    assert [entry["content"] for entry in rejected] == MIXED.iloc[[1, 3]].to_dict("records")
    assert all("empty" in entry["reason"] for entry in rejected)
    assert sorted(path.name for path in target.parent.iterdir()) == sorted([target.name, report.rejected_path.name])


def test_predict_file_reads_jsonl_and_parquet(classifier, tmp_path):
    table = pd.DataFrame({"n": [3, 1], "text": [TEXTS[0], TEXTS[4]]})
    table.to_json(tmp_path / "a.jsonl", orient="records", lines=True)
    table.to_parquet(tmp_path / "a.parquet")
    results = []
    for name in ("a.jsonl", "a.parquet"):
        report = classifier.predict_file(tmp_path / name, tmp_path / "out.jsonl")
        assert (report.predicted, report.rejected, report.rejected_path) == (2, 0, None)
        results.append((tmp_path / "out.jsonl").read_text(encoding="utf-8"))
    assert results[0] == results[1]
    assert [json.loads(line)["n"] for line in results[0].splitlines()] == [3, 1]


def test_predict_file_uses_the_threshold(classifier, tmp_path):
    (tmp_path / "a.csv").write_text("text\ngreat\n")
    sure_above(classifier, 1.0).predict_file(tmp_path / "a.csv", tmp_path / "out.csv")
    assert data.read_table(tmp_path / "out.csv")["predicted"].tolist() == ["not sure"]


def test_predict_file_leaves_no_rejected_file_of_an_earlier_run(classifier, tmp_path):
    source, target = tmp_path / "a.csv", tmp_path / "out.csv"
    source.write_text('text\ngreat\n""\n')
    rejected = classifier.predict_file(source, target).rejected_path
    assert rejected.is_file()
    source.write_text("text\ngreat\nfine\n")  # put right, and run again
    assert classifier.predict_file(source, target).rejected_path is None
    assert not rejected.exists()


@pytest.mark.parametrize(
    ("content", "target", "message"),
    [
        ("text\ngreat\n", "out.xlsx", r"out\.xlsx: cannot write \.xlsx: use \.csv or \.jsonl"),
        ("review\ngreat\n", "out.csv", r"in\.csv: no column 'text' \(it has: review\): rename it or use --text-column"),
        ('id,text\n1,""\n2, \n', "out.csv", r"in\.csv: no row has a usable text in 'text' \(row 1: the text is empty"),
        ("text\n", "out.csv", r"in\.csv: there are no rows in it"),
    ],
)
def test_predict_file_refuses_and_writes_nothing(classifier, tmp_path, content, target, message):
    (tmp_path / "in.csv").write_text(content)
    with pytest.raises(data.DataError, match=message):
        classifier.predict_file(tmp_path / "in.csv", tmp_path / target)
    assert [path.name for path in tmp_path.iterdir()] == ["in.csv"]


@pytest.mark.parametrize("ending", [".csv", ".jsonl"])
def test_writing_that_fails_at_once_leaves_the_old_file_and_nothing_else(classifier, tmp_path, monkeypatch, ending):
    source, target = tmp_path / "in.csv", tmp_path / f"out{ending}"
    source.write_text('text\ngreat\n""\n')
    target.write_text("the old answers\n")

    def full_disk(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(OSError, match="No space left"):
        classifier.predict_file(source, target)
    assert target.read_text() == "the old answers\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["in.csv", target.name])


def test_a_file_can_be_labeled_in_place(classifier, tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("text\ngreat\nfine\n")
    classifier.predict_file(path, path)
    table = data.read_table(path)
    assert table["text"].tolist() == ["great", "fine"] and "predicted" in table.columns


def test_rejected_rows_never_replace_the_input(classifier, tmp_path):
    source = tmp_path / "a.csv.rejected.jsonl"
    source.write_text('{"text": "great"}\n', encoding="utf-8")
    with pytest.raises(data.DataError, match="would replace the input"):
        classifier.predict_file(source, tmp_path / "a.csv")
    assert source.read_text(encoding="utf-8") == '{"text": "great"}\n'


def test_an_encoder_without_a_trained_head_is_refused(tiny_encoder):
    with pytest.raises(CheckpointError, match="without a trained head"):
        SentimentClassifier.from_folder(tiny_encoder)
