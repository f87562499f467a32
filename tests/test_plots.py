"""Figures: each shows the numbers it was given, and says in words what it shows."""

import struct
import sys

import numpy as np
import pandas as pd
import pytest

from sentiment_kit import plots

HISTORY = pd.DataFrame(
    {
        "epoch": [0.5, 1.0, 1.0, 1.5, 2.0, 2.0],
        "train_loss": [1.2, 0.9, np.nan, 0.5, 0.3, np.nan],
        "validation_loss": [np.nan, np.nan, 1.0, np.nan, np.nan, 0.8],
        "macro_f1": [np.nan, np.nan, 0.4, np.nan, np.nan, 0.6],
    }
)
TRIALS = pd.DataFrame(
    {
        "trial": [1, 2, 3, 4],
        "learning_rate": [1e-4, 3e-4, 2e-4, 5e-4],
        "batch_size": [8, 16, 8, 16],
        "epochs": [1, 2, 2, 1],
        "macro_f1": [0.5, 0.7, 0.6, 0.4],
        "seconds": [1.0, 2.0, 3.0, 4.0],
    }
)
REVIEWS = pd.DataFrame(
    {
        "text": ["a b", "a b c d", "a b c d e f", "a", "a b c", "a b c d e"],
        "label": ["negative", "negative", "negative", "neutral", "neutral", "positive"],
    }
)
INTERVALS = pd.DataFrame({"score": [0.6, 0.8], "low": [0.5, 0.77], "high": [0.65, 0.9]}, index=["frozen", "fine-tuned"])
COUNTS = np.array([[8, 2, 0], [1, 1, 6], [0, 0, 0]])

FIGURES = {
    "lengths": lambda: plots.lengths(REVIEWS),
    "bars": lambda: plots.bars({"a": 0.2, "b": 0.8}, ylabel="macro-F1", alt="b is higher.", limit=1),
    "scatter": lambda: plots.scatter(np.arange(8.0).reshape(4, 2), [0, 2, 1, 2], alt="Points."),
    "loss_curves": lambda: plots.loss_curves({"run": HISTORY}, alt="Both fall."),
    "confusion": lambda: plots.confusion(COUNTS, alt="Neutral is taken for positive."),
    "intervals": lambda: plots.intervals(INTERVALS, xlabel="macro-F1", alt="They do not overlap."),
    "trials": lambda: plots.trials(TRIALS, alt="Trial two is best."),
    "probabilities": lambda: plots.probabilities([0.1, 0.2, 0.7], alt="Positive."),
}


def test_every_figure_of_the_module_is_tested_here():
    public = {
        name
        for name, value in vars(plots).items()
        if callable(value) and getattr(value, "__module__", "") == plots.__name__ and not isinstance(value, type)
    }
    assert {name for name in public if not name.startswith("_")} == set(FIGURES)


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.filterwarnings("error::RuntimeWarning", "error::UserWarning")
def test_figures_draw_small_with_alt_text_and_no_global_state(name):
    figure = FIGURES[name]()
    bundle, metadata = figure._repr_mimebundle_()
    png = bundle["image/png"]
    assert png.startswith(b"\x89PNG")
    width, height = struct.unpack(">II", png[16:24])
    assert (width, height) <= (432, 288) and len(png) < 60_000
    assert figure.alt and figure.alt.endswith(".")
    assert bundle["text/plain"] == f"[figure] {figure.alt}"
    assert metadata["image/png"]["alt"] == figure.alt
    pyplot = sys.modules.get("matplotlib.pyplot")
    assert pyplot is None or not pyplot.get_fignums()
    for axes in figure.axes[:1]:
        assert axes.get_xlabel() or axes.get_ylabel() or name == "probabilities"


def test_lengths_shows_the_median_of_each_label_in_the_order_asked_for():
    axes = plots.lengths(REVIEWS, labels=("positive", "neutral", "negative")).axes[0]
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["positive", "neutral", "negative"]
    flat = [line for line in axes.lines if len(set(line.get_ydata())) == 1 and len(line.get_ydata()) == 2]
    inside = {}  # the line across the middle of each box, by the box's place
    for line in flat:
        if line.get_linewidth() == 2:
            inside[round(float(np.mean(line.get_xdata())))] = line.get_ydata()[0]
    assert inside == {1: 5, 2: 2, 3: 4}


def test_bars_have_the_heights_of_their_names():
    axes = plots.bars({"low": 0.2, "high": 0.85}, ylabel="share", alt="x.", limit=1).axes[0]
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["low", "high"]
    assert [bar.get_height() for bar in axes.patches] == [0.2, 0.85]
    assert [text.get_text() for text in axes.texts] == ["0.20", "0.85"]
    assert axes.get_ylim() == (0, 1)


def test_scatter_gives_each_point_the_shape_of_its_label():
    points = np.array([[0.0, 0.0], [1.0, 5.0], [2.0, 2.0], [3.0, 1.0]])
    axes = plots.scatter(points, [0, 2, 1, 2], alt="x.").axes[0]
    drawn = {group.get_label(): group.get_offsets().tolist() for group in axes.collections}
    assert drawn == {"negative": [[0, 0]], "neutral": [[2, 2]], "positive": [[1, 5], [3, 1]]}
    shapes = {group.get_label(): group.get_paths()[0].vertices.tobytes() for group in axes.collections}
    assert len(set(shapes.values())) == 3  # they can be told apart in grey


def test_loss_curves_of_one_run_show_training_beside_validation():
    axes = plots.loss_curves({"run": HISTORY}, alt="x.").axes[0]
    drawn = {line.get_label(): (list(line.get_xdata()), list(line.get_ydata())) for line in axes.lines}
    assert drawn == {
        "training": ([0.5, 1.0, 1.5, 2.0], [1.2, 0.9, 0.5, 0.3]),
        "validation": ([1.0, 2.0], [1.0, 0.8]),
    }


def test_loss_curves_of_several_runs_show_the_column_asked_for():
    other = HISTORY.assign(macro_f1=HISTORY["macro_f1"] / 2)
    axes = plots.loss_curves({"a": HISTORY, "b": other}, alt="x.", column="macro_f1").axes[0]
    assert {line.get_label(): list(line.get_ydata()) for line in axes.lines} == {"a": [0.4, 0.6], "b": [0.2, 0.3]}
    assert len({line.get_linestyle() for line in axes.lines}) == 2


def test_confusion_puts_gold_in_rows():
    axes = plots.confusion(COUNTS, alt="x.").axes[0]
    cells = {(round(text.get_position()[1]), round(text.get_position()[0])): text.get_text() for text in axes.texts}
    assert cells[0, 1] == "2\n20%" and cells[1, 0] == "1\n12%" and cells[1, 2] == "6\n75%"
    assert cells[2, 2] == "0\n0%"  # a class without reviews is no division by zero
    assert (axes.get_ylabel(), axes.get_xlabel()) == ("gold", "predicted")
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["negative", "neutral", "positive"]


def test_intervals_reach_from_low_to_high_beside_their_name():
    axes = plots.intervals(INTERVALS, xlabel="macro-F1", alt="x.").axes[0]
    names = dict(zip(axes.get_yticks(), (tick.get_text() for tick in axes.get_yticklabels()), strict=True))
    spans = {names[segment[0][1]]: (segment[0][0], segment[1][0]) for segment in axes.collections[0].get_segments()}
    assert spans["frozen"] == pytest.approx((0.5, 0.65))
    assert spans["fine-tuned"] == pytest.approx((0.77, 0.9))
    top = max(names)
    assert names[top] == "frozen"  # the first of the table stands on top


def test_trials_show_every_trial_and_the_best_so_far():
    left, right = plots.trials(TRIALS, alt="x.").axes
    drawn = {line.get_label(): sorted(zip(*line.get_data(), strict=True)) for line in left.lines}
    assert drawn == {"batch 8": [(1e-4, 0.5), (2e-4, 0.6)], "batch 16": [(3e-4, 0.7), (5e-4, 0.4)]}
    best = next(line for line in right.lines if line.get_label() == "best so far")
    assert list(best.get_ydata()) == [0.5, 0.7, 0.7, 0.7]


def test_probabilities_stand_beside_their_label():
    axes = plots.probabilities([0.1, 0.25, 0.65], alt="x.").axes[0]
    names = dict(zip(axes.get_yticks(), (tick.get_text() for tick in axes.get_yticklabels()), strict=True))
    found = {names[round(bar.get_y() + bar.get_height() / 2)]: bar.get_width() for bar in axes.patches}
    assert found == {"negative": 0.1, "neutral": 0.25, "positive": 0.65}
