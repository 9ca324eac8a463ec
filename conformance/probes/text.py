"""Plain text, unary and streamed: the questions on which all others depend."""

from __future__ import annotations

from conformance.asking.prompts import (
    CUTTING_LIMIT,
    LONG_COUNT,
    LONG_COUNT_LIMIT,
    REPEATED,
    SEPARATOR,
    count_up_to,
    counting_prompt,
    exact_reply_prompt,
    make_streamed,
    request_body,
    user_turn,
)
from conformance.catalogue import ProbeContext, probe
from conformance.judging.arrivals import TIMELY
from conformance.judging.expectations import UNDERSTOOD
from conformance.model import JSON, Question


@probe(attempts=3)
def plain(ask: ProbeContext) -> Question:
    """The plainest question: one user turn, no settings at all."""
    code = f"OK-{ask.nonce}"
    return Question({"contents": [user_turn(exact_reply_prompt(code))]}, expected={"text": code})


@probe(follows="plain")
def plain_repeated(ask: ProbeContext) -> Question:
    """The plain question once more, byte for byte, without compression, to see whether it costs the same."""
    plainly = (("Accept-Encoding", "identity"),)
    return Question(ask.first.request_body, headers=plainly, expected=ask.first.exchange.expected)


@probe(attempts=3, needs=("streaming",))
def plain_streamed(ask: ProbeContext) -> Question:
    """A short answer, streamed with alt=sse as every client of Google's asks for it."""
    code = f"OK-{ask.nonce}"
    return make_streamed(Question(request_body(exact_reply_prompt(code)), expected={"text": code}))


@probe(attempts=3, needs=("streaming",))
def streamed_without_alt(_ask: ProbeContext) -> Question:
    """A long answer from the streaming method, without alt=sse, whose limit ends it after some chunks."""
    request = request_body(counting_prompt(LONG_COUNT), CUTTING_LIMIT)
    return Question(request, "streamGenerateContent", expected={"cut": count_up_to(LONG_COUNT)})


@probe(for_clients=False)
def alt_sse_on_unary(ask: ProbeContext) -> Question:
    """The unary method with alt=sse."""
    code = f"OK-{ask.nonce}"
    return Question(request_body(exact_reply_prompt(code)), query=(("alt", "sse"),), expected={"text": code})


@probe(attempts=3, needs=("streaming",))
def long_answer_streamed(_ask: ProbeContext) -> Question:
    """A long answer, streamed: long enough to see whether it really streams."""
    expected: dict[str, JSON] = {"text": count_up_to(LONG_COUNT), TIMELY: True}
    return make_streamed(
        Question(request_body(counting_prompt(LONG_COUNT), LONG_COUNT_LIMIT), expected=expected)
    )


@probe(attempts=3, needs=("streaming",))
def repeated_text_streamed(_ask: ProbeContext) -> Question:
    """Repeated and multi-byte text, echoed in a stream."""
    return make_streamed(
        Question(
            request_body(f"Repeat this text exactly, and nothing else: {REPEATED}"),
            expected={"text": REPEATED},
        )
    )


@probe(attempts=3, needs=("streaming",))
def line_separator_streamed(_ask: ProbeContext) -> Question:
    """U+2028, which some parsers take for the end of a line, echoed in a stream."""
    return make_streamed(
        Question(
            request_body(f"Repeat this text exactly, and nothing else: {SEPARATOR}"),
            expected={"text": SEPARATOR},
        )
    )


@probe(attempts=3, needs=("stop-sequences",))
def stop_sequence(ask: ProbeContext) -> Question:
    """A stop sequence in the middle of the answer."""
    stop = f"STOP-{ask.nonce}"
    return Question(
        request_body(exact_reply_prompt(f"alpha {stop} omega"), generationConfig={"stopSequences": [stop]}),
        expected={"exact": "alpha"},
    )


@probe(attempts=3)
def limit_of_five(_ask: ProbeContext) -> Question:
    """A limit of five tokens on a long answer."""
    return Question(request_body(counting_prompt(LONG_COUNT), 5), expected={"finish": "MAX_TOKENS"})


@probe(attempts=3, needs=("safety-settings",))
def every_setting(ask: ProbeContext) -> Question:
    """Every ordinary setting at once: sampling, penalties, seed and safety."""
    code = f"OK-{ask.nonce}"
    settings: dict[str, JSON] = {
        "temperature": 0.5, "topP": 0.9, "topK": 20, "seed": 7, "responseMimeType": "text/plain",
        "candidateCount": 1,
    }  # fmt: skip
    safety: list[JSON] = [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_ONLY_HIGH"}]
    return Question(
        request_body(exact_reply_prompt(code), generationConfig=settings, safetySettings=safety),
        expected={"text": code},
    )


@probe(attempts=3, needs=("candidate-count",))
def two_candidates(ask: ProbeContext) -> Question:
    """Two candidates for one prompt."""
    code = f"OK-{ask.nonce}"
    return Question(
        request_body(exact_reply_prompt(code), 60, generationConfig={"candidateCount": 2}),
        expected={"candidates": 2},
    )


@probe(attempts=3, needs=("system-instruction",))
def system_instruction(ask: ProbeContext) -> Question:
    """A system instruction that overrules the user."""
    code = f"SYS-{ask.nonce}"
    instruction: JSON = {"parts": [{"text": f"Whatever is asked, reply with exactly: {code}"}]}
    return Question(
        request_body("What is the capital of France?", systemInstruction=instruction), expected={"text": code}
    )


@probe(attempts=3, needs=("history",))
def history(ask: ProbeContext) -> Question:
    """A conversation of three turns, whose last asks about the first."""
    word = f"W-{ask.nonce}"
    turns: list[JSON] = [
        user_turn(f"Remember the word {word}."),
        {"role": "model", "parts": [{"text": "Noted."}]},
        user_turn("Which word did I ask you to remember? Reply with the word only."),
    ]
    return Question({**request_body(""), "contents": turns}, expected={"text": word, UNDERSTOOD: True})
