"""The Markov chains of Bengio et al. 2015 against their docstrings written out, in float64."""

from itertools import islice, pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from replications.bengio2015 import samplers
from replications.bengio2015.model import DeepGenerativeModel
from tests.bengio2015.models import built, seeded

pytestmark = pytest.mark.usefixtures("float64")
FIXED = settings(derandomize=True, deadline=None, max_examples=25)
LAYERS = {1: [12, 5], 2: [12, 9, 5], 3: [12, 9, 7, 5]}  # by depth; the paper's is 2
CHAINS = [
    "encode_decode",
    "latents_as_corruption",
    "noisy_inference",
    "joint_denoising",
    "joint_denoising_middle",
]
DEPTHS = pytest.mark.parametrize("depth", LAYERS)
EVERY = pytest.mark.parametrize("name", CHAINS)


def build(depth: int, **changes) -> DeepGenerativeModel:
    return built(LAYERS[depth], **changes)


def steps(name, model, count=6, seed=2, length=5) -> list[torch.Tensor]:
    return list(islice(getattr(samplers, name)(model, count, seeded(seed)), length))


def same(actual, expected):
    torch.testing.assert_close(actual, expected, rtol=1e-12, atol=1e-12)


# The same draws as a chain of `steps` makes, in its order: the start, then those of each step.


def start(model, count=6, seed=2):
    noise = seeded(seed)
    return model.ancestral(count, noise), noise


def corrupted(model, states, noise):
    """Noise of .3 on x and of .2 on softplus layers; at the top the mean of 3 Bernoulli draws."""
    noisy = [
        state + (0.2 if level else 0.3) * torch.randn(state.shape, generator=noise)
        for level, state in enumerate(states[:-1])
    ]
    coins = torch.rand(3, *states[-1].shape, generator=noise)
    return [*noisy, (coins < states[-1]).double().mean(0)]


# What all chains share


@EVERY
@DEPTHS
def test_step_0_is_the_ancestral_sample_and_all_steps_are_images(name, depth):
    model = build(depth)
    found = steps(name, model)
    assert torch.equal(found[0], model.ancestral(6, seeded(2)))
    for x in found:
        assert x.shape == (6, 12) and x.dtype == torch.float64
        assert x.min() >= 0 and x.max() <= 1
    assert all((a - b).abs().max() > 1e-6 for a, b in pairwise(found))


@EVERY
def test_a_chain_repeats_under_a_seed_and_leaves_what_it_yielded_and_the_model_alone(name):
    model = build(3)
    before = {key: p.clone() for key, p in (model.parameters | model.buffers).items()}
    kept, copies = [], []
    for x in islice(getattr(samplers, name)(model, 6, seeded(2)), 5):
        kept.append(x)
        copies.append(x.clone())
    torch.testing.assert_close(kept, copies, rtol=0, atol=0)
    torch.testing.assert_close(kept, steps(name, model), rtol=0, atol=0)
    torch.testing.assert_close(model.parameters | model.buffers, before, rtol=0, atol=0)
    assert not torch.equal(kept[-1], steps(name, model, seed=3)[-1])


@EVERY
def test_a_chain_has_no_end_and_does_not_depend_on_how_far_it_is_followed(name):
    short, long = steps(name, build(2), length=2), steps(name, build(2), length=40)
    torch.testing.assert_close(long[:2], short, rtol=0, atol=0)
    assert len(long) == 40


# Each chain by its own docstring


@DEPTHS
@pytest.mark.parametrize("rounds", [0, 1, 4])
def test_encode_decode_is_generate_carried_on(depth, rounds):
    model = build(depth, generate_rounds=rounds)
    same(steps("encode_decode", model)[rounds], model.generate(6, seeded(2)))
    x, _ = start(model)
    for found in steps("encode_decode", model):
        same(found, x)
        x = model.down(1, model.infer(x, alpha=0.3)[1])


@DEPTHS
def test_latents_as_corruption_decodes_the_corrupted_inference(depth):
    model = build(depth)
    x, noise = start(model)
    for found in steps("latents_as_corruption", model):
        same(found, x)
        x = model.down(1, corrupted(model, model.infer(x, alpha=0.3), noise)[1])


@DEPTHS
@pytest.mark.parametrize("delta", [0.1, 0.4])
def test_noisy_inference_adds_langevin_noise_after_each_iteration(depth, delta):
    model = build(depth, delta=delta)
    f, g = model.up, model.down
    x, noise = start(model)
    for found in steps("noisy_inference", model, length=3):
        same(found, x)
        h = model.encode(x)
        for _ in range(3):
            for i in range(depth, 0, -1):
                pull = 0.3 * (g(i + 1, h[i + 1]) - h[i]) if i < depth else 0
                h[i] = h[i] + delta * (f(i, h[i - 1]) - f(i, g(i, h[i]))) + pull
            for i in range(1, depth + 1):  # variance 2 delta sigma^2
                draws = torch.randn(h[i].shape, generator=noise)
                h[i] = h[i] + (2 * delta * 0.2**2) ** 0.5 * draws
        x = g(1, h[1])


@DEPTHS
def test_noisy_inference_without_noise_is_encode_decode(depth):
    model = build(depth, hidden_noise=0.0, input_noise=0.0, bernoulli_draws=0)
    noisy, plain = (steps(name, model) for name in ("noisy_inference", "encode_decode"))
    torch.testing.assert_close(noisy, plain, rtol=0, atol=0)


@pytest.mark.parametrize("depth", [2, 3])
def test_latents_as_corruption_without_noise_is_encode_decode(depth):
    model = build(depth, hidden_noise=0.0, input_noise=0.0, bernoulli_draws=0)
    found, plain = (steps(name, model) for name in ("latents_as_corruption", "encode_decode"))
    torch.testing.assert_close(found, plain, rtol=0, atol=0)


@DEPTHS
def test_joint_denoising_rebuilds_x_and_h1_from_each_other_at_once(depth):
    model = build(depth)
    x, noise = start(model)
    states = model.encode(x)
    for found in steps("joint_denoising", model):
        same(found, states[0])
        x_, h1_, *_ = corrupted(model, states, noise)
        states = [model.down(1, h1_), model.up(1, x_), *states[2:]]


@DEPTHS
def test_joint_denoising_middle_rebuilds_image_by_image(depth):
    model = build(depth)
    x, noise = start(model)
    states = model.encode(x)
    for found in steps("joint_denoising_middle", model):
        same(found, states[0])
        noisy = corrupted(model, states, noise)
        states = [model.down(1, noisy[1])]
        for level in range(1, depth):
            coins = torch.rand(6, 1, generator=noise)
            rows = [
                model.up(level, noisy[level - 1][i : i + 1])
                if coin < 0.5
                else model.down(level + 1, noisy[level + 1][i : i + 1])
                for i, coin in enumerate(coins)
            ]
            states.append(torch.cat(rows))
        states.append(model.up(depth, noisy[depth - 1]))


def test_with_one_hidden_layer_there_is_no_middle_to_choose_for():
    model = build(1)
    plain, middle = (steps(name, model) for name in ("joint_denoising", "joint_denoising_middle"))
    torch.testing.assert_close(middle, plain, rtol=0, atol=0)


def choices(model, noisy, seed):
    """For each middle layer: which images were rebuilt from below; all others are from above."""
    found = samplers.rebuilt(model, noisy, seeded(seed))
    chosen = []
    for level in range(1, model.top):
        below = (found[level] == model.up(level, noisy[level - 1])).all(1)
        above = (found[level] == model.down(level + 1, noisy[level + 1])).all(1)
        assert (below ^ above).all()  # whole rows, from one side
        chosen.append(below)
    assert torch.equal(found[0], model.down(1, noisy[1]))
    assert torch.equal(found[-1], model.up(model.top, noisy[-2]))
    return torch.stack(chosen)


@FIXED
@given(st.integers(0, 2**32), st.integers(1, 9))
def test_every_image_has_each_middle_layer_from_above_or_from_below(seed, count):
    model = build(3)
    noisy = model.corrupt(model.encode(model.ancestral(count, seeded(seed))), seeded(seed + 1))
    chosen = choices(model, noisy, seed)
    assert chosen.shape == (2, count)
    assert torch.equal(chosen, choices(model, noisy, seed))


def test_the_sides_are_equally_likely_and_chosen_for_each_image_and_layer():
    model = build(3)
    noisy = model.corrupt(model.encode(model.ancestral(4000, seeded(3))), seeded(4))
    first, second = choices(model, noisy, 5)
    for chosen in (first, second, first ^ second):  # the last: the layers' coins are independent
        assert float(chosen.double().mean()) == pytest.approx(0.5, abs=0.032)  # 4 standard errors
