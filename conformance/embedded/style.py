"""How one server differs from Google's, as data read from the `embedded` member of a dialect."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from conformance.dialects.dialect import Dialect
from conformance.dialects.shapes import Shape, as_object, load_reference, match_property
from conformance.embedded.frames import ARRAY, NDJSON, SINGLE, SSE
from conformance.model import JSON, NOTHING

# What models.list of the server like Google holds, beside the models of the dialect.
MODELS = (
    "gemini-2.5-flash", "gemini-2.5-pro", "gemini-2.5-flash-lite", "gemini-2.0-flash", "gemini-2.0-flash-lite",
    "gemini-3-flash-preview", "gemini-3-pro-preview", "gemini-3.1-pro-preview", "gemini-3.1-flash-lite-preview",
    "gemini-3.5-flash", "gemini-3.6-flash", "gemini-3.7-flash", "gemini-2.5-flash-image", "gemini-flash-latest",
    "gemini-flash-lite-latest",
)  # fmt: skip


@dataclass(frozen=True)
class Envelope:
    """Where the Gemini object goes: its members under `member` (a dotted path), `outside` and `constants` beside it."""

    member: str
    outside: tuple[str, ...] = ()
    constants: Mapping[str, JSON] = field(default_factory=lambda: NOTHING)
    chunks: bool = True  # whether each object of a stream is wrapped as well


@dataclass(frozen=True)
class Extra:
    """A member that Google does not send. `pointer` names its place, `*` for every entry of a list.

    `value` is a constant; `source`, where there is one, says what is sent instead: unix-seconds | candidate-tokens.
    """

    pointer: str
    value: JSON = None
    source: str = ""


@dataclass(frozen=True)
class Style:
    """The data that a server's stages use; the defaults are Google's."""

    casing: str = "camelCase"  # or snake_case
    envelope: Envelope | None = None
    framing: str = SSE  # of a stream with alt=sse
    framing_default: str = ARRAY  # of a stream without
    auth: tuple[str, ...] = ("x-goog-api-key", "query-key")
    nested_settings: bool = True  # False: generationConfig is accepted and ignored
    flat: Mapping[str, str] = field(
        default_factory=lambda: MappingProxyType({})
    )  # members of the root -> settings they stand for
    dropped: tuple[str, ...] = ()  # members of the root that are accepted and ignored
    own_form: bool = False  # the model's path without a method, `stream` in the body
    framing_own: str = ARRAY  # of a stream in the own form
    extras: tuple[Extra, ...] = ()
    models: tuple[str, ...] = MODELS
    front_end: bool = True  # whether answers leave through Google's own front end, with its headers


def _as_texts(value: JSON) -> tuple[str, ...]:
    return tuple(str(one) for one in value) if isinstance(value, list) else ()


def _read_envelope(value: JSON) -> Envelope | None:
    if not isinstance(value, dict):
        return None
    streamed = value.get("streamed", True) is not False
    return Envelope(
        str(value["member"]), _as_texts(value.get("outside")), as_object(value.get("constants")), streamed
    )


def _read_extras(value: JSON) -> tuple[Extra, ...]:
    entries = [as_object(one) for one in value] if isinstance(value, list) else []
    return tuple(Extra(str(one["pointer"]), one.get("value"), str(one.get("from", ""))) for one in entries)


def _find_foreign(shape: Shape | None) -> tuple[str, ...]:
    """Return the members that a document puts at the root of a request and that Google does not know there."""
    known = load_reference().request
    return tuple(name for name in shape.properties if match_property(known, name) is None) if shape else ()


# The framings of a stream by their names in documents.
FRAMINGS = {"sse": SSE, "json-array": ARRAY, "ndjson": NDJSON, "single-json": SINGLE}


def _serve_readings(dialect: Dialect) -> dict[str, dict[str, JSON]]:
    """Return, per trait, the members of `embedded` that implement what the document says about it."""
    found: dict[str, dict[str, JSON]] = {}
    for trait, readings in dialect.traits.items():
        for reading in readings:
            if members := _translate_reading(trait, reading.value):
                found.setdefault(
                    trait, members
                )  # where a page contradicts itself, its first statement counts
    if ways := list_auth_ways(dialect):
        found["auth"] = {"auth": ways}
    return found


def list_auth_ways(dialect: Dialect) -> list[JSON]:
    """Return every way to send the key that the document names: a client may have read any of them."""
    several = (way for reading in dialect.traits.get("auth", ()) for way in _as_texts(reading.value))
    return [*dict.fromkeys(several)]


def _translate_reading(trait: str, value: JSON) -> dict[str, JSON]:
    name = str(value)
    if trait == "response-casing" and name in ("camelCase", "snake_case"):
        return {"answer_casing": name}
    if trait == "envelope" and name not in ("split", "other"):
        return {"envelope": None if name == "none" else {"member": name}}
    if trait == "stream-framing" and name in FRAMINGS:
        return {"framing": name}
    if trait == "stream-framing-default" and name in FRAMINGS:
        return {"framing_default": name}
    return {"settings": name} if trait == "settings" and name in ("nested", "flat") else {}


# What the document says about these is not served (errors are Google's) or needs nothing (requests are read either way).
_UNSERVED = ("request-casing", "error-shape")


def split_traits(dialect: Dialect) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the traits in which a dialect's server follows its document, and those in which it cannot."""
    spoken = [trait for trait, readings in dialect.traits.items() if readings]
    served = [trait for trait in spoken if trait in _serve_readings(dialect)]
    return tuple(served), tuple(trait for trait in spoken if trait not in served and trait not in _UNSERVED)


def _describe_server(dialect: Dialect) -> Mapping[str, JSON]:
    """Return the `embedded` data of a dialect, completed from the traits of its document."""
    from_traits: dict[str, JSON] = {}
    for members in _serve_readings(dialect).values():
        from_traits |= members
    return {**from_traits, **dialect.embedded}


def make_style(dialect: Dialect) -> Style:
    """Return the style of a dialect's server: its `embedded` data, else its traits, and Google's where both are silent.

    Members that the document puts at the root of a request are obeyed where they are settings of Google's,
    and accepted without effect where they are not.
    """
    data = _describe_server(dialect)
    own = as_object(data.get("own_form"))
    foreign = _find_foreign(dialect.shapes.get("request"))
    is_flat = data.get("settings") == "flat"
    settings = load_reference().request.properties["generationConfig"]
    known = {name: setting for name in foreign if (setting := match_property(settings, name)) is not None}
    flat = known if is_flat else {}
    default = FRAMINGS[str(data.get("framing_default", "json-array"))]
    return Style(
        casing=str(data.get("answer_casing", "camelCase")),
        envelope=_read_envelope(data.get("envelope")),
        framing=FRAMINGS[str(data.get("framing", "sse"))],
        framing_default=default,
        auth=_as_texts(data.get("auth")) or Style.auth,
        nested_settings=not is_flat,
        flat=flat,
        dropped=tuple(name for name in foreign if name not in flat),
        own_form=own.get("bare_path") is True,
        framing_own=default,
        extras=_read_extras(data.get("extra")),
        models=tuple(dict.fromkeys((*dialect.models, *MODELS))),
        front_end=data.get("front_end") is True,
    )
