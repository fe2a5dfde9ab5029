"""carried.csv: which hash leads to which; files that cannot be right are refused."""

import pytest

from replications.core.base.carried import EXACT, HEAD, WITHIN, Carried, Line

KEY = ("toy", "a", "smoke", "train")


def line(old, new, key=KEY, equal=EXACT):
    return Line(*key, old, new, "0123456789ab", "2 epochs of 40 examples", equal)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "carried.csv"


def put(path, *lines):
    """A file with just these lines."""
    rows = [",".join(HEAD)]
    rows += [",".join([*n.key, n.old, n.new, n.revision, n.probe, n.equal]) for n in lines]
    path.write_text("\n".join(rows) + "\n")
    return path


def test_without_a_file_every_hash_leads_to_itself(path):
    assert Carried(path).end(KEY, "a") == "a" and not path.exists()


def test_a_hash_leads_on_to_the_last(path):
    carried = Carried(put(path, line("b", "c"), line("a", "b", equal=WITHIN)))
    assert [carried.end(KEY, old) for old in "abcx"] == ["c", "c", "c", "x"]
    assert [n.equal for n in carried.path_from(KEY, "a")] == [WITHIN, EXACT]


@pytest.mark.parametrize("part", range(4))
def test_another_paper_experiment_tier_or_step_is_not_led_on(path, part):
    other = tuple("other" if i == part else name for i, name in enumerate(KEY))
    carried = Carried(put(path, line("a", "b")))
    assert carried.end(other, "a") == "a"


def test_what_is_added_is_read_again_and_sorted(path):
    more = line("a", "b", ("toy", "a", "smoke", "score"))
    Carried(path).add([line("a", "b"), more])
    assert path.read_text().splitlines()[0] == ",".join(HEAD)
    assert Carried(path).lines == [more, line("a", "b")]
    Carried(path).add([line("b", "c")])
    assert Carried(path).end(KEY, "a") == "c"


def test_going_back_to_an_earlier_hash_makes_no_loop(path):
    """A change that is taken back: "a" is the hash of today again, and "b" leads to it."""
    Carried(path).add([line("a", "b")])
    Carried(path).add([line("b", "a")])
    carried = Carried(path)
    assert carried.lines == [line("b", "a")]
    assert carried.end(KEY, "a") == carried.end(KEY, "b") == "a"


def test_a_line_that_is_shown_anew_replaces_the_old_one(path):
    Carried(path).add([line("a", "b", equal=WITHIN)])
    Carried(path).add([line("a", "c")])
    assert Carried(path).lines == [line("a", "c")]


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ([line("a", "b"), line("b", "a")], "leads round in a loop: remove the line"),
        ([line("a", "a")], "leads round in a loop"),
        ([line("x", "a"), line("a", "b"), line("b", "c"), line("c", "a")], "in a loop"),
        ([line("a", "b"), line("a", "c")], "one hash leads to two"),
    ],
)
def test_a_file_that_cannot_be_right_is_refused_and_left_alone(path, lines, told):
    before = put(path, *lines).read_bytes()
    with pytest.raises(ValueError, match=told) as failure:
        Carried(path)
    assert str(path) in str(failure.value)
    assert path.read_bytes() == before


def test_another_header_is_refused(path):
    path.write_text("paper,experiment\n")
    with pytest.raises(ValueError, match=r"columns are .*git checkout"):
        Carried(path)


def test_what_no_result_starts_from_goes_and_other_steps_stay(path):
    other = line("a", "b", ("toy", "a", "smoke", "score"))
    Carried(path).add([line("a", "b"), line("b", "c"), line("x", "c"), other])
    Carried(path).keep(KEY, ["b", "unknown"])
    assert Carried(path).lines == [other, line("b", "c")]
    before = path.read_bytes()
    Carried(path).keep(KEY, ["b"])
    assert path.read_bytes() == before
    Carried(path).keep(KEY, [])
    assert Carried(path).lines == [other]
