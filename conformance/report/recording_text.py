"""Renders a judged recording for the terminal, and as Markdown that can be sent to a vendor; from results.json alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from conformance.clients.effects import VERDICTS
from conformance.report.console_text import wrap_text
from conformance.report.findings import group_harms
from conformance.report.markdown import write_complaint
from conformance.report.recorded_replies import MOST_REPLIES, choose_replies, group_clients, is_harmful
from conformance.report.safe_text import clip_text, escape_markdown, format_code, to_one_line
from conformance.report.text_form import format_table
from conformance.report.vocabulary import Entry

MOST_FINDINGS = 100
_STATUS = {
    "deviates": "deviates",
    "partial": "nothing found in what could be judged",
    "inconclusive": "could not be judged",
    "conforms": "conforms",
}
_TEXT_AT = 13  # the column at which texts begin, after their labels


def format_text(results: Entry, width: int = 100) -> str:
    """Return every provider of a recording as plain text: its findings, and what clients make of its replies."""
    lines: list[str] = []
    for provider in results.get("providers") or []:
        lines += [*_format_provider(provider, max(width, 50)), ""]
    return "\n".join(lines).rstrip()


def _format_provider(provider: Entry, width: int) -> Iterator[str]:
    yield to_one_line(f"{provider.get('title') or provider['name']}: {describe_verdict(provider)}")
    several = provider["deviations"]
    for deviation in several[:MOST_FINDINGS]:
        yield ""
        yield from _format_finding(provider, deviation, width)
    if len(several) > MOST_FINDINGS:
        yield f"  and {len(several) - MOST_FINDINGS} more findings"
    yield from _format_replies(provider.get("answers") or (), width)
    yield from _format_clients(provider, width)


def describe_verdict(provider: Entry) -> str:
    """Return a provider's verdict, with what it rests on."""
    judged = provider["judged"]
    verdict = _STATUS.get(str(provider["status"]), str(provider["status"]))
    reason = f" ({provider['reason']})" if provider.get("reason") else ""
    rests = "; ".join(map(str, judged["limited_by"]))
    return f"{verdict}{reason}; {judged['rules']} of {judged['of']} rules judged, from {rests}"


def _format_finding(provider: Entry, deviation: Entry, width: int) -> Iterator[str]:
    known = " (known)" if deviation.get("known") else ""
    yield from _wrap_labelled(f"  {deviation['level']}", f"{deviation['title']}{known}", width)
    where = ", ".join(str(pointer) or "the whole" for pointer in deviation["pointers"][:3])
    source = deviation["source"]
    rows = (
        ("rule", deviation["rule"]),
        ("expected", deviation["expected"]),
        ("observed", deviation["observed"]),
        ("at", f"{_name_places(provider, deviation['exchanges'])} {where}".strip()),
        ("source", ", ".join(filter(None, (source["document"], source.get("lines"))))),
        ("breaks", "; ".join(map(str, group_harms(deviation)))),
    )
    for label, text in rows:
        if text:
            yield from _wrap_labelled(f"    {label}", clip_text(str(text), 600), width)


def _name_places(provider: Entry, exchanges: Sequence[str]) -> str:
    places = {one["exchange"]: one["place"] for one in provider.get("answers") or ()}
    more = f" and {len(exchanges) - 3} more" if len(exchanges) > 3 else ""
    return "; ".join(str(places.get(id_) or id_) for id_ in exchanges[:3]) + more


def _wrap_labelled(label: str, text: str, width: int) -> list[str]:
    return wrap_text(text, width, " " * _TEXT_AT, f"{label:<{_TEXT_AT}}")


# --- what clients make of it ---


def _format_replies(answers: Sequence[Entry], width: int) -> Iterator[str]:
    if not answers:
        return
    yield from ("", "  What clients make of the replies:")
    shown = choose_replies(answers)
    for answer in shown:
        status = f"HTTP {answer['status']}" if answer["status"] else "no status"
        place = answer["place"] or answer["exchange"]
        yield from wrap_text(f"{place}: {answer['request']}, {status}", width, " " * 4)
        yield from (line for text in _describe_views(answer) for line in wrap_text(text, width, " " * 6))
    if len(shown) < len(answers):
        yield f"  and {len(answers) - len(shown)} more"


def _describe_views(answer: Entry) -> Iterator[str]:
    """Yield what clients see of a reply, a line for each group that sees the same."""
    if answer["lacking"]:
        yield f"not judged: {answer['lacking']}"
    if ":streamGenerateContent" in answer["request"] and "alt=sse" not in answer["request"]:
        yield "sent without alt=sse, which none of these clients does:"
    for group in group_clients(answer):
        harm = f" ({group.harm})" if group.effect else ""
        yield f"{group.who}: {group.sees}{harm}"


def _format_clients(provider: Entry, width: int) -> Iterator[str]:
    by_verdict: dict[str, list[str]] = {}
    for client in provider["clients"]:
        by_verdict.setdefault(str(client["verdict"]), []).append(str(client["client"]))
    if by_verdict.keys() - {"untested"}:
        yield ""
        for verdict, word in VERDICTS.items():
            if verdict in by_verdict:
                yield from _wrap_labelled(f"  {word}", ", ".join(by_verdict[verdict]), width)


# --- for a vendor ---


def format_markdown(results: Entry) -> str:
    """Return the findings as Markdown for the vendor: a section per provider, a complaint per finding."""
    lines: list[str] = []
    for provider in results.get("providers") or []:
        verdict = describe_verdict(provider)
        lines += [f"# {escape_markdown(str(provider.get('title') or provider['name']))}", ""]
        lines += [escape_markdown(f"{verdict[:1].upper()}{verdict[1:]}."), ""]
        for deviation in provider["deviations"][:MOST_FINDINGS]:
            places = escape_markdown(_name_places(provider, deviation["exchanges"]))
            complaint = write_complaint(results, provider, deviation).rstrip()
            lines += [complaint, "", f"Recorded in {places}.", ""]
        lines += _tabulate_replies(provider.get("answers") or ())
    return "\n".join(lines).rstrip() + "\n"


def _tabulate_replies(answers: Sequence[Entry]) -> Iterator[str]:
    rows = [
        (
            f"{escape_markdown(str(answer['place']))}: {format_code(str(answer['request']))}",
            "<br>".join(map(escape_markdown, _describe_views(answer))),
        )
        for answer in answers
        if is_harmful(answer)
    ]
    if rows:
        yield from ("## What clients make of these replies", "")
        yield from (*format_table(("Reply", "Clients and what they see"), rows[:MOST_REPLIES]), "")
