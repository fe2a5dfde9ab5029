"""What the suite adds to the matrix products that it cannot do without: `pytest benchmarks`.

Both sides do the same products on the same shapes and one thread, by turns, so that a busy
machine slows both. The ratio of their medians is printed, stored with the benchmark and held
against a limit.
"""

import math
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from textwrap import dedent

import pytest
import torch
from torch.nn.functional import one_hot

from replications.bengio2015.model import DeepGenerativeModel
from replications.core.declare.papers import Suite
from replications.core.learn.learning import Batch
from replications.core.learn.optimisers import SGD
from replications.core.score.estimators.parzen import ROWS, parzen_log_likelihoods
from replications.scellier2017 import rule as scellier2017
from replications.scellier2017.network import HopfieldNetwork

ROOT = Path(__file__).resolve().parents[1]


def hold(benchmark, ours, bare, *, rounds, limit, images=None, ceiling=math.inf):
    """Time `ours` and `bare` by turns; fails if the ratio of their medians is above `limit`.

    Prints the ratio, and the images per second if `ours` is about some `images`. Above `ceiling`
    it fails also where a ratio above the limit is expected.
    """
    bare_seconds = []

    def time_bare():
        started = time.perf_counter()
        bare()
        bare_seconds.append(time.perf_counter() - started)

    ours()
    benchmark.pedantic(ours, setup=time_bare, rounds=rounds, warmup_rounds=1)
    if benchmark.disabled:
        return
    ratio = benchmark.stats.stats.median / median(bare_seconds[1:])
    benchmark.extra_info |= {"ratio": ratio, "limit": limit, "bare": median(bare_seconds[1:])}
    print(f"\n{benchmark.name}: {ratio:.2f} times what it is compared with (limit {limit:.2f})")
    if images:
        print(f"{images / benchmark.stats.stats.median:,.0f} images per second")
    if ratio > ceiling:
        pytest.fail(
            f"{ratio:.2f}, above the {ceiling} that is allowed where the limit is not reached"
        )
    assert ratio <= limit


def relaxing(name="mnist_1h", *, size=None, layers=None, **changes):
    """A network and rule of Scellier & Bengio 2017 as the paper tier declares them, and a batch.

    Without a tolerance, so that the number of sweeps is known; a step is `updates` and the
    optimiser's.
    """
    resolved = Suite().experiment("scellier2017", name, "paper").resolved
    settings = resolved["settings"] | {"tolerance": 0} | changes
    (arguments,) = resolved["network"].values()
    size = size or resolved["training"]["batch"]
    generator = torch.Generator().manual_seed(0)
    arguments = arguments | ({"layers": layers} if layers else {})
    network = HopfieldNetwork(**arguments, generator=generator)
    kind = getattr(scellier2017, resolved["learning_rule"].title().replace("_", ""))
    rule = kind(network=network, examples=1000, generator=generator, **settings)
    optimiser = SGD(network.parameters, dict.fromkeys(network.parameters, 0.01), momentum=0)
    labels = torch.arange(size) % 10
    inputs = torch.rand(size, 784, generator=generator)
    batch = Batch(inputs, labels, one_hot(labels, 10).float(), slice(40, 40 + size))

    def step():
        updates, _ = rule.updates(batch)
        optimiser.step(updates, 1.0)

    return network, rule, batch, step


def bare_products(network, batch, sweeps):
    """The products of `sweeps` sweeps, of the clamped input and of the updates; nothing else."""
    size, n = len(batch.inputs), len(network.sizes)
    weights = [w.clone() for w in network.weights]
    feedback = [w.T.contiguous() for w in weights]
    states = [torch.rand(size, width) for width in network.sizes]
    into = [torch.empty_like(s) for s in states]
    changes = [torch.empty_like(w) for w in weights]

    def products():
        torch.mm(batch.inputs, weights[0], out=into[0])
        for _ in range(sweeps):
            for k in range(n):
                if k > 0:
                    torch.mm(states[k - 1], weights[k], out=into[k])
                if k < n - 1:
                    torch.mm(states[k + 1], feedback[k + 1], out=into[k])
        torch.mm(batch.inputs.T, states[0], out=changes[0])
        for k in range(1, n):
            torch.mm(states[k - 1].T, states[k], out=changes[k])
            torch.mm(states[k - 1].T, states[k], out=changes[k])

    return products


SMALL = pytest.mark.xfail(
    strict=False,
    raises=AssertionError,
    reason="at 20 images and 10 outputs a call of PyTorch costs as much as its product, and a "
    "sweep needs four calls where its products are two",
)
FEW_SWEEPS = pytest.mark.xfail(
    strict=False,
    raises=AssertionError,
    reason="1.4 to 1.7 measured: what a batch costs beside its sweeps weighs more",
)
# What is expected above the limit has a ceiling: the most that was ever measured, with room.
STEPS = [
    pytest.param("mnist_1h", {}, 300, 3.5, id="1 hidden layer, Euler", marks=SMALL),
    pytest.param("mnist_1h", {"solver": {"alternate": {}}, "beta": 0.5}, 300, 3.5,
                 id="1 hidden layer, alternating", marks=SMALL),
    pytest.param("mnist_2h", {}, 20, math.inf, id="2 hidden layers, Euler"),
    pytest.param("mnist_2h_alternating", {"free_steps": 25}, 60, 2.1,
                 id="2 hidden layers, alternating", marks=FEW_SWEEPS),
    pytest.param("mnist_3h", {}, 4, math.inf, id="3 hidden layers, Euler"),
    pytest.param("mnist_3h_alternating", {"free_steps": 25}, 40, 2.1,
                 id="3 hidden layers, alternating", marks=FEW_SWEEPS),
    pytest.param("mnist_1h_1024", {}, 100, 3.5, id="1024 units, alternating", marks=SMALL),
]  # fmt: skip


@pytest.mark.parametrize(("name", "changes", "rounds", "ceiling"), STEPS)
def test_training_step(benchmark, name, changes, rounds, ceiling):
    """A training step as declared against its bare products; with the images per second."""
    network, rule, batch, step = relaxing(name, **changes)
    phases = 2 if rule.settings.nudging == "symmetric" else 1
    sweeps = rule.settings.free_steps + phases * rule.settings.second_steps
    bare, images = bare_products(network, batch, sweeps), len(batch.inputs)
    hold(benchmark, step, bare, rounds=rounds, limit=1.4, images=images, ceiling=ceiling)


def automatic(network, batch, states, beta):
    """A step of all layers by the gradient of the energy (as in code of Laborieux et al. 2021)."""
    with torch.enable_grad():
        leaves = [s.requires_grad_() for s in states]
        energy = network.energy(batch.inputs, [s.clamp(0, 1) for s in leaves]).sum()
        total = energy + beta / 2 * (leaves[-1] - batch.targets).square().sum()
        forces = torch.autograd.grad(total, leaves)
    pairs = zip(leaves, forces, strict=True)
    return [(s.detach() - 0.5 * f).clamp(0, 1) for s, f in pairs]


def explicit(network, batch, states, beta):
    """A step of all layers by written-out forces (as in the code of Ernoult et al. 2019)."""
    layers, moved = [batch.inputs, *states], []
    for k, s in enumerate(states, start=1):
        force = layers[k - 1] @ network.weights[k - 1] + network.biases[k - 1] - s
        if k < len(states):
            force = force + layers[k + 1] @ network.weights[k].T
        elif beta:
            force = force + beta * (batch.targets - s)
        moved.append((s + 0.5 * force).clamp(0, 1))
    return moved


@pytest.mark.parametrize(("advance", "limit"), [(automatic, 1 / 6), (explicit, 1 / 2)])
def test_against_the_way_of_public_implementations(benchmark, advance, limit):
    """A training step of 784-500-10, T = 20 and K = 4, against the dynamics as others write them.

    Every step anew with the product of the clamped input, and with new tensors. Particles start
    inside their bounds, so that the derivative of the clip does not hold them.
    """
    network, rule, batch, step = relaxing()
    start = [torch.rand(20, width) for width in network.sizes]

    def public():
        states = start
        for _ in range(rule.settings.free_steps):
            states = advance(network, batch, states, 0.0)
        nudged = states
        for _ in range(rule.settings.second_steps):
            nudged = advance(network, batch, nudged, 1.0)
        updates = scellier2017.contrast(batch.inputs, states, nudged, 1.0)
        for name, update in updates.items():
            network.parameters[name].add_(update, alpha=0.01)

    hold(benchmark, step, public, rounds=100, limit=limit)


RULES = {"mnist_1h_symmetric": 1.6, "mnist_1h_contrastive_hebbian": 1.3,
         "mnist_1h_recurrent_backpropagation": 2.5, "mnist_1h_through_time": 5}  # fmt: skip


@pytest.mark.parametrize("name", RULES)
def test_cost_of_the_other_rules(benchmark, name):
    """A training step of another rule against equilibrium propagation's, on the same network."""
    hold(benchmark, relaxing(name)[3], relaxing()[3], rounds=200, limit=RULES[name])


GROWTH = [  # what changes, of 784-500-500-10 with 20 images and T = 20; and the most it may cost
    pytest.param({"free_steps": 40}, 2.1, id="twice the free steps"),
    pytest.param({"layers": [784, 500, 500, 500, 10]}, 2.4, id="a third hidden layer"),
    pytest.param({"layers": [784, 1000, 1000, 10]}, 4.5, id="twice the width"),
    pytest.param({"size": 80}, 4.0, id="four times the batch"),
]


@pytest.mark.parametrize(("changes", "limit"), GROWTH)
def test_growth_of_a_training_step(benchmark, changes, limit):
    """How the cost of a step grows with what it depends on."""
    base = relaxing("mnist_2h", free_steps=20)[3]
    grown = relaxing("mnist_2h", **{"free_steps": 20} | changes)[3]
    hold(benchmark, grown, base, rounds=30, limit=limit)


def test_inference_of_the_deep_generative_model(benchmark):
    """Algorithm 2's INFERENCE of 784-1000-100 on 100 images, N = 15."""
    experiment = Suite().experiment("bengio2015", "deep_generative_model", "paper")
    settings = experiment.resolved["settings"]
    assert (settings["layers"], settings["iterations"]) == ([784, 1000, 100], 15)
    generator = torch.Generator().manual_seed(0)
    model = DeepGenerativeModel(**settings, generator=generator, device="cpu")
    x = torch.rand(100, 784, generator=generator)

    weights = {n: model.parameters[f"{n}.weight"].T.clone() for n in ("f1", "f2", "g1", "g2")}
    h1, h2 = (torch.rand(100, size, generator=generator) for size in (1000, 100))
    to_x, to_h1, to_h2 = torch.empty_like(x), torch.empty_like(h1), torch.empty_like(h2)

    def bare():
        torch.mm(x, weights["f1"], out=to_h1)
        torch.mm(h1, weights["f2"], out=to_h2)
        torch.mm(h2, weights["g2"], out=to_h1)
        for _ in range(15):
            torch.mm(h1, weights["f2"], out=to_h2)
            torch.mm(h1, weights["f2"], out=to_h2)
            torch.mm(h2, weights["g2"], out=to_h1)
            torch.mm(h1, weights["g1"], out=to_x)
            torch.mm(x, weights["f1"], out=to_h1)

    hold(benchmark, lambda: model.infer(x, alpha=0.001), bare, rounds=20, limit=1.6)


IMAGES = 10_000


def test_parzen_log_likelihoods(benchmark):
    """10,000 images against 10,000 samples of 784 pixels, at one width."""
    generator = torch.Generator().manual_seed(0)
    images, samples = (torch.rand(IMAGES, 784, generator=generator) for _ in range(2))
    product = torch.empty(ROWS, IMAGES)

    def bare():
        for x in images.split(ROWS):
            torch.mm(x, samples.T, out=product)

    hold(
        benchmark, lambda: parzen_log_likelihoods(images, samples, [0.2]), bare, rounds=3, limit=1.4
    )


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_parzen_memory():
    """Beside its arguments, 10,000 images against 10,000 samples take at most 1.5 GB."""
    code = f"""
        import re, torch
        from replications.core.score.estimators.parzen import parzen_log_likelihoods

        def peak():  # of this process alone: resource's ru_maxrss starts at its parent's
            return int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1])

        torch.set_num_threads(1)
        images, samples = (torch.rand({IMAGES}, 784) for _ in range(2))
        parzen_log_likelihoods(images[:10], samples[:10], [0.2])  # loads what is loaded once
        before = peak()
        parzen_log_likelihoods(images, samples, [0.1, 0.2, 0.3])
        print(peak() - before)
        """
    done = subprocess.run(
        [sys.executable, "-c", dedent(code)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    extra = int(done.stdout) * 1024
    print(f"\nparzen: {extra / 1e6:.0f} MB beside its arguments (limit 1500)")
    assert 0 < extra <= 1.5e9
