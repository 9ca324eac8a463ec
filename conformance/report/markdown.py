"""Renders a run as a GitHub step summary, and a finding as a complaint."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.model import Level
from conformance.phrases import count_noun
from conformance.report.complaints import fill_slots, outline_complaint
from conformance.report.findings import make_finding_ids, read_finding, sort_findings, write_full_title
from conformance.report.matrix import Cell, choose_sign, display_name, make_cells, sort_providers
from conformance.report.overview import Banner, make_overview
from conformance.report.provider_sections import Trait, read_traits
from conformance.report.safe_text import clip_text, escape_markdown, format_code, make_slug
from conformance.report.sections import describe_proof
from conformance.report.text_form import format_table
from conformance.report.verdict import explain_verdict
from conformance.report.vocabulary import CELLS, DIMENSIONS, HEADLINE_TRAITS, LEVELS, TRAITS, Entry

MOST_ROWS = 200
MOST_WORST = 15
# GitHub refuses a step summary over 1 MiB; these bounds keep far below that.
MOST_IN_CELL = 160


def _escape(text: object, most: int) -> str:
    return escape_markdown(clip_text(str(text), most))


def _format_name(provider: Entry) -> str:
    return f"**{_escape(display_name(provider), 70)}**"


def _format_cell(cell: Cell) -> str:
    return " ".join(f"{count.sign.mark}{f' {count.number}' if count.number else ''}" for count in cell.counts)


def _list_row(provider: Entry) -> list[str]:
    sign, beside = choose_sign(provider), explain_verdict(provider)
    verdict = f"{sign.mark} {sign.word}" + (f"<br>{_escape(beside, MOST_IN_CELL)}" if beside else "")
    return [_format_name(provider), verdict, *map(_format_cell, make_cells(provider))]


def _format_matrix(providers: list[Entry]) -> Iterator[str]:
    yield from format_table(["Provider", "Verdict", *DIMENSIONS], map(_list_row, providers[:MOST_ROWS]))
    if len(providers) > MOST_ROWS:
        yield from ("", f"The report shows {count_noun(len(providers) - MOST_ROWS, 'more provider')}.")
    signs = [*LEVELS.values(), *CELLS.values()]
    yield from ("", ", ".join(f"{sign.mark} {sign.word}" for sign in signs))


def _format_banner(banner: Banner) -> str:
    text = " ".join(filter(None, (banner.text, "; ".join(banner.lines))))
    return f"> **{escape_markdown(banner.title)}.** {_escape(text, 900)}\n"


def _format_trait(trait: Trait | None) -> str:
    return f"{escape_markdown(trait.observed)} ({escape_markdown(trait.documented)})" if trait else ""


def _format_traits(providers: list[Entry]) -> Iterator[str]:
    asked = [provider for provider in providers if provider["status"] != "not-run"]
    found = [
        (provider, traits)
        for provider in asked
        if (traits := {trait.key: trait for trait in read_traits(provider)})
    ]
    if not found:
        return
    yield from ("", "### Observed (what the document says)", "")
    google = found[0][1]
    rows = [
        [
            "Google",
            *(escape_markdown(google[name].reference) if name in google else "" for name in HEADLINE_TRAITS),
        ]
    ]
    rows += [
        [_format_name(provider), *(_format_trait(traits.get(name)) for name in HEADLINE_TRAITS)]
        for provider, traits in found[:MOST_ROWS]
    ]
    yield from format_table(["Provider", *(TRAITS[name] for name in HEADLINE_TRAITS)], rows)


def _format_worst(providers: list[Entry]) -> Iterator[str]:
    rows = [
        (provider, each)
        for provider in providers
        for each in sort_findings(provider)
        if each["level"] != "note" and not each.get("known")
    ]
    rows.sort(key=lambda row: Level(row[1]["level"]).rank)
    if rows:
        yield from ("", "### Worst findings", "")
    for provider, each in rows[:MOST_WORST]:
        sign = LEVELS[str(each["level"])]
        title, rule = _escape(write_full_title(each), 300), format_code(str(each["rule"]))
        yield f"- {sign.mark} {sign.word}, {_format_name(provider)}: {title} ({rule})"
        yield f"  <br>expected {_escape(each['expected'], 200)}; observed {_escape(each['observed'], 200)}"
    if len(rows) > MOST_WORST:
        yield f"- and {count_noun(len(rows) - MOST_WORST, 'more finding')} in the report"


def write_summary(results: Entry) -> str:
    """Return a run as Markdown: headline, banners, matrix, traits, worst findings, facts, and where the page is."""
    top, providers = make_overview(results), sort_providers(results.get("providers") or [])
    lines = [f"## {top.headline}", "", *map(_format_banner, top.banners)]
    lines += _format_matrix(providers) if providers else []
    lines += [*_format_traits(providers), *_format_worst(providers), ""]
    lines += ["The full report, with evidence for each finding, is `report.html` beside this summary.", ""]
    lines.append(". ".join(f"{name}: {_escape(text, 300)}" for name, text in top.facts) + ".")
    lines += ["", describe_proof(results)]
    return "\n".join(lines).rstrip() + "\n"


def write_complaint(results: Entry, provider: Entry, deviation: Entry) -> str:
    """Return one finding of one provider as Markdown for the vendor's support, evidence included."""
    found = read_finding(deviation, make_finding_ids(make_slug(str(provider["name"])), [deviation])[0])
    return fill_slots(outline_complaint(results, provider, found), found)
