"""Back-propagation in the league is a plain loop of torch.nn with the same settings."""

from itertools import pairwise

import torch
from torch import nn

from replications.core.declare.papers import suite
from replications.core.run.runs import Run
from replications.core.train.learning_rule import Classification


def plain(task, run):
    """The same network, initial weights, order and optimiser, without a line of the suite's."""
    training = run.experiment.resolved["training"]
    widths, p = task.rule.network.widths, task.rule.network.parameters
    modules = []
    for i, (below, above) in enumerate(pairwise(widths), start=1):
        modules += [nn.Linear(below, above), nn.Tanh()]
        modules[-2].weight.data.copy_(p[f"W{i}"].T)
        modules[-2].bias.data.copy_(p[f"b{i}"])
    model = nn.Sequential(*modules[:-1])
    (adam,) = training["optimiser"].values()
    (rate,) = training["learning_rates"].values()
    optimiser = torch.optim.Adam(
        model.parameters(), lr=rate, eps=adam["floor"]["*"],
        betas=(adam["mean_decay"]["*"], adam["square_decay"]["*"]),
    )  # fmt: skip
    budget = run.experiment.resolved["budget"]
    epochs, examples = budget["epochs"], budget["examples"]
    steps = examples // training["batch"]
    falling = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda k: 1 - k / (steps * epochs))
    order = torch.Generator().manual_seed(run.seed("order"))
    for _ in range(epochs):
        rows = torch.randperm(examples, generator=order)
        for k in range(steps):
            some = rows[k * training["batch"] : (k + 1) * training["batch"]]
            optimiser.zero_grad()
            nn.functional.cross_entropy(model(task.inputs[some]), task.labels[some]).backward()
            optimiser.step()
            falling.step()
    return model


def test_it_ends_where_a_plain_loop_ends(tmp_path):
    """In single precision: outputs to three digits, and the same validation error."""
    experiment = suite().experiment("league", "backpropagation_mnist_2", "smoke")
    run = Run(experiment, "smoke", 0, tmp_path, tmp_path / "data")
    task = Classification(run)
    model = plain(task, run)
    with torch.no_grad():
        for epoch in range(experiment.resolved["budget"]["epochs"]):
            for index in range(task.steps):
                task.step(epoch, index)
        ours, theirs = task.rule.predict(task.validation.inputs), model(task.validation.inputs)
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-3 * float(theirs.abs().max()))
    wrong = (theirs.argmax(1) != task.validation.labels).float().mean() * 100
    assert abs(task.end_epoch(0)[("validation_error", "")] - float(wrong)) < 0.1
