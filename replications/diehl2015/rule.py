"""Unsupervised learning by spike timing (Diehl & Cook 2015), and classes given to its neurons."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from replications.core.learn.learning import Batch, LearningRule, Monitor, Updates
from replications.diehl2015.frozen import spike_counts
from replications.diehl2015.network import DT, DiehlCookNetwork, arrivals
from replications.diehl2015.online import Online
from replications.diehl2015.plasticity import Plasticity

PRESENTATION = {"image", "rest", "rate", "more", "enough", "attempts"}
AT_ONCE = 40_000  # neurons of all copies together, where nothing is learnt: what fits a cache
LONG_AGO = -1e6  # ticks


class UnsupervisedStdp(LearningRule):
    """Images one after another, without labels; then neurons are named after what they answer to.

    An epoch is two sweeps. `updates` learns W and θ from images alone. `label` shows the training
    images again, W and θ frozen, to copies of the network that start at rest, and counts in
    `responses`, (neurons, `classes`), the spikes to images of each class, and in `images`,
    (`classes`,), the images; both are parameters of the rule. A neuron is of the class of its
    largest mean response, of none if it never fired; the score of a class is the mean of its
    neurons' spikes.

    The rule descends no cost, so that there is no gradient to compare it with.
    """

    @dataclass(frozen=True, kw_only=True)
    class Settings(LearningRule.Settings):
        """`presentation`: an image is shown for `image` ms and followed by `rest` ms; a pixel p of
        0 to 1 fires at p · `rate` Hz. If fewer than `enough` excitatory spikes come of it, it is
        shown again at p · `more` Hz more, at most `attempts` times in all (the released code sets
        no bound). `plasticity`: see there. `classes`: how many.

        Raises ValueError for numbers that are missing or unknown, or that are no whole ticks.
        """

        presentation: Mapping[str, float]
        plasticity: Mapping[str, float]
        classes: int

        def __post_init__(self) -> None:
            given = self.presentation
            if set(given) != PRESENTATION:
                raise ValueError(f"presentation: give {', '.join(sorted(PRESENTATION))}, not "
                                 f"{', '.join(given)}")  # fmt: skip
            for name in ("image", "rest"):
                if given[name] % DT or given[name] < DT:
                    raise ValueError(f"presentation.{name} is {given[name]} ms: give a multiple "
                                     f"of {DT} ms")  # fmt: skip

    settings: Settings
    network: DiehlCookNetwork

    def initialise(self, examples: int) -> None:
        network, presentation = self.network, self.settings.presentation
        theta = network.parameters["theta"]
        self.parameters = {
            "responses": theta.new_zeros(network.neurons, self.settings.classes),
            "images": theta.new_zeros(self.settings.classes),
        }
        self.state = {
            "x": torch.full_like(theta, network.rest),
            "g_i": torch.zeros_like(theta),
            "fired": torch.full_like(theta, LONG_AGO),
            "arrived": theta.new_full((network.inputs,), LONG_AGO),
            "labelled": torch.zeros((), dtype=torch.int64),
        }
        self.image = round(presentation["image"] / DT)
        plasticity = Plasticity(self.settings.plasticity)
        self.online = Online(network, plasticity, image=self.image,
                             rest=round(presentation["rest"] / DT), state=self.state)  # fmt: skip

    @property
    def sweeps(self) -> tuple[Callable[..., tuple[Updates, Monitor]], ...]:
        """Learn, then label."""
        return (self.updates, self.label)

    def chance(self, inputs: Tensor, attempt: int) -> Tensor:
        """Probability of a spike in a tick of each pixel; `attempt` counts from 0."""
        shown = self.settings.presentation
        rate = shown["rate"] + attempt * shown["more"]  # Hz
        return (inputs * (rate * DT / 1000)).clamp(max=1)

    def updates(self, batch: Batch) -> tuple[Updates, Monitor]:
        """What W and θ change by as the images of a batch are shown one after the other."""
        self.state["labelled"].zero_()
        before = {name: self.network.parameters[name] for name in ("W", "theta")}
        after = {name: value.clone() for name, value in before.items()}
        self.online.adopt(after["W"], after["theta"])
        shown, spikes, presentations = self.settings.presentation, 0, 0
        for image in batch.inputs:
            for attempt in range(shown["attempts"]):
                chance = self.chance(image, attempt)
                count = self.online.present(*arrivals(chance, self.image, self.generator))
                presentations += 1
                if count >= shown["enough"]:
                    break
            spikes += count
        monitor = {
            "spikes_per_image": torch.tensor(spikes / len(batch.inputs)),
            "presentations": torch.tensor(presentations / len(batch.inputs)),
            "adaptation": after["theta"].mean(),
        }
        return {name: after[name] - before[name] for name in before}, monitor

    def label(self, batch: Batch) -> tuple[Updates, Monitor]:
        """Add a batch to `responses` and `images`; the first one of a sweep starts them anew."""
        counts = self.counts(batch.inputs)
        targets = batch.targets.to(counts)
        updates = {"responses": counts.T @ targets, "images": targets.sum(0)}
        if not self.state["labelled"]:
            for name, update in updates.items():
                update -= self.parameters[name]
        self.state["labelled"] += len(targets)
        return updates, {}

    def counts(self, inputs: Tensor) -> Tensor:
        """Excitatory spikes to each image, (B, neurons), nothing learnt, each from rest.

        Those with too few are shown again, brighter.
        """
        counts = inputs.new_zeros(len(inputs), self.network.neurons)
        left = torch.arange(len(inputs), device=inputs.device)
        shown = self.settings.presentation
        for attempt in range(shown["attempts"]):
            for part in left.split(max(1, AT_ONCE // self.network.neurons)):
                chance = self.chance(inputs[part], attempt)
                spikes = arrivals(chance.flatten(), self.image, self.generator)
                found = spike_counts(self.network, len(part), self.image, *spikes)
                counts[part] = found.to(counts)
            left = left[counts[left].sum(1) < shown["enough"]]
            if not len(left):
                break
        return counts

    def predict(self, inputs: Tensor) -> Tensor:
        """Mean spikes of the neurons of each class, (N, classes); 0 for a class without."""
        responses = self.parameters["responses"] / self.parameters["images"].clamp(min=1)
        largest, named = responses.max(1)
        members = torch.nn.functional.one_hot(named, self.settings.classes).to(responses)
        members *= (largest > 0)[:, None]  # (neurons, classes)
        return self.counts(inputs).to(members) @ members / members.sum(0).clamp(min=1)
