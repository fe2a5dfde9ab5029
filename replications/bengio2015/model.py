"""The deep generative model of "Towards Biologically Plausible Deep Learning".

Bengio, Lee, Bornschein, Mesnard and Lin, arXiv 1502.04156v3, Sec. 4, Sec. 8 and Algorithm 2.

Three layers, x (pixels), h1 (softplus) and h2 (sigmoid), joined by two maps up and two maps down:

    h1 = f1(x) = softplus(x F1' + b)        x  = g1(h1) = sigmoid(h1 G1' + b)
    h2 = f2(h1) = sigmoid(h1 F2' + b)       h1 = g2(h2) = softplus(h2 G2' + b)

No gradient crosses a layer: inference moves the states by target-propagation differences, then
each map regresses on its own local target, so every update is written out in closed form.

What the paper leaves unsaid (g1's nonlinearity, the noise, the initial weights, the optimiser) is
an argument here or a setting of the training loop; ``paper.yaml`` has the values and the reasons.
Shapes are written for B images and layers [784, 1000, 100].
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

import torch
from torch import Generator, Tensor
from torch.nn.functional import softplus

BATCH = 1000  # images at a time outside training: bounds memory, changes no equation
MAPS = {"g1": (1, 0), "f1": (0, 1), "g2": (2, 1), "f2": (1, 2)}  # layer read, layer written


class DeepGenerativeModel:
    """Two stacked auto-encoders, read as a directed generative model p(x|h1) p(h1|h2) p(h2).

    layers : widths of x, h1 and h2, e.g. ``[784, 1000, 100]`` (Sec. 8).
    iterations, delta, alpha : N, the step and the downward pull of INFERENCE (Algorithm 2).
    generate_alpha, generate_rounds : downward pull and decodings of GENERATE (Algorithm 2).
    variance_factor : multiplies the variances of the inferred h2 to make p(h2) (Sec. 8: 4).
    hidden_noise, input_noise : standard deviations of the corruption of h1 and of x (unsaid).
    bernoulli_draws : how many Bernoulli(h2) draws are averaged to corrupt h2 (Sec. 8: 3).
    initial_gain, initial_bias : one number for each of "f1", "f2", "g1", "g2" (unsaid): weights
        start as gain * N(0, 1 / inputs), biases as the constant.
    generator : source of the initial weights. A generator may live on another device than the
        model: its draws are moved, so a CPU generator gives the same numbers on every device.
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
            raise ValueError(f"the model has three layers, x, h1 and h2; got {list(layers)}")
        self.layers, self.device, self.dtype = tuple(layers), torch.device(device), dtype
        self.iterations, self.delta, self.alpha = iterations, delta, alpha
        self.generate_alpha, self.generate_rounds = generate_alpha, generate_rounds
        self.variance_factor, self.bernoulli_draws = variance_factor, bernoulli_draws
        self.hidden_noise, self.input_noise = hidden_noise, input_noise

        self.parameters: dict[str, Tensor] = {}
        for name, (source, target) in MAPS.items():
            inputs, outputs = self.layers[source], self.layers[target]
            weight = self._draw(torch.randn, (outputs, inputs), generator)
            self.parameters[f"{name}.weight"] = weight * (initial_gain[name] / inputs**0.5)
            self.parameters[f"{name}.bias"] = torch.full_like(weight[:, 0], initial_bias[name])
        zeros = torch.zeros(self.layers[2], device=self.device, dtype=dtype)  # (100,)
        self.buffers = {"prior.mean": zeros, "prior.variance": torch.ones_like(zeros)}

    def f1(self, x: Tensor) -> Tensor:
        return softplus(self._affine("f1", x))  # (B, 784) -> (B, 1000)

    def f2(self, h1: Tensor) -> Tensor:
        return self._affine("f2", h1).sigmoid_()  # (B, 1000) -> (B, 100)

    def g2(self, h2: Tensor) -> Tensor:
        return softplus(self._affine("g2", h2))  # (B, 100) -> (B, 1000)

    def g1(self, h1: Tensor) -> Tensor:
        return self._affine("g1", h1).sigmoid_()  # (B, 1000) -> (B, 784)

    @torch.no_grad()
    def trace(
        self, x: Tensor, *, alpha: float, iterations: int | None = None
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """Algorithm 2, INFERENCE, state by state: the feed-forward start, then each iteration.

        The pair (h1, h2), of shapes (B, 1000) and (B, 100), changes in place: copy it to keep it.
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
            # h1 += delta (f1(x) - f1(g1(h1))) + alpha (g2(h2) - h1)
            pressure = self.f1(self.g1(h1)).sub_(up)  # (B, 1000), f1(g1(h1)) - f1(x)
            h1.lerp_(down, alpha).sub_(pressure, alpha=self.delta)
            yield h1, h2

    def infer(
        self, x: Tensor, *, alpha: float, iterations: int | None = None
    ) -> tuple[Tensor, Tensor]:
        """Algorithm 2, INFERENCE(x, N, delta, alpha): (h1, h2) after the last iteration."""
        *_, states = self.trace(x, alpha=alpha, iterations=iterations)
        return states

    @torch.no_grad()
    def updates(
        self, x: Tensor, generator: Generator
    ) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Algorithm 2, TRAIN: infer h, then regress every map on its target from a noisy input.

        With h~ the corrupted states, the four losses are the batch means of

            1/2 ||g1(h1~) - x||^2      1/2 ||f1(x~) - h1||^2
            1/2 ||g2(h2~) - h1||^2     1/2 ||f2(h1~) - h2||^2

        with states and targets held fixed. Returns -dloss/dparameter for each parameter, not
        applied (the paper's "+" is read as descent), and the losses, one scalar for each map.
        """
        h1, h2 = self.infer(x, alpha=self.alpha)  # (B, 1000), (B, 100)
        noisy_x = x + self.input_noise * self._draw(torch.randn, x.shape, generator)
        noisy_h1 = h1 + self.hidden_noise * self._draw(torch.randn, h1.shape, generator)
        uniform = self._draw(torch.rand, (self.bernoulli_draws, *h2.shape), generator)
        noisy_h2 = (uniform < h2).to(self.dtype).mean(0)  # (3, B, 100) -> (B, 100)

        regressions = [("g1", noisy_h1, x), ("f1", noisy_x, h1)]
        regressions += [("g2", noisy_h2, h1), ("f2", noisy_h1, h2)]
        updates, losses = {}, {}
        for name, source, target in regressions:
            output = getattr(self, name)(source)  # (B, outputs)
            error = target - output
            losses[name] = 0.5 * error.square().sum(1).mean()
            error.mul_(self._slope(name, output)).div_(len(x))  # now of the pre-activations
            updates[f"{name}.weight"] = error.T @ source  # (outputs, inputs)
            updates[f"{name}.bias"] = error.sum(0)  # (outputs,)
        return updates, losses

    @torch.no_grad()
    def log_joint(self, x: Tensor, h1: Tensor, h2: Tensor) -> Tensor:
        """log p(x, h) of each image, (B,), in nats with constants dropped: what Fig. 4 plots.

            -1/2 ||x - g1(h1)||^2 - 1/2 ||h1 - g2(h2)||^2 - 1/2 sum_k (h2_k - mean_k)^2 / var_k

        Unit variances for the conditionals, the fitted Gaussian for p(h2) (Sec. 8). Dropped:
        log(2 pi) / 2 for every unit of the three layers, log(var_k) / 2 for every unit of h2.
        """
        mean, variance = self.buffers["prior.mean"], self.buffers["prior.variance"]
        conditionals = (x - self.g1(h1)).square().sum(1) + (h1 - self.g2(h2)).square().sum(1)
        return -0.5 * (conditionals + ((h2 - mean).square() / variance).sum(1))

    @torch.no_grad()
    def fit_prior(self, inputs: Tensor) -> None:
        """p(h2): mean and ``variance_factor`` * variance of h2 over (n, 784) images (Sec. 8)."""
        h2 = torch.cat([self.infer(x, alpha=self.alpha)[1] for x in inputs.split(BATCH)])
        variance, mean = torch.var_mean(h2, dim=0, correction=0)  # (n, 100) -> (100,), (100,)
        self.buffers["prior.mean"].copy_(mean)
        self.buffers["prior.variance"].copy_(self.variance_factor * variance)

    @torch.no_grad()
    def ancestral(self, count: int, generator: Generator) -> Tensor:
        """Directed sampling (Sec. 4): h2 ~ p(h2), h1 = g2(h2), x = g1(h1); (count, 784)."""
        noise = self._draw(torch.randn, (count, self.layers[2]), generator)
        h2 = self.buffers["prior.mean"] + self.buffers["prior.variance"].sqrt() * noise
        return torch.cat([self.g1(self.g2(part)) for part in h2.split(BATCH)])

    @torch.no_grad()
    def generate(self, count: int, generator: Generator) -> Tensor:
        """Algorithm 2, GENERATE: `ancestral`'s images, inferred and decoded again; (count, 784)."""
        return torch.cat([self._refine(x) for x in self.ancestral(count, generator).split(BATCH)])

    def _refine(self, x: Tensor) -> Tensor:
        for _ in range(self.generate_rounds):  # Algorithm 2: 3 times
            h1, _ = self.infer(x, alpha=self.generate_alpha)
            x = self.g1(h1)  # (B, 784)
        return x

    def _affine(self, name: str, inputs: Tensor) -> Tensor:
        weight, bias = self.parameters[f"{name}.weight"], self.parameters[f"{name}.bias"]
        return torch.addmm(bias, inputs, weight.T)

    def _slope(self, name: str, output: Tensor) -> Tensor:
        """From a map's output: softplus' = 1 - exp(-softplus), sigmoid' = s (1 - s)."""
        return -torch.expm1(-output) if name in ("f1", "g2") else output * (1 - output)

    def _draw(self, law: Callable[..., Tensor], shape: Sequence[int], source: Generator) -> Tensor:
        draws = law(shape, generator=source, device=source.device, dtype=self.dtype)
        return draws.to(self.device)
