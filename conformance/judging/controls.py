"""The plain question as a control: if it is not answered, neither a pass nor a refusal shows anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from conformance.probe_ids import ProbeId
from conformance.reading.reply import Reply
from conformance.replies import CONTROL

AT_THE_END = ProbeId.PLAIN_AT_THE_END
CONTROLS: Mapping[bool, tuple[str, ...]] = {
    False: (CONTROL, ProbeId.PLAIN_REPEATED, AT_THE_END),
    True: (ProbeId.PLAIN_STREAMED,),
}
"""The probes of the plain question, by whether they stream. A fault that these probes meet affects every question."""

EVERY_CONTROL = CONTROLS[False] + CONTROLS[True]
_TELLING_MEMBERS = ("candidates", "promptFeedback", "usageMetadata")


def is_readable(reply: Reply) -> bool:
    """Return whether the reply is an answer of the API that was asked, and not an empty one."""
    if not reply.ok or reply.resource.name != "response":
        return reply.ok
    return any(chunk.body.get(name) for chunk in reply.chunks for name in _TELLING_MEMBERS)


def answers_the_plain_question(replies: Sequence[Reply]) -> bool:
    """Return whether the plain question was answered.

    If it was not asked, any question that Google answers stands in for it.
    """
    asked = [reply for reply in replies if reply.probe in EVERY_CONTROL]
    asked = asked or [reply for reply in replies if not reply.expects_refusal]
    return any(is_readable(reply) and reply.resource.name == "response" for reply in asked)


def accepts_everything(replies: Sequence[Reply]) -> bool:
    """Return whether questions that Google refuses were asked, some were answered, and none was refused."""
    wrong = [reply for reply in replies if reply.expects_refusal and reply.resource.name == "response"]
    return any(map(is_readable, wrong)) and not any(reply.is_refusal for reply in wrong)
