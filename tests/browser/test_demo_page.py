"""The demo page as someone in front of it sees it, on two tiny random models."""

import re
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from sentiment_kit import demo, models
from sentiment_kit.inference import SentimentClassifier

HOST = "127.0.0.1"
TEXT = "what a lovely , clever film"


@pytest.fixture(scope="module")
def site(tiny_bert: Path, tiny_encoder: Path, free_port: Callable[[], int]) -> Iterator[SimpleNamespace]:
    """The page's address and the two models behind it."""
    classifier = SentimentClassifier.from_folder(tiny_bert, threshold=0.2)
    generic = SentimentClassifier(models.load_classifier(tiny_encoder), models.load_tokenizer(tiny_encoder))
    reached: list[object] = []
    connect = socket.socket.connect

    def watch(self: socket.socket, address: object) -> None:
        reached.append(address[0] if isinstance(address, tuple) else HOST)
        connect(self, address)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", watch)
        patch.setenv("http_proxy", "http://192.0.2.1:3128")  # leads nowhere
        patch.setenv("no_proxy", "")
        page = demo.build(classifier, generic)
        yield SimpleNamespace(url=demo.start(page, port=free_port()), classifier=classifier, generic=generic)
        page.close(verbose=False)
    assert set(reached) == {HOST}, "the server asked another computer"


@pytest.fixture
def page(site: SimpleNamespace, watched: SimpleNamespace) -> object:
    watched.page.goto(site.url)
    watched.page.wait_for_selector("#kit-review textarea")
    return watched.page


def _read(page: object, text: str, *, key: str | None = None) -> None:
    page.fill("#kit-review textarea", text)
    if key:
        page.press("#kit-review textarea", key)
    else:
        page.click("#kit-read")


def _words(page: object) -> str:
    page.wait_for_selector("#kit-words .text")
    return page.inner_text("#kit-words .text")


def _shares(page: object, part: str) -> dict[str, float]:
    page.wait_for_selector(f"#{part} .bar")
    bars = page.query_selector_all(f"#{part} .bar")
    return {bar.get_attribute("data-label"): float(bar.inner_text().split()[-1].rstrip("%")) for bar in bars}


@pytest.mark.parametrize("key", [None, "Control+Enter", "Shift+Enter"])
def test_both_models_answer_with_three_bars_that_hold_their_probabilities(
    page: object, site: SimpleNamespace, tmp_path: Path, key: str | None
) -> None:
    _read(page, TEXT, key=key)
    for part, model in (("kit-fine-tuned", site.classifier), ("kit-generic", site.generic)):
        shares = _shares(page, part)
        expected = dict(zip(model.labels, model.probabilities([TEXT])[0] * 100, strict=True))
        assert list(shares) == ["negative", "neutral", "positive"]
        assert shares == pytest.approx(expected, abs=0.06)
        assert sum(shares.values()) == pytest.approx(100, abs=0.2)
        assert page.inner_text(f"#{part} .verdict") == max(expected, key=expected.__getitem__)
    assert _words(page) == TEXT
    assert page.locator("#kit-words .text .word").count()
    page.screenshot(path=tmp_path / "demo.png", full_page=True)


def test_the_threshold_starts_at_the_models_own_and_1_makes_it_not_sure(page: object) -> None:
    field = page.locator("#kit-threshold input[type=number]")
    assert float(field.input_value()) == 0.2
    _read(page, TEXT)
    _words(page)
    label = page.inner_text("#kit-fine-tuned .verdict")
    for threshold, verdict in (("1", f"not sure (leans {label})"), ("0", label)):
        field.fill(threshold)
        field.press("Tab")
        page.wait_for_function("said => document.querySelector('#kit-fine-tuned .verdict').innerText == said",
                               arg=verdict)  # fmt: skip


@pytest.mark.parametrize("name", demo.EXAMPLES)
def test_an_example_loads_and_is_read(page: object, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()
    assert _words(page) == demo.EXAMPLES[name]
    assert page.input_value("#kit-review textarea") == demo.EXAMPLES[name]


@pytest.mark.parametrize(
    "text",
    [
        "<script>document.title='owned'</script> <img src=x onerror=document.title='owned'> & &amp;",
        "${document.title='owned'} {{value}} `x` \\",
        "ein 🎬🍿 film , это прекрасно 映画は最高 فيلم رائع",
        "one\n\n  two",
    ],
)
def test_any_text_is_shown_as_text(page: object, text: str) -> None:
    _read(page, text)
    assert _words(page) == text
    assert page.title() == "Sentiment of a movie review"
    assert page.locator("#kit-words script, #kit-words img").count() == 0


@pytest.mark.parametrize("text", ["", " \n "])
def test_no_text_gets_a_friendly_answer_and_takes_the_old_one_away(page: object, text: str) -> None:
    _read(page, TEXT)
    _words(page)
    _read(page, text)
    page.wait_for_selector("#kit-note .note")
    assert "nothing to read yet" in page.inner_text("#kit-note")
    page.wait_for_selector("#kit-fine-tuned .bar", state="detached")
    assert page.locator("#kit-words .text").count() == 0


def test_a_text_of_5000_words_is_cut_and_the_page_says_so(page: object) -> None:
    _read(page, "film " * 5000)
    shown = _words(page)
    told = re.search(r"reads 192 tokens, here the first (\d+) of 5,000 words", page.inner_text("#kit-note"))
    assert told and int(told[1]) == 190  # and two special tokens
    assert shown.endswith("… (not read)")
    assert len(shown) < 2000
    assert sum(_shares(page, "kit-fine-tuned").values()) == pytest.approx(100, abs=0.2)


def test_it_fits_a_phone(page: object, tmp_path: Path) -> None:
    page.set_viewport_size({"width": 420, "height": 900})
    _read(page, TEXT)
    _words(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 420
    tops = [page.locator(f"#{part}").bounding_box() for part in ("kit-fine-tuned", "kit-generic")]
    assert tops[0]["y"] + tops[0]["height"] <= tops[1]["y"]  # one below the other
    assert page.locator("#kit-fine-tuned .track").first.bounding_box()["width"] > 100
    page.screenshot(path=tmp_path / "phone.png", full_page=True)


def test_a_port_that_is_taken_is_answered_with_a_remedy(site: SimpleNamespace) -> None:
    taken = int(site.url.rsplit(":", 1)[1])
    with pytest.raises(demo.DemoError, match=f"port {taken} .*choose another, such as --port"):
        demo.start(demo.build(site.classifier, site.generic), port=taken)
