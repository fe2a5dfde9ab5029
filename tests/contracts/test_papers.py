"""What every paper's folder has to be; papers are found, not listed."""

import ast
import dataclasses
import io
from importlib import import_module
from types import SimpleNamespace

import pytest
from docutils.core import publish_doctree
from jinja2 import Template

from replications.core.base.provenance import PACKAGE, ROOT
from replications.core.declare.expansion import BESIDE, PROVIDED, definition_of
from replications.core.declare.experiments import EVALUATED, KINDS, TIERS
from replications.core.declare.league import LEAGUE
from replications.core.declare.papers import suite
from replications.core.declare.reflection import definitions
from replications.core.report.readme import MARKS

FOLDERS = sorted(p for p in (ROOT / PACKAGE).iterdir() if (p / "__init__.py").exists())
PAPERS = [p for p in FOLDERS if p.name != "core"]


def beside(folder):
    """The modules of a paper's baselines and ablations."""
    return [path for name in BESIDE for path in sorted(folder.glob(f"{name}/[!_]*.py"))]


@pytest.fixture(params=PAPERS, ids=lambda path: path.name)
def folder(request):
    return request.param


@pytest.fixture
def paper(folder):
    return suite().paper(folder.name)


def test_every_folder_beside_core_is_a_paper(folder):
    assert (folder / "paper.yaml").is_file()
    assert (folder / "figures.py").is_file()
    own = any((folder / f"{name}.py").is_file() for name in KINDS.values())
    assert own != (folder.name == LEAGUE)  # which has no science of its own


def test_its_readme_says_what_was_run_and_has_a_place_for_the_results(folder):
    text = (folder / "README.md").read_text()
    assert all(mark in text for mark in MARKS)
    for heading in ("What the paper says", "What was run", "What came out", "What differs and why"):
        assert f"## {heading}" in text


def test_every_tier_resolves_and_on_the_papers_data_costs_no_more_than_the_next(paper):
    """A digit costs a hundredth of an MNIST image: its share says nothing beside theirs."""
    for name, declared in paper.declared["experiments"].items():
        experiments = [e for tier in TIERS for e in paper.experiments(tier) if e.name == name]
        shares = [e.share for e in experiments if e.data == e.paper_data]
        assert shares == sorted(shares)
        assert shares[-1] < 1 if "share_of" in declared else shares[-1] == 1
        assert len({e.hashes("train")["config"] for e in experiments}) == len(experiments)
    assert {e.data for e in paper.experiments("smoke")} <= {"digits", "none"}, "needs no network"


@pytest.mark.parametrize("tier", TIERS)
def test_what_a_tier_leaves_out_another_experiment_stands_in_for(paper, tier):
    """The same rule, model or simulation is exercised there, if not at every size."""
    present = {experiment.science for experiment in paper.experiments(tier)}
    for experiment in paper.experiments("paper"):
        assert experiment.science in present, experiment.name


SPENT = {"steps_per_layer"}  # settings that are a budget


def test_tiers_on_the_papers_data_change_budgets_rates_and_sample_counts_alone(paper):
    """Else "full" in a table would not mean the paper's experiment."""
    for experiment in paper.declared["experiments"].values():
        for tier in experiment["tiers"].values():
            if tier.get("data", experiment["data"]) == experiment["data"]:
                allowed = {"budget", "settings", "training", "evaluation", "other_network"}
                assert set(tier) <= allowed
                changed = set(tier.get("settings", {})) - SPENT
                assert bool(changed) == ("other_network" in tier), "a table says: smaller network"
                assert set(tier.get("evaluation", {})) <= {"samples", "likelihood", "measures"}
                assert set(tier.get("training", {})) <= {"learning_rates", "batch"}
        assert set(experiment["tiers"]["paper"]) == {"budget"}


def test_what_the_paper_leaves_unsaid_is_declared(paper):
    for name, experiment in paper.declared["experiments"].items():
        assert experiment["unsaid"], f"{name}: a paper that leaves nothing open would be the first"


def test_every_claim_is_about_a_score_in_a_known_unit(paper):
    for claim in paper.claims:
        for score in claim.scores:
            assert score["metric"] in paper.metrics


@pytest.mark.parametrize("tier", TIERS)
def test_claims_compare_experiments_at_equal_shares_of_the_budget(paper, tier):
    shares = {e.name: e.share for e in paper.experiments(tier)}
    for claim in paper.claims:
        names = {score["experiment"] for score in claim.scores} & set(shares)
        assert len({shares[name] for name in names}) <= 1, claim.name


@pytest.mark.parametrize("tier", TIERS)
def test_every_figure_has_something_to_draw_in_every_tier(paper, tier):
    there = {experiment.name for experiment in paper.experiments(tier)}
    for name, figure in paper.figures.items():
        assert there & set(figure["experiments"]), name


def test_every_experiment_stands_in_a_figure(paper):
    drawn = {name for figure in paper.figures.values() for name in figure["experiments"]}
    assert drawn == set(paper.declared["experiments"])


def test_numbers_of_the_yaml_are_not_repeated_as_defaults_in_the_science(folder):
    """Hyperparameters live in YAML alone: keyword-only arguments have no default."""
    kinds = [folder / f"{name}.py" for name in KINDS.values()]
    for path in [*(p for p in kinds if p.exists()), *beside(folder)]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef) and node.name == "__init__":
                given = zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
                named = {argument.arg for argument, default in given if default is not None}
                assert named <= {"device", "dtype"}


def test_what_is_read_of_the_source_are_the_settings_of_its_classes(folder):
    """The checker imports nothing: what it finds are the fields that Python gives the dataclass.

    Hyperparameters live in YAML alone: they have no default.
    """
    kinds = [folder / f"{name}.py" for name in KINDS.values()]
    for path in [*(p for p in kinds if p.exists()), *beside(folder)]:
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for found in definitions(module).values():
            science = getattr(import_module(module), found.name)
            if hasattr(science, "Settings"):
                fields = dataclasses.fields(science.Settings)
                assert set(found.arguments) - PROVIDED == {f.name for f in fields}, found.name
                missing = dataclasses.MISSING
                assert all(f.default is f.default_factory is missing for f in fields), found.name
                assert found.methods <= set(dir(science))


def test_every_rule_that_has_a_gradient_is_aligned_with_it(paper):
    for tier in TIERS:
        for experiment in paper.experiments(tier):
            if experiment.kind == "learning_rule":
                has = "gradient" in definition_of(experiment.science).methods
                asked = "alignment" in experiment.resolved.get("evaluation", {})
                assert has == asked, experiment.name


def test_its_tests_mirror_it(folder):
    tests = ROOT / "tests" / folder.name
    names = [*KINDS.values(), *EVALUATED.values()]
    paths = [p for p in (folder / f"{name}.py" for name in names) if p.exists()]
    for path in [*paths, *beside(folder)]:
        assert (tests / f"test_{path.stem}.py").is_file()


def test_it_imports_itself_core_rules_of_others_and_the_papers_that_its_yaml_builds_on(
    folder, paper
):
    declared = paper.declared["experiments"].values()
    named = [e["learning_rule"] for e in declared if "learning_rule" in e]
    named += [name for e in declared for name in e.get("network", {})]
    allowed = {"core", folder.name, *(name.split(".")[0] for name in named if "." in name)}
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            module = getattr(node, "module", None) or ""
            if module.startswith(PACKAGE):
                _, owner, *rest = module.split(".")
                assert owner in allowed or rest in (["rule"], ["network"])


def test_captions_stand_in_the_report_word_for_word(paper):
    """Through the report's own template: no sign of theirs is taken for markup."""
    template = Template((ROOT / "workflows" / "report" / "figure.rst").read_text())
    for name, figure in paper.figures.items():
        params = SimpleNamespace(captions={name: figure["caption"]})
        text = template.render(snakemake=SimpleNamespace(params=params, output=f"x/{name}.png"))
        told = io.StringIO()
        tree = publish_doctree(text, settings_overrides={"warning_stream": told})
        assert not told.getvalue(), f"{name}: {told.getvalue()}"
        assert tree.astext() == f"{name}: {figure['caption']}".strip()
