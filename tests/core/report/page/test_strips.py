"""Dots and whiskers: where they stand, and that what is green is what the rule calls reproduced."""

from urllib.parse import unquote
from xml.etree import ElementTree

import numpy as np
import pytest

from replications.core.declare.metrics import Metric
from replications.core.report.compare import nearest_value, predicate_verdict, value_verdict
from replications.core.report.page.strips import EDGE, SIZE, Scale, scale_of, strip, told, zones
from tests.core.report.page.made import predicate, seen, value

METRICS = {side: Metric("m", "%", side, "") for side in (True, False, None)}
SVG = "{http://www.w3.org/2000/svg}"


def test_one_unit_is_the_tolerance_on_either_side_of_the_papers_value():
    scale = scale_of(value(tolerance=5, mean=236), seen(215.0), seen(), "nats")
    assert [scale.at(v) for v in (236, 241, 231, 215)] == [0, 1, -1, pytest.approx(-4.2)]
    assert scale.told == "one unit is the tolerance, 5 nats"


def test_a_range_is_a_box_beyond_which_tolerances_count():
    scale = scale_of(value(tolerance=0.1, low=2, high=3), seen(2.5), seen(), "%")
    at = [scale.at(v) for v in (2, 2.5, 3, 3.1, 1.8)]
    assert at == pytest.approx([-0.5, 0, 0.5, 1.5, -2.5])
    places = [scale.at(v) for v in np.linspace(0, 5, 101)]
    assert places == sorted(places)


@pytest.mark.parametrize("stored", [(0.2, 0.3), (-40.0, -45.0), (0.0,), ()])
@pytest.mark.parametrize("claim", [predicate(0.1), value(tolerance=0, low=0, high=0.1)])
def test_without_a_tolerance_every_stored_run_and_the_zero_of_a_predicate_fit(claim, stored):
    scale = scale_of(claim, seen(*stored), seen(1e6), "mV")
    shown = [*(stored or (1e6,)), *([0.0] if "compares" in claim.declared else [])]
    assert all(abs(scale.at(v)) < EDGE for v in shown)
    assert "scaled to fit" in scale.told and "mV" in scale.told


@pytest.mark.parametrize("declared", [{"mean": 3.0}, {"low": 2.0, "high": 3.0},
                                      {"mean": 3.0, "better": "neither"}])  # fmt: skip
@pytest.mark.parametrize("higher", [True, False, None])
def test_the_dark_zone_is_reproduced_and_the_light_one_partial(declared, higher):
    claim, metric = value(tolerance=0.25, **declared), METRICS[higher]
    scale = scale_of(claim, seen(3.0), seen(), "%")
    light, dark = zones(claim, metric, scale)
    for ours in np.linspace(1.81, 4.19, 80):  # no value at an end of a zone
        verdict = value_verdict(claim, metric, ours - nearest_value(claim, ours), 3, 1.0)
        place = scale.within(ours)
        zone = [name for name, (low, high, _) in (("reproduced", dark), ("partial", light))
                if low <= place <= high]  # fmt: skip
        assert verdict == [*zone, "not reproduced"][0], ours
    assert dark[2] > light[2]


def test_the_zone_of_a_predicate_lies_above_its_margin():
    claim = predicate(margin=0.3)
    scale = scale_of(claim, seen(0.5, 0.6), seen(), "")
    ((low, high, _),) = zones(claim, METRICS[True], scale)
    for ours in (-0.2, 0.0, 0.2, 0.4, 0.9):
        above = predicate_verdict(np.array([ours - 0.3] * 3), 1.0) != "not reproduced"
        assert (low < scale.within(ours) <= high) == above


def drawn(claim, stored, yours):
    scale = scale_of(claim, stored, yours, "%")
    address = strip(claim, METRICS[False], scale, stored, yours)
    assert address.startswith("data:image/svg+xml,") and '"' not in address and "#" not in address
    return ElementTree.fromstring(unquote(address.split(",", 1)[1]))


def places(picture, what):
    """Where marks of a kind are drawn: units from the middle."""
    width, found = float(picture.get("viewBox").split()[2]), []
    for path in picture.iter(f"{SVG}path"):
        if path.get("class") == what:
            x = float(path.get("d")[1:].split()[0])
            found.append((x - width / 2) * (2 * EDGE + 0.5) / width)
    return found


def test_every_run_is_a_tick_and_the_mean_a_dot_where_it_belongs():
    picture = drawn(value(tolerance=1, mean=3), seen(2.0, 3.0, 7.0), seen())
    assert [float(n) for n in picture.get("viewBox").split()] == [0, 0, *SIZE]
    assert places(picture, "run") == pytest.approx([2.0 - 3, 0.0, 7.0 - 3], abs=0.0005)
    assert places(picture, "mean") == pytest.approx([1.0], abs=0.0005)  # their mean is 4


def test_what_lies_beyond_the_strip_becomes_an_arrow_at_its_end():
    far = drawn(value(tolerance=1, mean=3), seen(100.0, 101.0), seen(-100.0))
    assert places(far, "mean") == pytest.approx([EDGE, -EDGE], abs=0.0005)
    assert places(far, "run") == []


def test_a_claim_without_runs_has_its_mark_alone():
    picture = drawn(value(tolerance=1, mean=3), seen(), seen())
    assert places(picture, "run") == places(picture, "mean") == []


def test_the_drawing_in_words():
    claim, scale = value(tolerance=2, mean=3), Scale(3, 3, 2, "one unit is the tolerance, 2 %")
    words = told(claim, scale, seen(4.0), seen(0.0))
    assert words == ("stored 0.5 units above the mark; yours 1.5 units below the mark "
                     "(one unit is the tolerance, 2 %)")  # fmt: skip
    assert told(claim, scale, seen(), seen()).startswith("no runs")
