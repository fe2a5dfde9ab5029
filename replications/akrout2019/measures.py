"""How near learnt feedback is to the weights that it stands for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import Generator, Tensor

from replications.core.base.scores import Score
from replications.core.data.datasets import Images
from replications.core.learn.learning import ErrorFeedback
from replications.core.run.runs import epoch_after
from replications.core.score.estimators.alignment import alignment
from replications.core.score.learning_rule import probed
from replications.core.score.rows import assign


def feedback_angles(
    rule: ErrorFeedback,
    images: Images,
    kept: Mapping[int, Mapping[str, Tensor]],
    generator: Generator,
    *,
    count: int,
    shares: Sequence[float],
) -> tuple[list[Score], dict[str, Tensor]]:
    """Angles in degrees, by epoch: of B_i to W_i', and of the hidden layers' errors to the right.

    The right errors are those that W_i' would bring down from the same layer above, over the first
    `count` validation images. `shares`: those of the training after which the angle of an error
    is a part of its own, too, so that a claim can be about it.
    """
    tensors, last = rule.tensors, max(kept)
    batch, scores = probed(images, count), []
    for epoch, parameters in kept.items():
        assign(tensors, dict(parameters))
        activities = rule.network.activities(batch.inputs)
        _, top = rule.network.top_cost(activities[-1], batch.targets)
        for i, error in rule.layer_errors(activities, top):
            if i == 1:
                continue
            weights = rule.network.parameters[f"W{i}"].T
            ours, right = (
                rule.error_below(i, activities, error, back) for back in (rule.feedback(i), weights)
            )
            angle = alignment(ours, -right)["angle"]
            scores.append(Score("error_angle", angle, f"layer {i - 1}", epoch))
            between = alignment(rule.feedback(i), -weights)["angle"]
            scores.append(Score("weight_angle", between, f"W{i}", epoch))
            scores += [
                Score("error_angle", angle, f"layer {i - 1}, {share:.1%} trained", last)
                for share in shares
                if epoch_after(share, last) == epoch
            ]
    return scores, {}
