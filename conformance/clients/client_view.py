"""What the caller of a client sees of one response, and the description of a client."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from conformance.clients.captured_response import CapturedResponse
from conformance.model import JSON


class Raised(Exception):  # noqa: N818 - it carries another program's exception
    """The modelled client raises; `what` is its exception as `Name: message`."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


@dataclass(frozen=True)
class ResponseView:
    """One response object as the caller reads it: a whole answer, or one chunk of a stream.

    `refused` is the message with which the client raises when it is asked for the text.
    """

    text: str = ""
    finish_reason: JSON = None
    total_tokens: JSON = None
    calls: int = 0
    refused: str = ""


@dataclass(frozen=True)
class ClientView:
    """What the caller of a client has at the end; after an exception, what it had before.

    `chunks_before` (streams that raise) or `chunks` (streams that end) count the objects handed over;
    `errors` are error parts that a stream hands over instead of raising.
    """

    client: str
    raises: str | None = None
    chunks_before: int | None = None
    chunks: int | None = None
    text: str = ""
    finish_reason: JSON = None
    total_tokens: JSON = None
    calls: int = 0
    refused: str = ""
    errors: tuple[str, ...] = ()


@dataclass(frozen=True)
class Client:
    """A client library at one version: `reads` is the model of how it reads a response.

    `slug` and `family` are what `--client` accepts besides the name. `api_version` is the one that it calls unless it
    is configured; `configure` tells users how to set another credential (`bearer`) or version (`version`).
    `finish_words` translates Google's finish reason, and the number of calls, into the client's own word; None
    where it shows Google's. `shows_total`: whether its total is Google's totalTokenCount, not a sum of its own.
    `unmeasured`: per method, what the measurement did not read.
    """

    name: str
    slug: str
    family: str
    reads: Callable[[CapturedResponse, str], ClientView] = field(repr=False)
    api_version: str = "v1beta"
    auth: str = "x-goog-api-key"
    configure: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    methods: tuple[str, ...] = ("generateContent", "streamGenerateContent")
    finish_words: Callable[[str, int], str] | None = None
    shows_total: bool = True
    unmeasured: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))


def call_once(client: str, answer: Callable[[], ResponseView]) -> ClientView:
    """Read one unary answer as callers do; an exception is returned as a value."""
    try:
        view = answer()
    except Raised as stop:
        return ClientView(client, raises=stop.what)
    except RecursionError:
        return ClientView(client, raises="RecursionError: the JSON is nested too deeply")
    return ClientView(
        client,
        text=view.text,
        finish_reason=view.finish_reason,
        total_tokens=view.total_tokens,
        calls=view.calls,
        refused=view.refused,
    )


@dataclass
class _Caller:
    """The loop that callers write: texts are joined, and of everything else the last value counts."""

    chunks: int = 0
    texts: list[str] = field(default_factory=list)
    finish_reason: JSON = None
    total_tokens: JSON = None
    calls: int = 0

    def take_view(self, view: ResponseView) -> None:
        self.chunks += 1
        if view.refused:
            raise Raised(view.refused)
        self.texts.append(view.text)
        self.calls += view.calls
        self.finish_reason = self.finish_reason if view.finish_reason is None else view.finish_reason
        self.total_tokens = self.total_tokens if view.total_tokens is None else view.total_tokens

    def take_all(self, views: Iterable[ResponseView]) -> str | None:
        """Take all views; return the exception that ended the loop, if one did."""
        try:
            for view in views:
                self.take_view(view)
        except Raised as stop:
            return stop.what
        except RecursionError:
            return "RecursionError: the JSON is nested too deeply"
        return None


def iterate_stream(client: str, views: Iterable[ResponseView]) -> ClientView:
    """Iterate over a stream as callers do, to its end or to its exception."""
    caller = _Caller()
    raises = caller.take_all(views)
    return ClientView(
        client,
        raises=raises,
        chunks_before=caller.chunks if raises is not None else None,
        chunks=caller.chunks if raises is None else None,
        text="".join(caller.texts),
        finish_reason=caller.finish_reason,
        total_tokens=caller.total_tokens,
        calls=caller.calls,
    )
