"""Checks a dialect's folder against the rules of docs/dialects.md: reports the file, the place and the remedy of each fault."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from conformance.config.addresses import describe_fault_in_base_url
from conformance.dialects.dialect import (
    PLACES,
    Dialect,
    DialectError,
    load_dialect,
    read_parts,
    sort_sources,
)
from conformance.dialects.documented import find_departures, find_sent_fields
from conformance.dialects.form import Parts, find_form_faults
from conformance.dialects.shapes import as_object, list_texts, load_reference, match_property
from conformance.model import JSON
from conformance.pointers import walk_json

_SPAN = re.compile(r"L(\d+)(?:-(\d+))?")
_PLACEHOLDERS = ("<string>", 123)
_WORDS = re.compile(r"\{(\w*)\}")
_BOUNDS = (("minimum", "maximum"), ("minItems", "maxItems"))
_DIALECT = "dialect.json"


class LintFault(NamedTuple):
    """One fault: the file's name, the pointer into it, and what is wrong and how to mend it."""

    file: str
    pointer: str
    says: str


def lint_folder(folder: Path) -> list[str]:
    """Return a line per fault of the dialect in `folder`: file, pointer, what is wrong. Empty: it is sound.

    The form is checked first, the rest only if the form is right. Raises nothing.
    """
    try:
        parts = read_parts(folder)
        faults = find_form_faults(folder, _leave_out_googles(folder, parts))
        if faults:
            return faults
        dialect = load_dialect(str(folder.resolve()))
    except DialectError as error:
        return [str(line) for line in error.args]
    found = (one for rule in RULES for one in rule(dialect, parts))
    return [f"{folder / one.file}: {one.pointer or '/'}: {one.says}" for one in found]


def _leave_out_googles(folder: Path, parts: Parts) -> Parts:
    """Leave out Google's own messages: other dialects refer to them, and they follow the discovery document instead."""
    is_googles = folder.name == "google" and parts[_DIALECT].get("name") == "google"
    return {_DIALECT: parts[_DIALECT]} if is_googles else parts


def _walk_schemas(parts: Parts) -> Iterator[tuple[str, str, Mapping[str, JSON]]]:
    """Yield the file, the pointer and the content of every object in the schemas, other than Google's own."""
    for name, part in parts.items():
        if name in {f"{place}.schema.json" for place in PLACES} and "$defs" not in part:
            for at, value in walk_json(dict(part)):
                if isinstance(value, dict):
                    yield name, at, value


def lines_exist(dialect: Dialect, parts: Parts) -> Iterator[LintFault]:
    """Lines that are cited lie within the document, if dialect.json says how long it is."""
    length = as_object(dialect.facts["document"]).get("lines")
    if not isinstance(length, int):
        return
    for name, part in parts.items():
        for at, value in walk_json(dict(part)):
            if at.endswith("/lines") and isinstance(value, str):
                yield from (LintFault(name, at, says) for says in _find_bad_lines(value, length))


def _find_bad_lines(cited: str, length: int) -> Iterator[str]:
    for one in cited.split(","):
        span = _SPAN.fullmatch(one.strip())
        if span is None:
            yield f"{one.strip()!r} does not name lines; write L12 or L12-15, with commas between several"
        elif not 1 <= int(span[1]) <= int(span[2] or span[1]) <= length:
            yield f"{one.strip()} does not exist: document.lines says that the page has {length} lines"


def required_names_are_described(_dialect: Dialect, parts: Parts) -> Iterator[LintFault]:
    """Every name in `required` and `x-oneof` has a property, with its source."""
    for name, at, schema in _walk_schemas(parts):
        known = as_object(schema.get("properties"))
        for keyword in ("required", "x-oneof"):
            for missing in (one for one in list_texts(schema.get(keyword)) if one not in known):
                says = f"{missing!r} is not among the properties; add it there, with x-source"
                yield LintFault(name, f"{at}/{keyword}", says)


def answers_have_open_enums(_dialect: Dialect, parts: Parts) -> Iterator[LintFault]:
    """`enum` constrains requests only: values of answers grow, so a page's list of them is `x-enum`."""
    for name, at, schema in _walk_schemas(parts):
        if name != "request.schema.json" and isinstance(schema.get("enum"), list):
            says = "later responses may hold other values, so a list of values does not bind; write x-enum"
            yield LintFault(name, f"{at}/enum", says)


def no_placeholder_is_a_value(dialect: Dialect, parts: Parts) -> Iterator[LintFault]:
    """Values that the page's generator fills in (123, <string>) are neither known values nor something to ask with."""
    for name, at, schema in _walk_schemas(parts):
        for keyword in ("enum", "x-enum"):
            for number, listed in enumerate(list_texts(schema.get(keyword))):
                if listed in _PLACEHOLDERS:
                    says = f"{listed!r} is a placeholder of the page; leave it out"
                    yield LintFault(name, f"{at}/{keyword}/{number}", says)
    for number, sample in enumerate(dialect.requests):
        for at, value in walk_json(sample["body"]):
            if type(value) in {int, str} and value in _PLACEHOLDERS:
                says = f"{value!r} is a placeholder of the page; write a real value"
                yield LintFault(_DIALECT, f"/requests/{number}/body{at}", says)


def contradictions_have_remarks(dialect: Dialect, parts: Parts) -> Iterator[LintFault]:
    """`x-contradicted` names a remark by its id, and ids are unique."""
    ids = [remark.id for remark in dialect.remarks if remark.id]
    for twin in _find_repeated(ids):
        yield LintFault(_DIALECT, "/remarks", f"two remarks have the id {twin}; give each its own")
    for name, at, schema in _walk_schemas(parts):
        remark = schema.get("x-contradicted")
        if remark is not None and remark not in ids:
            yield LintFault(
                name, at, f"no remark of dialect.json has the id {remark!r}; add one, or correct the id"
            )
        if "x-required" in schema and remark is None:
            says = "x-required is only for what the page contradicts; list the name in `required` instead"
            yield LintFault(name, at, says)


def _find_repeated(names: Sequence[str]) -> list[str]:
    return sorted({name for name in names if names.count(name) > 1})


def samples_are_askable(dialect: Dialect, _parts: Parts) -> Iterator[LintFault]:
    """Sample bodies have the types that the page gives, one kind of data per part, and words that we can fill in."""
    for number, sample in enumerate(dialect.requests):
        here = f"/requests/{number}/body"
        for pointer, expected, observed in find_departures(dialect, "request", sample["body"]):
            yield LintFault(
                _DIALECT, here + pointer, f"is {observed}, but request.schema.json says {expected}"
            )
        for at, value in walk_json(sample["body"]):
            yield from (LintFault(_DIALECT, here + at, says) for says in _find_unaskable(at, value))


def _find_unaskable(at: str, value: JSON) -> Iterator[str]:
    if isinstance(value, dict) and re.search(r"/parts/\d+$", at):
        content = load_reference().request.properties["contents"].items
        part = content.properties["parts"].items if content else None
        kinds = sorted(
            {name for key in value if part and (name := match_property(part, key)) in part.oneof and name}
        )
        if len(kinds) > 1:
            yield f"a part holds one kind of data, not {', '.join(kinds)}"
    if isinstance(value, str):
        unknown = [word for word in _WORDS.findall(value) if word not in {"nonce", "model"}]
        yield from (
            f"{{{word}}} cannot be filled in; a text may contain {{nonce}} and {{model}}" for word in unknown
        )


def samples_send_every_field(dialect: Dialect, _parts: Parts) -> Iterator[LintFault]:
    """Together, the samples send every request field that the document names."""
    sent = {pointer for sample in dialect.requests for pointer in find_sent_fields(dialect, sample["body"])}
    for one in dialect.fields_of("request"):
        if one.pointer not in sent:
            says = f"no sample sends {one.pointer} ({one.source.lines}); add it to the body of one"
            yield LintFault(_DIALECT, "/requests", says)


def names_are_unique(dialect: Dialect, _parts: Parts) -> Iterator[LintFault]:
    """Sample requests have names of their own: they become names of questions."""
    for twin in _find_repeated([str(sample["name"]) for sample in dialect.requests]):
        yield LintFault(_DIALECT, "/requests", f"two samples have the name {twin}; give each its own")


def examples_do_not_constrain(_dialect: Dialect, parts: Parts) -> Iterator[LintFault]:
    """A bound has a better source than an example: a value that only a template shows does not constrain others."""
    for name, at, schema in _walk_schemas(parts):
        bounds = [key for key in ("minimum", "maximum", "enum") if key in schema]
        entries = sort_sources(schema)
        if bounds and entries and all(one.get("known") == "exemplified" for one in entries):
            says = "only an example shows this, which is not a constraint; leave it out unless the page states it"
            yield LintFault(name, f"{at}/{bounds[0]}", says)


def bounds_admit_a_value(_dialect: Dialect, parts: Parts) -> Iterator[LintFault]:
    """A minimum is not above its maximum, and a list of values is not empty."""
    for name, at, schema in _walk_schemas(parts):
        for least, most in _BOUNDS:
            low, high = schema.get(least), schema.get(most)
            if isinstance(low, int | float) and isinstance(high, int | float) and low > high:
                yield LintFault(name, f"{at}/{least}", f"is above {most}, so that no value fits")
        if schema.get("enum") == []:
            yield LintFault(name, f"{at}/enum", "is empty, so that no value fits; leave it out")


def envelope_is_described(dialect: Dialect, parts: Parts) -> Iterator[LintFault]:
    """The dotted path that the trait `envelope` gives leads through response.schema.json."""
    top = parts.get("response.schema.json")
    for number, reading in enumerate(dialect.traits.get("envelope", ())):
        path = str(reading.value)
        if top is not None and path not in ("none", "split") and (missing := _find_undescribed(top, path)):
            says = (
                f"{path!r} is not in response.schema.json: {missing!r} is not a property there; "
                "describe it, or correct the path"
            )
            yield LintFault(_DIALECT, f"/traits/envelope/{number}/value", says)


def _find_undescribed(node: Mapping[str, JSON], path: str) -> str:
    """Return the first step of a dotted path that a schema has no property for; empty if it has all."""
    for step in path.split("."):
        properties = as_object(node.get("properties"))
        if step not in properties:
            return step
        node = as_object(properties[step])
    return ""


def base_url_is_what_stands_before_the_version(dialect: Dialect, _parts: Parts) -> Iterator[LintFault]:
    """The address of the page is one that providers.yaml would take."""
    fault = describe_fault_in_base_url(dialect.base_url) if dialect.base_url else ""
    if fault:
        yield LintFault(_DIALECT, "/base_url", fault)


RULES: tuple[Callable[[Dialect, Parts], Iterator[LintFault]], ...] = (
    lines_exist,
    base_url_is_what_stands_before_the_version,
    envelope_is_described,
    required_names_are_described,
    answers_have_open_enums,
    bounds_admit_a_value,
    no_placeholder_is_a_value,
    examples_do_not_constrain,
    contradictions_have_remarks,
    names_are_unique,
    samples_are_askable,
    samples_send_every_field,
)
