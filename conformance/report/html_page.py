"""Renders the whole report as one self-contained page that fetches nothing and runs only its own script."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from conformance.recording.outfolder import write_report_file
from conformance.report import sections, words
from conformance.report.complaints import skeleton
from conformance.report.overview import client_names, dimensions, overview
from conformance.report.plain import slug, visible
from conformance.report.transform import LogRows, log_rows
from conformance.report.vendors import Vendor, anchor_of, vendors

Results = Mapping[str, Any]


def _finalise(found: Any) -> Any:
    """Make every text that a template prints visible; None prints as nothing."""
    if found is None:
        return ""
    return visible(found) if isinstance(found, str) and not isinstance(found, Markup) else found


def text(found: str) -> Markup:
    """Return text for the inside of an element: only &, < and > need escaping there, which halves JSON."""
    return Markup(visible(found).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"))  # noqa: S704 - escaped here


_CODE = re.compile(r"`([^`\n]+)`")


def prose(found: str) -> Markup:
    """Return a sentence for the page: escaped, and what stands between backticks as code."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(visible(found)))))  # noqa: S704 - escaped here


def pick(items: Iterable[Any], name: str, value: str) -> Any:
    """Return the first item whose attribute `name` is `value`; None where there is none."""
    return next((item for item in items if getattr(item, name) == value), None)


def environment() -> Environment:
    """Return the templates' environment: everything is escaped, nothing undefined passes."""
    made = Environment(
        loader=PackageLoader("conformance.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalise,
    )
    made.filters.update(text=text, prose=prose, slug=slug, plural=words.plural)
    made.globals.update(words=words, anchor_of=anchor_of, pick=pick)
    return made


def source(name: str) -> str:
    """Return a template's text as it stands: the style and the script."""
    loader = environment().loader
    if loader is None:  # pragma: no cover - it was given one above
        raise RuntimeError("no templates")
    return loader.get_source(environment(), name)[0]


def sha256(inline: str) -> str:
    """Return the CSP source that admits exactly this inline script or style."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(inline.encode()).digest()).decode()}'"


def policy(style: str, *scripts: str) -> str:
    """Return the page's Content-Security-Policy: nothing but its own inline style and scripts."""
    allowed = " ".join(sha256(script) for script in scripts)
    return (
        f"default-src 'none'; script-src {allowed}; style-src {sha256(style)}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def island(data: object) -> Markup:
    """Return data as JSON that no text inside can end early."""
    written = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    safe = visible(written).replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    return Markup(safe)  # noqa: S704 - no < is left in it


def _complaints(results: Results, found: tuple[Vendor, ...]) -> dict[str, Any]:
    providers = {str(each["name"]): each for each in results.get("providers") or ()}
    return {
        each.id: skeleton(results, providers[vendor.name], each)
        for vendor in found
        for each in vendor.findings
    }


def page(results: Results, log: LogRows | None = None) -> str:
    """Return the whole page for results.json, with pytest-html's rows as its log where there are some."""
    found = vendors(results)
    style, script = source("page.css"), source("page.js")
    scripts = (script, log.script) if log else (script,)
    return environment().get_template("page.html.j2").render(
        results=results,
        overview=overview(results),
        vendors=found,
        dimensions=dimensions(results),
        clients=client_names(results),
        sections=sections,
        complaints=island(_complaints(results, found)),
        policy=policy(style, *scripts),
        style=Markup(style),  # noqa: S704 - our own file
        script=Markup(script),  # noqa: S704 - our own file
        log=log,
        log_data=island(log.data) if log else "",
        log_script=Markup(log.script) if log else "",  # noqa: S704 - pytest-html's own file, admitted by hash
    )  # fmt: skip


def finish(temporary_html: Path, results: Results, target: Path) -> None:
    """Turn the file that pytest-html wrote into the report at `target`, whole or not at all.

    Raises ValueError where pytest-html wrote something that this version does not know, RecordError where the
    report cannot be written; the temporary file is left where it is.
    """
    write_report_file(target, page(results, log_rows(temporary_html.read_text(encoding="utf-8"))))
