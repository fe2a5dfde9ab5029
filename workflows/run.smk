# Training and scoring: a job trains and scores what is not up to date of its runs, and its output
# says how every run ended. What takes long starts first.

for paper, tier in product(PAPERS, TIERS):
    for stem, experiments in jobs_of(paper, tier):

        rule:
            name:
                f"run_{tier}_{stem.replace('/{index}', '').replace('/', '_')}"
            input:
                # Verified by content: their dates say nothing.
                ancient(
                    [
                        path
                        for name in dict.fromkeys(e.data for e in experiments)
                        for path in files_of(name)
                    ]
                ),
                ancient(sorted({p for e in experiments for p in classifier_of(e)})),
            output:
                f"{RESULTS}/{tier}/done/{stem}.json",
            log:
                f"{RESULTS}/{tier}/logs/run/{stem}.log",
            benchmark:
                f"{RESULTS}/{tier}/benchmarks/run/{stem}.tsv"
            priority: 10 + round(100 * sum(e.minutes * e.share for e in experiments))
            threads: 1
            resources:
                gpu=gpus(),
                mem_mb=3000,
            params:
                hashes=digest(
                    [[e.hashes(s) for s in ("train", "score")] for e in experiments]
                ),
                tier=tier,
                what=stem.replace("/{index}", "").replace("/", " "),
                runs="{index}" if "{index}" in stem else runs(tier),
            shell:
                "replications --log {log} run {params.what} --tier {params.tier}"
                " --runs {params.runs} --done {output} --device $DEVICE --threads {threads}"


rule classifier:
    input:
        lambda w: ancient(files_of(w.dataset)),
    output:
        f"{DATA}/classifiers/{{dataset}}.safetensors",
    log:
        f"{DATA}/logs/classifier/{{dataset}}.log",
    priority: 100000
    threads: 1
    resources:
        gpu=gpus(),
        mem_mb=3000,
    params:
        code=code_hash("replications.core.classifier:train"),
    shell:
        "replications --log {log} classifier {wildcards.dataset}"
        " --device $DEVICE --threads {threads}"
