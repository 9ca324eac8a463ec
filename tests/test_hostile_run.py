"""All hostile servers in one run with honest ones: each gets its verdict, and the others are not affected."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hostile_servers
import pytest
from hostile import HOSTILES, Hostile, Script, serving
from whole_runs import BOUNDS, Ran, entry, environment, honest_port, run, write_providers

HONEST = ("honest-one", "honest-two")
SEED = ("--seed", "7")
# What must be found, beside that the vendor deviates, where the plain question is answered after all.
FOUND = {
    "answers-before-it-was-asked": "errors/refuses-what-is-wrong",
    "answers-twice": "errors/refuses-what-is-wrong",
    "continues-unasked": "errors/refuses-what-is-wrong",
    "escapes-in-headers": "errors/refuses-what-is-wrong",
    "json-doubled": "schema/has-a-candidate",
    "json-huge-number": "transport/sends-json-that-can-be-read",
    "json-line-separators": "envelope/answers-with-a-gemini-object",
    "json-lone-surrogates": "errors/refuses-what-is-wrong",
    "json-nan": "schema/numbers-are-json",
    "json-not-utf-8": "envelope/answers-with-a-gemini-object",
    "json-nul": "transport/sends-json-that-can-be-read",
    "json-scalar": "envelope/answers-with-a-gemini-object",
    "json-terminal-escapes": "transport/sends-json-that-can-be-read",
    "json-utf-16": "transport/sends-json-that-can-be-read",
    "json-wrong-types": "schema/values-have-googles-types",
    "sends-gzip-byte-by-byte": "transport/compresses-only-when-asked",
    "sends-gzip-undeclared": "transport/compresses-as-it-declares",
    "sends-more-than-it-promised": "transport/sends-json-that-can-be-read",
    "sends-raw-deflate": "transport/compresses-only-when-asked",
    "sends-rubbish-after-gzip": "transport/compresses-only-when-asked",
    "speaks-http-1-0": "errors/refuses-what-is-wrong",
}
# Why nothing can be said, where neither the exchange nor its decoding says so.
REASONS = {
    "json-deep": "bound json_depth",
    "no-content-with-content": "every answer is empty",
    "redirects-elsewhere": "is redirected (HTTP 307 to http://127.0.0.1:9/elsewhere",
    "redirects-to-itself": "is redirected (HTTP 302",
}
BEYOND = {"too-big", "too-many-chunks", "headers-too-big"}
QUICK = {
    "never-answers", "half-a-status-line", "stalls-within-a-stream", "floods-with-zeros", "gzip-bomb", "truncated-gzip",
    "negative-length", "binary-rubbish", "redirects-elsewhere", "json-deep", "json-wrong-types", "one-header-of-a-megabyte",
}  # fmt: skip


def _asked(folder: Path, hostiles: list[Hostile], port: int, *words: str) -> Ran:
    scripts: dict[str, Script] = {one.name: one.script for one in hostiles}
    honest = entry(port, auth="x-goog-api-key", key_env="HONEST_KEY", timeout=30, limits={})
    folder.mkdir()
    with serving(scripts) as town:
        providers = {
            name: entry(town.ports[name], timeout=4, limits=BOUNDS) for name in scripts
        } | dict.fromkeys(HONEST, honest)
        config = write_providers(folder, providers)
        return run(
            config, folder / "out", *SEED, *words, env=environment(HONEST_KEY="embedded-key"), timeout=240
        )


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with honest_port() as opened:
        yield opened


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory, port: int) -> Ran:
    return _asked(tmp_path_factory.mktemp("alone") / "run", [], port)


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory, port: int) -> Ran:
    return _asked(
        tmp_path_factory.mktemp("quick") / "run", [one for one in HOSTILES if one.name in QUICK], port
    )


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, port: int) -> Ran:
    return _asked(tmp_path_factory.mktemp("whole") / "run", HOSTILES, port)


def timeless(value: Any) -> Any:
    """Return results without what no two runs share: times, and what the clock put into headers and ids."""
    if isinstance(value, dict):
        dropped = ("arrivals_ms", "ended_ms", "at_ms", "seconds", "headers", "frames")
        return {name: timeless(child) for name, child in value.items() if name not in dropped}
    if isinstance(value, list):
        return [timeless(child) for child in value]
    return re.sub(r'("responseId": ?")[^"]*', r"\1…", value) if isinstance(value, str) else value


def _judged_rightly(ran: Ran, hostile: Hostile) -> None:
    found = ran.provider(hostile.name)
    rules = {one["rule"] for one in found["deviations"]}
    errors = [one for one in found["cases"] if one["outcome"] == "error"]
    assert not errors
    if hostile.name in FOUND:
        assert found["status"] == "deviates"
        assert FOUND[hostile.name] in rules
        return
    assert found["status"] == "inconclusive"
    assert (REASONS.get(hostile.name) or hostile.failure or hostile.decoding or "?") in found["reason"]
    assert (hostile.bound or "") in found["reason"]
    if hostile.failure in BEYOND or hostile.decoding in BEYOND or hostile.name == "json-deep":
        case = ran.case(hostile.name, "transport/answers-within-bounds")
        bound = hostile.bound or {"json-deep": "json_depth"}.get(
            hostile.name, "decoded_bytes" if hostile.decoding else "header_bytes"
        )
        assert case["outcome"] == "deviation"
        assert bound in case["reason"]


def test_every_hostile_server_has_a_verdict_to_end_in() -> None:
    assert {one.name for one in HOSTILES} >= {*FOUND, *REASONS, *QUICK}
    for one in HOSTILES:
        assert one.name in FOUND or one.name in REASONS or one.failure or one.decoding, one.name
    assert BOUNDS["decoded_bytes"] < hostile_servers.BOMB


@pytest.mark.parametrize("hostile", [one for one in HOSTILES if one.name in QUICK], ids=lambda one: one.name)
def test_a_hostile_server_ends_in_its_verdict(quick: Ran, hostile: Hostile) -> None:
    _judged_rightly(quick, hostile)


@pytest.mark.slow
@pytest.mark.parametrize("hostile", HOSTILES, ids=lambda one: one.name)
def test_each_of_all_ends_in_its_verdict(whole: Ran, hostile: Hostile) -> None:
    _judged_rightly(whole, hostile)


@pytest.mark.parametrize("name", HONEST)
def test_the_honest_are_judged_as_if_they_were_alone(alone: Ran, quick: Ran, name: str) -> None:
    assert alone.provider(name)["status"] == "conforms"
    assert timeless(quick.provider(name)) == timeless(alone.provider(name))


@pytest.mark.slow
@pytest.mark.parametrize("name", HONEST)
def test_the_honest_are_judged_the_same_beside_all_of_them(alone: Ran, whole: Ran, name: str) -> None:
    assert timeless(whole.provider(name)) == timeless(alone.provider(name))


@pytest.mark.slow
def test_all_of_them_together_take_less_than_two_minutes(whole: Ran) -> None:
    assert whole.seconds < 120
    assert len(whole.results["providers"]) == len(HOSTILES) + len(HONEST)


def test_the_run_ends_in_words_and_says_who_was_given_up(quick: Ran) -> None:
    assert quick.code == 1
    assert "Traceback" not in quick.stdout + quick.stderr
    assert "never-answers: stopped after 3 unusable answers in a row" in " ".join(
        quick.results["run"]["warnings"]
    )
    assert "\x1b" not in quick.stdout


def test_a_dead_server_is_asked_no_more(quick: Ran) -> None:
    asked = {one["name"]: one["traffic"]["requests"] for one in quick.results["providers"]}
    assert asked["never-answers"] <= BOUNDS["dead_after"] + 4
    assert asked["floods-with-zeros"] <= BOUNDS["dead_after"] + 4
    assert asked["honest-one"] > 40


def test_every_exchange_stands_in_the_recording(quick: Ran) -> None:
    for provider in quick.results["providers"]:
        lines = (
            (quick.out / "exchanges" / f"{provider['name']}.jsonl").read_text(encoding="utf-8").splitlines()
        )
        assert len(lines) == provider["traffic"]["requests"]
        assert all(json.loads(line)["provider"] == provider["name"] for line in lines)
