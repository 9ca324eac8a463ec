"""Google's own protobuf classes as the judge of generated bodies: what they take, and what they refuse.

Where they disagree, and why: they lag behind the published schemas (fields and enum values that they do not know are
taken out before they are asked); what a body means is not theirs (roles, empty contents and ranges pass);
two spellings of one field they refuse only where the field is optional, so that nothing is claimed of it.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from google.ai.generativelanguage_v1beta.types import GenerateContentRequest
from google.protobuf.json_format import ParseDict, ParseError

from conformance.bodies import GeneratedBody, build_boundaries, find_form, generate_bodies, shrink
from conformance.bodies.rewriting import REWRITINGS
from conformance.dialects.dialect import Dialect, load_dialect
from conformance.model import JSON
from conformance.names import to_camel

MESSAGE: Any = GenerateContentRequest.pb()
BY_MEANING = {"nothing-said", "role", "too-few"}  # seen refused by Google's service, not by its parser
FREE = {"google.protobuf.Struct", "google.protobuf.Value", "google.protobuf.ListValue"}


def parsed(body: JSON) -> Any:
    """Return the message that a body is, or None where the classes refuse it."""
    try:
        return ParseDict(body, MESSAGE())
    except (ParseError, TypeError, ValueError, AttributeError):  # the parser raises these too for wrong types
        return None


class Lag:
    """Takes out of bodies what the classes do not know, and counts it."""

    def __init__(self) -> None:
        self.missing: Counter[str] = Counter()

    def without(self, value: Any, descriptor: Any, broken: tuple[str, ...]) -> Any:
        """Return a body without unknown fields and enum values; the broken place stays, whatever it is."""
        if isinstance(value, list):
            kept = [
                (index, self.without(one, descriptor, _below(broken, str(index))))
                for index, one in enumerate(value)
            ]
            return [one for _, one in kept]
        if not isinstance(value, dict) or descriptor is None or descriptor.full_name in FREE:
            return value
        fields = {name: field for field in descriptor.fields for name in (field.name, field.json_name)}
        result: dict[str, Any] = {}
        for name, one in value.items():
            if name in fields:
                result |= self._field(name, one, fields[name], _below(broken, name))
            elif broken[:1] == (name,):
                result[name] = one
            else:
                self.missing[f"{descriptor.name}.{name}"] += 1
        return result

    def _field(self, name: str, value: Any, field: Any, broken: tuple[str, ...]) -> dict[str, Any]:
        kind = field.message_type
        if kind is not None and kind.GetOptions().map_entry:
            inner = kind.fields_by_name["value"].message_type
            whole = isinstance(value, dict)
            return {
                name: {key: self.without(one, inner, _below(broken, key)) for key, one in value.items()}
                if whole
                else value
            }
        if field.enum_type is not None and isinstance(value, str | int) and broken != ():
            known = {one.name for one in field.enum_type.values} | {
                one.number for one in field.enum_type.values
            }
            if value not in known:
                self.missing[f"{field.enum_type.name}.{value}"] += 1
                return {}
        return {name: self.without(value, kind, broken)}


NOWHERE = ("<nowhere>",)


def _below(broken: tuple[str, ...], step: str) -> tuple[str, ...]:
    """Return what is left of the way to the broken place; () is the place itself."""
    return broken[1:] if broken and broken[0] == step else NOWHERE


def disagreement(body: GeneratedBody, lag: Lag) -> str:
    """Return what the classes hold of a body against what we do, or an empty string."""
    broken = tuple(body.broken_at.split("/")[1:]) if body.broken_at else NOWHERE
    message = parsed(lag.without(body.body, MESSAGE.DESCRIPTOR, broken))
    if body.valid:
        return "" if message is not None else "refused although valid"
    taken_on_purpose = not body.google_refuses or body.change in BY_MEANING
    return "taken although broken" if message is not None and not taken_on_purpose else ""


def disagreements(bodies: tuple[GeneratedBody, ...]) -> tuple[list[str], Counter[str]]:
    lag = Lag()
    found = [(one, disagreement(one, lag)) for one in bodies]
    return [f"{one.change} {one.broken_at}: {said}" for one, said in found if said], lag.missing


@pytest.fixture(scope="module")
def google() -> Dialect:
    return load_dialect("google")


# What the classes (0.12.1, December 2025) do not know of the schemas of August 2026.
LAGGING = {
    "Blob.displayName", "CodeExecutionResult.id", "ComputerUse.disabledSafetyPolicies",
    "ComputerUse.enablePromptInjectionDetection", "Environment.ENVIRONMENT_DESKTOP", "Environment.ENVIRONMENT_MOBILE",
    "ExecutableCode.id", "FileData.displayName", "FileSearch.fileSearchStoreNames", "FileSearch.metadataFilter",
    "FileSearch.topK", "GenerateContentRequest.serviceTier", "GenerateContentRequest.store",
    "GenerationConfig.audioTranscriptionConfig", "GenerationConfig.enableAffectiveDialog",
    "GenerationConfig.responseFormat", "GenerationConfig.translationConfig",
    "GoogleSearch.searchTypes", "HarmCategory.HARM_CATEGORY_JAILBREAK", "ImageConfig.imageSize",
    "Part.audioTranscription", "Part.mediaProcessing", "Part.mediaResolution", "Part.toolCall", "Part.toolResponse",
    "ThinkingConfig.thinkingLevel", "Tool.mcpServers", "ToolConfig.includeServerSideToolInvocations",
    "GenerationConfig._responseJsonSchema",  # the name that the published schemas give it is not the classes'
}  # fmt: skip


def lagging(missing: Counter[str]) -> set[str]:
    """Return what was missing, in lowerCamelCase."""
    parts = [name.partition(".") for name in missing]
    return {
        f"{message}.{name if name.isupper() or name[0] == '_' else to_camel(name)}"
        for message, _, name in parts
    }


def test_googles_classes_agree_on_three_hundred_bodies(google: Dialect) -> None:
    found, lag = disagreements(generate_bodies(google, 21, 300))
    assert found == []
    assert lagging(lag) <= LAGGING


def test_googles_classes_agree_on_every_boundary(google: Dialect) -> None:
    found, _ = disagreements(build_boundaries(google))
    assert found == []


@pytest.mark.slow
def test_googles_classes_agree_on_five_thousand_bodies(google: Dialect) -> None:
    found, lag = disagreements(generate_bodies(google, 22, 5000))
    assert found == []
    assert lagging(lag) <= LAGGING


@pytest.mark.slow
def test_googles_classes_agree_on_the_smaller_bodies_of_a_search(google: Dialect) -> None:
    asked: list[GeneratedBody] = []
    for body in generate_bodies(google, 24, 60):
        search = shrink(body, find_form(google, body.source), 20)
        smaller = next(search, None)
        while smaller is not None:
            asked.append(smaller)
            try:
                smaller = search.send(smaller.id < "8")  # half of them fail
            except StopIteration:
                smaller = None
    assert len(asked) > 200
    assert disagreements(tuple(asked))[0] == []


def test_a_rewritten_body_is_the_same_message(google: Dialect) -> None:
    bodies = {one.id: one for one in generate_bodies(google, 23, 300)}
    same = set(REWRITINGS) - {"plain-text"}  # that one is meant to differ
    for one in bodies.values():
        if one.twin and one.change in same:
            lag = Lag()
            pair = [
                parsed(lag.without(each.body, MESSAGE.DESCRIPTOR, NOWHERE))
                for each in (bodies[one.twin], one)
            ]
            assert pair[0] is not None
            assert pair[0] == pair[1], one.change


def test_the_judge_can_refuse() -> None:
    assert parsed({"contents": []}) is not None
    assert parsed({"contents": [], "noSuchField": 1}) is None
    assert parsed({"generationConfig": {"topK": 3.5}}) is None
