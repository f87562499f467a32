"""What the unit tests share: a tiny random BERT, small labeled files, and no network."""

import json
import os

os.environ["HF_HUB_OFFLINE"] = "1"  # before huggingface_hub is imported, which reads it once
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")

from pathlib import Path

import pytest

from tests.samples import REVIEWS

# No modules with doctests, though --doctest-modules would take them for such.
collect_ignore_glob = ["grading/submissions/*", "conftest.py", "*/conftest.py"]


@pytest.fixture(autouse=True)
def _own_surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No test sees the settings of whoever runs it, or leaves anything in their runs folder."""
    names = ("PROFILE", "ENCODER", "DATA", "DECODER")
    for name in (f"SENTIMENT_KIT_{one}" for one in names):
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


def save_decoder(folder: Path, *, kind: str = "gpt2") -> Path:
    """Writes a random two-layer decoder and its tokenizer, whose tokens are single bytes.

    ``"gpt2"`` counts positions from the left and has no padding token; ``"qwen2"`` has one of its own, pads on the left,
    and its weights are stored in 16 bits.
    """
    import tokenizers
    import torch
    from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM

    alphabet = sorted(tokenizers.pre_tokenizers.ByteLevel.alphabet())
    pieces = {piece: index for index, piece in enumerate(["<|endoftext|>", "<|pad|>", *alphabet])}
    backend = tokenizers.Tokenizer(tokenizers.models.BPE(pieces, []))
    backend.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = tokenizers.decoders.ByteLevel()
    special = {"pad_token": "<|pad|>", "padding_side": "left"} if kind == "qwen2" else {}
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=backend, eos_token="<|endoftext|>", **special)
    shared = {"vocab_size": len(pieces), "bos_token_id": 0, "eos_token_id": 0, "initializer_range": 0.2}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(7)
        if kind == "gpt2":
            model = GPT2LMHeadModel(GPT2Config(n_embd=32, n_layer=2, n_head=4, n_positions=256, **shared))
        else:
            sizes = {"hidden_size": 32, "num_hidden_layers": 2, "intermediate_size": 64, "max_position_embeddings": 256}
            heads = {"num_attention_heads": 4, "num_key_value_heads": 2}
            model = Qwen2ForCausalLM(Qwen2Config(**sizes, **heads, **shared)).to(torch.bfloat16)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session", params=["gpt2", "qwen2"])
def tiny_decoder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a random generative model, as one is published: without a classification head."""
    return save_decoder(tmp_path_factory.mktemp(request.param), kind=request.param)


@pytest.fixture(scope="session")
def review_rows() -> list[dict[str, str]]:
    """The small reviews as rows with text and label (a name), and an id and a film."""
    return [
        {"review_id": f"r{index:02d}", "film": film, "text": text, "label": label}
        for index, (film, label, text) in enumerate(REVIEWS)
    ]


@pytest.fixture(scope="session")
def reviews(review_rows: list[dict[str, str]]):
    """The small reviews as a data set with text and label (ClassLabel)."""
    import datasets

    from sentiment_kit.labels import LABELS

    features = datasets.Features({"text": datasets.Value("string"), "label": datasets.ClassLabel(names=list(LABELS))})
    columns = {"text": [row["text"] for row in review_rows]}
    columns["label"] = [LABELS.index(row["label"]) for row in review_rows]
    return datasets.Dataset.from_dict(columns, features=features)


@pytest.fixture(scope="session")
def tokenizer(tiny_encoder: Path):
    """The tokenizer of the tiny encoder."""
    from sentiment_kit import models

    return models.load_tokenizer(tiny_encoder)


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
