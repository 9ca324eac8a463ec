"""Renders a run as a GitHub step summary, and a finding as a complaint."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from conformance.phrases import count_noun
from conformance.report.complaints import fill_slots, outline_complaint
from conformance.report.findings import make_finding_ids, read_finding, sort_findings, write_full_title
from conformance.report.matrix import Cell, choose_sign, display_name, make_cells
from conformance.report.matrix import sort_providers as in_order
from conformance.report.overview import Banner, make_overview
from conformance.report.provider_sections import read_traits
from conformance.report.safe_text import clip, escape_markdown, format_code, slugify
from conformance.report.sections import describe_proof
from conformance.report.verdict import explain_verdict
from conformance.report.vocabulary import CELLS, DIMENSIONS, HEADLINE_TRAITS, LEVELS, TRAITS

Entry = Mapping[str, Any]

MOST_ROWS = 200
MOST_WORST = 15
# GitHub refuses a step summary over 1 MiB; these bounds keep far below that.
MOST_IN_CELL = 160


def _format_cell(cell: Cell) -> str:
    return " ".join(f"{count.sign.mark}{f' {count.number}' if count.number else ''}" for count in cell.counts)


def _format_name(provider: Entry) -> str:
    return f"**{escape_markdown(clip(display_name(provider), 70))}**"


def _join_cells(*cells_: str) -> str:
    return f"| {' | '.join(cells_)} |"


def _format_matrix(providers: list[Entry]) -> Iterator[str]:
    yield _join_cells("Provider", "Verdict", *DIMENSIONS)
    yield _join_cells("---", "---", *("---" for _ in DIMENSIONS))
    for provider in providers[:MOST_ROWS]:
        sign = choose_sign(provider)
        said = f"{sign.mark} {sign.word}"
        beside = explain_verdict(provider)
        said += f"<br>{escape_markdown(clip(beside, MOST_IN_CELL))}" if beside else ""
        yield _join_cells(
            _format_name(provider), said, *(_format_cell(cell) for cell in make_cells(provider))
        )
    yield from _left_out(providers)


def _left_out(providers: list[Entry]) -> Iterator[str]:
    if len(providers) > MOST_ROWS:
        yield ""
        yield f"{len(providers) - MOST_ROWS} more providers stand in the report."


def _format_legend() -> str:
    signs = [*LEVELS.values(), *CELLS.values()]
    return ", ".join(f"{sign.mark} {sign.word}" for sign in signs)


def _format_banner(banner: Banner) -> str:
    said = " ".join(filter(None, (banner.text, "; ".join(banner.lines))))
    return f"> **{escape_markdown(banner.title)}.** {escape_markdown(clip(said, 900))}\n"


def _format_traits(providers: list[Entry]) -> Iterator[str]:
    found = [(provider, {trait.key: trait for trait in read_traits(provider)}) for provider in providers]
    found = [(provider, known) for provider, known in found if provider["status"] != "not-run" and known]
    if not found:
        return
    google = found[0][1]
    yield from ("", "### Seen (what the document says)", "")
    yield _join_cells("Provider", *(f"{TRAITS[name]}" for name in HEADLINE_TRAITS))
    yield _join_cells("---", *("---" for _ in HEADLINE_TRAITS))
    yield _join_cells(
        "Google",
        *(escape_markdown(google[name].reference) if name in google else "" for name in HEADLINE_TRAITS),
    )
    for provider, known in found[:MOST_ROWS]:
        yield _join_cells(
            _format_name(provider),
            *(
                f"{escape_markdown(known[name].observed)} ({escape_markdown(known[name].documented)})"
                if name in known
                else ""
                for name in HEADLINE_TRAITS
            ),
        )


def _format_worst(providers: list[Entry]) -> Iterator[str]:
    rows = [(provider, each) for provider in providers for each in sort_findings(provider)]
    rows = [(provider, each) for provider, each in rows if each["level"] != "note" and not each.get("known")]
    rows.sort(key=lambda row: list(LEVELS).index(str(row[1]["level"])))
    if not rows:
        return
    yield from ("", "### Worst findings", "")
    for provider, each in rows[:MOST_WORST]:
        sign = LEVELS[str(each["level"])]
        title, rule = escape_markdown(clip(write_full_title(each), 300)), format_code(str(each["rule"]))
        yield f"- {sign.mark} {sign.word}, {_format_name(provider)}: {title} ({rule})"
        yield f"  <br>expected {escape_markdown(clip(str(each['expected']), 200))}; observed {escape_markdown(clip(str(each['observed']), 200))}"
    if len(rows) > MOST_WORST:
        yield f"- and {count_noun(len(rows) - MOST_WORST, 'more finding')} in the report"


def write_summary(results: Entry) -> str:
    """Return a run as Markdown: the sentence, banners, matrix, traits, worst findings, where the page is."""
    top, providers = make_overview(results), in_order(results.get("providers") or [])
    lines = [f"## {top.headline}", ""]
    lines += [_format_banner(banner) for banner in top.banners]
    if providers:
        lines += [*_format_matrix(providers), "", _format_legend()]
    lines += [*_format_traits(providers), *_format_worst(providers), ""]
    lines.append("The whole report, with evidence for each finding, is `report.html` beside this summary.")
    lines.append("")
    lines.append(". ".join(f"{name}: {escape_markdown(clip(text, 300))}" for name, text in top.facts) + ".")
    lines += ["", describe_proof(results)] if describe_proof(results) else []
    return "\n".join(lines).rstrip() + "\n"


def write_complaint(results: Entry, provider: Entry, deviation: Entry) -> str:
    """Return one finding of one provider as Markdown for the vendor's support, evidence included."""
    found = read_finding(deviation, make_finding_ids(slugify(str(provider["name"])), [deviation])[0])
    return fill_slots(outline_complaint(results, provider, found), found)
