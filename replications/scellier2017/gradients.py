"""The gradients that equilibrium propagation is compared with.

Of J(theta) = mean C(s*), the cost at the free fixed point: by implicit differentiation, by
recurrent back-propagation and by back-propagation through time; and of a feed-forward network,
by back-propagation. H = d2E/ds2 = I - W between units strictly inside (0, 1), with W the symmetric
couplings between layers; m is 1 for those units and 0 at the bounds of the clip.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from itertools import accumulate

import torch
from torch import Tensor

from replications.core.learn.learning import Updates
from replications.scellier2017.network import HopfieldNetwork, States
from replications.scellier2017.rule import contrast, correlation_change, through_time
from replications.scellier2017.settled import Settled, active, cost, unchanged


def coupling(network: HopfieldNetwork) -> Tensor:
    """W, (N, N): W_{k+1} above, and its transpose below the diagonal of blocks."""
    starts = [0, *accumulate(network.sizes)]
    matrix = network.weights[0].new_zeros(starts[-1], starts[-1])
    for k, weights in enumerate(network.weights[1:]):
        below, above = slice(*starts[k : k + 2]), slice(*starts[k + 1 : k + 3])
        matrix[below, above] = weights
        matrix[above, below] = weights.T
    return matrix


def cost_slope(states: States, targets: Tensor) -> Tensor:
    """dC/ds of each example, (B, N): y - d at the outputs, 0 elsewhere."""
    errors = [torch.zeros_like(s) for s in states[:-1]]
    return torch.cat([*errors, states[-1] - targets], dim=1)


def response(network: HopfieldNetwork, states: States, source: Tensor) -> Tensor:
    """The solution l, (B, N), of l = m (source + W l): H^-1 source among the units inside.

    With source = dC/ds at the free fixed point this is -ds^beta/dbeta at beta = 0.
    """
    inside = active(states).to(source.dtype)
    identity = torch.eye(source.shape[1], dtype=source.dtype)
    matrices = identity - inside[:, :, None] * coupling(network)  # (B, N, N)
    return torch.linalg.solve(matrices, inside * source)


def implicit_gradient(case: Settled) -> Updates:
    """dJ/dtheta at the free fixed point, by solving the linear system of `response`.

    J depends on theta through s* alone, and ds*/dtheta = -H^-1 d2E/dsdtheta.
    """
    adjoint = response(case.network, case.free, cost_slope(case.free, case.targets))
    changes = (adjoint / len(adjoint)).split(case.network.sizes, dim=1)
    return correlation_change(case.inputs, case.free, changes)


def error_derivatives(case: Settled, *, step_size: float, steps: int) -> Tensor:
    """Recurrent back-propagation (Almeida 1987, Pineda 1987), (steps, B, N).

        e_0 = m dC/ds,     e_{t+1} = m (e_t - epsilon H e_t),

    Euler's method on de/dt = -H e, whose integral is the adjoint: epsilon sum_t e_t = H^-1 dC/ds.
    """
    mask, couplings = active(case.free), coupling(case.network)
    error = mask * cost_slope(case.free, case.targets)
    kept = []
    for _ in range(steps):
        kept.append(error)
        error = mask * (error - step_size * (error - error @ couplings))
    return torch.stack(kept)


def unrolled_gradients(case: Settled, *, step_size: float, steps: int) -> list[Updates]:
    """dL/dtheta_{T-t} for t = 0, 1, ..., by back-propagation through time; L = mean C(s_T).

    The free phase's last `steps` steps from its fixed point, s_{t+1} = clip(dPhi/ds), with the
    primitive function Phi = |s|^2 / 2 - epsilon E, each step with parameters of its own (Ernoult et
    al. 2019).
    """
    path = case.path(0.0, step_size=step_size, steps=steps)
    slope = (path[-1][-1] - case.targets) / len(case.targets)
    return [
        correlation_change(case.inputs, states, changes)
        for states, changes in through_time(case.clamped, path, slope, step_size=step_size)
    ]


def feedback_states(
    network: HopfieldNetwork, inputs: Tensor, gain: float, outputs: Tensor | None = None
) -> States:
    """Fixed point of s_k = clip(s_{k-1} W_k + b_k + gamma s_{k+1} W'_{k+1}, 0, 1) from rest.

    `gain` is the feedback gain gamma; `outputs` clamps the outputs (Xie & Seung 2003). Sweeps up
    the layers until no state moves by more than 1e-15: gamma = 0 takes one, a feed-forward pass.
    """
    states = network.rest(len(inputs))
    if outputs is not None:
        states[-1] = outputs
    moving = True
    while moving:
        before = list(states)
        for k in range(len(states) - (outputs is not None)):
            pressure = network.biases[k] + (states[k - 1] if k else inputs) @ network.weights[k]
            if k + 1 < len(states):
                pressure = pressure + gain * (states[k + 1] @ network.weights[k + 1].T)
            states[k] = pressure.clamp(0, 1)
        moving = any((s - b).abs().max() > 1e-15 for s, b in zip(states, before, strict=True))
    return states


def contrastive_hebbian(inputs: Tensor, free: States, clamped: States, gain: float) -> Updates:
    """gamma^(k-n) (clamped less free correlations) of layer k of n (Xie & Seung 2003)."""
    updates = contrast(inputs, free, clamped, 1.0)
    depth = len(free)
    return {name: u * gain ** (int(name[1:]) - depth) for name, u in updates.items()}


def feed_forward_gradient(network: HopfieldNetwork, inputs: Tensor, targets: Tensor) -> Updates:
    """Back-propagation's gradient of mean |y - d|^2 / 2 in the net without feedback."""
    twin = copy(network)
    twin.parameters = {n: p.clone().requires_grad_() for n, p in network.parameters.items()}
    layer = inputs
    for weights, biases in zip(twin.weights, twin.biases, strict=True):
        layer = (layer @ weights + biases).clamp(0, 1)
    loss = cost([layer], targets).mean()
    return dict(
        zip(twin.parameters, torch.autograd.grad(loss, twin.parameters.values()), strict=True)
    )


def smooth_without_feedback(
    network: HopfieldNetwork, inputs: Tensor, targets: Tensor, gains: Sequence[float]
) -> Tensor:
    """Examples whose hidden units keep to one side of their bounds, (B,), bool.

    Without feedback, and with any of `gains`, free or with clamped outputs; and whose outputs lie
    strictly inside (0, 1), as back-propagation has a factor 0 where contrast has none.
    """
    forward = feedback_states(network, inputs, 0.0)
    free = [feedback_states(network, inputs, g) for g in gains]
    clamped = [feedback_states(network, inputs, g, targets) for g in gains]
    hidden = unchanged(forward[:-1], [states[:-1] for states in clamped])
    return hidden & unchanged(forward, free) & active(forward[-1:]).all(1)
