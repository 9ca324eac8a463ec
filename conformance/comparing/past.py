"""A results.json that some run wrote, read within bounds: what comparing and switching need of it, as frozen values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from conformance.files import FileError, read_json_file
from conformance.model import JSON, NOTHING
from conformance.verdicts.results import FORMAT

FILE_NAME = "results.json"
LARGEST = 256 * 1024 * 1024  # bytes; 150 providers with evidence are some 25 MB
FINDING, PASS, UNJUDGED = "finding", "pass", "unjudged"
_FINDINGS = ("deviation", "known", "note")
_RUN_FILE = "run.json"
_NOT_JUDGED = ("inconclusive", "not-run")  # statuses
MEND = "it is damaged or was changed by hand; `conformance replay` on the run's folder writes it anew"


@dataclass(frozen=True)
class PastCase:
    """What became of one rule for one provider; `deviation` is the finding as results.json holds it."""

    rule: str
    outcome: str
    reason: str = ""
    deviation: Mapping[str, JSON] | None = None

    @property
    def state(self) -> str:
        """The case as finding | pass | unjudged."""
        if self.outcome in _FINDINGS:
            return FINDING
        return PASS if self.outcome == "pass" else UNJUDGED

    @property
    def level(self) -> str:
        """The finding's level; `note` where the case is a note without a finding, empty where there is none."""
        if self.state != FINDING:
            return ""
        return self.get_text("level") or ("note" if self.outcome == "note" else "must")

    @property
    def known(self) -> bool:
        """Whether a `known` entry accepts the finding."""
        return self.outcome == "known" or (self.deviation or {}).get("known") is True

    @property
    def generated(self) -> bool:
        """Whether generated bodies alone show the finding."""
        return (self.deviation or {}).get("generated") is True

    @property
    def unlisted(self) -> bool:
        """Whether the finding has more places than the file lists."""
        more = (self.deviation or {}).get("more_pointers")
        return isinstance(more, int) and more > 0

    def get_text(self, name: str) -> str:
        """Return a text of the finding, or an empty one."""
        value = (self.deviation or {}).get(name)
        return value if isinstance(value, str) else ""

    def get_texts(self, name: str) -> tuple[str, ...]:
        """Return a list of texts of the finding."""
        value = (self.deviation or {}).get(name)
        return tuple(str(one) for one in value) if isinstance(value, list) else ()


@dataclass(frozen=True)
class PastClient:
    """What became of one client: works | degraded | broken | untested, why in words, and what it must be told."""

    client: str
    verdict: str
    because: tuple[str, ...] = ()
    configure: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()


@dataclass(frozen=True)
class PastProvider:
    """One provider of a run."""

    name: str
    title: str
    dialect: str
    base_url: str
    model: str
    embedded: bool
    status: str
    reason: str
    traits: Mapping[str, JSON] = field(default_factory=lambda: NOTHING)  # as observed; None where unknown
    documented: Mapping[str, JSON] = field(default_factory=lambda: NOTHING)
    cases: Mapping[str, PastCase] = field(default_factory=lambda: MappingProxyType({}))
    clients: Mapping[str, PastClient] = field(default_factory=lambda: MappingProxyType({}))
    questions: int = 0  # requests without the retries
    rules_judged: int | None = None  # None where an older version wrote the file
    rules_in_all: int | None = None
    limited_by: tuple[str, ...] = ()
    bodies: int | None = None  # generated bodies that the run was to ask; None where nothing says so

    @property
    def is_judged(self) -> bool:
        """Whether anything can be said of the provider."""
        return self.status not in _NOT_JUDGED


@dataclass(frozen=True)
class PastRun:
    """One run; `whole` is its results.json as it stands."""

    source: str
    id: str
    started_at: str
    version: str
    complete: bool
    selection: Mapping[str, JSON]
    providers: Mapping[str, PastProvider]
    whole: Mapping[str, JSON] = field(repr=False)


def read_past(place: Path) -> PastRun:
    """Read a run from its folder or its results.json. Raises FileError, one line that says what is wrong."""
    folder = place.is_dir()
    path = place / FILE_NAME if folder else place
    whole = _Place(path, read_json_file(path, within=place if folder else None, limit=LARGEST)).object()
    _check_format(path, whole.value)
    run = whole.at("run").object()
    bodies = _bodies(path.with_name(_RUN_FILE), run.member("selection"))
    providers = [_provider(entry.object(), bodies) for entry in whole.at("providers").items()]
    return PastRun(
        source=str(path),
        id=run.text("id"),
        started_at=run.text("started_at"),
        version=whole.at("tool").object().text("version"),
        complete=run.value.get("complete") is not False,
        selection=MappingProxyType(run.member("selection")),
        providers=MappingProxyType({one.name: one for one in providers}),
        whole=MappingProxyType(whole.value),
    )


def _bodies(run_file: Path, selection: Mapping[str, JSON]) -> Mapping[str | None, int]:
    """Return how many generated bodies each provider was to be asked; under None, what the command line said of all."""
    chosen = selection.get("max_examples")
    if isinstance(chosen, int):
        return {None: chosen}
    try:
        found = read_json_file(run_file, within=run_file.parent) if run_file.is_file() else None
    except FileError:
        return {}  # the results are whole without it
    entries = _list(found.get("providers")) if isinstance(found, dict) else []
    named = [(one.get("name"), one.get("max_examples")) for one in entries if isinstance(one, dict)]
    return {name: count for name, count in named if isinstance(name, str) and isinstance(count, int)}


def _check_format(path: Path, whole: Mapping[str, JSON]) -> None:
    found = whole.get("format")
    if found == FORMAT:
        return
    if not isinstance(found, str) or not found.startswith(FORMAT.partition("/")[0] + "/"):
        raise FileError(f"{path}: is not a results.json: its `format` is not {FORMAT!r}")
    tool = whole.get("tool")
    said = tool if isinstance(tool, dict) else {}
    writer = f"{said.get('name', 'an unnamed program')} {said.get('version', 'of unknown version')}"
    raise FileError(
        f"{path}: was written by {writer[:120]} as {found[:60]!r}, and this version reads {FORMAT!r}; "
        "`conformance replay` on the run's folder judges its recording anew"
    )


@dataclass(frozen=True)
class _Place:
    """A value in the file, and where it stands; every step says what is wrong instead of raising KeyError."""

    path: Path
    found: JSON
    pointer: str = ""

    def object(self) -> _Object:
        if not isinstance(self.found, dict):
            raise FileError(f"{self.path}: {self.pointer or '/'}: must be an object; {MEND}")
        return _Object(self.path, self.found, self.pointer)

    def items(self) -> Iterator[_Place]:
        if not isinstance(self.found, list):
            raise FileError(f"{self.path}: {self.pointer}: must be a list; {MEND}")
        for number, item in enumerate(self.found):
            yield _Place(self.path, item, f"{self.pointer}/{number}")


@dataclass(frozen=True)
class _Object:
    path: Path
    value: dict[str, JSON]
    pointer: str

    def at(self, name: str) -> _Place:
        if name not in self.value:
            raise FileError(f"{self.path}: {self.pointer}/{name}: is missing; {MEND}")
        return _Place(self.path, self.value[name], f"{self.pointer}/{name}")

    def text(self, name: str) -> str:
        found = self.at(name)
        if not isinstance(found.found, str):
            raise FileError(f"{self.path}: {found.pointer}: must be text; {MEND}")
        return found.found

    def optional(self, name: str) -> str:
        value = self.value.get(name)
        return value if isinstance(value, str) else ""

    def member(self, name: str) -> dict[str, JSON]:
        value = self.value.get(name)
        return value if isinstance(value, dict) else {}


def _provider(entry: _Object, bodies: Mapping[str | None, int]) -> PastProvider:
    name = entry.text("name")
    judged, traffic = entry.member("judged"), entry.member("traffic")
    deviations = {one.text("rule"): one.value for one in _objects(entry, "deviations")}
    cases = [_case(one, deviations) for one in _objects(entry, "cases")]
    clients = [_client(one) for one in _objects(entry, "clients")]
    traits = {
        key: found for key, found in entry.at("traits").object().value.items() if isinstance(found, dict)
    }
    return PastProvider(
        name=name,
        title=entry.optional("title") or name,
        dialect=entry.text("dialect"),
        base_url=entry.text("base_url"),
        model=entry.text("model"),
        embedded=entry.value.get("embedded") is True,
        status=entry.text("status"),
        reason=entry.optional("reason"),
        traits=MappingProxyType({key: found.get("observed") for key, found in traits.items()}),
        documented=MappingProxyType({key: found.get("documented") for key, found in traits.items()}),
        cases=MappingProxyType({case.rule: case for case in cases}),
        clients=MappingProxyType({one.client: one for one in clients}),
        questions=max(0, (_count(traffic, "requests") or 0) - (_count(traffic, "retries") or 0)),
        rules_judged=_count(judged, "rules"),
        rules_in_all=_count(judged, "of"),
        limited_by=tuple(str(one) for one in _list(judged.get("limited_by"))),
        bodies=bodies.get(name, bodies.get(None)),
    )


def _count(entry: Mapping[str, JSON], name: str) -> int | None:
    value = entry.get(name)
    return value if isinstance(value, int) else None


def _objects(entry: _Object, name: str) -> Iterator[_Object]:
    return (place.object() for place in entry.at(name).items())


def _case(entry: _Object, deviations: Mapping[str, Mapping[str, JSON]]) -> PastCase:
    rule = entry.text("rule")
    return PastCase(rule, entry.text("outcome"), entry.optional("reason"), deviations.get(rule))


def _client(entry: _Object) -> PastClient:
    because, needs = _list(entry.value.get("because")), _list(entry.value.get("configure"))
    effects = [one for one in because if isinstance(one, dict)]
    return PastClient(
        client=entry.text("client"),
        verdict=entry.text("verdict"),
        because=tuple(
            ": ".join(str(one[key]) for key in ("effect", "detail") if one.get(key)) for one in effects
        ),
        configure=tuple(str(one) for one in needs),
        rules=tuple(dict.fromkeys(str(one["rule"]) for one in effects if one.get("rule"))),
    )


def _list(value: JSON) -> list[JSON]:
    return value if isinstance(value, list) else []
