"""Whoever sees little, or no red and green, can read what the kit draws: contrast as WCAG asks for it.

Graphics stand out from what is beside them by 3:1, text by 4.5:1 (WCAG 2.2, success criteria 1.4.3 and 1.4.11).
"""

import itertools
import re

import numpy as np
import pytest
from matplotlib.colors import to_rgb, to_rgba

from sentiment_kit import demo, plots
from tests.test_plots import FIGURES

GRAPHICS, TEXT = 3.0, 4.5
# Machado, Oliveira and Fernandes (2009), https://doi.org/10.1109/TVCG.2009.113: linear RGB as seen without a kind of cone
SIMULATED = {
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
}
RGB_TO_XYZ = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]  # sRGB, IEC 61966-2-1


def linear(color):
    parts = np.asarray(to_rgb(color))
    return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)


def luminance(color):
    return RGB_TO_XYZ[1] @ linear(color)


def contrast(one, other):
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def over(color, ground):
    """What a color that lets some of the ground through looks like."""
    *parts, alpha = to_rgba(color)
    return tuple(alpha * np.asarray(parts) + (1 - alpha) * np.asarray(to_rgb(ground)))


def lab(light):
    """CIE L*a*b* of linear RGB."""
    xyz = np.asarray(RGB_TO_XYZ) @ np.clip(light, 0, 1) / np.sum(RGB_TO_XYZ, axis=1)
    x, y, z = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def test_the_formula_is_that_of_wcag():
    assert contrast("black", "white") == pytest.approx(21)
    assert contrast("#777777", "white") == pytest.approx(4.48, abs=0.01)  # the gray that famously just fails
    assert over((0, 0, 0, 0.25), "white") == (0.75, 0.75, 0.75)
    assert lab(linear("white")) == pytest.approx([100, 0, 0], abs=0.01)


# ---------------------------------------------------------------- figures


def test_every_color_stands_out_from_the_page():
    assert [color for color in plots.COLORS if contrast(color, "white") < GRAPHICS] == []


def test_labels_stay_apart_printed_gray():
    lightness = sorted(lab(linear(color))[0] for color in plots.COLORS)
    assert min(np.diff(lightness)) >= 10  # of 100


@pytest.mark.parametrize("kind", SIMULATED)
def test_labels_stay_apart_without_red_or_green_cones(kind):
    seen = [lab(np.asarray(SIMULATED[kind]) @ linear(color)) for color in plots.COLORS]
    assert min(np.linalg.norm(one - other) for one, other in itertools.combinations(seen, 2)) >= 25  # 2 is noticeable


@pytest.mark.parametrize("name", FIGURES)
def test_marks_lines_and_outlines_stand_out(name):
    figure = FIGURES[name]()
    for axes in figure.axes:
        drawn = [to_rgba(line.get_color(), line.get_alpha()) for line in axes.lines]
        drawn += [color for marks in axes.collections for color in marks.get_edgecolors()]
        drawn += [bar.get_edgecolor() for bar in axes.patches]
        drawn += [edge for text in axes.texts if (box := text.get_bbox_patch()) and (edge := box.get_edgecolor())[3]]
        assert [color for color in drawn if contrast(over(color, "white"), "white") < GRAPHICS] == []


def test_a_count_can_be_read_on_every_shade():
    for share in np.linspace(0, 1, 101):
        axes = plots.confusion(np.array([[share, 1 - share], [0, 0]]), alt="x.", labels=("a", "b")).axes[0]
        for text in axes.texts[:2]:
            place = round(text.get_position()[0])
            ground = axes.images[0].to_rgba([share, 1 - share][place])
            assert contrast(text.get_color(), ground) >= TEXT, share


def test_a_word_can_be_read_on_every_shade():
    shares = np.linspace(-1, 1, 41)
    texts = plots.colored_words(["word"] * 41, shares, alt="x.").axes[0].texts
    found = [contrast(text.get_color(), over(text.get_bbox_patch().get_facecolor(), "white")) for text in texts]
    assert min(found) >= TEXT


# ---------------------------------------------------------------- the web page

# Gradio's grounds and inks: its default theme by day, and by night inside and outside of a block
PAGES = [("#ffffff", "#27272a"), ("#27272a", "#f4f4f5"), ("#09090b", "#f4f4f5")]


@pytest.mark.parametrize(("ground", "ink"), PAGES)
def test_the_page_can_be_read_by_day_and_by_night(ground, ink):
    for way, share in itertools.product(("toward", "away"), np.linspace(0, 1, 11)):
        look = demo._look(way, share)
        red, green, blue, alpha = map(float, re.search(r"rgba\((.+?)\)", look)[1].split(","))
        marked = over((red / 255, green / 255, blue / 255, alpha), ground)
        assert contrast(ink, marked) >= TEXT
        assert re.search(r"border-bottom:2px (solid|dashed);", look), "a line of another color than the text's"
    for pale in re.findall(r"[^-]opacity: (\.\d+)", demo._STYLE):
        assert contrast(over((*to_rgb(ink), float(pale)), ground), ground) >= TEXT


def test_a_bar_has_an_outline_in_the_color_of_the_text():
    assert "border: 1px solid currentColor" in re.search(r"\.kit \.fill {(.+?)}", demo._STYLE)[1]
