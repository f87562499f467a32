"""Draws docs/results.png from the last `make course`."""

from sentiment_kit import baselines, course, data, evaluation, models, plots, profiles, training
from sentiment_kit.inference import SentimentClassifier


def main() -> None:
    run, profile = course.run_folder(), profiles.active()
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
