"""Whether yours agrees with what is stored: by the sentence that the page prints."""

import pytest

from replications.core.report.page.agreement import AGREES, CANNOT, DIFFERS, agreement
from tests.core.report.page.made import predicate, seen, value

STORED = (3.0, 3.1, 3.2)  # the interval is about 2.85 to 3.35


@pytest.mark.parametrize(
    ("yours", "expected"),
    [
        (seen(3.3), (AGREES, "in the stored interval")),
        (seen(3.6, 3.6), (AGREES, "within one tolerance")),
        (seen(4.0, 4.1), (DIFFERS, "beyond both intervals and the tolerance")),
        (seen(2.0, 2.1), (DIFFERS, "beyond both intervals and the tolerance")),
        (seen(3.0, 6.0), (CANNOT, "the intervals overlap")),  # two runs say little
        (seen(9.0, 9.1, share=0.02), (CANNOT, "budget: 2%, stored 100%")),
        (seen(3.1, share=0.02), (AGREES, "in the stored interval")),
        (seen(3.1, dataset="digits"), (CANNOT, "other data: digits, stored mnist")),
        (seen(3.1, network=", smaller network"), (CANNOT, "another network")),
        (seen(), ("not run here", "")),
    ],
)
def test_a_number_agrees_differs_or_cannot_tell(yours, expected):
    assert agreement(yours, seen(*STORED), value(tolerance=0.5, mean=3)) == expected


@pytest.mark.parametrize(
    ("yours", "expected"),
    [
        (seen(0.5), AGREES),  # beyond the stored interval, but above the margin like it
        (seen(0.1, 0.2, 0.15), DIFFERS),
        (seen(0.1, share=0.5), CANNOT),
        (seen(-9.0, 9.0), CANNOT),
    ],
)
def test_a_predicate_agrees_by_the_side_of_its_margin(yours, expected):
    assert agreement(yours, seen(5.0, 5.1, 5.2), predicate(margin=0.3))[0] == expected


def test_what_is_not_stored_is_said():
    assert agreement(seen(3.0), seen(), value(mean=3)) == ("nothing stored", "")
    assert agreement(seen(), seen(), value(mean=3)) == ("neither was run", "")


def test_a_tolerance_is_no_less_for_being_binary():
    """3.1 - 3 is a little more than .1 in binary."""
    assert agreement(seen(3.1), seen(3.0), value(tolerance=0.1, mean=3))[0] == AGREES
