"""What the page tells, without a browser: of a whole tier, of half of one, and of nothing."""

import dataclasses
import json
import re
from html.parser import HTMLParser
from types import SimpleNamespace

import pandas as pd
import pytest

from replications.__main__ import main
from replications.core.base.carried import Carried
from replications.core.declare.papers import suite
from replications.core.report.compare import VERDICTS
from replications.core.report.page import seen as reading
from replications.core.report.page.quality import of_experiment
from replications.core.report.page.write import leading, render
from replications.core.report.readme import best
from replications.core.report.tables import COLUMNS
from replications.core.steps import page as steps
from replications.core.steps.page import gathered
from tests.core.report.page.made import REFERENCE, draw, results_of, seen

PAPERS = ["lee2015", "xie2000"]


@pytest.fixture(scope="module")
def few():
    """A suite of two papers."""
    papers = suite().select(PAPERS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(steps, "suite", lambda: dataclasses.make_dataclass("S", ["papers"])(papers))
        yield papers


@pytest.fixture(scope="module")
def content(few, tmp_path_factory):
    """The page of a tier in which lee2015 was run, and xie2000 was not."""
    results = results_of(tmp_path_factory.mktemp("results"), ["lee2015"])
    draw(results / "smoke" / "figures" / "lee2015" / "alignment.png")
    return gathered(results, results / "reference", "smoke")


class Reader(HTMLParser):
    """Attributes of every element, and the text outside of scripts and styles.

    What stands as JSON in the page is read, too: table rows, and what they unfold to.
    """

    def __init__(self, text):
        super().__init__()
        self.elements, self.words, self.inside, self.json = [], [], "", ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        self.inside = "json" if dict(attributes).get("type") == "application/json" else tag

    def handle_data(self, data):
        if self.inside == "json":
            self.json += data
        elif self.inside not in ("script", "style"):
            self.words.append(data)

    def handle_endtag(self, tag):
        if self.inside == "json":
            for part in strings(json.loads(self.json)):
                inner = Reader(part)
                self.elements += inner.elements
                self.words += inner.words
            self.json = ""
        self.inside = ""

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


def strings(value):
    """Every text in a JSON value, with the names of what it holds."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for part in [*value, *(value.values() if isinstance(value, dict) else [])]:
            yield from strings(part)


@pytest.fixture(scope="module")
def page(content):
    return Reader(render(content))


def test_every_claim_is_a_row_with_the_verdict_that_the_readme_prints(content, few):
    verdicts = {(c.paper, c.claim): c.verdict for c in best(REFERENCE, few)}
    assert {(r.paper, r.name): r.stored.verdict for r in content.rows} == verdicts
    assert set(verdicts.values()) <= set(VERDICTS)


def test_the_matrix_counts_every_claim_once(page, content):
    links = [a["aria-label"] for tag, a in page.elements if tag == "a" and "aria-label" in a]
    for whose in ("stored", "yours"):
        cells = [int(re.match(r"\d+", label)[0]) for label in links
                 if label.endswith(whose) and " of all papers" not in label]  # fmt: skip
        assert sum(cells) == len(content.rows)


def test_a_row_shows_both_and_unfolds_to_all_that_stands_behind_it(page, content):
    assert all(page.words.count(f"claim-{row.id}") == 2 for row in content.rows)
    ours = [r for r in content.rows if r.yours.mean]
    assert ours and {r.paper for r in ours} == {"lee2015"}
    for wanted in (ours[0].stored.mean, ours[0].yours.mean, ours[0].where, ours[0].stored.rule):
        assert wanted in page.text
    story = next(s for s in content.stories if s.name == "mnist_continuous")
    assert [(whose, b.tier) for whose, b in story.behind][-1] == ("yours", "smoke")
    for what, how in story.unsaid.items():
        assert what in page.text and " ".join(how.split()) in page.text
    stored = dict(story.behind)["stored"]
    assert stored.again in page.text
    assert str(stored.seeds[0]["noise"]) in page.text
    for origin in stored.origins:
        assert all(line in page.text for line in (*origin.made, *origin.carried))


def test_nothing_is_asked_of_a_network_or_of_another_file(page):
    for tag, attributes in page.elements:
        for name in ("src", "href", "action", "data", "poster", "srcset"):
            address = attributes.get(name) or ""
            assert not address or address.startswith(("#", "data:")), (tag, address[:80])


def test_ids_are_there_once_and_links_lead_somewhere(page, content):
    ids = [a["id"] for _, a in page.elements if "id" in a] + [s.id for s in content.stories]
    assert len(ids) == len(set(ids))
    for tag, attributes in page.elements:
        target = attributes.get("href", "#").removeprefix("#")
        if tag == "a" and target and "=" not in target:
            assert target in ids
        if "data-story" in attributes:
            assert attributes["data-story"] in ids


def test_figures_have_their_caption_and_what_is_missing_is_said(page, few):
    assert few["lee2015"].figures["alignment"]["caption"] in page.text
    shown = [a["alt"] for tag, a in page.elements if tag == "img" and "png" in a["src"][:20]]
    assert len(shown) == 1 and shown[0].startswith("alignment, yours, smoke tier")
    assert "xie2000 was not run in this tier" in page.text
    assert "snakemake --cores all xie2000 --config tier=smoke" in page.text
    declared = sum(len(suite().paper(name).figures) for name in ("lee2015", "xie2000"))
    assert page.text.count("Not drawn in the smoke tier") == declared - 1


def test_what_a_paper_says_is_text_and_never_markup(content):
    evil = '<script>alert("x")</script> & a < b'
    row = dataclasses.replace(content.rows[0], says=evil, measured=evil)
    text = render(dataclasses.replace(content, rows=[row], problems=[evil]))
    held = {name: json.loads(re.search(rf'id="{name}">(.*?)</script>', text)[1])
            for name in ("rows", "details")}  # fmt: skip
    shown = [*held["rows"][0]["cells"], *strings(held["details"]), text.split("<script")[0]]
    assert not any("<script>alert" in part for part in shown)
    assert sum("&lt;script&gt;alert" in part for part in shown) == 3  # the cell, the fold, the note
    assert held["rows"][0]["words"].startswith(evil)


def test_a_folder_without_anything_makes_a_page_that_says_so(few, tmp_path):
    content = gathered(tmp_path, tmp_path / "reference", "smoke")
    said = " ".join(content.problems)
    for what in ("paper tier of the reference is not there", "standard tier of the reference",
                 "lee2015 was not run", "xie2000 was not run"):  # fmt: skip
        assert what in said
    assert {r.answer for r in content.rows} == {"neither was run"}
    assert "There are no scores of any." in Reader(render(content)).text


def test_results_of_another_version_are_named_and_left_out(few, tmp_path):
    results = results_of(tmp_path, PAPERS)
    other = results / "smoke/papers/lee2015/scores.parquet"
    pd.read_parquet(other).rename(columns={"part": "layer"}).to_parquet(other)
    (results / "smoke/papers/xie2000/scores.parquet").write_bytes(b"no table")
    content = gathered(results, results / "reference", "smoke")
    assert [p.split(":")[0] for p in content.problems] == [
        f"{name} was made by another version in this tier" for name in PAPERS
    ]
    assert not any(r.yours.mean for r in content.rows)
    assert any(r.stored.mean for r in content.rows)


def test_runs_of_other_code_are_shown_and_named(few, tmp_path):
    results = results_of(tmp_path, ["lee2015"])
    path = results / "smoke/papers/lee2015/scores.parquet"
    table = pd.read_parquet(path)
    table.loc[table["experiment"] == "mnist_continuous", "train"] = "earlier/settings"
    table.to_parquet(path, index=False)
    content = gathered(results, results / "reference", "smoke")
    said = [p for p in content.problems if "other code, settings or data" in p]
    assert len(said) == 1 and said[0].startswith("lee2015: mnist_continuous ran by other code")
    assert any(r.yours.mean for r in content.rows)


def test_scores_that_do_not_fit_the_claims_count_as_not_run(few, tmp_path):
    results = results_of(tmp_path, ["xie2000"])
    path = results / "smoke/papers/xie2000/scores.parquet"
    pd.read_parquet(path).assign(part="elsewhere").to_parquet(path, index=False)
    content = gathered(results, results / "reference", "smoke")
    assert any("smoke scores of xie2000 do not fit its claims" in p for p in content.problems)
    assert not any(r.yours.mean for r in content.rows)


def test_the_command_writes_the_page(few, tmp_path):
    results = results_of(tmp_path, ["lee2015"])
    assert main(["--results", str(results), "page", "--tier", "smoke"]) == 0
    assert "<!doctype html>" in (results / "smoke" / "index.html").read_text()


def test_of_several_tables_the_first_with_runs_counts():
    keys = [("p", name) for name in "abc"]
    paper = dict(zip(keys, [seen(1.0), seen(), seen()], strict=True))
    standard = dict(zip(keys, [seen(2.0), seen(3.0), seen(share=0.1)], strict=True))
    chosen = reading.largest([paper, standard])
    assert [chosen[key].runs for key in keys] == [{0: 1.0}, {0: 3.0}, {}]
    assert chosen["p", "c"].comparison.share == 0.1


def test_an_empty_table_is_no_fault(few):
    table = reading.Table("smoke", reading.empty())
    found = reading.seen(table, few, Carried(REFERENCE / "none.csv"))
    assert {s.comparison.verdict for s in found.values()} == {"not run"} and not table.problems


def test_alignment_is_told_by_layer_and_not_where_an_update_points_nowhere():
    rows = [("cosine", "W10", 0, 0.5), ("cosine", "W2", 0, 0.2), ("cosine", "W2", 1, 0.4),
            ("cosine", "W1", 0, 1.0), ("norm_ratio", "W1", 0, 0.0),
            ("norm_ratio", "W2", 0, 1.0)]  # fmt: skip
    final = pd.DataFrame(rows, columns=["metric", "part", "run", "value"])
    row = of_experiment(SimpleNamespace(label="a rule", data="digits", budget=""), final)
    assert row["cosine to −gradient, by layer"] == "W2 0.3, W10 0.5"
    assert row["angle (deg), by layer"] == row["test error (%)"] == "–" and row["runs"] == "2"


@pytest.mark.parametrize(
    ("cell", "number"),
    [("161.6 ± 3.2", "161.6"), ("-14.4 ± 1", "-14.4"), ("W1 0.98, W2 0.71", "0.98"),
     ("1,000 samples", "1000"), ("–", ""), ("stored", "stored"), ("3", "3"),
     ("2e+02 ± 1", "2e+02")],
)  # fmt: skip
def test_cells_are_sorted_by_their_first_number(cell, number):
    assert leading(cell) == number


def test_the_columns_are_those_of_the_long_table():
    assert list(reading.empty().columns) == COLUMNS
