"""The archive of a tier: what is in it, the same bytes each time, and when there is none."""

import hashlib
import json
import shutil
import subprocess
import zipfile

import pytest

from replications.__main__ import main
from replications.core.base.provenance import ROOT
from replications.core.steps import release as module
from replications.core.steps.crate import NAME
from replications.core.steps.release import release


@pytest.fixture
def folder(tier, tmp_path):
    return shutil.copytree(tier, tmp_path / "results")


@pytest.fixture
def committed(monkeypatch):
    """As if every file were as the commit has it."""
    monkeypatch.setattr(module, "git_commit", lambda: "0123456789ab")


@pytest.fixture
def archive(folder, committed):
    return release(folder, folder / "reference", "smoke")


def contents(archive):
    with zipfile.ZipFile(archive) as packed:
        return {name: packed.read(name) for name in packed.namelist()}


def test_it_holds_tables_scores_figures_crate_and_reference(folder, archive):
    assert archive == folder / "release" / "replications-0123456789ab-smoke.zip"
    found = contents(archive)
    for name in ("comparison.csv", "comparison_page.tex", "scores.parquet", "scores.csv", NAME,
                 "papers/lee2015/comparison.md", "figures/lee2015/learning_curves.pdf",
                 "runs/lee2015/mnist_continuous/0/run.json"):  # fmt: skip
        assert found[name] == (folder / "smoke" / name).read_bytes()
    assert found["reference/smoke.csv"] == b"stored\n"
    assert found["reference/search/draws.csv"] == b"drawn\n"
    assert found["LICENSE"] == (ROOT / "LICENSE").read_bytes()
    assert b"smoke tier" in found["README.md"] and b"0123456789ab" in found["README.md"]
    assert not [name for name in found if name.endswith((".safetensors", ".npz", ".log", ".lock"))]
    assert not [name for name, text in found.items() if str(folder).encode() in text]


def test_all_that_the_crate_lists_is_in_it(archive):
    found = contents(archive)
    listed = {e["@id"] for e in json.loads(found[NAME])["@graph"] if e["@type"] == "File"}
    others = {NAME, "README.md", "LICENSE", "CITATION.cff", ".zenodo.json", "SHA256SUMS"}
    assert set(found) == listed | others | {"reference/smoke.csv", "reference/search/draws.csv"}


def test_its_sums_are_those_of_its_files(archive, tmp_path):
    found = contents(archive)
    lines = found.pop("SHA256SUMS").decode().splitlines()
    assert dict(line.split("  ")[::-1] for line in lines) == {
        name: hashlib.sha256(text).hexdigest() for name, text in found.items()
    }
    if shutil.which("sha256sum"):
        with zipfile.ZipFile(archive) as packed:
            packed.extractall(tmp_path / "unpacked")
        command = ["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"]
        subprocess.run(command, cwd=tmp_path / "unpacked", check=True)


def test_what_zenodo_asks_for_names_the_papers_in_it(archive):
    told = json.loads(contents(archive)[".zenodo.json"])
    assert told["upload_type"] == "dataset" and told["license"] == "mit"
    assert told["version"].endswith("commit 0123456789ab") and told["creators"]
    assert {r["identifier"] for r in told["related_identifiers"]} == {
        "arXiv:1502.04156v3", "10.1007/978-3-319-23528-8_31"
    }  # fmt: skip


def test_made_twice_it_is_the_same_bytes(folder, archive):
    before = archive.read_bytes()
    archive.unlink()
    for path in (folder / "smoke").rglob("*.csv"):
        path.touch()  # another date is no other content
    assert release(folder, folder / "reference", "smoke").read_bytes() == before


@pytest.mark.parametrize(
    ("commit", "said"),
    [
        ("0123456789ab-dirty", r"files differ from commit 0123456789ab: commit them, or put them "
         r"aside \(git stash\), then run this again"),
        ("unknown", "no commit is known, .*: run this in a clone of the repository"),
    ],
)  # fmt: skip
def test_without_a_clean_commit_there_is_none(folder, monkeypatch, commit, said):
    monkeypatch.setattr(module, "git_commit", lambda: commit)
    with pytest.raises(ValueError, match=said):
        release(folder, folder / "reference", "smoke")
    assert not (folder / "release").exists()
    assert main(["--results", str(folder), "release", "--tier", "smoke"]) == 1


@pytest.mark.usefixtures("committed")
def test_without_tables_or_reference_there_is_none(folder):
    with pytest.raises(ValueError, match="paper has no tables: run `snakemake --cores all paper`"):
        release(folder, folder / "reference", "paper")
    shutil.rmtree(folder / "reference")
    with pytest.raises(ValueError, match=r"reference is missing: take it from the commit \(git"):
        release(folder, folder / "reference", "smoke")
