"""The network against its energy's own derivatives, and how it is initialised."""

import pytest
import torch

from replications.scellier2017.network import Clamped, HopfieldNetwork

GLOROT = {"glorot_uniform": {}}


def make(layers=(5, 7, 6, 3), outputs="hard_sigmoid", initialisation=GLOROT):
    generator = torch.Generator().manual_seed(3)
    return HopfieldNetwork(
        layers=layers, outputs=outputs, initialisation=initialisation, generator=generator,
        dtype=torch.float64,
    )  # fmt: skip


@pytest.mark.parametrize("layers", [(5, 3), (5, 7, 3), (5, 7, 6, 3)])
def test_the_pressure_less_the_state_is_minus_the_gradient_of_the_energy(layers):
    network = make(layers)
    generator = torch.Generator().manual_seed(1)
    inputs, *states = (torch.rand(4, n, generator=generator, dtype=torch.float64) for n in layers)
    for biases in network.biases:
        biases.uniform_(generator=generator)
    leaves = [s.clone().requires_grad_() for s in states]
    forces = torch.autograd.grad(-network.energy(inputs, leaves).sum(), leaves)
    clamped = Clamped(network, inputs)
    for k, (state, force) in enumerate(zip(states, forces, strict=True)):
        torch.testing.assert_close(clamped.pressure(k, states) - state, force)
        written = torch.empty_like(state)
        clamped.pressure(k, states, out=written)
        torch.testing.assert_close(written - state, force)


def test_without_drive_and_biases_the_pressures_are_linear_in_the_states():
    network = make()
    for biases in network.biases:
        biases.fill_(0.3)
    linear = Clamped(network, torch.rand(4, 5).double()).linear()
    states = [torch.rand_like(s) for s in network.rest(4)]
    for k in range(3):
        doubled = linear.pressure(k, [2 * s for s in states])
        torch.testing.assert_close(doubled, 2 * linear.pressure(k, states))


def test_linear_outputs_are_inside_wherever_they_are():
    states = [torch.tensor([[0.0, 0.5]]), torch.tensor([[-2.0, 1.0]])]
    for outputs, wanted in (("linear", [False, True, True, True]), ("hard_sigmoid", [0, 1, 0, 0])):
        assert make((5, 2, 2), outputs).inside(states)[0].tolist() == wanted


@pytest.mark.parametrize(
    ("initialisation", "bounds"),
    [
        (GLOROT, ((6 / 120) ** 0.5, (6 / 24) ** 0.5)),
        ({"fan_in_uniform": {"gain": 0.7}}, (0.7 / 100**0.5, 0.7 / 20**0.5)),
    ],
)
def test_weights_are_drawn_within_their_bounds_and_biases_start_at_zero(initialisation, bounds):
    network = make((100, 20, 4), initialisation=initialisation)
    for weights, bound in zip(network.weights, bounds, strict=True):
        assert 0.9 * bound < weights.abs().max() <= bound
        assert abs(float(weights.mean())) < 0.2 * bound
    assert not any(b.any() for b in network.biases)


def test_outputs_of_no_known_kind_are_refused():
    with pytest.raises(ValueError, match="hard_sigmoid or linear, not 'softmax'"):
        make(outputs="softmax")


@pytest.mark.parametrize(
    ("initialisation", "said"),
    [
        ({"glorot": {}}, "'glorot' is none of glorot_uniform, glorot_normal"),
        ({"fan_in_uniform": {}}, "fan_in_uniform: takes gain, not nothing"),
    ],
)
def test_other_initialisations_are_refused(initialisation, said):
    with pytest.raises(ValueError, match=said):
        HopfieldNetwork(
            layers=(3, 2), outputs="linear", initialisation=initialisation,
            generator=torch.Generator(),
        )  # fmt: skip
