"""Every learning rule against its equations, automatic differentiation, the others and itself."""

import pytest
import torch

from replications.core.learn.learning import Batch
from replications.core.score.estimators.alignment import alignment
from replications.scellier2017 import rule as rules
from replications.scellier2017.network import Clamped, HopfieldNetwork
from replications.scellier2017.solvers import Phase, settle

EULER = {"euler": {"step_size": 0.5}}
ALTERNATE = {"alternate": {}}
SETTINGS = dict(
    solver=EULER, free_steps=20, tolerance=0, second_steps=4, cost_scale=0.5, persistent=True,
    settling_steps=400,
)  # fmt: skip
NUDGED = dict(beta=1.0, nudging="one_sided")
EXAMPLES = 6
RULES = [
    rules.EquilibriumPropagation,
    rules.ContrastiveHebbianLearning,
    rules.RecurrentBackpropagation,
    rules.BackpropagationThroughTime,
]


def make(
    layers=(5, 7, 3), *, kind=rules.EquilibriumPropagation, scale=0.5, outputs="hard_sigmoid",
    **changes,
):  # fmt: skip
    """A small float64 network, its rule and a batch; `scale` keeps most units off their bounds."""
    generator = torch.Generator().manual_seed(3)
    network = HopfieldNetwork(
        layers=layers, outputs=outputs, initialisation={"glorot_uniform": {}},
        generator=generator, dtype=torch.float64,
    )  # fmt: skip
    for name, p in network.parameters.items():
        p.mul_(scale) if name[0] == "W" else p.fill_(0.3)
    settings = SETTINGS | (NUDGED if kind is rules.EquilibriumPropagation else {}) | changes
    rule = kind(network=network, examples=EXAMPLES, generator=generator, **settings)
    inputs = torch.rand(EXAMPLES, layers[0], generator=generator, dtype=torch.float64)
    labels = torch.arange(EXAMPLES) % layers[-1]
    targets = torch.nn.functional.one_hot(labels, layers[-1]).double()
    return network, rule, Batch(inputs, labels, targets, slice(0, EXAMPLES))


def flat(updates):
    return torch.cat([u.flatten() for u in updates.values()])


def assert_close(found, wanted, **tolerances):
    assert list(found) == list(wanted)
    for name in wanted:
        torch.testing.assert_close(found[name], wanted[name], **tolerances)


def test_the_contrast_is_the_gradient_of_the_energy_difference():
    network, _, batch = make((5, 7, 6, 3))
    free, nudged = ([torch.rand_like(s) for s in network.rest(EXAMPLES)] for _ in range(2))
    for p in network.parameters.values():
        p.requires_grad_()
    difference = network.energy(batch.inputs, nudged) - network.energy(batch.inputs, free)
    gradients = torch.autograd.grad(difference.mean() / 0.7, network.parameters.values())
    updates = rules.contrast(batch.inputs, free, nudged, 0.7)
    assert_close(updates, {n: -g for n, g in zip(network.parameters, gradients, strict=True)})


@pytest.mark.parametrize("solver", [EULER, ALTERNATE])
@pytest.mark.parametrize("outputs", ["hard_sigmoid", "linear"])
@pytest.mark.parametrize("cost_scale", [0.5, 1.0])
def test_the_gradient_is_that_of_the_cost_at_the_fixed_point_by_finite_differences(
    cost_scale, outputs, solver
):
    network, rule, batch = make(cost_scale=cost_scale, outputs=outputs, solver=solver)
    gradient = rule.gradient(batch)

    def cost():
        outputs = rule.predict(batch.inputs)
        return cost_scale * (outputs - batch.targets).square().sum(1).mean()

    for name, p in network.parameters.items():
        numeric = torch.zeros_like(p)
        for i in range(p.numel()):
            old = p.view(-1)[i].item()
            for sign in (1, -1):
                p.view(-1)[i] = old + sign * 1e-6
                numeric.view(-1)[i] += sign * cost() / 2e-6
            p.view(-1)[i] = old
        torch.testing.assert_close(gradient[name], numeric, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("solver", [EULER, ALTERNATE])
@pytest.mark.parametrize("outputs", ["hard_sigmoid", "linear"])
@pytest.mark.parametrize("cost_scale", [0.5, 1.0])
@pytest.mark.parametrize(("nudging", "ratio"), [("one_sided", 2), ("symmetric", 4)])
def test_the_estimate_tends_to_the_gradient_by_the_order_of_its_nudging(
    nudging, ratio, cost_scale, outputs, solver
):
    errors = []
    for pull in (0.01, 0.005):  # 2 c beta; at .02 a unit meets a bound
        _, rule, batch = make(
            beta=pull / (2 * cost_scale), second_steps=400, nudging=nudging, solver=solver,
            cost_scale=cost_scale, outputs=outputs,
        )  # fmt: skip
        update, gradient = rule.estimate(batch), rule.gradient(batch)
        assert all(alignment(update[n], gradient[n])["cosine"] > 0.999 for n in gradient)
        errors.append(float((flat(update) + flat(gradient)).norm()))
    assert errors[0] / errors[1] == pytest.approx(ratio, rel=0.05)


def by_hand(network, inputs, states, *, steps, beta=0.0, targets=None, clamped=False):
    """Euler's method with step 1/2 on F = E + beta |y - d|^2 / 2, force by force; or y stays."""
    for _ in range(steps):
        layers, moved = [inputs, *states], []
        for k, (weights, bias, s) in enumerate(
            zip(network.weights, network.biases, states, strict=True)
        ):
            force = layers[k] @ weights + bias - s
            if k + 1 < len(states):
                force = force + states[k + 1] @ network.weights[k + 1].T
            elif beta:
                force = force + beta * (targets - s)
            moved.append((s + 0.5 * force).clamp(0, 1))
        states = [*moved[:-1], states[-1]] if clamped else moved
    return states


@pytest.mark.parametrize("nudging", ["one_sided", "symmetric"])
def test_an_update_is_the_contrast_after_k_steps_from_the_free_states(nudging):
    network, rule, batch = make((5, 7, 6, 3), nudging=nudging, beta=0.8)
    free = by_hand(network, batch.inputs, network.rest(EXAMPLES), steps=20)
    above, below = (
        by_hand(network, batch.inputs, free, steps=4, beta=beta, targets=batch.targets)
        for beta in (0.8, -0.8)
    )
    ends = (free, above, 0.8) if nudging == "one_sided" else (below, above, 1.6)
    updates, _ = rule.updates(batch)
    assert_close(updates, rules.contrast(batch.inputs, *ends))


def test_contrastive_hebbian_learning_clamps_the_outputs_for_k_steps_from_the_free_states():
    network, rule, batch = make((5, 7, 6, 3), kind=rules.ContrastiveHebbianLearning)
    free = by_hand(network, batch.inputs, network.rest(EXAMPLES), steps=20)
    start = [*free[:-1], batch.targets]
    end = by_hand(network, batch.inputs, start, steps=4, clamped=True)
    updates, _ = rule.updates(batch)
    assert_close(updates, rules.contrast(batch.inputs, free, end, 1.0))


def test_what_is_monitored_are_the_errors_and_the_cost_of_the_free_states():
    _, rule, batch = make(cost_scale=1.0)
    outputs = batch.targets.clone()
    outputs[0] = torch.tensor([0.2, 0.7, 0.1])  # label 0
    outputs[4] = torch.tensor([0.0, 0.6, 0.5])  # label 1
    monitor = rule.monitor(outputs, batch, 0)
    assert monitor["train_error"] == pytest.approx(100 / 6)
    assert monitor["train_cost"] == pytest.approx((0.64 + 0.49 + 0.01 + 0.16 + 0.25) / 6)


def test_contrastive_hebbian_learning_is_the_limit_of_a_strong_nudge():
    _, clamped, batch = make(
        kind=rules.ContrastiveHebbianLearning, second_steps=400, solver=ALTERNATE
    )
    wanted = clamped.estimate(batch)
    errors = []
    for beta in (1e3, 2e3):
        _, rule, batch = make(beta=beta, second_steps=400, solver=ALTERNATE)
        update = {name: beta * u for name, u in rule.estimate(batch).items()}
        errors.append(float((flat(update) - flat(wanted)).norm() / flat(wanted).norm()))
    assert errors[0] < 0.01 and errors[0] / errors[1] == pytest.approx(2, abs=0.05)


@pytest.mark.parametrize("layers", [(5, 7, 3), (5, 7, 6, 3)])
@pytest.mark.parametrize("outputs", ["hard_sigmoid", "linear"])
@pytest.mark.parametrize("kind", [rules.RecurrentBackpropagation, rules.BackpropagationThroughTime])
def test_both_back_propagations_from_a_fixed_point_give_its_gradient(kind, outputs, layers):
    steps = {"free_steps": 400, "second_steps": 400}
    _, rule, batch = make(layers, kind=kind, **steps, outputs=outputs, scale=0.5)
    gradient = rule.gradient(batch)
    assert_close(rule.estimate(batch), {n: -g for n, g in gradient.items()})


def test_truncated_they_are_equal_too():
    """K steps of the adjoint are back-propagation through K steps at a fixed point (Ernoult 2019).

    The adjoint's first step counts the cost's slope with a factor epsilon, as time's last does.
    """
    kinds = rules.RecurrentBackpropagation, rules.BackpropagationThroughTime
    found = [make((5, 7, 6, 3), kind=kind, second_steps=5) for kind in kinds]
    one, two = (rule.estimate(batch) for _, rule, batch in found)
    assert_close(one, two)


@pytest.mark.parametrize("outputs", ["hard_sigmoid", "linear"])
def test_through_time_is_automatic_differentiation_of_the_settling(outputs):
    """Far from a fixed point, from particles, with units that meet the bounds on the way."""
    network, rule, batch = make(
        (5, 7, 6, 3), kind=rules.BackpropagationThroughTime, free_steps=9, second_steps=9,
        outputs=outputs, scale=2.0,
    )  # fmt: skip
    generator = torch.Generator().manual_seed(4)
    for particles in rule.state.values():
        particles.copy_(torch.rand(particles.shape, generator=generator, dtype=torch.float64))
    states = [p.clone() for p in rule.state.values()]
    leaves = {name: p.clone().requires_grad_() for name, p in network.parameters.items()}
    twin = object.__new__(HopfieldNetwork)
    twin.__dict__.update(network.__dict__, parameters=leaves)
    clamped, met = Clamped(twin, batch.inputs), 0
    for _ in range(9):
        moved = [s + 0.5 * (clamped.pressure(k, states) - s) for k, s in enumerate(states)]
        states = [s.clamp(0, 1) for s in moved[:-1]] + [
            moved[-1] if outputs == "linear" else moved[-1].clamp(0, 1)
        ]
        met += sum(int(((s == 0) | (s == 1)).sum()) for s in states)
    cost = 0.5 * (states[-1] - batch.targets).square().sum(1).mean()
    gradients = torch.autograd.grad(cost, leaves.values())
    updates, monitor = rule.updates(batch)
    assert met > 20
    assert_close(updates, {n: -g for n, g in zip(leaves, gradients, strict=True)})
    assert monitor["train_cost"] == pytest.approx(cost.item())
    for particles, state in zip(rule.state.values(), states, strict=True):
        torch.testing.assert_close(particles, state.detach())


@pytest.mark.parametrize("kind", RULES)
def test_particles_keep_the_free_state_of_their_own_rows_only(kind):
    network, rule, batch = make(kind=kind)
    rows = slice(2, 4)
    part = Batch(batch.inputs[rows], batch.labels[rows], batch.targets[rows], rows)
    rule.updates(part)
    phase = Phase(Clamped(network, part.inputs), network.rest(2))
    settle(phase, rule.solver, steps=20)
    for particles, state in zip(rule.state.values(), phase.states, strict=True):
        torch.testing.assert_close(particles[rows], state)
        assert particles[:2].count_nonzero() == particles[4:].count_nonzero() == 0


@pytest.mark.parametrize("kind", RULES)
def test_a_rule_descends_its_cost(kind):
    network, rule, batch = make(kind=kind, second_steps=20)
    costs = []
    for _ in range(30):
        updates, monitor = rule.updates(batch)
        costs.append(float(monitor["train_cost"]))
        for name, update in updates.items():
            network.parameters[name].add_(update, alpha=0.1)
    assert costs[-1] < 0.9 * costs[5]


def test_without_particles_every_free_phase_starts_from_rest():
    _, rule, batch = make(persistent=False)
    assert rule.state == {}
    first, second = (rule.updates(batch)[0] for _ in range(2))
    assert_close(first, second, rtol=0, atol=0)


def test_a_tolerance_ends_the_free_phase_sooner_and_the_sweeps_are_monitored():
    _, rule, batch = make(tolerance=1e-3, free_steps=500)
    sweeps = [float(rule.updates(batch)[1]["free_sweeps"]) for _ in range(2)]
    assert 500 > sweeps[0] > sweeps[1] == 1  # the second starts at the fixed point
    _, rule, batch = make()
    assert "free_sweeps" not in rule.updates(batch)[1]


def test_as_released_the_updates_are_twice_those_described():
    described = make(beta=1.0, cost_scale=0.5)
    released = make(beta=0.5, cost_scale=1.0)
    one, two = (rule.estimate(batch) for _, rule, batch in (described, released))
    assert_close(two, {name: 2 * update for name, update in one.items()})


def test_the_sign_of_beta_is_drawn_by_the_rules_generator():
    _, rule, _ = make(nudging="random_sign")
    signs = [rule.random_sign() for _ in range(200)]
    assert set(signs) == {1, -1} and 60 < signs.count(1) < 140
    _, again, _ = make(nudging="random_sign")
    assert signs == [again.random_sign() for _ in range(200)]


def test_a_random_sign_gives_one_of_the_two_one_sided_updates():
    network, rule, batch = make(nudging="random_sign")
    ends = []
    for beta in (1.0, -1.0):
        _, one_sided, _ = make(beta=beta)
        ends.append(flat(one_sided.estimate(batch)))
    clamped = Clamped(network, batch.inputs)
    free = rule.free_states(clamped)
    drawn = [flat(rule.descent(clamped, batch, free)) for _ in range(20)]
    seen = [next(i for i, end in enumerate(ends) if torch.equal(d, end)) for d in drawn]
    assert set(seen) == {0, 1}


def test_settings_that_do_not_fit_say_what_does():
    with pytest.raises(ValueError, match="choose one_sided, random_sign, symmetric"):
        make(nudging="both")
    with pytest.raises(ValueError, match="beta is 0, which nudges nothing"):
        make(beta=0.0)
    with pytest.raises(ValueError, match=r"solver.euler: takes step_size, not size"):
        make(solver={"euler": {"size": 0.5}})
    with pytest.raises(ValueError, match=r"solver.alternate: takes nothing, not step_size"):
        make(solver={"alternate": {"step_size": 0.5}})
    with pytest.raises(ValueError, match="'newton' is none of euler, alternate"):
        make(solver={"newton": {}})
    with pytest.raises(ValueError, match="'alternate' is none of euler"):
        make(kind=rules.BackpropagationThroughTime, solver=ALTERNATE)
    back = rules.BackpropagationThroughTime
    with pytest.raises(ValueError, match=r"second_steps is 21: .* at most the 20 of"):
        make(kind=back, second_steps=21)
    with pytest.raises(ValueError, match=r"tolerance is 0\.1: .* give 0"):
        make(kind=back, tolerance=0.1)


@pytest.mark.parametrize("nudging", ["random_sign", "symmetric"])
def test_a_beta_without_a_minimum_is_refused_before_training(nudging):
    """2 c beta = -1 has none by the alternating solver; the one-sided nudge never gets there."""
    with pytest.raises(ValueError, match=r"2 c beta is -1\.0.*or the euler solver"):
        make(solver=ALTERNATE, nudging=nudging, beta=1.0)
    for fits in ({"beta": 0.9}, {"solver": EULER}, {"nudging": "one_sided"}):
        make(**{"solver": ALTERNATE, "nudging": nudging, "beta": 1.0, **fits})
