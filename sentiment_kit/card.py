"""The model card (lesson 06): the page that goes with a model, written from what the lessons measured."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import transformers
from huggingface_hub import EvalResult, ModelCard, ModelCardData

from sentiment_kit import files, models, profiles

_SYSTEMS = {
    "fine_tuned": "**this model**",
    "tf_idf": "TF-IDF and logistic regression",
    "frozen_encoder": "the same encoder, not fine-tuned, and logistic regression",
    "random_weights": "the same network, trained from random weights",
    "majority": "always the commonest label",
}

_LIMITS = """\
## Limits

- It knows three answers and gives one of them to anything, be it a recipe or another language: it does not notice that
  a text is no review.
- It was trained and tested on short English movie reviews{source}. Expect lower scores on other texts, and measure
  before you rely on it.
- Typing errors, added sentences and negations move labels that should stay, or leave labels that should move:
  lesson 05b counts how often.
- Names and groups of people in a text may move its answers. That was looked at, not measured thoroughly.
- Language changes and this model does not: label some fresh texts now and then, and compare.

Not for judging people, and not where single answers matter and nobody looks at the doubtful ones.
"""


def write(run: str | Path) -> Path:
    """Writes the card of a run's model, as the ``README.md`` of its folder.

    Args:
        run: The folder of a run, with ``model``, ``choice.json`` and ``scores.json`` (lessons 04 and 05).

    Returns:
        The file.

    Raises:
        ValueError: The run was made with another profile.
        FileNotFoundError: A lesson that the card quotes has not been run; the message says which.
    """
    run = Path(run)
    config = _read(run / "model" / "config.json", "04_tune")
    choice = _read(run / "choice.json", "04_tune")
    scores = _read(run / "scores.json", "05_evaluate")
    calibration = run / "model" / models.CALIBRATION_FILE
    labels = [config["id2label"][str(index)] for index in range(len(config["id2label"]))]
    profile = _made_with(run)
    counts = {name: _count(run / "data" / f"{name}.jsonl") for name in ("train", "validation", "test")}
    parts = [
        f"---\n{_metadata(profile, scores)}\n---\n",
        _opening(profile, labels),
        _use(files.read_json(calibration) if calibration.exists() else {}),
        _training(profile, choice, counts),
        _evaluation(profile, scores, labels, counts["test"]),
        _LIMITS.format(source=" that a language model wrote for the course" if profile.data == "bundled" else ""),
    ]
    path = run / "model" / "README.md"
    files.write_text(path, str(ModelCard("\n".join(parts))))
    return path


def _made_with(run: Path) -> profiles.Profile:
    """The profile of a run, with the names of the folders that stood in for its encoder or its data."""
    profile = profiles.active()
    made = files.read_json(run / "setting.json") if (run / "setting.json").exists() else {}
    if (name := made.get("profile", profile.name)) != profile.name:
        raise ValueError(f"{run}: made with the profile {name!r}: set SENTIMENT_KIT_PROFILE={name} and try again")
    used = {key: made.get(key, getattr(profile, key)) for key in ("checkpoint", "data")}
    return replace(profile, **{key: Path(one).name if Path(one).is_absolute() else one for key, one in used.items()})


def _linked(checkpoint: str) -> str:
    return f"[{checkpoint}](https://huggingface.co/{checkpoint})" if "/" in checkpoint else f"The encoder {checkpoint}"


def _read(path: Path, lesson: str) -> Any:  # noqa: ANN401 (whatever the file holds)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: missing: run lesson {lesson} first")
    return files.read_json(path)


def _count(path: Path) -> int:
    with path.open(encoding="utf-8") as lines:
        return sum(1 for _ in lines)


def _data_name(profile: profiles.Profile) -> str:
    return "the sentiment_kit movie reviews" if profile.data == "bundled" else profile.data


def _metadata(profile: profiles.Profile, scores: Mapping[str, Any]) -> str:
    results = [
        EvalResult(
            task_type="text-classification",
            task_name="Three-class sentiment",
            dataset_type="sentiment_kit" if profile.data == "bundled" else profile.data,
            dataset_name=f"{_data_name(profile).removeprefix('the ')} (hold-out)",
            dataset_split="test",
            metric_type=kind,
            metric_name=name,
            metric_value=round(float(scores["holdout"]["fine_tuned"][score]), 4),
        )
        for kind, name, score in (("accuracy", "accuracy", "accuracy"), ("f1", "macro-F1", "macro_f1"))
    ]
    return ModelCardData(
        language="en",
        license="apache-2.0" if "/" in profile.checkpoint else None,  # that of an encoder of one's own is not known
        library_name="transformers",
        pipeline_tag="text-classification",
        base_model=profile.checkpoint if "/" in profile.checkpoint else None,
        tags=["sentiment-analysis", "movie-reviews", "fine-tuned-in-a-course"],
        model_name="sentiment_kit model",
        eval_results=results,
    ).to_yaml()


def _opening(profile: profiles.Profile, labels: list[str]) -> str:
    return (
        "# Sentiment of movie reviews\n\n"
        f"Says whether the verdict of an English movie review is {', '.join(labels[:-1])} or {labels[-1]}. "
        f"{_linked(profile.checkpoint)} with a classification head, the whole network "
        "fine-tuned in the course sentiment_kit.\n"
    )


def _use(calibration: Mapping[str, float]) -> str:
    plain = (
        "## Use\n\nWith transformers alone, in the folder of this file:\n\n```python\n"
        "from transformers import pipeline\n\n"
        'classify = pipeline("text-classification", model=".", truncation=True)\n'
        'print(classify("A warm, funny film with wonderful acting."))\n```\n'
    )
    if not calibration:
        return plain
    return plain + (
        "\nThat answers always, and is too sure of itself. "
        f"Divided by a temperature of {calibration['temperature']:.2f}, fitted on the validation reviews, the logits "
        f"give probabilities that mean more; below {calibration['threshold']:.2f} better let a person decide. "
        "`calibration.json` holds both, and the kit applies them:\n\n```python\n"
        "from sentiment_kit.inference import SentimentClassifier\n\n"
        'print(SentimentClassifier.from_folder(".").predict(["A warm, funny film with wonderful acting."]))\n```\n'
    )


def _training(profile: profiles.Profile, choice: Mapping[str, Any], counts: Mapping[str, int]) -> str:
    return (
        f"## Training\n\nIt learned from {counts['train']:,} of {_data_name(profile)}; settings were chosen on "
        f"{counts['validation']:,} others{' of other films' if profile.data == 'bundled' else ''}. "
        f"Learning rate {choice['learning_rate']:g}, batches of {choice['batch_size']}, {choice['epochs']:g} epochs, "
        f"chosen after {choice['cost']['trials']} trials; transformers {transformers.__version__}.\n"
    )


def _evaluation(profile: profiles.Profile, scores: Mapping[str, Any], labels: list[str], reviews: int) -> str:
    found = {(row["system"], row["metric"]): row for row in scores["intervals"]}

    def cell(system: str, metric: str) -> str:
        return "{score:.3f} ({low:.3f} to {high:.3f})".format(**found[system, metric])

    of_films, over_films = (" of films", " over films") if profile.data == "bundled" else ("", "")
    lines = [
        f"## Evaluation\n\nOn {reviews:,} hold-out reviews{of_films} that played no part in any choice, with 95 % "
        f"intervals{over_films}:\n",
        "| system | accuracy | macro-F1 |\n|---|---|---|",
    ]
    lines += [f"| {told} | {cell(name, 'accuracy')} | {cell(name, 'macro_f1')} |" for name, told in _SYSTEMS.items()]
    lines.append(
        "\nF1 of each label: " + ", ".join(f"{name} {cell('fine_tuned', f'f1_{name}')}" for name in labels) + ".\n"
    )
    return "\n".join(lines)
