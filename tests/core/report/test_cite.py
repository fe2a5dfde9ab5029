"""BibTeX: read back by its own parser, against what the YAML files say; what is refused."""

import json

import pandas as pd
import pytest
import yaml
from pybtex.database import parse_string

from replications.__main__ import main
from replications.core.base.provenance import ROOT, git_commit
from replications.core.declare.papers import suite
from replications.core.report.cite import behind, cited


@pytest.fixture(scope="module")
def entries():
    return parse_string(cited(suite(), suite().names), "bibtex").entries


def test_every_paper_is_cited_as_it_declares_itself(entries):
    assert list(entries) == ["replications", *suite().names]
    for name in suite().names:
        declared, entry = suite().paper(name).declared["paper"], entries[name]
        assert entry.fields["title"] == f"{{{declared['title']}}}"  # its capitals stay
        assert entry.fields["year"] == str(declared["year"])
        assert [str(p).split(", ")[0] for p in entry.persons["author"]] == [
            author.split()[-1] for author in declared["authors"]
        ]
        assert entry.fields.get("doi") == declared.get("doi")
        assert entry.fields.get("eprint") == declared.get("arxiv")


def test_kinds_of_entries_and_pages(entries):
    kinds = {name: entries[name].type for name in ("song2000", "xie2000", "bengio2015")}
    assert kinds == {"song2000": "article", "xie2000": "inproceedings", "bengio2015": "misc"}
    assert entries["song2000"].fields["pages"] == "919--926"
    assert entries["song2000"].fields["journal"] == "Nature Neuroscience"


def test_the_suite_is_cited_with_its_version_and_commit(entries):
    told = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    entry = entries["replications"]
    assert entry.fields["note"] == f"Version {told['version']}, commit {git_commit()}"
    assert told["title"] in entry.fields["title"]
    assert str(entry.persons["author"][0]) == f"{{{told['authors'][0]['name']}}}"  # one word


def test_the_papers_behind_a_table_are_cited_once(tmp_path, capsys):
    rows = [
        {"paper": p, "claim": c} for p, c in (("xie2000", "a"), ("lee2015", "b"), ("xie2000", "c"))
    ]
    pd.DataFrame(rows).to_csv(tmp_path / "comparison.csv", index=False)
    (tmp_path / "comparison.json").write_text(json.dumps({"comparisons": rows}))
    for suffix in ("csv", "json"):
        assert behind(tmp_path / f"comparison.{suffix}") == ["xie2000", "lee2015"]
    assert main(["cite", "lee2015", str(tmp_path / "comparison.csv")]) == 0
    found = parse_string(capsys.readouterr().out, "bibtex").entries
    assert list(found) == ["replications", "lee2015", "xie2000"]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("none.csv", None, "none.csv is not there: name papers, or a comparison.csv or .json"),
        ("other.csv", "a,b\n1,2\n", "other.csv has no papers: give a comparison.csv"),
        ("other.json", "{}", "other.json has no papers: give a comparison.csv"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path, name, content, said):
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(ValueError, match=said):
        cited(suite(), [str(tmp_path / name)])


def test_a_paper_that_is_not_here_is_refused():
    with pytest.raises(ValueError, match=r"unknown lee2016; there are .*lee2015"):
        cited(suite(), ["lee2016"])
