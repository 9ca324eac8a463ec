"""A results.json that some run wrote, read within bounds: the part that comparing and switching need, as frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from conformance.catalogue import resolve_rule_id
from conformance.files import FileError, read_json_file
from conformance.members import JsonObject, MemberError
from conformance.model import JSON, NOTHING, RESULTS_FORMAT

FILE_NAME = "results.json"
LARGEST = 256 * 1024 * 1024  # bytes; 150 providers with evidence are some 25 MB
FINDING, PASS, UNJUDGED = "finding", "pass", "unjudged"
_FINDINGS = ("deviation", "known", "note")
_RUN_FILE = "run.json"
_NOT_JUDGED = ("inconclusive", "not-run")  # statuses
MEND = "it is damaged or was changed by hand; `conformance replay` on the run's folder writes it anew"


@dataclass(frozen=True)
class PastCase:
    """The outcome of one rule for one provider; `deviation` is the finding as results.json holds it."""

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
        """The finding's level; `note` where the case is a note without a finding, empty where the case is not a finding."""
        if self.state != FINDING:
            return ""
        return self.get_text("level") or ("note" if self.outcome == "note" else "must")

    @property
    def is_known(self) -> bool:
        """Whether a `known` entry accepts the finding."""
        return self.outcome == "known" or (self.deviation or {}).get("known") is True

    @property
    def is_generated(self) -> bool:
        """Whether generated bodies alone show the finding."""
        return (self.deviation or {}).get("generated") is True

    @property
    def has_unlisted_places(self) -> bool:
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
    """The verdict on one client: works | degraded | broken | untested, the reason in words, and what must be configured first."""

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
        """Whether the provider could be judged at all."""
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
    value = read_json_file(path, within=place if folder else None, limit=LARGEST)
    try:
        return _read_results(path, JsonObject.read(value))
    except MemberError as error:
        raise FileError(f"{path}: {error}; {MEND}") from error


def _read_results(path: Path, whole: JsonObject) -> PastRun:
    _check_format(path, whole)
    run = whole.take_object("run")
    selection = run.find("selection", dict) or {}
    bodies = _find_max_examples(path.with_name(_RUN_FILE), selection)
    providers = [_read_provider(entry, bodies) for entry in whole.take_objects("providers")]
    return PastRun(
        source=str(path),
        id=run.take("id", str),
        started_at=run.take("started_at", str),
        version=whole.take_object("tool").take("version", str),
        complete=run.find("complete", bool) is not False,
        selection=MappingProxyType(selection),
        providers=MappingProxyType({one.name: one for one in providers}),
        whole=MappingProxyType(dict(whole.members)),
    )


def _find_max_examples(run_file: Path, selection: Mapping[str, JSON]) -> Mapping[str | None, int]:
    """Return how many bodies were to be generated for each provider; under None, what the command line said for all."""
    chosen = selection.get("max_examples")
    if isinstance(chosen, int):
        return {None: chosen}
    try:
        found = read_json_file(run_file, within=run_file.parent) if run_file.is_file() else {}
        entries = [*JsonObject.read(found).take_objects("providers")]
    except (FileError, MemberError):
        return {}  # the results are whole without it
    named = ((entry.find("name", str), entry.find("max_examples", int)) for entry in entries)
    return {name: count for name, count in named if name is not None and count is not None}


def _check_format(path: Path, whole: JsonObject) -> None:
    found = whole.find("format", str) or ""
    if found == RESULTS_FORMAT:
        return
    if not found.startswith(RESULTS_FORMAT.partition("/")[0] + "/"):
        raise FileError(f"{path}: is not a results.json: its `format` is not {RESULTS_FORMAT!r}")
    tool = JsonObject(whole.find("tool", dict) or {})
    writer = f"{tool.find('name', str) or 'an unnamed program'} {tool.find('version', str) or 'of unknown version'}"
    raise FileError(
        f"{path}: was written by {writer[:120]} as {found[:60]!r}, and this version reads {RESULTS_FORMAT!r}; "
        "`conformance replay` on the run's folder judges its recording anew"
    )


def _read_provider(entry: JsonObject, bodies: Mapping[str | None, int]) -> PastProvider:
    name = entry.take("name", str)
    judged, traffic = (
        JsonObject(entry.find("judged", dict) or {}),
        JsonObject(entry.find("traffic", dict) or {}),
    )
    deviations = {one.take("rule", str): one.members for one in entry.take_objects("deviations")}
    cases = [_read_case(one, deviations) for one in entry.take_objects("cases")]
    clients = [_read_client(one) for one in entry.take_objects("clients")]
    traits = {key: found for key, found in entry.take("traits", dict).items() if isinstance(found, dict)}
    return PastProvider(
        name=name,
        title=entry.find("title", str) or name,
        dialect=entry.take("dialect", str),
        base_url=entry.take("base_url", str),
        model=entry.take("model", str),
        embedded=entry.find("embedded", bool) is True,
        status=entry.take("status", str),
        reason=entry.find("reason", str) or "",
        traits=MappingProxyType({key: found.get("observed") for key, found in traits.items()}),
        documented=MappingProxyType({key: found.get("documented") for key, found in traits.items()}),
        cases=MappingProxyType({case.rule: case for case in sorted(cases, key=_weigh)}),
        clients=MappingProxyType({one.client: one for one in clients}),
        questions=max(0, (traffic.find("requests", int) or 0) - (traffic.find("retries", int) or 0)),
        rules_judged=judged.find("rules", int),
        rules_in_all=judged.find("of", int),
        limited_by=tuple(map(str, judged.find("limited_by", list) or ())),
        bodies=bodies.get(name, bodies.get(None)),
    )


def _read_case(entry: JsonObject, deviations: Mapping[str, Mapping[str, JSON]]) -> PastCase:
    id_ = entry.take("rule", str)
    reason = entry.find("reason", str) or ""
    return PastCase(resolve_rule_id(id_), entry.take("outcome", str), reason, deviations.get(id_))


def _weigh(case: PastCase) -> int:
    """Return how much a case weighs: of several rules that are one today, the worst finding counts, else a pass."""
    if case.state != FINDING:
        return 1 if case.state == PASS else 0
    return {"must": 4, "should": 3}.get(case.level, 2)


def _read_client(entry: JsonObject) -> PastClient:
    effects = [one for one in entry.find("because", list) or () if isinstance(one, dict)]
    return PastClient(
        client=entry.take("client", str),
        verdict=entry.take("verdict", str),
        because=tuple(
            ": ".join(str(one[key]) for key in ("effect", "detail") if one.get(key)) for one in effects
        ),
        configure=tuple(map(str, entry.find("configure", list) or ())),
        rules=tuple(dict.fromkeys(resolve_rule_id(str(one["rule"])) for one in effects if one.get("rule"))),
    )
