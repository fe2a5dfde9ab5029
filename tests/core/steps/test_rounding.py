"""Variants of the smoke tier: what is moved, by how much, and that nothing else is."""

import math

import numpy as np
import pytest
import torch

from replications.core.declare.papers import suite
from replications.core.run.runs import Run
from replications.core.steps import rounding
from replications.core.steps.rounding import VARIANTS, moved_settings, nudged, train_moved


def source(seed=1):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_every_number_moves_by_one_unit_and_zero_stays(dtype):
    values = torch.tensor([1.0, -1.0, 0.1, 1e-30, 3e7, 0.0], dtype=dtype).repeat(200)
    found = nudged(values, source())
    steps = [np.nextafter(v, t) for t in (np.inf, -np.inf) for v in (values.numpy(),)]
    up, down = (torch.from_numpy(s) == found for s in steps)
    zero = values == 0
    assert torch.equal(found[zero], values[zero])
    assert (up | down)[~zero].all() and not (up & down)[~zero].any()
    assert 0.4 < up[~zero].float().mean() < 0.6


def test_settings_move_where_they_are_not_whole():
    given = {"rate": 0.1, "layers": [4, 3], "name": "x", "on": True, "none": 0.0,
             "deep": {"list": [0.5, 2, 8.0]}}  # fmt: skip
    found = moved_settings(given, source())
    assert (found["layers"], found["name"], found["on"], found["none"]) == ([4, 3], "x", True, 0.0)
    pairs = [(0.1, found["rate"]), (0.5, found["deep"]["list"][0]), (8.0, found["deep"]["list"][2])]
    for before, after in pairs:
        assert after in (math.nextafter(before, math.inf), math.nextafter(before, -math.inf))
    assert found["deep"]["list"][1] == 2 and given["rate"] == 0.1


def run_of(tmp_path, paper, name, index=0):
    experiment = suite().experiment(paper, name, "smoke")
    hashes = {"code": "", "config": "", "data": ""}
    return Run(experiment, "smoke", index, tmp_path, tmp_path / "data", hashes=hashes)


@pytest.mark.parametrize(
    ("paper", "name"),
    [("lee2015", "mnist_backpropagation"), ("bengio2015", "restricted_boltzmann_machine"),
     ("bengio2015", "stdp_spread")],
)  # fmt: skip
def test_draws_change_the_last_digits_alone_and_no_draw_changes_nothing(tmp_path, paper, name):
    from safetensors.torch import load_file

    found = {}
    for draw in (0, 1, 2):
        directory = tmp_path / str(draw)
        directory.mkdir()
        train_moved(run_of(directory, paper, name), draw)
        found[draw] = load_file(directory / "parameters.safetensors")
    plain = tmp_path / "plain"
    plain.mkdir()
    run = run_of(plain, paper, name)
    from importlib import import_module

    import_module(f"replications.core.train.{run.experiment.kind}").train(run)
    theirs = load_file(plain / "parameters.safetensors")
    assert all(torch.equal(theirs[k], found[0][k]) for k in theirs)
    for draw in (1, 2):
        assert any(not torch.equal(found[0][k], found[draw][k]) for k in theirs)
        for k, tensor in theirs.items():
            if k.startswith("0/") and tensor.is_floating_point() and name != "stdp_spread":
                torch.testing.assert_close(found[draw][k], tensor, rtol=1e-6, atol=0)


def test_settings_that_are_not_allowed_are_drawn_again(tmp_path, monkeypatch):
    """stdp_spread's spread of gaps is at the edge of what it allows."""
    seen = []
    original = rounding.simulation.train

    def told(run):
        seen.append(run.experiment.resolved["settings"])
        if len(seen) < 3:
            raise ValueError("not allowed")
        return original(run)

    monkeypatch.setattr(rounding.simulation, "train", told)
    train_moved(run_of(tmp_path, "bengio2015", "stdp_spread"), 1)
    assert len(seen) == 3 and seen[0] != seen[1] != seen[2]
    monkeypatch.setattr(rounding, "TRIES", 1)
    seen.clear()
    with pytest.raises(ValueError, match="not allowed"):
        train_moved(run_of(tmp_path, "bengio2015", "stdp_spread"), 1)


def test_variants_have_names_of_their_own_and_one_thing_each():
    names = [v.name for v in (rounding.AS_IT_IS, *VARIANTS)]
    assert len(set(names)) == len(names) >= 14
    for variant in VARIANTS:
        changed = (variant.draw != 0) + (variant.threads != 1) + bool(variant.environment)
        assert changed == 1, variant


def test_variants_that_were_run_are_not_run_again_and_a_failure_shows_its_log(tmp_path):
    done = tmp_path / "draw_1"
    done.mkdir()
    (done / "scores.parquet").touch()
    rounding.run_variant(VARIANTS[0], tmp_path, [])
    assert [p.name for p in tmp_path.iterdir()] == ["draw_1"]
    with pytest.raises(ValueError, match="nonsense failed:"):
        rounding.run_variant(rounding.Variant("nonsense"), tmp_path, [])
