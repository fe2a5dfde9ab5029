# Training: one job per run, one rule per experiment, so that long ones can start first.


for paper, name in dict.fromkeys((paper, name) for paper, name, _ in EXPERIMENTS):

    rule:
        name:
            f"train_{paper}_{name}"
        input:
            # Verified by content: their dates say nothing.
            lambda w, p=paper, n=name: ancient(files_of(EXPERIMENTS[p, n, w.tier].data)),
        output:
            multiext(
                f"{RESULTS}/{{tier}}/runs/{paper}/{name}/{{index}}/",
                "run.json",
                "curves.csv",
                "parameters.safetensors",
            ),
        log:
            f"{RESULTS}/{{tier}}/logs/train/{paper}/{name}/{{index}}.log",
        priority: round(10 * EXPERIMENTS[paper, name, "paper"].minutes) + 10
        threads: 1
        resources:
            gpu=gpus(),
            mem_mb=3000,
        params:
            hashes=lambda w, p=paper, n=name: hashes_of(p, n, w.tier, "train"),
            run=f"{paper} {name}",
            device=config["device"],
        shell:
            command(
                "train {params.run} {wildcards.index}"
                " --tier {wildcards.tier} --device {params.device} --threads {threads}"
            )
