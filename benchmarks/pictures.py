"""Takes the pictures of the report for docs/: `python benchmarks/pictures.py RESULTS.json [FOLDER]`."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, sync_playwright

sys.path.insert(0, str(Path(__file__).parent.parent))

from conformance.report import render_page

CHROMIUM = "/usr/bin/chromium"
FINDING = ".finding[data-dimension=streaming], .finding"
# file name, width, height, colour scheme, what to scroll to
SHOTS = (
    ("report-first-screen", 1440, 1000, "light", "body"),
    ("report-vendor", 1440, 1000, "light", ".vendor"),
    ("report-evidence", 1440, 1000, "light", FINDING),
    ("report-dark", 1440, 1000, "dark", "body"),
    ("report-narrow", 390, 844, "light", "body"),
)


def shoot(browser: Browser, page_file: Path, folder: Path, shot: tuple[str, int, int, Any, str]) -> None:
    """Draw one picture; what it scrolls to is opened first."""
    name, width, height, scheme, place = shot
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
    drawn = context.new_page()
    drawn.goto(page_file.as_uri())
    if place != "body":
        found = drawn.locator(
            place.partition(",")[0] if drawn.locator(place.partition(",")[0]).count() else place
        ).first
        found.evaluate("one => { one.open = true; one.scrollIntoView(); }")
    drawn.wait_for_timeout(200)
    drawn.screenshot(path=folder / f"{name}.png")
    context.close()


def main() -> int:
    """Draw every picture of one results.json."""
    results = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    folder = Path(sys.argv[2] if len(sys.argv) > 2 else "docs")
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as scratch:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page_file = Path(scratch) / "report.html"
        page_file.write_text(render_page(results, None), encoding="utf-8")
        for shot in SHOTS:
            shoot(browser, page_file, folder, shot)
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
