"""Renders a run as a GitHub step summary, and a finding as a complaint."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from conformance.report.complaints import fill, skeleton
from conformance.report.findings import finding, finding_ids, title_in_full, worst_first
from conformance.report.matrix import Cell, cells, display_name, status_sign
from conformance.report.matrix import worst_first as in_order
from conformance.report.overview import Banner, overview
from conformance.report.plain import clip, md_code, md_text, slug
from conformance.report.sections import proven
from conformance.report.vendors import traits
from conformance.report.verdict import verdict
from conformance.report.words import CELLS, DIMENSIONS, HEADLINE_TRAITS, LEVELS, TRAITS, plural

Entry = Mapping[str, Any]

ROWS_MOST = 200
WORST_MOST = 15
# GitHub refuses a step summary over 1 MiB; what stands here stays far below it.
CELL_MOST = 160


def _cell(cell: Cell) -> str:
    return " ".join(f"{count.sign.mark}{f' {count.number}' if count.number else ''}" for count in cell.counts)


def _name(provider: Entry) -> str:
    return f"**{md_text(clip(display_name(provider), 70))}**"


def _row(*cells_: str) -> str:
    return f"| {' | '.join(cells_)} |"


def _matrix(providers: list[Entry]) -> Iterator[str]:
    yield _row("Provider", "Verdict", *DIMENSIONS)
    yield _row("---", "---", *("---" for _ in DIMENSIONS))
    for provider in providers[:ROWS_MOST]:
        sign = status_sign(provider)
        said = f"{sign.mark} {sign.word}"
        beside = verdict(provider)
        said += f"<br>{md_text(clip(beside, CELL_MOST))}" if beside else ""
        yield _row(_name(provider), said, *(_cell(cell) for cell in cells(provider)))
    yield from _left_out(providers)


def _left_out(providers: list[Entry]) -> Iterator[str]:
    if len(providers) > ROWS_MOST:
        yield ""
        yield f"{len(providers) - ROWS_MOST} more providers stand in the report."


def _legend() -> str:
    signs = [*LEVELS.values(), *CELLS.values()]
    return ", ".join(f"{sign.mark} {sign.word}" for sign in signs)


def _banner(banner: Banner) -> str:
    said = " ".join(filter(None, (banner.text, "; ".join(banner.lines))))
    return f"> **{md_text(banner.title)}.** {md_text(clip(said, 900))}\n"


def _traits(providers: list[Entry]) -> Iterator[str]:
    found = [(provider, {trait.key: trait for trait in traits(provider)}) for provider in providers]
    found = [(provider, known) for provider, known in found if provider["status"] != "not-run" and known]
    if not found:
        return
    google = found[0][1]
    yield from ("", "### Seen (what the document says)", "")
    yield _row("Provider", *(f"{TRAITS[name]}" for name in HEADLINE_TRAITS))
    yield _row("---", *("---" for _ in HEADLINE_TRAITS))
    yield _row(
        "Google", *(md_text(google[name].reference) if name in google else "" for name in HEADLINE_TRAITS)
    )
    for provider, known in found[:ROWS_MOST]:
        yield _row(
            _name(provider),
            *(
                f"{md_text(known[name].observed)} ({md_text(known[name].documented)})"
                if name in known
                else ""
                for name in HEADLINE_TRAITS
            ),
        )


def _worst(providers: list[Entry]) -> Iterator[str]:
    rows = [(provider, each) for provider in providers for each in worst_first(provider)]
    rows = [(provider, each) for provider, each in rows if each["level"] != "note" and not each.get("known")]
    rows.sort(key=lambda row: list(LEVELS).index(str(row[1]["level"])))
    if not rows:
        return
    yield from ("", "### Worst findings", "")
    for provider, each in rows[:WORST_MOST]:
        sign = LEVELS[str(each["level"])]
        title, rule = md_text(clip(title_in_full(each), 300)), md_code(str(each["rule"]))
        yield f"- {sign.mark} {sign.word}, {_name(provider)}: {title} ({rule})"
        yield f"  <br>expected {md_text(clip(str(each['expected']), 200))}; observed {md_text(clip(str(each['observed']), 200))}"
    if len(rows) > WORST_MOST:
        yield f"- and {plural(len(rows) - WORST_MOST, 'more finding')} in the report"


def summary_markdown(results: Entry) -> str:
    """Return a run as Markdown: the sentence, banners, matrix, traits, worst findings, where the page is."""
    top, providers = overview(results), in_order(results.get("providers") or [])
    lines = [f"## {top.headline}", ""]
    lines += [_banner(banner) for banner in top.banners]
    if providers:
        lines += [*_matrix(providers), "", _legend()]
    lines += [*_traits(providers), *_worst(providers), ""]
    lines.append("The whole report, with evidence for each finding, is `report.html` beside this summary.")
    lines.append("")
    lines.append(". ".join(f"{name}: {md_text(clip(text, 300))}" for name, text in top.facts) + ".")
    lines += ["", proven(results)] if proven(results) else []
    return "\n".join(lines).rstrip() + "\n"


def complaint(results: Entry, provider: Entry, deviation: Entry) -> str:
    """Return one finding of one provider as Markdown for the vendor's support, evidence included."""
    found = finding(deviation, finding_ids(slug(str(provider["name"])), [deviation])[0])
    return fill(skeleton(results, provider, found), found)
