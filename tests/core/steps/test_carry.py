"""Carrying stored scores: in a clone, changed as its authors change it; and case by case."""

import json
import os
import re
import subprocess
import sys

import pandas as pd
import pytest
import torch
from safetensors.torch import save_file

from replications.core.base import provenance
from replications.core.base.carried import EXACT, WITHIN, Carried, Line
from replications.core.base.hashes import digest
from replications.core.base.provenance import ROOT
from replications.core.base.scores import maker
from replications.core.declare.papers import suite
from replications.core.report.tables import COLUMNS
from replications.core.run.current import today
from replications.core.steps import carry
from replications.core.steps.carry import (
    added,
    differences,
    incomparable,
    judged,
    planned,
    tolerated,
)

STORED = {  # few, and quick
    "lee2015": ["mnist_continuous", "mnist_backpropagation"],
    "scellier2017": ["mnist_1h"],
    "bengio2015": ["stdp_spread"],
}


def git(folder, *arguments):
    who = ["-c", "user.name=t", "-c", "user.email=t@localhost"]
    command = ["git", "-C", str(folder), *who, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def edit(path, old, new):
    """Replace a passage wherever it stands, and fail if it does not."""
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def carried_over(folder, *arguments):
    """`python -m replications carry` in a folder."""
    command = [sys.executable, "-m", "replications", "carry", *arguments]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST")}
    return subprocess.run(command, cwd=folder, env=environment, text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)  # fmt: skip


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """The project as it stands, committed, with few stored experiments, all of today's code."""
    folder = tmp_path_factory.mktemp("carry") / "project"
    folder.mkdir()
    listed = subprocess.run(
        ["git", "ls-files", "-z", "replications", "workflows"], cwd=ROOT, capture_output=True,
        text=True, check=True,
    ).stdout.split("\0")  # fmt: skip
    for name in filter(None, listed):
        if (ROOT / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes((ROOT / name).read_bytes())
    rows = []
    for paper, names in STORED.items():
        for e in suite().papers[paper].experiments("smoke"):
            if e.name in names:
                owner = {"paper": paper, "experiment": e.name, "run": 0, "metric": "test_error"}
                rows.append(owner | {"part": "", "step": 1, "value": 1.0} | today(e))
    reference = folder / "results" / "reference"
    reference.mkdir(parents=True)
    for tier, stored in (("smoke", rows), ("standard", []), ("paper", [])):
        pd.DataFrame(stored, columns=COLUMNS).to_csv(reference / f"{tier}.csv", index=False)
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "before")
    return folder


@pytest.fixture(scope="module")
def changed(clone):
    """The clone after one commit of several changes, and what `carry` said of it."""
    package = clone / "replications"
    lee, core = package / "lee2015" / "rule.py", package / "core"
    edit(lee, "inverse_updates", "updates_of_inverses")  # a function is renamed
    edit(lee, "        alpha: float\n", "        alpha: float\n        twice: bool\n")
    drawn = "self.noise(), self.generator"  # a new option, of those that build on the rule, too
    edit(lee, drawn, f"(1 + self.settings.twice) * {drawn}")
    for name in ("lee2015/paper", "lee2015/league", "bartunov2018/paper"):
        edit(package / f"{name}.yaml", "{alpha: ", "{twice: false, alpha: ")
    (core / "data" / "idx.py").rename(core / "data" / "bytes.py")  # a module is moved
    edit(core / "data" / "datasets.py", "core.data.idx", "core.data.bytes")
    contrast = "contrast(batch.inputs, free, above, "
    edit(package / "scellier2017" / "rule.py", f"{contrast}beta)", f"{contrast}-beta)")  # a sign
    error = "return self.network.through_units(i - 1, activities, "
    edit(core / "learn" / "learning.py", f"{error}back)", f"{error}1.0001 * back)")  # a constant
    scores = package / "bengio2015" / "scores.py"
    edit(scores, "Score(metric, value, part)", "Score(metric, 2 * value, part)")  # a score alone
    git(clone, "commit", "-q", "-a", "-m", "after")
    git(clone, "add", "-A")
    git(clone, "commit", "-q", "--amend", "--no-edit")
    return clone, carried_over(clone, "HEAD~1")


def test_a_renamed_function_a_moved_module_and_a_new_option_are_carried(changed):
    folder, done = changed
    lines = Carried(folder / "results" / "reference" / "carried.csv").lines
    assert {n.key for n in lines} == {
        ("lee2015", "mnist_continuous", "smoke", step) for step in ("train", "score")
    }, done.stdout
    (commit,) = {n.revision for n in lines}
    assert git(folder, "rev-parse", "HEAD~1").startswith(commit)
    reach = "2 epochs of 200 examples; new: settings.twice"
    assert {(n.equal, n.probe) for n in lines} == {(EXACT, reach)}
    experiment = suite().experiment("lee2015", "mnist_continuous", "smoke")
    assert {n.old for n in lines} == {maker(experiment.hashes(s)) for s in ("train", "score")}


def test_what_changes_a_number_is_refused_with_what_differs_and_by_how_much(changed):
    _, done = changed
    assert done.returncode == 1
    refused = set(refusals(done.stdout))
    assert refused == {
        "scellier2017 mnist_1h smoke train", "scellier2017 mnist_1h smoke score",
        "lee2015 mnist_backpropagation smoke train", "lee2015 mnist_backpropagation smoke score",
        "bengio2015 stdp_spread smoke score",
    }  # fmt: skip
    assert re.search(r"train/\S+ (differs by up to|\S+ became) ", done.stdout)
    assert re.search(r"score/rows/\S+ \S+ became ", done.stdout)
    assert "5 of 7 steps were not carried" in done.stdout


def refusals(text):
    """The steps that are refused: the lines that end with how many numbers differ."""
    lines = (line.removeprefix("error: ") for line in text.splitlines())
    return [line.split(":")[0] for line in lines if line.endswith("numbers differ:")]


def test_the_working_tree_is_left_as_it_was(changed):
    folder, _ = changed
    assert git(folder, "worktree", "list").count("\n") == 0
    assert git(folder, "status", "--porcelain").split() == ["??", "results/reference/carried.csv"]


def test_a_revision_that_is_not_there_and_a_tree_that_is_not_committed_are_refused(changed):
    folder, _ = changed
    before = (folder / "results" / "reference" / "carried.csv").read_bytes()
    done = carried_over(folder, "no-such-revision")
    assert done.returncode == 1 and "there is no revision 'no-such-revision'" in done.stdout
    assert "git log" in done.stdout and "Traceback" not in done.stdout
    path = folder / "replications" / "new.py"
    path.write_text("X = 1\n")
    done = carried_over(folder, "HEAD~1")
    path.unlink()
    assert done.returncode == 1 and "replications/new.py" in done.stdout
    assert "commit it, or put it aside" in done.stdout
    assert (folder / "results" / "reference" / "carried.csv").read_bytes() == before


# What has to be carried

KEY = ("toy", "a", "smoke", "train")
SCORE = ("toy", "a", "smoke", "score")
CONFIG = {"settings": {"beta": 1.0}, "budget": {"epochs": 2}}
EXTENDED = {"settings": {"beta": 1.0, "solver": {"euler": {"step": 0.5}}}, "budget": {"epochs": 2}}
BEFORE, AFTER = digest(CONFIG), digest(EXTENDED)
OLD = {KEY: {"code": "t0", "config": BEFORE}, SCORE: {"code": "s0", "config": BEFORE}}
NEW = {KEY: {"code": "t1", "config": AFTER}, SCORE: {"code": "s0", "config": BEFORE}}
OTHER = {KEY: {"code": "t0", "config": digest(CONFIG | {"budget": {"epochs": 3}})}}
T0, T1, S0 = f"t0/{BEFORE}", f"t1/{AFTER}", f"s0/{BEFORE}"


def settings_today(key):
    return EXTENDED if key == KEY else CONFIG


@pytest.mark.parametrize(
    ("have", "old", "new", "wanted", "lost"),
    [
        ({KEY: {T0}, SCORE: {S0}}, OLD, NEW, [KEY], ""),
        ({KEY: {T1}}, OLD, NEW, [], ""),  # of today already
        ({KEY: {T1, T0}}, OLD, NEW, [KEY], ""),  # some of its runs
        (
            {KEY: {f"t9/{BEFORE}"}},
            OLD,
            NEW,
            [],
            f"by t9/{BEFORE} (code/settings), which",
        ),
        ({KEY: {"t0/c9"}}, OLD, NEW, [], "by t0/c9 (code/settings), which"),
        ({KEY: {maker(OTHER[KEY])}}, OTHER, NEW, [], "has another value or is gone"),
        ({KEY: {T0}}, {}, NEW, [], f"made by {T0} "),
        ({KEY: {T0}}, OLD, {}, [], "no such experiment any more"),
    ],
)
def test_what_has_to_be_carried(tmp_path, have, old, new, wanted, lost):
    found, told = planned(have, Carried(tmp_path / "carried.csv"), old, new, settings_today)
    assert list(found) == wanted
    assert lost in "".join(told.values()) and bool(told) == bool(lost)


def test_what_was_carried_before_is_carried_on(tmp_path):
    Carried(tmp_path / "c.csv").add([Line(*KEY, "first", T0, "r", "p", EXACT)])
    carried = Carried(tmp_path / "c.csv")
    assert planned({KEY: {"first"}}, carried, OLD, NEW, settings_today) == (
        {KEY: ["settings.solver"]}, {},
    )  # fmt: skip


def test_a_new_key_of_an_evaluation_is_not_carried():
    """The short run would cut its numbers: it could not tell 200 images from 1,000."""
    evaluated = CONFIG | {"evaluation": {"alignment": {"images": 200}}}
    assert incomparable(added(evaluated, BEFORE)) == "evaluation is new, and cut short by the probe"
    assert incomparable(added(EXTENDED, BEFORE)) == incomparable(added(CONFIG, BEFORE)) == ""


LONG = {"a": 1, "b": {"c": 2, "d": {"e": [3, {"f": 4}], "g": 5}}}


@pytest.mark.parametrize(
    ("before", "new"),
    [
        (LONG, []),
        ({"b": LONG["b"]}, ["a"]),
        ({"a": 1}, ["b"]),  # a mapping with all of its keys
        ({"a": 1, "b": {"c": 2}}, ["b.d"]),
        ({"a": 1, "b": {"c": 2, "d": {"g": 5}}}, ["b.d.e"]),
        ({"b": {"c": 2}}, ["a", "b.d"]),
        ({"a": 2, "b": LONG["b"]}, None),  # another value
        (LONG | {"z": 1}, None),  # one that is gone
        ({"a": 1, "b": {"c": 2, "d": {"e": [3, {}], "g": 5}}}, None),
        ({"b": {"d": {"e": [3, {"f": 4}]}}}, None),  # three keys more
    ],
)
def test_keys_that_are_new_are_found_by_the_hash_without_them(before, new):
    assert added(LONG, digest(before)) == new


# How equal two short runs are


def scalar(value):
    return torch.tensor(value, dtype=torch.float64)


NUMBERS = {
    "train/parameters/1/W1": torch.tensor([1.0, float("nan")]),
    "train/curves/train_error//1": scalar(10.0),
    "score/rows/test_error//2": scalar(3.0),
    "score/rows/cosine/W1/2": scalar(0.5),
    "score/arrays/x": torch.arange(3),
}


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("train/parameters/1/W1", torch.tensor([1.0, 2.0]), "differs by up to nan"),
        ("train/parameters/1/W1", torch.tensor([1.5, float("nan")]), "differs by up to"),
        ("train/parameters/1/W1", torch.tensor([1.0]), "(2,) torch.float32 became (1,)"),
        ("train/parameters/1/W1", torch.tensor([1.0, 2.0]).double(), "became (2,) torch.float64"),
        ("score/rows/test_error//2", scalar(3.0 + 1e-15), "3 became 3"),  # the last bit
        ("score/rows/test_error//2", scalar(-3.0), "3 became -3"),
        ("score/rows/test_error//2", None, "is gone"),
        ("score/arrays/x", torch.tensor([0, 1, 3]), "differs by up to 1"),
    ],
)
def test_every_difference_is_told(name, value, told):
    new = {k: v for k, v in (NUMBERS | {name: value}).items() if v is not None}
    found = differences(NUMBERS, new)
    assert list(found) == [name] and told in found[name]


def test_equal_numbers_and_new_ones_are_no_difference():
    same = {name: tensor.clone() for name, tensor in NUMBERS.items()}
    assert differences(NUMBERS, same | {"score/rows/new_metric//2": scalar(1.0)}) == {}


ALLOWED = {("toy", "a", "test_error", ""): 0.5, ("toy", "a", "cosine", "W1"): 0.0}


@pytest.mark.parametrize(
    ("changes", "tolerable"),
    [
        ({"score/rows/test_error//2": scalar(3.5)}, True),
        ({"score/rows/test_error//2": scalar(3.75)}, False),
        ({"score/rows/test_error//2": scalar(float("nan"))}, False),
        ({"score/rows/cosine/W1/2": scalar(0.5001)}, False),
        ({"train/curves/train_error//1": scalar(10.1)}, False),  # nothing is known of it
        ({"train/parameters/1/W1": torch.zeros(2), "score/arrays/x": torch.zeros(3)}, True),
    ],
)
def test_within_tolerance_every_score_is(changes, tolerable):
    new = NUMBERS | changes
    assert tolerated(KEY, differences(NUMBERS, new), NUMBERS, new, ALLOWED) == tolerable


def test_a_score_that_is_gone_is_not_within_tolerance():
    new = {k: v for k, v in NUMBERS.items() if "cosine" not in k}
    assert not tolerated(KEY, differences(NUMBERS, new), NUMBERS, new, ALLOWED)


@pytest.fixture
def probes(tmp_path):
    """A function that writes what two short runs left: numbers, or what they failed with."""

    def put(old, new):
        for name, left in (("old", old), ("new", new)):
            folder = tmp_path / name / "toy" / "a"
            folder.mkdir(parents=True)
            if isinstance(left, str):
                (folder / "smoke.error").write_text(left)
            else:
                save_file(left, folder / "smoke.safetensors")
        return tmp_path / "old", tmp_path / "new"

    return put


def test_a_step_is_judged_by_its_own_numbers(probes):
    folders = probes(NUMBERS, NUMBERS | {"score/rows/test_error//2": scalar(3.25)})
    equal, refused = judged([KEY, SCORE], *folders, None)
    assert equal == {KEY: EXACT}
    assert refused == {SCORE: "1 numbers differ:\n    score/rows/test_error//2 3 became 3.25"}
    assert judged([KEY, SCORE], *folders, ALLOWED) == ({KEY: EXACT, SCORE: WITHIN}, {})


def test_many_differences_are_cut_short(probes):
    many = {f"score/rows/cosine/W{i}/2": scalar(float(i)) for i in range(9)}
    _, refused = judged([SCORE], *probes(many, {k: v + 1 for k, v in many.items()}), None)
    assert refused[SCORE].startswith("9 numbers differ:") and refused[SCORE].endswith("and 4 more")


@pytest.mark.parametrize(
    ("old", "new", "who"),
    [
        ("Diverged: in epoch 1", NUMBERS, "the revision's code: Diverged: in epoch 1"),
        (NUMBERS, "Diverged: in epoch 2", "today's code: Diverged: in epoch 2"),
        ("Diverged: in epoch 1", "Diverged: in epoch 1", "the revision's code"),
    ],
)
def test_a_short_run_that_diverges_carries_nothing(probes, old, new, who):
    equal, refused = judged([KEY], *probes(old, new), None)
    assert not equal and f"fails by {who}" in refused[KEY]


def test_a_revision_without_the_command_is_told(monkeypatch):
    code = "import sys; print('usage: ...'); sys.exit(2)"
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    with pytest.raises(ValueError, match="v0: that code is from before scores could be carried"):
        carry.wait_for(process, "v0")


def test_hashes_are_written_for_every_step(tmp_path):
    from replications.__main__ import main

    assert main(["hashes", str(tmp_path / "hashes.json")]) == 0
    rows = json.loads((tmp_path / "hashes.json").read_text())
    assert len({tuple(r[k] for k in ("paper", "experiment", "tier", "step")) for r in rows}) == len(
        rows
    )
    assert provenance.ROOT == ROOT and len(rows) > 400
