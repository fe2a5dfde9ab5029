"""Canonical files out of downloads that nobody need trust.

Nothing is ever extracted by the name an archive gives it: a member is looked up by the name
that we expect, read as a stream, and kept only if it is the canonical file byte for byte.
"""

import hashlib
import io
import pickle
import tarfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO, Any, BinaryIO, Protocol

import numpy as np

from replications.core.data.catalogue import DataFile

CHUNK = 1 << 20


class UnsafeDownload(Exception):
    """A download that is not what it should be, or that tries what no dataset needs."""


class Readable(Protocol):
    """A binary file for reading, whatever unpacks it."""

    def read(self, size: int = ..., /) -> bytes:
        """At most `size` bytes; none at the end."""


class Capped:
    """A binary file for writing that refuses to grow past ``limit`` bytes."""

    def __init__(self, stream: BinaryIO, limit: int):
        self._stream, self._limit, self._written = stream, limit, 0

    def write(self, chunk: bytes) -> int:
        """Write ``chunk``, or raise UnsafeDownload where it would pass the limit."""
        self._written += len(chunk)
        if self._written > self._limit:
            raise UnsafeDownload(f"longer than the {self._limit} bytes it may have")
        return self._stream.write(chunk)

    def flush(self) -> None:
        """Flush the file."""
        self._stream.flush()


def save(stream: Readable, file: DataFile, folder: Path) -> None:
    """Copy ``stream`` to ``folder`` as ``file``; never writes more than ``file.bytes``.

    Raises:
        UnsafeDownload: the stream is not the canonical file.
    """
    digest = hashlib.sha256()
    with open(folder / file.name, "wb") as raw:
        out = Capped(raw, file.bytes)
        while chunk := stream.read(CHUNK):
            digest.update(chunk)
            out.write(chunk)
        size = raw.tell()
    if (size, digest.hexdigest()) != (file.bytes, file.sha256):
        raise UnsafeDownload(
            f"{file.name} has {size} bytes with SHA-256 {digest.hexdigest()}: "
            f"expected {file.bytes} bytes with SHA-256 {file.sha256}"
        )


def tar_members(archive: IO[bytes]) -> Iterator[tuple[str, IO[bytes]]]:
    """Name and contents of each file in a tar archive (compressed or not), in order.

    Names come without a leading ``./``; read each stream before asking for the next.

    Raises:
        UnsafeDownload: a member has an absolute path or ``..``, or is a link or a device.
    """
    with tarfile.open(fileobj=archive, mode="r|*") as tar:
        for member in tar:
            path = PurePosixPath(member.name)
            if path.is_absolute() or ".." in path.parts:
                raise UnsafeDownload(f"refused: {member.name!r} points outside the archive")
            if not (member.isfile() or member.isdir()):
                raise UnsafeDownload(f"refused: {member.name!r} is a link or a device")
            if stream := tar.extractfile(member):  # none for a folder
                yield str(path), stream


_RECONSTRUCT = np.empty(0).__reduce__()[0]
_ARRAY_PARTS = {
    ("numpy.core.multiarray", "_reconstruct"): _RECONSTRUCT,  # written by NumPy 1
    ("numpy._core.multiarray", "_reconstruct"): _RECONSTRUCT,  # written by NumPy 2
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
}


class _ArrayUnpickler(pickle.Unpickler):
    """An unpickler that can rebuild NumPy arrays and call nothing else."""

    def find_class(self, module: str, name: str) -> object:
        if (module, name) not in _ARRAY_PARTS:
            raise UnsafeDownload(f"refused: the pickle asks for {module}.{name}")
        return _ARRAY_PARTS[module, name]


def load_arrays(stream: Readable, limit: int) -> Any:
    """Containers and NumPy arrays from a pickle of at most ``limit`` bytes.

    Raises:
        UnsafeDownload: the pickle is longer, or asks for anything but arrays.
    """
    data = stream.read(limit + 1)
    if len(data) > limit:
        raise UnsafeDownload(f"the pickle is longer than the {limit} bytes it may have")
    # Python 2 wrote the pickle of MNIST: NumPy reads its byte strings back as latin1.
    return _ArrayUnpickler(io.BytesIO(data), encoding="latin1").load()
