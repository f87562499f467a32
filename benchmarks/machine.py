"""What the benchmarks share: a word on the machine, and the rate of its matrix products, which nothing can exceed."""

import os
import platform
import time

import torch
import transformers
from transformers import PreTrainedModel


def describe() -> str:
    """The processor, cores, threads and versions, in a line."""
    name = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            name = next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    return (
        f"{name}, {os.cpu_count()} cores, {torch.get_num_threads()} threads; Python {platform.python_version()}, "
        f"torch {torch.__version__}, transformers {transformers.__version__}"
    )


def matrix_rate(seconds: float = 1.0, *, kind: torch.dtype = torch.float32) -> float:
    """The best rate of matrix products of the encoder's shapes in a number format, in operations a second.

    Batches of 256 to 4,096 tokens are tried, times the two matrices of a feed-forward layer of 384 and 1,536.
    """
    best = 0.0
    for tokens in (256, 1024, 4096):
        for inner, outer in ((384, 1536), (1536, 384)):
            left, right = torch.randn(tokens, inner, dtype=kind), torch.randn(inner, outer, dtype=kind)
            for _ in range(5):
                left @ right
            done, start = 0, time.perf_counter()
            while time.perf_counter() - start < seconds / 6:
                left @ right
                done += 1
            best = max(best, done * 2 * tokens * inner * outer / (time.perf_counter() - start))
    return best


def operations(model: PreTrainedModel, *, training: bool) -> float:
    """Operations for each token: two for each weight outside the embeddings, three times that in training.

    (Attention between tokens comes on top: below 3 % at the lengths of reviews.)
    """
    inside = sum(weights.numel() for weights in model.parameters())
    inside -= sum(weights.numel() for weights in model.base_model.embeddings.parameters())
    return (6 if training else 2) * inside
