"""Where chains start and which of their images are kept."""

from itertools import count

import torch

from replications.bengio2015.baselines.chains import consecutive, starts


def test_starts_are_spread_evenly_and_repeat_when_there_are_too_few():
    images = torch.arange(10.0)[:, None]
    assert starts(images, 5)[:, 0].tolist() == [0, 2, 4, 6, 8]
    assert starts(images[:2], 4)[:, 0].tolist() == [0, 0, 1, 1]


def test_images_after_the_first_steps_then_consecutive():
    states = (torch.tensor([[10.0 * step], [10.0 * step + 1]]) for step in count(1))
    images = consecutive(states, chains=2, chain_steps=3, count=5)
    assert images[:, 0].tolist() == [30, 31, 40, 41, 50]
    assert next(states)[0, 0] == 60  # no step more than needed


def test_fewer_images_than_chains():
    states = (torch.full((4, 2), float(step)) for step in count(1))
    assert consecutive(states, chains=4, chain_steps=1, count=3).tolist() == [[1.0, 1.0]] * 3
