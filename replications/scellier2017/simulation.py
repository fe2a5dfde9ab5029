"""The theory of Scellier & Bengio 2017 and of its follow-ups in numbers, on small random networks.

One function per claim, from settings to arrays, all in float64 with the hard sigmoid. Shapes: K
values of what is swept (`betas`, `step_sizes`, `feedback_gains`, `temperatures`), T steps, B =
`images` random examples, n layers of weights. Where derivatives are compared, examples in which a
unit reaches or leaves a bound of (0, 1) within the sweep are left out: "kept" is the share of the
others, "inside" that of units strictly inside (0, 1) at the free fixed points. `gains` scale the
initial weights (`settled.random_network`).
"""

import math
from collections.abc import Sequence

import numpy as np
from torch import Generator

from replications.scellier2017 import estimates, gradients, settled, stochastic
from replications.scellier2017 import trajectories as along
from replications.scellier2017.network import Clamped
from replications.scellier2017.rule import contrast
from replications.scellier2017.settled import Settled
from replications.scellier2017.solvers import Alternate, Euler, Phase

Arrays = dict[str, np.ndarray]
Floats = Sequence[float]
Layers = Sequence[int]


def gradient_estimate(
    *, generator: Generator, layers: Sequence[Layers], betas: Floats, images: int, gains: Floats
) -> Arrays:
    """EP's estimate, nudged by beta or by +-beta, against dJ/dtheta by implicit differentiation.

    For each network of h hidden layers "one_sided_h" and "symmetric_h", (K,), relative errors over
    all parameters; "cosine_h" and "norm_ratio_h", (n,), by layer of weights, at the last beta,
    symmetric; "inside_h", "kept_h".
    """
    arrays: Arrays = {"beta": np.array(betas)}
    for sizes in layers:
        whole = Settled.random(layers=sizes, gains=gains, images=images, generator=generator)
        found = estimates.against_implicit_gradient(whole, betas)
        arrays |= {f"{name}_{len(sizes) - 2}": values for name, values in found.items()}
    return arrays


def energy_descent(
    *, generator: Generator, layers: Layers, step_sizes: Floats, beta: float, duration: float,
    images: int, gains: Floats,
) -> Arrays:  # fmt: skip
    """F along Euler's method for `duration` units of time, against dF/dt = -|ds/dt|^2.

    The free phase from rest, the nudged one from the free fixed points: names end in "_free" and
    "_nudged". "error" and "largest_rise", (K,); "energy" and "dissipated", (T + 1,), for the first
    step size: see `trajectories.descent`.
    """
    case = Settled.random(layers=layers, gains=gains, images=images, generator=generator)
    starts = {"free": (case.network.rest(images), 0.0), "nudged": (case.free, beta)}
    arrays: Arrays = {"step_size": np.array(step_sizes)}
    for phase, (start, strength) in starts.items():
        found = [
            along.descent(case, start, strength, step_size=e, steps=round(duration / e))
            for e in step_sizes
        ]
        for name in ("error", "largest_rise"):
            arrays[f"{name}_{phase}"] = np.array([float(one[name]) for one in found])
        for name in ("energy", "dissipated"):
            arrays[f"{name}_{phase}"] = found[0][name].numpy()
    return arrays


def nudged_cost(
    *, generator: Generator, layers: Layers, betas: Floats, difference: float, images: int,
    gains: Floats,
) -> Arrays:  # fmt: skip
    """C at the nudged fixed points over a rising sweep of beta, and dC(s^beta)/dbeta at 0.

    "cost", (K, B); "derivative", (B,), by centred differences of +-`difference`, and "implicit",
    (B,): -dC/ds' H^-1 dC/ds; "smooth", (B,): whether no unit meets a bound within the difference.
    """
    case = Settled.random(layers=layers, gains=gains, images=images, generator=generator)
    ends = [case.nudged(sign * difference) for sign in (1, -1)]
    above, below = (settled.cost(states, case.targets) for states in ends)
    slope = gradients.cost_slope(case.free, case.targets)
    implicit = -(slope * gradients.response(case.network, case.free, slope)).sum(1)
    return {
        "beta": np.array(betas),
        "cost": np.stack([settled.cost(case.nudged(b), case.targets).numpy() for b in betas]),
        "derivative": ((above - below) / (2 * difference)).numpy(),
        "implicit": implicit.numpy(),
        "smooth": settled.unchanged(case.free, ends).numpy(),
    }


def stdp_integral(
    *, generator: Generator, layers: Layers, step_sizes: Floats, beta: float, duration: float,
    synapses: int, images: int, gains: Floats,
) -> Arrays:  # fmt: skip
    """The integral of rho_i drho_j + rho_j drho_i over the nudged phase against the contrast.

    Between layers that move. "left" and "midpoint", (K,): relative errors by either rule. Of the
    first `synapses` onto the outputs, first step size: "curve", (T, synapses), the integral up to
    each time by the left rule; "contrast", (synapses,); "time", (T,).
    """
    case = Settled.random(layers=layers, gains=gains, images=images, generator=generator)
    phases = [case.path(beta, step_size=e, steps=round(duration / e)) for e in step_sizes]
    first = along.stdp_integral(phases[0], "left")[-1].flatten(1)
    contrast = along.inner_contrast(case.inputs, phases[0])[-1].flatten()
    return {
        "step_size": np.array(step_sizes),
        **{
            rule: np.array([along.stdp_error(case.inputs, path, rule) for path in phases])
            for rule in ("left", "midpoint")
        },
        "curve": first[:, :synapses].contiguous().numpy(),
        "contrast": contrast[:synapses].numpy(),
        "time": step_sizes[0] * np.arange(1, len(phases[0])),
    }


def recurrent_backpropagation(
    *, generator: Generator, layers: Layers, betas: Floats, step_size: float, steps: int,
    units: int, images: int, gains: Floats,
) -> Arrays:  # fmt: skip
    """-(1/beta) ds/dt of the nudged phase against recurrent back-propagation's error derivatives.

    "error", (K, T): relative error over units and examples at each step. Of the first `units` of
    each layer, first example, first beta: "activity" and "error_derivative", (T, n units).
    Scellier & Bengio 2019.
    """
    whole = Settled.random(layers=layers, gains=gains, images=images, generator=generator)
    case, paths, arrays = estimates.smooth(whole, betas, step_size=step_size, steps=steps)
    theirs = gradients.error_derivatives(case, step_size=step_size, steps=steps)
    pairs = zip(paths, betas, strict=True)
    ours = [along.activity_derivatives(path, b, step_size) for path, b in pairs]
    errors = [[estimates.relative_error(*p) for p in zip(o, theirs, strict=True)] for o in ours]
    arrays |= {"beta": np.array(betas), "error": np.array(errors)}
    shown = {"activity": ours[0], "error_derivative": theirs}
    for name, values in shown.items():
        layers_of = values[:, 0].split(case.network.sizes, dim=1)
        arrays[name] = np.concatenate([part[:, :units].numpy() for part in layers_of], axis=1)
    return arrays


def backpropagation_through_time(
    *, generator: Generator, layers: Layers, betas: Floats, step_size: float, steps: int,
    synapses: int, images: int, gains: Floats,
) -> Arrays:  # fmt: skip
    """EP's updates at each step of the nudged phase against BPTT's gradients (Ernoult et al. 2019).

    "process_error", (K, n): `trajectories.process_error`, mean over the synapses of each layer.
    Of the `synapses` of W_k with the largest gradients, first beta: "updates_Wk" and
    "gradients_Wk" (their negatives), (T, synapses).
    """
    whole = Settled.random(layers=layers, gains=gains, images=images, generator=generator)
    case, paths, arrays = estimates.smooth(whole, betas, step_size=step_size, steps=steps)
    unrolled = gradients.unrolled_gradients(case, step_size=step_size, steps=steps)
    theirs = {name: -process for name, process in along.processes(unrolled).items()}
    errors = []
    for beta, path in zip(betas, paths, strict=True):
        ours = along.processes(along.updates_by_step(case.inputs, path, beta))
        errors.append([float(along.process_error(ours[n], theirs[n]).mean()) for n in theirs])
        if beta == betas[0]:
            for name, process in theirs.items():
                largest = process.square().sum(0).argsort(descending=True)[:synapses]
                arrays[f"updates_{name}"] = ours[name][:, largest].numpy()
                arrays[f"gradients_{name}"] = process[:, largest].numpy()
    return arrays | {"beta": np.array(betas), "process_error": np.array(errors)}


def feedback_gain(
    *, generator: Generator, layers: Layers, feedback_gains: Floats, images: int, gains: Floats
) -> Arrays:
    """Contrastive Hebbian learning with weak feedback against back-propagation (Xie & Seung 2003).

    "error", "cosine" and "norm_ratio", (K, n), by layer of weights; "kept".
    """
    network = settled.random_network(layers=layers, gains=gains, generator=generator)
    inputs, targets = settled.random_examples(network, images, generator=generator)
    kept = gradients.smooth_without_feedback(network, inputs, targets, feedback_gains)
    inputs, targets = inputs[kept], targets[kept]
    gradient = gradients.feed_forward_gradient(network, inputs, targets)
    found = []
    for feedback in feedback_gains:
        free = gradients.feedback_states(network, inputs, feedback)
        clamped = gradients.feedback_states(network, inputs, feedback, targets)
        update = gradients.contrastive_hebbian(inputs, free, clamped, feedback)
        found.append(estimates.by_layer(update, gradient))
    arrays = {name: np.stack([one[name] for one in found]) for name in found[0]}
    kept_share = kept.double().mean().numpy()
    return arrays | {"feedback_gain": np.array(feedback_gains), "kept": kept_share}


def clamped_limit(
    *, generator: Generator, layers: Layers, betas: Floats, images: int, gains: Floats,
    wild_gain: float,
) -> Arrays:  # fmt: skip
    """The contrast nudged ever harder against contrastive Hebbian learning's, and its objective.

    "limit_error", (K,): relative error over all parameters of beta times the estimate. The
    objective of contrastive Hebbian learning is E with clamped outputs less E at the free fixed
    point, (B,): "objective" where E is convex, "wild_objective" where the gain between layers is
    `wild_gain` and the two phases can end in different modes.
    """
    case = Settled.random(layers=layers, gains=gains, images=images, generator=generator)
    ends = [case.nudged(beta) for beta in (math.inf, *betas)]
    limit, *nudged = (
        estimates.flat(contrast(case.inputs, case.free, states, 1.0)) for states in ends
    )
    wild = Settled.random(
        layers=layers, gains=[gains[0], wild_gain], images=images, generator=generator
    )
    return {
        "beta": np.array(betas),
        "limit_error": np.array([estimates.relative_error(u, limit) for u in nudged]),
        "objective": estimates.contrastive_objective(case, ends[0]).numpy(),
        "wild_objective": estimates.contrastive_objective(wild, wild.nudged(math.inf)).numpy(),
    }


def convergence(
    *, generator: Generator, inputs: int, width: int, outputs: int, depths: Layers,
    step_size: float, tolerance: float, images: int, gains: Floats,
) -> Arrays:  # fmt: skip
    """Iterations of the free phase, from rest until every `settled.residual` is within `tolerance`.

    One iteration updates every layer once, by `solvers.Euler` or by `solvers.Alternate`. "euler"
    and "alternate", (K,) for K depths: mean over the images; "largest_difference", (K,), of a unit
    between both fixed points.
    """
    ways = Euler(step_size=step_size), Alternate()
    found = []
    for depth in depths:
        layers = [inputs, *[width] * depth, outputs]
        network = settled.random_network(layers=layers, gains=gains, generator=generator)
        x, _ = settled.random_examples(network, images, generator=generator)
        phases = [Phase(Clamped(network, x), network.rest(images)) for _ in ways]
        euler, alternate = (
            settled.relax(phase, way, tolerance=tolerance)
            for phase, way in zip(phases, ways, strict=True)
        )
        furthest = float((phases[0].whole - phases[1].whole).abs().max())
        found.append([float(euler.double().mean()), float(alternate.double().mean()), furthest])
    names = ("euler", "alternate", "largest_difference")
    return {"depth": np.array(depths), **dict(zip(names, np.array(found).T.copy(), strict=True))}


def langevin(
    *, generator: Generator, layers: Layers, temperatures: Floats, beta: float, step_size: float,
    burn_in: int, steps: int, chains: int, gains: Floats,
) -> Arrays:  # fmt: skip
    """The estimate from stationary distributions against the deterministic one, as T falls.

    One random example. "difference", (K,): |mean over chains - deterministic| over
    |deterministic|; "standard_error", (K,): that of the mean, over |deterministic| likewise.
    """
    case = Settled.random(layers=layers, gains=gains, images=1, generator=generator)
    found, exact = stochastic.stationary_estimates(
        case, beta=beta, temperatures=temperatures, chains=chains, step_size=step_size,
        burn_in=burn_in, steps=steps, generator=generator,
    )  # fmt: skip
    differences = found.mean(1) - exact
    standard_errors = (found.var(1) / chains).sum(1).sqrt()
    return {
        "temperature": np.array(temperatures),
        "difference": (differences.norm(dim=1) / exact.norm()).numpy(),
        "standard_error": (standard_errors / exact.norm()).numpy(),
    }
