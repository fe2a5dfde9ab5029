# Scoring: one job per experiment, for all its runs. It reads their directories and trains nothing.


rule classifier:
    input:
        lambda w: ancient(files_of(w.dataset)),
    output:
        f"{DATA}/classifiers/{{dataset}}.safetensors",
    log:
        f"{DATA}/logs/classifier/{{dataset}}.log",
    priority: 1000
    threads: 1
    resources:
        gpu=gpus(),
        mem_mb=3000,
    params:
        code=code_hash("replications.core.classifier"),
        device=config["device"],
    shell:
        command(
            "classifier {wildcards.dataset} --device {params.device} --threads {threads}"
        )


for tier in TIERS:

    rule:
        name:
            f"score_{tier}"
        input:
            [
                f"{run}/{name}"
                for run in runs_of(tier)
                for name in ("run.json", "curves.csv", "parameters.safetensors")
            ],
            lambda w, t=tier: ancient(
                files_of(EXPERIMENTS[w.paper, w.experiment, t].data)
            ),
            lambda w, t=tier: ancient(
                classifier_of(EXPERIMENTS[w.paper, w.experiment, t])
            ),
        output:
            [
                f"{run}/{name}"
                for run in runs_of(tier)
                for name in ("scores.json", "arrays.npz")
            ],
        log:
            f"{RESULTS}/{tier}/logs/score/{{paper}}/{{experiment}}.log",
        priority: 5
        threads: 1
        resources:
            gpu=gpus(),
            mem_mb=3000,
        params:
            hashes=lambda w, t=tier: hashes_of(w.paper, w.experiment, t, "score"),
            runs=" ".join(map(str, range(config["runs"][tier]))),
            tier=tier,
            device=config["device"],
        shell:
            command(
                "score {wildcards.paper} {wildcards.experiment} {params.runs}"
                " --tier {params.tier} --device {params.device} --threads {threads}"
            )
