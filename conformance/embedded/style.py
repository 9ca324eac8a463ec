"""How one server differs from Google's, as data: read from the `embedded` member of a dialect, never from code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from conformance.dialects.dialect import Dialect
from conformance.dialects.shapes import Shape, canonical, reference, table
from conformance.embedded.frames import ARRAY, SSE
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
    """Where the Gemini object goes: its members under `member`, those of `outside` beside it, `constants` too."""

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
    """The data that a server's stages go by; the defaults are Google's."""

    casing: str = "camelCase"  # or snake_case
    envelope: Envelope | None = None
    framing: str = SSE  # of a stream with alt=sse
    framing_default: str = ARRAY  # of a stream without
    auth: tuple[str, ...] = ("x-goog-api-key", "query-key")
    nested_settings: bool = True  # False: generationConfig is taken and ignored
    flat: Mapping[str, str] = field(
        default_factory=lambda: MappingProxyType({})
    )  # members of the root -> settings they stand for
    dropped: tuple[str, ...] = ()  # members of the root that are taken and mean nothing here
    own_form: bool = False  # the model's path without a method, `stream` in the body
    framing_own: str = ARRAY  # of a stream in the own form
    extras: tuple[Extra, ...] = ()
    models: tuple[str, ...] = MODELS
    front_end: bool = True  # whether answers leave through Google's own front end, with its headers


def _texts(value: JSON) -> tuple[str, ...]:
    return tuple(str(one) for one in value) if isinstance(value, list) else ()


def _envelope(value: JSON) -> Envelope | None:
    if not isinstance(value, dict):
        return None
    streamed = value.get("streamed", True) is not False
    return Envelope(
        str(value["member"]), _texts(value.get("outside")), table(value.get("constants")), streamed
    )


def _extras(value: JSON) -> tuple[Extra, ...]:
    entries = [table(one) for one in value] if isinstance(value, list) else []
    return tuple(Extra(str(one["pointer"]), one.get("value"), str(one.get("from", ""))) for one in entries)


def _foreign(shape: Shape | None) -> tuple[str, ...]:
    """Return the members that a document puts at the root of a request and that Google does not know there."""
    known = reference().request
    return tuple(name for name in shape.properties if canonical(known, name) is None) if shape else ()


def _flat(names: tuple[str, ...]) -> dict[str, str]:
    settings = reference().request.properties["generationConfig"]
    return {name: setting for name in names if (setting := canonical(settings, name)) is not None}


def style_of(dialect: Dialect) -> Style:
    """Return the style of a dialect's server: what its `embedded` data says, and Google's where it says nothing.

    Members that the document puts at the root of a request are obeyed there where they are settings of Google's,
    and taken without effect where they are not.
    """
    said = dialect.embedded
    own = table(said.get("own_form"))
    foreign = _foreign(dialect.shapes.get("request"))
    flat = _flat(foreign) if said.get("settings") == "flat" else {}
    default = str(said.get("framing_default", ARRAY))
    return Style(
        casing=str(said.get("answer_casing", "camelCase")),
        envelope=_envelope(said.get("envelope")),
        framing=str(said.get("framing", SSE)),
        framing_default=default,
        auth=_texts(said.get("auth")) or Style.auth,
        nested_settings=said.get("settings") != "flat",
        flat=flat,
        dropped=tuple(name for name in foreign if name not in flat),
        own_form=own.get("bare_path") is True,
        framing_own=default,
        extras=_extras(said.get("extra")),
        models=tuple(dict.fromkeys((*dialect.models, *MODELS))),
        front_end=said.get("front_end") is True,
    )
