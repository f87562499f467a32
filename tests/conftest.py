"""What the unit tests share: a tiny random BERT, small labeled files, and no network."""

import json
import os

os.environ["HF_HUB_OFFLINE"] = "1"  # before huggingface_hub is imported, which reads it once
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")

from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]

# One line per review: film, label, text. The classes can be told apart by single words, so that even a tiny,
# random network learns them; the lengths differ, so that batches need padding.
REVIEWS = [
    ("f01", "negative", "awful"),
    ("f01", "neutral", "it was fine and it was long , nothing more to say of it"),
    ("f01", "positive", "a great , great film with a warm heart"),
    ("f02", "negative", "a dull and awful story that never ends"),
    ("f02", "neutral", "fine"),
    ("f02", "positive", "great fun"),
    ("f03", "negative", "the plot is a mess and the jokes are dull"),
    ("f03", "neutral", "some scenes are fine , the others are long"),
    ("f03", "positive", "lovely acting , and a great end"),
    ("f04", "negative", "dull , dull , dull"),
    ("f04", "neutral", "an average film : it is fine"),
    ("f04", "positive", "i laughed and i cried . lovely"),
    ("f05", "negative", "awful acting and no plot"),
    ("f05", "neutral", "average , long , but fine on the whole"),
    ("f05", "positive", "warm , clever and great"),
    ("f06", "negative", "what a mess"),
    ("f06", "neutral", "it is average"),
    ("f06", "positive", "a clever story with lovely music that stays with me for a long time"),
]


@pytest.fixture(autouse=True)
def _own_surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No test sees the settings of whoever runs it, or leaves anything in their runs folder."""
    for name in ("SENTIMENT_KIT_PROFILE", "SENTIMENT_KIT_ENCODER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SENTIMENT_KIT_RUNS", str(tmp_path_factory.getbasetemp() / "runs-of-tests"))


@pytest.fixture(scope="session")
def tiny_bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a random two-layer BERT, its tokenizer and a vocabulary of whole words and letters."""
    import torch

    torch.set_num_threads(1)  # threads cost more than they bring on a network this small
    from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast

    from sentiment_kit.labels import id2label, label2id

    folder = tmp_path_factory.mktemp("tiny_bert")
    words = sorted({word for _, _, text in REVIEWS for word in text.split()})
    letters = [chr(code) for code in range(ord("a"), ord("z") + 1)]
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *words]
    pieces += [letter for letter in letters if letter not in words] + ["##" + letter for letter in letters]
    pieces += [mark for mark in ".!?'" if mark not in words]
    vocabulary = {piece: index for index, piece in enumerate(pieces)}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(7)
        config = BertConfig(
            vocab_size=len(vocabulary),
            hidden_size=32,
            num_hidden_layers=2,
            num_attention_heads=4,
            intermediate_size=64,
            max_position_embeddings=256,
            initializer_range=0.2,  # ten times the usual: texts differ, and a few steps change something
            num_labels=3,
            id2label=id2label(),
            label2id=label2id(),
            pad_token_id=vocabulary["[PAD]"],
        )
        model = BertForSequenceClassification(config)
    model.save_pretrained(folder)
    BertTokenizerFast(vocab=vocabulary, do_lower_case=True).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_encoder(tiny_bert: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same network without its head, as a pre-trained encoder is published."""
    from transformers import AutoModel, AutoTokenizer

    folder = tmp_path_factory.mktemp("tiny_encoder")
    AutoModel.from_pretrained(tiny_bert).save_pretrained(folder)
    AutoTokenizer.from_pretrained(tiny_bert).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def review_rows() -> list[dict[str, str]]:
    """The small reviews as rows with text and label (a name), and an id and a film."""
    return [
        {"review_id": f"r{index:02d}", "film": film, "text": text, "label": label}
        for index, (film, label, text) in enumerate(REVIEWS)
    ]


@pytest.fixture
def train_file(tmp_path: Path, review_rows: list[dict[str, str]]) -> Path:
    """The first twelve small reviews as JSON Lines."""
    return _write_jsonl(tmp_path / "train.jsonl", review_rows[:12])


@pytest.fixture
def validation_file(tmp_path: Path, review_rows: list[dict[str, str]]) -> Path:
    """The last six small reviews as JSON Lines."""
    return _write_jsonl(tmp_path / "validation.jsonl", review_rows[12:])


def _write_jsonl(path: Path, rows: list[dict[str, str]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path
