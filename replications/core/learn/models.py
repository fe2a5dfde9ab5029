"""What a generative model is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Generator, Tensor


class GenerativeModel:
    """Computes the updates of its own parameters from images, (B, D), and draws images.

    The keywords besides `generator` (the source of the initial weights), `device` and `dtype` are
    its `Settings`, which a model extends by its own. `parameters` holds what it learns, `buffers`
    what it counts, and what `finish` fits; `like` is an empty tensor of its device and dtype. Every
    method that draws images takes their number and a generator. Raises TypeError for settings that
    are missing or unknown.
    """

    @dataclass(frozen=True, kw_only=True)
    class Settings:
        """No settings: a model adds its own."""

    settings: Settings

    def __init__(
        self,
        *,
        generator: Generator,
        device: torch.device | str,
        dtype: torch.dtype = torch.float32,
        **settings: Any,
    ) -> None:
        self.settings = self.Settings(**settings)
        self.like = torch.empty(0, device=device, dtype=dtype)
        self.parameters: dict[str, Tensor] = {}
        self.buffers: dict[str, Tensor] = {}
        self.initialise(generator)

    def initialise(self, generator: Generator) -> None:
        """Fill `parameters`, by the generator, and `buffers`."""
        raise NotImplementedError

    def updates(
        self, x: Tensor, generator: Generator
    ) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """One tensor per parameter, to add a small multiple of; and the losses, by their names."""
        raise NotImplementedError

    def finish(self, inputs: Tensor) -> None:
        """Fit the buffers to the training images, (n, D), in place, where there is something."""
