"""How close a small encoder on two cores comes to published figures on the Stanford Sentiment Treebank, three classes.

python benchmarks/sst3.py --train FILE --validation FILE [--seeds 3] [--held-back 1000]

With ``--held-back N`` nothing but N rows of the training file is scored: for choosing the recipe. Without it the
validation file is scored. The files are JSON Lines with ``text`` and ``label`` (negative, neutral, positive).
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import transformers
from datasets import Dataset

from benchmarks import machine
from sentiment_kit import data, evaluation, models, profiles, training


def predict(
    seed: int, train: Dataset, scored: Dataset, folder: str, args: argparse.Namespace
) -> tuple[np.ndarray, float]:
    """Class ids for the scored rows, by a model trained from one seed, and the seconds of training."""
    profile = profiles.PROFILES["laptop"]
    checkpoint = models.find_checkpoint(profile)
    tokenizer = models.load_tokenizer(checkpoint, max_length=profile.max_length)
    settings = training.training_arguments(
        folder,
        learning_rate=args.learning_rate,
        batch_size=args.batch_size,
        epochs=args.epochs,
        seed=seed,
        eval_strategy="no",
    )
    start = time.perf_counter()
    trainer = training.fine_tune(
        train=data.tokenize(train, tokenizer=tokenizer),
        validation=data.tokenize(scored, tokenizer=tokenizer),
        model=models.load_classifier(checkpoint, seed=seed),
        tokenizer=tokenizer,
        args=settings,
        quiet=True,
    )
    seconds = time.perf_counter() - start
    logits = training.predict_logits(
        data.tokenize(scored, tokenizer=tokenizer), model=trainer.model, tokenizer=tokenizer
    )
    return logits.argmax(axis=1), seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--train", type=Path, required=True)
    parser.add_argument("--validation", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--held-back", type=int, default=0)
    parser.add_argument("--learning-rate", type=float, default=1e-4)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--epochs", type=float, default=2)
    args = parser.parse_args()
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    train = data.read_reviews(args.train)
    scored = data.read_reviews(args.validation)
    if args.held_back:
        order = np.random.default_rng(profiles.SEED).permutation(len(train))
        train, scored = train.select(order[args.held_back :]), train.select(order[: args.held_back])
    print(machine.describe())
    recipe = f"learning rate {args.learning_rate:g}, batches of {args.batch_size}, {args.epochs:g} epochs"
    print(f"{len(train):,} rows to learn from, {len(scored):,} scored; {recipe}\n")
    runs = []
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(1, args.seeds + 1):
            predicted, seconds = predict(seed, train, scored, folder, args)
            runs.append(predicted)
            score = evaluation.score(gold=scored["label"], predicted=predicted)
            told = f"accuracy {score['accuracy']:.3f}, macro-F1 {score['macro_f1']:.3f}, {seconds:.0f} s of training"
            print(f"seed {seed}: {told}", flush=True)
    rows = [str(row) for row in range(len(scored))]  # every row for itself: which film it is of is not known
    table = evaluation.interval_table({"encoder": runs}, gold=list(scored["label"]), groups=rows)
    print("\n| mean of the seeds | score | 95 % interval |\n|---|---|---|")
    for row in table.itertuples():
        print(f"| {row.metric} | {row.score:.3f} | {row.low:.3f} to {row.high:.3f} |")


if __name__ == "__main__":
    main()
