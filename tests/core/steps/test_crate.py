"""The crate of a results folder: by its own validator, against the files, and what is refused."""

import importlib.resources
import json
import shutil

import pandas as pd
import pytest
from rocrate.rocrate import ROCrate
from rocrate_validator import services

from replications.__main__ import main
from replications.core.base.carried import Carried
from replications.core.base.provenance import REFERENCE, git_commit, machine
from replications.core.data.catalogue import MNIST, sha256_of
from replications.core.declare.papers import suite
from replications.core.steps import crate_entities
from replications.core.steps.crate import NAME, TERMS, write_crate

CONTEXT = "https://w3id.org/ro/crate/1.1/context"
# What the crate uses of RO-Crate 1.1; each was looked up in its context.
OF_1_1 = {
    "CreateAction", "CreativeWork", "Dataset", "File", "Organization", "Person", "PropertyValue",
    "ScholarlyArticle", "SoftwareSourceCode", "about", "author", "citation", "conformsTo",
    "contentSize", "datePublished", "description", "encodingFormat", "hasPart", "identifier",
    "instrument", "license", "mentions", "name", "object", "programmingLanguage", "result",
    "unitText", "value", "version",
}  # fmt: skip
# What the profile recommends and nobody recorded: when a run ended, who started it, where the suite
# and its authors are at home, who the authors of a user's folder are.
UNKNOWN = {
    "The Action SHOULD have an endTime in ISO 8601 format",
    "The Action SHOULD have an agent that is a Person or Organization",
    "The Application SHOULD have a url",
    "The SoftwareApplication id SHOULD be an absolute URI",
    "The organization SHOULD have a URL.",
    "The author SHOULD have an organizational affiliation.",
    "The author SHOULD have a Contextual Entity which specifies the organizational `affiliation`.",
    "The Root Data Entity SHOULD have a link to a Contextual Entity representing the `author` of "
    "the RO-Crate",
    "The `publisher` property of a `Root Data Entity` SHOULD be an `Organization`",
}

CARRIED = Carried(REFERENCE / "carried.csv")


@pytest.fixture(scope="module")
def crate(tier):
    """The written crate, as entities by their identifiers."""
    path = write_crate(tier, "smoke", CARRIED)
    assert path == tier / "smoke" / NAME
    return {entity["@id"]: entity for entity in json.loads(path.read_text())["@graph"]}


@pytest.fixture
def folder(tier, tmp_path):
    """A copy of the results, to be altered."""
    return shutil.copytree(tier, tmp_path / "results")


def of_type(crate, kind):
    return [entity for entity in crate.values() if entity["@type"] == kind]


def without_network(path):
    """A cache that answers for the one address that the validator asks for.

    The library has the context of RO-Crate 1.3, which holds all that is in OF_1_1.
    """
    from requests_cache import CachedResponse, CachedSession
    from requests_cache.models import CachedRequest

    known = importlib.resources.files("rocrate").joinpath("data/ro-crate.jsonld").read_bytes()
    asked = CachedRequest(method="GET", url=CONTEXT)
    answer = CachedResponse(status_code=200, url=CONTEXT, request=asked, content=known,
                            headers={"Content-Type": "application/ld+json"})  # fmt: skip
    with CachedSession(str(path), backend="sqlite", expire_after=-1) as session:
        session.cache.save_response(answer)
    return path


def test_it_is_a_valid_process_run_crate(tier, crate, tmp_path):
    """What is required is there; of what is recommended, all but what nobody recorded."""
    settings = services.ValidationSettings(
        rocrate_uri=str(tier / "smoke"), profile_identifier="process-run-crate", offline=True,
        cache_path=without_network(tmp_path / "answers"), requirement_severity="RECOMMENDED",
    )  # fmt: skip
    result = services.validate(settings)
    assert {issue.message for issue in result.get_issues()} == UNKNOWN


def test_a_fault_is_noticed_by_the_validator(folder, tmp_path):
    """The check above can fail: a run without its instrument, a file that is not there."""
    path = write_crate(folder, "smoke", CARRIED)
    told = json.loads(path.read_text())
    (run,) = (e for e in told["@graph"] if e["@id"] == "#run/lee2015/mnist_continuous/0")
    del run["instrument"]
    path.write_text(json.dumps(told))
    (folder / "smoke" / "comparison.md").unlink()
    settings = services.ValidationSettings(
        rocrate_uri=str(folder / "smoke"), profile_identifier="process-run-crate", offline=True,
        cache_path=without_network(tmp_path / "answers"),
    )  # fmt: skip
    found = " ".join(issue.message for issue in services.validate(settings).get_issues())
    assert "MUST have an instrument" in found and "comparison.md" in found


def test_every_term_is_one_of_its_version(crate):
    used = {name for entity in crate.values() for name in entity if name[0] != "@"}
    used |= {entity["@type"] for entity in crate.values()}
    assert used == OF_1_1 | set(TERMS)


def test_every_table_score_and_figure_is_listed_with_its_hash(tier, crate):
    listed = {entity["@id"]: entity for entity in of_type(crate, "File")}
    folder = tier / "smoke"
    ends = (".csv", ".json", ".md", ".html", "_column.tex", "_page.tex", "_preview.tex")
    tables = {f"comparison{end}" for end in ends}
    tables |= {f"scores.{s}" for s in ("csv", "parquet")}
    figures = {f"figures/lee2015/{n}.{s}" for n in suite().paper("lee2015").figures
               for s in ("png", "pdf")}  # fmt: skip
    assert tables | {f"papers/lee2015/{t}" for t in tables} | figures == {
        name for name in listed if not name.startswith("runs/")
    }
    for name, entity in listed.items():
        assert entity["sha256"] == sha256_of(folder / name)
        assert entity["contentSize"] == str((folder / name).stat().st_size)
    assert {part["@id"] for part in crate["./"]["hasPart"]} == set(listed)
    assert "error" in listed["figures/lee2015/learning_curves.png"]["description"].lower()


def test_the_page_is_listed_and_what_is_no_result_is_not(crate, folder):
    for name in ("index.html", "report.html", "snakemake.json", "figures/lee2015/dropped.png",
                 "papers/lee2016/scores.csv", "logs/x.log", "done/x.json", ".hidden"):  # fmt: skip
        path = folder / "smoke" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    after = {
        e["@id"] for e in json.loads(write_crate(folder, "smoke", CARRIED).read_text())["@graph"]
    }
    assert after == {*crate, "index.html"}


def test_every_run_says_what_made_it(tier, crate):
    actions = {name: e for name, e in crate.items() if name.startswith("#run/")}
    # Two runs of everything that lee2015 has, and of a simulation.
    assert len(actions) == 2 * len(suite().paper("lee2015").experiments("smoke")) + 2
    place = tier / "smoke/runs/lee2015/mnist_continuous/1"
    run, scores = (json.loads((place / f"{n}.json").read_text()) for n in ("run", "scores"))
    action = actions["#run/lee2015/mnist_continuous/1"]
    objects = [crate[ref["@id"]] for ref in action["object"]]
    values = {entity["name"]: entity.get("value") for entity in objects}
    for step, hashes in (("training", run["hashes"]), ("scoring", scores["hashes"])):
        assert values[f"code of {step}, hash"] == hashes["code"]
        assert values[f"settings of {step}, hash"] == hashes["config"]
    assert values["seeds"] == ", ".join(f"{name} {seed}" for name, seed in run["seeds"].items())
    assert machine()["processor"] in values["machine and libraries"]
    assert crate[action["instrument"]["@id"]]["version"] == run["commit"]
    assert crate[action["resourceUsage"]["@id"]]["value"] == run["seconds"]
    assert {ref["@id"] for ref in action["result"]} == {
        f"runs/lee2015/mnist_continuous/1/{name}" for name in
        ("run.json", "scores.json", "curves.csv")
    }  # fmt: skip
    assert {ref["@id"] for ref in crate["./"]["mentions"]} == {*actions, "#crate"}
    assert not {"endTime", "agent"} & set(action), "neither is recorded"


def test_a_run_names_its_data_and_a_simulation_has_none(crate):
    data = {e["@id"]: [ref["@id"] for ref in e["object"] if ref["@id"].startswith("#data/")]
            for e in of_type(crate, "CreateAction") if "object" in e}  # fmt: skip
    assert data["#run/lee2015/mnist_continuous/0"] == ["#data/digits"]
    assert data["#run/bengio2015/stdp_spread/0"] == []
    assert "Recalled" in crate["#data/digits"]["description"]
    assert "Recalled" in crate[crate["#data/digits"]["license"]["@id"]]["description"]


def test_a_dataset_has_the_catalogues_hashes():
    crate = ROCrate(version="1.1")
    data = crate_entities.dataset(crate, "mnist")
    hashes = {entity["value"] for entity in data["identifier"]}
    assert {file.sha256 for file in MNIST.files} < hashes and len(hashes) == 5
    assert data["license"]["name"] == MNIST.licence


def test_papers_and_suite_are_those_that_declare_themselves(crate):
    articles = {e["@id"]: e for e in of_type(crate, "ScholarlyArticle")}
    assert set(articles) == {
        "https://arxiv.org/abs/1502.04156v3",
        "https://doi.org/10.1007/978-3-319-23528-8_31",
    }
    lee = articles["https://doi.org/10.1007/978-3-319-23528-8_31"]
    assert lee["identifier"] == ["doi:10.1007/978-3-319-23528-8_31", "arXiv:1412.7525"]
    people = [crate[ref["@id"]]["name"] for ref in lee["author"]]
    assert people == suite().paper("lee2015").declared["paper"]["authors"]
    own = crate[crate["#crate"]["instrument"]["@id"]]
    assert own["version"] == git_commit() and own["license"] == crate["./"]["license"]
    assert own["license"]["@id"] == "https://spdx.org/licenses/MIT"


def test_it_is_the_same_when_it_is_made_again(tier, crate):
    before = (tier / "smoke" / NAME).read_bytes()
    assert write_crate(tier, "smoke", CARRIED).read_bytes() == before


def rewritten(path, **more):
    path.write_text(json.dumps(json.loads(path.read_text()) | more))


def of_other_code(folder):
    """Tables and a run that agree with each other, and not with today's code."""
    path = folder / "runs/lee2015/mnist_continuous/0/scores.json"
    told = json.loads(path.read_text())
    made = {"code": "earlier", "config": "earlier"}
    rewritten(path, hashes=told["hashes"] | made)
    table = pd.read_csv(folder / "scores.csv", dtype=str, keep_default_na=False)
    own = (table["experiment"] == "mnist_continuous") & (table["run"] == "0")
    table.loc[own, "score"] = "earlier/earlier"
    table.to_csv(folder / "scores.csv", index=False)


RUN = "runs/lee2015/mnist_continuous/0"


@pytest.mark.parametrize(
    ("alter", "said"),
    [
        (lambda f: (f / "scores.csv").unlink(),
         r"smoke has no tables: run `snakemake --cores all smoke` first"),
        (lambda f: (f / "scores.csv").write_text("paper,run\nlee2015,0\n"),
         r"another version of the suite wrote .*scores.csv.*: remove .*done and run `snakemake"),
        (lambda f: (f / "scores.csv").write_text((f / "scores.csv").read_text().split("\n")[0]),
         r"scores.csv has no scores: no run ended well"),
        (lambda f: (f / "scores.csv").write_text(
            (f / "scores.csv").read_text().replace("mnist_continuous", "renamed")),
         r"renamed/0 is of another version of the suite \(lee2015 has no experiment 'renamed'"),
        (lambda f: (f / RUN / "run.json").unlink(),
         r"0/run.json is missing, so that nothing says what made this run: remove .*done and run"),
        (lambda f: (f / RUN / "run.json").write_text('{"hashes": {}, "seeds": {}}'),
         r"run.json lacks device, threads, commit, environment, seconds, so that"),
        (lambda f: rewritten(f / RUN / "run.json", hashes={"code": "x", "config": "y"}),
         r"the tables of .*smoke were made before .*mnist_continuous/0: remove"),
        (of_other_code, r"0 was made by other code, settings or data than today's: remove"),
    ],
)  # fmt: skip
def test_what_cannot_be_described_is_refused_with_what_to_do(folder, alter, said):
    alter(folder / "smoke")
    with pytest.raises(ValueError, match=said):
        write_crate(folder, "smoke", CARRIED)


def test_the_command_writes_it(folder):
    (folder / "smoke" / NAME).unlink(missing_ok=True)
    assert main(["--results", str(folder), "crate", "--tier", "smoke"]) == 0
    assert (folder / "smoke" / NAME).exists()
    assert main(["--results", str(folder), "crate", "--tier", "paper"]) == 1
