"""Writes one finding as Markdown that a vendor's support can act on."""

from __future__ import annotations

import re

from conformance.report.evidence import REQUEST
from conformance.report.findings import Citation, Finding
from conformance.report.recorded_replies import UNKNOWN_HOST
from conformance.report.safe_text import (
    clip_text,
    escape_markdown,
    format_code,
    format_fence,
    format_moment,
    make_visible,
)
from conformance.report.vocabulary import Entry

# The page has the long texts only where they are shown; its script inserts them here.
SLOT = re.compile(r"\{\{(curl|request|response)\}\}")
_LEVELS = {
    "must": "must: breaks Google's contract",
    "should": "should: wrong or unusual",
    "note": "note",
}


def _format_citation(label: str, found: Citation | None) -> list[str]:
    if not found:
        return []
    document = escape_markdown(found.document)
    where = (f"[{document}]({found.url})" if found.url else document) + (
        f", {escape_markdown(found.lines)}" if found.lines else ""
    )
    return [f"- **{label}:** {where}" + (f": {escape_markdown(found.says)}" if found.says else "")]


def _list_facts(found: Finding, pointers: list[str]) -> list[str]:
    where = ", ".join(format_code(clip_text(pointer, 200)) for pointer in pointers)
    more = len(found.pointers) + len(found.more_pointers) + found.uncounted - len(pointers)
    lines = [
        f"- **Expected:** {escape_markdown(found.expected)}",
        f"- **Observed:** {escape_markdown(found.observed)}",
        f"- **Departs from:** {escape_markdown(found.departs)}",
    ]
    if where:
        lines.append(f"- **Where:** {where}" + (f" and {more:,} more" if more > 0 else ""))
    lines += _format_citation("Rule from", found.source) + _format_citation("Your document", found.documented)
    if found.harms:
        lines.append(f"- **Clients:** {escape_markdown('; '.join(map(str, found.harms)))}")
    return lines


def _write_head(results: Entry, provider: Entry, found: Finding) -> list[str]:
    tool = results["tool"]
    title = escape_markdown(str(provider.get("title") or provider["name"]))
    address = str(provider["base_url"])
    who = title if UNKNOWN_HOST in address else f"{title}, {format_code(address)}"
    when = f"model {format_code(str(provider['model']))}, {format_moment(str(results['run']['started_at']))}"
    rule = f"Rule {format_code(found.rule)} ({_LEVELS[found.sign.key]})"
    checker = f"checked by {escape_markdown(tool['name'])} {escape_markdown(tool['version'])}"
    title = ", ".join(filter(None, (found.title, found.conditions)))
    return [f"## Not met: {escape_markdown(title)}", "", f"{who}, {when}. {rule}, {checker}.", ""]


def list_blocks(found: Finding, request: str, status: int | None) -> list[tuple[str, str, str]]:
    """Return the blocks of a complaint that hold long texts: heading, language, slot."""
    quoted = found.extract.text if found.extract else ""
    answer = f"### Response{f' (status {status})' if status else ''}"
    blocks = [
        ("### To reproduce", "sh", "curl", found.curl),
        ("### Request", "http", "request", request),
        (answer, "", "response", quoted),
    ]
    return [(heading, language, slot) for heading, language, slot, there in blocks if there]


def shorten_request(entry: Entry | None) -> str:
    """Return the request as the page shows it."""
    return make_visible(str((entry or {}).get("request") or "")[:REQUEST])


def _choose_fence(found: Finding, request: str) -> str:
    every = "\n".join((found.curl, request, found.extract.text if found.extract else ""))
    return format_fence(every).partition("\n")[0]


def outline_complaint(results: Entry, provider: Entry, found: Finding) -> str:
    """Return the complaint with {{curl}}, {{request}} and {{response}} where those texts belong."""
    request = shorten_request(found.quoted)
    fence = _choose_fence(found, request)
    lines = _write_head(results, provider, found) + _list_facts(found, list(found.pointers))
    for heading, language, slot in list_blocks(found, request, (found.quoted or {}).get("status")):
        lines += ["", heading, f"{fence}{language}", "{{" + slot + "}}", fence]
    return "\n".join(lines) + "\n"


def fill_slots(outline: str, found: Finding) -> str:
    """Return an outline with its slots filled in one pass, so that no inserted text is taken for a slot."""
    texts = {
        "curl": make_visible(found.curl),
        "request": shorten_request(found.quoted),
        "response": found.extract.text if found.extract else "",
    }
    return SLOT.sub(lambda match: texts[match[1]], outline)
