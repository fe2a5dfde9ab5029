"""The Markov chains of Bengio et al. 2015 (arXiv 1502.04156v3, Sec. 5) over a trained model.

A chain is a function of the model, a number of images and a generator that yields the images,
(count, D), after 0, 1, 2, ... steps, without end. All start from ancestral samples, so that no
training image enters. Kept are means of p(x|h1), never draws: unit-variance noise would hide them.
INFERENCE runs with the downward pull of GENERATE.
Shapes are written for layers [784, 1000, 100].
"""

from collections.abc import Iterator, Sequence

import torch
from torch import Generator, Tensor

from replications.bengio2015.model import DeepGenerativeModel
from replications.core.learn.noise import random_tensor


def encode_decode(model: DeepGenerativeModel, count: int, generator: Generator) -> Iterator[Tensor]:
    """GENERATE (Algorithm 2), carried on: x <- g1(h1) with h1 = INFERENCE(x), no noise."""
    x = model.ancestral(count, generator)
    while True:
        yield x
        x = model.refine(x)


def latents_as_corruption(
    model: DeepGenerativeModel, count: int, generator: Generator
) -> Iterator[Tensor]:
    """Sec. 5.2: h ~ q*(h|x), x = g1(h1~): INFERENCE, then the corruption of h1 in training.

    Inferring and corrupting h stands for corrupting x in a denoising auto-encoder's chain.
    """
    x = model.ancestral(count, generator)
    while True:
        yield x
        states = model.corrupt(model.infer(x, alpha=model.settings.generate_alpha), generator)
        x = model.down(1, states[1])


def noisy_inference(
    model: DeepGenerativeModel, count: int, generator: Generator
) -> Iterator[Tensor]:
    """Encode and decode with Langevin noise in inference (Algorithm 1's option).

    A step delta along sigma^2 grad log p, which the target-propagation difference stands for, is
    Langevin dynamics if noise of variance 2 delta sigma^2 is added (derived). sigma is the noise
    on h1 in training; hL gets as much. Noise follows each whole iteration, the last included.
    """
    scale = (2 * model.settings.delta) ** 0.5 * model.settings.hidden_noise
    x = model.ancestral(count, generator)
    while True:
        yield x
        states = model.encode(x)
        up = states[1]
        for _ in range(model.settings.iterations):
            states = model.settle(states, up, model.settings.generate_alpha)
            states[1:] = [
                h + scale * random_tensor(torch.randn, h.shape, generator, h) for h in states[1:]
            ]
        x = model.down(1, states[1])


def joint_denoising(
    model: DeepGenerativeModel, count: int, generator: Generator
) -> Iterator[Tensor]:
    """Sec. 5.1, one hidden layer: x <- g1(h1~) and h1 <- f1(x~), from corrupted x~, h1~ at once."""
    states = model.encode(model.ancestral(count, generator))
    while True:
        yield states[0]
        noisy = model.corrupt(states, generator)
        states = [model.down(1, noisy[1]), model.up(1, noisy[0]), *states[2:]]


def joint_denoising_middle(
    model: DeepGenerativeModel, count: int, generator: Generator
) -> Iterator[Tensor]:
    """Sec. 5.1, all layers: a middle layer is rebuilt from above or from below, with chance 1/2.

    The choice is made for every image and layer: h_l <- f_l(h~_{l-1}) or g_{l+1}(h~_{l+1}).
    """
    states = model.encode(model.ancestral(count, generator))
    while True:
        yield states[0]
        states = rebuilt(model, model.corrupt(states, generator), generator)


def rebuilt(
    model: DeepGenerativeModel, noisy: Sequence[Tensor], generator: Generator
) -> list[Tensor]:
    """Every layer from its corrupted neighbours, as in `joint_denoising_middle`."""
    states = [model.down(1, noisy[1])]
    for level in range(1, model.top + 1):
        state = model.up(level, noisy[level - 1])
        if level < model.top:
            coins = random_tensor(torch.rand, (len(state), 1), generator, state)
            state = torch.where(coins < 0.5, state, model.down(level + 1, noisy[level + 1]))
        states.append(state)
    return states
