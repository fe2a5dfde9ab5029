"""`new-rule` writes a folder that runs: through Snakemake, its own test, and the contracts."""

import os
import shutil
import subprocess
import sys

import pandas as pd
import pytest

from replications.__main__ import main
from replications.core.base.provenance import ROOT

NEEDED = ("Snakefile", "config", "profiles", "replications", "workflows", "tests", "pyproject.toml",
          "README.md", "requirements.lock", "environment.yml")  # fmt: skip
NAME = "my_rule"


def python(project, *arguments):
    """`python -m ...` in a project."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST")}
    return subprocess.run([sys.executable, "-m", *arguments], cwd=project, env=environment,
                          text=True, check=False, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)  # fmt: skip


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A copy of the project, where `python -m replications new-rule my_rule` has been said."""
    project = tmp_path_factory.mktemp("rule") / "project"
    project.mkdir()
    for name in NEEDED:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, project / name)
    done = python(project, "replications", "new-rule", NAME)
    assert done.returncode == 0 and f"wrote replications/{NAME}/rule.py" in done.stdout
    return project


def test_it_runs_through_snakemake(project):
    done = python(project, "snakemake", "--cores", "1", NAME, "--config", "tier=smoke")
    assert done.returncode == 0, done.stdout[-5000:]
    results = project / "results" / "smoke"
    table = pd.read_csv(results / "papers" / NAME / "scores.csv")
    errors = table[table["metric"] == "test_error"].groupby("experiment")["value"].mean()
    assert set(errors.index) == {NAME, "backpropagation"} and (errors < 15).all()  # of 90 by chance
    assert {"cosine", "angle"} <= set(table.loc[table["experiment"] == NAME, "metric"])
    for figure in ("learning_curves", "alignment"):
        assert (results / "figures" / NAME / f"{figure}.png").stat().st_size > 5000


def test_its_own_test_the_contracts_of_its_folder_and_lint_pass(project):
    done = python(project, "pytest", "-q", f"tests/{NAME}", "tests/contracts/test_papers.py", "-k",
                  NAME)  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:]
    assert int(done.stdout.split(" passed")[0].split()[-1]) >= 15
    for check in (["check"], ["format", "--check"]):
        linted = python(project, "ruff", *check, f"replications/{NAME}", f"tests/{NAME}")
        assert linted.returncode == 0, linted.stdout


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("MyRule", "'MyRule' cannot be a folder's name: use small letters, digits and _"),
        ("2fast", "'2fast' cannot be"),
        ("../up", "cannot be a folder's name"),
        ("core", "'core' cannot be"),
        ("lee2015", "replications/lee2015 exists: choose another name, or remove it"),
    ],
)
def test_a_name_that_cannot_be_is_refused_and_nothing_written(
    name, said, tmp_path, monkeypatch, caplog
):
    (tmp_path / "replications" / "lee2015").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert main(["new-rule", name]) == 1
    assert said in caplog.text
    assert [p.name for p in tmp_path.rglob("*")] == ["replications", "lee2015"]
