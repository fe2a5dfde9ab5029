"""The deep generative model of "Towards Biologically Plausible Deep Learning".

Bengio, Lee, Bornschein, Mesnard and Lin, arXiv 1502.04156v3, Sec. 4, Sec. 8, Algorithms 1 and 2.

Layers x = h0 (pixels), h1, ..., hL, joined by a map up and a map down for each hidden layer:

    h_l = f_l(h_{l-1})      h_{l-1} = g_l(h_l)      each an affine map and a nonlinearity:

softplus in the hidden layers below the top, sigmoid at the top; the paper has two, of 1000 and 100.

With target propagation no gradient crosses a layer: inference moves the states by differences,
then each map regresses on its own local target, so every update is written out in closed form.

What the paper leaves unsaid (g1's nonlinearity, the noise, the initial weights, the optimiser) is
an argument here or a setting of the training loop; ``paper.yaml`` has the values and the reasons.
Shapes are written for B images and layers [784, 1000, 100].
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Generator, Tensor
from torch.nn.functional import softplus

from replications.core.learn.models import GenerativeModel
from replications.core.learn.noise import random_tensor

INFERENCES, OUTPUTS = ("target propagation", "gradient"), ("sigmoid", "linear")
BATCH = 1000  # images at a time outside training: bounds memory, changes no equation
SQUASH = {"softplus": softplus, "sigmoid": torch.sigmoid, "linear": lambda a: a}
# The derivative of each nonlinearity by its input, from its output.
SLOPES = {
    "softplus": lambda output: -torch.expm1(-output),
    "sigmoid": lambda output: output * (1 - output),
    "linear": torch.ones_like,
}


class DeepGenerativeModel(GenerativeModel):
    """Stacked auto-encoders, read as a directed generative model p(x|h1) p(h1|h2) ... p(hL)."""

    @dataclass(frozen=True, kw_only=True)
    class Settings(GenerativeModel.Settings):
        """layers: widths of x, h1, ..., hL, e.g. [784, 1000, 100] (Sec. 8).
        inference: what moves the states: "target propagation" (Algorithm 2, Eq. 12) or "gradient",
            the true gradient of each log p(h_{l-1} | h_l) by h_l in its place (Algorithm 1).
        iterations, delta, alpha: N, the step and the downward pull of INFERENCE (Algorithm 2).
        generate_alpha, generate_rounds: downward pull and decodings of GENERATE (Algorithm 2).
        variance_factor: multiplies the variances of the inferred hL to make its prior (Sec. 8: 4).
        hidden_noise, input_noise: standard deviations of the noise on softplus layers and x
            (unsaid).
        bernoulli_draws: how many Bernoulli(hL) draws are averaged to corrupt hL (Sec. 8: 3); 0:
            none.
        output: nonlinearity of g1, "sigmoid" or "linear" (unsaid).
        clip_top: whether inference keeps the top layer within [0, 1] (unsaid).
        initial_gain, initial_bias: one number for each map, "f1", "g1", "f2", ... (unsaid): weights
            start as gain * N(0, 1 / inputs), biases as the constant.

        Raises ValueError for another inference or output.
        """

        layers: Sequence[int]
        inference: str
        iterations: int
        delta: float
        alpha: float
        generate_alpha: float
        generate_rounds: int
        variance_factor: float
        hidden_noise: float
        input_noise: float
        bernoulli_draws: int
        output: str
        clip_top: bool
        initial_gain: Mapping[str, float]
        initial_bias: Mapping[str, float]

        def __post_init__(self) -> None:
            for name, known in (("inference", INFERENCES), ("output", OUTPUTS)):
                if getattr(self, name) not in known:
                    raise ValueError(
                        f"settings.{name} is {getattr(self, name)!r}: choose {', '.join(known)}"
                    )

    settings: Settings

    def initialise(self, generator: Generator) -> None:
        layers, given = self.settings.layers, self.settings
        by_difference = given.inference == "target propagation"
        self.pull_up = self.difference if by_difference else self.gradient
        self.top = len(layers) - 1  # L
        self.kinds = [given.output, *["softplus"] * (self.top - 1), "sigmoid"]  # by layer
        self.latents = layers[-1]
        for level in range(1, self.top + 1):
            for name, source, target in (("g", level, level - 1), ("f", level - 1, level)):
                inputs, outputs = layers[source], layers[target]
                key = f"{name}{level}"
                weight = random_tensor(torch.randn, (outputs, inputs), generator, self.like)
                self.parameters[f"{key}.weight"] = weight * (given.initial_gain[key] / inputs**0.5)
                bias = torch.full_like(weight[:, 0], given.initial_bias[key])
                self.parameters[f"{key}.bias"] = bias
        zeros = self.like.new_zeros(self.latents)  # (100,)
        self.buffers = {"prior.mean": zeros, "prior.variance": torch.ones_like(zeros)}

    def up(self, level: int, below: Tensor) -> Tensor:
        """f_level: layer ``level`` from the one below it; f1: (B, 784) -> (B, 1000)."""
        return self._map(f"f{level}", self.kinds[level], below)

    def down(self, level: int, state: Tensor) -> Tensor:
        """g_level: the layer below ``level`` from it; g1: (B, 1000) -> (B, 784)."""
        return self._map(f"g{level}", self.kinds[level - 1], state)

    def difference(self, level: int, states: Sequence[Tensor], up: Tensor, down: Tensor) -> Tensor:
        """f_l(h_{l-1}) - f_l(g_l(h_l)), which is sigma_h^2 times Eq. 12's estimate of `gradient`.

        up is f_l(h_{l-1}), (B, 1000) for level 1; down is g_l(h_l), (B, 784); returns (B, 1000).
        """
        return up - self.up(level, down)

    def gradient(self, level: int, states: Sequence[Tensor], up: Tensor, down: Tensor) -> Tensor:
        """d/dh_l of log p(h_{l-1} | h_l) = -1/2 ||h_{l-1} - g_l(h_l)||^2; as in `difference`."""
        error = (states[level - 1] - down) * SLOPES[self.kinds[level - 1]](down)
        return error @ self.parameters[f"g{level}.weight"]

    def encode(self, x: Tensor) -> list[Tensor]:
        """[x, h1, ..., hL], each layer fed forward from the one below it."""
        states = [x]
        for level in range(1, self.top + 1):
            states.append(self.up(level, states[-1]))
        return states

    def trace(
        self, x: Tensor, *, alpha: float, iterations: int | None = None
    ) -> Iterator[list[Tensor]]:
        """Algorithm 2, INFERENCE, state by state: the feed-forward start, then each iteration.

        Yields [x, h1, ..., hL], of shapes (B, 784), (B, 1000), (B, 100); no tensor changes later.
        """
        states = self.encode(x)
        up = states[1]  # x does not move, so f1(x) is computed once
        yield states
        for _ in range(self.settings.iterations if iterations is None else iterations):
            states = self.settle(states, up, alpha)
            yield states

    def settle(self, states: Sequence[Tensor], up: Tensor, alpha: float) -> list[Tensor]:
        """One iteration of INFERENCE from [x, h1, ..., hL]: the layers' new values, the top first.

            h_l += delta (f_l(h_{l-1}) - f_l(g_l(h_l))) + alpha (g_{l+1}(h_{l+1}) - h_l)

        up is f1(x), (B, 1000).
        """
        states, above = list(states), None
        for level in range(self.top, 0, -1):
            state, down = states[level], self.down(level, states[level])
            up_here = up if level == 1 else self.up(level, states[level - 1])
            step = self.pull_up(level, states, up_here, down)
            states[level] = state.add(step, alpha=self.settings.delta)
            if above is not None:
                states[level].add_(above - state, alpha=alpha)
            elif self.settings.clip_top:
                states[level].clamp_(0, 1)
            if level > 1:
                above = self.down(level, states[level])  # g of the new value: what pulls on l - 1
        return states

    def infer(self, x: Tensor, *, alpha: float, iterations: int | None = None) -> list[Tensor]:
        """Algorithm 2, INFERENCE(x, N, delta, alpha): [x, h1, ..., hL] after the last iteration."""
        *_, states = self.trace(x, alpha=alpha, iterations=iterations)
        return states

    @torch.no_grad()
    def updates(
        self, x: Tensor, generator: Generator
    ) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Algorithm 2, TRAIN: infer h, then regress every map on its target from a noisy input.

        With h~ the corrupted states, the two losses of every layer are the batch means of

            1/2 ||g_l(h~_l) - h_{l-1}||^2      1/2 ||f_l(h~_{l-1}) - h_l||^2

        with states and targets held fixed. Returns -dloss/dparameter for each parameter, not
        applied (the paper's "+" is read as descent), and the losses, one scalar for each map.
        """
        states = self.infer(x, alpha=self.settings.alpha)  # (B, 784), (B, 1000), (B, 100)
        noisy = self.corrupt(states, generator)
        updates, losses = {}, {}
        for level in range(1, self.top + 1):
            for key, source, target in (
                (f"g{level}", noisy[level], level - 1),
                (f"f{level}", noisy[level - 1], level),
            ):
                kind = self.kinds[target]
                output = self._map(key, kind, source)  # (B, outputs)
                error = states[target] - output
                losses[key] = 0.5 * error.square().sum(1).mean()
                error.mul_(SLOPES[kind](output)).div_(len(x))  # now of the pre-activations
                updates[f"{key}.weight"] = error.T @ source  # (outputs, inputs)
                updates[f"{key}.bias"] = error.sum(0)  # (outputs,)
        return updates, losses

    def corrupt(self, states: Sequence[Tensor], generator: Generator) -> list[Tensor]:
        """[x~, h1~, ..., hL~]: Gaussian noise, and averaged Bernoulli draws at the top."""
        *lower, top = states
        scales = [self.settings.input_noise] + [self.settings.hidden_noise] * (self.top - 1)
        noisy = [
            state + scale * random_tensor(torch.randn, state.shape, generator, self.like)
            for state, scale in zip(lower, scales, strict=True)
        ]
        if self.settings.bernoulli_draws == 0:
            return [*noisy, top]
        uniform = random_tensor(
            torch.rand, (self.settings.bernoulli_draws, *top.shape), generator, self.like
        )
        return [*noisy, (uniform < top).to(top.dtype).mean(0)]  # (3, B, 100) -> (B, 100)

    @torch.no_grad()
    def log_joint(self, states: Sequence[Tensor]) -> Tensor:
        """log p(x, h) of each image, (B,), in nats with constants dropped: what Fig. 4 plots.

            -1/2 sum_l ||h_{l-1} - g_l(h_l)||^2 - 1/2 sum_k (h_Lk - mean_k)^2 / var_k

        Unit variances for the conditionals, the fitted Gaussian for p(hL) (Sec. 8). Dropped:
        log(2 pi) / 2 for every unit of every layer, log(var_k) / 2 for every unit of hL.
        """
        total = -2 * self.log_prior(states[-1])
        for level in range(1, self.top + 1):
            total = total + (states[level - 1] - self.down(level, states[level])).square().sum(1)
        return -0.5 * total

    @torch.no_grad()
    def log_prior(self, top: Tensor) -> Tensor:
        """log p(hL) of (B, 100) states, (B,), in nats: the last term of `log_joint`.

        Units of zero variance, which inference left at a bound for every training image, are left
        out: a constant has no density.
        """
        mean, variance = self.buffers["prior.mean"], self.buffers["prior.variance"]
        terms = (top - mean).square() / variance
        return -0.5 * terms.masked_fill(variance == 0, 0).sum(1)

    @torch.no_grad()
    def finish(self, inputs: Tensor) -> None:
        """p(hL): mean and ``variance_factor`` * variance of hL over (n, 784) images (Sec. 8)."""
        tops = torch.cat(
            [self.infer(x, alpha=self.settings.alpha)[-1] for x in inputs.split(BATCH)]
        )
        variance, mean = torch.var_mean(tops, dim=0, correction=0)  # (n, 100) -> (100,), (100,)
        self.buffers["prior.mean"].copy_(mean)
        self.buffers["prior.variance"].copy_(self.settings.variance_factor * variance)

    def decode(self, z: Tensor) -> Tensor:
        """Images (B, 784) from standard normal draws (B, 100): hL = mean + sd z, then down."""
        state = self.buffers["prior.mean"] + self.buffers["prior.variance"].sqrt() * z
        for level in range(self.top, 0, -1):
            state = self.down(level, state)
        return state

    def refine(self, x: Tensor) -> Tensor:
        """One round of GENERATE: x = g1(h1) of the h1 that is inferred from x; (B, 784)."""
        return self.down(1, self.infer(x, alpha=self.settings.generate_alpha)[1])

    def decoder(self, sampler: str) -> Callable[[Tensor], Tensor]:
        """What `ancestral` or `generate` makes of standard normal draws (B, 100)."""
        rounds = {"ancestral": 0, "generate": self.settings.generate_rounds}[sampler]

        def decoded(z: Tensor) -> Tensor:
            x = self.decode(z)
            for _ in range(rounds):  # Algorithm 2: 3 times
                x = self.refine(x)
            return x

        return decoded

    @torch.no_grad()
    def ancestral(self, count: int, generator: Generator) -> Tensor:
        """Directed sampling (Sec. 4): hL ~ p(hL), then down through the g; (count, 784)."""
        z = random_tensor(torch.randn, (count, self.latents), generator, self.like)
        return torch.cat([self.decode(part) for part in z.split(BATCH)])

    @torch.no_grad()
    def generate(self, count: int, generator: Generator) -> Tensor:
        """Algorithm 2, GENERATE: `ancestral`'s images, inferred and decoded again; (count, 784)."""
        z = random_tensor(torch.randn, (count, self.latents), generator, self.like)
        return torch.cat([self.decoder("generate")(part) for part in z.split(BATCH)])

    def _map(self, name: str, kind: str, inputs: Tensor) -> Tensor:
        weight, bias = self.parameters[f"{name}.weight"], self.parameters[f"{name}.bias"]
        return SQUASH[kind](torch.addmm(bias, inputs, weight.T))
