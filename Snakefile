# Replications of papers on learning without back-propagation. What is run is declared in
# replications/<paper>/paper.yaml; how much of it, in config/config.yaml. Targets:
#   all (the configured tier), smoke, standard, paper, check, and the name of any paper.
from pathlib import Path


configfile: Path(workflow.basedir, "config", "config.yaml")


# Used by --software-deployment-method apptainer alone (not exercised), with a .venv made inside it.
container: "docker://python:3.11"


report: "workflows/report/workflow.rst"


include: "workflows/common.smk"
include: "workflows/data.smk"
include: "workflows/run.smk"
include: "workflows/report.smk"
include: "workflows/league.smk"
include: "workflows/check.smk"
include: "workflows/search.smk"


wildcard_constraints:
    tier="smoke|standard|paper",
    index=r"\d+",
    stage=r"\d+",
    rank=r"\d+",


onstart:
    hold_places()
    # What is forced is done again, though its run directory is up to date.
    if workflow.dag_settings.forceall or workflow.dag_settings.forcerun:
        call(again="--again")


onsuccess:
    keep_cost()


onerror:
    keep_cost()


rule all:
    default_target: True
    input:
        described(config["tier"]),


for name in TIERS:

    rule:
        name:
            name
        input:
            described(name),


for name in PAPERS:

    rule:
        name:
            name
        input:
            outcome_of_paper(name, config["tier"]),
