"""pyproject.toml, requirements.lock and environment.yml say the same."""

import re
import tomllib

import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

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
