"""The line about a running workflow, from what Snakemake says."""

import io
import sys

import pytest

from replications.core.steps.follow import Workflow, duration, expected, follow

SAID = """\
Job stats:
job            count
-----------  -------
run_smoke_a        1
run_smoke_b        1
report_a           2
total              4

localrule run_smoke_a:
    output: x
    jobid: 4
localrule run_smoke_b:
    jobid: 7
Finished jobid: 4 (Rule: run_smoke_a)
1 of 4 steps (25%) done
rule report_a:
    jobid: 9
Error in rule run_smoke_b:
    message: None
    jobid: 7
Finished jobid: 9 (Rule: report_a)
"""
COSTS = {"run_smoke_a": 30.0, "run_smoke_b": 60.0, "report_a": 10.0}


def after(lines):
    workflow = Workflow(COSTS)
    ended = [workflow.read(line) for line in SAID.splitlines()[:lines]]
    return workflow, ended


def test_what_is_planned_runs_ends_and_fails_is_read():
    workflow, ended = after(100)
    assert workflow.planned == {"run_smoke_a": 1, "run_smoke_b": 1, "report_a": 2}
    assert (workflow.done, workflow.failed) == (["run_smoke_a", "report_a"], ["run_smoke_b"])
    assert workflow.running == {} and sum(ended) == 3


def test_the_line_says_done_failed_running_and_left():
    assert after(13)[0].told(5.0) == "0 of 4 done; now run smoke a, run smoke b"
    assert after(14)[0].told(15.0) == "1 of 4 done; now run smoke b; about 40 s left"
    line = after(100)[0].told(50.0)
    assert line == "2 of 4 done; 1 failed (run_smoke_b); about 10 s left"


def test_what_is_left_goes_by_declared_costs_at_the_pace_so_far():
    workflow, _ = after(14)  # 30 of 110 declared seconds are done
    assert workflow.left(15.0) == pytest.approx(15.0 * 80 / 30)
    assert after(13)[0].left(15.0) is None


@pytest.mark.parametrize(
    ("seconds", "told"), [(1, "10 s"), (61, "70 s"), (100, "2 min"), (7200, "2 h")]
)
def test_durations(seconds, told):
    assert duration(seconds) == told


class Terminal(io.StringIO):
    def isatty(self):
        return True


def run(out, status=0):
    code = f"import sys; sys.stdout.write({SAID!r}); sys.exit({status})"
    return follow([sys.executable, "-c", code], COSTS, out, clock=lambda: 0.0)


def test_without_a_terminal_there_is_a_plain_line_for_every_job_that_ends():
    out = io.StringIO()
    assert run(out) == 0
    lines = out.getvalue().splitlines()
    assert [line.split(";")[0] for line in lines] == ["1 of 4 done"] * 2 + ["2 of 4 done"]
    assert not set(out.getvalue()) & {"\r", "\x1b"}


def test_on_a_terminal_one_line_lives():
    out = Terminal()
    assert run(out) == 0
    assert out.getvalue().count("\n") == 1 and out.getvalue().count("\r") > 5
    assert "2 of 4 done; 1 failed" in out.getvalue().split("\r")[-1]


def test_where_snakemake_fails_its_last_lines_and_its_status_are_passed_on():
    out = io.StringIO()
    assert run(out, status=3) == 3
    assert "Error in rule run_smoke_b:\n    message: None\n" in out.getvalue()


def test_costs_are_declared_for_every_job():
    found = expected()
    assert found["run_paper_scellier2017_mnist_1h"] > 100
    assert found["run_smoke_bengio2015"] > found["run_smoke_lee2015"] >= 4
