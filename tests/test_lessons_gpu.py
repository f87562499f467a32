"""Every lesson under the profile `gpu` (`make lessons-gpu`): tiny networks and sixty rows of SST's layout, each in a folder.

What the lessons print is not compared, since a network that small learns nothing; that they run to their end is.
"""

import json
from pathlib import Path

import nbformat
import pytest
from transformers import AutoTokenizer, BertConfig, BertModel

from sentiment_kit import cli, course, models, profiles
from tests.conftest import save_decoder

pytestmark = pytest.mark.lessons_gpu

RATED = {"negative": (0, 1), "neutral": (2, 2), "positive": (4, 3)}
WORDS = ("very negative", "negative", "neutral", "positive", "very positive")


def write_sst(folder: Path) -> None:
    """Files of the layout of SetFit/sst5: 36, 12 and 12 short reviews, as many of each label."""
    folder.mkdir()
    for source, target, each in (("train", "train", 12), ("validation", "dev", 4), ("test", "test", 4)):
        lines = profiles.bundled("data", "reviews", f"{source}.jsonl").read_text(encoding="utf-8").splitlines()
        rows = [row for row in map(json.loads, lines) if len(row["text"].split()) <= 14]
        picked = [[row["text"] for row in rows if row["label"] == label][:each] for label in RATED]
        with (folder / f"{target}.jsonl").open("w", encoding="utf-8") as file:
            for number, texts in enumerate(zip(*picked, strict=True)):
                for text, ratings in zip(texts, RATED.values(), strict=True):
                    rating = ratings[number % 2]
                    file.write(json.dumps({"text": text, "label": rating, "label_text": WORDS[rating]}) + "\n")


def write_encoder(folder: Path) -> None:
    """A random BERT of two thin layers, with BERT's own vocabulary."""
    tokenizer = AutoTokenizer.from_pretrained(models.bundled_encoder())
    size = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64}
    BertModel(BertConfig(vocab_size=len(tokenizer), initializer_range=0.2, **size)).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which `sentiment-kit course` has run, told of encoder and data by relative paths."""
    folder = tmp_path_factory.mktemp("gpu")
    write_encoder(folder / "encoder")
    write_sst(folder / "sst")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        decoder = str(save_decoder(folder / "decoder", kind="qwen2"))
        settings = {"PROFILE": "gpu", "RUNS": "runs", "ENCODER": "", "DATA": "", "DECODER": decoder}
        for name, value in settings.items():
            patch.setenv(f"SENTIMENT_KIT_{name}", value)  # set, so that it is put back afterwards
        assert cli.main(["course", "--checkpoint", "encoder", "--data", "sst"]) == 0
    return folder


def test_every_lesson_runs_to_its_end_on_folders_of_ones_own(ran: Path) -> None:
    summary = json.loads((ran / "runs" / "latest" / "summary.json").read_text(encoding="utf-8"))
    assert [lesson["name"] for lesson in summary["lessons"]] == [lesson.name for lesson in course.LESSONS]
    assert summary["profile"] == "gpu" and summary["finished"]
    assert (summary["checkpoint"], summary["data"]) == (str(ran / "encoder"), str(ran / "sst"))


def test_the_splits_are_those_of_the_folder_with_five_labels_made_three(ran: Path) -> None:
    for name, file, rows in (("train", "train", 36), ("validation", "dev", 12), ("test", "test", 12)):
        made = (ran / "runs" / "latest" / "data" / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
        given = (ran / "sst" / f"{file}.jsonl").read_text(encoding="utf-8").splitlines()
        assert len(made) == len(given) == rows
        for one, other in zip(map(json.loads, made), map(json.loads, given), strict=True):
            assert (one["text"], one["label"]) == (other["text"], other["label_text"].removeprefix("very "))


def test_the_settings_are_those_of_the_profile(ran: Path) -> None:
    first = json.loads((ran / "runs" / "latest" / "first_model.json").read_text(encoding="utf-8"))
    gpu = profiles.PROFILES["gpu"]
    assert first["settings"] == {name: getattr(gpu, name) for name in ("learning_rate", "batch_size", "epochs")}


def test_what_needs_films_and_phenomena_is_asked_of_the_bundled_reviews(ran: Path) -> None:
    lesson = nbformat.read(ran / "runs" / "latest" / "notebooks" / "05_evaluate.ipynb", as_version=4)
    tables = [
        output.get("data", {}).get("text/plain", "") for cell in lesson.cells for output in cell.get("outputs", ())
    ]
    (slices,) = [table for table in tables if "passes agree" in table]
    assert "sarcasm" in slices and "489" in slices


def test_the_card_names_the_folders_and_no_path(ran: Path) -> None:
    card = (ran / "runs" / "latest" / "model" / "README.md").read_text(encoding="utf-8")
    assert "36 of sst" in card and "The encoder encoder" in card
    assert str(ran) not in card and "films" not in card and "MiniLM" not in card and "bert-base" not in card
