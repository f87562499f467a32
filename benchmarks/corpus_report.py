"""What the bundled reviews are like, and what can be learned from them: prints the tables of docs/corpus.md.

    python benchmarks/corpus_report.py [--carry-over FILE] > docs/corpus.md

About half an hour on two cores. FILE holds labeled reviews from elsewhere (CSV, JSONL or Parquet with text and label),
on which the models trained here are scored and never trained.
"""

import argparse
import re
import statistics
from collections import Counter

import datasets
import numpy as np
import pandas as pd
import transformers

from sentiment_kit import baselines, data, evaluation, models, profiles
from sentiment_kit.labels import LABELS, label2id

SPLIT_SEEDS = (profiles.SEED, 1, 2, 3, 4)
TRAINING_SEEDS = (profiles.SEED, 1, 2)


def words(text: str) -> list[str]:
    return re.findall(r"[\w'’]+", text.casefold())


def grams(texts: list[list[str]], size: int) -> list[str]:
    return [" ".join(text[i : i + size]) for text in texts for i in range(len(text) - size + 1)]


def share_of_reviews(texts: list[list[str]], size: int) -> tuple[str, float]:
    """The word sequence that stands in the most reviews, and the share of reviews it stands in."""
    counts = Counter(gram for text in texts for gram in set(grams([text], size)))
    gram, count = counts.most_common(1)[0]
    return gram, count / len(texts)


def text_tables(raw: pd.DataFrame, kept: pd.DataFrame, dropped: pd.DataFrame) -> None:
    split_words = [words(text) for text in kept["text"]]
    print(
        "## Size\n\n| | reviews | films | negative | neutral | positive | words, mean |\n|---|---|---|---|---|---|---|"
    )
    for name, table in {"all": kept, **data.split(kept)}.items():
        shares = table["label"].value_counts(normalize=True)
        mean = table["text"].str.split().str.len().mean()
        cells = " | ".join(f"{shares[label]:.1%}" for label in LABELS)
        print(f"| {name} | {len(table)} | {table['film'].nunique()} | {cells} | {mean:.1f} |")
    flaws = data.find_flaws(raw)
    print(f"\n{len(raw)} rows in the raw file; {flaws['review_id'].nunique() / len(raw):.1%} of them flawed, ", end="")
    print(f"{len(dropped)} dropped by cleaning.\n\n## Length in words\n")
    print("| | 5 % | 25 % | median | 75 % | 95 % | longest |\n|---|---|---|---|---|---|---|")
    for label in LABELS:
        length = kept.loc[kept["label"] == label, "text"].str.split().str.len()
        print(
            f"| {label} | " + " | ".join(f"{length.quantile(q):.0f}" for q in (0.05, 0.25, 0.5, 0.75, 0.95, 1)) + " |"
        )
    openings = Counter(" ".join(text[:3]) for text in split_words if len(text) >= 3)
    opening, times = openings.most_common(1)[0]
    five, share = share_of_reviews(split_words, 5)
    near = data.near_duplicates(kept["text"].tolist())
    print("\n## Variety\n\n| what | |\n|---|---|")
    print(f"| different words | {len({word for text in split_words for word in text})} |")
    for size in (3, 4):
        all_grams = grams(split_words, size)
        print(f"| different {size}-grams / all {size}-grams | {len(set(all_grams)) / len(all_grams):.3f} |")
    print(f"| commonest opening of three words | '{opening}': {times / len(kept):.2%} of reviews |")
    print(f"| commonest 5-gram | '{five}': {share:.2%} of reviews |")
    print(f"| near-duplicates after cleaning (Jaccard {data.NEAR_DUPLICATE}) | {len(near)} pairs |")


def agreement_table(kept: pd.DataFrame) -> None:
    twice = kept[kept["second_label"] != ""]
    first, second = twice["label"].tolist(), twice["second_label"].tolist()
    rng, films = np.random.default_rng(profiles.SEED), twice.groupby("film").indices
    drawn = []
    for _ in range(500):
        rows = np.concatenate([films[film] for film in rng.choice(list(films), len(films))])
        drawn.append(evaluation.kappa([first[row] for row in rows], [second[row] for row in rows]))
    low, high = np.quantile(drawn, [0.025, 0.975])
    differ = twice[twice["label"] != twice["second_label"]]
    neutral = (differ[["label", "second_label"]] == "neutral").any(axis=1).mean()
    print("\n## Two labeling passes\n")
    print(
        f"Cohen's kappa {evaluation.kappa(first, second):.3f} (95 % interval over films {low:.3f} to {high:.3f}), ",
        end="",
    )
    print(f"{len(twice)} reviews labeled twice, {len(differ)} differences, {neutral:.0%} of them with neutral.\n")
    print("| first \\ second | " + " | ".join(LABELS) + " |\n|---|---|---|---|")
    table = pd.crosstab(twice["label"], twice["second_label"]).reindex(index=LABELS, columns=LABELS, fill_value=0)
    for label, row in table.iterrows():
        print(f"| {label} | " + " | ".join(map(str, row)) + " |")


def as_dataset(table: pd.DataFrame) -> datasets.Dataset:
    features = datasets.Features({"text": datasets.Value("string"), "label": datasets.ClassLabel(names=list(LABELS))})
    ids = [label2id()[name] for name in table["label"]]
    return datasets.Dataset.from_dict({"text": table["text"].tolist(), "label": ids}, features=features)


def cheap_runs(kept: pd.DataFrame, others: list[datasets.Dataset]) -> dict[str, list[list[np.ndarray]]]:
    """Predictions for the hold-out of each split seed and for the other data sets, by models that train in a moment."""
    checkpoint = models.find_checkpoint()
    encoder, tokenizer = models.load_encoder(checkpoint), models.load_tokenizer(checkpoint)
    vectors = dict(
        zip(kept["review_id"], models.embed(kept["text"], encoder=encoder, tokenizer=tokenizer), strict=True)
    )
    other_vectors = [models.embed(list(other["text"]), encoder=encoder, tokenizer=tokenizer) for other in others]
    runs = {"gold": [], "TF-IDF + logistic regression": [], "frozen encoder + logistic regression": []}
    for seed in SPLIT_SEEDS:
        splits = data.split(kept, seed=seed)
        train, test = (as_dataset(splits[name]) for name in ("train", "test"))
        features = {name: np.stack([vectors[one] for one in splits[name]["review_id"]]) for name in ("train", "test")}
        probe = baselines.linear_probe().fit(features["train"], train["label"])
        runs["gold"].append([list(test["label"]), *(list(other["label"]) for other in others)])
        runs["TF-IDF + logistic regression"].append(baselines.bag_of_words(train, [test, *others]))
        runs["frozen encoder + logistic regression"].append(
            [probe.predict(one) for one in (features["test"], *other_vectors)]
        )
    return runs


def dear_runs(kept: pd.DataFrame, others: list[datasets.Dataset]) -> dict[str, list[list[np.ndarray]]]:
    """The same on the committed split, under several training seeds, by models that are trained whole."""
    profile = profiles.PROFILES["laptop"]
    checkpoint = models.find_checkpoint(profile)
    tokenizer = models.load_tokenizer(checkpoint, max_length=profile.max_length)
    splits = data.split(kept)
    parts = [as_dataset(splits["train"]), as_dataset(splits["test"]), *others]
    train, *tests = (data.tokenize(part, tokenizer=tokenizer) for part in parts)
    names = ("learning_rate", "batch_size", "epochs")
    runs = {}
    for name, pretrained in (("the same network from random weights", False), ("fine-tuned encoder", True)):
        by_test = baselines.trained(
            train,
            tests,
            checkpoint=checkpoint,
            tokenizer=tokenizer,
            settings={setting: getattr(profile, setting) for setting in names},
            seeds=TRAINING_SEEDS,
            keep=profiles.runs_folder() / "corpus_report",
            pretrained=pretrained,
        )
        runs[name] = [list(run) for run in zip(*by_test, strict=True)]
    return runs


def score_tables(kept: pd.DataFrame, carry_over: str | None) -> None:
    others = [data.read_reviews(carry_over)] if carry_over else []
    cheap, dear = cheap_runs(kept, others), dear_runs(kept, others)
    gold = cheap.pop("gold")
    majority = [[baselines.majority(np.concatenate([one[0] for one in gold]), len(part)) for part in gold[0]]]
    every = {"commonest label": (majority, gold[:1])} | {name: (runs, gold) for name, runs in cheap.items()}
    every |= {name: (runs, [gold[0]] * len(runs)) for name, runs in dear.items()}
    for position, title in enumerate(["Hold-out split", "Carry-over: real sentences from elsewhere, never trained on"]):
        if position > len(others):
            break
        print(f"\n## {title}\n\n| model | runs | accuracy (lowest to highest) | macro-F1 |\n|---|---|---|---|")
        for name, (runs, golds) in every.items():
            scored = [
                evaluation.score(gold=one[position], predicted=run[position])
                for run, one in zip(runs, golds, strict=True)
            ]
            cells = []
            for metric in ("accuracy", "macro_f1"):
                values = sorted(one[metric] for one in scored)
                spread = f" ({values[0]:.3f} to {values[-1]:.3f})" if len(values) > 1 else ""
                cells.append(f"{statistics.mean(values):.3f}{spread}")
            print(f"| {name} | {len(scored)} | " + " | ".join(cells) + " |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--carry-over", metavar="FILE", help="labeled reviews from elsewhere to score on")
    carry_over = parser.parse_args().carry_over
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    raw = data.load_raw()
    kept, dropped = data.clean(raw)
    print("# The bundled reviews in figures\n\nMade by `python benchmarks/corpus_report.py`; do not edit.\n")
    text_tables(raw, kept, dropped)
    agreement_table(kept)
    score_tables(kept, carry_over)
    print("\nFive runs are five seeds of the split; three runs are three seeds of training on the committed split.")


if __name__ == "__main__":
    main()
