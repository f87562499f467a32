"""How fast fine-tuning is: the settings of transformers' example script, of its notebook, and of the kit, side by side.

python benchmarks/training_speed.py            about half an hour
python benchmarks/training_speed.py --quick    rates and memory only, about five minutes
python benchmarks/training_speed.py --compile  what torch.compile gives and costs (needs a C++ compiler), ten minutes
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch
import transformers
from datasets import Dataset
from transformers import DataCollatorWithPadding, TrainerCallback, TrainingArguments

from benchmarks import machine
from sentiment_kit import data, models, profiles, training

ROUNDS, REVIEWS, SEEDS, TARGET = 3, 320, (1, 2), 0.72
PROFILE = profiles.PROFILES["laptop"]
NOTEBOOK = "notebook (dynamic padding, batches of 16)"
KIT_SIXTEEN = "kit, batches of 16"
SIXTEEN = {"batch_size": 16, "learning_rate": 1e-4}  # for batches twice as large as in the lessons
WAYS = {
    "example script (padded to 128, batches of 8)": {"train_sampling_strategy": "random", "pad_to": 128},
    NOTEBOOK: SIXTEEN | {"train_sampling_strategy": "random"},
    "kit, batches of 8 as in the lessons": {},
    KIT_SIXTEEN: SIXTEEN,
}
if models.half_precision_format():
    WAYS["kit, batches of 16, in 16 bits"] = SIXTEEN | {"half_precision": True}


class Counting(DataCollatorWithPadding):
    """Counts the tokens that are no padding."""

    tokens = 0

    def __call__(self, features: list[dict]) -> dict[str, torch.Tensor]:
        batch = super().__call__(features)
        self.tokens += int(batch["attention_mask"].sum())
        return batch


class Clock(TrainerCallback):
    """Seconds of training without evaluation, and the score reached by then; the first steps only warm up."""

    def __init__(self, collator: Counting, warm_up: int) -> None:
        self.collator, self.warm_up, self.curve = collator, warm_up, []
        self.start = self.mark = self.seconds = 0.0

    def on_step_end(self, args, state, control, **_):
        self.mark = time.perf_counter()
        if state.global_step == self.warm_up:
            self.start, self.collator.tokens = self.mark, 0
        self.seconds = self.mark - self.start

    def on_evaluate(self, args, state, control, metrics, **_):
        self.curve.append((self.seconds, metrics["eval_macro_f1"]))
        self.start += time.perf_counter() - self.mark  # the clock stood still


def load() -> tuple[Dataset, Dataset, transformers.PreTrainedTokenizerBase, str]:
    checkpoint = models.find_checkpoint(PROFILE)
    tokenizer = models.load_tokenizer(checkpoint, max_length=128)
    read = [data.read_reviews(profiles.bundled("data", "reviews", f"{name}.jsonl")) for name in ("train", "validation")]
    return *(data.tokenize(one, tokenizer=tokenizer) for one in read), tokenizer, checkpoint


def train(
    way: str, folder: str, *, steps: int | None = None, warm_up: int = 5, seed: int = 1, evaluations: float = 0, **more
) -> Clock:
    """Trains one way, for some steps or to the end, and gives its clock."""
    train_split, validation, tokenizer, checkpoint = load()
    settings = WAYS[way] | more
    length = settings.pop("pad_to", None)
    collator = Counting(tokenizer, padding="max_length" if length else True, max_length=length)
    evaluating = {"eval_strategy": "steps", "eval_steps": evaluations} if evaluations else {"eval_strategy": "no"}
    args: TrainingArguments = training.training_arguments(
        folder, seed=seed, max_steps=steps or -1, **evaluating, **settings
    )
    clock = Clock(collator, warm_up=warm_up if steps else 0)
    trainer = transformers.Trainer(
        model=models.load_classifier(checkpoint, seed=seed),
        args=args,
        train_dataset=train_split,
        eval_dataset=validation,
        processing_class=tokenizer,
        data_collator=collator,
        compute_metrics=training.metric_function(),
        callbacks=[clock],
    )
    trainer.remove_callback(transformers.trainer_callback.ProgressCallback)
    trainer.remove_callback(transformers.trainer_callback.PrinterCallback)
    clock.start = time.perf_counter()
    trainer.train()
    clock.model = trainer.model
    return clock


def rate(way: str, folder: str) -> float:
    """Real tokens a second, over so many steps that every way sees the same number of reviews."""
    size = WAYS[way].get("batch_size", PROFILE.batch_size)
    clock = train(way, folder, steps=5 + REVIEWS // size)
    return clock.collator.tokens / clock.seconds


def peak_megabytes(way: str) -> float:
    """The most memory that a process of its own took for a few steps."""
    command = [sys.executable, __file__, "--memory-of", way]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()[-1])


def print_rates(folder: str) -> None:
    rates: dict[str, list[float]] = {way: [] for way in WAYS}
    formats = {False: torch.float32, True: models.half_precision_format()}
    ceilings: dict[bool, list[float]] = {half: [] for half, kind in formats.items() if kind}
    for _ in range(ROUNDS):  # every way in turn, so that a busy moment hits all
        for half, found in ceilings.items():
            found.append(machine.matrix_rate(kind=formats[half]))
        for way in WAYS:
            rates[way].append(rate(way, folder))
    for_each = machine.operations(models.load_classifier(models.find_checkpoint(PROFILE)), training=True)
    ceiling = {half: statistics.median(found) / for_each for half, found in ceilings.items()}
    for half, allowed in ceiling.items():
        print(f"matrix products in {16 if half else 32} bits alone would allow {allowed:.0f} tokens a second")
    print()
    print("| settings | real tokens a second | against the notebook | share of the matrix rate | peak memory, MB |")
    print("|---|---|---|---|---|")
    notebook = statistics.median(rates[NOTEBOOK])
    for way, found in rates.items():
        middle = statistics.median(found)
        share = middle / ceiling[WAYS[way].get("half_precision", False)]
        told = f"{middle:.0f} | {middle / notebook:.2f} | {share:.0%} | {peak_megabytes(way):.0f}"
        print(f"| {way} | {told} |", flush=True)


def print_scores(folder: str, ways: Sequence[str]) -> None:
    print(f"\n| settings | seed | seconds to macro-F1 {TARGET:.2f} | seconds in all | final macro-F1 |")
    print("|---|---|---|---|---|")
    for seed in SEEDS:
        for way in ways:
            curve = train(way, folder, seed=seed, evaluations=1 / 24).curve
            reached = next((f"{seconds:.0f}" for seconds, score in curve if score >= TARGET), "never")
            print(f"| {way} | {seed} | {reached} | {curve[-1][0]:.0f} | {curve[-1][1]:.3f} |", flush=True)


def print_compiled(folder: str, *, warm_up: int = 60, steps: int = 143) -> None:
    """An epoch as it is and compiled: the rate once most shapes are compiled, and what compiling took until then."""
    print(f"| {KIT_SIXTEEN} | seconds of the first {warm_up} steps | real tokens a second after them |")
    print("|---|---|---|")
    for _ in range(2):
        for compiled in (False, True):
            torch.compiler.reset()
            begin = time.perf_counter()
            clock = train(KIT_SIXTEEN, folder, steps=steps, warm_up=warm_up, torch_compile=compiled)
            name = "torch.compile" if compiled else "as it is"
            told = f"{clock.start - begin:.0f} | {clock.collator.tokens / clock.seconds:.0f}"
            print(f"| {name} | {told} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="rates and memory only")
    parser.add_argument("--compile", action="store_true", help="what torch.compile gives and costs, nothing else")
    parser.add_argument("--score-of", metavar="SETTINGS", choices=WAYS, help="the scores of one row, nothing else")
    parser.add_argument("--memory-of", help=argparse.SUPPRESS)
    args = parser.parse_args()
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    with tempfile.TemporaryDirectory() as folder:
        if args.memory_of:
            train(args.memory_of, folder, steps=12)
            status = Path("/proc/self/status").read_text(encoding="utf-8")  # getrusage would count the parent's memory
            print(next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmHWM")))
            return
        print(machine.describe() + "\n")
        if args.compile:
            print_compiled(folder)
            return
        if args.score_of:
            print_scores(folder, [args.score_of])
            return
        print_rates(folder)
        if not args.quick:
            print_scores(folder, list(WAYS)[1:])


if __name__ == "__main__":
    main()
