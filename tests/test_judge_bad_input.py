"""Files that are no recordings, damaged or malicious: one line per file, the rest is judged, memory and time are bounded."""

from __future__ import annotations

import gzip
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import recordings
import yaml

from conformance.api import judge_group
from conformance.capturing.collecting import FileReport, RecordedFiles, read_files
from conformance.capturing.endings import is_cut
from conformance.dialects.dialect import load_dialect
from conformance.recording.record import NAME
from conformance.verdicts.verdict import Verdict


def read(path: Path, text: bytes | str | None = None) -> RecordedFiles:
    if text is not None:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_files([str(path)])


def fault_of(path: Path, text: bytes | str | None = None) -> str:
    file = read(path, text).files[0]
    assert file.fault, file
    assert "\n" not in file.says
    return file.says


def verdict_of(recorded: RecordedFiles) -> Verdict:
    return judge_group(recorded.groups[0], load_dialect("google"))


def grave(verdict: Verdict) -> list[str]:
    return [one.rule for one in verdict.deviations if one.level != "note"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is empty"),
        ("hello\n", "is not a recording in a known format"),
        ("providers:\n  x: {base_url: y}\n", "is not a recording in a known format"),
        ("http_interactions: 3\n", "is not a cassette"),
        ("interactions:\n  - - - [\n", "3: "),
        ("interactions: [\x00]\n", "is not readable YAML"),
        (b"interactions:\n- \xff\xfe\n", "2: is not UTF-8"),
        ('{"interactions": [}', "is not readable JSON"),
        ('{"log": {"entries": [', "its JSON ends early"),
        ('{"log": {"entries": [}}', "its JSON is broken"),
        ("\xff\xfe{", "is not a recording"),
        (b"\xff\xfeH\x00", "is UTF-16"),
        (b"\x1f\x8bnot gzip at all", "its gzip data is broken"),
        ("[1, 2]", "entry 1 is not a JSON object"),
        ('{"x": 1}\n{"y": 2}\n', "line 1 holds none of url, path, status, body"),
        ("* Trying 192.0.2.1...\n> GET / HTTP/1.1\n", "holds no response from curl"),
    ],
)
def test_what_is_no_recording_is_said_in_one_line(tmp_path: Path, text: bytes | str, says: str) -> None:
    assert says in fault_of(tmp_path / "x", text)


@pytest.mark.parametrize(
    "text",
    [
        "interactions:\n- !!python/object/apply:os.system ['true']\n",
        "interactions: !!python/object:builtins.object {}\n",
        "http_interactions:\n- !ruby/object:Gem::Requirement\n  requirements: x\n",
        "interactions:\n- request: !!python/name:os.system ''\n",
        "interactions:\n- !unknown x\n",
        "interactions: &a\n- <<: *a\n",
        "a: &a {x: 1}\ninteractions:\n- {<<: *a}\n",
    ],
)
def test_tags_that_build_objects_and_merge_keys_are_refused(tmp_path: Path, text: str) -> None:
    assert fault_of(tmp_path / "x.yaml", text).split(":")[0].isdecimal()


def test_no_tag_is_ever_called(tmp_path: Path) -> None:
    marker = tmp_path / "called"
    fault_of(tmp_path / "x.yaml", f"interactions:\n- !!python/object/apply:os.mkdir ['{marker}']\n")
    assert not marker.exists()


def test_text_in_the_tags_of_old_pythons_is_text(tmp_path: Path) -> None:
    text = recordings.dump(recordings.vcrpy(recordings.good())).decode()
    text = text.replace("method: POST", "method: !!python/unicode 'POST'")
    assert read(tmp_path / "x.yaml", text).count == 1


def test_dates_and_odd_scalars_do_not_break_a_cassette(tmp_path: Path) -> None:
    value = recordings.dump(recordings.vcrpy(recordings.good())).decode()
    extra = "recorded_at: 2026-13-45 99:99:99\nodd: 0b_\ndate: 2026-01-01\nbig: 1e999999\n=: x\n"
    assert read(tmp_path / "x.yaml", extra + value).count == 1


def _bomb() -> str:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 40)]
    return "\n".join([*lines, "interactions:", "- *a39", "- request: *a39", "  response: *a39", ""])


@pytest.mark.parametrize(
    "text",
    [
        _bomb(),
        "interactions: " + "[" * 200_000,
        "interactions:\n" + "- " * 200_000,
        "interactions: " + "{a: " * 100_000,
        "interactions: &a [*a, *a]\n",
        "interactions:\n" + "- *x\n" * 100_000,
        '{"interactions": ' + "[" * 200_000,
        '{"log": {"entries": [' + "[" * 200_000,
        '{"url": ' + "[" * 200_000,
    ],
    ids=range(9),
)
def test_bombs_end_in_a_line_and_soon(tmp_path: Path, text: str) -> None:
    began = time.process_time()
    assert fault_of(tmp_path / "x", text)
    assert time.process_time() - began < 5


def test_a_gzip_bomb_is_bounded(tmp_path: Path) -> None:
    data = gzip.compress(b"interactions:\n" + b" " * (80 * 1024 * 1024))
    assert "longer than 64 MiB" in fault_of(tmp_path / "x.yaml.gz", data)


def test_files_that_are_not_there_or_no_files_are_said(tmp_path: Path) -> None:
    assert "No such file" in fault_of(tmp_path / "missing.har")
    assert "is not a plain file" in fault_of(tmp_path)


def test_a_wrong_file_does_not_keep_the_others_from_being_judged(tmp_path: Path) -> None:
    good = recordings.written(tmp_path, recordings.good())["x.har"]
    (tmp_path / "bad.yaml").write_text("interactions: !!python/object:x.Y {}\n")
    found = read_files([str(tmp_path / "bad.yaml"), str(good)])
    assert ([file.fault for file in found.files], found.count) == ([True, False], 1)


# --- bodies ---


def har_with(change: Callable[[dict[str, Any]], object], one: recordings.Taped | None = None) -> str:
    entry = recordings.har_entry(one or recordings.good())
    change(entry)
    return json.dumps({"log": {"entries": [entry]}})


def test_a_body_that_was_not_recorded_accuses_nobody(tmp_path: Path) -> None:
    found = read(tmp_path / "x.har", har_with(lambda entry: entry["response"]["content"].pop("text")))
    assert "1 without a recorded body" in found.files[0].says
    assert verdict_of(found).deviations == []
    assert verdict_of(found).status == "inconclusive"


def test_an_empty_text_that_may_stand_for_a_lost_body_accuses_nobody(tmp_path: Path) -> None:
    one = recordings.good_stream()
    text = har_with(lambda entry: entry["response"]["content"].update(text="", size=0), one)
    assert grave(verdict_of(read(tmp_path / "x.har", text))) == []


@pytest.mark.parametrize("kind", ["good", "stream"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.97])
def test_a_body_that_is_half_there_accuses_nobody(tmp_path: Path, kind: str, share: float) -> None:
    one = recordings.KINDS[kind]()
    half = recordings.Taped(one.url, body=one.body[: int(len(one.body) * share)], kind=one.kind)
    for name, path in recordings.written(tmp_path, half).items():
        if "packed" not in name:
            found = read(path)
            assert grave(verdict_of(found)) == [], name


def test_a_stream_that_a_har_holds_in_part_accuses_nobody(tmp_path: Path) -> None:
    one = recordings.good_stream()
    size = len(one.body)

    def cut(entry: dict[str, Any]) -> None:
        entry["response"]["content"] |= {
            "text": one.body.decode().split("\r\n\r\n")[0] + "\r\n\r\n",
            "size": size,
        }

    found = read(tmp_path / "x.har", har_with(cut, one))
    assert "1 with a body that was recorded in part" in found.files[0].says
    assert grave(verdict_of(found)) == []


def test_what_a_half_body_shows_is_still_judged(tmp_path: Path) -> None:
    broken = recordings.sse(recordings.chunk("Blue"), recordings.chunk("."))
    one = recordings.Taped(
        recordings.STREAM, body=b": x\r\n" + broken.replace(b"candidates", b"Candidates")[:-40]
    )
    found = read(recordings.written(tmp_path, one)["lines.jsonl"])
    assert verdict_of(found).status in ("partial", "deviates", "inconclusive")
    assert "streaming/ends-with-a-finish-reason" not in grave(verdict_of(found))


@pytest.mark.parametrize("coding", ["br", "zstd", "gzip, br", "gzip, gzip, gzip, gzip"])
def test_a_coding_that_cannot_be_undone_accuses_nobody(tmp_path: Path, coding: str) -> None:
    value = recordings.vcrpy_packed(recordings.good())
    value["interactions"][0]["response"]["headers"]["Content-Encoding"] = [coding]
    found = read(tmp_path / "x.yaml", recordings.dump(value))
    assert "1 in a content coding that cannot be decoded here" in found.files[0].says
    assert grave(verdict_of(found)) == []


def test_two_encodings_are_undone_both(tmp_path: Path) -> None:
    one = recordings.good()
    value = recordings.vcrpy(one)
    response = value["interactions"][0]["response"]
    response["body"]["string"] = gzip.compress(gzip.compress(one.body))
    response["headers"]["Content-Encoding"] = ["gzip, gzip"]
    found = read(tmp_path / "x.yaml", recordings.dump(value))
    assert verdict_of(found).replies[0].text == "Blue, naïvely."
    assert grave(verdict_of(found)) == []


@pytest.mark.parametrize("coding", ["gzip", "br", "deflate"])
def test_a_body_that_the_recorder_unfolded_under_its_old_header_is_read(tmp_path: Path, coding: str) -> None:
    one = recordings.good()
    taped = recordings.Taped(body=one.body, headers=(("Content-Encoding", coding), ("Content-Length", "77")))
    for name, path in recordings.written(tmp_path, taped).items():
        if name != "vcrpy-packed.yaml":
            found = read(path)
            assert grave(verdict_of(found)) == [], name
            assert verdict_of(found).replies[0].text == "Blue, naïvely.", name


def test_a_length_that_the_recorder_made_wrong_accuses_nobody(tmp_path: Path) -> None:
    one = recordings.good()
    taped = recordings.Taped(body=one.body, headers=(("Content-Length", str(len(one.body) + 7)),))
    for name, path in recordings.written(tmp_path, taped).items():
        if name != "vcrpy-packed.yaml":
            verdict = verdict_of(read(path))
            assert grave(verdict) == [], name
            assert {client.verdict for client in verdict.clients} == {"works", "untested"}, name


def test_a_request_that_was_not_recorded_is_not_judged(tmp_path: Path) -> None:
    value = {**recordings.line(recordings.good()), "request_body": None, "request_headers": None}
    packed = {**value, "response_headers": {"content-encoding": "gzip", "content-type": "application/json"}}
    found = read(tmp_path / "x.jsonl", f"{json.dumps(value)}\n{json.dumps(packed)}\n")
    assert grave(verdict_of(found)) == []


def test_an_entry_without_an_address_is_counted(tmp_path: Path) -> None:
    value = {key: text for key, text in recordings.line(recordings.good()).items() if key != "url"}
    path = tmp_path / "x.jsonl"
    found = read(path, json.dumps(value))
    assert found.count == 0
    assert "1 without an address" in found.files[0].says
    assert read_files([str(path)], recordings.UNARY).count == 1


def test_lines_that_cannot_be_read_are_named_and_the_others_read(tmp_path: Path) -> None:
    good = json.dumps(recordings.line(recordings.good()))
    bad = ["{", json.dumps({**json.loads(good), "body_b64": "%%%"}), "[" * 5000]
    found = read(tmp_path / "x.jsonl", "\n".join([good, *bad, "{}" * 1, good]))
    assert found.count == 2
    assert "line 2 is not JSON" in found.files[0].says
    assert "line 3 body_b64" in found.files[0].says


@pytest.mark.parametrize("value", [7, "x", [1], None, {"a": 1}])
@pytest.mark.parametrize(
    "place", ["request", "response", "headers", "content", "text", "status", "url", "size"]
)
def test_values_of_any_kind_in_a_har_break_nothing(tmp_path: Path, place: str, value: object) -> None:
    entry = recordings.har_entry(recordings.good())
    holders = {
        "request": entry, "response": entry, "headers": entry["response"], "content": entry["response"],
        "text": entry["response"]["content"], "status": entry["response"], "url": entry["request"],
        "size": entry["response"]["content"],
    }  # fmt: skip
    holders[place][place] = value
    found = read(
        tmp_path / "x.har", json.dumps({"log": {"entries": [entry, recordings.har_entry(recordings.good())]}})
    )
    assert found.count in (1, 2)
    assert grave(verdict_of(found)) == []


@pytest.mark.parametrize("make", [recordings.vcrpy, recordings.ruby])
@pytest.mark.parametrize("value", [7, "x", [1], None, {"a": 1}])
@pytest.mark.parametrize("path", [("request",), ("response",), ("response", "body"), ("response", "status"), ("response", "headers"), ("request", "body"), ("request", "uri")])  # fmt: skip
def test_values_of_any_kind_in_a_cassette_break_nothing(
    tmp_path: Path, make: Callable[..., dict[str, Any]], path: tuple[str, ...], value: object
) -> None:
    cassette = make(recordings.good(), recordings.good())
    holder = next(several for several in cassette.values() if isinstance(several, list))[0]
    for name in path[:-1]:
        holder = holder[name]
    holder[path[-1]] = value
    found = read(tmp_path / "x.yaml", recordings.dump(cassette))
    assert found.count in (1, 2)
    verdict_of(found)


def test_is_cut_tells_an_early_end_from_other_faults() -> None:
    assert is_cut(b'{"a": [1, {"b": "x', streamed=False)
    assert is_cut(b'data: {"a": 1}\n\ndata: {"a":', streamed=True)
    for whole in (b'{"a": 1}', b'{"a": 1,}', b"", b"<html>", b'data: {"a": 1}', b"not json {"):
        assert not is_cut(whole, streamed=True), whole


@pytest.mark.parametrize(
    "url",
    [
        "https://h.example/v1beta/models/m\ud800:generateContent",
        "https://\ud800/v1beta/models/m:generateContent?alt=\udfff",
        "https://[::1/v1beta/models/m:generateContent",
        "https://h.example:99999999/v1beta/models/m:generateContent",
        "https://h.example/v1beta/models/../../etc/passwd:generateContent",
        "https://h.example/v1beta/models/" + "m" * 7000 + ":generateContent",
        "https://h.example/v1beta/models/" + "/" * 7000 + ":generateContent",
        "https://h.example/v1beta/models/" + "é" * 4000 + ":generateContent",
        "https://h.example/" + "models/" * 1000 + "m:generateContent",
        "https://h.example/" + "v1" * 3500 + "/models",
        "https://h.example/v1beta/models/é\u202e\x00\x1b[0m:generateContent",
        "/v1beta/models/m:generateContent",
        "models/m:generateContent",
        ":generateContent",
    ],
)
def test_odd_addresses_break_nothing(tmp_path: Path, url: str) -> None:
    value = {**recordings.line(recordings.good()), "url": url, "request_headers": {"Host": "a\ud800\nb"}}
    began = time.process_time()
    found = read(tmp_path / "x.jsonl", json.dumps(value))
    for group in found.groups:
        assert NAME.fullmatch(group.name)
        json.dumps(
            [group.name, group.base_url, group.model, group.exchanges[0].request.path], ensure_ascii=False
        ).encode()
        assert verdict_of(found).status in ("partial", "deviates")
    assert time.process_time() - began < 5


# --- size ---


def _seconds_of_children() -> float:
    """Return the CPU time of the processes that ended: how busy the machine is does not count."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


_BIG = """
import resource, sys
from conformance.capturing.collecting import read_files
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
found = read_files([sys.argv[1]])
assert found.count == 3, found.files
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before, str(found.files[0]))
"""


def test_a_long_har_of_unrelated_entries_fills_no_memory(tmp_path: Path) -> None:
    """A tenth of the size that people send: the memory that it takes does not depend on the length."""
    other = json.dumps(
        recordings.har_entry(recordings.Taped("https://cdn.example/app.js", body=b"x" * 50_000))
    )
    good = json.dumps(recordings.har_entry(recordings.good()))
    path = tmp_path / "long.har"
    with path.open("w") as file:
        file.write('{"log": {"version": "1.2", "entries": [')
        for _ in range(3):
            file.write(f"{good}, " + f"{other}, " * 333)
        file.write(other + "]}}")
    began = _seconds_of_children()
    done = subprocess.run([sys.executable, "-c", _BIG, str(path)], capture_output=True, text=True, check=True)
    grown, _, says = done.stdout.partition(" ")
    assert int(grown) < 40 * 1024  # KiB, of a file of 50 MB
    assert "1000 not of the Gemini API" in says
    assert _seconds_of_children() - began < 20


def test_resource_is_what_the_test_above_thinks_it_is() -> None:
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss > 1024


def test_a_report_reads_as_file_and_sentence() -> None:
    assert str(FileReport("a.har", "is empty")) == "a.har: is empty"
    assert yaml.safe_load(recordings.dump({"a": 1})) == {"a": 1}
