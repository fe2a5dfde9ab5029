"""The smoke tier end to end through Snakemake, in a copy of the project; what a change reruns."""

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
from replications.core.declare.papers import Suite
from replications.core.report.plots import figures
from replications.core.report.tables import COLUMNS
from tests.core.report.drawing import flaws
from tests.workflow.runner import COMMAND, copy_of, edit, planned, ran, snakemake, trained


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A copy of the project whose smoke tier has been run."""
    folder = copy_of(ROOT, tmp_path_factory.mktemp("workflow") / "project")
    ran(folder, "smoke")
    return folder


@pytest.fixture
def project(finished, tmp_path):
    """A copy of the finished project, dates and Snakemake's memory included, to change at will."""
    return shutil.copytree(finished, tmp_path / "project")


def test_every_table_and_figure_is_there(finished):
    smoke = finished / "results" / "smoke"
    for end in (".csv", ".md", "_column.tex", "_page.tex", ".json", ".html"):
        assert (smoke / f"comparison{end}").stat().st_size > 500
    for paper in Suite().papers.values():
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
        (p.name, e.name) for p in Suite().papers.values() for e in p.experiments("smoke")
    }
    assert set(table.groupby(["paper", "experiment"]).groups) == experiments


def test_every_claim_has_a_row_and_claims_about_other_data_have_no_verdict(finished):
    document = json.loads((finished / "results/smoke/comparison.json").read_text())
    rows = document["comparisons"]
    claims = {(p.name, c.name) for p in Suite().papers.values() for c in p.claims}
    assert {(row["paper"], row["claim"]) for row in rows} == claims
    about_digits = {
        (paper.name, claim.name)
        for paper in Suite().papers.values()
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


@pytest.mark.parametrize("paper", Suite().names)
def test_figures_can_be_read_at_the_size_of_print(finished, paper):
    drawn = figures(finished / "results/smoke", Suite().paper(paper), "smoke")
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


def test_the_regression_check_passes_and_names_the_processors(finished):
    done = snakemake(finished, "check")
    log = (finished / "results/smoke/logs/check.log").read_text()
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


def test_comments_docstrings_and_messages_rerun_nothing(project):
    path = project / "replications/scellier2017/rule.py"
    path.write_text(path.read_text().replace('"""', '"""Again: ', 1) + "\n# the end\n")
    edit(project / "replications/core/train/minibatch.py", "least as many", "at least as many")
    edit(project / "replications/core/data/catalogue.py", "CC BY 4.0, UCI", "CC BY 4.0, the UCI")
    assert planned(project, "smoke") == {}


OF_LEE = {
    "run_smoke_lee2015", "report_lee2015", "complete_lee2015", "overview", "page", "crate", "smoke"
}  # fmt: skip


def test_a_changed_rule_reruns_its_paper_alone(project):
    edit(project / "replications/lee2015/rule.py", "(2 / count)", "(3 / count)")
    assert set(planned(project, "smoke")) == OF_LEE


def test_a_changed_setting_retrains_its_experiment_alone(project):
    before = trained(project)
    edit(project / "replications/lee2015/paper.yaml", "alpha: 0.327736332653", "alpha: 0.3")
    assert set(planned(project, "smoke")) == OF_LEE
    ran(project, "smoke")
    after = trained(project)
    changed = {run for run, when in after.items() if before[run] != when}
    assert changed == {f"lee2015/mnist_continuous/{i}" for i in (0, 1)}


def test_a_changed_claim_or_figure_trains_nothing(project):
    edit(project / "replications/lee2015/paper.yaml", "value: {mean: 1.94}", "value: {mean: 1.9}")
    assert set(planned(project, "smoke")) == OF_LEE - {"run_smoke_lee2015"}
    edit(project / "replications/lee2015/paper.yaml", "value: {mean: 1.9}", "value: {mean: 1.94}")
    edit(project / "replications/lee2015/figures.py", "training cost (nats)", "cost (nats)")
    assert set(planned(project, "smoke")) == OF_LEE - {"run_smoke_lee2015"}


def test_more_runs_are_made_alone_and_one_without_a_number_leaves_the_others_theirs(project):
    """song2000's third run has a neuron that does not spike: its irregularity is undefined."""
    before = trained(project)
    edit(project / "config/config.yaml", "smoke: 2", "smoke: 3")
    ran(project, "song2000", "--config", "tier=smoke")
    after = trained(project)
    assert set(after) - set(before) == {f"song2000/{e}/2" for e in ("rates", "correlated")}
    assert all(after[run] == when for run, when in before.items())
    table = (project / "results/smoke/papers/song2000/comparison.md").read_text()
    assert "| 2 of 3 |" in table and "| 3 |" in table


def test_one_failing_run_holds_back_nothing_but_itself_and_is_tried_again_alone(project):
    path = project / "replications/core/steps/jobs.py"
    whole = path.read_text()
    edit(path, "def train(run: Run) -> None:", "def train(run: Run) -> None:" + FAILING)
    edit(project / "replications/lee2015/paper.yaml", "alpha: 0.327736332653", "alpha: 0.3")
    done = snakemake(project, "smoke")
    assert done.returncode != 0
    told = (project / "results/smoke/logs/complete/lee2015.log").read_text()
    assert "1 runs failed" in told and "lee2015 mnist_continuous 1: no more memory" in told
    scores = pd.read_parquet(project / "results/smoke/scores.parquet")
    left = scores[scores["paper"] == "lee2015"].groupby("experiment")["run"].unique()
    assert [*map(int, left["mnist_continuous"])] == [0] and len(left["mnist_backpropagation"]) == 2
    before = trained(project)
    path.write_text(whole)
    ran(project, "smoke")
    after = trained(project)
    changed = {run for run, when in after.items() if before.get(run) != when}
    assert changed == {"lee2015/mnist_continuous/1"}


FAILING = """
    if run.experiment.name == "mnist_continuous" and run.index == 1:
        raise ValueError("no more memory")
"""


def test_a_planted_sign_flip_is_caught_with_a_table_of_what_moved(project):
    """Through the whole workflow; one fault for every rule and model is in test_planted_faults."""
    contrast = "contrast(batch.inputs, free, above, "  # bounded outputs, which cannot diverge
    edit(project / "replications/scellier2017/rule.py", f"{contrast}beta)", f"{contrast}-beta)")
    done = snakemake(project, "check")
    assert done.returncode != 0
    log = (project / "results/smoke/logs/check.log").read_text()
    assert "metrics regressed" in log
    assert re.search(r"scellier2017 +mnist_1h +.*moved", log)
    assert not re.search(r"(lee2015|bengio2015) .*moved", log)
    assert not (project / "results/smoke/check.csv").exists()


def test_a_second_workflow_in_the_same_directory_says_so_and_harms_nothing(project):
    before = (project / "results/smoke/scores.csv").read_bytes()
    edit(project / "replications/lee2015/rule.py", "(2 / count)", "(3 / count)")
    command = [*COMMAND[:-1], "1", "smoke"]
    first = subprocess.Popen(
        command, cwd=project, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    for line in first.stdout:
        if "run_smoke_lee2015" in line:
            break  # the first workflow is at work now, and holds the directory
    second = snakemake(project, "smoke")
    assert second.returncode != 0 and "LockException" in second.stdout
    assert (project / "results/smoke/scores.csv").read_bytes() == before
    out, _ = first.communicate()
    assert first.returncode == 0, out[-3000:]


def test_the_report_is_made_offline_with_captions(finished, tmp_path):
    report = tmp_path / "report.html"
    done = snakemake(finished, "smoke", "--report", str(report))
    assert done.returncode == 0, done.stdout[-3000:]
    text = report.read_text()
    assert "Comparison with the papers" in text and "learning_curves" in text


def test_what_is_forced_is_trained_again(project):
    before = trained(project)
    ran(project, "--config", "tier=smoke", "--forceall", "--", "lee2015")
    after = trained(project)
    changed = {run for run, when in after.items() if before[run] != when}
    assert changed == {run for run in before if run.startswith("lee2015/")}
