"""Renders a switch for a terminal and as Markdown; every word of a vendor's is made harmless."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from conformance.comparing.changes import CLIENT, SwitchChange
from conformance.comparing.switching import ClientChange, Step, Switch, UnjudgedRules
from conformance.report.safe_text import clip, escape_markdown, format_code, to_one_line
from conformance.report.vocabulary import CLIENTS, count_noun

MOST = 200  # lines of one part; the JSON has them all
_CELL = 240
_RULES_SHOWN = 4
_WAYS = {"request": "on the way out", "answer": "on the way back"}


def describe_switch(found: Switch, named: Sequence[str]) -> str:
    """Return the switch in sentences; `named` are the clients that the user has."""
    where = f"From {found.before.name} to {found.after.name}" + (" (on paper)" if found.on_paper else "")
    steps = count_noun(len(found.steps), "step")
    first = f"{where}: {steps} for an adapter; {_count_breaking(found)}."
    partly = [f"{said}." for said in found.partly]
    return " ".join(filter(None, (first, *partly, _describe_named_clients(found, named))))


def _count_breaking(found: Switch) -> str:
    """Say how many clients break there: those that work today, those that nothing is known of today, and what is open."""
    working = sum(one.breaks and one.before != "untested" for one in found.clients)
    unknown = sum(one.breaks and one.before == "untested" for one in found.clients)
    untested = sum(one.after == "untested" for one in found.clients)
    breaks = count_noun(working, "client breaks", "clients break") if working else "no client breaks"
    said = f"{breaks} that {'works' if working < 2 else 'work'} today"
    if unknown:
        said += f"; {count_noun(unknown, 'client breaks', 'clients break')} of which nothing is known today"
    if untested:
        said += f"; {count_noun(untested, 'client was', 'clients were')} not tested there"
    return said


def _describe_named_clients(found: Switch, named: Sequence[str]) -> str:
    if not named:
        return ""
    broken, untested = found.broken(named), found.untested(named)
    if broken:
        return f"Of your clients, {', '.join(broken)} would break."
    if untested:
        return f"None of your clients was seen to break; not tested there: {', '.join(untested)}."
    return (
        "None of your clients was seen to break."
        if found.after.partly
        else "None of your clients would break."
    )


def _list_changes(found: Switch) -> list[SwitchChange]:
    return [change for change in found.changes if change.way != CLIENT]


def _format_verdict(verdict: str) -> str:
    sign = CLIENTS.get(verdict)
    return f"{sign.mark} {sign.word}" if sign else to_one_line(verdict)


def _name_rules(rules: Sequence[str]) -> str:
    more = len(rules) - _RULES_SHOWN
    return ", ".join(rules[:_RULES_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _limit_lines(lines: list[str]) -> Iterator[str]:
    yield from lines[:MOST]
    if len(lines) > MOST:
        yield f"and {len(lines) - MOST} more; --format json lists them all"


def _text_change(change: SwitchChange) -> str:
    said = f"  {to_one_line(change.what)}: {to_one_line(clip(change.before, _CELL))} → {to_one_line(clip(change.after, _CELL))}"
    return said + (f"\n      {to_one_line(change.do)}" if change.do else "")


def _clause(text: str) -> str:
    """Return a text that goes on a sentence: without the full stop at its end."""
    return text.strip().removesuffix(".")


def _text_step(step: Step) -> str:
    lines = [f"  {step.number}. {to_one_line(step.do)} ({_WAYS[step.way]})"]
    lines += [f"      because {to_one_line(clip(_clause(step.why), 400))}"] if step.why else []
    lines += [f"      breaks: {to_one_line(clip(_clause(step.hurts), 400))}"] if step.hurts else []
    lines += [f"      answers {to_one_line(_name_rules(step.rules))}"] if step.rules else []
    return "\n".join(lines)


def _text_client(client: ClientChange) -> str:
    lines = [
        f"  {to_one_line(client.client)}: {_format_verdict(client.before)} → {_format_verdict(client.after)}"
    ]
    lines += [f"      {to_one_line(clip(why, _CELL))}" for why in client.because[:3]]
    lines += [f"      set the {to_one_line(need)}" for need in client.configure]
    return "\n".join(lines)


def _text_open(one: UnjudgedRules) -> str:
    return f"  {count_noun(len(one.rules), 'rule')} {to_one_line(clip(one.reason, _CELL))} ({to_one_line(_name_rules(one.rules))})"


def format_text(found: Switch, named: Sequence[str] = ()) -> str:
    """Return a switch for a terminal."""
    lines = [
        to_one_line(describe_switch(found, named)),
        *(f"! {to_one_line(remark)}" for remark in found.remarks),
    ]
    parts = (
        ("What changes", list(map(_text_change, _list_changes(found)))),
        ("What an adapter has to do, in this order", list(map(_text_step, found.steps))),
        ("Clients", list(map(_text_client, found.clients))),
        ("Holds here, not judged there", list(map(_text_open, found.unjudged))),
    )
    for title, part in parts:
        lines += ["", title, *_limit_lines(part)] if part else []
    return "\n".join(lines) + "\n"


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _md_table(found: Switch) -> list[str]:
    rows = [
        _row(*(escape_markdown(clip(text, _CELL)) for text in (one.what, one.before, one.after, one.do)))
        for one in _list_changes(found)
    ]
    head = [
        _row("What", escape_markdown(found.before.name), escape_markdown(found.after.name), "What to change"),
        _row(*["---"] * 4),
    ]
    return [*head, *_limit_lines(rows)] if rows else []


def _md_step(step: Step) -> str:
    why = f" Because {escape_markdown(clip(_clause(step.why), 400))}." if step.why else ""
    answers = f" ({', '.join(map(format_code, step.rules[:_RULES_SHOWN]))})" if step.rules else ""
    return f"{step.number}. **{escape_markdown(step.do)}** ({_WAYS[step.way]}).{why}{answers}"


def _md_client(client: ClientChange) -> str:
    because = "; ".join(escape_markdown(clip(why, _CELL)) for why in client.because[:3])
    needs = "; ".join(f"set the {escape_markdown(need)}" for need in client.configure)
    beside = ". ".join(filter(None, (because, needs)))
    said = f"- {escape_markdown(client.client)}: {_format_verdict(client.before)} → {_format_verdict(client.after)}"
    return f"{said}: {beside}" if beside else said


def _md_open(one: UnjudgedRules) -> str:
    return f"- {count_noun(len(one.rules), 'rule')} {escape_markdown(clip(one.reason, _CELL))} ({', '.join(map(format_code, one.rules[:_RULES_SHOWN]))})"


def format_markdown(found: Switch, named: Sequence[str] = ()) -> str:
    """Return a switch as Markdown."""
    lines = [
        f"## {escape_markdown(describe_switch(found, named))}",
        "",
        *(f"> {escape_markdown(remark)}\n" for remark in found.remarks),
    ]
    parts = (
        ("What changes", _md_table(found)),
        ("What an adapter has to do, in this order", list(_limit_lines(list(map(_md_step, found.steps))))),
        ("Clients", list(map(_md_client, found.clients))),
        ("Holds here, not judged there", list(_limit_lines(list(map(_md_open, found.unjudged))))),
    )
    for title, part in parts:
        lines += ["", f"### {title}", "", *part] if part else []
    return "\n".join(lines).replace("\n\n\n", "\n\n") + "\n"
