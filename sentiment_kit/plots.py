"""Every figure of the course, with alt text: 6 × 3.5 inches at 72 dpi, readable in grey and by color-blind readers."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from sentiment_kit.labels import LABELS

COLORS = ("#b35806", "#8c8c8c", "#2d5f9a", "#1b1b1b")
"""Negative, neutral, positive, and ink: three hues of differing lightness."""
MARKERS = ("v", "o", "^", "s")
HATCHES = ("//", "..", "", "xx")


class AltFigure(Figure):
    """A matplotlib figure that carries alt text: notebooks store it with the picture and print it where they can't.

    Attributes:
        alt: What the figure shows, in a sentence.
    """

    def __init__(self, alt: str, *, size: tuple[float, float] = (6, 3.5)) -> None:
        super().__init__(figsize=size, dpi=72, layout="constrained")
        self.alt = alt

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> tuple[dict, dict]:
        from io import BytesIO

        picture = BytesIO()
        self.savefig(picture, format="png")
        return (
            {"image/png": picture.getvalue(), "text/plain": f"[figure] {self.alt}"},
            {"image/png": {"alt": self.alt}},
        )


def _plain(axes: object) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="#dddddd", linewidth=0.8)
    axes.set_axisbelow(True)


def lengths(reviews: pd.DataFrame, *, labels: Sequence[str] = LABELS) -> AltFigure:
    """Box plots of words in a review for each label.

    Args:
        reviews: A table with ``text`` and ``label``.
        labels: The label names, in the order to draw them.
    """
    figure = AltFigure("Box plots of review length in words, one for each label; the three overlap.")
    axes = figure.subplots()
    words = [reviews.loc[reviews["label"] == name, "text"].str.split().str.len() for name in labels]
    boxes = axes.boxplot(words, tick_labels=list(labels), patch_artist=True, widths=0.5)
    for box, median, color in zip(boxes["boxes"], boxes["medians"], COLORS, strict=False):
        box.set(facecolor=color, alpha=0.6)
        median.set(color="black", linewidth=2)
    axes.set_ylabel("words in a review")
    _plain(axes)
    return figure


def bars(values: Mapping[str, float], *, ylabel: str, alt: str, limit: float | None = None) -> AltFigure:
    """Labeled bars, such as one score for each system.

    Args:
        values: Heights by name, in the order to draw them.
        ylabel: What the heights are.
        alt: Alt text.
        limit: The top of the axis; chosen from the data if left out.
    """
    figure = AltFigure(alt)
    axes = figure.subplots()
    drawn = axes.bar(list(values), list(values.values()), color=COLORS[2], edgecolor="black", width=0.6)
    axes.bar_label(drawn, fmt="%.2f", padding=2)
    axes.set_ylabel(ylabel)
    if limit:
        axes.set_ylim(0, limit)
    axes.tick_params(axis="x", labelsize=9)
    _plain(axes)
    return figure


def scatter(points: np.ndarray, gold: Sequence[int], *, alt: str, labels: Sequence[str] = LABELS) -> AltFigure:
    """Points in the plane, one shape and color for each label.

    Args:
        points: Shape (reviews, 2).
        gold: Label ids, one for each point.
        alt: Alt text.
        labels: The label names in the order of their ids.
    """
    figure = AltFigure(alt)
    axes = figure.subplots()
    gold = np.asarray(gold)
    for index, name in enumerate(labels):
        mine = points[gold == index]
        style = {"color": COLORS[index % 4], "marker": MARKERS[index % 4], "alpha": 0.6, "s": 22}
        axes.scatter(mine[:, 0], mine[:, 1], label=name, **style)
    axes.set(xlabel="first direction", ylabel="second direction")
    axes.legend(frameon=False)
    _plain(axes)
    return figure


def loss_curves(histories: Mapping[str, pd.DataFrame], *, alt: str, column: str = "validation_loss") -> AltFigure:
    """Lines of a logged value against epochs, one for each run.

    Args:
        histories: Tables from ``training.loss_history`` by the name of their run.
        alt: Alt text.
        column: What to draw; with one run, ``train_loss`` is drawn beside it.
    """
    figure = AltFigure(alt)
    axes = figure.subplots()
    lines = [(name, history, column) for name, history in histories.items()]
    if len(lines) == 1:
        lines = [("training", lines[0][1], "train_loss"), ("validation", lines[0][1], column)]
    for index, (name, history, value) in enumerate(lines):
        logged = history.dropna(subset=[value])
        style = {"color": COLORS[(index + 2) % 4], "marker": MARKERS[index % 4], "markersize": 5}
        axes.plot(logged["epoch"], logged[value], label=name, linestyle=("-", "--", ":", "-.")[index % 4], **style)
    axes.set(xlabel="epochs (passes over the training reviews)", ylabel=column.replace("validation_", ""))
    axes.legend(frameon=False)
    _plain(axes)
    return figure


def confusion(counts: np.ndarray, *, alt: str, labels: Sequence[str] = LABELS) -> AltFigure:
    """A confusion matrix: how often each gold label (row) was predicted as each label (column).

    Args:
        counts: Shape (labels, labels), gold labels in rows.
        alt: Alt text.
        labels: The label names in the order of their ids.
    """
    counts = np.asarray(counts)
    figure = AltFigure(alt, size=(6, 4))
    axes = figure.subplots()
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for row, column in np.ndindex(*counts.shape):
        ink = "white" if shares[row, column] > 0.5 else "black"
        text = f"{counts[row, column]}\n{shares[row, column]:.0%}"
        axes.text(column, row, text, ha="center", va="center", color=ink, fontsize=11)
    axes.set_xticks(range(len(labels)), labels)
    axes.set_yticks(range(len(labels)), labels)
    axes.set(xlabel="predicted", ylabel="gold")
    return figure


def intervals(table: pd.DataFrame, *, xlabel: str, alt: str) -> AltFigure:
    """Scores as dots with their intervals as bars, one line for each system.

    Args:
        table: Indexed by the system's name, with ``score``, ``low`` and ``high``.
        xlabel: What the score is.
        alt: Alt text.
    """
    figure = AltFigure(alt)
    axes = figure.subplots()
    rows = np.arange(len(table))[::-1]
    errors = [table["score"] - table["low"], table["high"] - table["score"]]
    axes.errorbar(table["score"], rows, xerr=errors, fmt="s", color=COLORS[2], ecolor=COLORS[3], capsize=4)
    axes.set_yticks(rows, table.index.str.replace("_", " "))
    axes.set_ylim(-0.5, len(table) - 0.5)
    axes.set_xlabel(xlabel)
    _plain(axes)
    axes.grid(axis="x", color="#dddddd", linewidth=0.8)
    return figure


def trials(table: pd.DataFrame, *, alt: str) -> AltFigure:
    """Two panels of a search: score by learning rate, and the best score so far by trial.

    Args:
        table: As ``tuning.trials_table`` gives it.
        alt: Alt text.
    """
    figure = AltFigure(alt)
    left, right = figure.subplots(1, 2, sharey=True)
    for index, (size, group) in enumerate(table.groupby("batch_size")):
        style = {
            "color": COLORS[(index + 2) % 4],
            "marker": MARKERS[index % 4],
            "linestyle": "",
            "markersize": 7,
        }
        left.plot(group["learning_rate"], group["macro_f1"], label=f"batch {size}", **style)
    left.set(xscale="log", xlabel="learning rate", ylabel="macro-F1 (validation)")
    left.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    left.xaxis.set_major_formatter(lambda value, _: f"{value:.0e}".replace("e-0", "e-"))
    left.xaxis.set_minor_formatter(NullFormatter())
    left.legend(frameon=False, fontsize=8)
    right.plot(table["trial"], table["macro_f1"], "o", color=COLORS[1], label="trial")
    right.step(table["trial"], table["macro_f1"].cummax(), where="post", color=COLORS[3], label="best so far")
    right.set(xlabel="trial")
    right.legend(frameon=False, fontsize=8)
    for axes in (left, right):
        _plain(axes)
    return figure


def probabilities(values: Sequence[float], *, alt: str, labels: Sequence[str] = LABELS) -> AltFigure:
    """One review's probabilities as horizontal bars.

    Args:
        values: A probability for each label; they add up to 1.
        alt: Alt text.
        labels: The label names in the order of their ids.
    """
    figure = AltFigure(alt, size=(6, 2))
    axes = figure.subplots()
    rows = np.arange(len(labels))[::-1]
    drawn = axes.barh(rows, list(values), color=COLORS[: len(labels)], edgecolor="black")
    for bar, hatch in zip(drawn, HATCHES, strict=False):
        bar.set_hatch(hatch)
    axes.bar_label(drawn, fmt="%.2f", padding=3)
    axes.set_yticks(rows, labels)
    axes.set_xlim(0, 1.12)
    axes.spines[["top", "right"]].set_visible(False)
    return figure
