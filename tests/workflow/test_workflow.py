"""The smoke tier end to end through Snakemake, in a copy of the project."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter

import pandas as pd
import pytest
from matplotlib import pyplot as plt

from replications.core.base.provenance import ROOT, machine
from replications.core.declare.papers import suite
from replications.core.report.plots import figures
from replications.core.report.tables import COLUMNS
from tests.core.report.drawing import flaws
from tests.workflow.runner import COMMAND, copy_of, planned, snakemake


def test_every_table_and_figure_is_there(finished):
    smoke = finished / "results" / "smoke"
    for end in (".csv", ".md", "_column.tex", "_page.tex", ".json", ".html"):
        assert (smoke / f"comparison{end}").stat().st_size > 500
    for paper in suite().papers.values():
        for figure in paper.figures:
            for suffix in ("png", "pdf"):
                assert (smoke / "figures" / paper.name / f"{figure}.{suffix}").stat().st_size > 5000


def test_the_long_table_is_one_in_parquet_and_csv_and_finite(finished):
    smoke = finished / "results" / "smoke"
    table = pd.read_parquet(smoke / "scores.parquet")
    assert list(table.columns) == COLUMNS
    assert table["value"].notna().all() and table["value"].abs().max() < float("inf")
    csv = pd.read_csv(smoke / "scores.csv", keep_default_na=False)
    assert csv["value"].astype(float).to_list() == pytest.approx(table["value"].to_list(), rel=1e-5)
    experiments = {
        (p.name, e.name) for p in suite().papers.values() for e in p.experiments("smoke")
    }
    assert set(table.groupby(["paper", "experiment"]).groups) == experiments


def test_every_claim_has_a_row_and_claims_about_other_data_have_no_verdict(finished):
    document = json.loads((finished / "results/smoke/comparison.json").read_text())
    rows = document["comparisons"]
    claims = {(p.name, c.name) for p in suite().papers.values() for c in p.claims}
    assert {(row["paper"], row["claim"]) for row in rows} == claims
    about_digits = {
        (paper.name, claim.name)
        for paper in suite().papers.values()
        for claim in paper.claims
        for e in paper.experiments("paper")
        if e.data == "digits" and e.name in {score["experiment"] for score in claim.scores}
    }
    for row in rows:
        if row["dataset"] == "digits" and (row["paper"], row["claim"]) not in about_digits:
            assert row["verdict"] == ("not comparable" if row["runs"] else "not run")
    assert document["counts"] == Counter(row["verdict"] for row in rows)
    assert document["counts"]["not comparable"] and document["counts"]["not run"]
    assert "How a verdict is reached" in (finished / "results/smoke/comparison.md").read_text()


@pytest.mark.parametrize("paper", suite().names)
def test_figures_can_be_read_at_the_size_of_print(finished, paper):
    drawn = figures(finished / "results/smoke", suite().paper(paper), "smoke")
    wrong = {name: flaws(figure) for name, figure in drawn}
    plt.close("all")
    assert wrong and not any(wrong.values()), wrong


def test_the_crate_describes_every_run(finished):
    folder = finished / "results/smoke"
    told = json.loads((folder / "ro-crate-metadata.json").read_text())["@graph"]
    runs = {e["@id"] for e in told if e["@id"].startswith("#run/")}
    paths = (folder / "runs").glob("*/*/*/run.json")
    assert runs == {"#run/" + "/".join(path.parts[-4:-1]) for path in paths}


def test_every_run_says_where_it_comes_from(finished):
    for path in (finished / "results/smoke/runs").glob("*/*/*/run.json"):
        run = json.loads(path.read_text())
        assert set(run["hashes"]) == {"code", "config", "data", "format"}
        assert run["seeds"] and run["environment"]["torch"] and run["device"]
        assert run["peak_memory_mb"] < 3000


def test_logs_hold_no_control_characters(finished):
    logs = list((finished / "results/smoke/logs").rglob("*.log"))
    assert logs
    for path in logs:
        assert not re.search(r"[\x00-\x08\x0b-\x1f]", path.read_text()), path


def test_the_regression_check_passes_and_names_the_processors(project):
    done = snakemake(project, "check")
    log = (project / "results/smoke/logs/check.log").read_text()
    assert done.returncode == 0, log
    assert "metrics are as in the reference" in log
    assert "The reference was made on" in log and machine()["processor"] in log


def test_a_second_run_does_nothing(finished):
    assert planned(finished, "smoke") == {}


def test_a_fresh_clone_with_the_results_in_place_does_nothing(finished, tmp_path):
    clone = copy_of(ROOT, tmp_path / "clone")
    shutil.copytree(finished / "results" / "smoke", clone / "results" / "smoke")
    assert planned(clone, "smoke") == {}


def test_another_place_or_device_reruns_nothing(finished, tmp_path):
    """Another spelling of the interpreter, a moved project, absolute folders, a device by name."""
    moved = tmp_path / "elsewhere" / "project"
    shutil.copytree(finished, moved)
    spelt = tmp_path / "python"
    spelt.symlink_to(sys.executable)
    command = [str(spelt), *COMMAND[1:], "--dry-run", "smoke", "--config", "device=cpu",
               f"data={moved / 'data'}", f"results={moved / 'results'}"]  # fmt: skip
    site = {"PYTHONPATH": os.pathsep.join(p for p in sys.path if "site-packages" in p)}
    done = subprocess.run(command, cwd=moved, env=os.environ | site, capture_output=True, text=True)
    assert "Nothing to be done" in done.stdout + done.stderr, done.stdout[-3000:] + done.stderr


def test_the_report_is_made_offline_with_captions(project, tmp_path):
    report = tmp_path / "report.html"
    done = snakemake(project, "smoke", "--report", str(report))
    assert done.returncode == 0, done.stdout[-3000:]
    text = report.read_text()
    assert "Comparison with the papers" in text and "learning_curves" in text
