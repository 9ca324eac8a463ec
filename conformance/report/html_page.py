"""Renders the whole report as one self-contained page that fetches nothing and runs only its own script."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from conformance.phrases import count_noun
from conformance.report import sections, vocabulary
from conformance.report.complaints import outline_complaint
from conformance.report.overview import list_clients, list_dimensions, make_overview
from conformance.report.provider_sections import ProviderSection, find_anchor, read_providers
from conformance.report.pytest_log import LogRows
from conformance.report.safe_text import make_slug, make_visible

Results = Mapping[str, Any]


def _make_printable(found: Any) -> Any:
    """Make every character that a template prints visible; None prints as nothing."""
    if found is None:
        return ""
    return make_visible(found) if isinstance(found, str) and not isinstance(found, Markup) else found


def escape_text(found: str) -> Markup:
    """Return text for the inside of an element, where only &, < and > need escaping; that halves the size of JSON."""
    return Markup(make_visible(found).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"))  # noqa: S704 - escaped here


_CODE = re.compile(r"`([^`\n]+)`")


def format_prose(found: str) -> Markup:
    """Return a sentence for the page: escaped, with text between backticks as code."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(make_visible(found)))))  # noqa: S704 - escaped here


def find_by(items: Iterable[Any], name: str, value: str) -> Any:
    """Return the first item whose attribute `name` is `value`; None where there is none."""
    return next((item for item in items if getattr(item, name) == value), None)


def make_environment() -> Environment:
    """Return the templates' environment: everything is escaped, nothing undefined passes."""
    made = Environment(
        loader=PackageLoader("conformance.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_make_printable,
    )
    made.filters.update(text=escape_text, prose=format_prose, slug=make_slug, plural=count_noun)
    made.globals.update(vocabulary=vocabulary, find_anchor=find_anchor, find_by=find_by)
    return made


def read_template(name: str) -> str:
    """Return a template's text unchanged; for the style and the script."""
    loader = make_environment().loader
    if loader is None:  # pragma: no cover - it was given one above
        raise RuntimeError("no templates")
    return loader.get_source(make_environment(), name)[0]


def hash_source(inline: str) -> str:
    """Return the CSP source that admits exactly this inline script or style."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(inline.encode()).digest()).decode()}'"


def write_policy(style: str, *scripts: str) -> str:
    """Return the page's Content-Security-Policy: nothing but its own inline style and scripts."""
    allowed = " ".join(hash_source(script) for script in scripts)
    return (
        f"default-src 'none'; script-src {allowed}; style-src {hash_source(style)}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def write_json(data: object) -> Markup:
    """Return data as JSON for a script element, which no text inside it can close early."""
    written = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    safe = (
        make_visible(written)
        .replace("<", "\\u003c")
        .replace("\u2028", "\\u2028")
        .replace("\u2029", "\\u2029")
    )
    return Markup(safe)  # noqa: S704 - no < is left in it


def _write_complaints(results: Results, found: tuple[ProviderSection, ...]) -> dict[str, Any]:
    providers = {str(each["name"]): each for each in results.get("providers") or ()}
    return {
        each.id: outline_complaint(results, providers[section.name], each)
        for section in found
        for each in section.findings
    }


def render_page(results: Results, log: LogRows | None = None) -> str:
    """Return the whole page for results.json, with pytest-html's rows as its log where there are some."""
    found = read_providers(results)
    style, script = read_template("page.css"), read_template("page.js")
    scripts = (script, log.script) if log else (script,)
    return make_environment().get_template("page.html.j2").render(
        results=results,
        overview=make_overview(results),
        providers=found,
        dimensions=list_dimensions(results),
        clients=list_clients(results),
        sections=sections,
        complaints=write_json(_write_complaints(results, found)),
        policy=write_policy(style, *scripts),
        style=Markup(style),  # noqa: S704 - our own file
        script=Markup(script),  # noqa: S704 - our own file
        log=log,
        log_data=write_json(log.data) if log else "",
        log_script=Markup(log.script) if log else "",  # noqa: S704 - pytest-html's own file, admitted by hash
    )  # fmt: skip
