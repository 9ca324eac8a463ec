"""The engine's hold on pytest: options, one case per provider and rule, everything asked before anything judges.

Loaded by name (`-p conformance.plugin`), never by itself: other people's tests must not meet its options.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Sequence
from pathlib import Path

import pytest

from conformance.catalogue import Rule
from conformance.model import Case, Dimension, Outcome, Provider
from conformance.recording.record import RecordError, write_whole
from conformance.report import finish, page
from conformance.report.plain import one_line
from conformance.running.engine import Engine
from conformance.running.interrupts import sigterm_as_sigint
from conformance.running.session import Options, Session, UsageError, prepare

ENGINE = pytest.StashKey[Engine]()
_CASE = "conformance_case"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options of a run under plain pytest; the same words as `conformance run`."""
    group = parser.getgroup("conformance", "vendors of the Gemini API")
    add = group.addoption
    add("--provider", action="append", default=[], metavar="NAME", help="ask this provider (repeatable)")
    add(
        "--dimension",
        action="append",
        default=[],
        metavar="DIMENSION",
        help="judge this dimension only (repeatable)",
    )
    add("--providers-file", metavar="FILE", help="a providers.yaml other than the working folder's")
    add("--conformance-out", metavar="DIR", help="where the report goes (default reports/<time>/)")
    add(
        "--client",
        action="append",
        default=[],
        metavar="CLIENT",
        help="a client that must not break (repeatable)",
    )
    add("--fail-on", choices=["must", "should", "any", "never"], default="must", help="the level that fails")
    add("--against", choices=["reference", "documented", "both"], default="both", help="whose word counts")
    add("--max-examples", type=int, metavar="N", help="generated bodies per provider")
    add("--shrink", type=int, default=0, metavar="N", help="requests to spend on making failing bodies small")
    add("--conformance-seed", type=int, default=0, metavar="N", help="seed of nonces and generated bodies")


def _options(config: pytest.Config) -> Options:
    get = config.getoption
    out, file = get("--conformance-out"), get("--providers-file")
    return Options(
        providers=tuple(get("--provider")),
        dimensions=tuple(get("--dimension")),
        config=Path(file) if file else None,
        out=Path(out) if out else None,
        clients=tuple(get("--client")),
        fail_on=get("--fail-on"),
        against=get("--against"),
        max_examples=get("--max-examples"),
        shrink=get("--shrink"),
        seed=get("--conformance-seed"),
    )


def pytest_configure(config: pytest.Config) -> None:
    """Read providers.yaml and make the engine, unless `conformance run` has made one already."""
    for dimension in Dimension:
        config.addinivalue_line("markers", f"{dimension.value}: rules of the dimension {dimension.value}")
    if any(isinstance(plugin, Suite) for plugin in config.pluginmanager.get_plugins()):
        return
    try:
        engine = Engine(prepare(_options(config), os.environ))
    except UsageError as error:
        raise pytest.UsageError(str(error)) from None
    config.pluginmanager.register(Suite(engine), "conformance-engine")


class Suite:
    """The hooks of one run; holds the engine that asks and judges."""

    def __init__(self, engine: Engine) -> None:
        """Keep the engine."""
        self.engine = engine
        self.fault = ""
        self._session: pytest.Session | None = None

    def pytest_configure(self, config: pytest.Config) -> None:
        """Make the engine known to the tests, and let pytest-html write beside its final place."""
        config.stash[ENGINE] = self.engine

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """One case per provider and rule."""
        if _CASE in metafunc.fixturenames:
            pairs = self.engine.pairs()
            metafunc.parametrize(_CASE, [_parameter(*pair) for pair in pairs])

    def _ask(self, session: pytest.Session) -> None:
        try:
            self.engine.ask(_selected(session.items))
        except UsageError as error:
            raise pytest.UsageError(str(error)) from None

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, object, object]:
        """Ask everything that the selected cases need, concurrently, before the first of them judges."""
        with sigterm_as_sigint():
            if not session.config.option.collectonly:
                self._ask(session)
            return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Name the file of a skipped case alone: a page that is passed on holds no path of the machine that made it."""
        report = yield
        if _CASE in getattr(item, "fixturenames", ()) and isinstance(report.longrepr, tuple):
            path, line, reason = report.longrepr
            report.longrepr = (Path(path).name, line, reason)
        return report

    def pytest_keyboard_interrupt(self) -> None:
        """Ctrl-C while pytest judges: what is there is reported, and marked incomplete."""
        self.engine.interrupted = True

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write results.json and what is drawn from it, and let it decide the exit code."""
        self._session = session
        if self.engine.asked and not session.config.option.collectonly:
            session.exitstatus = self.engine.finish()

    def pytest_internalerror(self, excrepr: object) -> None:
        """Keep what went wrong in the checker itself: it must be told, whatever the results say."""
        self.fault = str(excrepr)

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_report_title(self, report: object) -> None:
        """Name the log behind the page."""
        report.title = "The log of all cases"  # type: ignore[attr-defined]

    @pytest.hookimpl(trylast=True)
    def pytest_unconfigure(self, config: pytest.Config) -> None:
        """Write the page, look for keys in all that was written, and end with the code that all of it amounts to."""
        self._write_page(config)
        if self.engine.results is not None and self._session is not None:
            shown = self.engine.results
            self._session.exitstatus = self.engine.conclude()
            if self.engine.results is not shown:  # the code is another than the page says
                self._write_page(config)

    def _write_page(self, config: pytest.Config) -> None:
        """Write the page; where that fails, the engine knows."""
        try:
            with self.engine.finishing():
                self._page(config)
        except RecordError as error:
            self.engine.fault = self.engine.fault or str(error)
        except (OSError, ValueError) as error:
            self.engine.fault = (
                self.engine.fault or f"{self.engine.out / 'report.html'}: cannot be written: {error}"
            )

    def _page(self, config: pytest.Config) -> None:
        """Put our page in front of the one that pytest-html has written by now."""
        results, target = self.engine.results, self.engine.out / "report.html"
        written = getattr(config.option, "htmlpath", None)
        if results is None:
            return
        if written and Path(written).is_file():
            finish(Path(written), results, target)
        else:  # without pytest-html's log the page stands alone
            write_whole(target, page(results))


def _parameter(provider: Provider, rule: Rule) -> object:
    mark = getattr(pytest.mark, rule.dimension.value)
    return pytest.param(
        (provider.name, rule.id), id=f"{provider.name}-{rule.id.replace('/', '-')}", marks=mark
    )


def _selected(items: Sequence[pytest.Item]) -> dict[str, set[str]]:
    """Provider -> the rules that -k, -m and the like have left."""
    wanted: dict[str, set[str]] = {}
    for item in items:
        case = getattr(item, "callspec", None)
        if case is not None and isinstance(
            case.params.get(_CASE), tuple
        ):  # with nobody to ask pytest puts NOTSET there
            provider, rule = case.params[_CASE]
            wanted.setdefault(provider, set()).add(rule)
    return wanted


@pytest.fixture
def engine(request: pytest.FixtureRequest) -> Engine:
    """Return the engine of this run."""
    return request.config.stash[ENGINE]


def tell(case: Case, masked: Callable[[str], str]) -> None:
    """Let pytest show what became of a case: fail, skip with the reason, or pass; `masked` hides keys."""
    __tracebackhide__ = True
    if case.outcome is Outcome.PASS:
        return
    if case.outcome is Outcome.DEVIATION and case.deviation:
        spot = case.deviation.spots[0]
        seen = f"expected: {one_line(spot.expected)}\nobserved: {one_line(spot.observed)}"
        said = f"{case.deviation.level}: {one_line(case.deviation.title)}\n{seen}"
        pytest.fail(masked(f"{said}\nat {spot.exchange} {one_line(spot.pointer)}"), pytrace=False)
    if case.outcome is Outcome.ERROR:
        pytest.fail(masked(f"the checker's own fault: {case.reason}"), pytrace=False)
    if case.outcome is not Outcome.NOTE:
        pytest.skip(masked(f"{case.outcome}: {one_line(case.reason)}"))


def session_of(engine: Engine) -> Session:
    """Return the session that an engine runs; for tests of the plugin."""
    return engine.session
