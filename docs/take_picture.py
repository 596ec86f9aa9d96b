"""Writes docs/report.png: parts of a study's page, as Chromium shows it.

steepest compare digits --baseline "Adam(learning_rate=0.001)" --out runs/digits
pip install ".[browser]" && python docs/take_picture.py runs/digits
"""

import shutil
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

import steepest

WIDTH = 1000
# Advice, learning rates and learning curves; code and what is folded are left away.
LEFT_AWAY = """
nav, .bar, footer, #warnings, .fold, main > section:not(.verdict, #rate, #learning) {
  display: none !important
}
main > section { margin-top: 0.5rem !important; padding-top: 1rem !important }
"""


def main():
    study = steepest.read(sys.argv[1])
    with tempfile.TemporaryDirectory() as made, sync_playwright() as player:
        page = study.write_report(Path(made) / "report.html")
        chromium = shutil.which("chromium") or shutil.which("google-chrome")
        browser = player.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        size = {"width": WIDTH, "height": 2000}
        tab = browser.new_context(viewport=size, color_scheme="light").new_page()
        tab.goto(page.as_uri())
        tab.add_style_tag(content=LEFT_AWAY)
        tab.wait_for_function("document.querySelectorAll('.chart svg.main-svg').length > 2")
        tab.wait_for_timeout(500)  # pictures take their new widths
        last = tab.locator("#learning figure").first.bounding_box()
        height = last["y"] + last["height"] + 16
        tab.screenshot(
            path=Path(__file__).with_name("report.png"),
            clip={"x": 0, "y": 0, "width": WIDTH, "height": height},
            full_page=True,
        )
        browser.close()


if __name__ == "__main__":
    main()
