"""What a change reruns of a finished smoke tier, through Snakemake, and what it leaves alone."""

import re
import subprocess

import pandas as pd

from tests.workflow.runner import COMMAND, edit, planned, ran, snakemake, trained


def test_comments_docstrings_and_messages_rerun_nothing(project):
    path = project / "replications/scellier2017/rule.py"
    path.write_text(path.read_text().replace('"""', '"""Again: ', 1) + "\n# the end\n")
    edit(project / "replications/core/train/minibatch.py", "least as many", "at least as many")
    edit(project / "replications/core/data/catalogue.py", "CC BY 4.0, UCI", "CC BY 4.0, the UCI")
    assert planned(project, "smoke") == {}


RUNS = "results/smoke/runs"
OF_LEE = {
    "run_smoke_lee2015", "report_lee2015", "complete_lee2015", "overview", "page", "crate", "smoke"
}  # fmt: skip
LEE = ("lee2015", "--config", "tier=smoke")  # without the tables, page and crate of all papers


def test_a_changed_rule_reruns_its_paper_and_those_that_build_on_it_alone(project):
    edit(project / "replications/lee2015/rule.py", "(2 / count)", "(3 / count)")
    papers = ("bartunov2018", "league")
    builds_on_it = {f"{job}_{p}" for job in ("run_smoke", "report", "complete") for p in papers}
    of_league = {"costs", "league_table"}
    assert set(planned(project, "smoke")) == OF_LEE | builds_on_it | of_league


def test_a_changed_setting_retrains_its_experiment_alone(project):
    before = trained(project / RUNS)
    edit(project / "replications/lee2015/paper.yaml", "alpha: 27.965482616", "alpha: 28.0")
    assert set(planned(project, "smoke")) == OF_LEE
    ran(project, *LEE)
    after = trained(project / RUNS)
    changed = {run for run, when in after.items() if before[run] != when}
    assert changed == {f"lee2015/mnist_discretised/{i}" for i in (0, 1)}


def test_a_changed_claim_or_figure_trains_nothing(project):
    edit(project / "replications/lee2015/paper.yaml", "value: {mean: 1.94}", "value: {mean: 1.9}")
    assert set(planned(project, "smoke")) == OF_LEE - {"run_smoke_lee2015"}
    edit(project / "replications/lee2015/paper.yaml", "value: {mean: 1.9}", "value: {mean: 1.94}")
    edit(project / "replications/lee2015/figures.py", "training cost (nats)", "cost (nats)")
    assert set(planned(project, "smoke")) == OF_LEE - {"run_smoke_lee2015"}


def test_more_runs_are_made_alone_and_one_without_a_number_leaves_the_others_theirs(project):
    """song2000's third run has a neuron that does not spike: its irregularity is undefined."""
    before = trained(project / RUNS)
    edit(project / "config/config.yaml", "smoke: 2", "smoke: 3")
    ran(project, "song2000", "--config", "tier=smoke")
    after = trained(project / RUNS)
    assert set(after) - set(before) == {f"song2000/{e}/2" for e in ("rates", "correlated")}
    assert all(after[run] == when for run, when in before.items())
    table = (project / "results/smoke/papers/song2000/comparison.md").read_text()
    assert "| 2 of 3 |" in table and "| 3 |" in table


def test_one_failing_run_holds_back_nothing_but_itself_and_is_tried_again_alone(project):
    path = project / "replications/core/steps/jobs.py"
    whole = path.read_text()
    edit(path, "def train(run: Run) -> None:", "def train(run: Run) -> None:" + FAILING)
    edit(project / "replications/lee2015/paper.yaml", "alpha: 27.965482616", "alpha: 28.0")
    done = snakemake(project, *LEE)
    assert done.returncode != 0
    told = (project / "results/smoke/logs/complete/lee2015.log").read_text()
    assert "1 runs failed" in told and "lee2015 mnist_discretised 1: no more memory" in told
    scores = pd.read_parquet(project / "results/smoke/papers/lee2015/scores.parquet")
    left = scores.groupby("experiment")["run"].unique()
    assert [*map(int, left["mnist_discretised"])] == [0] and len(left["mnist_backpropagation"]) == 2
    before = trained(project / RUNS)
    path.write_text(whole)
    ran(project, *LEE)
    after = trained(project / RUNS)
    changed = {run for run, when in after.items() if before.get(run) != when}
    assert changed == {"lee2015/mnist_discretised/1"}


FAILING = """
    if run.experiment.name == "mnist_discretised" and run.index == 1:
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


def test_a_second_workflow_on_the_same_paper_says_so_and_harms_nothing(project):
    before = (project / "results/smoke/scores.csv").read_bytes()
    edit(project / "replications/lee2015/rule.py", "(2 / count)", "(3 / count)")
    command = [*COMMAND[:-1], "1", *LEE]
    first = subprocess.Popen(
        command, cwd=project, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    for line in first.stdout:
        if "run_smoke_lee2015" in line:
            break  # the first workflow is at work now, and holds the paper
    second = snakemake(project, "smoke")
    said = "another workflow is at work on lee2015 in results/smoke: wait for its end, or stop it"
    assert second.returncode != 0 and said in second.stdout
    assert (project / "results/smoke/scores.csv").read_bytes() == before
    out, _ = first.communicate()
    assert first.returncode == 0, out[-3000:]


def test_what_is_forced_is_trained_again(project):
    before = trained(project / RUNS)
    ran(project, "--config", "tier=smoke", "--forceall", "--", "lee2015")
    after = trained(project / RUNS)
    changed = {run for run, when in after.items() if before[run] != when}
    assert changed == {run for run in before if run.startswith("lee2015/")}
