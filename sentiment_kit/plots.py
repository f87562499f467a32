"""Every figure of the course, with alt text: 6 × 3.5 inches at 72 dpi, readable in grey and by color-blind readers."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from sentiment_kit.labels import LABELS

COLORS = ("#b35806", "#8c8c8c", "#265290", "#1b1b1b")
"""Negative, neutral, positive, and ink: apart from white, and from each other in gray and to color-blind readers."""
MARKERS = ("v", "o", "^", "s")
LINES = ("-", "--", ":", "-.")
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


def _see_through(color: str) -> dict[str, object]:
    """Marks that show what lies beneath them, with an edge that stands out."""
    return {"facecolors": [(color, 0.5)], "edgecolors": [color], "linewidths": 0.8}


def _ink(ground: tuple[float, ...]) -> str:
    """Black or white, whichever is easier to read on a color.

    Both are equally so at a relative luminance of 0.179 (WCAG 2.2, https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio).
    """
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in to_rgb(ground)]
    return "black" if np.dot((0.2126, 0.7152, 0.0722), linear) > 0.179 else "white"


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
        box.set(facecolor=(color, 0.6))
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
    axes.bar_label(drawn, fmt="%.2f" if max(values.values()) < 10 else "%.0f", padding=2)
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
        style = {**_see_through(COLORS[index % 4]), "marker": MARKERS[index % 4], "s": 22}
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
        axes.plot(logged["epoch"], logged[value], label=name, linestyle=LINES[index % 4], **style)
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
    cells = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for row, column in np.ndindex(*counts.shape):
        ink = _ink(cells.to_rgba(shares[row, column]))
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
    axes.hlines(rows, table["low"].astype(float), table["high"].astype(float), color=COLORS[3])
    for end in ("low", "high"):
        axes.plot(table[end], rows, "|", color=COLORS[3], markersize=9)
    axes.plot(table["score"], rows, "s", color=COLORS[2])
    first, last = table["low"].min(), table["high"].max()
    for row, one in zip(rows, table.itertuples(), strict=True):
        share = (one.score - first) / (last - first)
        place, side = (
            (one.low, "left") if share < 0.2 else (one.high, "right") if share > 0.8 else (one.score, "center")
        )
        told = f"{one.score:.2f} ({one.low:.2f} to {one.high:.2f})"
        axes.annotate(told, (place, row), (0, 7), textcoords="offset points", ha=side, fontsize=8)
    if table["low"].min() < 0.05:
        axes.axvline(0, color=COLORS[3], linewidth=0.8, linestyle=":")
    axes.set_yticks(rows, table.index.str.replace("_", " "))
    axes.set_ylim(-0.5, len(table) - 0.5)
    axes.set_xlabel(xlabel)
    _plain(axes)
    axes.grid(axis="x", color="#dddddd", linewidth=0.8)
    return figure


def _rate_axis(axes: object) -> None:
    axes.set(xscale="log", xlabel="learning rate", ylabel="macro-F1 (validation)")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:.0e}".replace("e-0", "e-"))
    axes.xaxis.set_minor_formatter(NullFormatter())


def trials(table: pd.DataFrame, *, alt: str) -> AltFigure:
    """Two panels of a search: score by learning rate, and the best score so far by trial.

    Args:
        table: As ``tuning.trials_table`` gives it. Trials that were cut short are drawn hollow.
        alt: Alt text.
    """
    figure = AltFigure(alt)
    left, right = figure.subplots(1, 2, sharey=True)
    whole = table["state"] == "complete"
    for index, (size, group) in enumerate(table.groupby("batch_size")):
        color, style = COLORS[(index + 2) % 4], {"marker": MARKERS[index % 4], "linestyle": "", "markersize": 7}
        mine = whole[group.index]
        for part, fill in ((group[mine], color), (group[~mine], "white")):
            label = f"batch {size}" if fill == color else None
            left.plot(part["learning_rate"], part["macro_f1"], color=color, markerfacecolor=fill, label=label, **style)
    _rate_axis(left)
    left.legend(frameon=False, fontsize=8)
    right.plot(table["trial"][whole], table["macro_f1"][whole], "o", color=COLORS[1], label="trial")
    if not whole.all():
        hollow = {"color": COLORS[1], "markerfacecolor": "white", "label": "cut short"}
        right.plot(table["trial"][~whole], table["macro_f1"][~whole], "o", **hollow)
    best = table["macro_f1"].where(whole).cummax().ffill()
    right.step(table["trial"], best, where="post", color=COLORS[3], label="best so far")
    right.set(xlabel="trial")
    right.legend(frameon=False, fontsize=8)
    for axes in (left, right):
        _plain(axes)
    return figure


def parallel_coordinates(table: pd.DataFrame, *, columns: Sequence[str], alt: str) -> AltFigure:
    """Each trial as a line across its settings and its score; the best quarter is drawn thick and blue.

    Args:
        table: As ``tuning.trials_table`` gives it.
        columns: The columns to draw as axes, from left to right; a learning rate is drawn on a logarithmic scale.
        alt: Alt text.
    """
    figure = AltFigure(alt)
    axes = figure.subplots()
    heights = {}
    for column in columns:
        values = np.log(table[column]) if column == "learning_rate" else table[column].astype(float)
        heights[column] = (values - values.min()) / max(values.max() - values.min(), 1e-12)
        for share, edge in ((0, table[column].min()), (1, table[column].max())):
            axes.annotate(
                f"{edge:.3g}", (columns.index(column), share), (0, 8 if share else -8), textcoords="offset points",
                ha="center", va="bottom" if share else "top", fontsize=9,
            )  # fmt: skip
    rank = table["macro_f1"].rank(pct=True)
    for row in rank.sort_values().index:
        color, width = (COLORS[2], 2.5) if rank[row] > 0.75 else (COLORS[1], 1.0)
        style = "-" if table.loc[row, "state"] == "complete" else ":"
        axes.plot([heights[column][row] for column in columns], color=color, linewidth=width, linestyle=style)
    for place in range(len(columns)):
        axes.axvline(place, color=COLORS[3], linewidth=0.8)
    axes.set_xticks(range(len(columns)), [column.replace("_", " ") for column in columns])
    axes.set(yticks=[], ylim=(-0.15, 1.15))
    axes.spines[["top", "right", "left", "bottom"]].set_visible(False)
    return figure


def seed_spread(scores: Mapping[str, Sequence[float]], *, ylabel: str, alt: str) -> AltFigure:
    """The scores of several seeds as dots, with a bar at their mean, one column for each setting.

    Args:
        scores: By the setting's name one score for each seed.
        ylabel: What the scores are.
        alt: Alt text.
    """
    figure = AltFigure(alt)
    axes = figure.subplots()
    for place, values in enumerate(scores.values()):
        axes.plot([place] * len(values), values, "o", color=COLORS[2], markersize=7, alpha=0.7)
        axes.plot([place - 0.2, place + 0.2], [np.mean(values)] * 2, color=COLORS[3], linewidth=2)
    axes.set_xticks(range(len(scores)), list(scores))
    axes.set(xlim=(-0.6, len(scores) - 0.4), ylabel=ylabel)
    _plain(axes)
    return figure


def _curve(index: int) -> dict[str, str]:
    """Color and dashes of the first, second, … curve of a figure."""
    return {"color": COLORS[(2, 0, 3, 1)[index % 4]], "linestyle": LINES[index % 4]}


def reliability(tables: Mapping[str, pd.DataFrame], *, alt: str) -> AltFigure:
    """Accuracy against confidence: on the diagonal, confidence means what it says.

    Args:
        tables: By a name, what ``calibration.reliability_table`` gave. A dot is larger the more reviews it stands for.
        alt: Alt text.
    """
    figure = AltFigure(alt)
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color=COLORS[3], linewidth=0.8, linestyle=":", label="calibrated")
    for index, (name, table) in enumerate(tables.items()):
        style = _curve(index)
        dots = {"marker": MARKERS[3 - index % 4], "markersize": 3}
        axes.plot(table["confidence"], table["accuracy"], label=name, **style, **dots)
        sizes = 2 * table["reviews"]
        axes.scatter(table["confidence"], table["accuracy"], s=sizes, **_see_through(style["color"]))
    axes.set(xlabel="confidence (probability of the answer)", ylabel="accuracy", xlim=(0.3, 1.02), ylim=(0, 1.05))
    axes.legend(frameon=False, loc="upper left")
    _plain(axes)
    return figure


def abstention(curves: Mapping[str, pd.DataFrame], *, alt: str) -> AltFigure:
    """Accuracy of the answers given, against the share of reviews that get one.

    Args:
        curves: By a name, what ``calibration.abstention_curve`` gave.
        alt: Alt text.
    """
    figure = AltFigure(alt)
    axes = figure.subplots()
    for index, (name, curve) in enumerate(curves.items()):
        shown = curve[curve["answered"] >= 0.1]  # a handful of answers is all luck
        axes.plot(shown["answered"], shown["accuracy"], label=name, **_curve(index))
    axes.set(xlabel="share of reviews answered", ylabel="accuracy of the answers", xlim=(0.08, 1.02))
    axes.legend(frameon=False)
    _plain(axes)
    return figure


def colored_words(words: Sequence[str], scores: Sequence[float], *, alt: str) -> AltFigure:
    """A text whose words are shaded by a score: blue speaks for the label, brown in italics against it.

    Args:
        words: The words and signs in their order.
        scores: One for each; the strongest gets the strongest color.
        alt: Alt text.
    """
    figure = AltFigure(alt)
    axes = figure.subplots()
    axes.axis("off")
    strongest = max((abs(score) for score in scores), default=0) or 1.0
    column, row, width = 0, 0, 58
    for word, score in zip(words, scores, strict=True):
        if column and column + len(word) > width:
            column, row = 0, row + 1
        share = abs(score) / strongest
        shade = (*to_rgb(COLORS[2] if score > 0 else COLORS[0]), 0.75 * share)
        axes.text(
            column, -row, word, family="monospace", fontsize=10, style="normal" if score >= 0 else "italic",
            bbox={"facecolor": shade, "edgecolor": "black" if share > 0.3 else "none", "linewidth": 0.6, "pad": 2},
        )  # fmt: skip
        column += len(word) + 1
    axes.set(xlim=(-0.5, width + 1), ylim=(-row - 0.7, 0.9))
    figure.set_size_inches(6, 0.7 + 0.35 * row)
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
