"""A small settled network, for what is computed at its fixed points."""

import torch
from hypothesis import strategies as st

from replications.scellier2017 import gradients
from replications.scellier2017.settled import Settled

SEEDS = st.integers(0, 10_000)


def draw(seed=0, layers=(4, 6, 5, 3), images=5, gains=(2.0, 0.35)):
    generator = torch.Generator().manual_seed(seed)
    return Settled.random(layers=layers, gains=gains, images=images, generator=generator)


def curvature(case, beta):
    """d2F/ds2 where all units are inside, (N, N)."""
    coupling = gradients.coupling(case.network)
    outputs = torch.zeros(len(coupling)).double()
    outputs[-case.network.sizes[-1] :] = beta
    return torch.eye(len(coupling)).double() - coupling + outputs.diag()
