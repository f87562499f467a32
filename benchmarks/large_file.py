"""Memory and rate of `sentiment-kit predict` on a large file, over time.

python benchmarks/large_file.py [--rows 200000] [--model DIR] [--engine onnx] [--figure docs/memory.png]
"""

import argparse
import csv
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import psutil
from matplotlib.figure import Figure

from benchmarks import machine
from sentiment_kit import course, profiles
from sentiment_kit.data import read_table


def write_rows(path: Path, rows: int) -> None:
    """The kit's reviews over and over in random order, numbered; one text in a thousand is empty."""
    texts = list(read_table(profiles.bundled("data", "reviews", "train.jsonl"))["text"])
    drawn = np.random.default_rng(profiles.SEED).integers(len(texts), size=rows)
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["id", "text"])
        writer.writerows([place, "" if place % 1000 == 7 else texts[index]] for place, index in enumerate(drawn))


def watch(command: list[str]) -> tuple[np.ndarray, int]:
    """Seconds and megabytes of a process, every half second, and its exit code."""
    process = psutil.Popen(command)
    start, found = time.perf_counter(), []
    while process.poll() is None:
        try:
            found.append((time.perf_counter() - start, process.memory_info().rss / 1e6))
        except psutil.Error:
            break
        time.sleep(0.5)
    return np.array(found), process.wait()


def draw(found: np.ndarray, path: Path) -> None:
    figure = Figure(figsize=(6, 3.5), dpi=72, layout="tight")
    axes = figure.add_subplot()
    axes.plot(found[:, 0] / 60, found[:, 1] / 1000, color="black")
    axes.set(xlabel="minutes", ylabel="memory, GB", ylim=(0, 1.6))
    axes.axhline(1.5, color="gray", linestyle="--")
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--engine", default="torch")
    parser.add_argument("--figure", type=Path, help="where to draw memory over time")
    args = parser.parse_args()
    model = args.model or course.run_folder() / "model"
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "rows.csv", Path(folder) / "labeled.csv"
        write_rows(source, args.rows)
        command = [sys.executable, "-m", "sentiment_kit", "predict", "--model", str(model), "--engine", args.engine]
        found, code = watch([*command, "--input", str(source), "--output", str(target)])
        if code:
            sys.exit(code)
        labeled = int(
            subprocess.run(["wc", "-l", target], capture_output=True, text=True, check=True).stdout.split()[0]
        )
        rejected = (Path(folder) / "labeled.csv.rejected.jsonl").read_text(encoding="utf-8").count("\n")
    late = found[len(found) // 2 :, 1]
    print(f"{machine.describe()}\n")
    print("| rows | labeled | set aside | minutes | rows a second | peak, MB | growth in the second half, MB |")
    print("|---|---|---|---|---|---|---|")
    minutes = found[-1, 0] / 60
    told = f"{minutes:.1f} | {args.rows / minutes / 60:.0f} | {found[:, 1].max():.0f} | {late.max() - late[0]:+.0f}"
    print(f"| {args.rows:,} | {labeled - 1:,} | {rejected:,} | {told} |")
    if args.figure:
        draw(found, args.figure)


if __name__ == "__main__":
    main()
