"""What `tests/test_hub.py` runs in a process of its own: the libraries against a stand-in for the Hub on this machine.

The Hub's client reads its address when it is imported, so it has to be set before. Prints a JSON object: case, message.
"""

import json
import os
import sys
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

COMMIT = "0123456789abcdef0123456789abcdef01234567"
CONFIG = b'{"model_type": "bert"}'
REFUSALS = {
    "org/gated": (401, "GatedRepo"),  # to whoever is not logged in
    "org/refused": (403, "GatedRepo"),  # to whoever is, and has not been let in
    "org/nothing": (404, "RepoNotFound"),
    "org/login": (401, ""),  # to whoever shows a token that is worth nothing
    "org/broken": (500, ""),
}


class Hub(BaseHTTPRequestHandler):
    """Refuses some repositories, and stops in the middle of each file of the others."""

    def log_message(self, *_: object) -> None:
        pass

    def _answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in ({"Content_Length": str(len(body))} | headers).items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def do_GET(self) -> None:
        refusal = next((one for name, one in REFUSALS.items() if f"/{name}/" in f"{self.path}/"), None)
        file = self.path.rsplit("/", 1)[-1]
        if refusal:
            self._answer(refusal[0], X_Error_Code=refusal[1])
        elif self.path.startswith("/api/") and "/tree/" in self.path:
            files = [{"type": "file", "path": "train.jsonl", "size": 1000, "oid": "1" * 40}]
            self._answer(200, json.dumps(files).encode(), Content_Type="application/json")
        elif self.path.startswith("/api/"):
            about = {"id": "org/cut", "sha": COMMIT, "siblings": [{"rfilename": "train.jsonl"}], "tags": []}
            self._answer(200, json.dumps(about).encode(), Content_Type="application/json")
        elif "/resolve/" in self.path and file in ("config.json", "train.jsonl"):
            self._answer(200, b"{", Content_Length="1000", X_Repo_Commit=COMMIT, ETag='"1234"')
            self.close_connection = True
        else:
            self._answer(404, X_Error_Code="EntryNotFound", X_Repo_Commit=COMMIT)

    do_HEAD = do_GET


def message(load: Callable[[str], object], name: str) -> str:
    try:
        return f"no error: {load(name)}"
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def main() -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    os.environ["HF_ENDPOINT"] = f"http://127.0.0.1:{server.server_port}"
    from sentiment_kit import data, models

    time.sleep = lambda seconds: None  # between the client's tries
    loaders = {"model": models.load_encoder, "data": data.load_source}
    found = {
        f"{kind} {name}": message(load, name)
        for kind, load in loaders.items()
        for name in (*REFUSALS, "org/cut", "two//slashes")
    }
    server.shutdown()
    server.server_close()
    cache = Path(os.environ["HF_HUB_CACHE"])
    for kind, file in (("model", "config.json"), ("dataset", "train.jsonl")):
        half = cache / f"{kind}s--org--half"
        (half / "snapshots" / COMMIT).mkdir(parents=True)
        (half / "snapshots" / COMMIT / file).write_bytes(CONFIG)
        (half / "refs").mkdir()
        (half / "refs" / "main").write_text(COMMIT)
        (half / "blobs").mkdir()
        (half / "blobs" / "5678.incomplete").write_bytes(b"half of the weig")
    for kind, load in loaders.items():
        for name in ("org/away", "org/half"):
            found[f"{kind} {name}"] = message(load, name)
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
