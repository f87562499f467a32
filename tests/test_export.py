"""ONNX: the same answers as torch for any batch, whole or not at all, and clear words when something is missing."""

import builtins

import numpy as np
import pytest
import torch
from transformers import AutoModelForSequenceClassification

from sentiment_kit import export
from sentiment_kit.inference import SentimentClassifier
from sentiment_kit.models import CheckpointError, load_tokenizer
from tests.samples import UNEVEN_TEXTS as TEXTS


@pytest.fixture(scope="module")
def parts(tiny_bert):
    return AutoModelForSequenceClassification.from_pretrained(tiny_bert), load_tokenizer(tiny_bert)


@pytest.fixture(scope="module")
def exported(parts, tmp_path_factory):
    return export.to_onnx(*parts, tmp_path_factory.mktemp("onnx") / "model")


@pytest.mark.parametrize("batch_size", [1, 2, 32])
def test_the_exported_model_answers_like_torch(parts, exported, batch_size):
    wanted = SentimentClassifier(*parts).probabilities(TEXTS)
    found = SentimentClassifier.from_folder(exported, engine="onnx").probabilities(TEXTS, batch_size=batch_size)
    np.testing.assert_allclose(found, wanted, atol=1e-5)


def test_eight_bits_are_smaller_and_nearly_the_same(parts, exported, tmp_path):
    small = export.to_onnx(*parts, tmp_path / "int8", int8=True, texts=TEXTS)
    assert sorted(path.name for path in small.iterdir()) == sorted(path.name for path in exported.iterdir())
    assert (small / "model.onnx").stat().st_size < (exported / "model.onnx").stat().st_size
    wanted = SentimentClassifier(*parts).probabilities(TEXTS)
    found = SentimentClassifier.from_folder(small, engine="onnx").probabilities(TEXTS)
    np.testing.assert_allclose(found, wanted, atol=0.05)
    assert not np.array_equal(found, wanted)  # it is another model


def test_an_exported_model_labels_a_file_and_knows_itself_when_resuming(parts, exported, tmp_path):
    (tmp_path / "in.csv").write_text("text\ngreat\nfine\n")
    onnx = SentimentClassifier.from_folder(exported, engine="onnx")
    onnx.predict_file(tmp_path / "in.csv", tmp_path / "out.csv")
    SentimentClassifier(*parts).predict_file(tmp_path / "in.csv", tmp_path / "torch.csv")
    rows = [(tmp_path / name).read_text().splitlines()[1].split(",")[:2] for name in ("out.csv", "torch.csv")]
    assert rows[0] == rows[1]
    assert onnx.model.digest() == SentimentClassifier.from_folder(exported, engine="onnx").model.digest()


def test_torch_says_what_an_exported_model_is(exported):
    with pytest.raises(CheckpointError, match=r": an exported model: only predict --engine onnx can use it$"):
        SentimentClassifier.from_folder(exported)


def test_a_model_that_came_out_wrong_is_never_written(parts, tmp_path, monkeypatch):
    model, tokenizer = parts
    write = export._write

    def spoil(model, tokenizer, path):
        changed = AutoModelForSequenceClassification.from_config(model.config)
        with torch.no_grad():
            changed.classifier.bias += 3
        write(changed.eval(), tokenizer, path)

    monkeypatch.setattr(export, "_write", spoil)
    (tmp_path / "old").mkdir()
    with pytest.raises(CheckpointError, match="answers differently"):
        export.to_onnx(model, tokenizer, tmp_path / "old")
    assert list(tmp_path.iterdir()) == [tmp_path / "old"] and not list((tmp_path / "old").iterdir())


def test_what_is_missing_is_said(exported, tiny_bert, tmp_path, monkeypatch):
    with pytest.raises(CheckpointError, match=r"no model\.onnx here: make one with `sentiment-kit export`"):
        SentimentClassifier.from_folder(tiny_bert, engine="onnx")
    (tmp_path / "model.onnx").write_bytes(b"no model")
    with pytest.raises(CheckpointError, match="cannot be loaded: export it again"):
        export.OnnxClassifier(tmp_path)
    real = builtins.__import__

    def missing(name, *args, **kwargs):
        if name.startswith("onnx"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(export.importlib, "import_module", lambda name: missing(name))
    with pytest.raises(
        CheckpointError, match=r"onnxruntime is not installed: in the kit's folder, pip install -e '.\[onnx\]'"
    ):
        export.OnnxClassifier(exported)
