"""What mkdocs does besides: files from outside docs/ become pages, and links lead to those."""

from __future__ import annotations

import re
import sys
from pathlib import Path, PurePosixPath
from posixpath import normpath, relpath

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # where mkdocs is run from says nothing of it

from replications.core.declare.papers import suite  # noqa: E402

LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)\s#]+)(#[^)\s]*)?\)")
PAPERS = {name: paper.label for name, paper in suite().papers.items()}
# Path in the repository -> path in the site, of what stands outside docs/.
PAGES = {"README.md": "index.md", "CONTRIBUTING.md": "contributing.md"} | {
    f"replications/{name}/README.md": f"papers/{name}.md" for name in PAPERS
}
PAGES |= {
    str(path.relative_to(ROOT)): f"papers/figures/{path.parent.name}/{path.name}"
    for path in sorted(ROOT.glob("results/reference/figures/*/*.png"))
}
SOURCES = {page: source for source, page in PAGES.items()}


def on_config(config: MkDocsConfig) -> None:
    """A page of each paper below Papers."""
    (papers,) = (entry for entry in config.nav or [] if "Papers" in entry)
    papers["Papers"] = [{label: f"papers/{name}.md"} for name, label in PAPERS.items()]


def on_files(files: Files, config: MkDocsConfig) -> None:
    """Those pages, with what stands in their files."""
    for source, page in PAGES.items():
        files.append(File.generated(config, page, abs_src_path=str(ROOT / source)))


def on_page_markdown(text: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """A page whose links, written for the repository, lead to pages of the site."""
    uri = page.file.src_uri
    source = SOURCES.get(uri, f"docs/{uri}")
    return LINK.sub(lambda link: in_the_site(link, source, uri), text)


def in_the_site(link: re.Match, source: str, page: str) -> str:
    """A link of `source` as `page` needs it; its text alone if it leads to what is no page."""
    mark, text, target, anchor = link.groups()
    if "://" in target:
        return link[0]
    path = normpath(PurePosixPath(source).parent / target)
    if path in PAGES or path.startswith("docs/"):
        to = PAGES.get(path, path.removeprefix("docs/"))
        return f"{mark}[{text}]({relpath(to, PurePosixPath(page).parent)}{anchor or ''})"
    if not (ROOT / path).exists():
        raise FileNotFoundError(f"{source} links to {target}, which is not there")
    return text
