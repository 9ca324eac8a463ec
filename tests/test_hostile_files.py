"""Files from untrusted sources are refused in one line with exit code 2, or read within bounds."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from whole_runs import environment, run

from conformance.cli import main

BUNDLED = "providers:\n  e:\n    embedded: google\n    model: gemini-2.5-flash\n    max_examples: 0\n"
Spoil = Callable[[Path], object]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("recorded")
    (folder / "providers.yaml").write_text(BUNDLED, encoding="utf-8")
    ended = run(folder / "providers.yaml", folder / "out", "-d", "envelope", env=environment())
    assert ended.code == 0, ended.stderr
    return ended.out


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """Run a command that must end with 2, and return the one line that it says."""
    assert main([*words]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert "Traceback" not in said.err
    return said.err


# --- where a run writes ----------------------------------------------------------------------------


def _link(path: Path) -> None:
    path.symlink_to(path.parent / "elsewhere", target_is_directory=True)


def _inner_link(path: Path) -> None:
    path.mkdir()
    (path.parent / "elsewhere").mkdir()
    _link_to = path / "exchanges"
    _link_to.symlink_to(path.parent / "elsewhere", target_is_directory=True)


@pytest.mark.parametrize(
    ("make", "words"),
    [(_link, "is a symbolic link"), (_inner_link, "is a symbolic link"), (Path.touch, "is not a folder")],
    ids=["link", "link-within", "file"],
)
def test_a_place_that_is_not_a_folder_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], make: Spoil, words: str
) -> None:
    (tmp_path / "providers.yaml").write_text(BUNDLED, encoding="utf-8")
    make(tmp_path / "out")
    said = refused(capsys, "run", "-c", str(tmp_path / "providers.yaml"), "--out", str(tmp_path / "out"))
    assert words in said
    assert not (tmp_path / "elsewhere" / "run.json").exists()


def test_a_place_below_a_file_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "providers.yaml").write_text(BUNDLED, encoding="utf-8")
    said = refused(
        capsys,
        "run",
        "-c",
        str(tmp_path / "providers.yaml"),
        "--out",
        str(tmp_path / "providers.yaml" / "out"),
    )
    assert "name another one with --out" in said


def test_a_link_in_the_place_of_a_file_is_replaced_not_followed(tmp_path: Path) -> None:
    (tmp_path / "providers.yaml").write_text(BUNDLED, encoding="utf-8")
    victim, out = tmp_path / "victim", tmp_path / "out"
    victim.write_text("mine", encoding="utf-8")
    out.mkdir()
    names = ("results.json", "report.html", "junit.xml", "summary.md", "run.json")
    for name in names:
        (out / name).symlink_to(victim)
    assert run(tmp_path / "providers.yaml", out, "-d", "envelope", env=environment()).code == 0
    assert victim.read_text(encoding="utf-8") == "mine"
    assert not any((out / name).is_symlink() for name in names)


# --- providers.yaml --------------------------------------------------------------------------------

BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{','.join(['*' + chr(97 + n)] * 9)}]\n" for n in range(9)
)
SHEETS: dict[str, tuple[bytes, str]] = {
    "bomb": (BOMB.encode() + b"providers: *j\n", "more than 60000 values"),
    "tag": (b'providers: !!python/object/apply:os.system ["id"]\n', "tag"),
    "path": (b"providers:\n  ../../x:\n    embedded: google\n", "a name is lower case letters"),
    "long": (b"#" * (2 << 20), "is larger than"),
    "binary": (b"\xff\xfe\0", "not UTF-8"),
    "deep": (b"providers: " + b"[" * 5000, "deep"),
    "digits": (b"defaults: {timeout: " + b"9" * 100_000 + b"}\n", "must be a number"),
    "no-number": (b"defaults: {timeout: !!int '@x'}\n", "must be a number"),
    "no-date": (b"defaults: {timeout: !!int 2020-99-99}\n", "must be a number"),
    "escapes": (b'defaults: {"a\\r\\n\\e[31m": 1}\n', r"defaults.a\x0d\x0a\x1b[31m: unknown key"),
    "password": (
        b"defaults: {proxy: 'http://me:word@proxy.example'}\n",
        "must not contain a user or a password",
    ),
}


@pytest.mark.parametrize("name", SHEETS)
def test_a_hostile_providers_yaml_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    data, words = SHEETS[name]
    path = tmp_path / "providers.yaml"
    path.write_bytes(data)
    assert words in refused(capsys, "run", "-c", str(path))


def test_a_pipe_is_not_waited_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert "is not a plain file" in refused(capsys, "run", "-c", str(tmp_path / "pipe"))


# --- recordings ------------------------------------------------------------------------------------


def _lines(data: bytes) -> Spoil:
    return lambda folder: (folder / "exchanges" / "e.jsonl").write_bytes(data)


def _gigabyte(folder: Path) -> None:
    with (folder / "exchanges" / "e.jsonl").open("wb") as file:
        file.truncate(1 << 30)  # a sparse file: one line of zeros


def _elsewhere(folder: Path) -> None:
    path = folder / "exchanges" / "e.jsonl"
    path.unlink()
    path.symlink_to("/etc/hostname")


def _pipe_of_lines(folder: Path) -> None:
    (folder / "exchanges" / "e.jsonl").unlink()
    os.mkfifo(folder / "exchanges" / "e.jsonl")


def _pipe_of_run(folder: Path) -> None:
    (folder / "run.json").unlink()
    os.mkfifo(folder / "run.json")


def _run(change: Callable[[dict[str, Any]], object]) -> Spoil:
    def spoil(folder: Path) -> None:
        value = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        change(value)
        (folder / "run.json").write_text(json.dumps(value), encoding="utf-8")

    return spoil


def _provider(name: str, value: object) -> Spoil:
    return _run(lambda run: run["providers"][0].update({name: value}))


RECORDINGS: dict[str, tuple[Spoil, str]] = {
    "deep": (_lines(b'{"a":' * 100_000 + b"\n"), "nested too deeply"),
    "no-exchange": (_lines(b"[1]\n"), "must be an object"),
    "no-json": (_lines(b"\xff\n"), "e.jsonl:1"),
    "gigabyte": (_gigabyte, "longer than 268435456 bytes"),
    "link": (_elsewhere, "is not a file that a run writes"),
    "name": (
        lambda folder: (folder / "exchanges" / "..evil.jsonl").touch(),
        "is not a file that a run writes",
    ),
    "pipe": (_pipe_of_lines, "is not a plain file"),
    "pipe-of-run": (_pipe_of_run, "is not a plain file"),
    "run-deep": (lambda folder: (folder / "run.json").write_bytes(b"[" * 100_000), "is nested too deeply"),
    "run-list": (lambda folder: (folder / "run.json").write_bytes(b"[]"), "must be an object"),
    "run-old": (_run(lambda run: run.update(format="conformance-run/0")), "this version reads"),
    "path-as-name": (_provider("name", "../../evil"), "cannot be the name of a provider"),
    "limits": (
        _provider("limits", {"json_depth": "x"}),
        "/providers/0/limits/json_depth: must be a whole number",
    ),
    "negative": (_provider("limits", {"json_values": -1}), "json_values: must be from 0"),
    "digits": (_provider("limits", {"integer_digits": 10**9}), "integer_digits: must be from 1 to 4000"),
    "unknown": (_provider("limits", {"nonsense": 1}), "nonsense"),
    "timeout": (_provider("timeout", "soon"), "/providers/0/timeout: must be a number"),
    "concurrency": (_provider("concurrency", 0), "concurrency: must be from 1"),
    "headers": (_provider("headers", [1]), "/headers: must be an object"),
    "until": (
        _provider("known", [{"rule": "a", "probes": ["*"], "reason": "", "until": "zz", "line": 1}]),
        "Invalid isoformat",
    ),
    "dialect": (_provider("dialect", "/etc"), "there is no dialect.json"),
    "no-providers": (_run(lambda run: run.update(providers=7)), "/providers: must be a list"),
    "selection": (
        _run(lambda run: run.update(selection={"providers": 7})),
        "/selection/providers: must be a list",
    ),
    "measure": (
        _run(lambda run: run.update(selection={"against": "moon"})),
        "/selection/against: must be one of reference",
    ),
}


@pytest.mark.parametrize("name", RECORDINGS)
def test_a_hostile_recording_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], recorded: Path, name: str
) -> None:
    spoil, words = RECORDINGS[name]
    folder = tmp_path / "run"
    shutil.copytree(recorded, folder)
    spoil(folder)
    assert words in refused(capsys, "replay", str(folder))


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "is this the folder of a run?" in refused(capsys, "replay", str(tmp_path))
    assert "is this the folder of a run?" in refused(capsys, "run", "--resume", str(tmp_path))


# --- results and captures --------------------------------------------------------------------------

RESULTS: dict[str, tuple[bytes, str]] = {
    "deep": (b"[" * 100_000, "nested too deeply"),
    "empty": (b"", "is not JSON"),
    "format": (b'{"format":"x"}', "format"),
    "members": (b'{"format":"conformance-results/1"}', "/run: is missing"),
    "types": (
        b'{"format":"conformance-results/1","run":{"id":"a"},"providers":[7],"tool":{}}',
        "must be an object",
    ),
}


@pytest.mark.parametrize("name", RESULTS)
def test_hostile_results_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], recorded: Path, name: str
) -> None:
    data, words = RESULTS[name]
    (tmp_path / "results.json").write_bytes(data)
    assert words in refused(capsys, "compare", str(recorded), str(tmp_path))
    assert words in refused(capsys, "switch", "--from", "e", "--to", "e", "--results", str(tmp_path))


SPOILT: dict[str, Callable[[dict[str, Any]], object]] = {
    "tables": lambda found: found.update(side_by_side={"tables": ["x"]}),
    "sides": lambda found: found.update(side_by_side="x"),
    "unasked": lambda found: found["providers"][0].update(unasked=True),
    "stale": lambda found: found["providers"][0].update(stale=7),
    "selection": lambda found: found["run"].update(selection={"rules": 7, "providers": {}}),
    "status": lambda found: found["providers"][0].update(status="x"),
}


@pytest.mark.parametrize("name", SPOILT)
def test_a_page_of_spoilt_results_is_drawn_or_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], recorded: Path, name: str
) -> None:
    value = json.loads((recorded / "results.json").read_text(encoding="utf-8"))
    SPOILT[name](value)
    (tmp_path / "results.json").write_text(json.dumps(value), encoding="utf-8")
    code = main(["compare", str(recorded), str(tmp_path), "--html", str(tmp_path / "page.html")])
    said = capsys.readouterr().err
    assert code in (0, 2)
    assert said.count("\n") == (1 if code else 0)
    assert (tmp_path / "page.html").exists() is not bool(code)


@pytest.mark.parametrize(
    "data", [b'{"a":' * 100_000, b"7\n", b"\xff\xfe\n"], ids=["deep", "scalar", "binary"]
)
def test_hostile_captures_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], data: bytes
) -> None:
    (tmp_path / "captures.jsonl").write_bytes(data)
    assert "captures.jsonl" in refused(capsys, "clients", str(tmp_path / "captures.jsonl"))


def test_a_pipe_of_captures_is_not_waited_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert "is not a plain file" in refused(capsys, "clients", str(tmp_path / "pipe"))


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_a_page_is_not_written_over_what_is_no_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], recorded: Path, make: Callable[[Path], None]
) -> None:
    make(tmp_path / "page")
    assert main(["compare", str(recorded), str(recorded), "--html", str(tmp_path / "page")]) == 2
    assert capsys.readouterr().err == f"{tmp_path / 'page'}: is not a plain file; name another one\n"
    assert not (tmp_path / "page").is_file()


def test_a_capture_of_a_gigabyte_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with (tmp_path / "captures.jsonl").open("wb") as file:
        file.truncate(1 << 30)
    assert "longer than" in refused(capsys, "clients", str(tmp_path / "captures.jsonl"))


def test_a_run_without_anybody_to_ask_says_so(tmp_path: Path) -> None:
    config = tmp_path / "providers.yaml"
    config.write_text(
        BUNDLED.replace(
            "embedded: google", "base_url: https://x.invalid\n    dialect: google\n    key_env: NOBODY"
        )
    )
    ended = run(config, tmp_path / "out", env=environment())
    assert ended.code == 3
    assert "NOBODY is not set" in ended.stdout
    assert "fault" not in ended.stderr
