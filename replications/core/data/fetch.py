"""Bringing a dataset's files here, from whichever source answers, always the same bytes.

Sources are tried in order: DATA_MIRROR, then those of the catalogue. Each works in a
temporary directory beside the files' places, and nothing leaves it before its SHA-256 is
the canonical one; so no source need be trusted, and a failure or Ctrl-C leaves nothing.
"""

import logging
import os
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

from replications.core.base.errors import Expected
from replications.core.data.catalogue import DataFile, Dataset, Files, Source, fault_of, find
from replications.core.data.sources import Web, bring, in_words, stop_where_full

log = logging.getLogger(__name__)


class FetchError(Expected):
    """No source gave the dataset; the message says what each answered and what to do."""


def fetch(
    name: str, root: Path, *, mirror: str | None = None, attempts: int = 3, progress: bool = True
) -> list[Path]:
    """Have every file of the dataset ``name`` in ``root/name``, and return their paths.

    Files that are already the canonical ones stay; missing or altered ones are brought anew.

    Args:
        name: a name in the catalogue; ``digits`` needs no files.
        root: the folder of all datasets, created where missing.
        mirror: an ``https://`` or ``file:///`` base, asked first for ``<name>/<file>`` and
            ``<name>/<file>.gz``; None reads the environment variable DATA_MIRROR.
        attempts: tries for each HTTPS download, 1, 2, 4, ... seconds apart.
        progress: show progress bars, on a terminal.

    Raises:
        ValueError: the catalogue has no such dataset.
        FetchError: no source served, or the mirror is neither https:// nor file:///.
        OSError: the disk is full; it names the folder.
    """
    dataset, folder = find(name), Path(root) / name
    wanted = _faulty_files(dataset, folder)
    if not wanted:
        return dataset.paths(root)
    sources = (*_mirror_sources(name, mirror), *dataset.sources)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        _fetch_from_first(sources, wanted, folder, Web(attempts, progress))
    finally:
        if not any(folder.iterdir()):
            folder.rmdir()
    return dataset.paths(root)


def _mirror_sources(name: str, mirror: str | None) -> list[Source]:
    """The user's mirror as a source, if there is one."""
    base = os.environ.get("DATA_MIRROR", "") if mirror is None else mirror
    if not base:
        return []
    if not base.startswith(("https://", "file:///")):
        raise FetchError(f"DATA_MIRROR must begin with https:// or file:///, unlike {base!r}")
    return [Files(f"{base.rstrip('/')}/{name}", suffixes=("", ".gz"))]


def _faulty_files(dataset: Dataset, folder: Path) -> list[DataFile]:
    """The dataset's files that are missing or wrong, each logged with what is wrong."""
    faulty = []
    for file in dataset.files:
        path = folder / file.name
        if fault := fault_of(path, file):
            log.log(logging.WARNING if path.exists() else logging.INFO, "%s %s", path, fault)
            faulty.append(file)
    return faulty


def _fetch_from_first(
    sources: Iterable[Source], wanted: list[DataFile], folder: Path, web: Web
) -> None:
    """Put the wanted files into ``folder`` from the first source that has them all."""
    answers = []
    for source in sources:
        log.info("asking %s", source)
        # In the folder itself, so that the last step is a rename even where it is a mount.
        with TemporaryDirectory(dir=folder, prefix=".fetch-") as work:
            try:
                bring(source, wanted, Path(work), web)
            # A download is a stranger's: whatever is wrong with it, the next source may serve.
            except Exception as error:
                stop_where_full(error, folder)
                answers.append(f"{source}: {in_words(error)}")
                log.warning("%s", answers[-1])
                continue
            for file in wanted:
                os.replace(Path(work) / file.name, folder / file.name)
        log.info("%s: %d files verified, from %s", folder, len(wanted), source)
        return
    raise FetchError(_guidance(answers, wanted, folder))


def _guidance(answers: list[str], wanted: list[DataFile], folder: Path) -> str:
    """The whole story of a failure, and the way out of it."""
    name = folder.name
    places = [f"{folder / f.name}  ({f.bytes} bytes, SHA-256 {f.sha256})" for f in wanted]
    return "\n".join(
        [
            f"no source could serve {name}. Tried, in this order:",
            *(f"  {number}. {answer}" for number, answer in enumerate(answers, start=1)),
            "To supply the files by hand, put each, uncompressed, at exactly this place:",
            *(f"  {place}" for place in places),
            "or set DATA_MIRROR to an https:// or file:/// base below which they lie as",
            f"  {name}/<file> or {name}/<file>.gz",
            f"and run `python -m replications fetch {name}` again.",
        ]
    )
