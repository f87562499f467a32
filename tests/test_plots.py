"""Figures: each shows the numbers it was given, and says in words what it shows."""

import itertools
import struct
import sys

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

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
        "state": ["complete", "complete", "complete", "pruned"],
    }
)
SETTINGS = ["learning_rate", "batch_size", "epochs", "macro_f1"]
RELIABILITY = pd.DataFrame({"reviews": [5, 40], "confidence": [0.45, 0.95], "accuracy": [0.4, 0.9]})
ABSTENTION = pd.DataFrame({"answered": [0.05, 0.1, 0.5, 1.0], "accuracy": [1.0, 0.95, 0.9, 0.8]})
WORDS = ("A", "great", "film", ",", "but", "long", "!")
SCORES = (0.0, 0.8, 0.1, -0.05, -0.2, -0.4, 0.0)
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
    "parallel_coordinates": lambda: plots.parallel_coordinates(TRIALS, columns=SETTINGS, alt="Long trainings do well."),
    "seed_spread": lambda: plots.seed_spread({"a": [0.5, 0.6], "b": [0.7]}, ylabel="macro-F1", alt="b is higher."),
    "reliability": lambda: plots.reliability({"before": RELIABILITY}, alt="Too sure."),
    "abstention": lambda: plots.abstention({"fine-tuned": ABSTENTION}, alt="Fewer answers, more of them right."),
    "colored_words": lambda: plots.colored_words(WORDS, SCORES, alt="The word great speaks for it."),
    "probabilities": lambda: plots.probabilities([0.1, 0.2, 0.7], alt="Positive."),
}
ONE, EQUAL = TRIALS.head(1), TRIALS.assign(macro_f1=0.5, learning_rate=1e-4, batch_size=8)
DEGENERATE = {
    "trials, one": lambda: plots.trials(ONE, alt="One."),
    "trials, one that was cut short": lambda: plots.trials(ONE.assign(state="pruned"), alt="One."),
    "trials, all the same": lambda: plots.trials(EQUAL, alt="All the same."),
    "trials, none cut short": lambda: plots.trials(TRIALS.assign(state="complete"), alt="None."),
    "coordinates of one": lambda: plots.parallel_coordinates(ONE, columns=SETTINGS, alt="One."),
    "coordinates, all the same": lambda: plots.parallel_coordinates(EQUAL, columns=SETTINGS, alt="All the same."),
    "spread of one seed": lambda: plots.seed_spread({"a": [0.5]}, ylabel="macro-F1", alt="One."),
    "spread of equal seeds": lambda: plots.seed_spread({"a": [0.5] * 3}, ylabel="macro-F1", alt="All the same."),
    "reliability of one bin": lambda: plots.reliability({"a": RELIABILITY.head(1)}, alt="One bin."),
    "abstention of too few": lambda: plots.abstention({"a": ABSTENTION.head(1)}, alt="Nothing to show."),
    "no words": lambda: plots.colored_words([], [], alt="No words."),
    "words without a score": lambda: plots.colored_words(WORDS, [0.0] * 7, alt="Nothing speaks for it."),
    "one endless word": lambda: plots.colored_words(["a" * 80, "b"], [1.0, -1.0], alt="One endless word."),
}


def test_every_figure_of_the_module_is_tested_here():
    public = {
        name
        for name, value in vars(plots).items()
        if callable(value) and getattr(value, "__module__", "") == plots.__name__ and not isinstance(value, type)
    }
    assert {name for name in public if not name.startswith("_")} == set(FIGURES)


@pytest.mark.parametrize("name", FIGURES | DEGENERATE)
@pytest.mark.filterwarnings("error::RuntimeWarning", "error::UserWarning")
def test_figures_draw_small_with_alt_text_and_no_global_state(name):
    figure = (FIGURES | DEGENERATE)[name]()
    bundle, metadata = figure._repr_mimebundle_()
    png = bundle["image/png"]
    assert png.startswith(b"\x89PNG")
    width, height = struct.unpack(">II", png[16:24])
    assert width <= 432 and 40 <= height <= 288 and len(png) < 60_000
    assert figure.alt and figure.alt.endswith(".")
    assert bundle["text/plain"] == f"[figure] {figure.alt}"
    assert metadata["image/png"]["alt"] == figure.alt
    pyplot = sys.modules.get("matplotlib.pyplot")
    assert pyplot is None or not pyplot.get_fignums()


@pytest.mark.parametrize("name", sorted(set(FIGURES) - {"probabilities", "parallel_coordinates", "colored_words"}))
def test_figures_name_an_axis(name):
    axes = FIGURES[name]().axes[0]
    assert axes.get_xlabel() or axes.get_ylabel()


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


def test_trials_show_every_trial_hollow_if_it_was_cut_short():
    left, right = plots.trials(TRIALS, alt="x.").axes
    solid, hollow = {}, {}
    for line in left.lines:
        assert line.get_linestyle() == "None"
        kind = hollow if line.get_markerfacecolor() == "white" else solid
        kind[line.get_color(), line.get_marker()] = sorted(zip(*line.get_data(), strict=True))
    eight, sixteen = (plots.COLORS[2], plots.MARKERS[0]), (plots.COLORS[3], plots.MARKERS[1])
    assert solid == {eight: [(1e-4, 0.5), (2e-4, 0.6)], sixteen: [(3e-4, 0.7)]}
    assert hollow == {eight: [], sixteen: [(5e-4, 0.4)]}
    assert [text.get_text() for text in left.get_legend().get_texts()] == ["batch 8", "batch 16"]
    assert left.get_xscale() == "log"
    assert (left.get_xlabel(), left.get_ylabel()) == ("learning rate", "macro-F1 (validation)")

    drawn = {line.get_label(): line for line in right.lines}
    assert list(zip(*drawn["trial"].get_data(), strict=True)) == [(1, 0.5), (2, 0.7), (3, 0.6)]
    assert list(zip(*drawn["cut short"].get_data(), strict=True)) == [(4, 0.4)]
    assert drawn["cut short"].get_markerfacecolor() == "white" != drawn["trial"].get_markerfacecolor()
    assert right.get_xlabel() == "trial"


def test_the_best_so_far_is_one_that_finished():
    cut = TRIALS.assign(macro_f1=[0.4, 0.5, 0.9, 0.6], state=["pruned", "complete", "pruned", "complete"])
    _, right = plots.trials(cut, alt="x.").axes
    best = next(line for line in right.lines if line.get_label() == "best so far")
    assert list(best.get_xdata()) == [1, 2, 3, 4]
    np.testing.assert_equal(np.asarray(best.get_ydata()), [np.nan, 0.5, 0.5, 0.6])


COORDINATES = pd.DataFrame(
    {
        "trial": [1, 2, 3, 4, 5],
        "learning_rate": [1e-4, 1e-3, 1e-2, 1e-3, 1e-4],
        "batch_size": [8, 16, 32, 8, 32],
        "macro_f1": [0.2, 0.6, 0.4, 0.5, 0.3],
        "state": ["pruned", "complete", "complete", "complete", "complete"],
    }
)


def test_parallel_coordinates_lead_each_trial_through_its_settings():
    columns = ["batch_size", "learning_rate", "macro_f1"]
    axes = plots.parallel_coordinates(COORDINATES, columns=columns, alt="x.").axes[0]
    lines = [line for line in axes.lines if len(line.get_xdata()) == 3]
    heights = [tuple(line.get_ydata()) for line in lines]
    expected = [(0, 0, 0), (1, 0, 0.25), (1, 1, 0.5), (0, 0.5, 0.75), (1 / 3, 0.5, 1)]  # the best on top of the others
    assert np.array(heights) == pytest.approx(np.array(expected))
    assert all(list(line.get_xdata()) == [0, 1, 2] for line in lines)
    assert [line.get_linestyle() for line in lines] == [":", "-", "-", "-", "-"]  # dotted: cut short
    best = [line.get_color() == plots.COLORS[2] for line in lines]
    assert best == [False, False, False, True, True]  # ranks above three quarters
    assert [line.get_linewidth() for line in lines] == [2.5 if one else 1.0 for one in best]


def test_parallel_coordinates_name_each_axis_and_its_ends():
    columns = ["batch_size", "learning_rate", "macro_f1"]
    axes = plots.parallel_coordinates(COORDINATES, columns=columns, alt="x.").axes[0]
    assert [line.get_xdata()[0] for line in axes.lines if len(line.get_xdata()) == 2] == [0, 1, 2]
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["batch size", "learning rate", "macro f1"]
    assert list(axes.get_yticks()) == []
    ends = {text.xy: text.get_text() for text in axes.texts}
    assert ends == {(0, 0): "8", (0, 1): "32", (1, 0): "0.0001", (1, 1): "0.01", (2, 0): "0.2", (2, 1): "0.6"}


@pytest.mark.parametrize("table", [ONE, EQUAL])
def test_parallel_coordinates_of_what_does_not_vary_stay_within_the_axes(table):
    axes = plots.parallel_coordinates(table, columns=SETTINGS, alt="x.").axes[0]
    lines = [line for line in axes.lines if len(line.get_xdata()) == 4]
    assert len(lines) == len(table)
    assert all(0 <= height <= 1 for line in lines for height in line.get_ydata())


def test_seed_spread_shows_each_seed_and_the_mean_of_each_setting():
    axes = plots.seed_spread({"small": [0.25, 1.0, 0.25], "large": [0.9]}, ylabel="macro-F1", alt="x.").axes[0]
    dots = [(list(line.get_xdata()), list(line.get_ydata())) for line in axes.lines if line.get_marker() == "o"]
    means = [line for line in axes.lines if line.get_marker() == "None"]
    assert dots == [([0, 0, 0], [0.25, 1.0, 0.25]), ([1], [0.9])]
    assert [list(line.get_ydata()) for line in means] == [[0.5, 0.5], [0.9, 0.9]]
    assert [sum(line.get_xdata()) / 2 for line in means] == [0, 1]
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["small", "large"]
    assert list(axes.get_xticks()) == [0, 1] and axes.get_ylabel() == "macro-F1"
    assert axes.get_xlim()[0] < -0.2 and axes.get_xlim()[1] > 1.2


def test_reliability_shows_accuracy_by_confidence_beside_the_diagonal():
    other = RELIABILITY.assign(accuracy=[0.5, 0.95], reviews=[10, 20])
    axes = plots.reliability({"before": RELIABILITY, "after": other}, alt="x.").axes[0]
    drawn = {line.get_label(): (list(line.get_xdata()), list(line.get_ydata())) for line in axes.lines}
    assert drawn == {
        "calibrated": ([0, 1], [0, 1]),
        "before": ([0.45, 0.95], [0.4, 0.9]),
        "after": ([0.45, 0.95], [0.5, 0.95]),
    }
    sizes = [list(dots.get_sizes()) for dots in axes.collections]
    assert [pair[1] / pair[0] for pair in sizes] == [8, 2]  # as the reviews that they stand for
    assert axes.collections[1].get_offsets().tolist() == [[0.45, 0.5], [0.95, 0.95]]
    looks = {(line.get_linestyle(), line.get_color()) for line in axes.lines}
    assert len({style for style, _ in looks}) == 3 and len(looks) == 3
    assert [text.get_text() for text in axes.get_legend().get_texts()] == list(drawn)
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("confidence (probability of the answer)", "accuracy")
    (left, right), (low, high) = axes.get_xlim(), axes.get_ylim()
    assert left < 1 / 3 and right > 1 and low <= 0 and high > 1  # three labels: no answer is less sure than a third


def test_abstention_leaves_out_what_a_handful_of_answers_shows():
    other = ABSTENTION.assign(accuracy=[0.5, 0.6, 0.7, 0.75])
    axes = plots.abstention({"fine-tuned": ABSTENTION, "frozen": other}, alt="x.").axes[0]
    drawn = {line.get_label(): (list(line.get_xdata()), list(line.get_ydata())) for line in axes.lines}
    assert drawn == {
        "fine-tuned": ([0.1, 0.5, 1.0], [0.95, 0.9, 0.8]),
        "frozen": ([0.1, 0.5, 1.0], [0.6, 0.7, 0.75]),
    }
    assert len({line.get_linestyle() for line in axes.lines}) == len({line.get_color() for line in axes.lines}) == 2
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["fine-tuned", "frozen"]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("share of reviews answered", "accuracy of the answers")
    assert axes.get_xlim()[0] < 0.1 and axes.get_xlim()[1] > 1


def shade(text):
    """The color behind a word, and how strong it is."""
    *color, strength = text.get_bbox_patch().get_facecolor()
    return to_hex(color), round(strength, 4)


def test_colored_words_stand_in_order_in_the_color_of_their_sign():
    axes = plots.colored_words(WORDS, SCORES, alt="x.").axes[0]
    assert tuple(text.get_text() for text in axes.texts) == WORDS
    drawn = dict(zip(WORDS, axes.texts, strict=True))
    for_it, against = plots.COLORS[2], plots.COLORS[0]
    assert shade(drawn["great"]) == (for_it, 0.75) and shade(drawn["film"]) == (for_it, 0.0938)
    assert shade(drawn["long"]) == (against, 0.375) and shade(drawn["but"]) == (against, 0.1875)
    assert shade(drawn["A"])[1] == shade(drawn["!"])[1] == 0
    assert [word for word in WORDS if drawn[word].get_style() == "italic"] == [",", "but", "long"]  # seen in grey too
    edges = {word: drawn[word].get_bbox_patch().get_edgecolor()[3] for word in WORDS}
    assert [word for word in WORDS if edges[word]] == ["great", "long"]


def test_the_strongest_word_against_the_label_gets_the_strongest_color():
    axes = plots.colored_words(["bad", "good"], [-2.0, 1.0], alt="x.").axes[0]
    assert [shade(text) for text in axes.texts] == [(plots.COLORS[0], 0.75), (plots.COLORS[2], 0.375)]


def test_colored_words_break_into_lines_that_neither_overlap_nor_overflow():
    words = [f"w{'o' * (index % 9)}rd" for index in range(60)]
    figure = plots.colored_words(words, [1.0] * 60, alt="x.")
    axes = figure.axes[0]
    places = [text.get_position() for text in axes.texts]
    rows = [y for _, y in places]
    assert rows == sorted(rows, reverse=True) and len(set(rows)) == 1 - min(rows) > 3  # downwards, line by line
    for (x, y), (next_x, next_y), word in zip(places, places[1:], words, strict=False):
        assert next_x == (x + len(word) + 1 if next_y == y else 0)
    right = max(x + len(word) for (x, _), word in zip(places, words, strict=True))
    assert 50 < right <= axes.get_xlim()[1] and axes.get_ylim()[0] < min(rows)
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in axes.texts]
    assert max(box.x1 for box in boxes) <= figure.bbox.x1 and min(box.y0 for box in boxes) >= 0
    for first, second in itertools.pairwise(boxes):
        assert first.x1 < second.x0 or first.y0 > second.y1


def test_colored_words_grow_with_the_text():
    heights = [plots.colored_words(WORDS * n, SCORES * n, alt="x.").get_figheight() for n in (1, 3, 6)]
    assert heights[0] < heights[1] < heights[2]
    assert plots.colored_words(WORDS * 6, SCORES * 6, alt="x.").get_figwidth() == 6


def test_no_word_is_colored_if_none_says_anything():
    axes = plots.colored_words(WORDS, [0.0] * 7, alt="x.").axes[0]
    assert tuple(text.get_text() for text in axes.texts) == WORDS
    assert {shade(text)[1] for text in axes.texts} == {0} and {text.get_color() for text in axes.texts} == {"black"}
    assert plots.colored_words([], [], alt="x.").axes[0].texts[:] == []


def test_each_word_needs_its_score():
    with pytest.raises(ValueError):
        plots.colored_words(WORDS, SCORES[:-1], alt="x.")


def test_probabilities_stand_beside_their_label():
    axes = plots.probabilities([0.1, 0.25, 0.65], alt="x.").axes[0]
    names = dict(zip(axes.get_yticks(), (tick.get_text() for tick in axes.get_yticklabels()), strict=True))
    found = {names[round(bar.get_y() + bar.get_height() / 2)]: bar.get_width() for bar in axes.patches}
    assert found == {"negative": 0.1, "neutral": 0.25, "positive": 0.65}
