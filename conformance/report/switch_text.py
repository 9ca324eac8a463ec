"""Renders a switch for a terminal and as Markdown; every provider's text is made harmless."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from conformance.comparing.changes import CLIENT, SwitchChange
from conformance.comparing.switching import ClientChange, Step, Switch, UnjudgedRules
from conformance.phrases import conjugate, count_noun, join_names
from conformance.report.safe_text import clip_text, to_one_line
from conformance.report.text_form import MARKDOWN, TERMINAL, TextForm, format_table, limit_lines
from conformance.report.vocabulary import CLIENTS, explain_effect

_CELL = 240
_REASON = 400
_RULES_SHOWN = 4
_WAYS = {"request": "in the request", "answer": "in the reply"}


def describe_switch(found: Switch, named: Sequence[str]) -> str:
    """Return the switch in sentences; `named` are the clients that the user has."""
    where = f"From {found.before.name} to {found.after.name}" + (" (on paper)" if found.on_paper else "")
    steps = count_noun(len(found.steps), "step")
    first = f"{where}: {steps} for an adapter; {_count_breaking(found)}."
    partly = [f"{text}." for text in found.partly]
    return " ".join(filter(None, (first, *partly, _describe_named_clients(found, named))))


def _count_breaking(found: Switch) -> str:
    """Describe how many clients break there: those that work today, those not tested today, and those not tested there."""
    working = sum(one.breaks and one.before != "untested" for one in found.clients)
    unknown = sum(one.breaks and one.before == "untested" for one in found.clients)
    untested = sum(one.after == "untested" for one in found.clients)
    subject = count_noun(working, "client") if working else "no client"
    number = working or 1
    parts = [f"{subject} that {conjugate(number, 'work')} today {conjugate(number, 'break')}"]
    if unknown:
        parts.append(f"{count_noun(unknown, 'client')} not tested today {conjugate(unknown, 'break')}")
    if untested:
        parts.append(f"{count_noun(untested, 'client was', 'clients were')} not tested there")
    return "; ".join(parts)


def _describe_named_clients(found: Switch, named: Sequence[str]) -> str:
    if not named:
        return ""
    broken, untested = found.find_broken(named), found.find_untested(named)
    if broken:
        return f"Of your clients, {', '.join(broken)} would break."
    if untested:
        return f"None of your clients was seen to break; not tested there: {', '.join(untested)}."
    return f"None of your clients {'was seen to' if found.after.partly else 'would'} break."


def _format_verdict(verdict: str) -> str:
    sign = CLIENTS.get(verdict)
    return f"{sign.mark} {sign.word}" if sign else to_one_line(verdict)


def _name_rules(rules: Sequence[str], form: TextForm) -> str:
    return join_names(map(form.code, rules), _RULES_SHOWN)


def _show_change(change: SwitchChange, form: TextForm) -> list[str]:
    return [
        form.text(clip_text(cell, _CELL)) for cell in (change.what, change.before, change.after, change.do)
    ]


def _list_change(change: SwitchChange) -> str:
    what, before, after, do = _show_change(change, TERMINAL)
    return TERMINAL.add_details(TERMINAL.item.format(f"{what}: {before} → {after}"), filter(None, [do]))


def _tabulate_changes(found: Switch, changes: Sequence[SwitchChange]) -> Iterator[str]:
    sides = [MARKDOWN.text(found.before.name), MARKDOWN.text(found.after.name)]
    rows = [_show_change(change, MARKDOWN) for change in changes]
    head, dashes, *lines = format_table(["What", *sides, "What to change"], rows)
    yield from (head, dashes, *limit_lines(lines))


def _format_step(step: Step, form: TextForm) -> str:
    reasons = (("because ", step.why), ("breaks: ", step.hurts))
    # The reasons are sentences of a rule; here they go on a line of their own, without a full stop.
    details = [
        f"{label}{form.text(clip_text(text.strip().removesuffix('.'), _REASON))}"
        for label, text in reasons
        if text
    ]
    details += [f"resolves {_name_rules(step.rules, form)}"] if step.rules else []
    return form.add_details(
        form.numbered.format(f"{step.number}. {form.name(step.do)} ({_WAYS[step.way]})"), details
    )


def _format_client(client: ClientChange, form: TextForm) -> str:
    head = f"{form.text(client.client)}: {_format_verdict(client.before)} → {_format_verdict(client.after)}"
    details = [form.text(clip_text(explain_effect(why), _CELL)) for why in client.because[:3]]
    details += [f"set the {form.text(need)}" for need in client.configure]
    return form.add_details(form.item.format(head), details)


def _format_unjudged(one: UnjudgedRules, form: TextForm) -> str:
    reason = form.text(clip_text(one.reason, _CELL))
    return form.item.format(f"{count_noun(len(one.rules), 'rule')} {reason} ({_name_rules(one.rules, form)})")


def _format_lines(found: Switch, named: Sequence[str], form: TextForm) -> Iterator[str]:
    yield form.heading.format(form.text(describe_switch(found, named)))
    yield from (form.warning.format(form.text(remark)) for remark in found.remarks)
    changes = [change for change in found.changes if change.way != CLIENT]
    if form is TERMINAL:
        yield from form.list_items("What changes", list(map(_list_change, changes)))
    elif changes:
        yield from ("", form.title.format("What changes"), *_tabulate_changes(found, changes))
    yield from form.list_items(
        "What an adapter has to do, in this order", [_format_step(step, form) for step in found.steps]
    )
    yield from form.list_items("Clients", [_format_client(client, form) for client in found.clients])
    yield from form.list_items(
        "Holds here, not judged there", [_format_unjudged(one, form) for one in found.unjudged]
    )


def format_text(found: Switch, named: Sequence[str] = ()) -> str:
    """Return a switch for a terminal; `named` are the clients that the user has."""
    return "\n".join(_format_lines(found, named, TERMINAL)) + "\n"


def format_markdown(found: Switch, named: Sequence[str] = ()) -> str:
    """Return a switch as Markdown; `named` are the clients that the user has."""
    return "\n".join(_format_lines(found, named, MARKDOWN)) + "\n"
