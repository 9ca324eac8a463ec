"""A judged recording for the terminal, and as Markdown that can be sent to a vendor; from results.json alone."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from conformance.report.answers import ANSWERS_MOST, choose, is_harmful, sights
from conformance.report.markdown import complaint
from conformance.report.plain import clip, md_code, md_text, one_line

Entry = Mapping[str, Any]

FINDINGS_MOST = 100
_STATUS = {
    "deviates": "deviates",
    "partial": "nothing found in what could be judged",
    "inconclusive": "could not be judged",
    "conforms": "conforms",
}
_LABEL = 11


def recording_text(results: Entry, width: int = 100) -> str:
    """Return every provider of a recording with its findings and what clients make of its answers; plain text."""
    lines: list[str] = []
    for provider in results.get("providers") or []:
        lines += [*_provider(provider, max(width, 50)), ""]
    return "\n".join(lines).rstrip()


def _provider(provider: Entry, width: int) -> Iterator[str]:
    yield one_line(f"{provider.get('title') or provider['name']}: {verdict_of(provider)}")
    several = provider["deviations"]
    for deviation in several[:FINDINGS_MOST]:
        yield ""
        yield from _finding(provider, deviation, width)
    if len(several) > FINDINGS_MOST:
        yield f"  and {len(several) - FINDINGS_MOST} more findings"
    yield from _answers(provider.get("answers") or (), width)
    yield from _clients(provider, width)


def verdict_of(provider: Entry) -> str:
    """Return a provider's verdict in words, with what it rests on."""
    judged = provider["judged"]
    said = _STATUS.get(str(provider["status"]), str(provider["status"]))
    reason = f" ({provider['reason']})" if provider.get("reason") else ""
    rests = "; ".join(map(str, judged["limited_by"]))
    return f"{said}{reason}; {judged['rules']} of {judged['of']} rules judged, from {rests}"


def _finding(provider: Entry, deviation: Entry, width: int) -> Iterator[str]:
    known = " (known)" if deviation.get("known") else ""
    yield from _wrapped(f"  {deviation['level']:<{_LABEL - 2}}", f"{deviation['title']}{known}", width)
    where = ", ".join(str(pointer) or "the whole" for pointer in deviation["pointers"][:3])
    rows = (
        ("rule", deviation["rule"]),
        ("expected", deviation["expected"]),
        ("observed", deviation["observed"]),
        ("at", f"{_places(provider, deviation['exchanges'])} {where}".strip()),
        ("source", _source(deviation["source"])),
        ("breaks", "; ".join(f"{one['client']} ({one['effect']})" for one in deviation.get("clients") or ())),
    )
    for label, text in rows:
        if text:
            yield from _wrapped(f"    {label:<{_LABEL - 2}}", clip(str(text), 600), width)


def _places(provider: Entry, exchanges: Sequence[str]) -> str:
    places = {one["exchange"]: one["place"] for one in provider.get("answers") or ()}
    named = [str(places.get(id_) or id_) for id_ in exchanges[:3]]
    more = f" and {len(exchanges) - 3} more" if len(exchanges) > 3 else ""
    return "; ".join(named) + more


def _source(source: Entry) -> str:
    lines = f", {source['lines']}" if source.get("lines") else ""
    return f"{source['document']}{lines}"


def _wrapped(label: str, text: str, width: int, column: int = _LABEL + 2) -> list[str]:
    indent = " " * column
    head = f"{label:<{column}}"
    return textwrap.wrap(one_line(text), width, initial_indent=head, subsequent_indent=indent) or [
        head.rstrip()
    ]


# --- what clients make of it ---


def _answers(answers: Sequence[Entry], width: int) -> Iterator[str]:
    if not answers:
        return
    yield from ("", "  What clients make of the answers:")
    shown = choose(answers)
    for answer in shown:
        status = f"HTTP {answer['status']}" if answer["status"] else "no status"
        yield from _wrapped(
            "", f"{answer['place'] or answer['exchange']}: {answer['request']}, {status}", width, 4
        )
        yield from (line for text in _sights(answer) for line in _wrapped("", text, width, 6))
    if len(shown) < len(answers):
        yield f"  and {len(answers) - len(shown)} more"


def _sights(answer: Entry) -> Iterator[str]:
    """Yield what clients see, those that see the same together."""
    if answer["lacking"]:
        yield f"not judged: {answer['lacking']}"
    if ":streamGenerateContent" in answer["request"] and "alt=sse" not in answer["request"]:
        yield "asked without alt=sse, as none of these clients asks:"
    for sight in sights(answer):
        harm = f" ({sight.effect}: {sight.detail})" if sight.effect else ""
        yield f"{sight.who}: {sight.sees}{harm}"


def _clients(provider: Entry, width: int) -> Iterator[str]:
    by_verdict: dict[str, list[str]] = {}
    for client in provider["clients"]:
        by_verdict.setdefault(str(client["verdict"]), []).append(str(client["client"]))
    if by_verdict.keys() - {"untested"}:
        yield ""
        for verdict in ("broken", "degraded", "works", "untested"):
            if verdict in by_verdict:
                yield from _wrapped(f"  {verdict}", ", ".join(by_verdict[verdict]), width)


# --- for a vendor ---


def recording_markdown(results: Entry) -> str:
    """Return what was found as Markdown for whoever runs the API: a section per provider, a complaint per finding."""
    lines: list[str] = []
    for provider in results.get("providers") or []:
        title = str(provider.get("title") or provider["name"])
        lines += [f"# {md_text(title)}", "", f"{md_text(_sentence(verdict_of(provider)))}", ""]
        for deviation in provider["deviations"][:FINDINGS_MOST]:
            places = _places(provider, deviation["exchanges"])
            lines += [
                complaint(results, provider, deviation).rstrip(),
                "",
                f"Recorded in {md_text(places)}.",
                "",
            ]
        lines += [*_answers_table(provider.get("answers") or ())]
    return "\n".join(lines).rstrip() + "\n"


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _answers_table(answers: Sequence[Entry]) -> Iterator[str]:
    harmful = [answer for answer in answers if is_harmful(answer)]
    if not harmful:
        return
    yield from (
        "## What clients make of these answers",
        "",
        "| Answer | Clients and what they see |",
        "| --- | --- |",
    )
    for answer in harmful[:ANSWERS_MOST]:
        seen = "<br>".join(md_text(text) for text in _sights(answer))
        yield f"| {md_text(str(answer['place']))}: {md_code(str(answer['request']))} | {seen} |"
    yield ""
