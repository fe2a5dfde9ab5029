"""Jobs: what is up to date is left alone; one failing run holds back nothing but itself."""

import json
from contextlib import contextmanager

import pytest

from replications.__main__ import main
from replications.core.base.carried import EXACT, Carried, Line
from replications.core.base.scores import maker
from replications.core.steps import commands, jobs

RUNS = ("bengio2015", "stdp_spread", "--tier", "smoke", "--device", "cpu")


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A function that runs the job of some runs of a simulation; returns what it did and left."""
    did = []
    for step, do in jobs.STEPS.items():
        monkeypatch.setitem(
            jobs.STEPS, step,
            lambda r, do=do, step=step: (did.append((step, r.index)), do(r)),
        )  # fmt: skip
    done = tmp_path / "results" / "smoke" / "done" / "job.json"

    def job(*indices, more=()):
        did.clear()
        folders = ("results", "data", "reference")
        places = [word for name in folders for word in (f"--{name}", str(tmp_path / name))]
        words = ["run", *RUNS, "--runs", *map(str, indices), "--done", str(done), *more]
        assert main([*places, *words]) == 0
        return list(did), json.loads(done.read_text())

    job.folder = tmp_path / "results" / "smoke" / "runs" / "bengio2015" / "stdp_spread"
    job.reference = tmp_path / "reference"
    return job


def both(*indices):
    return [(step, index) for index in indices for step in ("train", "score")]


def test_a_job_trains_and_scores_its_runs_and_says_how_they_ended(run):
    did, ended = run(0, 1)
    assert did == both(0, 1)
    assert [(e["paper"], e["experiment"], e["run"], e["failed"]) for e in ended] == [
        ("bengio2015", "stdp_spread", 0, None), ("bengio2015", "stdp_spread", 1, None)
    ]  # fmt: skip
    assert all(e["cpu_seconds"] >= 0 for e in ended)
    assert {p.name for p in (run.folder / "0").iterdir()} >= {"run.json", "scores.json"}


def test_what_is_up_to_date_is_left_alone_and_more_runs_are_made_alone(run):
    run(0)
    before = {p: p.stat().st_mtime_ns for p in (run.folder / "0").glob("[!.]*")}
    assert run(0)[0] == []
    assert run(0, 1)[0] == both(1)
    assert {p: p.stat().st_mtime_ns for p in before} == before


def test_what_is_forced_is_done_again(run):
    run(0)
    assert run(0, more=["--again"])[0] == both(0)


@pytest.mark.parametrize(
    ("change", "redone"),
    [
        (lambda f: (f / "scores.json").unlink(), ["score"]),
        (lambda f: (f / "scores.json").write_text('{"hashes'), ["score"]),
        (lambda f: (f / "run.json").unlink(), ["train", "score"]),
        (lambda f: (f / "run.json").write_text(""), ["train", "score"]),
    ],
)
def test_what_is_missing_or_cut_short_is_made_again(run, change, redone):
    run(0)
    change(run.folder / "0")
    assert run(0)[0] == [(step, 0) for step in redone]
    assert run(0)[0] == []


def rehashed(path, **hashes):
    """A JSON file as code of other hashes would have written it."""
    content = json.loads(path.read_text())
    content["hashes"] |= hashes
    path.write_text(json.dumps(content))


@pytest.mark.parametrize("kind", ["code", "config", "data"])
def test_other_code_settings_or_data_are_run_again(run, kind):
    run(0)
    rehashed(run.folder / "0" / "scores.json", **{kind: "another"})
    assert run(0)[0] == [("score", 0)]
    rehashed(run.folder / "0" / "run.json", **{kind: "another"})
    assert run(0)[0] == both(0)


def test_scores_of_another_training_are_made_again(run):
    run(0)
    scores = json.loads((run.folder / "0" / "scores.json").read_text())
    scores["train"]["hashes"]["code"] = "another"
    (run.folder / "0" / "scores.json").write_text(json.dumps(scores))
    assert run(0)[0] == [("score", 0)]


def test_what_was_carried_is_up_to_date(run):
    run(0)
    hashes = json.loads((run.folder / "0" / "run.json").read_text())["hashes"]
    earlier, today = maker(hashes | {"code": "earlier"}), maker(hashes)
    rehashed(run.folder / "0" / "run.json", code="earlier")
    scores = json.loads((run.folder / "0" / "scores.json").read_text())
    scores["train"]["hashes"]["code"] = "earlier"
    (run.folder / "0" / "scores.json").write_text(json.dumps(scores))
    run.reference.mkdir()
    line = Line("bengio2015", "stdp_spread", "smoke", "train", earlier, today, "r", "p", EXACT)
    Carried(run.reference / "carried.csv").add([line])
    assert run(0)[0] == []
    Carried(run.reference / "carried.csv").add([Line(*line.key, "other", today, "r", "p", EXACT)])
    rehashed(run.folder / "0" / "run.json", code="unknown")
    assert run(0)[0] == both(0)


FAULTS = [
    (ValueError("give a smaller rate"), "give a smaller rate"),
    (KeyError("W3"), "a fault of the suite, or of the rule that was run: KeyError('W3')"),
]


@pytest.mark.parametrize(("error", "told"), FAULTS)
def test_one_failing_run_holds_back_nothing_but_itself(run, monkeypatch, error, told):
    train = jobs.STEPS["train"]

    def failing(r):
        if r.index == 1:
            raise error
        train(r)

    with monkeypatch.context() as patch:
        patch.setitem(jobs.STEPS, "train", failing)
        did, ended = run(0, 1, 2)
        assert [e["failed"] for e in ended] == [None, told, None]
        assert did == both(0, 2)
    assert run(0, 1, 2)[0] == both(1)


def test_a_failed_scoring_leaves_no_scores_of_what_was(run, monkeypatch):
    run(0)
    rehashed(run.folder / "0" / "scores.json", code="another")

    def failing(r):
        jobs.forget_scores(r)
        raise ValueError("no")

    monkeypatch.setitem(jobs.STEPS, "score", failing)
    run(0)
    assert not (run.folder / "0" / "scores.json").exists()


# The end of a workflow


def ended(path, *failed):
    path.parent.mkdir(parents=True, exist_ok=True)
    runs = [{"paper": "toy", "experiment": path.stem, "run": i, "failed": f, "cpu_seconds": 1.0}
            for i, f in enumerate(failed)]  # fmt: skip
    path.write_text(json.dumps(runs))
    return path


def test_a_workflow_without_failures_is_complete(tmp_path):
    done = [ended(tmp_path / "done" / "a.json", None, None), ended(tmp_path / "b.json", None)]
    jobs.complete(done, tmp_path / "papers" / "complete.json")
    assert json.loads((tmp_path / "papers" / "complete.json").read_text()) == {"runs": 3}
    assert all(path.exists() for path in done)


def test_failures_are_told_at_the_end_and_tried_again_alone(tmp_path):
    good = ended(tmp_path / "a.json", None)
    bad = ended(tmp_path / "b.json", None, "give a smaller rate", "no")
    with pytest.raises(jobs.Incomplete) as failure:
        jobs.complete([good, bad], tmp_path / "complete.json")
    lines = str(failure.value).splitlines()
    assert lines[:3] == ["2 runs failed:", "toy b 1: give a smaller rate", "toy b 2: no"]
    assert "run the same command again" in lines[3]
    assert good.exists() and not bad.exists() and not (tmp_path / "complete.json").exists()


def test_a_job_without_named_experiments_is_the_whole_paper(tmp_path, monkeypatch):
    seen = []

    @contextmanager
    def opened(args, paper, name, index, step):
        seen.append((name, index, step))
        raise ValueError("not today")
        yield

    monkeypatch.setattr(commands, "opened", opened)
    done = tmp_path / "done.json"
    words = ["run", "lee2015", "--tier", "smoke", "--runs", "0", "1", "--done", str(done)]
    assert main(words) == 0
    names = [e.name for e in commands.papers.suite().paper("lee2015").experiments("smoke")]
    assert seen == [(name, index, "train") for name in names for index in (0, 1)]
    assert [e["failed"] for e in json.loads(done.read_text())] == ["not today"] * 2 * len(names)
