# Scoring: one job per run. It reads the run directory and trains nothing.


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


rule score:
    input:
        multiext(f"{RUN}/", "run.json", "curves.csv", "parameters.safetensors"),
        lambda w: ancient(dataset_of(w)),
        lambda w: ancient(classifier_of(w)),
    output:
        scores=f"{RUN}/scores.json",
        arrays=f"{RUN}/arrays.npz",
    log:
        f"{RESULTS}/{{tier}}/logs/score/{{paper}}/{{experiment}}/{{index}}.log",
    priority: 5
    threads: 1
    resources:
        gpu=gpus(),
        mem_mb=3000,
    params:
        hashes=lambda w: hashes_of(w.paper, w.experiment, w.tier, "score"),
        device=config["device"],
    shell:
        command(
            "score {wildcards.paper} {wildcards.experiment}"
            " {wildcards.index} --tier {wildcards.tier} --device {params.device} --threads {threads}"
        )
