"""Writes one finding as Markdown that a vendor's support can act on."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from conformance.report.answers import UNKNOWN_HOST
from conformance.report.evidence import REQUEST
from conformance.report.findings import Finding, Harm, Written
from conformance.report.plain import clip, md_code, md_fence, md_text, moment, visible

Entry = Mapping[str, Any]

# The page keeps the long texts once, where they are shown; its script puts them in here.
SLOT = re.compile(r"\{\{(curl|request|response)\}\}")
_LEVELS = {
    "must": "must: breaks Google's contract",
    "should": "should: wrong or unusual",
    "note": "note",
}


def _written(label: str, found: Written | None) -> list[str]:
    if not found:
        return []
    document = f"[{md_text(found.document)}]({found.url})" if found.url else md_text(found.document)
    where = document + (f", {md_text(found.lines)}" if found.lines else "")
    return [f"- **{label}:** {where}" + (f": {md_text(found.says)}" if found.says else "")]


def _harm(harm: Harm) -> str:
    return f"{md_text(harm.effect)}: {md_text(', '.join(harm.clients))}"


def _facts(found: Finding, pointers: list[str]) -> list[str]:
    where = ", ".join(md_code(clip(pointer, 200)) for pointer in pointers)
    more = len(found.pointers) + len(found.more_pointers) + found.uncounted - len(pointers)
    lines = [
        f"- **Expected:** {md_text(found.expected)}",
        f"- **Observed:** {md_text(found.observed)}",
        f"- **Departs from:** {md_text(found.departs)}",
    ]
    if where:
        lines.append(f"- **Where:** {where}" + (f" and {more:,} more" if more > 0 else ""))
    lines += _written("Rule from", found.source) + _written("Your document", found.documented)
    if found.harms:
        lines.append(f"- **Clients:** {'; '.join(_harm(harm) for harm in found.harms)}")
    return lines


def _head(results: Entry, provider: Entry, found: Finding) -> list[str]:
    tool = results["tool"]
    title, address = md_text(str(provider.get("title") or provider["name"])), str(provider["base_url"])
    who = title if UNKNOWN_HOST in address else f"{title}, {md_code(address)}"
    when = f"model {md_code(str(provider['model']))}, {moment(str(results['run']['started_at']))}"
    rule = f"Rule {md_code(found.rule)} ({_LEVELS[found.sign.key]})"
    checker = f"checked by {md_text(tool['name'])} {md_text(tool['version'])}"
    title = ", ".join(filter(None, (found.title, found.conditions)))
    return [f"## Not met: {md_text(title)}", "", f"{who}, {when}. {rule}, {checker}.", ""]


def parts(found: Finding, request: str, status: int | None) -> list[tuple[str, str, str]]:
    """Return the blocks of a complaint that hold long texts: heading, language, slot."""
    quoted = found.extract.text if found.extract else ""
    answer = f"### Response{f' (status {status})' if status else ''}"
    blocks = [
        ("### To reproduce", "sh", "curl", found.curl),
        ("### Request", "http", "request", request),
        (answer, "", "response", quoted),
    ]
    return [(heading, language, slot) for heading, language, slot, there in blocks if there]


def request_text(entry: Entry | None) -> str:
    """Return the request as the page shows it."""
    return visible(str((entry or {}).get("request") or "")[:REQUEST])


def _fence_of(found: Finding, request: str) -> str:
    every = "\n".join((found.curl, request, found.extract.text if found.extract else ""))
    return md_fence(every).partition("\n")[0]


def skeleton(results: Entry, provider: Entry, found: Finding) -> str:
    """Return the complaint with {{curl}}, {{request}} and {{response}} where those texts belong."""
    request = request_text(found.quoted)
    fence = _fence_of(found, request)
    lines = _head(results, provider, found) + _facts(found, list(found.pointers))
    for heading, language, slot in parts(found, request, (found.quoted or {}).get("status")):
        lines += ["", heading, f"{fence}{language}", "{{" + slot + "}}", fence]
    return "\n".join(lines) + "\n"


def fill(outline: str, found: Finding) -> str:
    """Return a skeleton with its slots filled, each in one pass, so that no text is read as a slot."""
    texts = {
        "curl": visible(found.curl),
        "request": request_text(found.quoted),
        "response": found.extract.text if found.extract else "",
    }
    return SLOT.sub(lambda match: texts[match[1]], outline)
