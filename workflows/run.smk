# Training and scoring: a job trains and scores what is not up to date of its runs, and its output
# says how every run ended. What takes long starts first.

for paper, tier in product(PAPERS, TIERS):
    for job in jobs_of(paper, tier):

        rule:
            name:
                job.name
            input:
                # Verified by content: their dates say nothing.
                ancient(
                    [
                        path
                        for name in dict.fromkeys(e.data for e in job.experiments)
                        for path in files_of(name)
                    ]
                ),
                ancient(sorted({p for e in job.experiments for p in classifier_of(e)})),
            output:
                f"{RESULTS}/{tier}/done/{job.file}.json",
            log:
                f"{RESULTS}/{tier}/logs/run/{job.file}.log",
            priority: 10 + round(100 * sum(e.minutes * e.share for e in job.experiments))
            threads: 1
            resources:
                gpu=gpus(),
                mem_mb=3000,
                runtime=60 + round(2 * job.minutes),  # minutes; clusters end what takes longer
            params:
                # Of the jobs that are asked for alone: hashing all takes seconds.
                hashes=lambda w, job=job: digest(
                    [e.hashes(s) for e in job.experiments for s in ("train", "score")]
                ),
                tier=tier,
                what=job.what,
                runs=job.runs,
            shell:
                "replications --log {log:q} run {params.what} --tier {params.tier}"
                " --runs {params.runs} --done {output:q} --device $DEVICE --threads {threads} $AGAIN"


rule classifier:
    input:
        lambda w: ancient(files_of(w.dataset)),
    output:
        update(f"{DATA}/classifiers/{{dataset}}.safetensors"),
    log:
        f"{DATA}/logs/classifier/{{dataset}}.log",
    priority: 100000
    threads: 1
    resources:
        gpu=gpus(),
        mem_mb=3000,
    params:
        code=lambda w: code_hash("replications.core.score.estimators.classifier:train"),
    shell:
        "replications --log {log:q} classifier {wildcards.dataset}"
        " --device $DEVICE --threads {threads}"
