"""The page in a real browser: what a reader can do with it, and what a vendor's text cannot."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from report_results import example, many, partial
from test_report import CLOSED, HOSTILE, log, poisoned, small_suite

from conformance.report import LogRows, render_page, write_complaint

pytestmark = pytest.mark.browser
CHROMIUM = "/usr/bin/chromium"
AXE = {
    "runOnly": {
        "type": "tag",
        "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    },
    "rules": {"label-content-name-mismatch": {"enabled": True}},
}
MUST = "finding-quill-casing-answers-in-camel-case"

__all__ = ["log", "small_suite"]  # fixtures of test_report


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


class Seen:
    """A page with everything that it said on its console and asked of the network."""

    def __init__(self, context: BrowserContext, path: Path, fragment: str = "") -> None:
        self.page: Page = context.new_page()
        self.messages: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", lambda message: self.messages.append(message.text))
        self.page.on("pageerror", lambda error: self.messages.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(path.as_uri() + fragment)
        self.path = path

    def quiet(self) -> bool:
        """Tell whether nothing was logged and nothing but the page itself was asked for."""
        away = [url for url in self.requests if not url.startswith((self.path.as_uri(), "data:"))]
        assert (self.messages, away) == ([], [])
        return True

    def fragment(self) -> str:
        """Return the address's fragment as the page itself sees it: what the driver knows of it comes later."""
        return str(self.page.evaluate("() => location.hash"))

    def shown(self) -> list[str]:
        """Return the anchors of the findings that the filters leave."""
        found = self.page.eval_on_selector_all(
            ".finding",
            "all => all.filter(one => one.checkVisibility()).map(one => one.querySelector('article').id)",
        )
        return [str(one) for one in found]


@pytest.fixture
def written(tmp_path: Path) -> Path:
    path = tmp_path / "report.html"
    path.write_text(render_page(example(), None), encoding="utf-8")
    return path


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    made = browser.new_context(viewport={"width": 1440, "height": 900})
    made.grant_permissions(["clipboard-read", "clipboard-write"])
    yield made
    made.close()


@pytest.fixture
def seen(context: BrowserContext, written: Path) -> Seen:
    return Seen(context, written)


def clipboard(found: Page) -> str:
    found.wait_for_function(
        "() => [...document.querySelectorAll('[data-copy]')].some(one => one.textContent === 'Copied')"
    )
    return str(found.evaluate("() => navigator.clipboard.readText()"))


def test_the_page_says_nothing_on_the_console_and_asks_for_nothing(seen: Seen) -> None:
    assert len(seen.shown()) == 12
    assert seen.quiet()


def test_a_cell_of_the_matrix_leads_to_exactly_its_findings(seen: Seen) -> None:
    seen.page.get_by_role("link", name="errors: 1 should").first.click()
    assert seen.shown() == ["finding-quill-errors-invalid-argument-is-400"]
    assert seen.fragment() == "#vendor=quill&dimension=errors"
    assert seen.page.locator(".shown").text_content() == "1 of 12 findings"


@pytest.mark.parametrize(
    ("fragment", "count"),
    [
        ("#vendor=lumen", 3),
        ("#level=must", 4),
        ("#level=should", 10),
        ("#level=note", 2),
        ("#dimension=streaming", 2),
        ("#client=LiteLLM+1.80", 6),
        ("#q=ndjson", 1),
        ("#vendor=quill&level=must&q=root", 1),
        ("#vendor=nobody", 12),
        ("#q=nothing+holds+this", 0),
    ],
)
def test_a_link_shows_what_its_sender_saw(
    context: BrowserContext, written: Path, fragment: str, count: int
) -> None:
    assert len(Seen(context, written, fragment).shown()) == count


def test_the_fragment_follows_the_filters_and_clearing_brings_all_back(seen: Seen) -> None:
    seen.page.select_option("select[name=level]", "must")
    seen.page.fill("input[name=q]", "root")
    assert seen.fragment() == "#level=must&q=root"
    assert seen.shown() == ["finding-quill-envelope-gemini-object-at-root"]
    seen.page.get_by_role("button", name="Clear").click()
    expect(seen.page.locator(".finding:visible")).to_have_count(
        12
    )  # the page clears its filters after the reset
    assert seen.fragment() == "#findings"


def test_a_link_to_a_finding_opens_it(context: BrowserContext, written: Path) -> None:
    found = Seen(context, written, "#finding-lumen-errors-google-shape").page
    expect(found.locator("#finding-lumen-errors-google-shape")).to_be_visible()
    assert found.locator("#finding-lumen-errors-google-shape").bounding_box() is not None


def test_a_link_to_an_exchange_opens_what_folds_it_away(seen: Seen) -> None:
    seen.page.locator(f"#{MUST} .to-exchange").first.click()
    expect(seen.page.locator("#exchange-quill-1 .response")).to_be_visible()


def test_a_link_to_a_finding_clears_a_filter_that_hides_it(seen: Seen) -> None:
    seen.page.select_option("select[name=vendor]", "lumen")
    seen.page.evaluate(f"() => {{ location.hash = '{MUST}'; }}")
    seen.page.wait_for_function(f"() => document.getElementById('{MUST}').checkVisibility()")
    assert len(seen.shown()) == 12


def test_the_copied_complaint_is_the_one_that_the_program_writes(seen: Seen) -> None:
    results = example()
    quill = results["providers"][4]
    for number, each in enumerate(quill["deviations"]):
        rule = str(each["rule"]).replace("/", "-")
        article = seen.page.locator(f"#finding-quill-{rule}")
        if not article.is_visible():
            seen.page.locator(".finding", has=article).locator("> summary").click()
        article.get_by_role("button", name="Copy complaint").click()
        copied = clipboard(seen.page)
        assert copied == write_complaint(results, quill, each), number
        seen.page.wait_for_function(
            "() => ![...document.querySelectorAll('[data-copy]')].some(one => one.textContent === 'Copied')"
        )


def test_curl_and_link_are_copied(seen: Seen) -> None:
    article = seen.page.locator(f"#{MUST}")
    article.get_by_role("button", name="Copy curl").click()
    assert clipboard(seen.page).startswith("curl -sS https://api.quill.example")
    article.get_by_role("button", name="Copy link").click()
    seen.page.wait_for_function(
        f"() => navigator.clipboard.readText().then(text => text.endsWith('#{MUST}'))"
    )


def test_keys_search_step_open_and_clear(seen: Seen) -> None:
    seen.page.keyboard.press("/")
    seen.page.keyboard.type("sum")
    assert len(seen.shown()) == 2
    seen.page.keyboard.press("Escape")
    assert len(seen.shown()) == 12
    seen.page.keyboard.press("j")
    seen.page.keyboard.press("j")
    seen.page.keyboard.press("Enter")
    expect(seen.page.locator("#finding-quill-envelope-gemini-object-at-root")).to_be_visible()
    seen.page.keyboard.press("k")
    assert (
        seen.page.evaluate("() => document.activeElement.closest('.finding').querySelector('article').id")
        == MUST
    )


def test_single_keys_can_be_switched_off(seen: Seen) -> None:
    seen.page.locator(".keys summary").click()
    seen.page.uncheck("#keys-on")
    seen.page.locator("h1").click()
    seen.page.keyboard.press("/")
    assert seen.page.evaluate("() => document.activeElement.name") != "q"


def test_tab_reaches_the_matrix_first_and_the_skip_link_before_it(seen: Seen) -> None:
    seen.page.keyboard.press("Tab")
    assert seen.page.evaluate("() => document.activeElement.textContent") == "Skip to the matrix"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_axe_finds_nothing_against_wcag_2_2_aa_or_its_best_practices(
    browser: Browser, tmp_path: Path, log: LogRows, scheme: Any, width: int
) -> None:
    target = tmp_path / "report.html"
    results = example()
    results["providers"] += [partial(), {**partial("sedge"), "title": "Reed"}]
    target.write_text(render_page(results, log), encoding="utf-8")
    context = browser.new_context(
        color_scheme=scheme, viewport={"width": width, "height": 900}, bypass_csp=True
    )
    found = context.new_page()
    found.goto(target.as_uri())
    found.evaluate("() => { for (const fold of document.querySelectorAll('details')) fold.open = true; }")
    # axe scrolls while it measures; what is laid out only then would be compared with a stale place
    found.add_style_tag(content=".vendor { content-visibility: visible; }")
    found.wait_for_selector("#results-table .col-result")
    results = Axe().run(found, options=AXE)
    context.close()
    assert results.response["violations"] == []


@pytest.mark.parametrize("poison", HOSTILE)
def test_script_of_a_vendor_never_runs(context: BrowserContext, tmp_path: Path, poison: str) -> None:
    path = tmp_path / "report.html"
    path.write_text(render_page(poisoned(example(), poison, CLOSED), None), encoding="utf-8")
    seen = Seen(context, path)
    seen.page.evaluate("() => { for (const fold of document.querySelectorAll('details')) fold.open = true; }")
    seen.page.wait_for_timeout(50)
    assert "owned" not in seen.page.title().partition("·")[2]
    assert seen.page.title() != "owned"
    assert seen.quiet()


def test_the_policy_stops_a_script_that_got_in_all_the_same(context: BrowserContext, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    broken = render_page(example(), None).replace(
        "</main>", "<script>document.title = 'owned'</script></main>"
    )
    path.write_text(broken, encoding="utf-8")
    seen = Seen(context, path)
    assert seen.page.title() != "owned"
    assert "Content Security Policy" in seen.messages[0]


def test_the_log_starts_when_it_is_opened_and_never_before(
    context: BrowserContext, tmp_path: Path, log: LogRows
) -> None:
    target = tmp_path / "report.html"
    target.write_text(render_page(example(), log), encoding="utf-8")
    seen = Seen(context, target)
    expect(seen.page.locator("#results-table tbody")).to_have_count(0)
    seen.page.locator("#log-fold > summary").click()
    seen.page.wait_for_selector("#results-table .col-result")
    expect(seen.page.locator("#results-table tr.collapsible")).to_have_count(2)
    assert "<img src=x onerror=alert(1)>" in (seen.page.locator("#results-table").text_content() or "")
    seen.page.get_by_role("button", name="Show all details").click()
    assert "ValueError: <script>alert(1)</script>" in (
        seen.page.locator("#results-table .log").first.text_content() or ""
    )
    assert seen.page.url == target.as_uri()
    assert seen.quiet()


def test_without_javascript_matrix_and_findings_are_readable(browser: Browser, written: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    found = context.new_page()
    found.goto(written.as_uri())
    expect(found.get_by_role("heading", level=1)).to_be_visible()
    expect(found.locator("tr[data-row=quill]")).to_be_visible()
    found.locator(".finding > summary").nth(1).click()
    assert (
        found.locator("#finding-quill-envelope-gemini-object-at-root")
        .get_by_text("inside data, usage beside it")
        .is_visible()
    )
    expect(found.locator(".filters")).to_be_hidden()
    expect(found.get_by_role("button", name="Copy complaint").first).to_be_hidden()
    context.close()


def test_a_narrow_screen_does_not_scroll_sideways(browser: Browser, written: Path) -> None:
    context = browser.new_context(viewport={"width": 360, "height": 740})
    found = context.new_page()
    found.goto(written.as_uri())
    found.evaluate("() => { for (const fold of document.querySelectorAll('details')) fold.open = true; }")
    assert found.evaluate("() => document.documentElement.scrollWidth") <= 360
    context.close()


def test_dark_is_dark(browser: Browser, written: Path) -> None:
    context = browser.new_context(color_scheme="dark")
    found = context.new_page()
    found.goto(written.as_uri())
    assert found.evaluate("() => getComputedStyle(document.body).backgroundColor") == "rgb(22, 22, 21)"
    context.close()


SIZE = "one => parseFloat(getComputedStyle(one).fontSize)"


def test_print_opens_everything_and_leaves_the_controls_out(seen: Seen) -> None:
    seen.page.emulate_media(media="print")
    seen.page.evaluate("() => dispatchEvent(new Event('beforeprint'))")
    expect(seen.page.locator(".finding article").last).to_be_visible()
    expect(seen.page.locator(".remarks li").last).to_be_visible()
    expect(seen.page.locator("details:not([open]):visible")).to_have_count(0)
    expect(seen.page.locator(".filters")).to_be_hidden()
    expect(seen.page.get_by_role("button", name="Copy complaint").first).to_be_hidden()
    seen.page.evaluate("() => dispatchEvent(new Event('afterprint'))")
    expect(seen.page.locator(".finding[open]")).to_have_count(1)


@pytest.mark.parametrize(
    ("primary", "secondary"),
    [
        (".matrix .sign", ".matrix .beside"),
        (".wire td.t-differs", ".wire .beside"),
        (".clients td", ".clients td .beside"),
        (".versus dd", ".versus dt"),
        (".finding .title", ".finding .title .beside"),
        (".side td", ".side thead th"),
    ],
)
@pytest.mark.parametrize("media", ["print", "screen"])
def test_what_stands_beside_is_never_larger_than_what_it_stands_beside(
    context: BrowserContext, tmp_path: Path, media: Any, primary: str, secondary: str
) -> None:
    path = tmp_path / "report.html"
    tables = [{"title": "Documents", "columns": ["", "Google"], "rows": [["language", "en"]]}]
    path.write_text(render_page(example(side_by_side={"tables": tables}), None), encoding="utf-8")
    found = Seen(context, path).page
    found.emulate_media(media=media)
    sizes = [found.locator(one).first.evaluate(SIZE) for one in (primary, secondary)]
    assert sizes[0] >= sizes[1]
    assert sizes[1] >= (10 if media == "print" else 12)  # 10 px are 7.5 pt


def test_findings_are_printed_open_without_javascript_too(browser: Browser, written: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    found = context.new_page()
    found.goto(written.as_uri())
    found.emulate_media(media="print")
    assert found.locator(".finding article").last.evaluate("one => one.checkVisibility()")
    context.close()


def test_one_button_opens_and_folds_the_findings_that_are_left(seen: Seen) -> None:
    seen.page.select_option("select[name=vendor]", "lumen")
    seen.page.get_by_role("button", name="Open all").click()
    expect(seen.page.locator(".finding[open]")).to_have_count(3 + 1)  # the first one of all was open before
    seen.page.get_by_role("button", name="Fold all").click()
    expect(seen.page.locator(".finding[open]")).to_have_count(1)
    seen.page.select_option("select[name=vendor]", "")
    seen.page.get_by_role("button", name="Open all").click()
    expect(seen.page.locator(".finding[open]")).to_have_count(12)
    assert seen.quiet()


def test_a_filter_that_leaves_nothing_says_so(seen: Seen) -> None:
    sentence = seen.page.get_by_text("No finding matches these filters.")
    expect(sentence).to_be_hidden()
    seen.page.fill("input[name=q]", "nothing holds this")
    expect(sentence).to_be_visible()
    seen.page.get_by_role("button", name="Clear").click()
    expect(sentence).to_be_hidden()


@pytest.mark.parametrize("width", [1280, 390])
def test_no_word_of_the_documents_side_by_side_is_cut_into_syllables(
    browser: Browser, tmp_path: Path, width: int
) -> None:
    names = ("Google Gemini API", "AceData Cloud", "AnyFast", "APIMart", "VisionCoder")
    rows = [
        ["language", *["zh, en"] * 5],
        ["url", *["https://generativelanguage.example.com/$discovery/rest?version=v1beta"] * 5],
    ]
    path = tmp_path / "report.html"
    tables = [{"title": "Documents", "columns": ["", *names], "rows": rows}]
    path.write_text(render_page(example(side_by_side={"tables": tables}), None), encoding="utf-8")
    context = browser.new_context(viewport={"width": width, "height": 900})
    found = context.new_page()
    found.goto(path.as_uri())
    found.locator("#documents details").first.evaluate("one => { one.open = true }")
    found.locator(".side tbody th").first.wait_for(state="visible")
    narrowest = found.locator(".side tbody th").first.evaluate("one => one.getBoundingClientRect().width")
    height = found.locator(".side tbody tr").first.evaluate("one => one.getBoundingClientRect().height")
    trait = found.locator(".traits tbody th").first.evaluate("one => one.getBoundingClientRect().width")
    assert narrowest >= 90
    assert trait >= 90
    assert height < 40  # one line
    assert found.evaluate("() => document.documentElement.scrollWidth") <= width
    context.close()


def test_a_printed_page_is_a_document_of_some_pages(seen: Seen) -> None:
    assert 2 <= seen.page.pdf(format="A4").count(b"/Type /Page\n") <= 40


def test_thirty_vendors_filter_at_once(context: BrowserContext, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text(render_page(many(30, 20), None), encoding="utf-8")
    assert path.stat().st_size < 6_000_000
    seen = Seen(context, path)
    seen.page.select_option("select[name=dimension]", "errors")
    assert len(seen.shown()) == 60
    assert seen.page.locator(".shown").text_content() == "60 of 600 findings"


def test_chromium_alone_can_draw_it(written: Path, tmp_path: Path) -> None:
    picture = tmp_path / "page.png"
    command = [
        CHROMIUM,
        "--headless",
        "--no-sandbox",
        f"--screenshot={picture}",
        f"--user-data-dir={tmp_path}/profile",
    ]
    subprocess.run([*command, written.as_uri()], capture_output=True, check=False, timeout=60)
    assert picture.stat().st_size > 10_000
