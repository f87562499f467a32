"""How many reviews a second: transformers' pipeline, the kit in torch, in 16 bits, ONNX, and ONNX in 8 bits.

python benchmarks/inference_speed.py [--model runs/latest/model]      about five minutes; needs the extra 'onnx'
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import transformers

from benchmarks import machine
from sentiment_kit import course, export, models, profiles
from sentiment_kit.data import read_table
from sentiment_kit.inference import SentimentClassifier

ROUNDS = 5


def texts_of(split: str) -> list[str]:
    return list(read_table(profiles.bundled("data", "reviews", f"{split}.jsonl"))["text"])


def paragraphs(texts: list[str], tokenizer: transformers.PreTrainedTokenizerBase, tokens: int = 150) -> list[str]:
    """Reviews strung together until each text has about so many tokens."""
    made, current = [], ""
    for text in texts:
        current = f"{current} {text}".strip()
        if len(tokenizer(current)["input_ids"]) >= tokens:
            made.append(current)
            current = ""
    return made


def rates(ways: dict[str, Callable[[list[str]], object]], texts: list[str]) -> dict[str, float]:
    """The median rate of each way over several rounds; in each round every way has its turn."""
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    for way in ways.values():
        way(texts[:64])  # warm up
    for _ in range(ROUNDS):
        for name, way in ways.items():
            start = time.perf_counter()
            way(texts)
            seconds[name].append(time.perf_counter() - start)
    return {name: len(texts) / statistics.median(one) for name, one in seconds.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, default=None, help="a fine-tuned model (default: the course's)")
    model = parser.parse_args().model or course.run_folder() / "model"
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    plain = SentimentClassifier.from_folder(model, threshold=0.0)
    pipe = transformers.pipeline("text-classification", model=str(model), truncation=True)
    with tempfile.TemporaryDirectory() as folder:
        engines = {}
        if models.half_precision_format():
            engines["torch, 16 bits"] = SentimentClassifier.from_folder(model, threshold=0.0, half_precision=True)
        for name, int8 in (("ONNX", False), ("ONNX, 8 bits", True)):
            export.to_onnx(plain.model, plain.tokenizer, Path(folder) / name, int8=int8, texts=texts_of("validation"))
            engines[name] = SentimentClassifier.from_folder(Path(folder) / name, engine="onnx", threshold=0.0)
        ways = {
            "pipeline, one by one": lambda texts: [pipe(text) for text in texts],
            "pipeline, batches of 32": lambda texts: pipe(texts, batch_size=32),
            "kit, torch": plain.predict,
            **{f"kit, {name}": one.predict for name, one in engines.items()},
        }
        print(machine.describe() + "\n")
        report_rates(ways, plain)
        report_labels(plain, engines)


def report_rates(ways: dict[str, Callable[[list[str]], object]], plain: SentimentClassifier) -> None:
    ceiling = machine.matrix_rate()
    sentences = texts_of("validation")[:320]
    for kind, texts in (("sentences", sentences), ("paragraphs", paragraphs(texts_of("train"), plain.tokenizer)[:64])):
        tokens = sum(map(len, plain.tokenizer(texts, truncation=True)["input_ids"]))
        found = rates(ways, texts)
        print(f"{len(texts)} {kind}, {tokens / len(texts):.0f} tokens on average\n")
        print("| way | reviews a second | against one by one | share of the matrix rate |\n|---|---|---|---|")
        for name, rate in found.items():
            share = rate * tokens / len(texts) * machine.operations(plain.model, training=False) / ceiling
            told = "–" if "bits" in name else f"{share:.0%}"  # the rate is that of 32-bit products
            print(f"| {name} | {rate:.0f} | {rate / found['pipeline, one by one']:.1f} | {told} |")
        print()


def report_labels(plain: SentimentClassifier, engines: dict[str, SentimentClassifier]) -> None:
    texts = texts_of("test")
    wanted = [one.label for one in plain.predict(texts)]
    for name, engine in engines.items():
        same = sum(one.label == other for one, other in zip(engine.predict(texts), wanted, strict=True))
        print(f"{name}: the label of torch for {same} of {len(texts)} hold-out reviews")


if __name__ == "__main__":
    main()
