"""How the rows that this branch stores become rows of main, whose columns are train, score, data.

    python -m replications hashes hashes.json     (in this tree)
    python convert.py hashes.json results/reference paper

Of each row "<code>/<settings>" of training and of scoring, from the hashes of this tree. Not for
main: it is used once, when the branch is merged.
"""

import csv
import io
import json
import sys
from pathlib import Path

hashes, reference, *tiers = sys.argv[1:]
KEY = ("paper", "experiment", "tier", "step")
made = {tuple(row[k] for k in KEY): row for row in json.loads(Path(hashes).read_text())}
for tier in tiers:
    path = Path(reference) / f"{tier}.csv"
    rows = list(csv.DictReader(path.open()))
    old = ("train_code", "score_code", "config", "data")
    out = io.StringIO()
    head = [name for name in rows[0] if name not in old]
    table = csv.DictWriter(out, [*head, "train", "score", "data"], lineterminator="\n")
    table.writeheader()
    for row in rows:
        key = (row["paper"], row["experiment"], tier)
        train = made.get((*key, "train"), {}).get("config", "unknown")
        code, scored, config = (row.pop(name) for name in old[:3])
        table.writerow(row | {"train": f"{code}/{train}", "score": f"{scored}/{config}"})
    path.write_text(out.getvalue())
