"""The web pages: nothing of the course is left out, and what would break them offline is noticed.

`make site` builds them and runs the same check on what it has built.
"""

import importlib.util
import json
from pathlib import Path
from urllib.parse import urldefrag, urlsplit

import nbformat
import pytest
from markdown_it import MarkdownIt

from sentiment_kit import course

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def conf():
    spec = importlib.util.spec_from_file_location("site_conf", ROOT / "docs" / "conf.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_sidebar_has_every_lesson_exercise_and_document_once(conf):
    sections = conf.sections()
    assert sections["Lessons"] == [f"notebooks/{one.name}" for one in course.LESSONS]
    exercises = sorted(path.stem for path in (ROOT / "exercises" / "release").iterdir())
    assert [page.split("/")[-1] for page in sections["Exercises"]] == exercises
    pages = [page for section in sections.values() for page in section]
    assert len(set(pages)) == len(pages)
    assert {f"docs/{path.stem}" for path in (ROOT / "docs").glob("*.md")} <= set(pages)
    assert all(page in conf.contents() for page in pages)


def test_alt_text_reaches_the_figures_of_every_lesson(conf):
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        text = path.read_text(encoding="utf-8")
        before, after = json.loads(text)["cells"], json.loads(conf.with_alt_text(text))["cells"]
        for old, new in zip(before, after, strict=True):
            given = [
                one["metadata"]["image/png"]["alt"]
                for one in old.get("outputs", ())
                if "image/png" in one.get("data", {})
            ]
            assert len(given) <= 1, "one alt text would stand for two figures"
            assert [new["metadata"]["mystnb"]["image"]["alt"]] == given if given else new == old


def documents():
    paths = [
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        *(ROOT / "docs").glob("*.md"),
        *(ROOT / "data").glob("*/*.md"),
    ]
    return [*paths, *(ROOT / "notebooks").glob("*.ipynb"), *(ROOT / "exercises" / "release").glob("*/*.ipynb")]


@pytest.mark.parametrize("path", documents(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_between_documents_lead_to_files(path):
    texts = [path.read_text(encoding="utf-8")]
    if path.suffix == ".ipynb":
        texts = [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "markdown"]
    tokens = [token for text in texts for block in MarkdownIt().parse(text) for token in block.children or ()]
    links = {token.attrGet("href") or token.attrGet("src") for token in tokens} - {None}
    inside = {urldefrag(link).url for link in links if not urlsplit(link).scheme} - {""}
    assert [link for link in sorted(inside) if not (path.parent / link).exists()] == []


GOOD = """<html><head><link rel="stylesheet" href="a.css"><script src="a.js"></script></head><body>
<h1 id="top">A</h1><a href="#top">up</a> <a href="sub/b.html#b%20c">b</a> <a href="https://example.org">elsewhere</a>
<img src="a.png" alt="A dot."></body></html>"""


def site(folder, page=GOOD, style="a { color: red }"):
    (folder / "sub").mkdir()
    (folder / "index.html").write_text(page, encoding="utf-8")
    (folder / "sub" / "b.html").write_text('<h1 id="b c">B</h1><a href="../index.html">A</a>', encoding="utf-8")
    for name in ("a.css", "a.js", "a.png"):
        (folder / name).write_text(style if name == "a.css" else "", encoding="utf-8")
    return folder


def test_a_site_that_stands_alone_is_let_pass(conf, tmp_path):
    assert conf.complaints(site(tmp_path)) == []


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('src="a.js"', 'src="https://cdn.example.org/a.js"', "index.html asks another computer for https://cdn.exam"),
        ('src="a.js"', 'src="//cdn.example.org/a.js"', "asks another computer"),
        ('href="a.css"', 'href="https://fonts.example.org/a.css"', "asks another computer"),
        ('src="a.png" alt', 'srcset="https://example.org/a.png 2x" alt', "asks another computer"),
        ("<h1", '<style>@import "https://example.org/a.css"</style><h1', "asks another computer"),
        ("<h1", '<p style="background: url(//example.org/a.png)"></p><h1', "asks another computer"),
        ('alt="A dot."', "", "the figure a.png has no alt text"),
        ('alt="A dot."', 'alt="a.png"', "the figure a.png has no alt text"),
        ("sub/b.html#", "sub/c.html#", "the link sub/c.html#b%20c leads nowhere"),
        ("#b%20c", "#d", "the link sub/b.html#d leads to a page without that heading"),
        ('"#top"', '"#tip"', "the link #tip leads to a page without that heading"),
    ],
)
def test_what_would_break_a_page_is_noticed(conf, tmp_path, old, new, says):
    assert old in GOOD
    (found,) = conf.complaints(site(tmp_path, GOOD.replace(old, new)))
    assert says in found


def test_a_style_sheet_that_asks_for_a_font_is_noticed(conf, tmp_path):
    folder = site(tmp_path, style="@font-face { src: url('https://fonts.example.org/a.woff2') }")
    assert conf.complaints(folder) == ["a.css asks another computer for https://fonts.example.org/a.woff2"]
