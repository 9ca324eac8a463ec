"""Renders a run as JUnit XML that a CI groups by provider and dimension; what is red in it is what the exit code counts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree as ET

from conformance.report.findings import title_in_full
from conformance.report.matrix import worst_first
from conformance.report.plain import short, visible
from conformance.report.verdict import judged_in_words
from conformance.verdicts.exit_code import (
    ExitConditions,
    counts_for_exit_code,
    is_failure,
    list_exit_causes,
    list_open_questions,
    read_conditions,
)

Entry = Mapping[str, Any]

# What was not judged is skipped with its reason, so that it is not read as a pass.
_SKIPPED = ("known", "unsupported", "blocked", "inconclusive", "error")
_TEXT_MOST = 4000


@dataclass(frozen=True)
class Shown:
    """How a test case stands in JUnit: failure, error, skipped or passed, with a message and a longer text."""

    child: str = ""
    kind: str = ""
    message: str = ""
    text: str = ""


def _finding(provider: Entry, rule: str) -> Entry | None:
    return next((each for each in provider.get("deviations") or () if each["rule"] == rule), None)


def _text(found: Entry | None) -> str:
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


def _of_rule(provider: Entry, case: Entry, asked: ExitConditions) -> Shown:
    """Show one rule. A finding that fails no run is passed, with its text: a job that is green shows nothing red."""
    found, outcome = _finding(provider, str(case["rule"])), str(case["outcome"])
    text = _text(found)
    message = str(case.get("reason") or "") or text.partition("\n")[0]
    counted = counts_for_exit_code(provider, asked.named)
    if found and not asked.clients and counted and is_failure(found, asked.fail_on):
        return Shown("failure", "deviation", message, text)
    if outcome == "error" and counted:
        return Shown("error", outcome, message, text)
    return Shown("skipped", outcome, message, text) if outcome in _SKIPPED else Shown(text=text)


def _of_clients(provider: Entry, asked: ExitConditions) -> Iterator[tuple[str, Shown]]:
    """Show the clients that were named: with them it is their verdicts that fail a run."""
    fails = counts_for_exit_code(provider, asked.named) and asked.fail_on != "never"
    for entry in provider.get("clients") or ():
        verdict, words = str(entry["verdict"]), f"{entry['client']}: {entry['verdict']}"
        broken = Shown("failure", verdict, words) if fails else Shown(text=words)
        shown = {"broken": broken, "untested": Shown("skipped", verdict, words)}
        if entry["client"] in asked.clients:
            yield str(entry["client"]), shown.get(verdict, Shown(text=words))


def _of_known(provider: Entry, asked: ExitConditions) -> Iterator[tuple[str, Shown]]:
    """Show the `known` entries that accept nothing any more."""
    fails = counts_for_exit_code(provider, asked.named) and asked.fail_on != "never"
    for number, line in enumerate(map(str, provider.get("stale") or ()), 1):
        yield f"stale-{number}", Shown("failure", "stale", line) if fails else Shown(text=line)


def _of_judging(provider: Entry, asked: ExitConditions) -> Shown:
    """Show how much of a provider was judged: an error where that makes the exit code 3, never a silent pass."""
    reasons = (
        list(list_open_questions(provider, asked)) if counts_for_exit_code(provider, asked.named) else []
    )
    words = judged_in_words(provider) or str(provider.get("reason") or provider["status"])
    if reasons:
        return Shown("error", str(provider["status"]), "; ".join(reasons), words)
    judged = provider["status"] in ("conforms", "deviates")
    return Shown(text=words) if judged else Shown("skipped", str(provider["status"]), words)


def _add(suite: ET.Element, group: str, name: str, shown: Shown) -> None:
    where = {"classname": visible(f"{suite.get('name')}.{group}"), "name": visible(name), "time": "0"}
    element = ET.SubElement(suite, "testcase", where)
    if shown.child:
        message = visible(short(shown.message, 500))
        ET.SubElement(element, shown.child, type=shown.kind, message=message).text = visible(shown.text)
    elif shown.text:
        ET.SubElement(element, "system-out").text = visible(shown.text)


def _suite(root: ET.Element, provider: Entry, asked: ExitConditions) -> None:
    suite = ET.SubElement(root, "testsuite", name=visible(str(provider["name"])))
    properties = ET.SubElement(suite, "properties")
    for name, value in _properties(provider):
        ET.SubElement(properties, "property", name=name, value=visible(value))
    _add(
        suite, "run", "judged" if provider["status"] != "not-run" else "not-run", _of_judging(provider, asked)
    )
    for case in provider.get("cases") or ():
        dimension, _, name = str(case["rule"]).partition("/")
        _add(suite, dimension, name, _of_rule(provider, case, asked))
    for name, shown in _of_clients(provider, asked):
        _add(suite, "clients", name, shown)
    for name, shown in _of_known(provider, asked):
        _add(suite, "known", name, shown)
    _count(suite, float((provider.get("traffic") or {}).get("seconds") or 0))


def _suite_of_run(root: ET.Element, results: Entry) -> None:
    """Show what concerns no provider: an interruption, a fault of the checker's own, nothing tested at all."""
    causes = [cause for cause in list_exit_causes(results, read_conditions(results)) if not cause.provider]
    if causes:
        suite = ET.SubElement(root, "testsuite", name="conformance")
        for number, cause in enumerate(causes, 1):
            _add(suite, "run", f"whole-{number}", Shown("error", f"exit-code-{cause.code}", cause.reason))
        _count(suite, 0)


def _properties(provider: Entry) -> Iterator[tuple[str, str]]:
    yield "status", str(provider["status"])
    words = judged_in_words(provider)
    if words:
        yield "judged", short(words, 500)


def _count(suite: ET.Element, seconds: float) -> None:
    tests = suite.findall("testcase")
    suite.set("tests", str(len(tests)))
    for attribute, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(attribute, str(sum(1 for test in tests if test.find(tag) is not None)))
    suite.set("time", f"{seconds:.3f}")


def junit(results: Entry) -> str:
    """Return JUnit XML: a suite per provider, a case per rule, its class `provider.dimension`.

    The case `provider.run` says how much was judged; named clients and stale `known` entries have cases of their own.
    """
    root = ET.Element("testsuites", name=visible(str(results["tool"]["name"])))
    for provider in worst_first(results.get("providers") or []):
        _suite(root, provider, read_conditions(results))
    _suite_of_run(root, results)
    ET.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"
