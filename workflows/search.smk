# Searches for what a paper leaves unsaid (`snakemake --cores all search`); part of no tier.


rule trial:
    input:
        # Which draw has which rank is known when the stage before is done.
        lambda w: trials_of(w.paper, w.search, range(int(w.stage))),
    output:
        TRIAL,
    log:
        f"{RESULTS}/search/logs/{{paper}}/{{search}}/{{stage}}/{{rank}}.log",
    threads: 1
    resources:
        gpu=gpus(),
        mem_mb=3000,
    params:
        hashes=lambda w: SEARCHES[w.paper, w.search].hashes(int(w.stage)),
    shell:
        "replications --log {log:q} trial {wildcards.paper} {wildcards.search} {wildcards.stage}"
        " {wildcards.rank} --device $DEVICE --threads {threads}"


rule tabulate:
    input:
        lambda w: trials_of(
            w.paper, w.search, range(len(SEARCHES[w.paper, w.search].stages))
        ),
    output:
        f"{RESULTS}/search/{{paper}}/{{search}}.csv",
    log:
        f"{RESULTS}/search/logs/{{paper}}/{{search}}.log",
    params:
        code=lambda w: code_hash("replications.core.steps.search"),
    shell:
        "replications --log {log:q} tabulate {wildcards.paper} {wildcards.search}"


rule search:
    input:
        [f"{RESULTS}/search/{paper}/{name}.csv" for paper, name in SEARCHES],
