"""What Snakemake plans, and what it says of a mistake: nothing here runs a job."""

import os
import re

import pytest

from replications.core.base.provenance import ROOT
from replications.core.declare.papers import suite
from tests.workflow.runner import copy_of, edit, planned, snakemake


@pytest.fixture(scope="module")
def untouched(tmp_path_factory):
    """A copy of the project in which nothing has been run."""
    return copy_of(ROOT, tmp_path_factory.mktemp("plans") / "project")


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("replications/lee2015/paper.yaml", "optimiser: &optimiser",
         "optimizer: &optimiser", r"mnist_continuous.training: .*'optimizer'.*allowed keys are batch, shuffle"),  # noqa: E501
        ("replications/lee2015/paper.yaml", '"*": 0.00254964515659', '"*": -0.0025',
         r"learning_rates.\*: -0.0025 is less than or equal to the minimum of 0"),
        ("replications/lee2015/paper.yaml", "learning_rule: released_updates",
         "learning_rule: released", r"mnist_released.learning_rule: unknown name 'released'; known are .*released_updates"),  # noqa: E501
        ("replications/lee2015/paper.yaml", "{alpha: 0.327736332653, noise: 0.359829566008}",
         "{alpha: 0.3, nois: 0.36}", r"takes alpha, noise; unknown: nois; missing: noise"),
        ("replications/scellier2017/paper.yaml", "      smoke: &digits\n        data: digits",
         "      smoke: &digits\n        data: digit", r"tiers.smoke.data: 'digit' is not one of"),
        ("replications/bengio2015/search.yaml", "maximise: generate", "maximise: generat",
         r"deep_generative_model.maximise: 'generat' is none of the samplers"),
        ("config/config.yaml", "tier: standard", "tier: tiny", r"config.yaml: tier: 'tiny' is not one of"),  # noqa: E501
        ("config/config.yaml", "papers: all", "papers: [lee2016]", r"unknown lee2016; there are .*lee2015"),  # noqa: E501
    ],
)  # fmt: skip
def test_a_mistake_in_a_yaml_file_is_named_with_its_key_and_what_is_allowed(
    tmp_path, file, old, new, message
):
    folder = copy_of(ROOT, tmp_path / "project")
    edit(folder / file, old, new)
    done = snakemake(folder, "--dry-run", "smoke")
    assert done.returncode != 0
    assert re.search(message, done.stdout), done.stdout[-2000:]


def test_a_mistake_on_the_command_line_is_named_with_what_is_allowed(untouched):
    """One of those in tests/core/declare/test_configuration.py, through Snakemake."""
    done = snakemake(untouched, "--dry-run", "smoke", "--config", "device=gpu")
    message = r"device: 'gpu' is not one of \['auto', 'cpu'"
    assert done.returncode != 0 and re.search(message, done.stdout), done.stdout[-2000:]


def test_runs_and_folders_may_be_given_on_the_command_line(untouched):
    given = ["runs={smoke: 1}", "results=~/my results", "papers=[akrout2019]"]
    done = snakemake(untouched, "--dry-run", "--printshellcmds", "smoke", "--config", *given)
    (told,) = set(re.findall(r"run akrout2019 --tier smoke --runs 0 --done '(.*?)'", done.stdout))
    assert told == os.path.expanduser("~/my results/smoke/done/akrout2019.json")


def test_results_elsewhere_are_compared_with_the_reference_of_the_suite(untouched):
    done = snakemake(untouched, "--dry-run", "check", "--config", "results=elsewhere")
    assert done.returncode == 0, done.stdout[-2000:]
    (compared,) = re.findall(r"rule check:\n +input: (.*)", done.stdout)
    stored = [f"results/reference/{name}.csv" for name in ("smoke", "tolerances")]
    assert compared.split(", ") == ["elsewhere/smoke/scores.parquet", *stored]


def test_a_key_that_is_twice_in_the_configuration_is_named(tmp_path):
    folder = copy_of(ROOT, tmp_path / "project")
    edit(folder / "config/config.yaml", "tier: standard", "tier: smoke\ntier: standard")
    done = snakemake(folder, "--dry-run")
    assert done.returncode and "config.yaml: line 3: tier is there twice" in done.stdout


def test_a_job_is_as_large_as_its_tier_makes_sensible(untouched):
    """A paper in the smoke tier, an experiment in the standard tier, a run in the paper tier."""
    everything = ("--forceall", "--config", "papers=[lee2015]")
    jobs = {tier: planned(untouched, tier, *everything) for tier in ("smoke", "standard", "paper")}
    of = {t: {n: c for n, c in j.items() if n.startswith("run_")} for t, j in jobs.items()}
    names = {tier: [e.name for e in suite().paper("lee2015").experiments(tier)] for tier in jobs}
    assert of["smoke"] == {"run_smoke_lee2015": 1}
    assert of["standard"] == {f"run_standard_lee2015_{name}": 1 for name in names["standard"]}
    assert of["paper"] == {f"run_paper_lee2015_{name}": 5 for name in names["paper"]}
    for tier, found in jobs.items():
        others = set(found) - set(of[tier]) - {"fetch_mnist", "fetch_cifar10"}
        assert others == {"report_lee2015", "complete_lee2015", "overview", "page", "crate", tier}


def test_one_paper_runs_alone(untouched):
    found = planned(untouched, "--config", "tier=smoke", "--forceall", "lee2015")
    assert set(found) == {"run_smoke_lee2015", "report_lee2015", "complete_lee2015", "lee2015"}
