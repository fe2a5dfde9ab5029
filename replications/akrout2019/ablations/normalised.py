"""The weight mirror with the normalisation that the released code was meant to have."""

from __future__ import annotations

import torch
from torch import Tensor

from replications.akrout2019.rule import WeightMirror
from replications.core.learn.noise import random_tensor


class NormalisedWeightMirror(WeightMirror):
    """B_i is scaled after every step, so that it cannot grow without bound.

        B_i <- B_i / (2 s),   s = mean over x of std(x B_i),   x ~ U(0, 1)

    The released code (fcnn/FCNN_WM.py, mirror) computes this and lets it go, as it assigns to a
    name of its loop.
    """

    def mirrored(self, i: int) -> Tensor:
        before = self.feedback(i)  # (n_i, n_{i-1})
        after = before + super().mirrored(i)
        shape = self.settings.noise_batch, len(before)
        noise = random_tensor(torch.rand, shape, self.generator, before)
        spread = (noise @ after).std(dim=1, correction=0).mean()
        return after / (2 * spread) - before
