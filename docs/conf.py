"""Sphinx's settings for `make site`: the course as web pages, from the committed outputs and without a network.

The whole repository is the source folder, so that every link between lessons, exercises and documents leads on as it
stands. The page that opens first is the README.
"""

import json
import re
import shutil
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urldefrag, urlsplit

if TYPE_CHECKING:
    from docutils import nodes
    from sphinx.application import Sphinx

ROOT = Path(__file__).resolve().parents[1]

project = "sentiment_kit"
html_title = "sentiment_kit"
author = "the authors of sentiment_kit"
copyright = "the authors of sentiment_kit: code Apache-2.0, reviews CC BY 4.0"
root_doc = "README"
extensions = ["myst_nb"]
include_patterns = ["*.md", "docs/*.md", "data/*/*.md", "notebooks/*.ipynb", "exercises/release/*/*.ipynb"]
exclude_patterns = [".*", "build", "dist", "runs", "**/.ipynb_checkpoints"]  # large folders need not be searched

nb_execution_mode = "off"
nb_ipywidgets_js = {}  # else fetched from elsewhere for a notebook that holds a widget's state
myst_heading_anchors = 3  # [a link](page.md#to-a-heading), as on GitHub
myst_enable_extensions = ["dollarmath"]
smartquotes = False  # quotes stay as typed, in code and in text
suppress_warnings = ["myst.header"]  # the glossary's terms are headings of the third level
highlight_language = "none"  # a block in the documents that names no language is no code
html_theme = "furo"
html_math_renderer = "mathml"
html_static_path = ["site.css"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False

# ---------------------------------------------------------------- what belongs where

SECTIONS = {
    "Lessons": ["notebooks/*.ipynb"],
    "Exercises": ["exercises/release/*/*.ipynb"],
    "Look up": ["docs/glossary.md", "data/reviews/*.md", "data/*/*.md"],
    "For instructors": ["docs/instructors.md", "docs/grading.md"],
    "How the kit is made": ["docs/*.md", "CONTRIBUTING.md", "CHANGELOG.md"],
}
"""By heading the files of each section of the sidebar, as patterns; a file stays where it is named first."""


def sections(root: Path = ROOT) -> dict[str, list[str]]:
    """The pages of each section, in order, by their path without its ending.

    Args:
        root: The repository.
    """
    placed: dict[str, str] = {}
    for section, patterns in SECTIONS.items():
        for pattern in patterns:
            for path in sorted(root.glob(pattern)):
                placed.setdefault(path.relative_to(root).with_suffix("").as_posix(), section)
    return {name: [page for page, section in placed.items() if section == name] for name in SECTIONS}


def contents() -> str:
    """The sidebar, in MyST's Markdown."""
    parts = [
        "\n".join(["```{toctree}", ":hidden:", f":caption: {section}", "", *pages, "```"])
        for section, pages in sections().items()
    ]
    return "\n\n" + "\n\n".join(parts) + "\n"


def with_alt_text(notebook: str) -> str:
    """Gives a notebook's cells the alt text of their figures where MyST-NB looks for it.

    Args:
        notebook: The notebook as JSON. Its figures carry their alt text in the metadata of their output.
    """
    content = json.loads(notebook)
    for cell in content["cells"]:
        for output in cell.get("outputs", []):
            if alt := output.get("metadata", {}).get("image/png", {}).get("alt"):
                cell["metadata"]["mystnb"] = {"image": {"alt": alt}}
    return json.dumps(content)


def _read(app: "Sphinx", page: str, source: list[str]) -> None:
    if page == root_doc:
        source[0] += contents()
    elif str(app.env.doc2path(page)).endswith(".ipynb"):
        source[0] = with_alt_text(source[0])


def _formula(translator: object, node: "nodes.Element") -> None:
    """Writes a formula as MathML, which browsers draw by themselves."""
    from docutils import nodes
    from docutils.utils.math.latex2mathml import tex2mathml

    translator.body.append(tex2mathml(node.astext(), as_block=isinstance(node, nodes.math_block)))
    raise nodes.SkipNode


# ---------------------------------------------------------------- what was built, checked


class _Page(HTMLParser):
    """What a page asks for, links to, can be linked at, and shows without saying what it is."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.requests: list[str] = []
        self.links: list[str] = []
        self.ids: set[str] = set()
        self.silent: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.ids |= {given[name] for name in ("id", "name") if name in given}
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        elif tag == "link" or "src" in given or "data" in given or "srcset" in given:
            self.requests += [given[name] for name in ("href", "src", "data", "srcset") if name in given]
        if tag == "img" and given.get("alt", "") in ("", given.get("src")):
            self.silent.append(given.get("src", ""))


def _outside(page: _Page, path: Path) -> Iterator[str]:
    styles = re.findall(r"url\(\s*[\"']?([^\"')]+)|@import\s+[\"']([^\"']+)", path.read_text(encoding="utf-8"))
    for asked in [*page.requests, *(one or other for one, other in styles)]:
        if urlsplit(asked).netloc:
            yield f"{path.name} asks another computer for {asked}"


def complaints(folder: Path) -> list[str]:
    """What is wrong with built pages: requests to elsewhere, links that lead nowhere, figures without alt text.

    Args:
        folder: Where the pages are.

    Returns:
        A sentence for each; none if all is well.
    """
    pages = {path.resolve(): _Page(path) for path in sorted(folder.rglob("*.html"))}
    found = []
    for path, page in pages.items():
        found += _outside(page, path)
        found += [f"{path.name}: the figure {source} has no alt text" for source in page.silent]
        for link in page.links:
            target, anchor = urldefrag(link)
            if urlsplit(link).scheme or urlsplit(link).netloc:
                continue
            leads_to = (path.parent / unquote(target)).resolve() if target else path
            if not leads_to.exists():
                found.append(f"{path.name}: the link {link} leads nowhere")
            elif anchor and leads_to in pages and unquote(anchor) not in pages[leads_to].ids:
                found.append(f"{path.name}: the link {link} leads to a page without that heading")
    for path in folder.rglob("*.css"):
        found += _outside(_Page(path), path)
    return found


def _finish(app: "Sphinx", error: Exception | None) -> None:
    """Lets the site open at index.html, and fails if something is wrong with it."""
    from sphinx.errors import SphinxError

    if error is None and app.builder.format == "html":
        built = Path(app.outdir)
        shutil.copyfile(built / f"{root_doc}.html", built / "index.html")
        if found := complaints(built):
            raise SphinxError("the site is not fit to be shown:\n" + "\n".join(found))


def setup(app: "Sphinx") -> None:
    """What Sphinx calls first."""
    app.add_html_math_renderer("mathml", (_formula, None), (_formula, None))
    app.connect("source-read", _read)
    app.connect("build-finished", _finish)
