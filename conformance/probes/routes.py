"""The other routes: countTokens, the models, /v1, the preflight of a browser."""

from __future__ import annotations

from conformance.asking.addressing import fits_into_path
from conformance.asking.prompts import count_up_to, exact_reply_prompt, request_body, user_turn
from conformance.catalogue import Probe, ProbeContext, Unaskable, probe, register_probe
from conformance.model import Question


@probe(needs=("count-tokens",), main_route=False)
def count_tokens_of_a_longer_text(_ask: ProbeContext) -> Question:
    """The number of tokens of a text ten times as long."""
    return Question({"contents": [user_turn(count_up_to(100))]}, "countTokens")


@probe(follows="plain", needs=("count-tokens",), ceiling=0, main_route=False)
def count_tokens_of_the_plain_question(ask: ProbeContext) -> Question | Unaskable:
    """The number of tokens of the plain question, to compare with what its answer counts."""
    return Question({"contents": ask.first.request_body["contents"]}, "countTokens")


@probe(needs=("models",), main_route=False)
def models_list(_ask: ProbeContext) -> Question:
    """The list of models."""
    return Question(verb="GET", path="/v1beta/models")


@probe(needs=("models",), main_route=False)
def models_get(_ask: ProbeContext) -> Question:
    """The description of the model that is under test."""
    return Question(verb="GET", path="/v1beta/models/{model}")


def _list_generating_names(ask: ProbeContext) -> list[str]:
    models = ask.first.body.get("models")
    entries = models if isinstance(models, list) else []
    found = [entry for entry in entries if isinstance(entry, dict) and isinstance(entry.get("name"), str)]
    generating = [
        entry for entry in found
        if not isinstance(methods := entry.get("supportedGenerationMethods"), list) or "generateContent" in methods
    ]  # fmt: skip
    # The model under test first: it is known to answer, so a failure is the name's.
    ordered = sorted(generating or found, key=lambda entry: not str(entry["name"]).endswith(ask.model))
    return [name for name in (str(entry["name"]) for entry in ordered) if fits_into_path(name)]


def _register_listed_name(number: int) -> None:
    def build(ask: ProbeContext) -> Question | Unaskable:
        names = _list_generating_names(ask)
        if len(names) < number:
            return Unaskable("the list names fewer models that can stand in a path")
        code = f"OK-{ask.nonce}"
        path = f"/v1beta/{names[number - 1]}:generateContent"
        return Question(request_body(exact_reply_prompt(code), 40), path=path, expected={"text": code})

    title = f"The {number}. listed name, used as it stands"
    register_probe(
        Probe(
            f"listed-name-{number}",
            title,
            "",
            build,
            "models-list",
            needs=("models",),
            ceiling=40,
            main_route=False,
        )
    )


for _number in (1, 2, 3):
    _register_listed_name(_number)


@probe(needs=("v1",), main_route=False)
def plain_on_v1(ask: ProbeContext) -> Question:
    """The plain question on /v1, which google-genai 3 and @google/genai 3 call by default."""
    code = f"OK-{ask.nonce}"
    return Question(
        {"contents": [user_turn(exact_reply_prompt(code))]},
        path="/v1/models/{model}:generateContent",
        expected={"text": code},
    )


@probe(needs=("cors",), main_route=False)
def preflight(_ask: ProbeContext) -> Question:
    """What a browser asks before it sends a key."""
    return Question(
        verb="OPTIONS",
        key="none",
        headers=(
            ("Origin", "https://app.example"),
            ("Access-Control-Request-Method", "POST"),
            ("Access-Control-Request-Headers", "content-type,x-goog-api-key"),
        ),
        expected={"status": [200, 204]},
    )
