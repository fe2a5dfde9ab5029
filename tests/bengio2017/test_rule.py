"""Spike timing as the learning signal: against the contrast, windows of pairs, and noise."""

import math
from itertools import pairwise

import pytest
import torch

from replications.bengio2017 import rule as rules
from replications.core.learn.learning import Batch
from replications.scellier2017.network import Clamped, HopfieldNetwork
from replications.scellier2017.rule import EquilibriumPropagation

EXAMPLES = 6
RATES = dict(
    solver={"euler": {"step_size": 0.5}}, free_steps=20, tolerance=0, second_steps=4,
    cost_scale=0.5, persistent=False, settling_steps=400, beta=1.0, nudging="one_sided",
)  # fmt: skip
SPIKES = dict(
    step_size=0.1, free_steps=20, second_steps=5, spikes_per_step=1.0, cost_scale=0.5, beta=1.0,
    nudging="symmetric", settling_steps=100,
)  # fmt: skip


def network_and_batch():
    """A float64 network with most of its units between the bounds, and random images."""
    layers = (5, 7, 6, 3)
    generator = torch.Generator().manual_seed(3)
    network = HopfieldNetwork(
        layers=layers, outputs="hard_sigmoid", initialisation={"glorot_uniform": {}},
        generator=generator, dtype=torch.float64,
    )  # fmt: skip
    for name, p in network.parameters.items():
        p.mul_(0.3) if name[0] == "W" else p.fill_(0.4)
    inputs = torch.rand(EXAMPLES, layers[0], generator=generator, dtype=torch.float64)
    labels = torch.arange(EXAMPLES) % layers[-1]
    targets = torch.nn.functional.one_hot(labels, layers[-1]).double()
    batch = Batch(inputs, labels, targets, slice(0, EXAMPLES))
    return network, batch, generator


def update(kind, **changes):
    network, batch, generator = network_and_batch()
    rule = kind(network=network, examples=EXAMPLES, generator=generator, **RATES | changes)
    return rule.updates(batch)[0]


@pytest.mark.parametrize("nudging", ["one_sided", "symmetric"])
def test_both_directions_miss_the_contrast_by_the_products_of_changes(nudging):
    network, batch, generator = network_and_batch()
    settings = RATES | {"nudging": nudging}
    rule = rules.DifferentialHebbian(
        network=network, examples=EXAMPLES, generator=generator, **settings
    )
    clamped = Clamped(network, batch.inputs)
    free = [0.2 + 0.6 * torch.rand_like(s) for s in network.rest(EXAMPLES)]
    found = rule.contrasted(clamped, batch, free, 0.5)
    wanted = EquilibriumPropagation.contrasted(
        EquilibriumPropagation(
            network=network, examples=EXAMPLES, generator=generator, **settings
        ),
        clamped, batch, free, 0.5,
    )  # fmt: skip
    signs = (1, -1) if nudging == "symmetric" else (1,)
    for sign in signs:
        path = rule.path(clamped, batch, free, sign * 0.5)
        for before, after in pairwise(path):
            d = [a - b for b, a in zip(before, after, strict=True)]
            for k in (2, 3):
                product = d[k - 2].T @ d[k - 1] / EXAMPLES
                wanted[f"W{k}"] -= sign * product / 0.5 / len(signs)
    for name in wanted:
        torch.testing.assert_close(found[name], wanted[name], rtol=0, atol=1e-14)


def test_forward_and_backward_make_both_and_the_window_is_their_difference():
    forward, both, window = (
        update(kind)
        for kind in (rules.ForwardSynapses, rules.DifferentialHebbian, rules.PairWindow)
    )
    for name in both:
        torch.testing.assert_close(both[name] + window[name], 2 * forward[name])
    assert not torch.allclose(both["W2"], forward["W2"], rtol=0.01)


@pytest.mark.parametrize(
    "kind", [rules.DifferentialHebbian, rules.ForwardSynapses, rules.PairWindow]
)
def test_the_input_weights_and_the_biases_learn_by_the_contrast(kind):
    found, wanted = update(kind), update(EquilibriumPropagation)
    for name in ("W1", "b1", "b2", "b3"):
        torch.testing.assert_close(found[name], wanted[name])


def test_both_directions_tend_to_the_contrast_with_the_step():
    def error(halvings):
        steps = dict(
            solver={"euler": {"step_size": 0.2 / 2**halvings}},
            free_steps=300 * 2**halvings, second_steps=5 * 2**halvings,
        )  # fmt: skip
        found, wanted = (
            update(kind, **steps)["W2"]
            for kind in (rules.DifferentialHebbian, EquilibriumPropagation)
        )
        return float((found - wanted).norm() / wanted.norm())

    errors = [error(halvings) for halvings in range(3)]
    assert errors[1] / errors[0] == pytest.approx(0.5, abs=0.08)
    assert errors[2] / errors[1] == pytest.approx(0.5, abs=0.05)


def test_pairs_within_the_phase_expect_the_pair_window():
    """A sum over all pairs of times, with a window much shorter than the phase."""
    dt, tau, amplitude = 0.1, 2.0, 0.3
    time = torch.arange(0, 400, dt, dtype=torch.float64)
    pre = 1 + 0.5 * torch.sin(time / 90)
    post = 2 - torch.cos(time / 130) + time / 300
    lag = time[None] - time[:, None]  # t_post - t_pre
    window = amplitude * lag.sign() * torch.exp(-lag.abs() / tau)
    expected = float(pre @ window @ post) * dt**2
    path = [[a[None, None], b[None, None]] for a, b in zip(pre, post, strict=True)]
    inputs = torch.zeros(1, 1, dtype=torch.float64)
    found = rules.integral(inputs, path, 1.0, -1.0, scale=1.0)["W2"]
    assert expected == pytest.approx(float(found) * amplitude * tau**2, rel=0.02)


def spiking(**changes):
    network, batch, generator = network_and_batch()
    rule = rules.SpikingEquilibriumPropagation(
        network=network, examples=EXAMPLES, generator=generator, **SPIKES | changes
    )
    return network, rule, batch


def test_many_spikes_are_rates():
    _, rule, batch = spiking(spikes_per_step=2e4)
    found = rule.updates(batch)[0]
    rates = {name: SPIKES[name] for name in ("free_steps", "second_steps", "nudging")}
    wanted = update(rules.DifferentialHebbian, solver={"euler": {"step_size": 0.1}}, **rates)
    found, wanted = (torch.cat([u[name].flatten() for name in wanted]) for u in (found, wanted))
    assert float((found - wanted).norm() / wanted.norm()) < 0.02


@pytest.mark.parametrize("per_step", [0.3, 1.0, 4.0])
def test_spikes_are_poisson_counts_of_their_rates(per_step):
    _, rule, _ = spiking(spikes_per_step=per_step)
    rates = [torch.linspace(0, 1, n, dtype=torch.float64).expand(40_000, n) for n in (5, 3)]
    for rate, spikes in zip(rates, rule.spikes(rates), strict=True):
        assert spikes.shape == rate.shape and spikes.dtype == torch.float64
        counts = (spikes * per_step).round().long()
        torch.testing.assert_close(counts.double(), spikes * per_step)  # whole numbers
        for unit in range(rate.shape[1]):
            lam = per_step * float(rate[0, unit])
            for k in range(6):
                expected = math.exp(-lam) * lam**k / math.factorial(k)
                spread = math.sqrt(expected * (1 - expected) / len(rate))
                share = float((counts[:, unit] == k).double().mean())
                assert abs(share - expected) <= 5 * spread


def test_spikes_of_different_units_and_images_are_independent():
    _, rule, _ = spiking(spikes_per_step=2.0)
    first, second = rule.spikes([torch.full((40_000, 2), s).double() for s in (0.5, 0.8)])
    counts = torch.cat([first, second, first.roll(1, 0)], 1)
    assert float((torch.corrcoef(counts.T) - torch.eye(6)).abs().max()) < 5 / math.sqrt(40_000)


def test_what_is_drawn_does_not_depend_on_the_rates():
    low, high = (spiking(spikes_per_step=3.0)[1] for _ in range(2))
    fewer = low.spikes([torch.full((50, 4), 0.3).double()])[0]
    more = high.spikes([torch.full((50, 4), 0.6).double()])[0]
    assert (fewer <= more).all() and 0 < float(fewer.sum()) < float(more.sum())
    assert torch.equal(low.generator.get_state(), high.generator.get_state())


def without_error(rule, network, *, copies):
    """The mean update of one step where the targets are the outputs; states, and its expectation.

    For each weight: (1/beta) epsilon W (s_i + s_j) / lambda, of W_1 with s_i = x_i alone.
    """
    generator = torch.Generator().manual_seed(5)
    sizes = [network.weights[0].shape[0], *network.sizes]
    layers = [0.3 + 0.4 * torch.rand(1, n, generator=generator).double() for n in sizes]
    inputs, *free = [layer.expand(copies, -1) for layer in layers]
    batch = Batch(inputs, torch.zeros(copies), free[-1], slice(0, copies))
    size = rule.settings.step_size / (rule.settings.beta * rule.settings.spikes_per_step)
    wanted = {}
    for k, weights in enumerate(network.weights, start=1):
        sources = layers[k - 1].T + (layers[k] if k > 1 else 0)
        # beside the noise, what the states do on average: presynaptic rate times mean change
        wanted[f"W{k}"] = size * weights * sources
    drift = [torch.zeros(1, sizes[0], dtype=torch.float64)]
    for k, state in enumerate(layers[1:]):
        force = layers[k] @ network.weights[k] + network.biases[k] - state
        if k + 1 < len(network.weights):
            force = force + layers[k + 2] @ network.weights[k + 1].T
        drift.append(rule.settings.step_size * force)
    for k in range(1, len(layers)):
        moved = layers[k - 1].T @ drift[k] + drift[k - 1].T @ layers[k]
        wanted[f"W{k}"] = wanted[f"W{k}"] + moved / rule.settings.beta
    return batch, free, wanted


def test_a_spike_learns_its_own_effect_unless_both_signs_cancel_it():
    network, rule, _ = spiking(second_steps=1, spikes_per_step=20.0, step_size=0.02)
    batch, free, wanted = without_error(rule, network, copies=50_000)
    above = rule.learned(network, batch, free, rule.settings.beta)
    below = rule.learned(network, batch, free, -rule.settings.beta)
    for name, bias in wanted.items():
        assert float((above[name] - bias).norm() / bias.norm()) < 0.05
        assert float((above[name] + below[name]).norm() / bias.norm()) < 0.1


def test_spikes_learn_on_average_what_rates_do():
    _, rule, batch = spiking(spikes_per_step=50.0, second_steps=12)
    many = Batch(*(t.repeat_interleave(500, dim=0) for t in (batch.inputs, batch.labels,
                 batch.targets)), slice(0, 0))  # fmt: skip
    found = rule.updates(many)[0]
    rates = dict(free_steps=20, second_steps=12, nudging="symmetric")
    wanted = update(rules.DifferentialHebbian, solver={"euler": {"step_size": 0.1}}, **rates)
    for name in ("W1", "W2", "W3"):
        assert torch.cosine_similarity(found[name].flatten(), wanted[name].flatten(), dim=0) > 0.97


def test_class_scores_are_outputs_of_spikes():
    network, rule, batch = spiking(spikes_per_step=2e3, free_steps=400, settling_steps=1000)
    outputs = rule.predict(batch.inputs)
    torch.testing.assert_close(
        outputs, rule.free_states(Clamped(network, batch.inputs))[-1], rtol=0, atol=5e-3
    )


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"nudging": "sideways"}, "choose one_sided, random_sign, symmetric"),
        ({"spikes_per_step": 0.0}, "give more than 0"),
    ],
)
def test_spikes_need_a_nudging_and_a_rate(changes, said):
    with pytest.raises(ValueError, match=said):
        spiking(**changes)


def test_layers_have_to_move_at_the_same_time():
    with pytest.raises(ValueError, match="euler"):
        update(rules.DifferentialHebbian, solver={"alternate": {}})
