"""Faulty declarations of every paper: right, or refused with file and key; never another error."""

import shutil
from copy import deepcopy

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from replications.core.base.provenance import ROOT
from replications.core.declare.papers import Paper, Suite
from replications.core.declare.schema import DeclarationError, check_schema
from replications.core.declare.searches import checked_searches

FUZZED = settings(
    derandomize=True, deadline=None, max_examples=100,
    suppress_health_check=[HealthCheck.function_scoped_fixture], print_blob=False,
)  # fmt: skip
PAPERS = ("bengio2015", "lillicrap2016", "scellier2017", "werfel2005", "xie2000")
OTHERS = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 3), st.floats(), st.text(max_size=6),
    st.sampled_from(["1e-3", "../../x", "$(touch x)", "a: b", "yes", "all", "7"]),
    st.lists(st.integers(), max_size=2), st.dictionaries(st.text(max_size=3), st.integers(),
                                                         max_size=2),
)  # fmt: skip


def places(part, path=()):
    """Every place in a declaration: keys of mappings and positions of lists, from the top."""
    found = [path]
    if isinstance(part, dict | list):
        for key, value in part.items() if isinstance(part, dict) else enumerate(part):
            found += places(value, (*path, key))
    return found


@st.composite
def faulty(draw, declared):
    """One thing in it another, gone, or new."""
    changed = deepcopy(declared)
    path = draw(st.sampled_from([path for path in places(declared) if path]))
    outer = changed
    for key in path[:-1]:
        outer = outer[key]
    match draw(st.sampled_from(["other", "other", "other", "gone", "new"])):
        case "other":
            outer[path[-1]] = draw(OTHERS)
        case "gone":
            del outer[path[-1]]
        case "new" if isinstance(outer, dict):
            outer[draw(st.text(max_size=6))] = draw(OTHERS)
    return changed


def written(declared):
    """A declaration as YAML."""
    return yaml.dump(declared, Dumper=getattr(yaml, "CSafeDumper", yaml.SafeDumper))


def refused(read):
    """The message that it is refused with; "" if it is right."""
    try:
        read()
    except DeclarationError as error:
        return str(error)
    return ""


@pytest.fixture
def folder(tmp_path, request):
    found = tmp_path / "replications" / request.param
    return shutil.copytree(ROOT / "replications" / request.param, found)


@pytest.mark.parametrize("folder", PAPERS, indirect=True)
@settings(FUZZED, max_examples=50)  # of each: the longest take a second an example
@given(data=st.data())
def test_a_paper_is_right_or_refused_with_file_and_key(folder, data):
    declared = yaml.safe_load((ROOT / "replications" / folder.name / "paper.yaml").read_text())
    path = folder / "paper.yaml"
    path.write_text(written(data.draw(faulty(declared))))
    message = refused(lambda: Paper(path))
    assert not message or message.startswith(f"replications/{folder.name}/paper.yaml: ")


@pytest.mark.parametrize("folder", ["bengio2015"], indirect=True)
@FUZZED
@given(data=st.data())
def test_a_search_is_right_or_refused_with_file_and_key(folder, data):
    declared = yaml.safe_load((ROOT / "replications/bengio2015/search.yaml").read_text())
    path = folder / "search.yaml"
    path.write_text(written(data.draw(faulty(declared))))
    message = refused(lambda: checked_searches(Suite(path.parents[1])))
    assert not message or message.startswith("replications/bengio2015/search.yaml: ")


@FUZZED
@given(data=st.data())
def test_a_configuration_is_right_or_refused_with_file_and_key(data):
    declared = yaml.safe_load((ROOT / "config" / "config.yaml").read_text(encoding="utf-8"))
    changed = data.draw(faulty(declared))
    message = refused(lambda: check_schema(changed, "config", "config/config.yaml"))
    assert not message or message.startswith("config/config.yaml: ")
    if not message:
        papers = changed["papers"]
        assert papers == "all" or all(isinstance(name, str) for name in papers)
        assert all(type(runs) is int and runs > 0 for runs in changed["runs"].values())
