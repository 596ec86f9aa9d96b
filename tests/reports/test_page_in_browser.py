"""The page in a real browser: nothing is fetched, nothing fails, and everything can be used."""

import shutil
from dataclasses import replace

import pytest
from reports_pages import HOSTILE, full, hostile, made
from walked import walked_study

from steepest.measures.compatibility import compatibility
from steepest.records import Stage
from steepest.reports.page.study_set import study_set_page

pytestmark = pytest.mark.slow

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
if CHROMIUM is None:
    pytest.skip("Chromium is not installed", allow_module_level=True)
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as program:
        found = program.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield found
        found.close()


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Return where each study's page is."""
    folder = tmp_path_factory.mktemp("pages")
    studies = {
        "plain": full(dead=("Adam",)),
        "hostile": hostile(),
        "large": full(("SGD", "Adam", "RMSprop", "Lion"), searched=485),
    }
    pages = {name: made(study) for name, study in studies.items()}
    started = replace(
        studies["plain"],
        trials=tuple(t for t in studies["plain"].trials if t.stage is Stage.SEARCH),
        finished=False,
    )
    pages |= {"walked": made(walked_study()), "two-seeds": made(walked_study(seeds=2))}
    pages |= {"walking": made(walked_study(upto=14))}
    pages |= {"searching": made(started), "several": several(), "several-hostile": several(HOSTILE)}
    for name, page in pages.items():
        (folder / f"{name}.html").write_text(page, encoding="utf-8")
    return folder


def several(names=("SGD", "Adam", "RMSprop")):
    """Return the page of three tasks."""
    base = full(names)
    tasks = [*names, "digits"][-3:]
    studies = [replace(base, task=replace(base.task, name=task)) for task in tasks]
    studies = [
        replace(one, settings=replace(one.settings, seed=i)) for i, one in enumerate(studies)
    ]
    return study_set_page(compatibility(studies), names, {tasks[0]: "digits/report.html"})


class Opened:
    """Opens pages, and notes what must not happen."""

    def __init__(self, browser, files):
        self.browser, self.files, self.faults, self.contexts = browser, files, [], []
        self.address = None  # of the page that was opened last

    def __call__(self, name, width=1280, scheme="light", **more):
        context = self.browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, **more
        )
        self.contexts.append(context)
        tab, faults = context.new_page(), self.faults

        def route(request):
            if request.request.url.split("#")[0] == self.address:
                return request.continue_()
            faults.append(request.request.url)
            return request.abort()

        tab.route("**/*", route)
        tab.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
        tab.on("pageerror", lambda error: faults.append(str(error)))
        tab.on("dialog", lambda dialog: (faults.append(dialog.message), dialog.dismiss()))
        self.go(tab, name, more.get("java_script_enabled", True))
        return tab

    def go(self, tab, name, scripts=True):
        """Open another page in a tab, which is quicker than in a new one."""
        self.address = (self.files / f"{name}.html").as_uri()
        tab.goto(self.address)
        if scripts:
            tab.wait_for_selector("html[data-ready]")

    def close(self):
        while self.contexts:
            self.contexts.pop().close()
        assert self.faults == []


@pytest.fixture
def opened(browser, files):
    """Return a function that opens a page, and fails at the end for what must not happen."""
    start = Opened(browser, files)
    yield start
    start.close()


@pytest.fixture(scope="module")
def tabs(browser, files):
    """Return a function that shows a page with all pictures drawn; of two widths, one by resizing.

    It returns the tab, how high the page was before it was unfolded, and what must not happen.
    """
    start = Opened(browser, files)
    shown, tab = {}, None

    def show(name, width, scheme):
        nonlocal tab
        if (name, scheme) not in shown:
            assert start.faults == []
            shown.clear()
            if tab is None:
                tab = start(name, width, scheme)
            else:
                tab.set_viewport_size({"width": width, "height": 900})
                tab.emulate_media(color_scheme=scheme)
                start.go(tab, name)
            draw(tab, ".chart:visible")
            height = tab.evaluate("document.documentElement.scrollHeight")
            draw_all(tab)
            shown[name, scheme] = tab, height, start.faults
        if tab.viewport_size["width"] != width:
            tab.set_viewport_size({"width": width, "height": 900})
            tab.wait_for_function(FILLED, timeout=10_000)
        return shown[name, scheme]

    yield show
    start.close()


FILLED = """() => [...document.querySelectorAll('.chart')].every(box =>
    Math.abs(box.querySelector('svg.main-svg').getBoundingClientRect().width - box.clientWidth) < 2
)"""


@pytest.fixture(scope="module")
def drawn(request, tabs):
    """A page for tests that only look at it, as `tabs` shows it."""
    return tabs(*request.param)


def each(*pages):
    """Give a test the pages that are drawn: a name, a width and a scheme each."""
    return pytest.mark.parametrize(
        "drawn", pages, indirect=True, ids=lambda page: "-".join(map(str, page))
    )


def unfold(tab):
    """Open all that is folded."""
    tab.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")


def draw_all(tab):
    """Unfold and scroll through the page, so that every picture is drawn."""
    unfold(tab)
    draw(tab, ".chart")


def draw(tab, charts):
    for box in tab.locator(charts).all():
        box.scroll_into_view_if_needed()
        box.locator("svg.main-svg").first.wait_for()


NAMES = ("plain", "hostile", "searching", "walked", "walking", "several", "several-hostile")
# Opened wide where it is light, and narrow where it is dark; then the other width.
SCHEMES = ("light", "dark")
LOOKS = ((1280, "light"), (390, "light"), (390, "dark"), (1280, "dark"))


@each(*((name, *look) for name in NAMES for look in LOOKS))
def test_it_fits_and_is_drawn_whole(drawn):
    tab, _, faults = drawn
    assert tab.evaluate("document.documentElement.scrollWidth") <= tab.viewport_size["width"]
    cut = "[...document.querySelectorAll('.chart')].filter(b => b.scrollWidth > b.clientWidth + 1)"
    assert tab.evaluate(f"{cut}.length") == 0
    assert faults == []


FOLDED = ("plain", "walked", "two-seeds", "walking", "searching")


@each(*((name, 1280, "light") for name in FOLDED))
def test_folded_it_is_short(drawn):
    assert drawn[1] <= 3000


def test_a_link_opens_what_is_folded(opened):
    tab = opened("walked")
    assert tab.locator("details.fold[open]").count() == 0
    tab.locator('nav a[href="#cost"]').click()
    tab.locator("#cost svg.main-svg").first.wait_for()
    width = tab.locator("#cost .chart").bounding_box()["width"]
    assert tab.locator("#cost svg.main-svg").first.bounding_box()["width"] == pytest.approx(width)


def test_methods_and_reference_are_copied(opened):
    tab = opened("walked")
    tab.context.grant_permissions(["clipboard-read", "clipboard-write"])
    unfold(tab)
    for place, start in ((0, "We compared the optimizers"), (1, "@software{steepest,")):
        tab.locator("#method .copy").nth(place).click()
        assert tab.evaluate("navigator.clipboard.readText()").startswith(start)


@each(*((n, 1280, s) for n in ("plain", "walked", "searching", "several") for s in SCHEMES))
def test_it_is_accessible(drawn):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    tab = drawn[0]
    found = axe.Axe().run(tab).response["violations"]
    grave = [
        (v["id"], v["nodes"][0]["html"]) for v in found if v["impact"] in ("serious", "critical")
    ]
    assert grave == []


def test_the_verdict_needs_no_javascript(opened):
    tab = opened("plain", java_script_enabled=False)
    assert "SGD" in tab.locator("#sentence").inner_text()
    assert "keras.optimizers" in tab.locator("#code").inner_text()
    assert tab.locator("#every tbody tr").count() == 25


@each(("hostile", 1280, "light"))
def test_names_are_shown_literally(drawn):
    tab = drawn[0]
    chips = tab.locator(".chip").all_text_contents()
    assert [c.strip() for c in chips] == list(HOSTILE)
    ticks = tab.locator('[data-figure="verdict"] .ytick').all_text_contents()
    assert any(tick.startswith("<b>bold</b>") for tick in ticks)
    assert any(tick.startswith("<script>alert(1)") for tick in ticks)
    assert tab.locator("main img, .chart a").count() == 0


@each(("hostile", 1280, "light"))
def test_pictures_of_one_row_stand_side_by_side(drawn):
    tab = drawn[0]
    tops = "[...document.querySelectorAll('.grid .chart')].map(b => Math.round(b.offsetTop))"
    assert len(set(tab.evaluate(tops))) == 1


def test_a_bar_that_goes_on_says_so(opened):
    tab = opened("hostile", 390)
    assert tab.locator(".more").is_visible()
    tab.locator("#chips").evaluate("chips => { chips.scrollLeft = 9999; }")
    tab.locator(".more").wait_for(state="hidden")


@each(("searching", 1280, "light"))
def test_epochs_have_no_halves(drawn):
    tab = drawn[0]
    ticks = tab.locator('[data-figure="trying"] .xtick text').all_text_contents()
    assert ticks
    assert all(tick.isdigit() for tick in ticks), ticks


def test_code_is_copied_and_tabs_turn(opened, browser):
    tab = opened("plain")
    tab.context.grant_permissions(["clipboard-read", "clipboard-write"])
    tab.locator("#panel-keras .copy").first.click()
    assert "keras.optimizers.SGD" in tab.evaluate("navigator.clipboard.readText()")
    tab.get_by_role("tab", name="PyTorch").click()
    assert tab.locator("#panel-torch").is_visible()
    assert not tab.locator("#panel-keras").is_visible()
    tab.keyboard.press("ArrowRight")
    assert tab.locator("#panel-optax").is_visible()
    tab.locator("#code-of").select_option(index=1)
    assert tab.locator("#panel-optax .source:visible").get_attribute("data-of") == "1"


def test_curves_toggle(opened):
    tab = opened("plain")
    draw_all(tab)
    title = tab.locator('[data-figure="curves"] .xtitle')
    tab.get_by_role("button", name="steps", exact=True).click()
    assert title.text_content() == "training step"
    tab.get_by_role("button", name="linear").click()
    box = "document.querySelector('[data-figure=curves]')._fullLayout"
    assert tab.evaluate(f"{box}.yaxis.type") == "linear"
    tab.locator("#curve-y").select_option("training_loss")
    assert tab.locator('[data-figure="curves"] .ytitle').text_content() == "training loss"


def test_a_chip_hides_its_optimizer_everywhere(opened):
    tab = opened("plain")
    draw_all(tab)
    shown = (
        "[...document.querySelectorAll('.chart')].flatMap(b => b.data)"
        ".filter(t => t.legendgroup === 'o0' && t.visible !== false).length"
    )
    assert tab.evaluate(shown) > 5
    chip = tab.locator(".chip").first
    chip.focus()
    tab.keyboard.press("Enter")
    assert chip.get_attribute("aria-pressed") == "false"
    assert tab.evaluate(shown) == 0
    chip.click()
    assert tab.evaluate(shown) > 5


def test_the_theme_turns(opened):
    tab = opened("plain")
    draw_all(tab)
    paper = "getComputedStyle(document.body).backgroundColor"
    line = "document.querySelector('[data-figure=curves]').data[1].line.color"
    before = tab.evaluate(paper), tab.evaluate(line)
    tab.locator("#theme").click()
    after = tab.evaluate(paper), tab.evaluate(line)
    assert before[0] != after[0]
    assert before[1] != after[1]


def test_two_thousand_trials_sort_and_filter(opened):
    tab = opened("large")
    unfold(tab)
    assert "of 2012 trials" in tab.locator("#count").inner_text()
    result = tab.locator("#every th").nth(7)
    result.get_by_role("button").click()
    assert result.get_attribute("aria-sort") == "ascending"
    values = [float(v) for v in tab.locator("#every td:nth-child(8)").all_text_contents()]
    assert values == sorted(values)
    assert len(values) == 50
    result.get_by_role("button").click()
    assert result.get_attribute("aria-sort") == "descending"
    tab.get_by_role("button", name="Next").click()
    assert tab.locator("#count").inner_text().startswith("51 to 100")
    tab.locator("#of-optimizer").select_option("2")
    assert set(tab.locator("#every td:nth-child(2)").all_text_contents()) == {"RMSprop"}
    tab.locator("#find").fill("nothing is like this")
    assert tab.locator("#count").inner_text() == "No trial is like that."


def test_on_paper(opened):
    tab = opened("plain", scheme="dark")
    tab.set_viewport_size({"width": 680, "height": 900})
    tab.emulate_media(media="print", color_scheme="dark")
    tab.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert tab.locator(".chart svg.main-svg").count() >= tab.locator(".chart").count()
    assert tab.locator("details:not([open])").count() == 0
    assert tab.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert tab.evaluate("document.documentElement.scrollWidth") <= 680
    tab.evaluate("dispatchEvent(new Event('afterprint'))")
    assert tab.locator("details[open]").count() == 0
    assert tab.pdf().startswith(b"%PDF")
