"""Labeling files row by row: every format in and out, bad rows set aside, kills survived without loss or repeats."""

import csv
import io
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from sentiment_kit import streaming
from sentiment_kit.data import DataError

ADDED = ["predicted", "size"]
SLOW = """
import sys, time
from sentiment_kit import streaming
def label(texts):
    time.sleep(0.02)
    return [{"predicted": text.upper(), "size": len(text)} for text in texts]
streaming.label_file(sys.argv[1], sys.argv[2], label, added=["predicted", "size"], window=16, resume=True)
"""


def label(texts: list[str]) -> list[dict[str, object]]:
    return [{"predicted": text.upper(), "size": len(text)} for text in texts]


def run(source, target, **options):
    return streaming.label_file(source, target, label, added=ADDED, **options)


def lines(path: Path) -> list[dict]:
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def many_rows(path: Path, number: int = 700) -> None:
    """A CSV with commas, quotes, line ends, empty texts and rows with too many cells, the same on every call."""
    draw = random.Random(7)
    stream = io.StringIO()
    writer = csv.writer(stream)
    writer.writerow(["id", "text"])
    for index in range(number):
        text = draw.choice(["fine", 'a "quoted" word', "two\nlines", "a, comma", "", "naïve — é"]) + f" {index}"
        row = [index, "" if index % 97 == 5 else text]
        writer.writerow([*row, "x", "y"] if index % 89 == 3 else row)
    path.write_bytes(stream.getvalue().encode())


# ---------------------------------------------------------------- formats


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet", "txt"])
def test_every_format_in_and_out(tmp_path, kind, ending):
    texts = ['naïve, yet "fine"', "two\nlines" if kind != "txt" else "one line", "  spaced  "]
    table = pd.DataFrame({"text": texts, "n": [3, 1, 2]})
    source, target = tmp_path / f"in.{kind}", tmp_path / f"out.{ending}"
    match kind:
        case "csv":
            table.to_csv(source, index=False)
        case "jsonl":
            table.to_json(source, orient="records", lines=True, force_ascii=False)
        case "parquet":
            table.to_parquet(source)
        case "txt":
            source.write_text("\r\n".join(texts), encoding="utf-8", newline="")
    report = run(source, target)
    assert (report.predicted, report.rejected, report.rejected_path) == (3, 0, None)
    found = lines(target)
    assert [row["text"] for row in found] == texts
    assert [row["predicted"] for row in found] == [text.upper() for text in texts]
    assert [int(row["size"]) for row in found] == [len(text) for text in texts]
    if kind != "txt":
        assert [int(row["n"]) for row in found] == [3, 1, 2]
    assert names(tmp_path) == sorted([source.name, target.name])


def test_a_stream_is_read_line_by_line_or_as_told(tmp_path):
    run(io.BytesIO(b"good\nbad\n"), tmp_path / "a.jsonl")
    assert [row["text"] for row in lines(tmp_path / "a.jsonl")] == ["good", "bad"]
    run(io.BytesIO(b'{"text": "good", "n": [1, {"a": 2}]}\n'), tmp_path / "b.csv", format="jsonl")
    assert lines(tmp_path / "b.csv") == [{"text": "good", "n": '[1, {"a": 2}]', "predicted": "GOOD", "size": "4"}]
    with pytest.raises(DataError, match=r"Parquet cannot be read from a pipe"):
        run(io.BytesIO(b"PAR1"), tmp_path / "c.csv", format="parquet")


def test_numbers_that_json_does_not_know_become_null(tmp_path):
    (tmp_path / "in.jsonl").write_text(
        '{"text": "a", "n": NaN, "more": [1, {"x": -Infinity}]}\n{"text": "", "n": NaN}\n'
    )
    report = run(tmp_path / "in.jsonl", tmp_path / "out.jsonl")
    strict = {"parse_constant": lambda name: pytest.fail(f"{name} is no JSON")}
    row = json.loads((tmp_path / "out.jsonl").read_text(), **strict)
    assert (row["n"], row["more"]) == (None, [1, {"x": None}])
    assert json.loads(report.rejected_path.read_text(), **strict)["content"] == {"text": "", "n": None}


def test_outputs_of_two_formats_keep_their_rejected_rows_apart(tmp_path):
    (tmp_path / "in.txt").write_text("a\n\nb\n")
    kept = run(tmp_path / "in.txt", tmp_path / "out.csv").rejected_path
    (tmp_path / "in.txt").write_text("a\nb\n")
    assert run(tmp_path / "in.txt", tmp_path / "out.jsonl").rejected_path is None
    assert len(lines(kept)) == 1


def test_rows_without_a_place_in_csv_are_set_aside(tmp_path):
    (tmp_path / "in.jsonl").write_text('{"text": "a", "n": 1}\n{"text": "b"}\n{"text": "c", "m": 2}\n')
    report = run(tmp_path / "in.jsonl", tmp_path / "out.csv")
    assert [(row["text"], row["n"]) for row in lines(tmp_path / "out.csv")] == [("a", "1"), ("b", "")]
    assert [entry["reason"] for entry in lines(report.rejected_path)] == [
        "a column 'm' that the first row does not have: write .jsonl instead"
    ]
    run(tmp_path / "in.jsonl", tmp_path / "out.jsonl")
    assert [row.get("m") for row in lines(tmp_path / "out.jsonl")] == [None, None, 2]


# ---------------------------------------------------------------- bad rows


def test_each_bad_row_of_a_csv_is_named_and_costs_only_itself(tmp_path):
    (tmp_path / "in.csv").write_bytes(
        b'id,text\n1,good\n\n2,\n3,na\xefve\n4,a,b\n5,"never closed\n6,fine\n7,"odd"x\n8,last\n'
    )
    report = run(tmp_path / "in.csv", tmp_path / "out.csv")
    assert [row["id"] for row in lines(tmp_path / "out.csv")] == ["1", "6", "8"]
    rejected = lines(report.rejected_path)
    assert [(entry["row"], entry["reason"].split(":")[0].split(" (")[0]) for entry in rejected] == [
        (2, "the text is empty or no text"),
        (3, "not UTF-8"),
        (4, "3 cells for 2 columns"),
        (5, "not well-formed CSV"),
        (7, "not well-formed CSV"),
    ]
    assert rejected[1]["content"]["text"].encode("utf-8", "surrogateescape") == b"na\xefve"  # nothing is lost
    assert rejected[3]["content"] == {"line": '5,"never closed'}


def test_each_bad_row_of_a_jsonl_is_named_and_costs_only_itself(tmp_path):
    (tmp_path / "in.jsonl").write_bytes(
        b'{"text": "good"}\n\n{"text": 5}\n{"text": "half \\ud83d"}\nnot json\n[1]\n{"other": "x"}\n{"text": "last"}\n'
        + b"[" * 100_000 + b"\n"
    )  # fmt: skip
    report = run(tmp_path / "in.jsonl", tmp_path / "out.jsonl")
    assert [row["text"] for row in lines(tmp_path / "out.jsonl")] == ["good", "last"]
    assert [entry["row"] for entry in lines(report.rejected_path)] == [2, 3, 4, 5, 6, 8]


def test_a_quote_that_is_never_closed_does_not_take_the_rest_of_a_long_file(tmp_path):
    rows = [f"{index},text {index}\n" for index in range(100_000)]
    rows[10] = '10,"open\n'
    (tmp_path / "in.csv").write_text("id,text\n" + "".join(rows))
    report = run(tmp_path / "in.csv", tmp_path / "out.csv")
    assert (report.predicted, report.rejected) == (99_999, 1)


def test_what_cannot_be_read_at_all_is_an_error_and_leaves_nothing(tmp_path):
    cases = {
        "a.csv": (b"text,text\nx,y\n", "two columns have the same name"),
        "semicolons.csv": (b"id;text\n1;good, fun\n", "separated by semicolons: save it as CSV with commas"),
        "b.csv": (b"id,predicted,text\n1,x,y\n", "a column 'predicted' already"),
        "c.csv": (b"t\xe9xt\nx\n", "line 1: not UTF-8"),
        "u.txt": ("Fine.\nDull.\n".encode("utf-16"), "is UTF-16, not UTF-8: save the file as UTF-8"),
        "u.jsonl": ('{"text": "Fine."}\n'.encode("utf-16"), "is UTF-16, not UTF-8"),
        "d.csv": (b"", "no rows"),
        "e.parquet": (b"PAR1 nothing", "not a Parquet file"),
        "f.xlsx": (b"x", r"cannot read \.xlsx: use \.csv"),
        "g.jsonl": (
            b"{}\n",
            r"no row has a usable text in 'text' \(row 1: there is no 'text' in it \(it has: nothing\)\)",
        ),
    }
    for name, (content, message) in cases.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(DataError, match=message):
            run(tmp_path / name, tmp_path / "out.jsonl")
        (tmp_path / name).unlink()
    assert names(tmp_path) == []


@pytest.mark.parametrize("place", [1, 50, 99])
def test_a_quote_that_is_never_closed_costs_one_row_wherever_it_is(tmp_path, place):
    rows = [f"{index},text {index}\n" for index in range(100)]
    rows[place] = f'{place},"open\n'
    (tmp_path / "in.csv").write_text("id,text\n" + "".join(rows))
    report = run(tmp_path / "in.csv", tmp_path / "out.csv")
    assert (report.predicted, report.rejected) == (99, 1)
    assert lines(report.rejected_path)[0]["row"] == place + 1


def test_empty_lines_are_no_rows(tmp_path):
    (tmp_path / "in.csv").write_text('id,text\n1,good\n\n\n2,"odd"x\n\n3,fine\n')
    report = run(tmp_path / "in.csv", tmp_path / "out.csv")
    assert [row["id"] for row in lines(tmp_path / "out.csv")] == ["1", "3"]
    assert [(entry["row"], entry["content"]) for entry in lines(report.rejected_path)] == [(2, {"line": '2,"odd"x'})]


def test_a_lone_carriage_return_stays_in_its_cell(tmp_path):
    (tmp_path / "in.jsonl").write_text('{"text": "a\\rb", "n": 1}\n')
    run(tmp_path / "in.jsonl", tmp_path / "out.csv")
    assert lines(tmp_path / "out.csv") == [{"text": "a\rb", "n": "1", "predicted": "A\rB", "size": "3"}]


def test_half_a_character_in_a_name_costs_one_row(tmp_path):
    (tmp_path / "in.jsonl").write_text('{"text": "a"}\n{"text": "b", "\\ud83d": 1}\n')
    assert run(tmp_path / "in.jsonl", tmp_path / "out.jsonl").rejected == 1


def test_parquet_that_python_cannot_hold_costs_one_row(tmp_path):
    import pyarrow
    from pyarrow import parquet

    when = pyarrow.array([0, 2**60, 1], pyarrow.timestamp("us"))
    text = pyarrow.array([b"good", b"fine", b"na\xefve"]).cast(pyarrow.string(), safe=False)
    parquet.write_table(pyarrow.table({"text": text, "when": when}), tmp_path / "in.parquet")
    report = run(tmp_path / "in.parquet", tmp_path / "out.jsonl")
    assert [row["text"] for row in lines(tmp_path / "out.jsonl")] == ["good"]
    rejected = lines(report.rejected_path)
    assert [entry["row"] for entry in rejected] == [2, 3]
    assert (
        rejected[0]["content"] == {"text": "fine", "when": str(2**60)} and "na\\xefve" in rejected[1]["content"]["text"]
    )


def test_a_line_without_end_costs_one_row(tmp_path):
    (tmp_path / "in.txt").write_text("x" * 9_000_000 + "\nshort\n")
    report = run(tmp_path / "in.txt", tmp_path / "out.jsonl")
    assert [row["text"] for row in lines(tmp_path / "out.jsonl")] == ["short"]
    assert [(entry["row"], entry["reason"]) for entry in lines(report.rejected_path)] == [
        (1, "longer than 1,000,000 characters")
    ]


def test_a_folder_in_the_way_is_seen_before_the_work(tmp_path):
    (tmp_path / "in.csv").write_text("text\ngood\n")
    for name in ("out.csv", "other.csv.rejected.jsonl"):
        (tmp_path / name).mkdir()
    for name in ("out.csv", "other.csv"):
        with pytest.raises(DataError, match="is a folder: give another output name"):
            streaming.label_file(tmp_path / "in.csv", tmp_path / name, pytest.fail, added=ADDED)


# ---------------------------------------------------------------- shards


@pytest.mark.parametrize("count", [2, 3])
def test_shards_together_are_the_whole(tmp_path, count):
    many_rows(tmp_path / "in.csv", 100)
    run(tmp_path / "in.csv", tmp_path / "whole.csv")
    found, rejected = [], []
    for number in range(1, count + 1):
        report = run(tmp_path / "in.csv", tmp_path / f"part{number}.csv", shard=(number, count), window=7)
        found += lines(tmp_path / f"part{number}.csv")
        rejected += lines(report.rejected_path) if report.rejected_path else []
    found.sort(key=lambda row: int(row["row"]))
    assert [{key: value for key, value in row.items() if key != "row"} for row in found] == lines(
        tmp_path / "whole.csv"
    )
    assert sorted(rejected, key=lambda entry: entry["row"]) == lines(tmp_path / "whole.csv.rejected.jsonl")


def test_a_shard_without_rows_is_an_empty_table(tmp_path):
    (tmp_path / "in.csv").write_text("text\nonly\n")
    assert run(tmp_path / "in.csv", tmp_path / "out.csv", shard=(2, 2)).predicted == 0
    assert (tmp_path / "out.csv").read_text() == "text,row,predicted,size\n"


# ---------------------------------------------------------------- kills


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_killed_anywhere_and_resumed_the_files_are_the_same_bytes(tmp_path, ending):
    source, target = tmp_path / "in.csv", tmp_path / "killed" / f"out.{ending}"
    many_rows(source)
    run(source, tmp_path / "whole" / f"out.{ending}", window=16)
    journal, draw = target.with_name(f"{target.name}.journal"), random.Random(3)
    for _ in range(3):
        before = journal.read_bytes() if journal.exists() else b""
        process = subprocess.Popen([sys.executable, "-c", SLOW, str(source), str(target)])
        while process.poll() is None and (not journal.exists() or journal.read_bytes() == before):
            time.sleep(0.005)
        time.sleep(draw.uniform(0, 0.1))
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL, "it was finished before the kill"
    run(source, target, window=16, resume=True)
    for name in (f"out.{ending}", f"out.{ending}.rejected.jsonl"):
        assert (target.parent / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    assert names(target.parent) == [f"out.{ending}", f"out.{ending}.rejected.jsonl"]


def test_half_a_journal_of_a_killed_run_is_cleared_away(tmp_path):
    (tmp_path / "in.txt").write_text("a\n")
    for name in (".out.csv.journal.x1y2.part", ".other.csv.journal.x1y2.part"):
        (tmp_path / name).write_text("{")
    run(tmp_path / "in.txt", tmp_path / "out.csv")
    assert names(tmp_path) == [".other.csv.journal.x1y2.part", "in.txt", "out.csv"]


class Stop(Exception):
    pass


def stopping_after(windows: int):
    left = iter(range(windows))

    def stop(texts):
        if next(left, None) is None:
            raise Stop
        return label(texts)

    return stop


def start_and_stop(source: Path, target: Path, **options) -> None:
    with pytest.raises(Stop):
        streaming.label_file(source, target, stopping_after(2), added=ADDED, window=16, **options)


def test_half_written_windows_are_cut_off(tmp_path):
    many_rows(tmp_path / "in.csv")
    start_and_stop(tmp_path / "in.csv", tmp_path / "out.csv")
    with (tmp_path / "out.csv.part").open("ab") as part:
        part.write(b"half a ro")
    run(tmp_path / "in.csv", tmp_path / "out.csv", window=16, resume=True)
    run(tmp_path / "in.csv", tmp_path / "whole.csv", window=16)
    assert (tmp_path / "out.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()


def test_an_unfinished_run_is_neither_lost_nor_mixed_up(tmp_path):
    source, target = tmp_path / "in.csv", tmp_path / "out.csv"
    many_rows(source)
    target.write_text("old answers")
    start_and_stop(source, target, settings={"threshold": 0.5})
    kept = target.with_name("out.csv.part").read_bytes()
    with pytest.raises(DataError, match=r"an earlier run stopped after 3\d rows: add --resume to go on, or delete"):
        run(source, target, window=16, settings={"threshold": 0.5})
    with pytest.raises(DataError, match="had another threshold"):
        run(source, target, window=16, settings={"threshold": 0.6}, resume=True)
    changed = source.read_bytes().replace(b" 3", b" 4", 1)
    good = source.read_bytes()
    for content in (changed, good[:150]):
        source.write_bytes(content)
        with pytest.raises(DataError, match="not the rows of the earlier run"):
            run(source, target, window=16, settings={"threshold": 0.5}, resume=True)
    assert target.with_name("out.csv.part").read_bytes() == kept
    assert target.read_text() == "old answers"
    source.write_bytes(good)
    assert run(source, target, window=16, settings={"threshold": 0.5}, resume=True).predicted > 600
    assert names(tmp_path) == ["in.csv", "out.csv", "out.csv.rejected.jsonl"]


@pytest.mark.parametrize("moves", [0, 1, 2])
def test_stopped_while_files_are_moved_it_can_be_resumed(tmp_path, monkeypatch, moves):
    source, replace, left = tmp_path / "in.csv", os.replace, iter(range(moves))
    many_rows(source)
    run(source, tmp_path / "whole.csv")

    def stop_moving(part, target):
        if str(target).endswith(".journal") or next(left, None) is not None:
            return replace(part, target)
        raise Stop

    monkeypatch.setattr(os, "replace", stop_moving)
    monkeypatch.setattr(streaming._Output, "discard", lambda self: (_ for _ in ()).throw(Stop))
    with pytest.raises(Stop):
        run(source, source.with_name("out.csv"))
    monkeypatch.undo()
    assert run(source, tmp_path / "out.csv", resume=True).predicted > 600
    assert (tmp_path / "out.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()
    assert (tmp_path / "out.csv.rejected.jsonl").read_bytes() == (tmp_path / "whole.csv.rejected.jsonl").read_bytes()
    assert len(names(tmp_path)) == 5


def test_two_runs_never_write_the_same_file(tmp_path):
    many_rows(tmp_path / "in.csv", 50)

    def meddle(texts):
        with pytest.raises(DataError, match=r"out\.csv: another run is writing it"):
            run(tmp_path / "in.csv", tmp_path / "out.csv", window=10)
        return label(texts)

    streaming.label_file(tmp_path / "in.csv", tmp_path / "out.csv", meddle, added=ADDED, window=10)
    run(tmp_path / "in.csv", tmp_path / "whole.csv")
    assert (tmp_path / "out.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()


def test_a_full_disk_keeps_the_old_file_and_what_was_done(tmp_path, monkeypatch):
    source, target = tmp_path / "in.csv", tmp_path / "out.csv"
    many_rows(source)
    target.write_text("old answers")
    synced, real = [], os.fsync

    def full(handle: int) -> None:
        synced.append(handle)
        if len(synced) > 6:
            raise OSError(28, "No space left on device")
        real(handle)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        run(source, target, window=16)
    assert target.read_text() == "old answers"
    monkeypatch.undo()
    run(source, target, window=16, resume=True)
    run(source, tmp_path / "whole.csv", window=16)
    assert target.read_bytes() == (tmp_path / "whole.csv").read_bytes()


def test_memory_does_not_grow_with_the_file(tmp_path):
    import tracemalloc

    peaks = []
    for number in (5_000, 50_000):
        (tmp_path / "in.csv").write_text("text\n" + "a middling film all told\n" * number)
        tracemalloc.start()
        run(tmp_path / "in.csv", tmp_path / "out.csv", window=500)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0]
