"""Files that are cut short, or altered, at every kind of place: what is damaged is made again."""

import json
import os
import shutil

import pytest

from replications.core.base.errors import Damaged
from replications.core.declare.league import LEAGUE, by_net
from replications.core.declare.papers import suite
from replications.core.report.league import read_costs
from replications.core.score.estimators import classifier
from tests.faults.suite import PAPER, RUNS, call, contents, report, run
from tests.workflow.runner import trained

RUN = f"smoke/runs/{PAPER}/weight_mirror/1"
CUTS = {
    "emptied": lambda content: b"",
    "half of it": lambda content: content[: len(content) // 2],
    "all but its end": lambda content: content[:-3],
    "zeros": lambda content: bytes(len(content)),
    "a byte changed": lambda content: content[:-9] + b"#" + content[-8:],
}
TRAINED = ("run.json", "curves.csv", "parameters.safetensors")
SCORED = ("scores.json", "arrays.npz")


def damage(path, how):
    """Alter a file in place, and leave its date as it was."""
    dates = path.stat()
    path.write_bytes(CUTS[how](path.read_bytes()))
    os.utime(path, ns=(dates.st_atime_ns, dates.st_mtime_ns))


@pytest.mark.parametrize("how", CUTS)
@pytest.mark.parametrize("name", TRAINED + SCORED)
def test_a_damaged_file_of_a_run_is_made_again_alone(undisturbed, results, name, how):
    before = trained(results)
    damage(results / RUN / name, how)
    assert run(results) == 0
    assert contents(results) == contents(undisturbed)
    again = {place for place, when in trained(results).items() if before[place] != when}
    assert again == ({RUN} if name in TRAINED else set())


@pytest.mark.parametrize("command", ["report", "overview", "reference"])
def test_an_altered_number_reaches_no_table_and_no_reference(results, command, caplog):
    """Though the file can be read; however often the command is said before the job runs again."""
    scores, stored = results / RUN / "scores.json", results.parent / "stored"
    stored.mkdir()
    told = json.loads(scores.read_text())
    told["rows"][-1]["value"] += 1
    scores.write_text(json.dumps(told))
    words = [command, PAPER, *(RUNS if command != "reference" else RUNS[:2])]
    assert call(results, "--reference", str(stored), *words) == 1
    assert "these runs are damaged" in caplog.text and RUN in caplog.text
    assert not scores.exists() and not [*stored.iterdir()]


@pytest.mark.parametrize("name", SCORED)
def test_no_table_is_made_of_a_damaged_run(undisturbed, results, name, caplog):
    """Its job, which the workflow takes for done, is forgotten: the same command does it again."""
    damage(results / RUN / name, "half of it")
    assert report(results) == 1
    assert "these runs are damaged" in caplog.text and RUN in caplog.text
    assert "Traceback" not in caplog.text
    assert not (results / f"smoke/done/{PAPER}.json").exists()
    assert run(results) == 0 and report(results) == 0
    assert contents(results) == contents(undisturbed)


@pytest.mark.parametrize("how", [how for how in CUTS if how != "a byte changed"])
def test_a_table_that_cannot_be_read_is_removed_and_named(results, tmp_path, how, caplog):
    """Then it is missing, and the same command makes it again, as the workflow does what is."""
    table = results / "smoke/scores.parquet"
    shutil.copy(results / f"smoke/papers/{PAPER}/scores.parquet", table)
    damage(table, how)
    assert call(results, "check", "--tier", "smoke") == 1
    assert f"{table} is damaged, and was removed: say the same command again" in caplog.text
    assert "Traceback" not in caplog.text and not table.exists()


@pytest.mark.parametrize("how", ["emptied", "half of it", "zeros"])
def test_a_word_of_how_a_job_ended_that_is_cut_short_is_removed_and_named(results, how, caplog):
    done = results / f"smoke/done/{PAPER}.json"
    damage(done, how)
    assert call(results, "complete", str(results / "complete.json"), str(done)) == 1
    assert f"{done} is damaged, and was removed" in caplog.text and not done.exists()
    assert run(results) == 0
    assert call(results, "complete", str(results / "complete.json"), str(done)) == 0


def test_a_classifier_that_is_cut_short_is_named(tmp_path):
    file = classifier.path("digits", tmp_path)
    file.parent.mkdir(parents=True)
    file.write_bytes(b"half a file")
    with pytest.raises(Damaged, match="is damaged") as failure:
        classifier.read_classifier("digits", tmp_path, "cpu")
    assert failure.value.path == file  # which the job that scores removes


@pytest.mark.parametrize("cut", range(1, 60, 7))
def test_costs_that_are_cut_short_are_named(tmp_path, cut):
    league = suite().paper(LEAGUE)
    nets = by_net(league.declared["league"], league.experiments("smoke"))
    rows = [f"{rule},{net},1.5,0.75\n" for net, rules in nets.items() for rule in rules]
    file = tmp_path / "costs.csv"
    file.write_text("rule,net,memory,speed\n" + "".join(rows))
    assert len(read_costs(tmp_path, league, "smoke")) == len(rows)
    file.write_bytes(file.read_bytes()[:-cut])
    with pytest.raises(Damaged, match=r"costs\.csv is damaged"):
        read_costs(tmp_path, league, "smoke")
