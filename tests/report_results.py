"""Hand-made results.json documents that use every field; vendors and clients are invented or public names."""

from __future__ import annotations

import copy
from typing import Any

CLIENTS = (
    "google-genai 3.4.0 (Python)",
    "@google/genai 2.3.0 (JS)",
    "gemini-cli 0.30",
    "langchain-google-genai 4.1",
    "@ai-sdk/google 3.0",
    "LiteLLM 1.80",
)
DIMENSIONS = (
    "casing", "envelope", "streaming", "schema", "errors", "auth", "usage", "semantics", "transport", "routes",
)  # fmt: skip
GOOGLE = "Google Gemini API reference (v1beta)"
REFERENCE: dict[str, Any] = {
    "response-casing": "camelCase",
    "request-casing": "both",
    "envelope": "none",
    "stream-framing": "sse",
    "stream-framing-default": "json-array",
    "auth": ["query-key", "x-goog-api-key"],
    "error-shape": "google",
}
BODY = (
    '{"code": 200, "data": {"candidates": [{"content": {"role": "model", "parts": [{"text": "OK-7f3a"}]}, '
    '"finish_reason": "STOP", "index": 0}]}, "usage_metadata": {"prompt_token_count": 9, '
    '"candidates_token_count": 5, "total_token_count": 14}}'
)
STREAM = "".join(
    f'data: {{"candidates": [{{"content": {{"role": "model", "parts": [{{"text": "{number} "}}]}}}}]}}\n\n'
    for number in range(1, 13)
)


def traits(**changed: Any) -> dict[str, Any]:
    """Traits as Google's; `name=(documented, observed)` replaces one, with underscores for hyphens."""
    found: dict[str, Any] = {
        name: {"reference": value, "documented": value, "observed": value}
        for name, value in REFERENCE.items()
    }
    for name, (documented, observed) in changed.items():
        found[name.replace("_", "-")].update(documented=documented, observed=observed)
    return found


def evidence(exchange: str, body: str, marked: str = "", **more: Any) -> dict[str, Any]:
    """One piece of evidence; `marked` is the deviating place, as text."""
    at = body.find(marked) if marked else -1
    return {
        "exchange": exchange,
        "request": f"POST /v1beta/models/gemini-2.5-flash:{'streamG' if 'stream' in exchange else 'g'}enerateContent HTTP/1.1\ncontent-type: application/json\n\n"
        '{"contents": [{"role": "user", "parts": [{"text": "Reply with exactly: OK-7f3a"}]}]}',
        "status": 200,
        "headers": [["content-type", "application/json"], ["x-request-id", "9f2c"]],
        "body": body,
        "cut": 0,
        "places": [[at, at + len(marked)]] if at >= 0 else [],
        "arrivals_ms": [412.0],
        "ended_ms": 412.5,
        **more,
    }


def deviation(rule: str, level: str, title: str, expected: str, observed: str, **more: Any) -> dict[str, Any]:
    """One finding with every optional field."""
    return {
        "rule": rule,
        "dimension": rule.partition("/")[0],
        "level": level,
        "against": ["reference"],
        "title": title,
        "probes": ["plain", "count"],
        "pointers": ["/data/candidates/0/finish_reason"],
        "more_pointers": 0,
        "expected": expected,
        "observed": observed,
        "exchanges": ["quill/plain#1"],
        "clients": [
            {"client": CLIENTS[0], "effect": "silent-loss", "detail": "finish_reason is None"},
            {"client": CLIENTS[1], "effect": "silent-loss", "detail": "finishReason is undefined"},
            {"client": CLIENTS[5], "effect": "raises", "detail": "KeyError: 'candidates'"},
        ],
        "source": {
            "document": GOOGLE,
            "lines": "GenerateContentResponse",
            "says": "names are lowerCamelCase",
        },
        "documented": {"document": "quill.txt", "lines": "L106-131", "says": "shows finish_reason"},
        "known": False,
        "generated": False,
        "curl": "curl -sS https://api.quill.example/v1beta/models/gemini-2.5-flash:generateContent \\\n"
        "  -H \"authorization: Bearer $QUILL_API_KEY\" -H 'content-type: application/json' \\\n"
        """  -d '{"contents":[{"role":"user","parts":[{"text":"Reply with exactly: OK-7f3a"}]}]}'""",
        "evidence": [evidence("quill/plain#1", BODY, '"finish_reason"')],
        "why": "A client looks for one spelling; a field in another is as good as absent.",
        "way_round": "Rename the fields before the client reads them, or ask through a proxy that does.",
        **more,
    }


def provider(name: str, title: str, status: str, **more: Any) -> dict[str, Any]:
    """One provider; conforming in everything unless `more` says otherwise."""
    cases = [
        {"rule": f"{dimension}/holds-{n}", "outcome": "pass", "exchanges": 12}
        for dimension in DIMENSIONS
        for n in range(9)
    ]
    found: dict[str, Any] = {
        "name": name,
        "title": title,
        "dialect": name,
        "base_url": f"https://api.{name}.example",
        "model": "gemini-2.5-flash",
        "embedded": False,
        "status": status,
        "reason": None,
        "traits": traits(),
        "clients": [
            {"client": client, "verdict": "works", "because": [], "configure": []} for client in CLIENTS
        ],
        "traffic": {
            "requests": 96,
            "retries": 2,
            "prompt_tokens": 4210,
            "output_tokens": 3920,
            "seconds": 71.4,
        },
        "cases": cases,
        "deviations": [],
        "coverage": [
            {"place": "request", "pointer": "/contents", "seen": "sent", "source": "L133"},
            {"place": "response", "pointer": "/candidates", "seen": "as-documented", "source": "L176"},
            {"place": "response", "pointer": "/modelVersion", "seen": "never", "source": "L181"},
        ],
        "stale": [],
        "unasked": [],
        **more,
    }
    found["cases"] = cases + [
        {
            "rule": each["rule"],
            "outcome": "known" if each["known"] else "note" if each["level"] == "note" else "deviation",
        }
        for each in found["deviations"]
    ]
    return found


def _clients(*verdicts: str) -> list[dict[str, Any]]:
    because = [
        {
            "effect": "silent-loss",
            "detail": "usage is None",
            "exchange": "quill/plain#1",
            "rule": "casing/names",
        }
    ]
    return [
        {
            "client": client,
            "verdict": verdict,
            "because": [] if verdict in {"works", "untested"} else because,
            "configure": ["header: http_options.headers: Authorization: Bearer …"],
        }
        for client, verdict in zip(CLIENTS, verdicts, strict=True)
    ]


def _quill() -> dict[str, Any]:
    buffered = [2140.0 + n * 0.4 for n in range(12)]
    return provider(
        "quill",
        "Quill Router",
        "deviates",
        traits=traits(
            response_casing=("snake_case", "snake_case"), envelope=(None, "data"), stream_framing=("ndjson", "ndjson"),
            auth=(["bearer", "x-api-key"], ["bearer"]), error_shape=(None, "openai"), stream_framing_default=(None, None),
        ),
        clients=_clients("broken", "broken", "broken", "degraded", "broken", "works"),
        deviations=[
            deviation("casing/answers-in-camel-case", "must", "Answers are spelt in camelCase", "finishReason", "finish_reason in all 38 answers",
                      against=["reference", "documented"], pointers=[f"/data/candidates/{i}/{n}" for i in range(9) for n in ("finish_reason", "safety_ratings")], more_pointers=212),
            deviation("envelope/gemini-object-at-root", "must", "The Gemini object stands at the root", "candidates at the root", "inside data, usage beside it",
                      evidence=[evidence("quill/plain#1", BODY, '"data": {')]),
            deviation("streaming/sse-with-alt-sse", "must", "With alt=sse the stream is SSE", "text/event-stream, data: lines", "application/x-ndjson, one object a line",
                      evidence=[evidence("quill/stream#1", STREAM.replace("data: ", ""), '{"candidates"', arrivals_ms=[200.0 + 160 * n for n in range(12)], ended_ms=2100.0,
                                         frames=[{"start": 0, "end": 81, "at_ms": 200.0}, {"start": 82, "end": 163, "at_ms": 360.0}])]),
            deviation("streaming/arrives-while-it-is-made", "should", "A long answer arrives while it is made", "pieces over the time of writing", "12 pieces within 4 ms after 2.1 s", exchanges=["quill/stream#2"],
                      evidence=[evidence("quill/stream#2", STREAM, "data: ", arrivals_ms=buffered, ended_ms=2146.0)]),
            deviation("auth/accepts-x-goog-api-key", "must", "x-goog-api-key is accepted", "200", "401", clients=[], evidence=[evidence("quill/key#1", '{"error": "no token"}', "no token", status=401)]),
            deviation("errors/invalid-argument-is-400", "should", "An invalid argument is answered with 400", "400 INVALID_ARGUMENT", "200 with an empty answer", clients=[]),
            deviation("usage/total-is-the-sum", "should", "The total is the sum of its parts", "9 + 5 = 14", "15", clients=[], generated=True),
            deviation("schema/response-id-present", "note", "responseId is present", "a string", "absent", clients=[]),
        ],
    )  # fmt: skip


def _lumen() -> dict[str, Any]:
    return provider(
        "lumen", "Lumen API", "deviates",
        traits=traits(envelope=(["none", "data"], "none"), auth=("bearer", ["bearer", "x-goog-api-key"]), error_shape=(None, "openai")),
        clients=_clients("works", "works", "degraded", "works", "works", "works"),
        deviations=[
            deviation("errors/google-shape", "should", "Errors have Google's shape", "error.status", "error.type",
                      evidence=[evidence("lumen/bad-body#1", '{"error": {"type": "invalid_request_error", "message": "bad"}}', '"type"', status=400)]),
            deviation("usage/details-sum", "note", "Details sum to their count", "9", "8", clients=[]),
            deviation("routes/lists-models", "should", "GET /v1beta/models lists models", "200", "404", known=True, clients=[],
                      accepted={"reason": "we never list models", "until": "2027-06-30"}),
        ],
    )  # fmt: skip


def partial(name: str = "reed", **judged: Any) -> dict[str, Any]:
    """Return a provider at which nothing was found, because a third of it was never judged."""
    found = provider(name, name.title(), "partial")
    found["cases"] += [
        {"rule": f"semantics/rests-{n}", "outcome": "inconclusive", "reason": "429 three times"}
        for n in range(19)
    ]
    found["judged"] = {"rules": 97, "of": 158, "limited_by": ["24 answers of 429"], **judged}
    return found


def of(*providers: dict[str, Any]) -> dict[str, Any]:
    """Return a run of these providers alone."""
    return example(providers=list(providers))


def example(**changed: Any) -> dict[str, Any]:
    """Return a run of six providers, one of each status and kind, with every section."""
    harbour = provider("harbour", "Harbour AI", "conforms")
    harbour["cases"] += [
        {"rule": "semantics/thinks", "outcome": "unsupported", "reason": "thinking is listed as unsupported"},
        {"rule": "transport/keeps-alive", "outcome": "inconclusive", "reason": "429 three times"},
    ]
    bundled = {
        **copy.deepcopy(_lumen()),
        "name": "lumen-embedded",
        "title": "Lumen API (bundled)",
        "embedded": True,
    }
    bundled["deviations"] = bundled["deviations"][:1]
    nothing: dict[str, Any] = {
        "traits": traits(),
        "clients": [],
        "cases": [],
        "coverage": [],
        "deviations": [],
    }
    idle = {"requests": 0, "retries": 0, "prompt_tokens": 0, "output_tokens": 0, "seconds": 0.0}
    lost = {name: {**trait, "observed": None} for name, trait in traits().items()}
    unclear = {
        **provider("heron", "Heron", "inconclusive", reason="HTML came from every path: base_url?"),
        **nothing,
        "traits": lost,
    }
    unclear["cases"] = [
        {"rule": "routes/answers", "outcome": "inconclusive", "reason": "HTML", "exchanges": 3}
    ]
    absent = {
        **provider("tern", "Tern", "not-run", reason="TERN_API_KEY is not set"),
        **nothing,
        "traits": lost,
        "traffic": idle,
    }
    return {
        "format": "conformance-results/1",
        "tool": {"name": "gemini-conformance", "version": "0.1.0"},
        "run": {
            "id": "2026-11-22T04-33-00Z", "started_at": "2026-11-22T04:33:00Z", "finished_at": "2026-11-22T04:36:12Z",
            "complete": True, "interrupted": False, "seed": 20261122, "exit_code": 1, "warnings": [],
            "selection": {"providers": [], "dimensions": []}, "kill_matrix": {"rules": 118, "miniatures": 131, "variations": 64},
        },
        "providers": [absent, harbour, _lumen(), unclear, _quill(), bundled],
        "documents": [
            {"dialect": "quill", "kind": "gap", "pointer": "/error", "says": "no error body is shown", "lines": ""},
            {"dialect": "quill", "kind": "contradiction", "pointer": "/stream", "says": "required in the list, absent from the example", "lines": "L158-160"},
            {"dialect": "lumen", "kind": "departs-from-google", "pointer": "auth", "says": "bearer instead of x-goog-api-key", "lines": "L103"},
        ],
        **changed,
    }  # fmt: skip


def many(providers: int, findings: int, body: int = 3000) -> dict[str, Any]:
    """Return a run of that many providers with that many findings each, every one with its own evidence of `body` characters."""
    results = example()
    filler = BODY * (body // len(BODY) + 1)
    levels = ("must", "should", "note")
    results["providers"] = [
        provider(
            f"vendor-{number:03d}", f"Vendor {number}", "deviates",
            clients=_clients("broken", "works", "degraded", "works", "works", "untested"),
            deviations=[
                deviation(
                    f"{DIMENSIONS[n % 10]}/holds-{n}", levels[(n + number) % 3], f"Sentence {n} is true of a good vendor",
                    "what Google does, said in a sentence of usual length", "what this vendor did, in another of usual length",
                    evidence=[evidence(f"vendor-{number:03d}/probe-{n}#1", f"{n} {filler[:body]}", '"finish_reason"')],
                )
                for n in range(findings)
            ],
            coverage=[{"place": "response", "pointer": f"/candidates/{n}", "seen": "never", "source": "L1"} for n in range(40)],
        )
        for number in range(providers)
    ]  # fmt: skip
    return results
