"""Draws docs/results.png and prints the README's table of lessons, both from the last `make course`."""

import json

from sentiment_kit import baselines, course, data, evaluation, models, plots, profiles, training
from sentiment_kit.inference import SentimentClassifier

AIMS = {
    "00_start_here": "what transfer learning is; the six steps; one review traced through the network",
    "01_choose_a_model": "tokens, embeddings, encoder or generative model, reading a model card",
    "02_prepare_data": "audit, clean, split without leaks",
    "03_fine_tune": "a head on the encoder, the whole model trained; generic against fine-tuned",
    "04_tune": "learning rate, batch size, epochs, chosen on validation",
    "05_evaluate": "the hold-out, once: five opponents, intervals, paired tests, slices, mistakes",
    "05b_look_closer": "optional: calibration, abstention, robustness, attributions",
    "06_inference": "new reviews: one, many, a file; 'not sure'",
    "07_adapt_a_generative_model": "LoRA, a decoder as a classifier, prompting without training",
    "08_your_own_task": "your own labels: two classes, four, names in a text; when counting words is enough",
}


def table(summary: dict) -> str:
    lines = ["| lesson | you learn | seconds | peak memory |", "|---|---|---|---|"]
    for one in summary["lessons"]:
        link = f"[{one['name']}](notebooks/{one['name']}.ipynb)"
        lines.append(f"| {link} | {AIMS[one['name']]} | {one['seconds']:.0f} | {one['peak_memory_mb']} MB |")
    return "\n".join(lines)


def main() -> None:
    run, profile = course.run_folder(), profiles.active()
    print(table(json.loads((run / "summary.json").read_text(encoding="utf-8"))))
    checkpoint = models.find_checkpoint(profile)
    tokenizer = models.load_tokenizer(checkpoint, max_length=profile.max_length)
    splits = data.load_splits(run / "data", names=("train", "test"))
    test = data.tokenize(splits["test"], tokenizer=tokenizer)
    settings = {"checkpoint": checkpoint, "tokenizer": tokenizer}
    model = SentimentClassifier.from_folder(run / "model").model
    predicted = {
        "commonest label": baselines.majority(splits["train"]["label"], len(test)),
        "untrained head\n(first of five)": baselines.untrained_head([test], **settings, seeds=[0])[0][0],
        "frozen encoder +\nlogistic regression": baselines.frozen_encoder(
            splits["train"], [splits["test"]], **settings
        )[0],
        "TF-IDF +\nlogistic regression": baselines.bag_of_words(splits["train"], [splits["test"]])[0],
        "fine-tuned": training.predict_logits(test, model=model, tokenizer=tokenizer).argmax(axis=1),
    }
    gold, films = list(test["label"]), list(splits["test"]["film"])
    scores = evaluation.interval_table({name: [one] for name, one in predicted.items()}, gold=gold, groups=films)
    figure = plots.intervals(
        scores[scores["metric"] == "macro_f1"].set_index("system"),
        xlabel="macro-F1 on the hold-out reviews (95 % interval)",
        alt="results",
    )
    figure.savefig("docs/results.png", dpi=144)


if __name__ == "__main__":
    main()
