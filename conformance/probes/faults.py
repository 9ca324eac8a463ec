"""Questions that Google refuses: each with one fault, to see whether it is refused, and how."""

from __future__ import annotations

from conformance.asking.prompts import exact_reply_prompt, make_streamed, request_body, user_turn
from conformance.catalogue import ProbeContext, probe
from conformance.model import Question


def _write_prompt(ask: ProbeContext) -> str:
    return exact_reply_prompt(f"OK-{ask.nonce}")


@probe(attempts=3)
def malformed_json(ask: ProbeContext) -> Question:
    """A body that ends in the middle."""
    return Question(
        b'{"contents": [{"role": "user", "parts": [{"text": "OK-' + ask.nonce.encode(),
        expected={"status": 400},
    )


@probe(attempts=3)
def unknown_field(ask: ProbeContext) -> Question:
    """A field at the top that no version of the API knows."""
    return Question(request_body(_write_prompt(ask), 40, frobnication=True), expected={"status": 400})


@probe(attempts=3)
def unknown_nested_field(ask: ProbeContext) -> Question:
    """An unknown field inside generationConfig."""
    return Question(
        request_body(_write_prompt(ask), 40, generationConfig={"frobnication": 3}), expected={"status": 400}
    )


@probe(attempts=3)
def wrong_type(ask: ProbeContext) -> Question:
    """A word where a number belongs."""
    return Question(
        request_body(_write_prompt(ask), 40, generationConfig={"temperature": "hot"}),
        expected={"status": 400},
    )


@probe(attempts=3, needs=("safety-settings",))
def wrong_enum(ask: ProbeContext) -> Question:
    """A safety category that does not exist."""
    setting = {"category": "HARM_CATEGORY_FROBNICATION", "threshold": "BLOCK_NONE"}
    return Question(
        request_body(_write_prompt(ask), 40, safetySettings=[{**setting}]), expected={"status": 400}
    )


@probe(attempts=3)
def empty_contents(_ask: ProbeContext) -> Question:
    """No contents at all."""
    return Question({"contents": []}, expected={"status": 400})


@probe(attempts=3)
def bad_role(ask: ProbeContext) -> Question:
    """A turn of a role that is neither user nor model."""
    turn = {**user_turn(_write_prompt(ask)), "role": "narrator"}
    return Question({**request_body("", 40), "contents": [turn]}, expected={"status": 400})


@probe(attempts=3)
def unknown_model(ask: ProbeContext) -> Question:
    """A model that does not exist."""
    return Question(
        request_body(_write_prompt(ask), 40), model=f"gemini-none-{ask.nonce}", expected={"status": 404}
    )


@probe(attempts=3, needs=("streaming",))
def unknown_model_streamed(ask: ProbeContext) -> Question:
    """A model that does not exist, asked to stream."""
    return make_streamed(
        Question(
            request_body(_write_prompt(ask), 40), model=f"gemini-none-{ask.nonce}", expected={"status": 404}
        )
    )


@probe(attempts=3, main_route=False)
def unknown_method(ask: ProbeContext) -> Question:
    """A method that does not exist."""
    return Question(request_body(_write_prompt(ask), 40), "frobnicateContent", expected={"status": 404})


@probe(attempts=3, main_route=False)
def wrong_verb(_ask: ProbeContext) -> Question:
    """The unary method asked with GET."""
    return Question(verb="GET", expected={"status": [400, 404, 405]})


@probe(attempts=3, needs=("cached-content",))
def bogus_cached_content(ask: ProbeContext) -> Question:
    """Cached content by a name that cannot exist."""
    return Question(
        request_body(_write_prompt(ask), 40, cachedContent=f"cachedContents/none-{ask.nonce}"),
        expected={"status": [400, 403, 404]},
    )
