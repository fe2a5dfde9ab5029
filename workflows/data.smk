# Datasets: downloaded, verified against their SHA-256, never committed.


for dataset in CATALOGUE.values():
    if dataset.files:

        rule:
            name:
                f"fetch_{dataset.name}"
            output:
                [
                    update(ensure(str(path), sha256=file.sha256))
                    for path, file in zip(dataset.paths(Path(DATA)), dataset.files)
                ],
            log:
                f"{DATA}/logs/{dataset.name}.log",
            retries: 1
            params:
                dataset=dataset.name,
            shell:
                "replications --log {log:q} fetch {params.dataset}"
