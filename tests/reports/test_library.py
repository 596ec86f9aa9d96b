"""The library that draws the page's pictures is the one that is said, and can draw them all."""

import gzip
import re
from importlib.resources import files
from pathlib import Path

import steepest

PLOTLY = "4.1.1"
ROOT = Path(steepest.__file__).parent
BASIC = {"scatter", "bar"}  # of what the bundle has; pie is the third


def test_it_is_plotly_s_bundle_of_that_version_with_its_licence():
    templates = files("steepest.reports") / "templates"
    script = gzip.decompress((templates / "plotly.js.gz").read_bytes()).decode()
    assert script[:80].splitlines()[1] == f"* plotly.js (basic - minified) v{PLOTLY}"
    assert "MIT License" in (templates / "plotly.LICENSE").read_text()
    asked = re.findall(r"(?:src=|import\()[\"']https?:", script)
    assert not asked  # nothing is loaded from elsewhere


def test_pictures_are_of_the_kinds_that_the_bundle_draws():
    """A figure of a page says "scatter" or "bar" as its traces' type; axes and error bars have
    types of their own."""
    others = {"log", "linear", "category", "data", "-"}
    said = set()
    for path in (ROOT / "reports/figures").glob("*.py"):
        said |= set(re.findall(r'"type": "([a-z0-9]+)"', path.read_text()))
    assert BASIC <= said <= BASIC | others
