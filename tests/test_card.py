"""The model card: valid metadata, figures that are those of the run, and a clear word when a lesson is missing."""

import json
import re
import shutil

import pytest
import yaml
from huggingface_hub import ModelCard

from sentiment_kit import card

SYSTEMS = ("majority", "untrained_head", "random_weights", "frozen_encoder", "tf_idf", "fine_tuned")
METRICS = ("accuracy", "macro_f1", "f1_negative", "f1_neutral", "f1_positive")


@pytest.fixture
def run(tiny_bert, tmp_path):
    shutil.copytree(tiny_bert, tmp_path / "model")
    (tmp_path / "data").mkdir()
    for number, name in enumerate(("train", "validation", "test"), start=3):
        (tmp_path / "data" / f"{name}.jsonl").write_text("{}\n" * number * 1000)
    scores = {name: {"accuracy": 0.1 * place, "macro_f1": 0.09 * place} for place, name in enumerate(SYSTEMS, start=1)}
    intervals = [
        {"system": name, "runs": 1, "metric": metric, "score": 0.1 * place, "low": 0.1 * place - 0.05, "high": 0.9}
        for place, name in enumerate(SYSTEMS, start=1)
        for metric in METRICS
    ]
    (tmp_path / "scores.json").write_text(json.dumps({"validation": {}, "holdout": scores, "intervals": intervals}))
    choice = {"learning_rate": 7e-5, "batch_size": 8, "epochs": 3, "cost": {"trials": 9, "seconds": 100}}
    (tmp_path / "choice.json").write_text(json.dumps(choice))
    return tmp_path


def test_the_metadata_are_what_the_hub_reads(run):
    read = ModelCard.load(card.write(run)).data
    assert (read.license, read.library_name, read.pipeline_tag) == ("apache-2.0", "transformers", "text-classification")
    assert read.base_model == "sentence-transformers/all-MiniLM-L6-v2"
    assert [(one.metric_type, one.metric_value) for one in read.eval_results] == [("accuracy", 0.6), ("f1", 0.54)]
    assert all(one.task_type == "text-classification" and one.dataset_split == "test" for one in read.eval_results)
    front = (run / "model" / "README.md").read_text(encoding="utf-8").split("---\n")[1]
    assert yaml.safe_load(front)["model-index"][0]["results"]


def test_the_figures_are_those_of_the_run(run):
    text = card.write(run).read_text(encoding="utf-8")
    assert (
        "learned from 3,000 of the sentiment_kit movie reviews" in text
        and "4,000 others" in text
        and "On 5,000 hold-out reviews" in text
    )
    assert "Learning rate 7e-05, batches of 8, 3 epochs, chosen after 9 trials" in text
    assert "| **this model** | 0.600 (0.550 to 0.900) | 0.600 (0.550 to 0.900) |" in text
    assert re.search(r"\| TF-IDF .*\| 0\.500 \(0\.450 to 0\.900\)", text)
    assert "calibration.json" not in text
    (run / "model" / "calibration.json").write_text('{"temperature": 1.56, "threshold": 0.85}')
    text = card.write(run).read_text(encoding="utf-8")
    assert "temperature of 1.56" in text and "below 0.85" in text


def test_what_the_card_tells_to_run_runs(run, monkeypatch, capsys):
    (run / "model" / "calibration.json").write_text('{"temperature": 1.5, "threshold": 0.2}')
    snippets = re.findall(r"```python\n(.*?)```", card.write(run).read_text(encoding="utf-8"), re.S)
    monkeypatch.chdir(run / "model")
    for snippet in snippets:
        exec(snippet, {})
    assert len(snippets) == 2 and capsys.readouterr().out.count("\n") == 2


@pytest.mark.parametrize(
    ("missing", "lesson"),
    [("choice.json", "04_tune"), ("scores.json", "05_evaluate"), ("model/config.json", "04_tune")],
)
def test_a_missing_lesson_is_named_and_nothing_written(run, missing, lesson):
    (run / missing).unlink()
    with pytest.raises(FileNotFoundError, match=f"missing: run lesson {lesson} first"):
        card.write(run)
    assert not (run / "model" / "README.md").exists()


def test_a_run_of_another_profile_is_refused(run, monkeypatch):
    (run / "setting.json").write_text('{"profile": "laptop"}')
    assert card.write(run)
    monkeypatch.setenv("SENTIMENT_KIT_PROFILE", "gpu")
    with pytest.raises(ValueError, match="set SENTIMENT_KIT_PROFILE=laptop"):
        card.write(run)


def test_folders_in_place_of_encoder_and_data_are_named_without_their_path(run):
    setting = {"profile": "laptop", "checkpoint": "/home/ada/mine", "data": "/home/ada/sst", "seed": 42}
    (run / "setting.json").write_text(json.dumps(setting))
    text = card.write(run).read_text(encoding="utf-8")
    assert "The encoder mine with a classification head" in text and "3,000 of sst;" in text
    assert "On 5,000 hold-out reviews that played no part" in text
    assert "/home/ada" not in text and "MiniLM" not in text and "huggingface.co" not in text
    assert ModelCard.load(run / "model" / "README.md").data.base_model is None
