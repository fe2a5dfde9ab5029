"""Langevin dynamics against the Gaussian that they sample where no unit meets a bound."""

from functools import partial

import torch

from replications.scellier2017 import settled, stochastic
from replications.scellier2017.settled import Settled
from tests.scellier2017 import cases
from tests.scellier2017.cases import curvature

BETA, STEP = 0.2, 0.2
draw = partial(cases.draw, layers=(3, 4, 2), images=1, gains=(0.3, 0.35))


def gaussian_correlations(case, beta, temperature, step_size=0.0):
    """Stationary mean of -dE/dtheta: s s' + T (A (1 - epsilon A / 2))^-1, A = d2F/ds2, (P,).

    Euler's method on a linear Langevin equation has that covariance exactly.
    """
    states, a = case.nudged(beta), curvature(case, beta)
    covariance = temperature * torch.linalg.inv(a @ (torch.eye(len(a)) - step_size / 2 * a))
    means = stochastic.correlations(case.inputs, states)[0]
    below, above = case.network.sizes
    start = case.inputs.shape[1] * below + below  # W1 and b1 come first
    means[start : start + below * above] += covariance[:below, below:].flatten()
    return means


def test_the_force_is_minus_the_gradient_of_the_total_energy_on_and_off_the_bounds():
    case = draw()
    generator = torch.Generator().manual_seed(1)
    start = [
        3 * torch.rand(1, n, generator=generator, dtype=torch.float64) - 1
        for n in case.network.sizes
    ]
    leaves = [u.clone().requires_grad_() for u in start]
    rho = [u.clamp(0, 1) for u in leaves]
    assert any(((u < 0) | (u > 1)).any() for u in start)
    energy = case.network.energy(case.inputs, rho).sum()
    energy = energy + sum((u.square() - r.square()).sum() / 2 for u, r in zip(leaves, rho))  # noqa: B905
    energy = energy + 0.3 * settled.cost(leaves, case.targets).sum()
    forces = torch.autograd.grad(-energy, leaves)
    none = [torch.zeros_like(u) for u in start]
    found = stochastic.langevin(case.clamped, start, none, 0.3, case.targets, step_size=0.1)
    for u, f, new in zip(start, forces, found, strict=True):
        torch.testing.assert_close(new, u + 0.1 * f)


def test_without_noise_the_fixed_point_stays():
    case = draw()
    none = [torch.zeros_like(s) for s in case.free]
    moved = stochastic.langevin(case.clamped, case.free, none, 0.0, case.targets, step_size=0.1)
    for s, m in zip(case.free, moved, strict=True):
        torch.testing.assert_close(s, m)


def test_correlations_are_minus_the_slopes_of_the_energy():
    case = draw()
    for p in case.network.parameters.values():
        p.requires_grad_()
    energy = case.network.energy(case.inputs, case.free).sum()
    slopes = torch.autograd.grad(-energy, case.network.parameters.values())
    wanted = torch.cat([slope.flatten() for slope in slopes])
    torch.testing.assert_close(stochastic.correlations(case.inputs, case.free)[0], wanted)


def test_the_theorem_holds_for_stationary_distributions():
    """(E_b[dE/dtheta] - E_-b[dE/dtheta]) / 2b -> dJ/dtheta; J = E_0[C] = C(s*) + T tr(P A^-1) / 2.

    P picks the outputs.
    """
    case, temperature, beta = draw(), 0.05, 1e-4
    assert settled.active(case.free).all()
    ends = (gaussian_correlations(case, sign * beta, temperature) for sign in (1, -1))
    above, below = ends
    estimate = (below - above) / (2 * beta)  # of -dE/dtheta

    def objective():
        outputs = slice(case.network.sizes[0], None)
        states = Settled.of(case.network, case.inputs, case.targets).free
        variances = torch.linalg.inv(curvature(case, 0.0))[outputs, outputs].trace()
        return settled.cost(states, case.targets).sum() + temperature * variances / 2

    wanted = []
    for p in case.network.parameters.values():
        for i in range(p.numel()):
            old, ends = p.view(-1)[i].item(), []
            for sign in (1, -1):
                p.view(-1)[i] = old + sign * 1e-5
                ends.append(objective())
            p.view(-1)[i] = old
            wanted.append((ends[0] - ends[1]) / 2e-5)
    torch.testing.assert_close(estimate, torch.stack(wanted), rtol=1e-5, atol=1e-7)


def test_chains_sample_the_gaussian_within_their_monte_carlo_error():
    case, temperature = draw(), 0.006
    found, exact = stochastic.stationary_estimates(
        case, beta=BETA, temperatures=[temperature], chains=4000, step_size=STEP, burn_in=100,
        steps=300, generator=torch.Generator().manual_seed(5),
    )  # fmt: skip
    nudged, free = (gaussian_correlations(case, b, temperature, STEP) for b in (BETA, 0.0))
    wanted = (nudged - free) / BETA
    mean, error = found[0].mean(0), found[0].std(0) / 4000**0.5
    moving = error > 1e-12
    z = ((mean - wanted) / error)[moving]
    assert moving.sum() > 10 and z.abs().max() < 5
    assert ((wanted - exact) / error)[moving].abs().max() > 5, "the temperature can be seen"


def test_temperatures_are_kept_apart():
    case = draw()
    found, exact = stochastic.stationary_estimates(
        case, beta=BETA, temperatures=[0.1, 1e-8], chains=30, step_size=STEP, burn_in=10,
        steps=50, generator=torch.Generator().manual_seed(5),
    )  # fmt: skip
    spread = found.std(1).norm(dim=1)
    assert found.shape == (2, 30, len(exact))
    assert spread[0] > 100 * spread[1]
    torch.testing.assert_close(found[1].mean(0), exact, rtol=1e-3, atol=1e-4)
