"""A paper with a rule, a measure, a metric, a figure and claims, added as one folder: it runs.

Nothing outside its folder is edited; the new paper goes through Snakemake like any other.
"""

import json
import os
import shutil
import subprocess
import sys
from textwrap import dedent

import pandas as pd
import pytest

from replications.core.base.provenance import ROOT

FOLDER = {
    "__init__.py": "",
    "rule.py": """
        from dataclasses import dataclass

        from replications.core.learn.learning import Backpropagation

        class SignDescent(Backpropagation):
            @dataclass(frozen=True, kw_only=True)
            class Settings(Backpropagation.Settings):
                size: float

            def updates(self, batch):
                updates, monitor = super().updates(batch)
                return {n: self.settings.size * u.sign() for n, u in updates.items()}, monitor
        """,
    "measures.py": """
        from replications.core.base.scores import Score

        def largest_weight(rule, images, snapshots, generator, *, shown):
            weights = rule.network.parameters["W1"]
            moved = [
                Score("movement", (kept["W1"] - snapshots[0]["W1"]).norm(), "W1", epoch)
                for epoch, kept in snapshots.items()
            ]
            return [Score("largest_weight", weights.abs().max()), *moved], {
                "weights": weights[:, :shown]
            }
        """,
    "figures.py": """
        from replications.core.report.plots import Drawn, curve
        from matplotlib import pyplot as plt

        def weights(drawn: Drawn):
            figure, (left, right) = plt.subplots(1, 2)
            left.imshow(drawn.arrays["signs"][0]["weights"])
            curve(right, drawn.of("signs", "movement"), color="k", label="W1")
            return figure
        """,
    "paper.yaml": """
        paper: {title: Signs, authors: [A. Nobody], year: 2020}
        claims:
          weights_stay_small:
            says: no weight of the first layer grows beyond 2
            where: nowhere
            standing: read
            about: {experiment: signs, metric: largest_weight}
            value: {low: 0, high: 2}
            tolerance: 0
        metrics:
          largest_weight: {label: largest weight, unit: "", better: lower, meaning: of layer 1}
          movement: {label: movement, unit: "", better: neither, meaning: from initial weights}
        experiments:
          signs:
            label: descent by the signs of the gradient
            learning_rule: sign_descent
            network:
              feed_forward:
                {layers: [64, 20, 10], initialisation: glorot_uniform, units: tanh,
                 cost: softmax_cross_entropy}
            data: digits
            settings: {size: 0.05}
            training:
              {batch: 20, shuffle: true, optimiser: {sgd: {momentum: 0}}, schedule: constant,
               learning_rates: {"*": 0.1}}
            evaluation: {alignment: {images: 100}, measures: {largest_weight: {shown: 5}}}
            unsaid: {everything: there is no paper}
            tiers:
              smoke: {budget: {epochs: 2, examples: 600}}
              paper: {budget: {epochs: 2, examples: 600}}
        figures:
          weights: {caption: weights, experiments: [signs]}
        """,
}  # fmt: skip
NEEDED = ("Snakefile", "config", "profiles", "replications", "workflows")


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """The project with one more folder, after `snakemake nobody2020` in the smoke tier."""
    project = tmp_path_factory.mktemp("new") / "project"
    for name in NEEDED:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        project.mkdir(exist_ok=True)
        copy(ROOT / name, project / name)
    folder = project / "replications" / "nobody2020"
    for name, text in FOLDER.items():
        folder.mkdir(exist_ok=True)
        (folder / name).write_text(dedent(text))
    command = [sys.executable, "-m", "snakemake", "--cores", "1", "nobody2020", "--config",
               "tier=smoke"]  # fmt: skip
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST")}
    done = subprocess.run(command, cwd=project, env=environment, text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)  # fmt: skip
    assert done.returncode == 0, done.stdout[-5000:]
    return project


def test_its_scores_are_in_the_table_with_their_units_and_parts(project):
    table = pd.read_csv(project / "results/smoke/papers/nobody2020/scores.csv")
    assert {"test_error", "angle", "largest_weight", "movement"} <= set(table["metric"])
    moved = table[table["metric"] == "movement"].set_index(["run", "step"])["value"]
    assert (moved.loc[:, 0] == 0).all() and (moved.loc[:, 2] > 0).all()
    assert (table.loc[table["metric"] == "test_error", "value"] < 50).all()


def test_its_claim_is_judged_and_its_figure_drawn(project):
    table = json.loads((project / "results/smoke/papers/nobody2020/comparison.json").read_text())
    (claim,) = table["comparisons"]
    assert claim["verdict"] == "partial" and claim["runs"] == 2  # of the three that it takes
    assert 0 < claim["ours"] <= 2
    for suffix in ("png", "pdf"):
        assert (
            project / f"results/smoke/figures/nobody2020/weights.{suffix}"
        ).stat().st_size > 5000
