"""Measures the page: size, time to render, to load in Chromium, and to filter.

`python benchmarks/report.py [CHROMIUM]`: 30 providers with 20 findings each must stay under 6 MB, 1 s and
100 ms; 150 providers under 25 MB and 3 s. Exits 1 where one of them does not hold.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

_ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(_ROOT), str(_ROOT / "tests")]

from report_results import many  # noqa: E402 - lives with the tests that use it too

from conformance.report import render_page  # noqa: E402

SIZES = ((30, 6_000_000, 1.0), (150, 25_000_000, 3.0))
FILTER_MS = 100.0
FILTERS = (("select[name=level]", "must"), ("select[name=dimension]", "errors"), ("select[name=level]", ""))
TEXT = """() => { const field = document.querySelector('input[name=q]'), before = performance.now();
  field.value = 'sentence 7 finish'; field.dispatchEvent(new Event('input', {bubbles: true}));
  document.body.offsetHeight; return performance.now() - before; }"""
PICK = """([selector, value]) => { const field = document.querySelector(selector), before = performance.now();
  field.value = value; field.dispatchEvent(new Event('input', {bubbles: true}));
  document.body.offsetHeight; return performance.now() - before; }"""


def load(browser_page: Page, path: Path) -> float:
    """Return the seconds until the page is drawn and its script has run."""
    began = time.perf_counter()
    browser_page.goto(path.as_uri())
    browser_page.evaluate("() => new Promise(done => requestAnimationFrame(() => setTimeout(done)))")
    return time.perf_counter() - began


def measure(browser_page: Page, providers: int, folder: Path) -> tuple[int, float, float, float]:
    """Return bytes, seconds to render, seconds to load, and the slowest filter in ms."""
    began = time.perf_counter()
    text = render_page(many(providers, 20), None)
    rendered = time.perf_counter() - began
    path = folder / f"{providers}.html"
    path.write_text(text, encoding="utf-8")
    loaded = min(load(browser_page, path) for _ in range(3))
    slowest = max(browser_page.evaluate(PICK, list(each)) for each in FILTERS)
    return len(text.encode()), rendered, loaded, max(slowest, browser_page.evaluate(TEXT))


def main() -> int:
    """Print a line per size; return 1 where a bound is broken."""
    chromium = sys.argv[1] if len(sys.argv) > 1 else "/usr/bin/chromium"
    fine = True
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for providers, most_bytes, most_seconds in SIZES:
            size, rendered, loaded, filtered = measure(browser.new_page(), providers, Path(folder))
            print(
                f"{providers:4} providers: {size / 1e6:5.2f} MB, rendered in {rendered:.2f} s, loaded in {loaded:.2f} s, filter {filtered:.0f} ms"
            )
            fine = fine and size < most_bytes and loaded < most_seconds and filtered < FILTER_MS
        browser.close()
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
