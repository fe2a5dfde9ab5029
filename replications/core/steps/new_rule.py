"""A folder for a new learning rule that runs as it is, to be changed into one's own."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from string import Template

from replications.core.base.provenance import PACKAGE

TEMPLATES = Path(__file__).parent / "templates"
NEXT = """\
{written}
Now:
  snakemake --cores all {name} --config tier=smoke   trains it on small digits: see results/smoke
  pytest tests/{name} tests/contracts -k {name}      tests its equation, and its folder
Then change replications/{name}/rule.py into your rule, and its test with it. When it is to stay,
run its smoke and standard tiers, and store them: make reference PAPER={name} TIER=smoke"""


def write_folder(name: str, root: Path) -> str:
    """Write replications/<name>/ and tests/<name>/ below a project; returns what to do next.

    Raises ValueError for a name that Python or the suite cannot use, or that is taken.
    """
    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name) or name == "core":
        raise ValueError(f"{name!r} cannot be a folder's name: use small letters, digits and _")
    folder, tests = root / PACKAGE / name, root / "tests" / name
    for there in (folder, tests):
        if there.exists():
            raise ValueError(f"{there} exists: choose another name, or remove it")
    words = {
        "name": name,
        "title": name.replace("_", " ").capitalize(),
        "class_name": "".join(part.capitalize() for part in name.split("_")),
        "year": date.today().year,
    }
    files = {folder / "__init__.py": ""}
    for template in sorted(TEMPLATES.glob("*.txt")):
        into = tests if template.name.startswith("test_") else folder
        text = Template(template.read_text(encoding="utf-8")).substitute(words)
        files[into / template.name.removesuffix(".txt")] = text
    for path, text in files.items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    written = "\n".join(f"wrote {path.relative_to(root)}" for path in files)
    return NEXT.format(name=name, written=written)
