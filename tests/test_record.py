"""Recordings are read back exactly; killed runs lose no finished exchange; hostile recordings are refused."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.model import Exchange, Failure, Piece, Request
from conformance.recording.record import Recorder, format_exchange, parse_exchange, read_recording
from conformance.recording.runfile import read_run_file, write_run
from conformance.recording.writing import RecordError, write_atomically, write_report_file
from conformance.validation import validate

REQUEST = Request(
    "POST", "/v1beta/models/m:generateContent", (("Content-Type", "application/json"),), b"{}", "bearer"
)


def exchange(number: int = 1, provider: str = "v", body: bytes = b'{"a":1}', **more: Any) -> Exchange:
    values: dict[str, Any] = {
        "provider": provider,
        "probe": "a.probe",
        "attempt": number,
        "request": REQUEST,
        "expected": {"status": 200},
        "status": 200,
        "http_version": "HTTP/1.1",
        "headers": (("X", "1"), ("X", "2")),
        "pieces": (Piece(1.5, body),),
        "failure": None,
        "started_at": "2026-11-22T00:00:00.000+00:00",
        "headers_ms": 1.25,
        "ended_ms": 2.0,
    }
    return Exchange(**{**values, **more})


def written(folder: Path, *exchanges: Exchange) -> Path:
    with Recorder(folder) as recorder:
        for one in exchanges:
            recorder.add(one)
    return folder / "exchanges" / "v.jsonl"


@given(st.lists(st.tuples(st.floats(0, 1e6), st.binary(max_size=40)), max_size=5), st.binary(max_size=40))
def test_every_byte_comes_back_and_every_line_fits_the_schema(
    pieces: list[tuple[float, bytes]], body: bytes
) -> None:
    one = exchange(
        pieces=tuple(Piece(at, data) for at, data in pieces),
        request=Request("PUT", "/", (), body, "none"),
        failure=Failure("silence", "x\u2028y", "silence"),
    )
    line = format_exchange(one)
    assert line.isascii()
    assert line.isprintable()
    assert parse_exchange(json.loads(line)) == one
    assert validate(json.loads(line), "https://conformance.invalid/schemas/exchange") == []


def test_what_a_recorder_lost_comes_back_and_is_written_only_where_it_did() -> None:
    lost: dict[str, Any] = {"headers_complete": False, "reserialised": True, "timed": False}
    ours, theirs = json.loads(format_exchange(exchange())), json.loads(format_exchange(exchange(**lost)))
    assert not lost.keys() & ours.keys()
    assert {name: theirs[name] for name in lost} == lost
    assert parse_exchange(theirs) == exchange(**lost)
    assert validate(theirs, "https://conformance.invalid/schemas/exchange") == []


def test_every_line_names_itself_as_the_contract_says() -> None:
    line = json.loads(format_exchange(exchange(3)))
    assert line["id"] == "v/a.probe#3"
    assert line["try"] == 3
    assert line["pieces"] == [{"ms": 1.5, "text": '{"a":1}'}]


def test_exchanges_are_on_the_disk_as_they_end(tmp_path: Path) -> None:
    with Recorder(tmp_path) as recorder:
        for number in (1, 2, 3):
            recorder.add(exchange(number))
            assert len(read_recording(tmp_path).exchanges) == number
        recorder.add(exchange(1, "w"))
    recording = read_recording(tmp_path)
    assert [one.id for one in recording.exchanges] == [
        "v/a.probe#1",
        "v/a.probe#2",
        "v/a.probe#3",
        "w/a.probe#1",
    ]
    assert recording.warnings == ()


@pytest.mark.parametrize("cut", [1, 10, 200])
def test_a_last_line_that_was_cut_off_is_left_out_and_said(tmp_path: Path, cut: int) -> None:
    file = written(tmp_path, exchange(1), exchange(2))
    file.write_bytes(file.read_bytes()[:-cut])
    recording = read_recording(tmp_path)
    assert recording.exchanges == (exchange(1),)
    assert recording.warnings == ("v.jsonl:2: the last line was cut off; everything before it was read",)


def test_going_on_after_a_cut_loses_nothing(tmp_path: Path) -> None:
    file = written(tmp_path, exchange(1), exchange(2))
    file.write_bytes(file.read_bytes()[:-30])
    written(tmp_path, exchange(3))
    recording = read_recording(tmp_path)
    assert recording.exchanges == (exchange(1), exchange(3))
    assert recording.warnings == ()


LOOP = """
import sys
from pathlib import Path
sys.path[:0] = [{tests!r}, {root!r}]
from test_record import exchange
from conformance.recording.record import Recorder
with Recorder(Path({folder!r})) as recorder:
    for number in range(1, 10**9):
        recorder.add(exchange(number, body=b"x" * (number % 3000)))
        print(number, flush=True)
"""


@pytest.mark.parametrize("after", [0.0, 0.005, 0.02, 0.05])
def test_a_killed_process_loses_nothing_that_had_ended(tmp_path: Path, after: float) -> None:
    tests = Path(__file__).parent
    code = LOOP.format(tests=str(tests), root=str(tests.parent), folder=str(tmp_path))
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(after)
        process.send_signal(signal.SIGKILL)
        said = [int(line) for line in process.stdout.read().splitlines() if line]
    kept = [one.attempt for one in read_recording(tmp_path).exchanges]
    assert kept == list(range(1, len(kept) + 1))
    assert len(kept) >= max(said, default=1)


def test_a_full_disk_leaves_whole_lines(tmp_path: Path) -> None:
    code = f"""
import resource, signal, sys
from pathlib import Path
sys.path[:0] = [{str(Path(__file__).parent)!r}, {str(Path(__file__).parent.parent)!r}]
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
from test_record import exchange
from conformance.recording.record import Recorder, RecordError, read_recording
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
recorder = Recorder(Path({str(tmp_path)!r}))
try:
    for number in range(1, 100):
        recorder.add(exchange(number, body=b"x" * 3000))
except RecordError as error:
    print(number, error)
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    number, _, says = run.stdout.strip().partition(" ")
    assert "cannot be written" in says
    recording = read_recording(tmp_path)
    assert recording.warnings == ()
    assert len(recording.exchanges) == int(number) - 1


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"pieces": "x"}, "/pieces: must be a list"),
        ({"pieces": [7]}, "/pieces/0: must be an object"),
        ({"pieces": [{"text": ""}]}, "/pieces/0/ms: is missing"),
        ({"pieces": [{"ms": 1, "base64": "*"}]}, "v.jsonl:2:"),
        ({"pieces": [{"ms": True, "text": ""}]}, "/pieces/0/ms: must be a number"),
        ({"pieces": [{"ms": 1, "text": "\ud800"}]}, "v.jsonl:2:"),
        ({"headers": [["a"]]}, "/headers: must be a list of pairs of texts"),
        ({"headers": {}}, "/headers: must be a list"),
        ({"status": "200"}, "/status: must be a whole number"),
        ({"status": True}, "/status: must be a whole number"),
        ({"try": 1.5}, "/try: must be a whole number"),
        ({"provider": "../../etc"}, "the file belongs to 'v'"),
        ({"provider": 7}, "/provider: must be text"),
        ({"request": []}, "/request: must be an object"),
        ({"request": {}}, "/request/path: is missing"),
        ({"failure": {"kind": 1}}, "/failure/kind: must be text"),
        ({"expected": None}, "/expected: must be an object"),
    ],
)
def test_a_line_of_a_wrong_shape_is_refused_with_its_number(
    tmp_path: Path, change: dict[str, Any], says: str
) -> None:
    file = written(tmp_path, exchange(1))
    line = json.loads(format_exchange(exchange(2)))
    file.write_text(file.read_text() + json.dumps({**line, **change}) + "\n")
    with pytest.raises(RecordError) as caught:
        read_recording(tmp_path)
    assert "v.jsonl:2: " in str(caught.value)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    "line",
    [b"", b"7", b"[]", b"null", b"{", b"\xff", b"[" * 100_000, b'{"try":NaN}', b"9" * 100_000, b"{}{}"],
    ids=range(10),
)
def test_a_line_that_is_no_exchange_is_refused(tmp_path: Path, line: bytes) -> None:
    file = written(tmp_path, exchange(1))
    file.write_bytes(file.read_bytes() + line + b"\n")
    with pytest.raises(RecordError, match=r"v\.jsonl:2: ") as caught:
        read_recording(tmp_path)
    assert len(str(caught.value)) < 600


def test_a_line_without_end_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("conformance.recording.record.LONGEST_LINE", 1000)
    file = written(tmp_path, exchange(1))
    file.write_bytes(file.read_bytes() + b"x" * 5000)
    with pytest.raises(RecordError, match="longer than 1000 bytes"):
        read_recording(tmp_path)


def test_links_and_strange_names_are_neither_read_nor_written(tmp_path: Path) -> None:
    outside = tmp_path / "outside.txt"
    outside.write_text("precious")
    (tmp_path / "exchanges").mkdir()
    (tmp_path / "exchanges" / "v.jsonl").symlink_to(outside)
    with pytest.raises(RecordError, match="cannot be opened"):
        written(tmp_path, exchange(1))
    with pytest.raises(RecordError, match="not a file that a run writes"):
        read_recording(tmp_path)
    with pytest.raises(RecordError, match="cannot be the name of a provider"):
        written(tmp_path, exchange(1, "../../etc/passwd"))
    assert outside.read_text() == "precious"


def test_a_folder_without_a_recording_says_so(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="is not a recording"):
        read_recording(tmp_path)


def test_run_json_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    write_run(tmp_path, {"seed": 7, "title": "Grüße"})
    assert json.loads((tmp_path / "run.json").read_text("utf-8")) == {"seed": 7, "title": "Grüße"}
    assert os.listdir(tmp_path) == ["run.json"]  # noqa: PTH208 - hidden files count too
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("precious")
    (tmp_path / "link").symlink_to(elsewhere)
    write_atomically(tmp_path / "link", "new")
    assert elsewhere.read_text() == "precious"
    with pytest.raises(RecordError, match="cannot be written"):
        write_atomically(elsewhere / "below" / "a.json", "x")


@pytest.mark.parametrize("text", ["", "7", "{", '{"a": NaN}', "[" * 100_000])
def test_a_run_json_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "run.json").write_text(text)
    with pytest.raises(RecordError, match=r"run\.json:"):
        read_run_file(tmp_path)


def test_what_cannot_replace_an_older_report_removes_it(tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    file.write_text("exit code 0")
    (tmp_path / f".results.json.{os.getpid()}").mkdir()  # where the new one would be written first
    with pytest.raises(RecordError, match="cannot be written"):
        write_report_file(file, "exit code 3")
    assert not file.exists()
