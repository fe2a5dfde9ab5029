"""What stands on a command line, as Snakemake parses it: right, or refused with the key."""

import re

import pytest
import yaml
from hypothesis import given, reject, settings
from hypothesis import strategies as st
from snakemake.cli import parse_config
from snakemake.utils import update_config

from replications.core.base.provenance import ROOT
from replications.core.declare.configuration import checked
from replications.core.declare.experiments import TIERS
from replications.core.declare.papers import suite
from replications.core.declare.schema import DeclarationError

DECLARED = yaml.safe_load((ROOT / "config" / "config.yaml").read_text(encoding="utf-8"))


def configured(*words):
    """The configuration after --config with these words."""
    config = yaml.safe_load(yaml.dump(DECLARED))
    update_config(config, parse_config(words))
    return checked(config, [str(ROOT / "config" / "config.yaml")])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("papers=lee2015", r"papers: 'lee2015' does not fit; it is all, or a list .*papers=\[lee2015\]"),  # noqa: E501
        ("runs=3", r"runs: 3 is not of type 'object' \(the number of runs by tier, as in"),
        ("runs={smoke: two}", r"runs.smoke: 'two' is not of type 'integer'"),
        ("results=a{b}", r"results: .a.b.. does not match .*\(a folder, whose name has no"),
        ("device=gpu", r"device: 'gpu' is not one of \['auto', 'cpu'"),
        ("tier=", r"tier: None is not one of \['smoke'"),
        ("teir=smoke", r"config/config.yaml: .*'teir' was unexpected"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_what_is_allowed(given, message):
    with pytest.raises(DeclarationError, match=message):
        configured(given)


def test_numbers_within_braces_are_numbers():
    assert configured("runs={smoke: 1}")["runs"] == DECLARED["runs"] | {"smoke": 1}


KEYS = st.one_of(st.sampled_from(sorted(DECLARED)), st.from_regex(r"[a-z]{2,7}", fullmatch=True))
VALUES = st.one_of(
    st.sampled_from([
        "smoke", "all", "[lee2015]", "[lee2015, 3]", "{smoke: 2}", "{smoke: 0}", "{paper: 1e3}",
        "{huge: 1}", "yes", "-1", "1e-3", "nan", "~/x", "a b", "$(touch x)", "../x", "[", "{", "",
        "null", "!!python/name:os.system", "&a [*a]",
    ]),
    st.text(max_size=8), st.integers().map(str), st.floats().map(str),
)  # fmt: skip


@settings(derandomize=True, deadline=None, max_examples=300, print_blob=False)
@given(words=st.lists(st.tuples(KEYS, VALUES).map("=".join), max_size=3))
def test_a_command_line_is_right_or_refused_with_the_key(words):
    try:
        parse_config(words)
    except AssertionError:
        reject()  # Snakemake refuses a value that is YAML of nothing, such as #
    try:
        config = configured(*words)
        papers = suite().select(config["papers"])
    except DeclarationError as error:
        named = "|".join(word.partition("=")[0] for word in words)
        told = rf"config(/config\.yaml)?: (({named})\b|\(top\): .*'({named})'.* unexpected)"
        assert re.match(told, str(error)), error
        return
    assert papers and config["tier"] in TIERS
    assert all(type(runs) is int and runs > 0 for runs in config["runs"].values())
    assert all(isinstance(config[folder], str) for folder in ("data", "results"))
