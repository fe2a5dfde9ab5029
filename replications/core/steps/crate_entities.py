"""What the runs and files of a crate refer to: the suite, the papers, the data, hashes, machines.

Each has one place in the crate, found again by its identifier. Nothing is guessed: what is not
known is left out, or said to be unknown.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from rocrate.model.contextentity import ContextEntity
from rocrate.model.entity import Entity
from rocrate.rocrate import ROCrate

from replications.core.base.hashes import digest
from replications.core.base.provenance import git
from replications.core.data.catalogue import data_hash, find
from replications.core.declare.papers import Paper
from replications.core.report.cite import citation

RECALLED = "Recalled, not read at its source."  # so of every licence in the catalogue
CHANGED = "Its files differed from the commit's when it ran."
NO_COMMIT = "It ran outside git: its commit is unknown."


def local(*parts: object) -> str:
    """An identifier within the crate: "#run/lee2015/mnist_continuous/0"."""
    return "#" + "/".join(quote(str(part), safe="") for part in parts)


def entity(crate: ROCrate, identifier: str, kind: str, /, **properties: object) -> Entity:
    """The entity of an identifier, added to the crate if it is not there; a list of one is it."""
    values = {name: value[0] if isinstance(value, list) and len(value) == 1 else value
              for name, value in properties.items()}  # fmt: skip
    found = crate.get(identifier)
    return found or crate.add(ContextEntity(crate, identifier, {"@type": kind} | values))


def fact(crate: ROCrate, name: str, value: object, about: str, /, **more: object) -> Entity:
    """A named value, one for all that it is `about`."""
    return entity(crate, local(name, about), "PropertyValue", name=name, value=value, **more)


def licence(crate: ROCrate) -> Entity:
    """The suite's licence, by its SPDX identifier."""
    name = citation()["license"]
    return entity(crate, f"https://spdx.org/licenses/{name}", "CreativeWork", name=name)


def suite_at(crate: ROCrate, commit: str) -> Entity:
    """The suite at a commit, as `git_commit` writes it; its authors as in CITATION.cff."""
    told = citation()
    authors = [entity(crate, local("author", author["name"]), "Organization", name=author["name"])
               for author in told["authors"]]  # fmt: skip
    known = NO_COMMIT if commit == "unknown" else ""
    said = CHANGED if commit.endswith("-dirty") else known
    more = {"description": said} if said else {}
    return entity(
        crate, local("suite", commit), "SoftwareSourceCode", name=told["title"], version=commit,
        license=licence(crate), author=authors, programmingLanguage="Python", **more,
    )  # fmt: skip


def article(crate: ROCrate, paper: Paper) -> Entity:
    """A paper as its paper.yaml declares it, found by its DOI, or else by its number at arXiv."""
    declared = paper.declared["paper"]
    links = {}
    if "doi" in declared:
        links[f"doi:{declared['doi']}"] = f"https://doi.org/{quote(declared['doi'])}"
    if "arxiv" in declared:
        links[f"arXiv:{declared['arxiv']}"] = f"https://arxiv.org/abs/{declared['arxiv']}"
    published = declared.get("published", {})
    where = [value if key in ("journal", "booktitle") else f"{key} {value}"
             for key, value in published.items()]  # fmt: skip
    more: dict[str, object] = {"identifier": list(links)} if links else {}
    if where:
        more["description"] = ", ".join(where)
    people = [entity(crate, local("person", name), "Person", name=name)
              for name in declared["authors"]]  # fmt: skip
    identifier = next(iter(links.values()), local("paper", paper.name))
    return entity(
        crate, identifier, "ScholarlyArticle", name=declared["title"], author=people,
        datePublished=str(declared["year"]), **more,
    )  # fmt: skip


def dataset(crate: ROCrate, name: str) -> Entity:
    """A dataset of the catalogue: its licence, and the hashes of its files."""
    data = find(name)
    where = "" if data.files else ", part of the scikit-learn that the run names"
    files = [fact(crate, f"SHA-256 of {file.name}", file.sha256, name) for file in data.files]
    terms = entity(crate, local("licence", name), "CreativeWork", name=data.licence,
                   description=RECALLED)  # fmt: skip
    return entity(
        crate, local("data", name), "Dataset", name=name, license=terms,
        description=f"{name}{where}. Licence: {data.licence}. {RECALLED}",
        identifier=[fact(crate, "data hash", data_hash(name), name), *files],
    )  # fmt: skip


def machine(crate: ROCrate, environment: Mapping[str, str]) -> Entity:
    """The processor, the instructions and the libraries that a run's last digits hang on."""
    told = "; ".join(f"{name} {value}" for name, value in environment.items())
    return fact(crate, "machine and libraries", told, digest(dict(environment)))


def day() -> str:
    """The day of the checked-out commit; outside git that of the suite's version.

    A folder on a disk is not published; a day that only the code decides leaves a crate that is
    made again as it was.
    """
    try:
        return git("show", "--no-patch", "--format=%cs", "HEAD")
    except ValueError:
        return str(citation()["date-released"])
