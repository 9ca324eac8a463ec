"""The pytest plugin: its options, one case per provider and rule, and all questions asked before the first case is shown.

Loaded by name (`-p conformance.plugin`), never automatically, so that other people's tests are not affected by its
options, all of which begin with `--conformance-`. Under pytest-xdist the controller asks, judges and writes; its
workers only show cases.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from conformance.model import Dimension, Provider
from conformance.report import make_log, make_row
from conformance.running.arguments import OF_A_RUN, read_run_options
from conformance.running.case_reports import (
    CaseIds,
    CaseReport,
    Reports,
    describe_end,
    make_client_case_id,
    make_known_case_id,
    make_rule_case_id,
    read_case_id,
    read_reports,
    report_case,
    report_client,
    report_known,
    write_reports,
)
from conformance.running.engine import Engine
from conformance.running.interrupts import sigterm_as_sigint
from conformance.running.session import RunOptions, Session, UsageError, prepare_session

SUITE = pytest.StashKey["Suite"]()
_PREFIX = "conformance-"
_CASES = ("rule_case", "client_case", "known_case")  # the fixtures that tests of the suite take
_NOT_FINISHED = CaseReport("skipped", "inconclusive: the run ended before it was judged")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options of a run under plain pytest: those of `conformance run`, with a prefix."""
    group = parser.getgroup("conformance", "vendors of the Gemini API")
    for argument in OF_A_RUN:
        argument.declare(group.addoption, _PREFIX)


def _read_options(config: pytest.Config) -> RunOptions:
    def get(name: str) -> Any:
        return config.getoption(f"--{_PREFIX}{name}", None)

    options = read_run_options(get)
    # The user's project: rootdir where an ini file marks it, else the working folder.
    project = Path(os.path.relpath(config.rootpath)) if config.inipath is not None else Path()
    file = options.config
    if file is None and not any(Path(name).exists() for name in ("providers.yaml", "providers.yml")):
        file = project / "providers.yaml" if (project / "providers.yaml").is_file() else None
    return replace(options, config=file, reports=project / "reports")


def pytest_configure(config: pytest.Config) -> None:
    """Read providers.yaml and make the engine, unless `conformance run` has made one already.

    A wrong option or file ends pytest with 2, as it ends `conformance run`.
    """
    for dimension in Dimension:
        config.addinivalue_line("markers", f"{dimension.value}: rules of the dimension {dimension.value}")
    if any(isinstance(plugin, Suite) for plugin in config.pluginmanager.get_plugins()):
        return
    try:
        suite = _make_suite(config)
    except UsageError as error:
        pytest.exit("\n".join(error.args), returncode=2)
    config.pluginmanager.register(suite, "conformance-suite")


def _make_suite(config: pytest.Config) -> Suite:
    session = prepare_session(_read_options(config), os.environ)
    given: Mapping[str, Any] | None = getattr(config, "workerinput", None)
    if given is not None:
        return WorkerSuite(session, Path(given["conformance_reports"]))
    return ControllerSuite(Engine(session))


class Suite:
    """The hooks that every process of a run has: which cases there are, and what each of them shows."""

    def __init__(self, session: Session) -> None:
        """Take the prepared session; nothing is asked yet."""
        self.session = session

    @cached_property
    def ids(self) -> CaseIds:
        """The ids of all cases."""
        return CaseIds.of(self._providers(), self.session.rules, self.session.options.clients)

    @property
    def reports(self) -> Reports:
        """The reports of all cases by the id of their test; asked for once the cases run."""
        raise NotImplementedError

    def mask(self, text: str) -> str:
        """Return a text with every key of the run masked."""
        raise NotImplementedError

    def pytest_configure(self, config: pytest.Config) -> None:
        """Make the suite known to the fixtures."""
        config.stash[SUITE] = self

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Make the cases of each test of the suite."""
        for fixture in _CASES:
            if fixture in metafunc.fixturenames:
                cases = self._list_cases(fixture)
                metafunc.parametrize(
                    fixture, [pytest.param(id_, id=id_, marks=marks) for id_, *marks in cases]
                )

    def _list_cases(self, fixture: str) -> Iterator[tuple[Any, ...]]:
        """Yield the id of each case, and the marks of those that have any.

        There is a case per provider and rule, one per provider and named client, and one per provider with accepted
        deviations: none of these entries may be stale.
        """
        for provider in self._providers():
            if fixture == "rule_case":
                for rule in self.session.rules:
                    mark = getattr(pytest.mark, rule.dimension.value)
                    yield make_rule_case_id(provider, rule), mark
            elif fixture == "client_case":
                for client in self.session.options.clients:
                    yield (make_client_case_id(provider.name, client),)
            elif provider.known:
                yield (make_known_case_id(provider.name),)

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Leave out the empty case that pytest makes where no client was named and no deviation accepted."""
        items[:] = [item for item in items if not _is_empty(item)]

    def _providers(self) -> list[Provider]:
        return [one.provider for one in self.session.selected]


class WorkerSuite(Suite):
    """The suite in a worker of pytest-xdist: it asks nothing, and shows what the controller found."""

    def __init__(self, session: Session, file: Path) -> None:
        """Take the session and the file that the controller writes before it hands out the first case."""
        super().__init__(session)
        self._file = file

    @cached_property
    def reports(self) -> Reports:
        """The controller's reports."""
        return read_reports(self._file)

    def mask(self, text: str) -> str:
        """Return the text unchanged: the controller masked it before writing it."""
        return text


class ControllerSuite(Suite):
    """The suite in the process that asks, judges and writes the report."""

    def __init__(self, engine: Engine) -> None:
        """Keep the engine."""
        super().__init__(engine.session)
        self.engine = engine
        self.internal_error = ""  # of pytest, or of the checker in one of its hooks
        self._others_failed = False
        self._rows: list[dict[str, Any]] = []  # of the log, without those that passed
        self._passed = 0
        self._exit_code_of_pytest = 0  # what pytest would end with, had it only its own tests to count
        self._scratch: Path | None = None

    @cached_property
    def reports(self) -> Reports:
        """The outcome of every case."""
        reports = {
            id_: report_case(self.engine.case(*pair), self._fail_on(pair[0]))
            for id_, pair in self.ids.rules.items()
        }
        for verdict in self.engine.judged.verdicts:
            name = verdict.provider.name
            reports |= {
                make_client_case_id(name, client.client): report_client(client.verdict, name, client.client)
                for client in verdict.clients
            }
            reports[make_known_case_id(name)] = report_known(verdict.stale)
        return reports

    def _fail_on(self, provider: str) -> str:
        """Return the level that fails a rule's case.

        None does where clients are named (their cases decide), nor for a bundled server that was not.
        """
        options = self.session.options
        embedded = any(one.name == provider and one.embedded for one in self._providers())
        counts = not options.clients and (not embedded or provider in options.providers)
        return options.fail_on if counts else "never"

    def mask(self, text: str) -> str:
        """Return a text with every key of the run masked."""
        return self.engine.mask(text)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, object, object]:
        """Ask everything that the selected cases need, concurrently, before the first of them is shown.

        Under pytest-xdist nothing is collected in this process: the first worker says what is selected.
        """
        with sigterm_as_sigint():
            option = session.config.option
            ends_now = session.testsfailed and not option.continue_on_collection_errors
            if session.items and not option.collectonly and not ends_now:
                self._ask([item.name for item in session.items])
            return (yield)

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell a worker where the reports will be."""
        node.workerinput["conformance_reports"] = str(self._reports_file())

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: Sequence[str]) -> None:
        """Ask once, when the first worker has collected; no case is handed out before this returns."""
        if not self.engine.asked:
            self._ask(ids)
            write_reports(self._reports_file(), self.reports, self.mask)

    def _reports_file(self) -> Path:
        if self._scratch is None:
            self._scratch = Path(tempfile.mkdtemp(prefix="conformance-"))
        return self._scratch / "reports.json"

    def _ask(self, names: Iterable[str]) -> None:
        try:
            self.engine.ask(self.ids.select(names))
        except UsageError as error:
            pytest.exit("\n".join(error.args), returncode=2)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Name the file of a skipped case alone: a page that is passed on holds no path of the machine that made it."""
        report = yield
        if set(_CASES) & set(getattr(item, "fixturenames", ())) and isinstance(report.longrepr, tuple):
            path, line, reason = report.longrepr
            report.longrepr = (Path(path).name, line, reason)
        return report

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_results_table_row(self, report: pytest.TestReport) -> None:
        """Keep what pytest-html shows of a case that did not pass, for the page."""
        if report.outcome != "passed":
            self._rows.append(make_row(report))
        elif report.when == "call":
            self._passed += 1

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_report_title(self, report: object) -> None:
        """Name pytest-html's own file."""
        report.title = "The log of all cases"  # type: ignore[attr-defined]

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Mark the run as interrupted by its user; -x is no interruption, whatever pytest-xdist raises."""
        self.engine.interrupted |= excinfo.type is KeyboardInterrupt

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Remember whether a test that is not ours failed in this session."""
        self._others_failed |= report.failed and read_case_id(report.nodeid) not in self.reports

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Remember whether a file of tests could not be read; ours always can."""
        self._others_failed |= report.failed

    def pytest_internalerror(self, excrepr: object) -> None:
        """Keep what went wrong in the checker itself: it must be reported even if the results look fine."""
        self.internal_error = str(excrepr)

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None, None, None]:
        """Write the folder of results once every plugin has ended its own part, and set the exit code.

        What other tests of the same session failed stays failed.
        """
        yield
        self._exit_code_of_pytest = int(session.exitstatus)
        if self.engine.asked and not session.config.option.collectonly:
            logged = bool(getattr(session.config.option, "htmlpath", None))
            code = self.engine.finish(make_log(self._rows, self._passed) if logged else None)
            session.exitstatus = self._combine(code)

    def _combine(self, code: int) -> int:
        """Return the exit code of pytest: the run's, unless something beside the run went wrong as well."""
        if self._others_failed and code in (0, 3):
            return 1
        return code or self._exit_code_of_pytest

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Say what the exit code rests on, and where the report is."""
        results = self.engine.results
        if results is None:
            return
        terminalreporter.section("conformance")
        code = self.engine.exit_code
        for line in describe_end(results, self.engine.exit_causes(), code, self._combine(code)):
            terminalreporter.line(self.mask(line))
        terminalreporter.line(f"report: {self.engine.out / 'report.html'}")

    @pytest.hookimpl(trylast=True)
    def pytest_unconfigure(self) -> None:
        """Remove the file that the workers read."""
        if self._scratch is not None:
            shutil.rmtree(self._scratch, ignore_errors=True)


def _is_empty(item: pytest.Item) -> bool:
    """Return whether an item stands for a provider's clients or `known` entries where there are none."""
    params = getattr(getattr(item, "callspec", None), "params", {})
    return any(not isinstance(params.get(name, ""), str) for name in ("client_case", "known_case"))


@pytest.fixture
def show_case(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Return the function that shows the case of an id: it fails, skips or returns."""
    suite = request.config.stash[SUITE]

    def show_one(id_: str) -> None:
        __tracebackhide__ = True
        report = suite.reports.get(id_, _NOT_FINISHED)
        show(CaseReport(report.result, suite.mask(report.text)), request.node)

    return show_one


def show(report: CaseReport, item: pytest.Item) -> None:
    """Let pytest show a report: fail or skip with its text; the text of a passed one goes into the log."""
    __tracebackhide__ = True
    if report.result == "failed":
        pytest.fail(report.text, pytrace=False)
    if report.result == "skipped":
        pytest.skip(report.text)
    if report.text:
        item.add_report_section("call", "finding", report.text)
