"""What the Hub's client, transformers and snapshots really raise, told apart; against a stand-in for the Hub."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from huggingface_hub import errors

from sentiment_kit import data, hub, models

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Each case of `tests/hub_child.py`, such as "model org/gated", and what it ended in."""
    cache = tmp_path_factory.mktemp("hub") / "cache"
    environment = os.environ | {"HF_HUB_CACHE": str(cache), "PYTHONPATH": str(REPOSITORY), "HF_HUB_DISABLE_XET": "1"}
    environment |= dict.fromkeys(("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_TOKEN"), "")
    environment |= dict.fromkeys(("no_proxy", "NO_PROXY"), "127.0.0.1")
    command = [sys.executable, "-m", "tests.hub_child"]
    done = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("kind", ["model", "data"])
@pytest.mark.parametrize(
    ("name", "problem", "remedy"),
    [
        ("org/gated", "is gated", "accept their terms on http"),
        ("org/refused", "is gated", "`hf auth login`"),
        ("org/nothing", "no name on the Hub", "check the spelling"),
        ("org/login", "answered with status 401", "`hf auth login` again"),
        ("two//slashes", "no name on the Hub", "check the spelling"),
        ("org/broken", "answered with status 500", "try again in some minutes"),
        ("org/cut", "broke off in the middle of a file", "try again"),
        ("org/half", "was fetched only in part", "try again with a network"),
        ("org/away", "cannot be reached", "use the laptop profile"),
    ],
)
def test_each_way_to_fail_has_a_message_of_its_own(
    said: dict[str, str], kind: str, name: str, problem: str, remedy: str
) -> None:
    message = said[f"{kind} {name}"]
    assert message.startswith(f"CheckpointError: checkpoint {name!r} " if kind == "model" else "DataError: data set ")
    assert name in message and problem in message and remedy in message, message
    assert "\n" not in message


def test_the_terms_of_a_gated_data_set_are_on_its_own_page(said: dict[str, str]) -> None:
    assert "/datasets/org/gated, then" in said["data org/gated"]
    assert "/datasets/" not in said["model org/gated"]


def test_a_part_in_the_cache_is_named(said: dict[str, str]) -> None:
    assert "models--org--half" in said["model org/half"]
    assert "datasets--org--half" in said["data org/half"]
    assert "models--org--away" not in said["model org/away"]


@pytest.mark.parametrize(("load", "name"), [(models.load_encoder, "org/model"), (data.load_source, "org/data")])
def test_a_variable_that_keeps_the_network_out_is_named(load: object, name: str) -> None:
    with pytest.raises((models.CheckpointError, data.DataError), match="HF_HUB_OFFLINE is set: unset it"):
        load(name)  # conftest has set it


def test_what_was_fetched_and_is_damaged_should_be_deleted(monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(hub.constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(hub.constants, "HF_HUB_OFFLINE", False)
    blob = tmp_path / "models--org--model" / "blobs" / "1234"
    blob.parent.mkdir(parents=True)
    assert hub.fetched_part("org/model") is None  # a folder, and nothing in it
    blob.write_bytes(b"cut off")
    told = hub.explain("org/model", ValueError("header too large"))
    assert told == f"was fetched, but cannot be read ({blob.parents[1]}): delete this folder and try again"
    assert "fetched only in part" in hub.explain("org/model", ConnectionError("no route"))  # the rest was out of reach


def test_the_reason_is_looked_for_under_the_wrapping() -> None:
    try:
        try:
            raise errors.HFValidationError("no name")
        except ValueError as error:
            raise OSError("could not load") from error
    except OSError as error:
        assert "no name on the Hub" in hub.explain("a b", error)
    assert hub.reason(ValueError("one\ntwo")) == "one"
    assert hub.reason(ValueError()) == "ValueError"
