"""The documentation site: built without a warning, whole, and it asks nothing of the network."""

import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import steepest

ROOT = Path(__file__).parent.parent
SETTINGS = ast.parse((ROOT / "docs/site/conf.py").read_text())
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
# Of what axe looks at: the first page, code, tables. It takes half a minute for a long page.
LOOKED_AT = ("docs/index", "docs/by-hand", "docs/formats")


def setting(name):
    for node in SETTINGS.body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == name:
            return ast.literal_eval(node.value)
    raise KeyError(name)


def test_every_page_is_in_the_navigation():
    listed = [page for pages in setting("NAVIGATION").values() for page in pages]
    there = {path.stem for path in (ROOT / "docs").iterdir() if path.suffix in (".md", ".rst")}
    others = {"/benchmarks/README", "/CONTRIBUTING", "/CHANGELOG"}
    assert sorted(listed) == sorted((there | others) - {"index"})


def test_every_public_name_is_in_the_reference():
    said = set(re.findall(r":: steepest\.(\w+)", (ROOT / "docs/reference.rst").read_text()))
    assert said - {"reports"} == set(steepest.__all__) - {"__version__"}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    for package in ("sphinx", "furo", "myst_parser"):
        pytest.importorskip(package, reason='pip install ".[docs]" brings it')
    place = tmp_path_factory.mktemp("docs") / "site"
    command = (sys.executable, str(ROOT / "docs/build.py"), str(place))
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr + done.stdout
    return place


@pytest.mark.slow
def test_it_is_whole_and_loads_nothing_from_elsewhere(site):
    for pages in setting("NAVIGATION").values():
        for page in pages:
            path = site / (f"{page[1:]}.html" if page[0] == "/" else f"docs/{page}.html")
            assert path.exists(), page
    for path in site.rglob("*.html"):
        text = path.read_text()
        loaded = re.findall(r"<(?:script|link|img|iframe|source)\b[^>]*", text)
        assert not [tag for tag in loaded if "//" in tag], path
        assert 'href="https://fonts' not in text
    for path in site.rglob("*.css"):
        assert not re.findall(r"@import|url\([\"']?(?:https?:)?//", path.read_text()), path
    reference = (site / "docs/reference.html").read_text()
    for name in set(steepest.__all__) - {"__version__"}:
        assert f'id="steepest.{name}"' in reference or f'href="#steepest.{name}"' in reference, name
    assert 'url=docs/index.html"' in (site / "index.html").read_text()


@pytest.mark.slow
def test_a_link_that_leads_nowhere_fails(tmp_path):
    for package in ("sphinx", "furo", "myst_parser"):
        pytest.importorskip(package, reason='pip install ".[docs]" brings it')
    shutil.copytree(ROOT / "docs", tmp_path / "docs")
    for path in (tmp_path / "docs").glob("*.md"):
        path.unlink()
    (tmp_path / "docs/reference.rst").unlink()
    settings = tmp_path / "docs/site/conf.py"
    settings.write_text(
        re.sub(r"NAVIGATION = \{.*?\n\}", "NAVIGATION = {}", settings.read_text(), flags=re.S)
    )
    shutil.copytree(ROOT / "src/steepest", tmp_path / "src/steepest")
    for text, code in (("# One\n\n[two](#one)\n", 0), ("# One\n\n[two](#three)\n", 1)):
        (tmp_path / "docs/index.md").write_text(text)
        command = (sys.executable, str(tmp_path / "docs/build.py"), str(tmp_path / "site"))
        done = subprocess.run(command, capture_output=True, text=True, timeout=600)
        assert done.returncode == code, done.stderr
    assert "three" in done.stderr


@pytest.mark.slow
def test_pages_can_be_read_at_any_width_and_by_anybody(site):
    """By axe's rules, in both themes; and no page is wider than its window."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed")
    with playwright.sync_playwright() as program:
        browser = program.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        looks = ((1280, "light"), (390, "dark"))
        tab, asked = browser.new_context().new_page(), []
        tab.on("request", lambda request: asked.append(request.url))
        pages = sorted({*site.rglob("*.html")} - {site / "index.html"})  # it leads on
        names = [path.relative_to(site).with_suffix("").as_posix() for path in pages]
        assert {*LOOKED_AT} <= {*names}
        for path, name in zip(pages, names, strict=True):
            for number, (width, scheme) in enumerate(looks):
                tab.set_viewport_size({"width": width, "height": 900})
                tab.emulate_media(color_scheme=scheme)
                if not number:
                    tab.goto(path.as_uri())
                assert tab.evaluate("document.documentElement.scrollWidth") <= width, path
                if name in LOOKED_AT:
                    faults = axe.Axe().run(tab).response["violations"]
                    said = [(one["id"], one["nodes"][0]["html"]) for one in faults]
                    assert not said, (path, width)
        assert all(url.startswith(("file:", "data:")) for url in asked)
        browser.close()
