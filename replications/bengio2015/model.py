"""The deep generative model of "Towards Biologically Plausible Deep Learning".

Bengio, Lee, Bornschein, Mesnard and Lin, arXiv 1502.04156v3, Sec. 4, Sec. 8 and Algorithm 2.

Three layers, x (pixels), h1 (softplus) and h2 (sigmoid), joined by two maps f up and two maps g down:

    h1 = f1(x) = softplus(x F1' + b)        x  = g1(h1) = sigmoid(h1 G1' + b)
    h2 = f2(h1) = sigmoid(h1 F2' + b)       h1 = g2(h2) = softplus(h2 G2' + b)

No gradient crosses a layer: inference moves the states by target-propagation differences, then each map regresses
on its own local target, so every update below is written out in closed form.

What the paper leaves unsaid (g1's nonlinearity, the noise, the initial weights, the optimiser) is an argument
here or a setting of the training loop; the values and how they were chosen are in ``paper.yaml``.
Shapes are written for B images and layers [784, 1000, 100].
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

import torch
from torch import Generator, Tensor
from torch.nn.functional import softplus

BATCH = 1000  # images at a time when sampling and when fitting the prior: bounds memory, changes no equation

MAPS = {"g1": (1, 0), "f1": (0, 1), "g2": (2, 1), "f2": (1, 2)}  # map: (layer it reads, layer it writes)


class DeepGenerativeModel:
    """Two stacked auto-encoders, read as a directed generative model p(x|h1) p(h1|h2) p(h2).

    layers : widths of x, h1 and h2, e.g. ``[784, 1000, 100]`` (Sec. 8).
    iterations, delta, alpha : N, the step and the downward pull of INFERENCE while training (Algorithm 2).
    generate_alpha, generate_rounds : the downward pull and the number of decodings in GENERATE (Algorithm 2).
    variance_factor : what the variances of the inferred h2 are multiplied by to make p(h2) (Sec. 8: 4).
    hidden_noise, input_noise : standard deviations of the Gaussian corruption of h1 and of x (unsaid).
    bernoulli_draws : how many Bernoulli(h2) draws are averaged to corrupt h2 (Sec. 8: 3).
    initial_gain, initial_bias : one value for each of "f1", "f2", "g1", "g2" (unsaid). Weights start as
        gain * N(0, 1 / inputs), biases as the constant.
    generator : source of the initial weights. A generator may live on another device than the model: its draws
        are moved, so that a CPU generator gives the same numbers on every device.
    """

    def __init__(
        self,
        *,
        layers: Sequence[int],
        iterations: int,
        delta: float,
        alpha: float,
        generate_alpha: float,
        generate_rounds: int,
        variance_factor: float,
        hidden_noise: float,
        input_noise: float,
        bernoulli_draws: int,
        initial_gain: Mapping[str, float],
        initial_bias: Mapping[str, float],
        generator: Generator,
        device: torch.device | str,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        if len(layers) != 3:
            raise ValueError(f"the model has three layers, x, h1 and h2; got layers={list(layers)}")
        self.layers, self.device, self.dtype = tuple(layers), torch.device(device), dtype
        self.iterations, self.delta, self.alpha = iterations, delta, alpha
        self.generate_alpha, self.generate_rounds = generate_alpha, generate_rounds
        self.variance_factor, self.bernoulli_draws = variance_factor, bernoulli_draws
        self.hidden_noise, self.input_noise = hidden_noise, input_noise

        self.parameters: dict[str, Tensor] = {}
        for name, (source, target) in MAPS.items():
            inputs, outputs = self.layers[source], self.layers[target]
            weight = self._draw(torch.randn, (outputs, inputs), generator) * (initial_gain[name] / inputs**0.5)
            self.parameters[f"{name}.weight"] = weight  # (outputs, inputs)
            self.parameters[f"{name}.bias"] = torch.full_like(weight[:, 0], initial_bias[name])  # (outputs,)
        top = torch.zeros(self.layers[2], device=self.device, dtype=dtype)
        self.buffers: dict[str, Tensor] = {"prior.mean": top, "prior.variance": torch.ones_like(top)}  # (100,)

    def f1(self, x: Tensor) -> Tensor:
        return softplus(self._affine("f1", x))  # (B, 784) -> (B, 1000)

    def f2(self, h1: Tensor) -> Tensor:
        return self._affine("f2", h1).sigmoid_()  # (B, 1000) -> (B, 100)

    def g2(self, h2: Tensor) -> Tensor:
        return softplus(self._affine("g2", h2))  # (B, 100) -> (B, 1000)

    def g1(self, h1: Tensor) -> Tensor:
        return self._affine("g1", h1).sigmoid_()  # (B, 1000) -> (B, 784)

    @torch.no_grad()
    def trace(self, x: Tensor, *, alpha: float, iterations: int | None = None) -> Iterator[tuple[Tensor, Tensor]]:
        """Algorithm 2, INFERENCE, one state at a time: the feed-forward start, then one per iteration.

        The pair (h1, h2) of shapes (B, 1000) and (B, 100) is updated in place: copy what you want to keep.
        """
        up = self.f1(x)  # (B, 1000); x does not move, so this is computed once
        h1 = up.clone()
        h2 = self.f2(h1)  # (B, 100)
        down = self.g2(h2)  # (B, 1000), always g2 of the current h2
        yield h1, h2
        for _ in range(self.iterations if iterations is None else iterations):
            # h2 += delta (f2(h1) - f2(g2(h2))), h2 first
            h2.add_(self.f2(h1).sub_(self.f2(down)), alpha=self.delta)
            down = self.g2(h2)
            pressure = self.f1(self.g1(h1)).sub_(up)  # f1(g1(h1)) - f1(x)
            # h1 += delta (f1(x) - f1(g1(h1))) + alpha (g2(h2) - h1)
            h1.lerp_(down, alpha).sub_(pressure, alpha=self.delta)
            yield h1, h2

    def infer(self, x: Tensor, *, alpha: float, iterations: int | None = None) -> tuple[Tensor, Tensor]:
        """Algorithm 2, INFERENCE(x, N, delta, alpha): the states (h1, h2) after the last iteration."""
        for h1, h2 in self.trace(x, alpha=alpha, iterations=iterations):
            pass
        return h1, h2

    @torch.no_grad()
    def updates(self, x: Tensor, generator: Generator) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Algorithm 2, TRAIN: infer h, then let every map regress on its local target from a corrupted input.

        With h~ the corrupted states, the four losses are the batch means of

            1/2 ||g1(h1~) - x||^2,  1/2 ||f1(x~) - h1||^2,  1/2 ||g2(h2~) - h1||^2,  1/2 ||f2(h1~) - h2||^2

        with states and targets held fixed. Returns -dloss/dparameter for each parameter, not applied (the "+"
        that the paper prints is read as descent), and the losses, one scalar for each map.
        """
        h1, h2 = self.infer(x, alpha=self.alpha)  # (B, 1000), (B, 100)
        noisy_x = x + self.input_noise * self._draw(torch.randn, x.shape, generator)
        noisy_h1 = h1 + self.hidden_noise * self._draw(torch.randn, h1.shape, generator)
        draws = self._draw(torch.rand, (self.bernoulli_draws, *h2.shape), generator) < h2  # (3, B, 100), P(true) = h2
        noisy_h2 = draws.to(self.dtype).mean(0)  # (B, 100)

        updates: dict[str, Tensor] = {}
        losses: dict[str, Tensor] = {}
        regressions = {"g1": (noisy_h1, x), "f1": (noisy_x, h1), "g2": (noisy_h2, h1), "f2": (noisy_h1, h2)}
        for name, (source, target) in regressions.items():
            output = getattr(self, name)(source)  # (B, outputs)
            error = target - output
            losses[name] = 0.5 * error.square().sum(1).mean()
            error.mul_(self._slope(name, output)).div_(len(x))  # (B, outputs), now of the pre-activations
            updates[f"{name}.weight"] = error.T @ source  # (outputs, inputs)
            updates[f"{name}.bias"] = error.sum(0)  # (outputs,)
        return updates, losses

    @torch.no_grad()
    def log_joint(self, x: Tensor, h1: Tensor, h2: Tensor) -> Tensor:
        """log p(x, h) of each image with constants dropped, (B,), in nats: what Fig. 4 plots.

            log p(x|h1) + log p(h1|h2) + log p(h2) =
                -1/2 ||x - g1(h1)||^2 - 1/2 ||h1 - g2(h2)||^2 - 1/2 sum_k (h2_k - mean_k)^2 / variance_k

        Unit variances for the two conditionals and the fitted diagonal Gaussian for p(h2) (Sec. 8). Dropped:
        log(2 pi) / 2 for every unit of the three layers, and log(variance_k) / 2 for every unit of h2.
        """
        mean, variance = self.buffers["prior.mean"], self.buffers["prior.variance"]
        squares = (x - self.g1(h1)).square_().sum(1) + (h1 - self.g2(h2)).square_().sum(1)
        return -0.5 * (squares + (h2 - mean).square_().div_(variance).sum(1))

    @torch.no_grad()
    def fit_prior(self, inputs: Tensor) -> None:
        """Set p(h2) to the mean and ``variance_factor`` * variance of h2 inferred from (n, 784) images (Sec. 8)."""
        h2 = torch.cat([self.infer(batch, alpha=self.alpha)[1] for batch in inputs.split(BATCH)])  # (n, 100)
        variance, mean = torch.var_mean(h2, dim=0, correction=0)  # (100,), (100,)
        self.buffers["prior.mean"], self.buffers["prior.variance"] = mean, self.variance_factor * variance

    @torch.no_grad()
    def ancestral(self, count: int, generator: Generator) -> Tensor:
        """Directed sampling (Sec. 4): h2 ~ p(h2), h1 = g2(h2), x = g1(h1). Returns (count, 784) means in [0, 1]."""
        deviation = self.buffers["prior.variance"].sqrt()
        noise = self._draw(torch.randn, (count, self.layers[2]), generator)
        h2 = self.buffers["prior.mean"] + deviation * noise  # (count, 100)
        return torch.cat([self.g1(self.g2(batch)) for batch in h2.split(BATCH)])

    @torch.no_grad()
    def generate(self, count: int, generator: Generator) -> Tensor:
        """Algorithm 2, GENERATE: an ancestral sample, re-inferred with a strong prior and decoded a few times.

        For one seed it starts from exactly the images that :meth:`ancestral` draws.
        """
        return torch.cat([self._refine(x) for x in self.ancestral(count, generator).split(BATCH)])

    def _refine(self, x: Tensor) -> Tensor:
        for _ in range(self.generate_rounds):  # Algorithm 2: 3 times
            h1, _ = self.infer(x, alpha=self.generate_alpha)
            x = self.g1(h1)  # (B, 784)
        return x

    def _affine(self, name: str, inputs: Tensor) -> Tensor:
        return torch.addmm(self.parameters[f"{name}.bias"], inputs, self.parameters[f"{name}.weight"].T)

    @staticmethod
    def _slope(name: str, output: Tensor) -> Tensor:
        """A nonlinearity's slope from its output: softplus' = 1 - exp(-softplus), sigmoid' = s (1 - s)."""
        return -torch.expm1(-output) if name in ("f1", "g2") else output * (1 - output)

    def _draw(self, distribution: Callable[..., Tensor], shape: Sequence[int], generator: Generator) -> Tensor:
        return distribution(shape, generator=generator, device=generator.device, dtype=self.dtype).to(self.device)
