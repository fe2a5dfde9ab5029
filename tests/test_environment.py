"""pyproject.toml, requirements.lock and environment.yml say the same."""

import re
import tomllib

import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from replications.core.base.provenance import ROOT

LINES = (ROOT / "requirements.lock").read_text().splitlines()
LOCK = {Requirement(line).name: Requirement(line) for line in LINES if line and line[0] != "#"}
PINNED = {canonicalize_name(name): requirement for name, requirement in LOCK.items()}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def test_the_lock_pins_every_package_to_one_version():
    assert all(re.fullmatch(r"==[^*,]+", str(r.specifier)) for r in PINNED.values())


def test_every_dependency_is_locked_to_a_version_that_it_admits():
    extra = [r for group in PROJECT["optional-dependencies"].values() for r in group]
    for requirement in map(Requirement, PROJECT["dependencies"] + extra):
        locked = PINNED[canonicalize_name(requirement.name)]
        (version,) = (s.version for s in locked.specifier)
        assert requirement.specifier.contains(version), f"{requirement} against {locked}"


def test_the_conda_environment_installs_the_lock_on_a_python_that_the_project_admits():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    (python,) = (d for d in environment["dependencies"] if str(d).startswith("python="))
    assert SpecifierSet(PROJECT["requires-python"]).contains(python.removeprefix("python="))
    assert {"pip": ["-r requirements.lock"]} in environment["dependencies"]


FORGE = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())["jobs"]


def test_the_forge_calls_targets_of_the_makefile_on_pythons_that_the_project_admits():
    commands = [step["run"].split() for job in FORGE.values() for step in job["steps"]
                if "run" in step]  # fmt: skip
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.M))
    assert {(words[0], words[1] in targets) for words in commands} == {("make", True)}
    admitted = SpecifierSet(PROJECT["requires-python"])
    pythons = FORGE["test"]["strategy"]["matrix"]["python"]
    assert pythons == sorted(pythons, key=Version)
    assert all(admitted.contains(python) for python in pythons)
    major, minor = map(int, pythons[0].split("."))
    assert not admitted.contains(f"{major}.{minor - 1}"), "the oldest is not tested"
