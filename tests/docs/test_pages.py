"""The pages: they build without a warning, load nothing from elsewhere, and name what there is."""

import re
import subprocess
import sys

import pytest

from replications.core.base.provenance import ROOT

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(ROOT.glob("docs/*.md")),
         *sorted(ROOT.glob("replications/*/README.md"))]  # fmt: skip
BY_NAME = pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
FOLDERS = ".ci|benchmarks|config|docs|profiles|replications|results|tests|workflows"
IN_CODE = re.compile(rf"`((?:{FOLDERS})/[\w./-]+)`")
MADE = re.compile(r"results/(?!reference|README)|(?:replications|tests)/my_rule")  # by who reads


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The site, built from the pages as `make docs` does."""
    into = tmp_path_factory.mktemp("docs") / "site"
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(into)]
    done = subprocess.run(command, cwd=ROOT, text=True, check=False, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)  # fmt: skip
    assert done.returncode == 0, done.stdout
    return into


def test_every_paper_has_its_page_and_the_start_leads_to_it(site):
    start = (site / "index.html").read_text()
    for folder in ROOT.glob("replications/*/paper.yaml"):
        page = f"papers/{folder.parent.name}.html"
        assert (site / page).is_file() and f'href="{page}"' in start


def test_no_page_loads_anything_from_elsewhere(site):
    loaded = re.compile(
        r"""<(?:script|link|img|iframe)\b[^>]*?(?:src|href)=["']?((?:https?:)?//[^"'>\s]+)"""
    )
    for page in site.rglob("*.html"):
        assert not loaded.findall(page.read_text()), page.name


def test_every_list_is_one(site):
    """Python-Markdown wants an empty line before a list, which GitHub does not."""
    swallowed = re.compile(r"<p>(?:(?!</p>).)*?\n(?:- |\d+\. ).{40}", re.DOTALL)
    for page in site.rglob("*.html"):
        assert not swallowed.findall(page.read_text()), page.name


@BY_NAME
def test_the_paths_that_a_page_names_are_there(page):
    for path in IN_CODE.findall(page.read_text()):
        assert MADE.match(path) or (ROOT / path).exists(), path


def test_the_front_page_is_short():
    assert len((ROOT / "README.md").read_text().splitlines()) <= 150
