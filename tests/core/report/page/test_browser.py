"""The page in a real Chromium: it filters, sorts, unfolds, asks nothing of a network, and reads.

Skipped, with a word, where there is no Chromium.
"""

import re
import shutil
import time
from dataclasses import replace

import pytest
from axe_playwright_python import sync_playwright as axe
from playwright import sync_api as playwright

from replications.core.report.compare import VERDICTS
from replications.core.report.page.write import render
from replications.core.steps.page import gathered
from tests.core.report.page.made import draw, results_of

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHROMIUM = next(filter(None, map(shutil.which, NAMES)), None)
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="the page is not tested in a browser: apt-get install chromium"
)
RAN = ["bengio2015", "lee2015", "song2000"]
PHONE, DESK = {"width": 390, "height": 844}, {"width": 1400, "height": 1000}


@pytest.fixture(scope="module")
def content(tmp_path_factory):
    """The page of all papers, of which three were run and have a figure."""
    results = results_of(tmp_path_factory.mktemp("results"), RAN)
    draw(results / "smoke/figures/lee2015/alignment.png", size=(2400, 600))
    draw(results / "smoke/figures/bengio2015/samples.png")
    draw(results / "reference/figures/bengio2015/samples.png")
    return gathered(results, results / "reference", "smoke")


@pytest.fixture(scope="module")
def file(content, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "index.html"
    path.write_text(render(content))
    return path


@pytest.fixture(scope="module")
def chromium():
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def opened(chromium, file):
    """Opens the page; at the end nothing may have been logged, and nothing asked of a network."""
    contexts, said = [], []

    def open_page(path=file, anchor="", size=DESK, **settings):
        context = chromium.new_context(viewport=size, **settings)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: said.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: said.append(f"error: {error}"))
        page.on("request", lambda request: said.append(f"asked for {request.url}")
                if request.url.split(":")[0] not in ("file", "data", "blob") else None)  # fmt: skip
        page.goto(f"file://{path}{anchor}")
        page.wait_for_selector("html[data-ready]")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert said == []


def shown(page, key):
    """What the rows on the page say of themselves, in their order."""
    return page.eval_on_selector_all(
        "#table tbody tr[id]", f"rows => rows.map(row => row.dataset.{key})"
    )


def total(page):
    """How many claims the table says that it shows."""
    found = re.search(r"of ([\d,]+) claims", page.inner_text(".dt-info"))
    return int(found[1].replace(",", "")) if found else 0


def whole(page):
    """Show all rows at once."""
    page.select_option(".dt-length select", "-1")


@pytest.mark.parametrize("key", ["paper", "verdict", "yours", "agrees", "standing", "tier"])
def test_each_filter_lets_through_what_it_names_and_nothing_else(opened, content, key):
    page = opened()
    of = {"paper": lambda r: r.paper, "verdict": lambda r: r.stored.verdict,
          "yours": lambda r: r.yours.verdict, "agrees": lambda r: r.answer,
          "standing": lambda r: r.standing, "tier": lambda r: r.stored.tier}[key]  # fmt: skip
    expected = [of(row) for row in content.rows]
    whole(page)
    assert shown(page, key) == expected
    for chosen in sorted(set(expected)):
        page.select_option(f"#filters [name={key}]", chosen)
        assert shown(page, key) == [chosen] * expected.count(chosen)
        assert total(page) == expected.count(chosen)


def test_filters_add_up_and_show_all_takes_them_back(opened, content):
    page = opened()
    page.select_option("#filters [name=paper]", "scellier2017")
    page.select_option("#filters [name=verdict]", "open")
    expected = [r for r in content.rows if (r.paper, r.stored.verdict) == ("scellier2017", "open")]
    assert total(page) == len(expected) > 0
    assert page.evaluate("location.hash") == "#paper=scellier2017&verdict=open"
    page.click("#filters button")
    page.wait_for_function("location.hash === '#claims'")
    assert total(page) == len(content.rows)


def test_a_number_of_the_matrix_leads_to_that_many_claims(opened, content):
    page = opened()
    held = [r for r in content.rows if (r.paper, r.stored.verdict) == ("bengio2015", "reproduced")]
    label = f"{len(held)} of {held[0].paper_label}: reproduced, stored"
    page.locator(f".matrix a[aria-label='{label}']").click()
    page.wait_for_function("document.querySelector('#filters [name=paper]').value === 'bengio2015'")
    assert total(page) == len(held) and set(shown(page, "verdict")) == {"reproduced"}


def test_search_finds_words_papers_and_metrics(opened, content):
    page = opened()
    for words in ("Parzen", "song2000", "R² of an exponential"):
        page.fill(".dt-search input >> nth=0", words)
        rows = [
            " ".join([r.says, r.paper, r.where, r.measured, r.name, r.paper_label])
            for r in content.rows
        ]
        found = [row for row in rows if words.lower() in row.lower()]
        assert total(page) == len(found) > 0


def test_columns_are_sorted_both_ways_by_mouse_and_by_keyboard(opened, content):
    page = opened()
    whole(page)
    page.click("#table thead th:has-text('Verdict') .dt-column-order")
    page.wait_for_selector("#table th[aria-sort=ascending]")
    order = [VERDICTS.index(v) for v in shown(page, "verdict")]
    assert order == sorted(order) and len(set(order)) > 3
    page.locator("#table thead th:has-text('Verdict') [role=button]").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("#table th[aria-sort=descending]")
    order = [VERDICTS.index(v) for v in shown(page, "verdict")]
    assert order == sorted(order, reverse=True)
    page.click("#table thead th:has-text('Distance') .dt-column-order")
    page.wait_for_selector("#table th[aria-sort=ascending]:has-text('Distance')")
    far = {f"claim-{r.id}": float(r.far or 1e99) for r in content.rows}
    ids = page.eval_on_selector_all("#table tbody tr[id]", "rows => rows.map(row => row.id)")
    assert [far[i] for i in ids] == sorted(far.values())


def test_a_claim_unfolds_by_keyboard_and_folds_again(opened, content):
    page, row = opened(), content.rows[0]
    button = page.locator("#table .fold").first
    button.focus()
    page.keyboard.press("Enter")
    assert button.get_attribute("aria-expanded") == "true"
    detail = page.locator(".detail")
    for words in (row.stored.rule, row.where, row.stored.by_run, "python -m replications run "):
        assert words in detail.inner_text()
    page.keyboard.press("Space")
    assert button.get_attribute("aria-expanded") == "false" and not detail.is_visible()


def test_the_table_is_reached_by_the_tab_key(opened):
    page, wanted, reached = opened(), {"skip", "paper", "fold"}, set()
    for _ in range(1000):  # more than there is to reach
        page.keyboard.press("Tab")
        reached.add(
            page.evaluate("document.activeElement.className || document.activeElement.name")
        )
        if wanted <= reached:
            break
    assert wanted <= reached


def test_a_link_to_a_claim_shows_it_unfolded(opened, content):
    row = content.rows[-1]  # not on the first page
    page = opened(anchor=f"#claim={row.id}")
    assert page.locator(f"[id='claim-{row.id}'] .fold").get_attribute("aria-expanded") == "true"
    assert page.locator(".detail").count() == 1
    assert page.evaluate("document.activeElement.textContent") == row.says


@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_sticks_out_and_axe_finds_nothing_serious(opened, size, scheme):
    page = opened(size=size, color_scheme=scheme)
    page.locator("#table .fold").first.click()
    page.locator(".problems summary").click()
    for place in ("#papers", "#models", "#rules"):
        page.locator(place).scroll_into_view_if_needed()
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    found = axe.Axe().run(page)
    serious = [
        (violation["id"], [node["html"][:200] for node in violation["nodes"][:3]])
        for violation in found.response["violations"]
        if violation["impact"] in ("serious", "critical")
    ]
    assert serious == []


def test_figures_are_as_large_as_their_files_say_and_have_words(opened):
    page = opened()
    for image in page.locator("figure img").all():
        image.scroll_into_view_if_needed()
        image.evaluate("image => image.decode()")
        assert image.evaluate("image => image.naturalWidth") > 0
        assert len(image.get_attribute("alt")) > 20
    assert page.locator("figure img").count() == 3


def test_on_paper_every_claim_is_there_and_no_control(opened, content):
    page = opened(color_scheme="dark")
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert len(shown(page, "paper")) == len(content.rows)
    assert not page.locator("#filters").is_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert len(shown(page, "paper")) == 25


def test_without_scripts_the_page_says_where_the_table_is(chromium, file):
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"file://{file}")
    assert "comparison.html, beside this page" in page.inner_text("noscript")
    assert page.locator(".matrix a").count() > 20
    context.close()


def test_a_page_of_a_thousand_claims_opens(opened, content, tmp_path, capsys):
    """How long it takes is printed: it depends on the machine, and on what else that does."""
    count = 1000
    rows = [replace(content.rows[i % len(content.rows)], name=f"claim_{i}") for i in range(count)]
    path = tmp_path / "large.html"
    path.write_text(render(replace(content, rows=rows)))
    page = opened(path)
    assert total(page) == count
    ready = int(page.get_attribute("html", "data-ready"))
    started = time.perf_counter()
    page.select_option("#filters [name=paper]", "lee2015")
    filtered = 1000 * (time.perf_counter() - started)
    with capsys.disabled():
        print(f"\n{count} claims, {path.stat().st_size / 1e6:.1f} MB: open after {ready} ms, "
              f"filtered in {filtered:.0f} ms")  # fmt: skip
