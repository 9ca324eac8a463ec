"""Renders a switch for a terminal and as Markdown; every word of a vendor's is made harmless."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from conformance.comparing.changes import CLIENT, Change
from conformance.comparing.switching import ClientChange, Open, Step, Switch
from conformance.report.plain import clip, md_code, md_text, one_line
from conformance.report.words import CLIENTS, plural

MOST = 200  # lines of one part; the JSON has them all
_CELL = 240
_RULES_SHOWN = 4
_WAYS = {"request": "on the way out", "answer": "on the way back"}


def headline(found: Switch, named: Sequence[str]) -> str:
    """Return the switch in sentences; `named` are the clients that the user has."""
    where = f"From {found.before.name} to {found.after.name}" + (" (on paper)" if found.on_paper else "")
    steps = plural(len(found.steps), "step")
    first = f"{where}: {steps} for an adapter; {_breaking(found)}."
    partly = [f"{said}." for said in found.partly]
    return " ".join(filter(None, (first, *partly, _verdict(found, named))))


def _breaking(found: Switch) -> str:
    """Say how many clients break there: those that work today, those that nothing is known of today, and what is open."""
    working = sum(one.breaks and one.before != "untested" for one in found.clients)
    unknown = sum(one.breaks and one.before == "untested" for one in found.clients)
    untested = sum(one.after == "untested" for one in found.clients)
    breaks = plural(working, "client breaks", "clients break") if working else "no client breaks"
    said = f"{breaks} that {'works' if working < 2 else 'work'} today"
    if unknown:
        said += f"; {plural(unknown, 'client breaks', 'clients break')} of which nothing is known today"
    if untested:
        said += f"; {plural(untested, 'client was', 'clients were')} not tested there"
    return said


def _verdict(found: Switch, named: Sequence[str]) -> str:
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


def _changes(found: Switch) -> list[Change]:
    return [change for change in found.changes if change.way != CLIENT]


def _word(verdict: str) -> str:
    sign = CLIENTS.get(verdict)
    return f"{sign.mark} {sign.word}" if sign else one_line(verdict)


def _rules(rules: Sequence[str]) -> str:
    more = len(rules) - _RULES_SHOWN
    return ", ".join(rules[:_RULES_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _bounded(lines: list[str]) -> Iterator[str]:
    yield from lines[:MOST]
    if len(lines) > MOST:
        yield f"and {len(lines) - MOST} more; --format json lists them all"


def _text_change(change: Change) -> str:
    said = f"  {one_line(change.what)}: {one_line(clip(change.before, _CELL))} → {one_line(clip(change.after, _CELL))}"
    return said + (f"\n      {one_line(change.do)}" if change.do else "")


def _clause(text: str) -> str:
    """Return a text that goes on a sentence: without the full stop at its end."""
    return text.strip().removesuffix(".")


def _text_step(step: Step) -> str:
    lines = [f"  {step.number}. {one_line(step.do)} ({_WAYS[step.way]})"]
    lines += [f"      because {one_line(clip(_clause(step.why), 400))}"] if step.why else []
    lines += [f"      breaks: {one_line(clip(_clause(step.hurts), 400))}"] if step.hurts else []
    lines += [f"      answers {one_line(_rules(step.rules))}"] if step.rules else []
    return "\n".join(lines)


def _text_client(client: ClientChange) -> str:
    lines = [f"  {one_line(client.client)}: {_word(client.before)} → {_word(client.after)}"]
    lines += [f"      {one_line(clip(why, _CELL))}" for why in client.because[:3]]
    lines += [f"      set the {one_line(need)}" for need in client.configure]
    return "\n".join(lines)


def _text_open(one: Open) -> str:
    return f"  {plural(len(one.rules), 'rule')} {one_line(clip(one.reason, _CELL))} ({one_line(_rules(one.rules))})"


def as_text(found: Switch, named: Sequence[str] = ()) -> str:
    """Return a switch for a terminal."""
    lines = [one_line(headline(found, named)), *(f"! {one_line(remark)}" for remark in found.remarks)]
    parts = (
        ("What changes", list(map(_text_change, _changes(found)))),
        ("What an adapter has to do, in this order", list(map(_text_step, found.steps))),
        ("Clients", list(map(_text_client, found.clients))),
        ("Holds here, not judged there", list(map(_text_open, found.unjudged))),
    )
    for title, part in parts:
        lines += ["", title, *_bounded(part)] if part else []
    return "\n".join(lines) + "\n"


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _md_table(found: Switch) -> list[str]:
    rows = [
        _row(*(md_text(clip(text, _CELL)) for text in (one.what, one.before, one.after, one.do)))
        for one in _changes(found)
    ]
    head = [
        _row("What", md_text(found.before.name), md_text(found.after.name), "What to change"),
        _row(*["---"] * 4),
    ]
    return [*head, *_bounded(rows)] if rows else []


def _md_step(step: Step) -> str:
    why = f" Because {md_text(clip(_clause(step.why), 400))}." if step.why else ""
    answers = f" ({', '.join(map(md_code, step.rules[:_RULES_SHOWN]))})" if step.rules else ""
    return f"{step.number}. **{md_text(step.do)}** ({_WAYS[step.way]}).{why}{answers}"


def _md_client(client: ClientChange) -> str:
    because = "; ".join(md_text(clip(why, _CELL)) for why in client.because[:3])
    needs = "; ".join(f"set the {md_text(need)}" for need in client.configure)
    beside = ". ".join(filter(None, (because, needs)))
    said = f"- {md_text(client.client)}: {_word(client.before)} → {_word(client.after)}"
    return f"{said}: {beside}" if beside else said


def _md_open(one: Open) -> str:
    return f"- {plural(len(one.rules), 'rule')} {md_text(clip(one.reason, _CELL))} ({', '.join(map(md_code, one.rules[:_RULES_SHOWN]))})"


def as_markdown(found: Switch, named: Sequence[str] = ()) -> str:
    """Return a switch as Markdown."""
    lines = [
        f"## {md_text(headline(found, named))}",
        "",
        *(f"> {md_text(remark)}\n" for remark in found.remarks),
    ]
    parts = (
        ("What changes", _md_table(found)),
        ("What an adapter has to do, in this order", list(_bounded(list(map(_md_step, found.steps))))),
        ("Clients", list(map(_md_client, found.clients))),
        ("Holds here, not judged there", list(_bounded(list(map(_md_open, found.unjudged))))),
    )
    for title, part in parts:
        lines += ["", f"### {title}", "", *part] if part else []
    return "\n".join(lines).replace("\n\n\n", "\n\n") + "\n"
