"""A small deep generative model, in float64, for what is sampled from it and measured of it."""

import torch

from replications.bengio2015.model import DeepGenerativeModel

SETTINGS = {
    "inference": "target propagation",
    "iterations": 3,
    "delta": 0.1,
    "alpha": 0.01,
    "generate_alpha": 0.3,
    "generate_rounds": 3,
    "variance_factor": 4.0,
    "hidden_noise": 0.2,
    "input_noise": 0.3,
    "bernoulli_draws": 3,
    "output": "sigmoid",
    "clip_top": False,
}


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def built(layers: list[int], seed: int = 0, **changes) -> DeepGenerativeModel:
    """A model of random parameters, whose prior is that of twenty random images."""
    maps = [f"{m}{level}" for level in range(1, len(layers)) for m in "fg"]
    settings = SETTINGS | {
        "layers": layers,
        "initial_gain": dict.fromkeys(maps, 2.0),
        "initial_bias": dict.fromkeys(maps, 0.1),
    }
    settings |= changes | {"device": "cpu", "dtype": torch.float64, "generator": seeded(seed)}
    model = DeepGenerativeModel(**settings)
    model.finish(torch.rand(20, layers[0], generator=seeded(1), dtype=torch.float64))
    return model
