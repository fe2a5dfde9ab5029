"""What a number came from: the package and its commit, the libraries, and the machine."""

from __future__ import annotations

import ast
import os
import platform
import re
import subprocess
from functools import cache
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
PACKAGE = "replications"
REFERENCE = ROOT / "results" / "reference"  # stored with the suite, wherever results go
CPUINFO = Path("/proc/cpuinfo")
# Variables by which libraries take the instructions of another processor.
CHOOSING = (
    "ATEN_CPU_CAPABILITY",
    "MKL_ENABLE_INSTRUCTIONS",
    "MKL_CBWR",
    "OPENBLAS_CORETYPE",
)
LIBRARIES = ("torch", "numpy", "scipy", "pandas", "scikit-learn", "snakemake", "safetensors")


def module_file(module: str) -> Path | None:
    """The file of a module of this package, or None if there is no such module."""
    path = ROOT.joinpath(*module.split("."))
    for candidate in (path.with_suffix(".py"), path / "__init__.py"):
        if candidate.is_file():
            return candidate
    return None


@cache
def syntax(path: Path) -> ast.Module:
    """The syntax tree of a file."""
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def git(*arguments: str) -> str:
    """What a git command on the project answers, whatever variables and whoever's checkout.

    Raises ValueError with what git says, or that there is none.
    """
    variables = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    command = ["git", "-c", "safe.directory=*", *arguments]
    try:
        done = subprocess.run(
            command, cwd=ROOT, env=variables, capture_output=True, encoding="utf-8", check=False
        )
    except OSError as error:
        raise ValueError(f"git: {error}") from None
    if done.returncode:
        raise ValueError(f"git {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout.strip()


def git_commit() -> str:
    """The checked-out commit, with "-dirty" where tracked files differ; "unknown" outside git."""
    try:
        return git("describe", "--always", "--dirty", "--abbrev=12", "--exclude=*")
    except ValueError:
        return "unknown"


def environment() -> dict[str, str]:
    """Versions of Python and of the libraries that a number depends on, and the processor."""
    versions = {name: metadata.version(name) for name in LIBRARIES}
    return {"python": platform.python_version(), **machine(), **versions}


@cache
def machine() -> dict[str, str]:
    """What a number's last digits hang on: the processor, and the instructions that libraries use.

    `processor` is its model; `instructions` those of torch's own kernels, and the variables that
    choose others; `blas` the libraries that multiply matrices, of torch and of numpy. That of scipy
    is left out: it is there only once a module of scipy has asked for it.
    """
    import scipy
    import torch
    from threadpoolctl import threadpool_info

    own = Path(scipy.__file__).resolve().parent
    scipys = {own, own.with_name("scipy.libs")}  # where its wheels keep libraries
    built = re.search(r"Math Kernel Library Version ([\d.]+)", torch.__config__.show())
    blas = {f"MKL {built[1]}"} if built else set()
    blas |= {
        f"{found['internal_api']} {found['version']} {found.get('architecture', '')}".strip()
        for found in threadpool_info()
        if found["user_api"] == "blas"
        and scipys.isdisjoint(Path(found["filepath"]).resolve().parents)
    }
    chosen = [f"{name}={os.environ[name]}" for name in CHOOSING if name in os.environ]
    return {
        "processor": processor(),
        "instructions": ", ".join([torch.backends.cpu.get_cpu_capability(), *chosen]),
        "blas": ", ".join(sorted(blas)),
    }


def processor() -> str:
    """The processor's name, with family and model where Linux tells them."""
    if not CPUINFO.exists():
        return platform.processor() or platform.machine()
    found = dict(re.findall(r"^([^\t:]+?)\s*: (.*)$", CPUINFO.read_text(encoding="utf-8"), re.M))
    name = found.get("model name", platform.machine())
    numbers = [f"{key} {found[key]}" for key in ("cpu family", "model") if key in found]
    return ", ".join([name, *numbers])
