"""A page and the slides of a real lesson in a browser that has no network."""

from pathlib import Path

import pytest

pytestmark = pytest.mark.browser

LANGUAGES = ("zh", "en")


@pytest.fixture
def open_file(browser):
    """Open a file in an offline browser; what it asks for elsewhere or complains of is an error."""
    context = browser.new_context(viewport={"width": 1280, "height": 720}, offline=True)
    page = context.new_page()
    faults = []
    page.on("request", lambda request: request.url.startswith(("file:", "data:"))
            or faults.append(request.url))
    page.on("requestfailed", lambda request: faults.append(request.url))
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda message: message.type == "error" and faults.append(message.text))

    def open_file(path: Path):
        page.goto(path.as_uri())
        return page
    yield open_file
    context.close()
    assert faults == []


def boxes(page, selector: str) -> list[dict]:
    """Return {width, height} of the elements on the page."""
    return page.locator(selector).evaluate_all(
        "all => all.map(one => one.getBoundingClientRect().toJSON())")


@pytest.mark.parametrize("lang", LANGUAGES)
def test_page_shows_formulas_and_pictures_without_a_network(open_file, sets, lang):
    page = open_file(next((sets / lang / "html").glob("01_*.html")))
    sizes = page.locator("img").evaluate_all("all => all.map(image => image.naturalWidth)")
    assert len(sizes) > 5 and min(sizes) > 50
    alts = page.locator("img").evaluate_all("all => all.map(image => image.alt)")
    assert min(map(len, alts)) > 15 and not any("No description" in alt for alt in alts)

    formulas, letters = boxes(page, "math"), boxes(page, "math mi")
    assert len(formulas) > 20 and min(box["width"] for box in letters) > 1
    fractions = boxes(page, "math[display=block] mfrac")
    one_line = max(box["height"] for box in letters)
    assert fractions and min(box["height"] for box in fractions) > 1.3 * one_line
    assert max(box["right"] for box in formulas) <= 1280

    assert page.evaluate("document.documentElement.scrollWidth") <= 1280
    cut = page.locator("main pre, main table").evaluate_all(
        "all => all.filter(one => one.scrollWidth > one.clientWidth + 1 && "
        "!['auto', 'scroll'].includes(getComputedStyle(one).overflowX)).map(one => one.innerText)")
    assert cut == []


CUT_OFF = """all => all.filter(one => {
    const right = one.getBoundingClientRect().right;
    for (let box = one.parentElement; box; box = box.parentElement)
        if (getComputedStyle(box).overflowX != "visible"
            && right > box.getBoundingClientRect().right + 1) return true;
    return right > innerWidth + 1;
}).map(one => one.innerText)"""  # prose that runs past the edge of what holds it


@pytest.mark.parametrize("width", [390, 1280])
def test_no_prose_is_cut_off_on_a_phone_or_a_screen(open_file, sets, width):
    page = open_file(next((sets / "en" / "html").glob("01_*.html")))
    page.set_viewport_size({"width": width, "height": 720})
    assert page.locator("main p, main li, main h2, main summary").evaluate_all(CUT_OFF) == []


def test_results_stay_folded_until_a_reader_has_guessed(open_file, sets):
    page = open_file(next((sets / "en" / "html").glob("01_*.html")))
    folds = page.locator("details.result")
    assert folds.count() >= 3
    assert not folds.first.locator(".jp-OutputArea").is_visible()
    folds.first.locator("summary").first.click()
    assert folds.first.locator(".jp-OutputArea").is_visible()


@pytest.mark.parametrize("lang", LANGUAGES)
def test_slides_turn_and_fit_without_a_network(open_file, sets, lang):
    page = open_file(next((sets / lang / "slides").glob("01_*.html")))
    page.wait_for_function("window.Reveal?.isReady()")
    count = page.evaluate("Reveal.getTotalSlides()")
    assert count > 20
    seen, scrolled = set(), 0
    for _ in range(count):
        slide = page.evaluate("""() => {
            const slide = Reveal.getCurrentSlide();
            const images = [...slide.querySelectorAll('img')];
            const wide = [...slide.querySelectorAll('p, li, h1, h2, h3, table, img')];
            return {text: slide.innerText, wide: slide.scrollWidth > slide.clientWidth + 1,
                    long: slide.scrollHeight > slide.clientHeight + 1,
                    cut: wide.some(one => one.getBoundingClientRect().right > innerWidth),
                    tall: images.some(one => one.getBoundingClientRect().height > 0.8 * 720),
                    where: JSON.stringify(Reveal.getIndices())};
        }""")
        assert not (slide["wide"] or slide["cut"] or slide["tall"]), slide["text"]
        assert slide["where"] not in seen
        seen.add(slide["where"])
        scrolled += slide["long"]
        page.keyboard.press("Space")
    assert scrolled <= count / 10  # nearly all slides are seen without scrolling


def test_index_leads_to_pages_and_slides(open_file, sets):
    for kind in ("网页", "幻灯片"):
        page = open_file(sets / "zh" / "index.html")
        page.get_by_role("link", name=kind).first.click()
        page.wait_for_load_state()
        assert page.title().startswith("01 · ")
