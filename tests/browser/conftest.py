"""A real browser, and a guard on each page: no request leaves this computer, and nothing is said in the console."""

import importlib.util
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    missing = [name for name in ("playwright", "gradio") if importlib.util.find_spec(name) is None]
    missing += [] if CHROMIUM else ["chromium on the PATH"]
    for item in items:
        if HERE in item.path.parents:
            item.add_marker("browser")
            if missing:
                item.add_marker(pytest.mark.skip(reason=f"missing: {', '.join(missing)} (make test-browser)"))


@pytest.fixture(scope="session")
def browser() -> Iterator[object]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def watched(browser: object) -> Iterator[SimpleNamespace]:
    """A page, and what it asked for and complained of; ``hosts`` and ``complaints`` are checked when the test ends."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    seen = SimpleNamespace(page=page, hosts=set(), complaints=[])
    page.on("request", lambda request: seen.hosts.add(urlsplit(request.url).hostname))
    page.on("websocket", lambda socket: seen.hosts.add(urlsplit(socket.url).hostname))
    page.on("console", lambda said: seen.complaints.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: seen.complaints.append(str(error)))
    yield seen
    page.close()
    assert seen.hosts - {None} == {"127.0.0.1"}  # data: and blob: addresses have no host
    assert seen.complaints == []


@pytest.fixture(scope="session")
def free_port() -> object:
    """Gives a port that nobody listens on."""

    def find() -> int:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            return probe.getsockname()[1]

    return find
