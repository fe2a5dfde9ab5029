"""Optimisers against their printed recurrences and against torch; rates by pattern."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from replications.core.learn import optimisers
from replications.core.learn.optimisers import (
    SGD,
    Adam,
    CentredRMSprop,
    DecayedSGD,
    Optimiser,
    ProjectedSGD,
    RMSprop,
    SignedSGD,
    by_pattern,
    schedule_of,
)

FIXED = settings(derandomize=True, deadline=None, max_examples=40)
STEPS = 7
RATES = {"W1": 0.1, "b1": 0.03}
SCALES = [1.0, 0.9, 0.5, 0.5, 2.0, 0.1, 1.0]  # of the rates, step by step


def parameters():
    generator = torch.Generator().manual_seed(5)
    shapes = {"W1": (4, 3), "b1": (3,)}
    return {n: torch.randn(s, generator=generator, dtype=torch.float64) for n, s in shapes.items()}


def updates():
    """What a rule would say, step by step: of changing sign and size."""
    rng = np.random.default_rng(6)
    return [{n: torch.from_numpy(rng.normal(0.2, 1, p.shape)) for n, p in parameters().items()}
            for _ in range(STEPS)]  # fmt: skip


@pytest.mark.parametrize("momentum", [0, 0.5, 0.9])
def test_sgd_is_the_printed_recurrence(momentum):
    live = parameters()
    optimiser = SGD(live, RATES, momentum=momentum)
    assert set(optimiser.state) == ({f"velocity.{n}" for n in live} if momentum else set())
    expected = {n: p.numpy().copy() for n, p in live.items()}
    v = {n: np.zeros_like(p) for n, p in expected.items()}
    for update, scale in zip(updates(), SCALES, strict=True):
        given_to_it = {n: u.clone() for n, u in update.items()}
        optimiser.step(given_to_it, scale)
        for name, p in expected.items():
            v[name] = momentum * v[name] + update[name].numpy()
            p += scale * RATES[name] * v[name]
            np.testing.assert_allclose(live[name].numpy(), p, rtol=1e-11)
            assert torch.equal(given_to_it[name], update[name])  # the updates are not written to


@pytest.mark.parametrize("momentum", [0, 0.9])
def test_sgd_is_torchs(momentum):
    live = parameters()
    optimiser = SGD(live, RATES, momentum=momentum)
    theirs = {n: p.clone().requires_grad_() for n, p in parameters().items()}
    groups = [{"params": [theirs[n]], "lr": RATES[n]} for n in theirs]
    reference = torch.optim.SGD(groups, momentum=momentum)
    for update, scale in zip(updates(), SCALES, strict=True):
        optimiser.step(update, scale)
        for group, (name, p) in zip(reference.param_groups, theirs.items(), strict=True):
            p.grad, group["lr"] = -update[name], scale * RATES[name]
        reference.step()
        for name, p in theirs.items():
            torch.testing.assert_close(live[name], p.detach(), rtol=1e-11, atol=1e-13)


@FIXED
@given(st.floats(0, 1))
def test_rates_are_constant_or_fall_linearly_to_zero(done):
    assert schedule_of("constant")(done) == 1
    assert schedule_of("linear")(done) == pytest.approx(1 - done)
    assert (schedule_of("linear")(0), schedule_of("linear")(1)) == (1, 0)


def test_stepped_rates_fall_by_a_factor_where_a_share_is_done():
    scale = schedule_of({"stepped": {"factor": 0.1, "at": [0.5, 0.75]}})
    assert [scale(done) for done in (0, 0.49, 0.5, 0.74)] == pytest.approx([1, 1, 0.1, 0.1])
    assert [scale(done) for done in (0.75, 0.99)] == pytest.approx([0.01, 0.01])


@pytest.mark.parametrize("declared, message", [
    ("cosine", "training.schedule: 'cosine' is none of constant, linear, stepped"),
    ({"stepped": {"factor": 0.1}}, "training.schedule.stepped: takes at, factor, not factor"),
])  # fmt: skip
def test_another_schedule_is_refused_with_those_that_are_known(declared, message):
    with pytest.raises(ValueError, match=message):
        schedule_of(declared)


def adam(mean_decay, square_decay, floor):
    """Adam's options, the same for all parameters."""
    options = {"mean_decay": mean_decay, "square_decay": square_decay, "floor": floor}
    return {name: {"*": value} for name, value in options.items()}


TORCHS = {
    "decayed": (
        lambda p, r: DecayedSGD(p, r, momentum=0.9, decay=0.05),
        lambda g: torch.optim.SGD(g, momentum=0.9, weight_decay=0.05),
    ),
    "rmsprop": (
        lambda p, r: RMSprop(p, r, decay=0.99, floor=1e-3),
        lambda g: torch.optim.RMSprop(g, alpha=0.99, eps=1e-3),
    ),
    "adam": (
        lambda p, r: Adam(p, r, **adam(0.9, 0.95, 1e-3)),
        lambda g: torch.optim.Adam(g, betas=(0.9, 0.95), eps=1e-3),
    ),
}


@pytest.mark.parametrize("name", TORCHS)
def test_an_optimiser_is_torchs_own_of_that_name(name):
    ours, theirs = TORCHS[name]
    live = parameters()
    optimiser = ours(live, RATES)
    twins = {n: p.clone().requires_grad_() for n, p in parameters().items()}
    reference = theirs([{"params": [twins[n]], "lr": RATES[n]} for n in twins])
    # torch's momentum is of the update, the rate stands outside, as here.
    for update, scale in zip(updates(), SCALES, strict=True):
        given_to_it = {n: u.clone() for n, u in update.items()}
        optimiser.step(given_to_it, scale)
        for group, (n, twin) in zip(reference.param_groups, twins.items(), strict=True):
            group["lr"] = scale * RATES[n]
            twin.grad = -update[n]
        reference.step()
        for n, twin in twins.items():
            torch.testing.assert_close(live[n], twin.detach(), rtol=1e-11, atol=1e-13)
            assert torch.equal(given_to_it[n], update[n])


def test_signed_sgd_is_decayed_sgd_of_the_signs():
    """Whatever the sizes of the updates; where an update is zero the parameter decays alone."""
    options = {"momentum": 0.9, "decay": 0.05}
    live, twins = parameters(), parameters()
    ours, theirs = SignedSGD(live, RATES, **options), DecayedSGD(twins, RATES, **options)
    for k, update in enumerate(updates()):
        update["W1"][0] = 0
        signs = {n: (u > 0).double() - (u < 0).double() for n, u in update.items()}
        ours.step({n: 10.0**k * u for n, u in update.items()}, 1.0)
        theirs.step(signs, 1.0)
        for n, p in live.items():
            assert torch.equal(p, twins[n])


def test_adam_counts_the_updates_of_each_parameter():
    """A parameter that a sweep leaves out is as far as its own updates brought it."""
    live, alone = parameters(), parameters()
    both = Adam(live, RATES, **adam(0.9, 0.99, 1e-8))
    one = Adam({"b1": alone["b1"]}, RATES, **adam(0.9, 0.99, 1e-8))
    for k, update in enumerate(updates()):
        both.step(update if k % 2 else {"W1": update["W1"]}, 1.0)
        if k % 2:
            one.step({"b1": update["b1"]}, 1.0)
    torch.testing.assert_close(live["b1"], alone["b1"])


def test_adam_has_decays_and_floors_by_pattern():
    """A parameter goes as under an Adam that has its own alone."""
    live = parameters()
    options = {"mean_decay": {"W*": 0.9, "b*": 0.5}, "square_decay": {"W*": 0.99, "b*": 0.8},
               "floor": {"W*": 1e-8, "b*": 1e-2}}  # fmt: skip
    both = Adam(live, RATES, **options)
    alone = {name: {name: p} for name, p in parameters().items()}
    own = {name: Adam(p, RATES, **{k: {"*": v[f"{name[0]}*"]} for k, v in options.items()})
           for name, p in alone.items()}  # fmt: skip
    for update in updates():
        both.step(update, 1.0)
        for name, optimiser in own.items():
            optimiser.step({name: update[name]}, 1.0)
    for name, p in live.items():
        assert torch.equal(p, alone[name][name])


@FIXED
@given(
    decay=st.floats(0, 0.999),
    momentum=st.floats(0, 0.99),
    floor=st.sampled_from([1e-4, 1e-3, 0.1, 3.0]),
)
def test_centred_rmsprop_is_the_printed_recurrence(decay, momentum, floor):
    live = parameters()
    optimiser = CentredRMSprop(live, RATES, decay=decay, momentum=momentum, floor=floor)
    expected = {n: p.numpy().copy() for n, p in live.items()}
    m, n, v = ({k: np.zeros_like(p) for k, p in expected.items()} for _ in range(3))
    for update, scale in zip(updates(), SCALES, strict=True):
        given_to_it = {k: u.clone() for k, u in update.items()}
        optimiser.step(given_to_it, scale)
        for k, p in expected.items():
            u = update[k].numpy()
            m[k] = decay * m[k] + (1 - decay) * u
            n[k] = decay * n[k] + (1 - decay) * u**2
            v[k] = momentum * v[k] + scale * RATES[k] * u / np.sqrt(n[k] - m[k] ** 2 + floor)
            p += v[k]
            # n - m^2 cancels, and p is a sum: a p near 0 keeps the rounding of its terms (about 10)
            np.testing.assert_allclose(live[k].numpy(), p, rtol=1e-9, atol=1e-10)
            assert torch.equal(given_to_it[k], update[k])  # the updates are not written to


def test_centred_rmsprop_is_torchs_where_the_floor_is_negligible():
    live = parameters()
    optimiser = CentredRMSprop(live, RATES, decay=0.9, momentum=0.7, floor=1e-18)
    theirs = {n: p.clone().requires_grad_() for n, p in parameters().items()}
    groups = [{"params": [theirs[n]], "lr": 0.5 * RATES[n]} for n in theirs]
    reference = torch.optim.RMSprop(groups, alpha=0.9, eps=1e-12, momentum=0.7, centered=True)
    for update in updates():  # at one scale: torch's momentum does not remember past rates
        optimiser.step(update, 0.5)
        for name, p in theirs.items():
            p.grad = -update[name]  # torch descends gradients, a rule says where to go
        reference.step()
        for name, p in theirs.items():
            torch.testing.assert_close(live[name], p.detach(), rtol=1e-9, atol=1e-9)


def test_the_floor_stands_inside_the_root():
    live = {"w": torch.zeros(1, dtype=torch.float64)}
    optimiser = CentredRMSprop(live, {"w": 1.0}, decay=1.0, momentum=0.0, floor=0.04)
    optimiser.step({"w": torch.tensor([3.0], dtype=torch.float64)}, 1.0)
    assert float(live["w"]) == pytest.approx(3 / 0.2)


KINDS = [
    (CentredRMSprop, {"decay": 0.9, "momentum": 0.7, "floor": 0.001}),
    (SGD, {"momentum": 0.7}),
    (SGD, {"momentum": 0}),
    (DecayedSGD, {"momentum": 0.7, "decay": 0.1}),
    (SignedSGD, {"momentum": 0.7, "decay": 0.1}),
    (ProjectedSGD, {"momentum": 0.7, "at_least_0": ["W*"]}),
    (RMSprop, {"decay": 0.9, "floor": 0.001}),
    (Adam, adam(0.9, 0.99, 0.001)),
]


def test_every_optimiser_is_tested():
    own = [v for v in vars(optimisers).values() if isinstance(v, type)]
    found = {v for v in own if v.__module__ == optimisers.__name__}
    assert found == {kind for kind, _ in KINDS} | {Optimiser}


@pytest.mark.parametrize(("kind", "options"), KINDS)
def test_only_the_named_parameters_move_and_in_place(kind, options):
    live = parameters()
    tensors, before = dict(live), {n: p.clone() for n, p in live.items()}
    optimiser = kind(live, RATES, **options)
    state = {n: t.clone() for n, t in optimiser.state.items()}
    optimiser.step({"b1": torch.ones(3, dtype=torch.float64)}, 1.0)
    assert all(live[n] is tensors[n] for n in live)
    assert torch.equal(live["W1"], before["W1"]) and (live["b1"] > before["b1"]).all()
    for key, tensor in optimiser.state.items():
        assert torch.equal(tensor, state[key]) == key.endswith("W1")


@pytest.mark.parametrize(("kind", "options"), KINDS)
def test_state_holds_all_that_the_next_step_reads(kind, options):
    """A second optimiser with the first one's tensors goes on as the first."""
    live = parameters()
    one = kind(live, RATES, **options)
    for update in updates()[:4]:
        one.step(update, 1.0)
    copied = {n: p.clone() for n, p in live.items()}
    two = kind(copied, RATES, **options)
    assert set(two.state) == set(one.state)
    for key, tensor in two.state.items():
        assert tensor.count_nonzero() == 0
        tensor.copy_(one.state[key])
    for update in updates()[4:]:
        one.step(update, 0.5)
        two.step(update, 0.5)
    assert all(torch.equal(live[n], copied[n]) for n in live)


NAMES = {name: torch.zeros(1) for name in ("W1", "b1", "W2", "b2", "V2", "c2")}


def test_rates_by_pattern():
    rates = by_pattern(NAMES, {"[Wb]1": 0.1, "[Wb]2": 0.05, "[Vc]*": 0.5}, "here")
    assert rates == {"W1": 0.1, "b1": 0.1, "W2": 0.05, "b2": 0.05, "V2": 0.5, "c2": 0.5}
    assert by_pattern(NAMES, {"*": 0.2}, "here") == dict.fromkeys(NAMES, 0.2)


def test_rates_are_told_apart_by_case():
    assert by_pattern({"B": NAMES["b1"], "b": NAMES["b1"]}, {"B": 1.0, "b": 2.0}, "here") == {
        "B": 1,
        "b": 2,
    }


def test_a_parameter_without_a_pattern_is_named():
    said = r"^here: parameter V2 .*exactly one.*has none of \['\[Wb\]\*'\]"
    with pytest.raises(ValueError, match=said):
        by_pattern(NAMES, {"[Wb]*": 0.1}, "here")


def test_a_parameter_with_two_patterns_is_named_with_both():
    with pytest.raises(ValueError, match=r"parameter b1 .*has \['\*', 'b1'\]"):
        by_pattern(NAMES, {"*": 0.1, "b1": 0.1}, "here")


def test_a_pattern_without_a_parameter_is_named():
    with pytest.raises(ValueError, match=r"\['W3', 'b3'\] match none of \['W1'"):
        by_pattern(NAMES, {"*": 0.1, "b3": 1.0, "W3": 1.0}, "here")


@FIXED
@given(
    st.lists(st.sampled_from(list(NAMES)), min_size=1, unique=True),
    st.lists(st.sampled_from(["*", "W*", "?1", "[Wb]2", "V2", "c?"]), unique=True),
)
def test_rates_exist_exactly_if_every_parameter_has_one_pattern_and_no_pattern_is_idle(
    names, patterns
):
    covers = {
        "*": set(NAMES), "W*": {"W1", "W2"}, "?1": {"W1", "b1"}, "[Wb]2": {"W2", "b2"},
        "V2": {"V2"}, "c?": {"c2"},
    }  # fmt: skip
    given_rates = {pattern: 1.0 + i for i, pattern in enumerate(patterns)}
    matching = {name: [p for p in patterns if name in covers[p]] for name in names}
    idle = [p for p in patterns if not covers[p] & set(names)]
    try:
        rates = by_pattern({name: NAMES[name] for name in names}, given_rates, "here")
    except ValueError:
        assert idle or any(len(found) != 1 for found in matching.values())
    else:
        assert not idle
        assert rates == {name: given_rates[found[0]] for name, found in matching.items()}
        assert all(len(found) == 1 for found in matching.values())


@pytest.mark.parametrize("momentum", [0, 0.9])
def test_projected_sgd_is_sgd_and_then_nothing_below_zero(momentum):
    live = parameters()
    optimiser = ProjectedSGD(live, RATES, momentum=momentum, at_least_0=["W*"])
    expected = {n: p.numpy().copy() for n, p in live.items()}
    v = {n: np.zeros_like(p) for n, p in expected.items()}
    for update, scale in zip(updates(), SCALES, strict=True):
        optimiser.step(update, scale)
        for name, p in expected.items():
            v[name] = momentum * v[name] + update[name].numpy()
            p += scale * RATES[name] * v[name]
        np.maximum(expected["W1"], 0, out=expected["W1"])
    for name, p in expected.items():
        np.testing.assert_allclose(live[name].numpy(), p, rtol=1e-11)
    assert (live["W1"] == 0).any() and (live["b1"] < 0).any()


def test_a_pattern_of_projected_sgd_that_matches_nothing_is_named():
    with pytest.raises(ValueError, match=r"at_least_0: \['V\*'\] match none of \['W1', 'b1'\]"):
        ProjectedSGD(parameters(), RATES, momentum=0, at_least_0=["W*", "V*"])
