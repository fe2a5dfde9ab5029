"""The last lines of `make`: a line per paper, and where to look."""

import json

import pytest
import yaml

from replications.__main__ import main
from replications.core.base.provenance import ROOT
from replications.core.report.compare import VERDICTS
from replications.core.steps.summary import summary

FOUND = [("lee2015", "partial"), ("lee2015", "reproduced"), ("lee2015", "partial"),
         ("bourdoukan2015", "not run")]  # fmt: skip


def tier(results, name, rows=FOUND, page=True):
    folder = results / name
    folder.mkdir(parents=True)
    rows = [{"paper": paper, "verdict": verdict} for paper, verdict in rows]
    (folder / "comparison.json").write_text(json.dumps({"comparisons": rows}))
    if page:
        (folder / "index.html").write_text("<!doctype html>")
    return results


def test_each_paper_has_a_line_and_the_last_one_names_the_page(tmp_path):
    lines = list(summary(tier(tmp_path, "smoke"), "smoke"))
    assert lines == [
        "lee2015         3 claims: 1 reproduced, 2 partial",
        "bourdoukan2015  1 claim: 1 not run",
        f"To look at: {tmp_path / 'smoke' / 'index.html'}",
    ]


def test_every_verdict_is_counted(tmp_path):
    (line, _) = summary(tier(tmp_path, "smoke", [("lee2015", v) for v in VERDICTS]), "smoke")
    assert line.count("1 ") == len(VERDICTS) and f"{len(VERDICTS)} claims" in line


def test_without_a_tier_it_is_that_of_the_configuration(tmp_path, capsys):
    configured = yaml.safe_load((ROOT / "config" / "config.yaml").read_text())["tier"]
    tier(tmp_path, configured)
    assert main(["--results", str(tmp_path), "summary"]) == 0
    assert str(tmp_path / configured / "index.html") in capsys.readouterr().out


def test_what_is_missing_is_said(tmp_path, caplog):
    assert main(["--results", str(tmp_path), "summary", "--tier", "smoke"]) == 1
    assert "comparison.json is not there: run `snakemake --cores all smoke` first" in caplog.text
    with pytest.raises(ValueError, match="is not there"):
        list(summary(tmp_path, "paper"))
    assert list(summary(tier(tmp_path, "paper", page=False), "paper"))[-1].endswith("not there yet")
