"""Checks a dialect's folder against the rules of docs/dialects.md, and says of each fault where it is and how to mend it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from conformance.config.addresses import describe_fault_in_base_url
from conformance.dialects.dialect import (
    PLACES,
    Dialect,
    DialectError,
    find_form_faults,
    load_dialect,
    read_parts,
    sort_sources,
)
from conformance.dialects.documented import find_departures, find_sent_fields
from conformance.dialects.shapes import Shape, as_object, load_reference, match_property
from conformance.model import JSON
from conformance.pointers import to_pointer

_SPAN = re.compile(r"L(\d+)(?:-(\d+))?")
_PLACEHOLDERS = ("<string>", 123)
_WORDS = re.compile(r"\{(\w*)\}")


class LintFault(NamedTuple):
    """One fault: the file's name, the pointer into it, and what is wrong with how to mend it."""

    file: str
    pointer: str
    says: str


Parts = Mapping[str, Mapping[str, JSON]]


def lint_folder(folder: Path) -> list[str]:
    """Return a line per fault of the dialect in `folder`: file, pointer, what is wrong. Empty: it is sound.

    The form is checked first; what builds on it only where the form is right. Raises nothing.
    """
    try:
        parts = read_parts(folder)
        faults = find_form_faults(folder, _checked(folder, parts))
        if faults:
            return faults
        dialect = load_dialect(str(folder.resolve()))
    except DialectError as error:
        return [str(line) for line in error.args]
    return [
        f"{folder / one.file}: {one.pointer or '/'}: {one.says}"
        for rule in RULES
        for one in rule(dialect, parts)
    ]


def _checked(folder: Path, parts: Parts) -> Parts:
    """Leave Google's own messages out: the others refer to them, and they follow the discovery document instead."""
    reference_ = folder.name == "google" and parts["dialect.json"].get("name") == "google"
    return {name: part for name, part in parts.items() if not reference_ or name == "dialect.json"}


def _walk(value: JSON, at: str = "") -> Iterator[tuple[str, JSON]]:
    yield at, value
    if isinstance(value, dict):
        for key, child in value.items():
            yield from _walk(child, at + to_pointer([key]))
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from _walk(child, f"{at}/{index}")


def lines_exist(dialect: Dialect, parts: Parts) -> Iterator[LintFault]:
    """Lines that are cited lie within the document, where dialect.json says how long it is."""
    length = as_object(dialect.facts["document"]).get("lines")
    if not isinstance(length, int):
        return
    for name, part in parts.items():
        for at, value in _walk(dict(part)):
            if at.endswith("/lines") and isinstance(value, str):
                yield from (LintFault(name, at, says) for says in _bad_lines(value, length))


def _bad_lines(cited: str, length: int) -> Iterator[str]:
    for one in cited.split(","):
        span = _SPAN.fullmatch(one.strip())
        if span is None:
            yield f"{one.strip()!r} is no reference to lines; write L12 or L12-15, several parted by commas"
        elif not 1 <= int(span[1]) <= int(span[2] or span[1]) <= length:
            yield f"{one.strip()} does not exist: document/lines says that the page has {length}"


def required_names_are_described(_dialect: Dialect, parts: Parts) -> Iterator[LintFault]:
    """Whatever `required` and `x-oneof` name has a property, with its source."""
    for name, part in _schemas(parts):
        for at, value in _walk(dict(part)):
            node = as_object(value)
            known = as_object(node.get("properties"))
            for keyword in ("required", "x-oneof"):
                for missing in (one for one in _texts(node.get(keyword)) if one not in known):
                    yield LintFault(
                        name,
                        f"{at}/{keyword}",
                        f"{missing!r} is not among the properties; add it, with x-source",
                    )


def answers_have_open_enums(_dialect: Dialect, parts: Parts) -> Iterator[LintFault]:
    """`enum` constrains requests only: values of answers grow, so a page's list of them is `x-enum`."""
    for name, part in _schemas(parts):
        if name != "request.schema.json":
            yield from (
                LintFault(name, at, "values of answers are never a constraint; write x-enum")
                for at, value in _walk(dict(part))
                if at.endswith("/enum") and isinstance(value, list)
            )


def no_placeholder_is_a_value(dialect: Dialect, parts: Parts) -> Iterator[LintFault]:
    """Values that the page's generator fills in (123, <string>) are neither known values nor something to ask with."""
    for name, part in _schemas(parts):
        for at, value in _walk(dict(part)):
            if re.search(r"/(x-)?enum/\d+$", at) and value in _PLACEHOLDERS:
                yield LintFault(name, at, f"{value!r} is a placeholder of the page; leave it out")
    for number, sample in enumerate(dialect.requests):
        for at, value in _walk(sample["body"]):
            if type(value) in {int, str} and value in _PLACEHOLDERS:
                yield LintFault(
                    "dialect.json",
                    f"/requests/{number}/body{at}",
                    f"{value!r} is a placeholder; write a real value",
                )


def contradictions_are_told(dialect: Dialect, parts: Parts) -> Iterator[LintFault]:
    """`x-contradicted` names a remark by its id, and ids are unique."""
    ids = [remark.id for remark in dialect.remarks if remark.id]
    for twin in sorted({one for one in ids if ids.count(one) > 1}):
        yield LintFault("dialect.json", "/remarks", f"the id {twin} stands twice")
    for name, part in _schemas(parts):
        for at, value in _walk(dict(part)):
            node = as_object(value)
            if "x-contradicted" in node and node["x-contradicted"] not in ids:
                yield LintFault(name, at, f"no remark of dialect.json has the id {node['x-contradicted']!r}")
            if "x-required" in node and "x-contradicted" not in node:
                yield LintFault(
                    name, at, "put the name into `required`; x-required is for what the page contradicts"
                )


def samples_are_askable(dialect: Dialect, _parts: Parts) -> Iterator[LintFault]:
    """Sample bodies have the types that the page gives, one kind of data per part, and words that we can fill in."""
    for number, sample in enumerate(dialect.requests):
        here = f"/requests/{number}/body"
        for pointer, expected, observed in find_departures(dialect, "request", sample["body"]):
            yield LintFault("dialect.json", here + pointer, f"is {observed}; the page says {expected}")
        for at, value in _walk(sample["body"]):
            yield from (LintFault("dialect.json", here + at, says) for says in _unaskable(at, value))


def _unaskable(at: str, value: JSON) -> Iterator[str]:
    if isinstance(value, dict) and re.search(r"/parts/\d+$", at):
        held = sorted(
            name for key in value if (name := match_property(_part(), key)) in _part().oneof and name
        )
        if len(held) > 1:
            yield f"a part holds one kind of data, not {', '.join(held)}"
    if isinstance(value, str):
        unknown = [word for word in _WORDS.findall(value) if word not in {"nonce", "model"}]
        yield from (f"{{{word}}} is not known; a text may hold {{nonce}} and {{model}}" for word in unknown)


def _part() -> Shape:
    content = load_reference().request.properties["contents"].items
    part = content.properties["parts"].items if content else None
    assert part is not None  # noqa: S101 - Google's schema is ours
    return part


def samples_send_every_field(dialect: Dialect, _parts: Parts) -> Iterator[LintFault]:
    """Together, the samples send every request field that the document names."""
    sent = {pointer for sample in dialect.requests for pointer in find_sent_fields(dialect, sample["body"])}
    for one in dialect.fields_of("request"):
        if one.pointer not in sent:
            yield LintFault(
                "dialect.json",
                "/requests",
                f"no sample sends {one.pointer} ({one.source.lines}); add it to one",
            )


def names_are_unique(dialect: Dialect, _parts: Parts) -> Iterator[LintFault]:
    """Sample requests have names of their own: they become names of questions."""
    names = [str(sample["name"]) for sample in dialect.requests]
    for twin in sorted({one for one in names if names.count(one) > 1}):
        yield LintFault("dialect.json", "/requests", f"the name {twin} stands twice")


def properties_have_sources(_dialect: Dialect, parts: Parts) -> Iterator[LintFault]:
    """Every property says how it is known; a type that only a template shows may not be a constraint on values."""
    for name, part in _schemas(parts):
        for at, value in _walk(dict(part)):
            bounded = [key for key in ("minimum", "maximum", "enum") if key in as_object(value)]
            entries = sort_sources(as_object(value))
            if bounded and entries and all(one.get("known") == "exemplified" for one in entries):
                yield LintFault(
                    name,
                    f"{at}/{bounded[0]}",
                    "an example is no constraint; keep it only where the page lists or says it",
                )


def bounds_admit_a_value(_dialect: Dialect, parts: Parts) -> Iterator[LintFault]:
    """A minimum is not above its maximum, and a list of values is not empty."""
    for name, part in _schemas(parts):
        for at, value in _walk(dict(part)):
            schema = as_object(value)
            for least, most in (("minimum", "maximum"), ("minItems", "maxItems")):
                low, high = schema.get(least), schema.get(most)
                if isinstance(low, int | float) and isinstance(high, int | float) and low > high:
                    yield LintFault(name, f"{at}/{least}", f"is above {most}, so that no value fits")
            if schema.get("enum") == []:
                yield LintFault(name, f"{at}/enum", "is empty, so that no value fits; leave it out")


def _schemas(parts: Parts) -> Iterator[tuple[str, Mapping[str, JSON]]]:
    wanted = [f"{place}.schema.json" for place in PLACES]
    return ((name, part) for name, part in parts.items() if name in wanted and "$defs" not in part)


def _texts(value: JSON) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def envelope_is_described(dialect: Dialect, parts: Parts) -> Iterator[LintFault]:
    """The dotted path that the trait `envelope` gives leads through response.schema.json."""
    top = parts.get("response.schema.json")
    if top is None:
        return
    for number, reading in enumerate(dialect.traits.get("envelope", ())):
        path = str(reading.value)
        if path not in ("none", "split") and (missing := _first_missing(top, path)):
            yield LintFault(
                "dialect.json",
                f"/traits/envelope/{number}/value",
                f"{path!r} is not in response.schema.json: {missing!r} is not a property there; describe it, or correct the path",
            )


def _first_missing(top: Mapping[str, JSON], path: str) -> str:
    """Return the first step of a dotted path that a schema has no property for; empty where it has all."""
    node = top
    for step in path.split("."):
        properties = as_object(_resolve(top, node).get("properties"))
        if step not in properties:
            return step
        node = as_object(properties[step])
    return ""


def _resolve(top: Mapping[str, JSON], node: Mapping[str, JSON]) -> Mapping[str, JSON]:
    """Follow references within the file, a few steps at most."""
    for _ in range(8):
        reference_ = node.get("$ref")
        if not (isinstance(reference_, str) and reference_.startswith("#/")):
            return node
        found: JSON = dict(top)
        for step in reference_.removeprefix("#/").split("/"):
            found = as_object(found).get(step)
        node = as_object(found)
    return node


def base_url_is_what_stands_before_the_version(dialect: Dialect, _parts: Parts) -> Iterator[LintFault]:
    """The address of the page, as providers.yaml would take it."""
    fault = describe_fault_in_base_url(dialect.base_url) if dialect.base_url else ""
    if fault:
        yield LintFault("dialect.json", "/base_url", fault)


RULES: tuple[Callable[[Dialect, Parts], Iterator[LintFault]], ...] = (
    lines_exist,
    base_url_is_what_stands_before_the_version,
    envelope_is_described,
    required_names_are_described,
    answers_have_open_enums,
    bounds_admit_a_value,
    no_placeholder_is_a_value,
    properties_have_sources,
    contradictions_are_told,
    names_are_unique,
    samples_are_askable,
    samples_send_every_field,
)
