"""results/release/: one archive of a tier's results, to upload or to keep.

It unpacks to an RO-Crate: what ro-crate-metadata.json lists, in its place, with the reference and
with SHA256SUMS, which `sha256sum -c` reads. The same commit and files give the same bytes.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote

from replications.core.base.carried import Carried
from replications.core.base.files import read_json, write_atomically
from replications.core.base.provenance import ROOT, git_commit
from replications.core.report.cite import citation
from replications.core.steps.crate import write_crate

SUMS = "SHA256SUMS"
README = """\
# {title}

Results of the {tier} tier, made by version {version}, commit {commit}.

- `comparison.*`: the claims of papers beside our numbers, with verdicts; `scores.*`: every score.
- `papers/`, `figures/`: the same tables of each paper, and its figures.
- `runs/`: of every run what made it, its scores and its curves. Its parameters are not here: the
  suite makes them again.
- `reference/`: the stored scores of finished runs, of every tier, and who made them.
- `ro-crate-metadata.json`: all files and runs with their code, data, licences and hashes.
- `{sums}`: `sha256sum -c {sums}` checks every file.
- `.zenodo.json`: what to fill in at Zenodo, which does not read it from an archive by itself.
"""


def release(results: Path, reference: Path, tier: str) -> Path:
    """Write the crate of a tier, and results/release/replications-<commit>-<tier>.zip; its path.

    Raises ValueError, with what to do, where files differ from the commit, outside git, and for
    what `write_crate` refuses.
    """
    commit = clean_commit()
    crate = write_crate(results, tier, Carried(reference / "carried.csv"))
    graph = read_json(crate)["@graph"]
    contents = described(crate, graph) | stored(reference)
    contents |= {name: (ROOT / name).read_bytes() for name in ("LICENSE", "CITATION.cff")}
    words = {"tier": tier, "commit": commit, "sums": SUMS}
    contents["README.md"] = README.format(**citation(), **words).encode()
    contents[".zenodo.json"] = as_json(for_zenodo(tier, commit, graph))
    contents[SUMS] = sums(contents).encode()
    path = results / "release" / f"replications-{commit}-{tier}.zip"
    path.parent.mkdir(exist_ok=True)
    write_atomically(path, zipped(contents))
    return path


def clean_commit() -> str:
    """The checked-out commit. Raises ValueError if no commit says what the files are."""
    commit = git_commit()
    if commit == "unknown":
        raise ValueError("no commit is known, so that nobody could tell which code this release is "
                         "of: run this in a clone of the repository")  # fmt: skip
    if commit.endswith("-dirty"):
        raise ValueError(f"files differ from commit {commit.removesuffix('-dirty')}: commit them, "
                         "or put them aside (git stash), then run this again")  # fmt: skip
    return commit


def described(crate: Path, graph: list[dict]) -> dict[str, bytes]:
    """A crate's metadata and the files that it lists, by name."""
    names = [unquote(entity["@id"]) for entity in graph if entity["@type"] == "File"]
    return {name: (crate.parent / name).read_bytes() for name in (crate.name, *names)}


def stored(reference: Path) -> dict[str, bytes]:
    """The reference, in a folder of its own. Raises ValueError if there is none."""
    paths = [path for path in reference.rglob("*") if path.is_file()]
    if not paths:
        raise ValueError(f"{reference} is missing: take it from the commit (git checkout "
                         f"{reference})")  # fmt: skip
    return {f"reference/{path.relative_to(reference).as_posix()}": path.read_bytes()
            for path in paths}  # fmt: skip


def for_zenodo(tier: str, commit: str, graph: list[dict]) -> dict:
    """What Zenodo's form, or its API, asks for: who made the suite, and the papers in a crate."""
    told = citation()
    return {
        "title": f"{told['title']} Results of the {tier} tier",
        "description": f"Tables, scores and figures of the replications suite, {tier} tier.",
        "upload_type": "dataset",
        "creators": [{"name": author["name"]} for author in told["authors"]],
        "license": told["license"].lower(),
        "version": f"{told['version']}, commit {commit}",
        "keywords": told["keywords"],
        "related_identifiers": related(graph),
    }


def related(graph: list[dict]) -> list[dict[str, str]]:
    """The papers of a crate that have a DOI, or else a number at arXiv."""
    known = [entity["identifier"] for entity in graph
             if entity["@type"] == "ScholarlyArticle" and "identifier" in entity]  # fmt: skip
    first = [found if isinstance(found, str) else found[0] for found in known]
    return [{"identifier": name.removeprefix("doi:"), "relation": "references"} for name in first]


def as_json(value: object) -> bytes:
    """A value as indented JSON."""
    return (json.dumps(value, indent=1, ensure_ascii=False) + "\n").encode()


def sums(contents: Mapping[str, bytes]) -> str:
    """The SHA-256 of every file, as `sha256sum` writes and checks them."""
    return "".join(f"{hashlib.sha256(contents[name]).hexdigest()}  {name}\n"
                   for name in sorted(contents))  # fmt: skip


def zipped(contents: Mapping[str, bytes]) -> bytes:
    """A ZIP archive of files by name: in their order, all of one date and one mode."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in sorted(contents):
            entry = zipfile.ZipInfo(name)  # dated 1980, the earliest that a ZIP can say
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, contents[name])
    return buffer.getvalue()
