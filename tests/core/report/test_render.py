"""Tables of claims in every format: the same cells, complete, and nothing breaks out of them."""

import html as html_text
import json
import math
import re
from dataclasses import asdict, fields, replace
from html.parser import HTMLParser

import pandas as pd
import pytest

from replications.core.base.carried import Carried
from replications.core.report.compare import (
    RULE,
    Comparison,
    compare,
    counted,
    heading,
)
from replications.core.report.render import (
    COLUMNS,
    cells,
    in_html,
    in_latex,
    in_markdown,
    markdown,
    sections,
    three_digits,
    write_comparison,
)
from tests.core.report.claims import (
    FULL,
    HIGHER,
    LOWER,
    NEITHER,
    REDUCED,
    papers_with,
    predicate,
    table,
    value_claim,
)

COMPARISON = Comparison(
    paper="toy", paper_label="Toy 2000", claim="c", says="50% of a|b", where="Sec. 2 & 3",
    dataset="mnist", scores="a test_error", measured="test error (%): rule a", unit="%",
    direction="lower", paper_value="1.94†", paper_spread="", standing="recalled", ours=2.03456,
    low=1.9, high=2.16912, runs=3, of=3, difference=0.09456, verdict="no paper value",
    tier="standard", share=0.08, share_text="8%", note="as <above>",
)  # fmt: skip
FULLY = replace(COMPARISON, tier="paper", share=1.0, share_text="full", note="")


def test_the_cells_of_a_row():
    usual = "standard tier, 8%"
    assert cells(COMPARISON, usual) == {
        "claim": "50% of a|b", "where": "Sec. 2 & 3", "measured": "test error (%): rule a",
        "paper's value": "1.94†", "ours, mean": "2.03", "95% t-interval": "1.9 to 2.17",
        "runs": "3", "verdict": "no paper value", "note": "as <above>",
    }  # fmt: skip
    assert tuple(cells(COMPARISON, usual)) == COLUMNS


def test_the_cells_of_what_was_not_run_are_empty_and_numbers_are_as_long_as_they_are_sure():
    found = cells(replace(COMPARISON, ours=None, low=None, high=None, runs=0, note=""))
    assert [found[k] for k in ("ours, mean", "95% t-interval", "note")] == ["", "", ""]
    nats = cells(replace(COMPARISON, ours=236.26, low=-100.04, high=99.94))
    assert nats["ours, mean"] == "236.3" and nats["95% t-interval"] == "-100.0 to 99.9"


@pytest.mark.parametrize("value, text", [
    (0.99985, "0.9999"), (-0.99985, "-0.9999"), (0.9994, "0.999"), (1.0, "1"), (1.0002, "1"),
    (0.999999999, "0.999999999"), (99.97, "100"), (3.14159, "3.14"), (0.0012345, "0.00123"),
])  # fmt: skip
def test_what_is_below_one_does_not_read_one(value, text):
    assert three_digits(value) == text


def test_runs_without_the_number_and_the_share_of_an_open_verdict_are_told():
    assert cells(replace(COMPARISON, runs=2))["runs"] == "2 of 3"
    assert cells(replace(COMPARISON, verdict="open"))["verdict"] == "open: short of it at 8%"


def test_a_section_names_the_budget_of_most_claims_once_and_the_others_say_theirs():
    not_run = replace(COMPARISON, runs=0, ours=None, low=None, high=None, verdict="not run")
    (only,) = sections([FULLY, FULLY, COMPARISON, not_run])
    assert only.title == "Toy 2000"
    assert only.line == (
        "4 claims: 3 no paper value, 1 not run. Budget: paper tier, full, where a note does not "
        "say otherwise."
    )
    notes = [row["note"] for row in only.rows]
    assert notes == ["", "", "standard tier, 8%; as <above>", "as <above>"]
    (alike,) = sections([FULLY])
    assert alike.line == "1 claim: 1 no paper value. Budget: paper tier, full."
    assert sections([not_run])[0].line == "1 claim: 1 not run."


def test_every_paper_has_its_section():
    other = replace(FULLY, paper="b", paper_label="Other 2001")
    assert [s.title for s in sections([FULLY, other, FULLY])] == ["Toy 2000", "Other 2001"]
    assert [len(s.rows) for s in sections([FULLY, other, FULLY])] == [2, 1]


def test_markdown_escapes_pipes():
    text = markdown([{"x": "a|b", "y": "c"}, {"x": "d", "y": "|"}])
    lines = text.splitlines()
    assert lines[2:] == ["| a\\|b | c |", "| d | \\| |"]
    assert lines[1] == "|---|---|" and text.endswith("\n")
    assert all(len(re.findall(r"(?<!\\)\|", line)) == 3 for line in lines)
    assert markdown([]) == ""


def test_markdown_keeps_a_row_on_one_line():
    assert len(markdown([{"x": "two\nlines", "y": "c"}]).splitlines()) == 3


def test_html_escapes_and_is_complete():
    long = "x" * 200 + "end"
    text = in_html([replace(COMPARISON, says="<script>alert(1)</script> & more", note=long)])
    assert "<script>" not in text and "&lt;script&gt;alert(1)&lt;/script&gt; &amp; more" in text
    assert long in text  # pandas shortens what is long if it is let
    assert all(html_text.escape(line) in text for line in RULE.splitlines())


# The same numbers everywhere


class Cells(HTMLParser):
    """The text of every td."""

    def __init__(self, text):
        super().__init__()
        self.found, self.inside = [], False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.inside = tag == "td"
        self.found += [""] if self.inside else []

    def handle_endtag(self, tag):
        self.inside = False

    def handle_data(self, data):
        if self.inside:
            self.found[-1] += data


def of_markdown(text, columns):
    rows = [re.split(r"(?<!\\)\|", line)[1:-1] for line in text.splitlines() if line[:1] == "|"]
    head = [cell.strip() for cell in rows[0]]
    return [[row[head.index(c)].strip() for c in columns] for row in rows[2:]]


def of_html(text, columns):
    found = Cells(text).found
    rows = [found[i : i + len(COLUMNS)] for i in range(0, len(found), len(COLUMNS))]
    return [[row[COLUMNS.index(c)] for c in columns] for row in rows]


def of_latex(text, columns, shown):
    lines = [line for line in text.splitlines() if line.startswith("{}")]
    rows = [re.split(r"(?<!\\)&", line.removesuffix(r"\\").strip()) for line in lines]
    plain = [[re.sub(r"\\num\{(.*?)\}", r"\1", cell).strip() for cell in row] for row in rows]
    return [[row[shown.index(c)] for c in columns] for row in plain]


NUMBERS = [(0.0484, "0 to 0.1"), (-5.1, "> 0"), (215.1, "236"), (30.5, "> 0.2"), (1e-9, "0"),
           (161.62, "-1"), (0.00081, "1e-09")]  # fmt: skip


def test_all_formats_have_the_same_numbers():
    compared = [
        replace(FULLY, ours=x, low=x - 0.25, high=x + 0.25, paper_value=v, says=f"claim {i}")
        for i, (x, v) in enumerate(NUMBERS)
    ]
    numbers = ("paper's value", "ours, mean", "95% t-interval")
    wanted = [[cells(c)[n] for n in numbers] for c in compared]
    assert of_markdown(in_markdown(compared), numbers) == wanted
    assert of_html(in_html(compared), numbers) == wanted
    wide = ["claim", "measured", *numbers]
    assert of_latex(in_latex(compared, wide=True), numbers, wide) == [
        [cell.replace(">", r"\ensuremath{>}") for cell in row] for row in wanted
    ]
    narrow = ["claim", *numbers[:2]]
    assert [row[1] for row in of_latex(in_latex(compared, wide=False), numbers[:2], narrow)] == [
        row[1] for row in wanted
    ]
    for c, row in zip(compared, wanted, strict=True):
        assert float(row[1]) == pytest.approx(c.ours, rel=5e-3)


# Written


@pytest.fixture
def written(tmp_path):
    claims = {
        "value": value_claim(LOWER, 2.0, 0.5) | {"note": 'with, "quotes" and\nlines'},
        "alone": value_claim("train_error", 1 / 3, 0.5),
        "unsure": predicate(standing="recalled"),
        "later": value_claim(NEITHER, 16.0, 0.5),
    }
    papers = papers_with(claims, REDUCED)
    scores = table({("a", LOWER, ""): [2.0, 2.1, 2.3], ("a", "train_error", ""): [0.1],
                    ("a", HIGHER, ""): [1.0, 2.0], ("b", HIGHER, ""): [0.0, 0.5]})  # fmt: skip
    scores.to_parquet(tmp_path / "scores.parquet")
    write_comparison(tmp_path, papers, "standard", Carried(tmp_path / "carried.csv"))
    return tmp_path, compare(scores, papers, "standard")


def test_these_files_are_written_and_nothing_else(written):
    directory, compared = written
    names = {path.name for path in directory.iterdir()}
    formats = (".csv", ".json", ".md", ".html", "_column.tex", "_page.tex", "_preview.tex")
    assert names == {"scores.parquet", *(f"comparison{suffix}" for suffix in formats)}
    head = heading(counted(compared))
    assert head.startswith("4 claims: ")
    for suffix in (".md", ".html"):
        text = (directory / f"comparison{suffix}").read_text()
        assert head in text.partition("it is so")[0], suffix
        assert "not run" in text and "How a verdict is reached" in text


def test_json_has_every_number_and_no_nan(written):
    directory, compared = written

    def refuse(constant):
        raise AssertionError(constant)

    text = (directory / "comparison.json").read_text()
    document = json.loads(text, parse_constant=refuse)
    assert set(document) == {"tier", "rule", "counts", "comparisons"}
    assert document["counts"] == counted(compared)
    assert (document["tier"], document["rule"]) == ("standard", RULE)
    assert document["comparisons"] == [asdict(c) for c in compared]
    assert [c["runs"] for c in document["comparisons"]] == [3, 1, 2, 0]
    assert document["comparisons"][1]["low"] is None and "†" in text


def test_csv_goes_there_and_back(written):
    directory, compared = written
    text = {f.name: str for f in fields(Comparison) if f.type == "str"}
    numbers = {"na_values": {f.name: [""] for f in fields(Comparison) if f.name not in text}}
    frame = pd.read_csv(
        directory / "comparison.csv", keep_default_na=False, dtype=text, **numbers,
    )  # fmt: skip
    assert list(frame.columns) == [f.name for f in fields(Comparison)]
    back = [
        {k: None if isinstance(v, float) and math.isnan(v) else v for k, v in row.items()}
        for row in frame.to_dict("records")
    ]
    assert back == [asdict(c) for c in compared]


def test_no_claims_give_empty_tables(tmp_path):
    table({}).to_parquet(tmp_path / "scores.parquet")
    write_comparison(tmp_path, papers_with({}, FULL), "smoke", Carried(tmp_path / "none.csv"))
    assert json.loads((tmp_path / "comparison.json").read_text())["comparisons"] == []
    assert (tmp_path / "comparison.csv").read_text().strip() == ",".join(
        f.name for f in fields(Comparison)
    )
