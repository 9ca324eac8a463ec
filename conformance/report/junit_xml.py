"""Renders a run as JUnit XML that a CI groups by provider and dimension."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree as ET

from conformance.report.findings import title_in_full
from conformance.report.matrix import worst_first
from conformance.report.plain import short, visible

Entry = Mapping[str, Any]

# pass and note have no child; what was not judged is skipped with its reason, so that it is not read as a pass.
_CHILD: Mapping[str, str] = {
    "deviation": "failure",
    "error": "error",
    "known": "skipped",
    "unsupported": "skipped",
    "blocked": "skipped",
    "inconclusive": "skipped",
}
_TEXT_MOST = 4000


def _text(provider: Entry, rule: str) -> str:
    found = next((each for each in provider.get("deviations") or () if each["rule"] == rule), None)
    if not found:
        return ""
    lines = [
        f"{found['level']}: {title_in_full(found)}",
        f"expected: {found['expected']}",
        f"observed: {found['observed']}",
        f"where: {', '.join(map(str, (found.get('pointers') or ())[:20]))}",
        f"exchanges: {', '.join(map(str, (found.get('exchanges') or ())[:20]))}",
    ]
    lines += [str(found["curl"])] if found.get("curl") else []
    return short("\n".join(lines), _TEXT_MOST)


def _case(suite: ET.Element, provider: Entry, case: Entry) -> None:
    dimension, _, name = str(case["rule"]).partition("/")
    where = {"classname": visible(f"{provider['name']}.{dimension}"), "name": visible(name), "time": "0"}
    element = ET.SubElement(suite, "testcase", where)
    outcome = str(case["outcome"])
    text = _text(provider, str(case["rule"]))
    if outcome in _CHILD:
        message = str(case.get("reason") or "") or text.partition("\n")[0]
        child = ET.SubElement(element, _CHILD[outcome], type=outcome, message=visible(short(message, 500)))
        child.text = visible(text)
    elif text:
        ET.SubElement(element, "system-out").text = visible(text)


def _suite(root: ET.Element, provider: Entry) -> None:
    cases = provider.get("cases") or []
    suite = ET.SubElement(root, "testsuite", name=visible(str(provider["name"])))
    for case in cases:
        _case(suite, provider, case)
    if not cases:
        where = {
            "classname": visible(f"{provider['name']}.run"),
            "name": str(provider["status"]),
            "time": "0",
        }
        element = ET.SubElement(suite, "testcase", where)
        ET.SubElement(element, "skipped", message=visible(str(provider.get("reason") or "nothing was asked")))
    seconds = float((provider.get("traffic") or {}).get("seconds") or 0)
    _count(suite, seconds)


def _count(suite: ET.Element, seconds: float) -> None:
    tests = suite.findall("testcase")
    suite.set("tests", str(len(tests)))
    for attribute, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(attribute, str(sum(1 for test in tests if test.find(tag) is not None)))
    suite.set("time", f"{seconds:.3f}")


def junit(results: Entry) -> str:
    """Return JUnit XML: a suite per provider, a case per rule, its class `provider.dimension`."""
    root = ET.Element("testsuites", name=visible(str(results["tool"]["name"])))
    for provider in worst_first(results.get("providers") or []):
        _suite(root, provider)
    ET.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"
