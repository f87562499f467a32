"""A web page to try a fine-tuned model on: its answer, the words that pulled it, and the same model before training.

Needs the extra ``demo``. The page is served to this computer alone and asks nothing of any other.
"""

import importlib
import os
import socket
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from html import escape
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from sentiment_kit import attribution, models
from sentiment_kit.inference import NOT_SURE, SentimentClassifier
from sentiment_kit.plots import COLORS

if TYPE_CHECKING:
    import gradio

HOST = "127.0.0.1"
FINE_TUNED, GENERIC = "After fine-tuning", "Before: the same encoder, untrained head"
EXAMPLES: Mapping[str, str] = {
    "A rave": "I went in tired and came out grinning. Every joke lands, and the last ten minutes are simply beautiful.",
    "A pan": "Two hours of people explaining the plot to each other, lit like a car park. I wanted my evening back.",
    "Mixed": "The first half is splendid, warm and sharply acted; then the film throws it all away for a dull chase.",
    "A negation": "It is not a bad film at all, and I was never bored.",
    "Lukewarm": "It runs for ninety minutes, is set in Lisbon, and does about what you would expect.",
    "No review": "Simmer the lentils for twenty minutes, then stir in the lemon juice and a pinch of salt.",
}
"""Short texts to start from, by the name on their button; written for the kit."""

_STEPS = 32  # of integrated gradients: half the usual, since someone waits
_FAINT = 0.1  # words that pulled less than this share of the strongest stay unmarked
_SIGNS = ("▼", "●", "▲")
_HATCHES = (
    "repeating-linear-gradient(45deg,rgba(255,255,255,.4) 0 2px,transparent 2px 7px)",
    "radial-gradient(circle,rgba(255,255,255,.6) 1.5px,transparent 1.6px) 0 0/7px 7px",
    "none",
)
_MARKS = {"toward": (COLORS[2], "solid", "normal"), "away": (COLORS[0], "dashed", "italic")}
_STYLE = """
.gradio-container { width: 100% !important; max-width: 1000px !important; margin: 0 auto !important; }
#kit-note:not(:has(.kit)), #kit-words:not(:has(.kit)), #kit-answers:not(:has(.kit)) { display: none; }
input[type=range]::-webkit-slider-thumb { background: BLUE; border: 1px solid #fff; }
input[type=range]::-moz-range-thumb { background: BLUE; border: 1px solid #fff; }
.kit h3 { margin: 0 0 .2rem; font-size: .95rem; font-weight: 600; }
.kit .verdict { margin: 0 0 .6rem; font-size: 1.5rem; font-weight: 700; }
.kit .verdict small { font-size: .9rem; font-weight: 400; opacity: .8; }
.kit .bar { display: grid; grid-template-columns: 6.4rem 1fr 3.9rem; gap: .5rem; align-items: center; margin: .3rem 0; }
.kit .share { text-align: right; font-variant-numeric: tabular-nums; }
.kit .track { position: relative; height: 1.2rem; background: rgba(128,128,128,.18); border-radius: 3px; }
.kit .fill { display: block; height: 100%; border: 1px solid currentColor; border-radius: 3px; box-sizing: border-box; }
.kit .limit { position: absolute; top: -3px; bottom: -3px; width: 0; border-left: 2px dashed currentColor; }
.kit .text { line-height: 2; white-space: pre-wrap; overflow-wrap: anywhere; max-height: 24rem; overflow-y: auto;
  margin: .4rem 0; padding: .6rem .8rem; border: 1px solid rgba(128,128,128,.4); border-radius: 6px; }
.kit .word { padding: .1rem .15rem; border-radius: 3px; border-bottom: 2px transparent; }
.kit .unread { opacity: .65; }
.kit .legend, .kit .small { font-size: .9rem; margin: .3rem 0; }
.kit .legend span { margin-right: .4rem; }
.kit .note { margin: 0; padding: .6rem .8rem; border-left: 4px solid currentColor; background: rgba(128,128,128,.12); }
""".replace("BLUE", COLORS[2])
_KEYS = """<script>
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && event.target.closest("#kit-review"))
    document.querySelector("#kit-read").click();
});
</script>"""


class DemoError(RuntimeError):
    """The page cannot be shown; the message says what to do."""


# ---------------------------------------------------------------- what the page shows, as HTML


def bars(probabilities: Mapping[str, float], *, title: str, threshold: float) -> str:
    """Draws an answer: the label, or ``"not sure"``, and a bar with its percentage for each label.

    Args:
        probabilities: By label; they add up to 1.
        title: What stands above, such as the model's name.
        threshold: If no probability reaches it, the answer is ``"not sure"``; a dashed line marks it, 0 shows none.

    Returns:
        HTML in which names are escaped.

    >>> "not sure" in bars({"negative": 0.4, "positive": 0.6}, title="Mine", threshold=0.7)
    True
    """
    best = max(probabilities, key=probabilities.__getitem__)
    sure = probabilities[best] >= threshold
    verdict = escape(best) if sure else f"{NOT_SURE} <small>(leans {escape(best)})</small>"
    limit = f'<span class="limit" style="left:{threshold:.1%}"></span>' if threshold else ""
    rows = []
    for index, (name, value) in enumerate(probabilities.items()):
        color, hatch = COLORS[index % 3], _HATCHES[index % 3]
        rows.append(
            f'<div class="bar" data-label="{escape(name)}"><span><span aria-hidden="true">{_SIGNS[index % 3]}</span> '
            f'{escape(name)}</span><span class="track" aria-hidden="true"><span class="fill" '
            f'style="width:{value:.2%};background:{hatch},{color}"></span>{limit}</span>'
            f'<span class="share">{value:.1%}</span></div>'.replace("background:none,", "background:")
        )
    spoken = 'aria-live="polite"'
    return f'<div class="kit" {spoken}><h3>{escape(title)}</h3><p class="verdict">{verdict}</p>{"".join(rows)}</div>'


def words(text: str, explained: attribution.Attribution) -> str:
    """Draws a text with its words marked by how they pulled: underlined if toward the label, dashed if away from it.

    Args:
        text: The text that was explained, of any length.
        explained: What :func:`sentiment_kit.attribution.explain` said of it.

    Returns:
        HTML in which the text is escaped: spaces are kept, and what the model did not read is pale at the end.
    """
    strongest = max((abs(score) for score in explained.scores), default=0.0) or 1.0
    parts, place = [], 0
    for word, score in zip(explained.words, explained.scores, strict=True):
        start = text.find(word, place)
        parts.append(escape(text[place:start]) + _word(word, score, share=abs(score) / strongest))
        place = start + len(word)
    if rest := text[place:].strip():
        parts.append(f' <span class="unread">{escape(rest[:300])}{" …" if len(rest) > 300 else ""} (not read)</span>')
    label = escape(explained.label)
    legend = (
        f'<p class="legend">{_sample("underlined", "toward")} pulled toward “{label}”. '
        f"{_sample('dashed, italic', 'away')} pulled away from it. The stronger the pull, the deeper the color.</p>"
    )
    small = "Integrated gradients: what moved this network, not why a person would think so."
    return (
        f'<div class="kit"><h3>Which words pulled toward “{label}”, and which away</h3>{legend}'
        f'<div class="text" dir="auto">{"".join(parts)}</div>{_strongest(explained)}<p class="small">{small}</p></div>'
    )


def _sample(text: str, way: str) -> str:
    return f'<span class="word {way}" style="{_look(way, 0.7)}">{text}</span>'


def _look(way: str, share: float) -> str:
    color, line, slant = _MARKS[way]
    shade = ",".join(str(int(color[place : place + 2], 16)) for place in (1, 3, 5))
    return f"background:rgba({shade},{0.45 * share:.2f});border-bottom:2px {line};font-style:{slant}"


def _word(word: str, score: float, *, share: float) -> str:
    if share < _FAINT:
        return escape(word)
    way = "toward" if score > 0 else "away"
    return f'<span class="word {way}" style="{_look(way, share)}" title="{score:+.2f}">{escape(word)}</span>'


def _strongest(explained: attribution.Attribution, count: int = 4) -> str:
    """The strongest words of each side in plain text, for whoever sees no colors."""
    by_score = sorted(zip(explained.words, explained.scores, strict=True), key=lambda pair: -pair[1])
    sides = {
        "Strongest toward": [pair for pair in by_score[:count] if pair[1] >= 0.005],
        "Strongest away": [pair for pair in by_score[::-1][:count] if pair[1] <= -0.005],
    }
    told = [
        f"{name}: " + (", ".join(f"“{escape(word)}” {score:+.2f}" for word, score in pairs) or "none")
        for name, pairs in sides.items()
    ]
    return f'<p class="small">{". ".join(told)}. (Added to the logit.)</p>'


def _note(message: str) -> str:
    return f'<div class="kit" role="status"><p class="note">{message}</p></div>' if message else ""


def _cut(text: str, classifier: SentimentClassifier) -> str:
    """Says how much of a text the model reads if that is not all of it."""
    read = classifier.tokenizer(text, truncation=True, return_offsets_mapping=True)
    end = max((stop for _, stop in read["offset_mapping"]), default=0)
    if len(read["input_ids"]) < classifier.tokenizer.model_max_length or not text[end:].strip():
        return ""
    return (
        f"This text was cut: the model reads {classifier.tokenizer.model_max_length} tokens, here the first "
        f"{len(text[:end].split()):,} of {len(text.split()):,} words. The rest did not count."
    )


# ---------------------------------------------------------------- what happens when someone presses the button


def _both(state: Sequence[Mapping[str, float]] | None, threshold: float) -> tuple[str, str]:
    if not state:
        return "", ""
    return tuple(
        bars(one, title=title, threshold=threshold) for one, title in zip(state, (FINE_TUNED, GENERIC), strict=True)
    )


def _answer(
    text: str | None, threshold: float, *, classifier: SentimentClassifier, generic: SentimentClassifier
) -> Iterator[tuple]:
    """Note, two answers, words and probabilities for a text; the answers come first, since the words take longer."""
    text = (text or "").encode("utf-8", "replace").decode("utf-8").strip()  # half an emoji is no text
    if not text:
        note = _note("There is nothing to read yet. Write a sentence or two about a film, or load an example.")
        yield note, "", "", "", None
        return
    state = [
        dict(zip(one.labels, map(float, one.probabilities([text])[0]), strict=True)) for one in (classifier, generic)
    ]
    note = _note(_cut(text, classifier))
    yield note, *_both(state, threshold), _note("Looking at the words …"), state
    explained = attribution.explain(text, classifier, steps=_STEPS)
    yield note, *_both(state, threshold), words(text, explained), state


# ---------------------------------------------------------------- the page


def _gradio() -> ModuleType:
    """Imports Gradio with everything switched off that would ask another computer for something."""
    os.environ.update(GRADIO_ANALYTICS_ENABLED="False", HF_HUB_OFFLINE="1")
    direct = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
    if HOST not in direct.split(","):  # Gradio looks whether its own page answers: not by way of a proxy
        os.environ["no_proxy"] = f"{direct},{HOST}".strip(",")
    try:
        return importlib.import_module("gradio")
    except ModuleNotFoundError as error:
        if error.name != "gradio":
            raise
        raise DemoError("gradio is not installed: in the kit's folder, pip install -e '.[demo]'") from error


def build(classifier: SentimentClassifier, generic: SentimentClassifier) -> "gradio.Blocks":
    """Builds the page; :func:`start` shows it.

    Args:
        classifier: The fine-tuned model. Its threshold is where the slider starts.
        generic: What to compare it with: the model before it was trained.

    Raises:
        DemoError: Gradio is not installed.
    """
    gradio = _gradio()
    with gradio.Blocks(title="Sentiment of a movie review", analytics_enabled=False) as page:
        gradio.Markdown("# What does the model make of a review?\nWrite one in English, or load an example.")
        review = gradio.Textbox(
            label="Your review", lines=4, max_lines=12, elem_id="kit-review", placeholder="I liked it because …",
            info="Ctrl+Enter or Shift+Enter reads it, too.",
        )  # fmt: skip
        read = gradio.Button("Read it", variant="primary", elem_id="kit-read")
        gradio.Markdown("Load an example:")
        with gradio.Row(elem_id="kit-examples"):
            examples = {gradio.Button(name, size="sm", min_width=110): text for name, text in EXAMPLES.items()}
        note = _html(gradio, "kit-note")
        shown = []
        with gradio.Row(elem_id="kit-answers"):
            for name in ("kit-fine-tuned", "kit-generic"):
                with gradio.Column(min_width=320):
                    shown.append(_html(gradio, name))
        threshold = gradio.Slider(
            0, 1, value=classifier.threshold, step=0.01, elem_id="kit-threshold", buttons=[],
            label="Threshold", info=f"If no probability reaches it, the answer is “{NOT_SURE}”. 0 always answers.",
        )  # fmt: skip
        found, state = _html(gradio, "kit-words"), gradio.State()
        usual = {"show_progress": "hidden", "api_visibility": "private"}
        answer = {
            "fn": partial(_answer, classifier=classifier, generic=generic),
            "inputs": [review, threshold],
            "outputs": [note, *shown, found, state],
            "concurrency_id": "models",
        }
        gradio.on([read.click, review.submit], **answer, **usual)
        for button, text in examples.items():
            button.click(partial(str, text), None, review, **usual).then(**answer, **usual)
        threshold.change(_both, [state, threshold], shown, **usual)
    return page


def _html(gradio: ModuleType, name: str) -> "gradio.HTML":
    return gradio.HTML("", elem_id=name, js_on_load=None, apply_default_css=False)


def _theme() -> object:
    """Gradio's plain theme with fonts that every system has, and with more contrast."""
    themes = _gradio().themes
    family = [themes.Font(name) for name in ("system-ui", "Segoe UI", "Helvetica", "Arial", "sans-serif")]
    fixed = [themes.Font(name) for name in ("ui-monospace", "Consolas", "monospace")]
    return themes.Default(font=family, font_mono=fixed, primary_hue="blue", secondary_hue="blue").set(
        block_info_text_color="*neutral_600",
        block_info_text_color_dark="*neutral_300",
        block_label_text_color="*neutral_800",
        block_title_text_color="*neutral_800",
        body_text_color_subdued="*neutral_600",
        body_text_color_subdued_dark="*neutral_300",
        input_border_color="*neutral_500",
        button_primary_background_fill="*primary_700",
        button_primary_background_fill_hover="*primary_800",
        slider_color=COLORS[2],
    )


def _check_port(port: int) -> None:
    with socket.socket() as probe:
        if os.name != "nt":  # a server that just ended does not count; Windows would let two share the port
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except (OSError, OverflowError) as error:
            raise DemoError(f"port {port} cannot be used ({error}): choose another, such as --port 7861") from error


def start(page: "gradio.Blocks", *, port: int = 7860) -> str:
    """Shows a page to this computer's browsers, in the background: ``page.close()`` ends it.

    Args:
        page: What :func:`build` gave.
        port: Where; from 1 to 65535.

    Returns:
        The address to open.

    Raises:
        DemoError: The port is taken or not allowed.
    """
    _check_port(port)
    page.launch(
        server_name=HOST, server_port=port, prevent_thread_lock=True, quiet=True,
        share=False, inbrowser=False, inline=False, pwa=False, ssr_mode=False, mcp_server=False,
        run_history=False, enable_monitoring=False, footer_links=[], theme=_theme(), css=_STYLE, head=_KEYS,
    )  # fmt: skip
    return f"http://{HOST}:{port}"


def serve(folder: str | Path, *, port: int = 7860, tell: Callable[[str], object] = str) -> None:
    """Loads a fine-tuned model and shows the page until it is interrupted.

    Args:
        folder: The model's folder. It is compared with the active profile's encoder under an untrained head.
        port: Where on this computer.
        tell: Called with the page's address once it is there.

    Raises:
        DemoError: Gradio is not installed, or the port is taken.
        CheckpointError: There is no trained model in the folder, or the encoder cannot be loaded.
        KeyboardInterrupt: Someone pressed Ctrl+C.
    """
    _gradio()
    _check_port(port)
    classifier = SentimentClassifier.from_folder(folder)
    checkpoint = models.find_checkpoint()
    generic = SentimentClassifier(
        models.load_classifier(checkpoint, labels=classifier.labels), models.load_tokenizer(checkpoint)
    )
    page = build(classifier, generic)
    try:
        tell(start(page, port=port))
        threading.Event().wait()
    finally:
        page.close(verbose=False)
