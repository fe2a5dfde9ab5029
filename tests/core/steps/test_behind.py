"""What stands behind runs: of those below results/ and of stored ones; and their figures."""

import json

import pandas as pd
import pytest
from PIL import Image

from replications.__main__ import main
from replications.core.base.provenance import REFERENCE
from replications.core.declare.papers import suite
from replications.core.report.stored_figures import tiers
from replications.core.run.seeds import SOURCES, seed
from replications.core.steps.behind import Recorded, stored, yours

WORDS = ("bengio2015", "stdp_spread")
FIGURE = "stdp"  # of three simulations, a few seconds each
SHOWN = ("stdp_fixed_gap", "stdp_spread", "stdp_spread_by_slope")


def run(results, name, tier, *runs):
    places = ["--results", str(results), "--data", str(results / "data")]
    words = ["run", "bengio2015", name, "--tier", tier, "--device", "cpu", "--runs", *runs]
    assert main([*places, *words, "--done", str(results / "done.json")]) == 0


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Two runs of a simulation of the smoke tier, one of its stored as a reference."""
    folder = tmp_path_factory.mktemp("results")
    run(folder, WORDS[1], "smoke", "0", "1")
    (folder / "reference").mkdir()
    return folder


def test_your_runs_say_all_that_their_run_json_says(results):
    told = [json.loads((results / f"smoke/runs/bengio2015/stdp_spread/{i}/run.json").read_text())
            for i in (0, 1)]  # fmt: skip
    behind = yours(results, *WORDS, "smoke", [1, 0])
    assert behind.seeds == {i: told[i]["seeds"] for i in (0, 1)}
    assert behind.seconds == {i: told[i]["seconds"] for i in (0, 1)}
    (origin,) = behind.origins
    assert origin.runs == (0, 1) and origin.carried == ()
    for word in (told[0]["commit"], told[0]["hashes"]["code"], told[0]["hashes"]["config"],
                 told[0]["device"], told[0]["environment"]["processor"]):  # fmt: skip
        assert word in " ".join(origin.made)


def test_the_command_makes_those_runs_again(results, tmp_path):
    words = yours(results, *WORDS, "smoke", [0, 1]).again.split()
    assert words[:3] == ["python", "-m", "replications"]
    words[-1] = str(tmp_path / words[-1])
    assert main(["--results", str(tmp_path), "--data", str(tmp_path / "data"), *words[3:]]) == 0
    ours, again = (
        json.loads((folder / "smoke/runs/bengio2015/stdp_spread/1/scores.json").read_text())
        for folder in (results, tmp_path)
    )
    assert ours["rows"] == again["rows"]


def test_a_run_without_its_run_json_says_so_and_keeps_its_seeds(results):
    behind = yours(results, *WORDS, "smoke", [1, 7])
    assert behind.seeds[7]["noise"] == seed(*WORDS, 7, "noise") and list(behind.seconds) == [1]
    (broken,) = (origin for origin in behind.origins if origin.runs == (7,))
    assert "run.json cannot be read" in broken.made[0]


def test_stored_runs_say_how_long_they_took_once_that_is_recorded(results):
    reference = results / "reference"
    places = ["--results", str(results), "--reference", str(reference)]
    assert main([*places, "reference", "bengio2015", "--tier", "smoke"]) == 0
    rows = pd.read_csv(reference / "smoke.csv", dtype={"run": int})
    behind = stored(rows[rows["experiment"] == "stdp_spread"], "smoke", Recorded(reference))
    assert behind.seconds == yours(results, *WORDS, "smoke", [0, 1]).seconds
    machines = pd.read_csv(reference / "machines.csv").drop(columns="seconds")
    machines.to_csv(reference / "machines.csv", index=False)  # as it was recorded earlier
    behind = stored(rows[rows["experiment"] == "stdp_spread"], "smoke", Recorded(reference))
    assert behind.seconds == {} and set(behind.seeds[0]) == set(SOURCES)


def test_the_reference_keeps_the_figures_whose_runs_are_all_there(tmp_path):
    for name in SHOWN[:2]:
        run(tmp_path, name, "standard", "0")
    (tmp_path / "reference").mkdir()
    places = ["--results", str(tmp_path), "--reference", str(tmp_path / "reference")]
    command = [*places, "reference", "bengio2015", "--tier", "standard"]
    assert main(command) == 0
    assert tiers(tmp_path / "reference") == {}
    run(tmp_path, SHOWN[2], "standard", "0")
    assert main(command) == 0
    assert tiers(tmp_path / "reference") == {("bengio2015", FIGURE): "standard"}
    figure = tmp_path / "reference" / "figures" / "bengio2015" / f"{FIGURE}.png"
    assert Image.open(figure).width > 500 and figure.stat().st_size < 200_000
    assert not (tmp_path / "standard" / "figures").exists(), "yours are left as they are"


def test_figures_that_are_stored_are_those_of_papers_and_small():
    folder = REFERENCE / "figures"
    known = tiers(REFERENCE)
    files = {(path.parent.name, path.stem) for path in folder.glob("*/*.png")}
    assert files == set(known)
    assert all(name in suite().paper(paper).figures for paper, name in known)
    assert sum(path.stat().st_size for path in folder.rglob("*.png")) <= 10e6
