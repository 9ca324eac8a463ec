"""`conformance doctor` explains each way in which an entry of providers.yaml can be wrong."""

from __future__ import annotations

import json
import re
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from warm_start import warm_command
from whole_runs import ROOT, entry, environment, honest_port, write_providers

from conformance.config.addresses import describe_fault_in_base_url
from conformance.embedded import HONEST, DelayedPiece, Host, Incoming, Outgoing


def doctor(folder: Path, *words: str, **provider: Any) -> subprocess.CompletedProcess[str]:
    write_providers(folder, {"mine": provider})
    return subprocess.run(
        warm_command("doctor", *words), cwd=folder, env=environment(), text=True, capture_output=True, timeout=60, check=False
    )  # fmt: skip


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with honest_port() as found:
        yield found


def test_an_entry_that_is_right_is_said_to_answer(tmp_path: Path, port: int) -> None:
    done = doctor(tmp_path, **entry(port, auth="x-goog-api-key"))
    assert done.returncode == 0
    assert "mine: answers (HTTP 200, " in done.stdout
    assert done.stdout.endswith("and follows a simple instruction\n")


def test_the_way_to_carry_the_key_that_is_accepted_is_named(tmp_path: Path, port: int) -> None:
    done = doctor(tmp_path, **entry(port, auth="bearer"))
    assert done.returncode == 3
    assert (
        "the key is refused when it is sent as bearer, but accepted when it is sent as x-goog-api-key and as query-key: write auth: x-goog-api-key"
        in done.stdout
    )


def test_json_holds_the_same(tmp_path: Path, port: int) -> None:
    done = doctor(tmp_path, "--format", "json", **entry(port, auth="bearer"))
    [mine] = json.loads(done.stdout)["providers"]
    assert (mine["provider"], mine["ok"], mine["accepted"]) == (
        "mine",
        False,
        ["x-goog-api-key", "query-key"],
    )


def test_a_key_that_no_way_is_accepted_is_said(tmp_path: Path, port: int) -> None:
    write_providers(tmp_path, {"mine": entry(port)})
    done = subprocess.run(
        warm_command("doctor"), cwd=tmp_path, env=environment(key="bad-and-long-enough-to-be-a-key-0123"), text=True,
        capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 3
    assert "the key is refused however it is sent" in done.stdout


def test_no_key_is_said_not_to_have_been_sent(tmp_path: Path, port: int) -> None:
    given = {name: value for name, value in entry(port).items() if name != "key_env"}
    done = doctor(tmp_path, **given)
    assert done.returncode == 3
    assert "(no key was sent: name the variable that holds it in key_env)" in done.stdout


def test_https_on_a_port_of_plain_http_is_recognised(tmp_path: Path, port: int) -> None:
    done = doctor(tmp_path, **entry(port, base_url=f"https://127.0.0.1:{port}"))
    assert done.returncode == 3
    assert done.stdout.endswith(f"mine: 127.0.0.1:{port} speaks plain http; is base_url http://?\n")


def test_a_closed_port_is_named_with_the_reason(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    done = doctor(tmp_path, **entry(port))
    assert done.returncode == 3
    assert done.stdout.endswith(f"mine: cannot connect to 127.0.0.1:{port}: refused\n")


def _json(status: int, body: object) -> Outgoing:
    return Outgoing(
        status, (("Content-Type", "application/json"),), (DelayedPiece(0.0, json.dumps(body).encode()),)
    )


def openai(incoming: Incoming) -> Outgoing:
    """Answer as a server that knows OpenAI's paths alone, for keys sent as bearer."""
    if not incoming.header("authorization").startswith("Bearer "):
        return _json(
            401, {"error": {"message": "missing key", "type": "invalid_request_error", "code": None}}
        )
    if incoming.path == "/v1/models":
        return _json(200, {"object": "list", "data": [{"id": "gpt", "object": "model"}]})
    return _json(404, {"detail": "Not Found"})


def chatty(_incoming: Incoming) -> Outgoing:
    """Answer everything with a chat completion."""
    return _json(200, {"object": "chat.completion", "choices": [{"message": {"content": "OK"}}]})


@pytest.mark.parametrize("server", [openai, chatty])
@pytest.mark.parametrize("auth", ["bearer", "x-goog-api-key"])
def test_a_server_of_openais_api_is_said_to_be_one(tmp_path: Path, server: Any, auth: str) -> None:
    with Host() as host:
        done = doctor(tmp_path, **entry(0, base_url=host.start(server), auth=auth))
    assert done.returncode == 3
    assert "this server speaks OpenAI's API" in done.stdout


def test_a_google_server_without_the_model_is_not_taken_for_openais(tmp_path: Path) -> None:
    with Host() as host:
        done = doctor(tmp_path, **entry(0, base_url=host.start(HONEST), auth="x-goog-api-key", model="nope"))
    assert done.returncode == 3
    assert "OpenAI" not in done.stdout
    assert "does the vendor serve this model?" in done.stdout


@pytest.mark.parametrize(
    "path",
    [
        "/v1beta",
        "/v1beta/models",
        "/v1beta/models/gemini-2.5-flash:generateContent",
        "/x:streamGenerateContent",
    ],
)
def test_an_address_that_holds_the_path_of_a_method_is_refused_in_the_file(tmp_path: Path, path: str) -> None:
    done = doctor(tmp_path, **entry(9, base_url=f"http://127.0.0.1:9{path}"))
    assert done.returncode == 2
    assert ": providers.mine.base_url: leave " in done.stderr
    assert "the program appends" in done.stderr


def test_the_schema_for_editors_refuses_the_same_addresses() -> None:
    schema = json.loads((ROOT / "schemas" / "providers.schema.json").read_text(encoding="utf-8"))
    pattern = next(_patterns(schema))
    addresses = [
        "https://h", "https://h/prefix", "https://h/v1", "https://h/v1beta/", "https://h/v1beta/models", "https://h/models/x",
        "https://h/x:generateContent", "https://h/x:streamGenerateContent", "https://h/my-models", "https://h/v1beta/models/x",
    ]  # fmt: skip
    for address in addresses:
        assert bool(re.search(pattern, address)) == bool(describe_fault_in_base_url(address)), address


def _patterns(node: Any) -> Iterator[str]:
    """Yield the pattern of each address that the schema refuses."""
    if isinstance(node, dict):
        if isinstance(node.get("base_url"), dict) and "not" in node["base_url"]:
            yield node["base_url"]["not"]["pattern"]
        for child in node.values():
            yield from _patterns(child)
