"""Unusual headers, statuses, addresses and files of recordings are read, or refused in one line."""

from __future__ import annotations

import base64
import json
import os
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest
import recordings

from conformance.capturing.collecting import RecordedFiles, read_files
from conformance.capturing.entry import CaptureError, parse_headers, parse_status
from conformance.cli import main

LINE = recordings.line(recordings.good())
KEY = "AIzaSyA1234567890abcdefghijklmnopqrstuvw"


def read(path: Path, *lines: dict[str, Any]) -> RecordedFiles:
    path.write_text("\n".join(map(json.dumps, lines)))
    return read_files([str(path)])


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "a/b", "X": "1"},
        {"Content-Type": ["a/b"], "X": ["1"]},
        [["Content-Type", "a/b"], ["X", "1"]],
        [["Content-Type", ["a/b"]], ["X", ["1"]]],
        [{"name": "Content-Type", "value": "a/b"}, {"name": "X", "value": "1"}],
        [{"key": "Content-Type", "value": "a/b"}, {"key": "X", "value": "1"}],
        [{"Content-Type": "a/b"}, {"X": ["1"]}],
        ["Content-Type: a/b", "X:1"],
        (("Content-Type", "a/b"), ("X", "1")),
        "HTTP/1.1 200 OK\r\nContent-Type: a/b\r\nX: 1\r\n",
        {"Content-Type": "a/b", "X": 1, "Y": None, "Z": {"not": "a text"}},
    ],
    ids=range(11),
)
def test_headers_are_read_in_every_shape(headers: Any) -> None:
    assert parse_headers(headers) == (("Content-Type", "a/b"), ("X", "1"))


@pytest.mark.parametrize(
    "headers", [7, True, ["Content-Type", "a/b"], [["a", "b", "c"]], [[]], [7], [None]], ids=range(7)
)
def test_what_is_no_header_is_refused(headers: Any) -> None:
    with pytest.raises(CaptureError, match="headers"):
        parse_headers(headers)


@pytest.mark.parametrize(
    ("value", "status"),
    [
        (200, 200), ("200", 200), (" 404 ", 404), ("200 OK", 200), ("HTTP/1.1 503 Busy", 503), (200.0, 200),
        ("x", None), (None, None), (0, None), (-1, None), (10**20, None), (True, None), ([200], None), ("２００", None),
        (200.5, None), ("2000", None), (float("nan"), None), (float("inf"), None), ("200 " + "x" * 500, None),
    ],
)  # fmt: skip
def test_a_status_is_read_as_number_or_text(value: Any, status: int | None) -> None:
    assert parse_status(value) == status


@pytest.mark.parametrize(
    ("url", "base"),
    [
        ("https://[2001:db8::1]:8443/v1beta/models/m:generateContent", "https://[2001:db8::1]:8443"),
        ("http://[::1]/v1beta/models/m:generateContent", "http://[::1]"),
        ("HTTPS://H.EXAMPLE:443/v1beta/models/m:generateContent", "https://h.example"),
        ("//h.example/v1beta/models/m:generateContent", "https://h.example"),
        ("h.example/v1beta/models/m:generateContent", "https://h.example"),
        ("localhost:8080/v1beta/models/m:generateContent", "https://localhost:8080"),
        ("  https://h.example/v1beta/models/m:generateContent\n", "https://h.example"),
        ("https://user:secret@h.example/v1beta/models/m:generateContent#x", "https://h.example"),
        ("v1beta/models/m:generateContent", "https://host-not-recorded.invalid"),
        ("models/m:generateContent", "https://host-not-recorded.invalid"),
    ],
)
def test_addresses_are_read_in_every_shape(tmp_path: Path, url: str, base: str) -> None:
    assert read(tmp_path / "x", {**LINE, "url": url}).groups[0].base_url == base


def test_models_of_any_script_are_told_apart(tmp_path: Path) -> None:
    lines = [
        {**LINE, "url": f"https://h.example/v1beta/models/{model}:generateContent"}
        for model in ("模型", "модель", "m")
    ]
    groups = read(tmp_path / "x", *lines).groups
    assert [group.model for group in groups] == ["模型", "модель", "m"]
    assert len({group.name for group in groups}) == 3


def test_a_key_in_a_path_does_not_come_out_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    url = f"https://h.example/{KEY}/v1beta/models/m:generateContent"
    bad = {**recordings.line(recordings.snake()), "url": url}
    group = read(tmp_path / "x", bad).groups[0]
    assert KEY not in repr((group.base_url, group.name, group.exchanges))
    assert main(["judge", str(tmp_path / "x"), "--out", str(tmp_path / "out")]) == 1
    heard = capsys.readouterr()
    written = [path.read_text() for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert not [text for text in (*written, heard.out, heard.err) if KEY in text]


def test_base64_may_stand_in_several_lines(tmp_path: Path) -> None:
    body = base64.b64decode(LINE["body_b64"])
    found = read(tmp_path / "x", {**LINE, "body_b64": base64.encodebytes(body).decode()})
    assert found.groups[0].exchanges[0].body == body


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"BZh91AY&SY" + b"x" * 50, "is packed with bzip2"),
        (b"\x28\xb5\x2f\xfd" + b"x" * 50, "is packed with zstd"),
        (b"\xfd7zXZ\x00" + b"x" * 50, "is packed with xz"),
        ('{"log": 1}'.encode("utf-16-le"), "is UTF-16"),
        ('{"log": 1}'.encode("utf-16-be"), "is UTF-16"),
        (b"\0" * 1000, "is not a recording in a known format"),
        (b'{"log": {"entries": [\0]}}', "its JSON is broken"),
    ],
)
def test_files_of_another_kind_are_said_in_one_line(tmp_path: Path, data: bytes, says: str) -> None:
    (tmp_path / "x").write_bytes(data)
    report = read_files([str(tmp_path / "x")]).files[0]
    assert report.fault
    assert says in report.says


def test_an_archive_is_said_to_be_one(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("x.har", recordings.har(recordings.good()))
    assert "is a zip archive; unpack it first" in read_files([str(tmp_path / "x.zip")]).files[0].says


@pytest.mark.parametrize("mark", [b"\xef\xbb\xbf", b""])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_a_mark_at_the_beginning_and_line_ends_change_nothing(
    tmp_path: Path, mark: bytes, end: bytes
) -> None:
    texts = (
        recordings.dump(recordings.vcrpy(recordings.good())),
        json.dumps(LINE).encode() + b"\n" + json.dumps(LINE).encode(),
    )
    for text, count in zip(texts, (1, 2), strict=True):
        (tmp_path / "x").write_bytes(mark + text.replace(b"\n", end))
        assert read_files([str(tmp_path / "x")]).count == count


def test_pipes_devices_and_links_are_read_or_refused_at_once(tmp_path: Path) -> None:
    read(tmp_path / "x", LINE)
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("x")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "nowhere").symlink_to("missing")
    names = [str(tmp_path / name) for name in ("pipe", "link", "loop", "nowhere")]
    began = time.monotonic()
    found = read_files([*names, "/dev/zero", "/dev/null", str(tmp_path), str(tmp_path / "x" / "y")])
    assert [file.fault for file in found.files] == [True, False, True, True, True, True, True, True]
    assert time.monotonic() - began < 20  # on a busy machine too; a pipe would be waited for without end


@pytest.mark.slow
def test_thousands_of_files_are_judged_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = json.dumps(LINE)
    names = []
    for number in range(2_000):
        names.append(str(tmp_path / f"{number}.jsonl"))
        Path(names[-1]).write_text(text)
    began = time.process_time()
    assert main(["judge", *names, "--format", "json"]) == 0
    provider = json.loads(capsys.readouterr().out)["providers"][0]
    assert provider["judged"]["limited_by"] == ["a recording of 2,000 exchanges"]
    assert len(provider["answers"]) == 500
    assert time.process_time() - began < 60
