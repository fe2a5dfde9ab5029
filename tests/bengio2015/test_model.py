"""The generative model of Bengio et al. 2015 against its equations written out, in float64."""

import math
from functools import partial

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.distributions import Normal

from replications.bengio2015.model import SLOPES, SQUASH, DeepGenerativeModel
from tests.bengio2015 import models
from tests.bengio2015.models import seeded

FIXED = settings(derandomize=True, deadline=None, max_examples=30)
LAYERS = {1: [12, 5], 2: [12, 9, 5], 3: [12, 9, 7, 5]}  # by depth; the paper's is 2
DEPTHS = pytest.mark.parametrize("depth", LAYERS)
SETTINGS = models.SETTINGS | {
    "layers": LAYERS[2],
    "iterations": 4,
    "initial_gain": {"g1": 1.0, "f1": 2.0, "g2": 1.5, "f2": 3.0, "g3": 0.7, "f3": 2.5},
    "initial_bias": {"g1": 0.1, "f1": -0.5, "g2": -1.0, "f2": 0.2, "g3": 0.3, "f3": -0.1},
}
NAIVE = {
    "softplus": lambda a: (1 + a.exp()).log(),
    "sigmoid": lambda a: 1 / (1 + (-a).exp()),
    "linear": lambda a: a,
}


def normal(seed: int, *shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=seeded(seed), dtype=torch.float64)


def build(**changes) -> DeepGenerativeModel:
    settings = {**SETTINGS, "dtype": torch.float64, **changes}
    return DeepGenerativeModel(**settings, generator=seeded(0), device="cpu")


@pytest.fixture
def model() -> DeepGenerativeModel:
    return build()


@pytest.fixture
def images() -> torch.Tensor:
    return torch.rand(7, 12, generator=seeded(1), dtype=torch.float64)


def naive_maps(parameters, output="sigmoid"):
    """f(level, below) and g(level, state) from the parameters alone, without the model's code."""
    top = len(parameters) // 4

    def layer(name, inputs, target):
        kind = output if target == 0 else "sigmoid" if target == top else "softplus"
        return NAIVE[kind](inputs @ parameters[f"{name}.weight"].T + parameters[f"{name}.bias"])

    return (
        lambda level, below: layer(f"f{level}", below, level),
        lambda level, state: layer(f"g{level}", state, level - 1),
    )


def autograd_pull(model, level, below, state, output="sigmoid"):
    """d/dh of -1/2 ||h_below - g(h)||^2 by automatic differentiation."""
    _, g = naive_maps(model.parameters, output)
    leaf = state.clone().requires_grad_()
    return torch.autograd.grad(-0.5 * (below - g(level, leaf)).square().sum(), leaf)[0]


def naive_inference(model, x, *, alpha, iterations, pull=None, clip=False):
    """Algorithm 2, INFERENCE, as printed, with a loop over the layers for any depth."""
    f, g = naive_maps(model.parameters)
    top = len(model.parameters) // 4
    h = [x]
    for level in range(1, top + 1):
        h.append(f(level, h[-1]))
    for _ in range(iterations):
        for i in reversed(range(1, top + 1)):
            step = pull(model, i, h[i - 1], h[i]) if pull else f(i, h[i - 1]) - f(i, g(i, h[i]))
            above = 0 if i == top else alpha * (g(i + 1, h[i + 1]) - h[i])
            h[i] = h[i] + model.settings.delta * step + above
            if i == top and clip:
                h[i] = h[i].clamp(0, 1)
    return h


def close(actual, expected):
    torch.testing.assert_close(actual, expected, rtol=1e-12, atol=1e-12)


# Inference


@pytest.mark.parametrize("iterations", [0, 1, 15])
@pytest.mark.parametrize("alpha", [0.001, 0.3])
def test_inference_is_the_printed_equation(model, images, alpha, iterations):
    f1, f2, g1, g2 = (partial(m, level) for m in naive_maps(model.parameters) for level in (1, 2))
    x, h1, h2 = images, f1(images), f2(f1(images))
    for _ in range(iterations):
        h2 = h2 + 0.1 * (f2(h1) - f2(g2(h2)))
        h1 = h1 + 0.1 * (f1(x) - f1(g1(h1))) + alpha * (g2(h2) - h1)
    close(model.infer(images, alpha=alpha, iterations=iterations), [x, h1, h2])


@DEPTHS
@pytest.mark.parametrize(
    ("inference", "pull"), [("target propagation", None), ("gradient", autograd_pull)]
)
def test_inference_at_any_depth_moves_by_differences_or_by_the_gradient(
    images, depth, inference, pull
):
    model = build(layers=LAYERS[depth], inference=inference)
    expected = naive_inference(model, images, alpha=0.3, iterations=6, pull=pull)
    close(model.infer(images, alpha=0.3, iterations=6), expected)


def test_inference_leaves_its_input_alone_and_takes_n_from_the_settings(model, images):
    before = images.clone()
    expected = naive_inference(model, images, alpha=0.01, iterations=SETTINGS["iterations"])
    close(model.infer(images, alpha=0.01), expected)
    assert torch.equal(images, before)


def test_trace_starts_feed_forward_and_ends_at_infer_and_keeps_what_it_yielded(model, images):
    kept, copies = [], []
    for states in model.trace(images, alpha=0.01, iterations=6):
        kept.append(states)
        copies.append([state.clone() for state in states])
    assert len(kept) == 7
    close(kept[0], naive_inference(model, images, alpha=0.01, iterations=0))
    close(kept[-1], model.infer(images, alpha=0.01, iterations=6))
    torch.testing.assert_close(kept, copies, rtol=0, atol=0)


def test_settle_moves_the_top_first_and_each_layer_sees_the_new_one_above():
    model = build(layers=LAYERS[3])
    f, g = naive_maps(model.parameters)
    x, h1, h2, h3 = states = [normal(i, 4, n) for i, n in enumerate(LAYERS[3])]
    before = [state.clone() for state in states]
    new3 = h3 + 0.1 * (f(3, h2) - f(3, g(3, h3)))
    new2 = h2 + 0.1 * (f(2, h1) - f(2, g(2, h2))) + 0.3 * (g(3, new3) - h2)
    new1 = h1 + 0.1 * (f(1, x) - f(1, g(1, h1))) + 0.3 * (g(2, new2) - h1)
    found = model.settle(states, model.up(1, x), 0.3)
    close(found, [x, new1, new2, new3])
    stale = 0.3 * (g(2, new2) - g(2, h2))  # what moving all layers at once would miss in h1
    assert stale.abs().max() > 1e-3
    torch.testing.assert_close(states, before, rtol=0, atol=0)


@DEPTHS
def test_clip_top_keeps_the_top_alone_within_its_range(images, depth):
    model, free = (build(layers=LAYERS[depth], delta=6.0, clip_top=c) for c in (True, False))
    loose = free.infer(images, alpha=0.3, iterations=2)
    assert loose[-1].min() < 0 or loose[-1].max() > 1
    found = model.infer(images, alpha=0.3, iterations=2)
    close(found, naive_inference(model, images, alpha=0.3, iterations=2, clip=True))
    assert found[-1].min() >= 0 and found[-1].max() <= 1
    assert all(layer.max() > 1 for layer in found[1:-1])  # softplus layers are free


@FIXED
@given(st.integers(0, 2**32), st.floats(0.01, 10), st.sampled_from(["sigmoid", "linear"]))
def test_gradient_is_that_of_the_conditional_log_likelihood(seed, scale, output):
    model = build(layers=LAYERS[3], output=output)
    states = [scale * normal(seed + i, 4, n) for i, n in enumerate(LAYERS[3])]
    for level in (1, 2, 3):
        up, down = model.up(level, states[level - 1]), model.down(level, states[level])
        found = model.gradient(level, states, up, down)
        expected = autograd_pull(model, level, *states[level - 1 : level + 1], output)
        torch.testing.assert_close(found, expected, rtol=1e-7, atol=1e-7)


@FIXED
@given(st.lists(st.floats(-300, 300), min_size=1, max_size=20), st.sampled_from(list(SQUASH)))
def test_slopes_from_outputs_are_the_derivatives(inputs, kind):
    leaf = torch.tensor(inputs, dtype=torch.float64, requires_grad=True)
    output = SQUASH[kind](leaf)
    (expected,) = torch.autograd.grad(output.sum(), leaf)
    found = SLOPES[kind](output.detach())
    torch.testing.assert_close(found, expected, rtol=1e-7, atol=1e-15)
    falling = leaf < 0  # where a softplus is nearly 0, its slope keeps all its digits
    torch.testing.assert_close(found[falling], expected[falling], rtol=1e-12, atol=0)


# Training


@DEPTHS
@pytest.mark.parametrize("output", ["sigmoid", "linear"])
def test_updates_are_minus_the_gradient_of_the_local_losses(images, depth, output):
    model = build(layers=LAYERS[depth], output=output)
    updates, losses = model.updates(images, seeded(2))

    noise = seeded(2)  # the same corruption, drawn again in the documented order: x, h1, ..., hL
    states = [state.detach() for state in model.infer(images, alpha=model.settings.alpha)]
    noisy = []
    for level, state in enumerate(states[:-1]):
        draws = torch.randn(state.shape, generator=noise, dtype=torch.float64)
        noisy.append(state + (0.2 if level else 0.3) * draws)
    coins = torch.rand(3, *states[-1].shape, generator=noise, dtype=torch.float64) < states[-1]
    noisy.append(coins.double().mean(0))

    leaves = {name: value.clone().requires_grad_() for name, value in model.parameters.items()}
    f, g = naive_maps(leaves, output)
    for level in range(1, depth + 1):
        for name, predicted, target in (
            (f"g{level}", g(level, noisy[level]), states[level - 1]),
            (f"f{level}", f(level, noisy[level - 1]), states[level]),
        ):
            loss = 0.5 * (predicted - target).square().sum(1).mean()
            close(losses[name], loss.detach())
            for key in (f"{name}.weight", f"{name}.bias"):
                (gradient,) = torch.autograd.grad(loss, leaves[key], retain_graph=True)
                assert gradient.abs().max() > 0
                torch.testing.assert_close(updates[key], -gradient, rtol=1e-10, atol=1e-12)
    assert set(updates) == set(model.parameters)
    assert set(losses) == {f"{m}{level}" for m in "fg" for level in range(1, depth + 1)}


def test_updates_change_nothing_and_repeat_under_a_seed(model, images):
    before = {name: value.clone() for name, value in model.parameters.items()}
    first, _ = model.updates(images, seeded(3))
    second, _ = model.updates(images, seeded(3))
    other, _ = model.updates(images, seeded(4))
    for name, value in model.parameters.items():
        assert torch.equal(value, before[name])
        assert torch.equal(first[name], second[name])
    assert not torch.equal(first["g2.weight"], other["g2.weight"])


def test_a_small_step_along_the_updates_lowers_every_loss(images):
    # Without noise or inference the targets stay put.
    model = build(input_noise=0.0, hidden_noise=0.0, bernoulli_draws=0, iterations=0)
    updates, before = model.updates(images, seeded(5))
    for name in ("g1", "g2"):  # maps down: their targets do not depend on their own parameters
        model.parameters[f"{name}.weight"] += 1e-3 * updates[f"{name}.weight"]
        model.parameters[f"{name}.bias"] += 1e-3 * updates[f"{name}.bias"]
    _, after = model.updates(images, seeded(5))
    assert after["g1"] < before["g1"]
    assert after["g2"] < before["g2"]


@DEPTHS
def test_no_bernoulli_draws_leave_the_top_alone(images, depth):
    states = build(layers=LAYERS[depth]).encode(images)
    noisy = build(layers=LAYERS[depth], bernoulli_draws=0).corrupt(states, seeded(6))
    assert torch.equal(noisy[-1], states[-1])
    assert not any(torch.equal(n, s) for n, s in zip(noisy[:-1], states[:-1], strict=True))
    silent = build(layers=LAYERS[depth], bernoulli_draws=0, hidden_noise=0.0, input_noise=0.0)
    torch.testing.assert_close(silent.corrupt(states, seeded(6)), states, rtol=0, atol=0)


def test_averaged_bernoulli_draws_are_thirds_with_the_top_as_their_mean(images):
    states = build().encode(images)
    thirds = 3 * build().corrupt(states, seeded(6))[-1]
    close(thirds, thirds.round())
    many = build(bernoulli_draws=40_000).corrupt(states, seeded(6))[-1]
    torch.testing.assert_close(many, states[-1], rtol=0, atol=0.0125)  # 5 standard errors


# The prior and the joint likelihood


@DEPTHS
def test_finish_fits_the_inferred_mean_and_the_widened_variance(images, depth):
    model = build(layers=LAYERS[depth])
    model.finish(images)
    given = model.settings
    top = naive_inference(model, images, alpha=given.alpha, iterations=given.iterations)[-1]
    close(model.buffers["prior.mean"], top.mean(0))
    variance = (top - top.mean(0)).square().mean(0)
    torch.testing.assert_close(model.buffers["prior.variance"], 4 * variance, rtol=1e-9, atol=0)


def test_finish_and_samplers_do_not_depend_on_the_batching(model, images, monkeypatch):
    def found():
        model.finish(images)
        drawn = {name: getattr(model, name)(7, seeded(6)) for name in ("ancestral", "generate")}
        return {name: value.clone() for name, value in (model.buffers | drawn).items()}

    whole = found()
    monkeypatch.setattr("replications.bengio2015.model.BATCH", 3)
    torch.testing.assert_close(found(), whole)


@DEPTHS
def test_log_joint_is_the_normals_without_their_constants(images, depth):
    model = build(layers=LAYERS[depth])
    model.finish(images)
    states = model.infer(images, alpha=0.01)
    _, g = naive_maps(model.parameters)
    mean, variance = model.buffers["prior.mean"], model.buffers["prior.variance"]
    full = Normal(mean, variance.sqrt()).log_prob(states[-1]).sum(1)
    for level in range(1, depth + 1):
        full += Normal(g(level, states[level]), 1.0).log_prob(states[level - 1]).sum(1)
    constants = -0.5 * sum(LAYERS[depth]) * math.log(2 * math.pi) - 0.5 * variance.log().sum()
    actual = model.log_joint(states)
    assert actual.shape == (len(images),)
    torch.testing.assert_close(actual, full - constants, rtol=1e-10, atol=1e-10)


def test_a_top_unit_that_never_moves_is_left_out_of_the_prior(images):
    """Clipped at a bound for every image its variance is 0, and its law has no density."""
    model = build(layers=LAYERS[2])
    model.finish(images)
    states = model.infer(images, alpha=0.01)
    model.buffers["prior.mean"][0], model.buffers["prior.variance"][0] = 1.0, 0.0
    joint, prior = model.log_joint(states), model.log_prior(states[-1])
    model.buffers["prior.variance"][0] = math.inf  # no deviation counts
    torch.testing.assert_close(joint, model.log_joint(states))
    torch.testing.assert_close(prior, model.log_prior(states[-1]))
    assert joint.isfinite().all() and prior.isfinite().all()


@pytest.mark.parametrize(("name", "known"), [("inference", "gradient"), ("output", "linear")])
def test_other_ways_to_infer_and_other_outputs_are_refused(name, known):
    with pytest.raises(ValueError, match=rf"settings\.{name} is 'softmax': choose .*{known}"):
        build(**{name: "softmax"})


# Samples


@pytest.mark.parametrize("sampler", ["ancestral", "generate"])
def test_samplers_give_images_and_repeat_under_a_seed(model, images, sampler):
    model.finish(images)
    draw = getattr(model, sampler)
    samples = draw(11, seeded(7))
    assert samples.shape == (11, 12)
    assert samples.dtype == torch.float64
    assert samples.min() >= 0 and samples.max() <= 1
    assert torch.equal(samples, draw(11, seeded(7)))
    assert not torch.equal(samples, draw(11, seeded(8)))


@DEPTHS
def test_samplers_are_the_printed_chain(images, depth):
    model = build(layers=LAYERS[depth])
    model.finish(images)
    _, g = naive_maps(model.parameters)
    x = model.buffers["prior.mean"] + model.buffers["prior.variance"].sqrt() * normal(9, 4, 5)
    for level in range(depth, 0, -1):
        x = g(level, x)
    close(model.ancestral(4, seeded(9)), x)
    for _ in range(3):
        x = g(1, naive_inference(model, x, alpha=0.3, iterations=model.settings.iterations)[1])
    close(model.generate(4, seeded(9)), x)


@pytest.mark.parametrize("sampler", ["ancestral", "generate"])
@pytest.mark.parametrize(
    "changes",
    [{}, {"layers": LAYERS[1]}, {"inference": "gradient"}, {"clip_top": True, "delta": 6.0}],
    ids=str,
)
def test_decoder_is_the_sampler_of_given_draws_and_is_differentiable(images, sampler, changes):
    model = build(**changes)
    model.finish(images)
    decoder, z = model.decoder(sampler), normal(9, 3, model.latents)
    close(decoder(z), getattr(model, sampler)(3, seeded(9)))
    assert torch.autograd.gradcheck(decoder, z.requires_grad_())


# Settings


def test_initial_parameters():
    model = build(layers=[400, 300, 250, 50], dtype=torch.float32)
    assert {name: tuple(value.shape) for name, value in model.parameters.items()} == {
        "g1.weight": (400, 300),
        "g1.bias": (400,),
        "f1.weight": (300, 400),
        "f1.bias": (300,),
        "g2.weight": (300, 250),
        "g2.bias": (300,),
        "f2.weight": (250, 300),
        "f2.bias": (250,),
        "g3.weight": (250, 50),
        "g3.bias": (250,),
        "f3.weight": (50, 250),
        "f3.bias": (50,),
    }
    for name, gain in SETTINGS["initial_gain"].items():
        weight = model.parameters[f"{name}.weight"]
        assert weight.dtype == torch.float32
        assert weight.std().item() == pytest.approx(gain / weight.shape[1] ** 0.5, rel=0.05)
        assert (model.parameters[f"{name}.bias"] == SETTINGS["initial_bias"][name]).all()


def test_every_hyperparameter_must_be_given():
    for missing in SETTINGS:
        incomplete = {name: value for name, value in SETTINGS.items() if name != missing}
        with pytest.raises(TypeError, match=missing):
            DeepGenerativeModel(**incomplete, generator=seeded(0), device="cpu")
