"""results/reference/ is what the current code, configuration and data give, and READMEs show it."""

import re
from fnmatch import fnmatch
from itertools import pairwise

import pandas as pd
import pytest

from replications.core.base.carried import Carried
from replications.core.base.provenance import REFERENCE
from replications.core.base.scores import maker
from replications.core.declare.experiments import TIERS
from replications.core.declare.papers import suite
from replications.core.declare.searches import searches
from replications.core.report.readme import generated
from replications.core.report.stored_figures import digests, read_figures
from replications.core.report.tables import read_table
from replications.core.run.current import ends, today


@pytest.mark.parametrize("tier", TIERS)
def test_the_reference_leads_to_the_current_code_configuration_and_data(tier):
    """Each hash is today's, or carried.csv leads from it to today's."""
    carried = Carried(REFERENCE / "carried.csv")
    table = read_table(REFERENCE / f"{tier}.csv")
    assert table["value"].notna().all()
    kinds = ["train", "score", "data"]
    for (paper, name), rows in table.groupby(["paper", "experiment"]):
        experiment = suite().experiment(paper, name, tier)
        for stored in rows[kinds].drop_duplicates().to_dict("records"):
            found, wanted = ends(stored, experiment, carried), today(experiment)
            differing = [kind for kind in kinds if found[kind] != wanted[kind]]
            assert not differing, (
                f"{paper} {name}, {tier} tier: {differing} differ from today's: where no number "
                "should have changed, `python -m replications carry REVISION` (the last commit "
                "whose contracts passed); else run it, and `python -m replications reference`"
            )


def test_every_line_of_carried_leads_to_todays_code():
    """What leads nowhere is of no use: `carry` drops what it replaces."""
    carried = Carried(REFERENCE / "carried.csv")
    for line in carried.lines:
        experiment = suite().experiment(line.paper, line.experiment, line.tier)
        end = carried.end(line.key, line.old)
        assert end == maker(experiment.hashes(line.step)), f"{' '.join(line.key)}: {end}"


@pytest.mark.parametrize("tier", TIERS)
def test_every_experiment_is_in_the_reference_with_enough_runs(tier):
    """At the papers' budgets, one may be left out, or run less often, if its README says so.

    A name there may stand for several, as `*_fashion_5` does.
    """
    table = read_table(REFERENCE / f"{tier}.csv")
    runs = table.groupby(["paper", "experiment"])["run"].nunique()
    for paper in suite().papers.values():
        readme = (paper.path.parent / "README.md").read_text()
        not_run, seldom = (
            readme.partition(words)[2].partition("\n\n")[0]
            for words in ("Not run in full:", "Run in full, but less than three times:")
        )
        for experiment in paper.experiments(tier):
            left_out = re.findall(r"`([^`]+)`", not_run)
            none = not_run.startswith(" all") or any(fnmatch(experiment.name, n) for n in left_out)
            if tier == "paper" and none:
                assert (paper.name, experiment.name) not in runs.index
            elif tier == "paper" and f"`{experiment.name}`" in seldom:
                assert runs[paper.name, experiment.name] in (1, 2)
            else:
                assert runs[paper.name, experiment.name] >= (2 if tier == "smoke" else 3)


def test_readmes_pages_and_figures_of_the_front_page_show_the_reference():
    """A figure by what it says of itself that it shows: lines may be drawn otherwise elsewhere."""
    shown = re.compile("<dc:description>(.*?)</dc:description>", re.DOTALL)
    for path, text in generated(REFERENCE).items():
        told = path.read_text()
        if path.suffix == ".svg":
            (told,), (text,) = shown.findall(told), shown.findall(text)
        assert told == text, f"{path.name} of {path.parent.name}: run `make readme`"


def test_stored_figures_show_the_stored_scores():
    figures = read_figures(REFERENCE)
    scores = {tier: read_table(REFERENCE / f"{tier}.csv") for tier in figures["tier"].unique()}
    for (paper, name, tier), rows in figures.groupby(["paper", "figure", "tier"]):
        shown = dict(zip(rows["experiment"], rows["scores"], strict=True))
        assert digests(scores[tier], paper, shown) == shown, f"{paper}: draw {name} again"


@pytest.mark.parametrize("search", searches(), ids=lambda s: f"{s.paper}-{s.name}")
def test_a_search_was_run_as_it_is_declared_and_its_best_draw_is_the_experiments(search):
    path = REFERENCE / "search" / search.paper / f"{search.name}.csv"
    table = pd.read_csv(path, keep_default_na=False, dtype=str)
    stages = [table[table["stage"] == str(number)] for number in range(len(search.stages))]
    assert [len(rows) for rows in stages] == [stage["trials"] for stage in search.stages]
    for row in table.to_dict("records"):
        drawn = search.draw(int(row["draw"]))
        assert {name: row[name] for name in drawn} == {k: str(v) for k, v in drawn.items()}
    for before, rows in pairwise(stages):
        assert set(rows["draw"]) == set(before["draw"].head(len(rows)))
    best = search.draw(int(stages[-1]["draw"].iloc[0]))
    resolved = suite().experiment(search.paper, search.declared["experiment"], "paper").resolved
    for name, value in best.items():
        found = resolved
        for key in name.split("/"):
            found = found[key]
        assert found == value
