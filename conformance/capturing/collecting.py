"""Reads files of any known format into exchanges, grouped by host and model, with a line about each file."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from conformance.capturing import curl
from conformance.capturing.addresses import name_providers, parse_address
from conformance.capturing.cassettes import LARGEST, load_json, read_cassette
from conformance.capturing.entry import CaptureError, Entries, OwnExchange, RecordedEntry, SkippedEntry
from conformance.capturing.exchanges import (
    CapturedExchange,
    find_address,
    make_exchange,
    mask_captured_exchange,
    mask_own_exchange,
)
from conformance.capturing.har import read_har
from conformance.capturing.httprr import FIRST_LINE, read_httprr
from conformance.capturing.httprr import LARGEST as LARGEST_TRACE
from conformance.capturing.jsonstream import list_first_names
from conformance.capturing.lines import read_lines, read_value
from conformance.capturing.opening import BROKEN, OpenRecording, describe_broken, open_recording
from conformance.capturing.safe_yaml import load_yaml
from conformance.files import FileError
from conformance.keys.found import MOST, RecordedKeyring
from conformance.keys.secrets import Key
from conformance.model import CAPTURED, Exchange
from conformance.phrases import count_noun

MOST_BYTES = 768 * 1024 * 1024  # of memory that the exchanges may fill once they are read, all files together
_VALUE = 200  # bytes that a value of a body's JSON takes when it is read, measured on bodies of little else
MOST_EXCHANGES = 100_000
EXAMPLE = "https://HOST/v1beta/models/gemini-2.5-flash:generateContent"
_NAMED = 5  # entries that are named one by one in the line of a file
_YAML = re.compile(rb"(?m)^(?:(?:http_)?interactions\s*:|requests\s*:|-\s+request\s*:)")


@dataclass(frozen=True)
class ExchangeGroup:
    """The exchanges with one model of one host: what is judged as one provider."""

    name: str
    host: str
    base_url: str
    model: str
    exchanges: tuple[Exchange, ...]
    keys: tuple[Key, ...] = ()
    places: Mapping[str, str] = field(default_factory=dict)  # id of an exchange -> where it was recorded


@dataclass(frozen=True)
class FileReport:
    """A line about one file, and whether the file could not be read as a recording at all."""

    name: str
    says: str
    fault: bool = False

    def __str__(self) -> str:
        return f"{self.name}: {self.says}"


@dataclass(frozen=True)
class RecordedFiles:
    """Everything that was read."""

    groups: tuple[ExchangeGroup, ...]
    files: tuple[FileReport, ...]

    @property
    def count(self) -> int:
        """How many exchanges there are."""
        return sum(len(group.exchanges) for group in self.groups)


@dataclass
class _Tally:
    """How many entries of one file were read, and how many were left out for which reason."""

    kind: str = ""
    seen: int = 0
    read: int = 0
    unrelated: int = 0
    unaddressed: int = 0
    too_many: int = 0
    missing: Counter[str] = field(default_factory=Counter)
    unusable: int = 0
    named: list[SkippedEntry] = field(default_factory=list)  # the first that cannot be used
    ended: str = ""

    def skip(self, one: SkippedEntry) -> None:
        """Count an entry that cannot be used."""
        self.unusable += 1
        if len(self.named) < _NAMED:
            self.named.append(one)

    def __str__(self) -> str:
        counts = [
            *((number, what) for what, number in sorted(self.missing.items())),
            (self.unrelated, "not of the Gemini API, left out"),
            (self.unaddressed, "without an address, left out (give it with --url)"),
            (
                self.too_many,
                "left out, because the entries before them fill the memory that a recording may take; judge fewer at once",
            ),
        ]
        parts = [f"{self.kind}, {count_noun(self.seen, 'entry', 'entries')}", f"{self.read} read"]
        parts += [f"{number} {what}" for number, what in counts if number]
        parts += [f"{one.where} {one.why}" for one in self.named]
        if self.unusable > _NAMED:
            parts.append(f"{self.unusable - _NAMED} more that cannot be used")
        if self.ended:
            parts.append(f"{self.ended}; what came before was read")
        return "; ".join(parts)


class _Collector:
    """Takes entries from any number of files, and sorts them by host and model; our own by provider."""

    def __init__(self, url: str | None) -> None:
        self._url = url
        self._captured: dict[tuple[str, str], list[CapturedExchange]] = {}
        self._own: dict[str, dict[str, CapturedExchange]] = {}
        self._bytes = 0
        self._number = 0

    def take(self, file: str, one: RecordedEntry | OwnExchange | SkippedEntry, tally: _Tally) -> None:
        """Take the entry at one place of a file, or count the reason why it is not taken."""
        tally.seen += 1
        if isinstance(one, SkippedEntry):
            tally.skip(one)
        elif isinstance(one, OwnExchange):
            self._take_own(f"{file}, {one.where}", one, tally)
        elif one.url is None and self._url is None:
            tally.unaddressed += 1
        else:
            self._take_entry(f"{file}, {one.where}", one, tally)

    def _take_own(self, place: str, own: OwnExchange, tally: _Tally) -> None:
        exchange = own.exchange
        taken = self._own.setdefault(exchange.provider, {})
        if exchange.id in taken:
            why = f"has the id {exchange.id}, which appears twice; judge the files of two runs separately"
            tally.skip(SkippedEntry(own.where, why))
        elif self._has_room(exchange, tally):
            taken[exchange.id] = replace(mask_own_exchange(exchange), place=place)

    def _take_entry(self, place: str, entry: RecordedEntry, tally: _Tally) -> None:
        address = find_address(entry, self._url)
        if address is None:
            tally.unrelated += 1
            return
        captured = make_exchange(entry, address)
        if self._has_room(captured.exchange, tally):
            tally.missing.update([captured.missing] if captured.missing else [])
            taken = self._captured.setdefault((address.host, address.model), [])
            taken.append(replace(captured, place=place))

    def _has_room(self, exchange: Exchange, tally: _Tally) -> bool:
        """Count an exchange; return False if it would exceed the memory that is allowed for all of them."""
        bodies = (exchange.body, exchange.request.body)
        size = sum(len(body) + _VALUE * (body.count(b",") + body.count(b":")) for body in bodies)
        if self._bytes + size > MOST_BYTES or self._number >= MOST_EXCHANGES:
            tally.too_many += 1
            return False
        self._bytes += size
        self._number += 1
        tally.read += 1
        return True

    def build_groups(self) -> tuple[ExchangeGroup, ...]:
        """Return the exchanges in groups, one for each host and model, in the order of their first exchanges."""
        own = [_build_group(name, [*taken.values()]) for name, taken in self._own.items() if taken]
        names = name_providers(tuple(self._captured), frozenset(group.name for group in own))
        return (
            *own,
            *(
                _build_group(names[key], _name_probes(names[key], taken))
                for key, taken in self._captured.items()
            ),
        )


def _name_probes(provider: str, taken: Sequence[CapturedExchange]) -> list[CapturedExchange]:
    """Give the exchanges of a provider the names of probes, in their order."""
    return [
        replace(one, exchange=replace(one.exchange, provider=provider, probe=f"{CAPTURED}-{number}"))
        for number, one in enumerate(taken, 1)
    ]


def _build_group(name: str, taken: Sequence[CapturedExchange]) -> ExchangeGroup:
    """Put a group together: a key that one exchange gives away is masked in all of them."""
    address = taken[0].address
    shared = tuple(dict.fromkeys(key for one in taken for key in one.keys))[:MOST]
    exchanges = tuple(
        mask_captured_exchange(one.exchange, [key for key in shared if key not in one.keys]) for one in taken
    )
    places = {exchange.id: one.place for exchange, one in zip(exchanges, taken, strict=True)}
    secrets = tuple(dict.fromkeys((*shared, *(key for one in taken for key in one.cookies))))[:MOST]
    mask = RecordedKeyring(secrets).mask  # some carry the key in the path
    return ExchangeGroup(
        name, address.host, mask(address.base_url), mask(address.model), exchanges, secrets, places
    )


# --- files ---


def read_files(names: Sequence[str], url: str | None = None) -> RecordedFiles:
    """Read every file; the line of a file that cannot be read says why, and the others are read nevertheless.

    `url` says what was asked if a recording does not. Raises CaptureError if it is not an address of the API.
    """
    if url is not None and parse_address(url, "POST") is None and parse_address(url, "GET") is None:
        raise CaptureError(f"--url {url[:200]!r} is not an address of the Gemini API, such as {EXAMPLE}")
    collector = _Collector(url)
    files = tuple(_read_file(name, collector) for name in dict.fromkeys(names))
    return RecordedFiles(collector.build_groups(), files)


def read_values(values: Iterable[Mapping[str, object] | Exchange]) -> RecordedFiles:
    """Read JSON objects of the contract's form, or exchanges. What cannot be used raises CaptureError with its place."""
    collector, tally = _Collector(None), _Tally("values")
    for number, value in enumerate(values, 1):
        where = f"exchange {number}"
        one = OwnExchange(where, value) if isinstance(value, Exchange) else read_value(where, value)
        if isinstance(one, SkippedEntry):
            raise CaptureError(f"{one.where} {one.why}")
        collector.take("given", one, tally)
    return RecordedFiles(collector.build_groups(), (FileReport("given", str(tally)),))


def _read_file(name: str, collector: _Collector) -> FileReport:
    tally = _Tally()
    try:
        with open_recording(name) as file:
            tally.kind, entries = choose_reader(file)
            for one in entries:
                collector.take(Path(name).name, one, tally)
    except (CaptureError, FileError, *BROKEN) as error:
        if not tally.seen:
            return FileReport(name, describe_broken(error), fault=True)
        tally.ended = describe_broken(error)
    return FileReport(name, str(tally), fault=0 < tally.seen == tally.unusable)


def choose_reader(file: OpenRecording) -> tuple[str, Entries]:
    """Return the format of a file, by its content, and its entries. Raises CaptureError if the format is unknown."""
    head = file.head.lstrip()
    if not head:
        raise CaptureError("is empty")
    if curl.looks_like_curl(head):
        return "curl's output", curl.read_curl(file.read_whole(curl.LARGEST))
    if head.startswith(FIRST_LINE):
        return "a trace of httprr", read_httprr(file.read_whole(LARGEST_TRACE))
    if head[:1] in (b"{", b"["):
        return _choose_json_reader(file, head)
    if _YAML.search(head):
        return "a cassette", read_cassette(load_yaml(file.read_whole(LARGEST)))
    raise CaptureError(
        "is not a recording in a known format: HAR, a VCR cassette, the output of curl -i, or JSON lines"
    )


def _choose_json_reader(file: OpenRecording, head: bytes) -> tuple[str, Entries]:
    names = list_first_names(head)
    if "log" in names:
        return "HAR", read_har(file.file)
    if {"interactions", "http_interactions"} & {*names} or {"requests", "responses"} <= {*names}:
        return "a cassette", read_cassette(load_json(file.read_whole(LARGEST)))
    return "JSON lines", read_lines(file.file, head)
