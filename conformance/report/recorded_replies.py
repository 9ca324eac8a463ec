"""What clients make of each recorded reply; clients that see the same are grouped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from conformance.phrases import count_noun
from conformance.report.safe_text import clip_text
from conformance.report.vocabulary import EFFECTS, Entry

MOST_REPLIES = 40  # of one provider
MOST_HARMFUL = 200  # of the replies after those, only the harmful ones are shown
MOST_SEEN = 200  # characters
MOST_RECORDINGS = 20
UNKNOWN_HOST = "host-not-recorded.invalid"  # the host of an address where the recording names none


@dataclass(frozen=True)
class ClientGroup:
    """Clients that see the same of one reply, and what that does to them."""

    who: str  # the clients' names, or `all 6 clients`
    sees: str
    effect: str  # raises | silent-loss | garbled | ignored; empty where it does no harm
    detail: str

    @property
    def harm(self) -> str:
        """The harm as text; empty where there is none. The exception that is raised is part of `sees`."""
        effect = EFFECTS.get(self.effect, self.effect)
        detail = "" if self.effect == "raises" else self.detail
        return ": ".join(filter(None, (effect, detail))) if self.effect else ""


@dataclass(frozen=True)
class RecordedReply:
    """One recorded reply as a row of a table."""

    place: str
    request: str
    status: str
    not_judged: str  # why it is not judged
    groups: tuple[ClientGroup, ...]


def read_recorded_replies(provider: Entry) -> tuple[tuple[RecordedReply, ...], int]:
    """Return a provider's recorded replies in their order, and how many are left out."""
    found = list(provider.get("answers") or ())
    shown = choose_replies(found)
    return tuple(_read_reply(one) for one in shown), len(found) - len(shown)


def choose_replies(answers: Sequence[Entry]) -> list[Entry]:
    """Return the replies to show: the first ones, and of the rest those that harm a client."""
    harmful = [one for one in answers[MOST_REPLIES:] if is_harmful(one)]
    return [*answers[:MOST_REPLIES], *harmful[:MOST_HARMFUL]]


def is_harmful(answer: Entry) -> bool:
    """Return whether a reply harms a client."""
    return any(client.get("effect") for client in answer["clients"])


def group_clients(answer: Entry) -> tuple[ClientGroup, ...]:
    """Group the clients by what they see of a reply, ignoring case: one client writes finish reasons in lower case."""
    groups: dict[tuple[str, str, str], tuple[str, list[str]]] = {}
    for client in answer.get("clients") or ():
        sees = clip_text(str(client["sees"]), MOST_SEEN)
        harm = str(client.get("effect") or ""), clip_text(str(client.get("detail") or ""), MOST_SEEN)
        groups.setdefault((sees.lower(), *harm), (sees, []))[1].append(str(client["client"]))
    everyone = len(answer.get("clients") or ())
    return tuple(
        ClientGroup(
            f"all {everyone} clients" if len(names) == everyone > 1 else ", ".join(names),
            sees,
            effect,
            detail,
        )
        for (_, effect, detail), (sees, names) in groups.items()
    )


def _read_reply(answer: Entry) -> RecordedReply:
    status = answer.get("status")
    return RecordedReply(
        place=clip_text(str(answer.get("place") or answer["exchange"]), 160),
        request=clip_text(str(answer["request"]), 300),
        status=f"HTTP {status}" if status else "no status",
        not_judged=clip_text(str(answer.get("lacking") or ""), MOST_SEEN),
        groups=group_clients(answer),
    )


def describe_recording(results: Entry) -> str:
    """Describe the recording that a run judged: `a recording of 3 exchanges`; empty where it sent requests."""
    if not (results["run"].get("selection") or {}).get("captured"):
        return ""
    traffic = (each.get("traffic") or {} for each in results.get("providers") or ())
    number = sum(int(each.get("requests") or 0) for each in traffic)
    return f"a recording of {count_noun(number, 'exchange')}"


def describe_address(base_url: str) -> str:
    """Return a provider's address, or `not in the recording` where the recording does not name the host."""
    return "not in the recording" if UNKNOWN_HOST in base_url else base_url
