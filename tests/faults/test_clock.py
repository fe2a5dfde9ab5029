"""A clock that was set back: what was made before is dated in the future."""

import os

from tests.workflow.runner import edit, planned, ran, trained

DAY = 24 * 60 * 60 * 10**9  # ns
LEE = ("lee2015", "--config", "tier=smoke")


def test_what_is_dated_in_the_future_is_made_once_and_nothing_else_again(project):
    for path in [p for p in (project / "results/smoke").rglob("*") if p.is_file()]:
        os.utime(path, ns=(path.stat().st_atime_ns + DAY, path.stat().st_mtime_ns + DAY))
    before = trained(project / "results/smoke/runs/lee2015")
    assert planned(project, "smoke") == {}
    edit(project / "replications/lee2015/paper.yaml", "alpha: 27.965482616", "alpha: 28.0")
    ran(project, *LEE)
    after = trained(project / "results/smoke/runs/lee2015")
    again = {run for run, when in after.items() if before[run] != when}
    assert again == {f"mnist_discretised/{i}" for i in (0, 1)}
    assert planned(project, *LEE) == {}
