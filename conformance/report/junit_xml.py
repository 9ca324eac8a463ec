"""Renders a run as JUnit XML, grouped by provider and dimension; red in it is exactly what the exit code counts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from conformance.report.findings import write_full_title
from conformance.report.matrix import sort_providers
from conformance.report.safe_text import make_visible, shorten_text
from conformance.report.verdict import describe_judged_share
from conformance.report.vocabulary import Entry
from conformance.verdicts.exit_code import (
    ExitConditions,
    counts_for_exit_code,
    is_failure,
    list_exit_causes,
    list_open_questions,
    read_conditions,
)

# Outcomes that JUnit shows as skipped with the reason, so that they are not read as passes.
_SKIPPED = ("known", "unsupported", "blocked", "inconclusive", "error")
_TEXT_MOST = 4000


@dataclass(frozen=True)
class CaseResult:
    """The result of a JUnit test case. child: failure | error | skipped, empty where it passed."""

    child: str = ""
    kind: str = ""
    message: str = ""
    text: str = ""


def _describe_finding(found: Entry) -> str:
    lines = [
        f"{found['level']}: {write_full_title(found)}",
        f"expected: {found['expected']}",
        f"observed: {found['observed']}",
        f"where: {', '.join(map(str, (found.get('pointers') or ())[:20]))}",
        f"exchanges: {', '.join(map(str, (found.get('exchanges') or ())[:20]))}",
    ]
    lines += [str(found["curl"])] if found.get("curl") else []
    return shorten_text("\n".join(lines), _TEXT_MOST)


def _report_rule(provider: Entry, case: Entry, asked: ExitConditions) -> CaseResult:
    """Return the result of one rule. A finding that fails no run passes with its text: a green job shows nothing red."""
    findings = provider.get("deviations") or ()
    found, outcome = (
        next((one for one in findings if one["rule"] == case["rule"]), None),
        str(case["outcome"]),
    )
    text = _describe_finding(found) if found else ""
    message = str(case.get("reason") or "") or text.partition("\n")[0]
    counted = counts_for_exit_code(provider, asked.named)
    if found and not asked.clients and counted and is_failure(found, asked.fail_on):
        return CaseResult("failure", "deviation", message, text)
    if outcome == "error" and counted:
        return CaseResult("error", outcome, message, text)
    return CaseResult("skipped", outcome, message, text) if outcome in _SKIPPED else CaseResult(text=text)


def _report_clients(provider: Entry, asked: ExitConditions) -> Iterator[tuple[str, CaseResult]]:
    """Yield the results of the clients that --client named; their verdicts then decide whether a run fails."""
    fails = counts_for_exit_code(provider, asked.named) and asked.fail_on != "never"
    children = {"broken": "failure" if fails else "", "untested": "skipped"}
    for entry in provider.get("clients") or ():
        client, verdict = str(entry["client"]), str(entry["verdict"])
        child, words = children.get(verdict, ""), f"{client}: {verdict}"
        if client in asked.clients:
            yield client, CaseResult(child, verdict, words) if child else CaseResult(text=words)


def _report_stale(provider: Entry, asked: ExitConditions) -> Iterator[tuple[str, CaseResult]]:
    """Yield a result for each `known` entry that accepts nothing any more."""
    fails = counts_for_exit_code(provider, asked.named) and asked.fail_on != "never"
    for number, line in enumerate(map(str, provider.get("stale") or ()), 1):
        yield f"stale-{number}", CaseResult("failure", "stale", line) if fails else CaseResult(text=line)


def _report_judging(provider: Entry, asked: ExitConditions) -> CaseResult:
    """Return how much of a provider was judged, as an error where that makes the exit code 3."""
    status, counted = str(provider["status"]), counts_for_exit_code(provider, asked.named)
    reasons = list(list_open_questions(provider, asked)) if counted else []
    words = describe_judged_share(provider) or str(provider.get("reason") or status)
    if reasons:
        return CaseResult("error", status, "; ".join(reasons), words)
    judged = status in ("conforms", "deviates")
    return CaseResult(text=words) if judged else CaseResult("skipped", status, words)


def _add_case(suite: ET.Element, group: str, name: str, shown: CaseResult) -> None:
    class_name = make_visible(f"{suite.get('name')}.{group}")
    element = ET.SubElement(suite, "testcase", classname=class_name, name=make_visible(name), time="0")
    if shown.child:
        message = make_visible(shorten_text(shown.message, 500))
        ET.SubElement(element, shown.child, type=shown.kind, message=message).text = make_visible(shown.text)
    elif shown.text:
        ET.SubElement(element, "system-out").text = make_visible(shown.text)


def _add_suite(root: ET.Element, provider: Entry, asked: ExitConditions) -> None:
    suite = ET.SubElement(root, "testsuite", name=make_visible(str(provider["name"])))
    properties = ET.SubElement(suite, "properties")
    ET.SubElement(properties, "property", name="status", value=str(provider["status"]))
    if judged := describe_judged_share(provider):
        ET.SubElement(properties, "property", name="judged", value=make_visible(shorten_text(judged, 500)))
    name = "judged" if provider["status"] != "not-run" else "not-run"
    _add_case(suite, "run", name, _report_judging(provider, asked))
    for case in provider.get("cases") or ():
        dimension, _, name = str(case["rule"]).partition("/")
        _add_case(suite, dimension, name, _report_rule(provider, case, asked))
    for name, shown in _report_clients(provider, asked):
        _add_case(suite, "clients", name, shown)
    for name, shown in _report_stale(provider, asked):
        _add_case(suite, "known", name, shown)
    _set_counts(suite, float((provider.get("traffic") or {}).get("seconds") or 0))


def _add_run_suite(root: ET.Element, results: Entry) -> None:
    """Add what concerns no single provider: an interruption, a fault of the checker itself, nothing tested at all."""
    causes = [cause for cause in list_exit_causes(results, read_conditions(results)) if not cause.provider]
    if causes:
        suite = ET.SubElement(root, "testsuite", name="conformance")
        for number, cause in enumerate(causes, 1):
            result = CaseResult("error", f"exit-code-{cause.code}", cause.reason)
            _add_case(suite, "run", f"whole-{number}", result)
        _set_counts(suite, 0)


def _set_counts(suite: ET.Element, seconds: float) -> None:
    tests = suite.findall("testcase")
    suite.set("tests", str(len(tests)))
    for attribute, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(attribute, str(sum(1 for test in tests if test.find(tag) is not None)))
    suite.set("time", f"{seconds:.3f}")


def write_junit(results: Entry) -> str:
    """Return JUnit XML: a suite per provider, a case per rule, its class `provider.dimension`.

    The case `provider.run` shows how much was judged; named clients and stale `known` entries have cases of their own.
    """
    root = ET.Element("testsuites", name=make_visible(str(results["tool"]["name"])))
    for provider in sort_providers(results.get("providers") or []):
        _add_suite(root, provider, read_conditions(results))
    _add_run_suite(root, results)
    ET.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"
