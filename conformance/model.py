"""The nouns of the checker: frozen values that every other room uses; imports only the standard library."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

# What json.loads returns. Deliberately loose: a vendor may send any of it anywhere.
JSON = dict[str, "JSON"] | list["JSON"] | str | int | float | bool | None

RESULTS_FORMAT = "conformance-results/1"  # the `format` of a results.json
# Attempts at a question that must fail before a vendor is accused where the model's mood counts.
ATTEMPTS_TO_ACCUSE = 3
LONGEST_PATH = 8 * 1024  # characters of a request's path; a vendor's own list of models may name parts of one
NOTHING: Mapping[str, JSON] = MappingProxyType({})
CAPTURED = "captured"  # the probe of an exchange that another program recorded


class Dimension(StrEnum):
    """The part of the contract that a rule belongs to; the columns of the matrix, in their order."""

    CASING = "casing"
    ENVELOPE = "envelope"
    STREAMING = "streaming"
    SCHEMA = "schema"
    ERRORS = "errors"
    AUTH = "auth"
    USAGE = "usage"
    SEMANTICS = "semantics"
    TRANSPORT = "transport"
    ROUTES = "routes"


class Level(StrEnum):
    """How much harm a deviation does, from the most to the least."""

    MUST = "must"
    SHOULD = "should"
    NOTE = "note"

    @property
    def rank(self) -> int:
        """The rank in that order; 0 is the worst."""
        return list(Level).index(self)


# The levels that a developer must act on; a note fails nothing unless a run asks for it.
RESULTS_FORMAT = "conformance-results/1"
GRAVE_LEVELS = (Level.MUST, Level.SHOULD)
# The levels that fail a run or a comparison, by --fail-on.
FAILING_LEVELS: Mapping[str, tuple[Level, ...]] = MappingProxyType(
    {"must": (Level.MUST,), "should": GRAVE_LEVELS, "any": tuple(Level), "never": ()}
)


class Outcome(StrEnum):
    """The outcome of one case (one rule for one provider)."""

    PASS = "pass"  # noqa: S105 - an outcome, not a password
    DEVIATION = "deviation"
    KNOWN = "known"
    NOTE = "note"
    UNSUPPORTED = "unsupported"
    BLOCKED = "blocked"
    INCONCLUSIVE = "inconclusive"
    ERROR = "error"


class Against(StrEnum):
    """What a deviation is measured against: Google's reference, or the vendor's own document."""

    REFERENCE = "reference"
    DOCUMENTED = "documented"


MEASURES: Mapping[str, frozenset[Against]] = MappingProxyType(
    {**{one.value: frozenset({one}) for one in Against}, "both": frozenset(Against)}
)
"""What --against selects, by the word that selects it."""


class Auth(StrEnum):
    """A way to carry the key."""

    X_GOOG_API_KEY = "x-goog-api-key"
    BEARER = "bearer"
    QUERY_KEY = "query-key"
    X_API_KEY = "x-api-key"


@dataclass(frozen=True)
class Source:
    """Where a rule or a field is written: a document, its lines, what it says in our words, and its address."""

    document: str
    lines: str = ""
    says: str = ""
    sha256: str = ""
    url: str = ""  # http or https, or nothing

    def in_words(self) -> str:
        """Return document, place, statement and address in one line."""
        where = ", ".join(filter(None, (self.document, self.lines)))
        return f"{where}: {self.says}{f' ({self.url})' if self.url else ''}"


@dataclass(frozen=True)
class Limits:
    """Bounds on what one answer may cost the checker. Seconds, bytes or counts; every one has a default.

    The total time of one exchange is `Provider.timeout`.
    """

    first_byte: float = 45.0  # seconds from the request's end to the first byte of the answer
    silence: float = 30.0  # seconds between two pieces of a body
    body_bytes: int = 64 * 1024 * 1024  # as received
    decoded_bytes: int = 64 * 1024 * 1024  # after Content-Encoding
    header_bytes: int = 100 * 1024
    chunks: int = 20_000  # pieces and frames
    json_bytes: int = 16 * 1024 * 1024  # one body, decoded; a larger one is kept but not read
    json_depth: int = 200
    json_values: int = 200_000  # values in one body, all its frames together
    integer_digits: int = 400
    run_bytes: int = 256 * 1024 * 1024  # all answers of one provider, and what is read from them
    retries: int = 2  # transport retries of one question on 429 and 503
    retry_wait: float = 30.0  # seconds, the longest single wait before a retry
    dead_after: int = 8  # consecutive unusable answers after which a provider is asked no more


@dataclass(frozen=True)
class Known:
    """A deviation that the user accepts: a rule, the probes it is accepted for, why, and until when."""

    rule: str
    probes: tuple[str, ...]  # ("*",) for all
    reason: str
    until: str | None = None  # ISO date; expired entries accept nothing
    line: int = 0  # in providers.yaml


@dataclass(frozen=True)
class Prices:
    """Money per million tokens, in any currency."""

    input: float
    output: float


@dataclass(frozen=True)
class Provider:
    """One vendor (or embedded server) as providers.yaml describes it."""

    name: str
    title: str
    base_url: str  # without a trailing slash; empty for an embedded provider until its server has started
    dialect: str  # the name of a bundled dialect, or the path of a user's own folder
    model: str
    auth: Auth = Auth.X_GOOG_API_KEY
    key_env: str | None = None
    embedded: str | None = None  # name of the dialect whose bundled server answers
    timeout: float = 60.0  # seconds for one exchange, stream included
    concurrency: int = 4
    max_requests: int = 120
    max_examples: int = 12
    unsupported: tuple[str, ...] = ()
    headers: Mapping[str, str] = field(
        default_factory=lambda: MappingProxyType({})
    )  # values may hold ${NAME}
    proxy: str | None = None
    ca_file: str | None = None
    insecure_http: bool = False
    prices: Prices | None = None
    limits: Limits = Limits()
    known: tuple[Known, ...] = ()
    optional: bool = False  # without its key it is skipped, and the run is complete all the same


@dataclass(frozen=True)
class Question:
    """What one probe asks: everything that goes over the wire except the host and the key.

    `expected` describes a right answer as data. It is recorded with the exchange, so that a replay judges without the
    probe. `conformance.judging.expectations` lists its members.
    """

    body: JSON | bytes = None  # bytes are sent as they are; None sends no body
    method: str = "generateContent"  # what follows the colon; "" asks the bare model path
    query: tuple[tuple[str, str], ...] = ()
    verb: str = "POST"
    path: str | None = None  # replaces /v1beta/models/{model}:{method}; may hold {model}
    model: str | None = None  # replaces the provider's model in the path
    key: str = "configured"  # configured | x-goog-api-key | bearer | query-key | x-api-key | none | bad | junk-bearer
    headers: tuple[tuple[str, str], ...] = ()
    expected: Mapping[str, JSON] = field(default_factory=lambda: NOTHING)


@dataclass(frozen=True)
class Request:
    """A question as it was sent, without anything that carries the key."""

    verb: str
    path: str  # with the query, without the key
    headers: tuple[tuple[str, str], ...]
    body: bytes
    key: str  # as in Question.key, with `configured` resolved to an Auth value


@dataclass(frozen=True)
class Piece:
    """Bytes of a body as they arrived: milliseconds after the request began, and the bytes as received."""

    at_ms: float
    data: bytes


@dataclass(frozen=True)
class Failure:
    """Why an exchange has no answer, or no complete one.

    kind: timeout | first-byte | silence | too-big | too-many-chunks | headers-too-big | connect | tls |
    reset | protocol | encoding | cancelled | refused-by-checker. `bound` names the limit that was hit.
    """

    kind: str
    detail: str
    bound: str | None = None


def read_expected_statuses(expected: Mapping[str, JSON]) -> tuple[int, ...]:
    """Return the HTTP statuses that `expected` (as in `Question`) allows; 200 if it names none."""
    value = expected.get("status", 200)
    several = value if isinstance(value, list) else [value]
    return tuple(code for code in several if isinstance(code, int))


@dataclass(frozen=True)
class Exchange:
    """One question and what came back, byte for byte. Recorded as it ends; never holds a key."""

    provider: str
    probe: str
    attempt: int  # 1 for the first time that this probe was asked of this provider in this run
    request: Request
    expected: Mapping[str, JSON]
    status: int | None  # None: no answer
    http_version: str
    headers: tuple[tuple[str, str], ...]  # as received, in order, duplicates kept
    pieces: tuple[Piece, ...]  # raw, before Content-Encoding
    failure: Failure | None
    started_at: str  # ISO 8601, UTC
    headers_ms: float | None  # when the answer's headers were there
    ended_ms: float
    first: str | None = None  # id of the exchange whose reply this one was handed
    retry: bool = False  # asked again because the answer before was 429 or 503
    generated: bool = False  # its body was drawn from a schema
    decoded: bool = False  # pieces are recorded after Content-Encoding, because the key stood in them
    masked: int = 0  # places in body and headers where a key was masked
    # What another program's recording may have lost; our own loses none of it.
    headers_complete: bool = True  # False: an absent header may have been received all the same
    reserialised: bool = False  # True: the recorder printed the JSON anew, so the bytes are its own
    timed: bool = True  # False: when the pieces arrived is not known
    end_known: bool = True  # False: the answer may have been ended by the vendor or by its reader

    @property
    def id(self) -> str:
        """`provider/probe#attempt`."""
        return f"{self.provider}/{self.probe}#{self.attempt}"

    @property
    def expected_statuses(self) -> tuple[int, ...]:
        """The HTTP statuses that a right answer may have."""
        return read_expected_statuses(self.expected)

    @property
    def captured(self) -> bool:
        """Whether another program recorded the exchange: then it is unknown what was expected, and nothing can be asked again.

        The probe shows this, or an answer of the model without expectations: each of our own questions has some.
        """
        unexpected = not self.expected and "enerateContent" in self.request.path
        return self.probe == CAPTURED or self.probe.startswith(f"{CAPTURED}-") or unexpected

    @property
    def body(self) -> bytes:
        """The whole body as received, still in its Content-Encoding."""
        return b"".join(piece.data for piece in self.pieces)

    def header(self, name: str) -> str | None:
        """Return the first header of that name (any casing), or None."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key.lower() == wanted), None)


class Basis(StrEnum):
    """What shows that a rule is true of Google."""

    RECORDED = "recorded"
    DOCUMENTED = "documented"
    INFERRED = "inferred"

    def describe(self) -> str:
        """Return the sentence that explanations and pages show."""
        return _BASES[self]


_BASES: Mapping[Basis, str] = {
    Basis.RECORDED: "recorded: Google's own answers show it, as other projects recorded them",
    Basis.DOCUMENTED: "documented: a document states it, but no recorded answer of Google's shows it",
    Basis.INFERRED: "inferred: it follows from what clients and other rules need; no document or recording settles it",
}


@dataclass(frozen=True)
class Location:
    """One place where one exchange breaks a rule: what a check yields.

    `pointer`: /a/b in a body, #3/a/b in the n-th stream object (from 0), @120 for a byte offset.
    """

    exchange: str
    pointer: str
    expected: str
    observed: str
    level: Level | None = None  # set if this location weighs less, or more, than the rule's own level


@dataclass(frozen=True)
class Effect:
    """What a deviation does to a client: raises | silent-loss | garbled | ignored, and how."""

    client: str
    effect: str
    detail: str = ""
    exchange: str = ""


@dataclass(frozen=True)
class Deviation:
    """A finding: one rule that one provider breaks, with all the evidence that a reader needs."""

    rule: str
    dimension: Dimension
    level: Level
    against: tuple[Against, ...]
    title: str
    locations: tuple[Location, ...]
    source: Source
    documented: Source | None = None  # what the vendor's own page says about it
    known: Known | None = None
    generated: bool = False
    effects: tuple[Effect, ...] = ()


@dataclass(frozen=True)
class Case:
    """The outcome of one rule for one provider."""

    rule: str
    outcome: Outcome
    reason: str = ""
    exchanges: int = 0
    deviation: Deviation | None = None
