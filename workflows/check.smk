# The regression check: the smoke tier's scores against results/reference/smoke.csv.
localrules:
    check,


rule check:
    input:
        scores=f"{RESULTS}/smoke/scores.parquet",
        reference=ancient(f"{REFERENCE}/smoke.csv"),
        tolerances=ancient(f"{REFERENCE}/tolerances.csv"),
    output:
        f"{RESULTS}/smoke/check.csv",
    log:
        f"{RESULTS}/smoke/logs/check.log",
    params:
        code=lambda w: code_hash("replications.core.report.check"),
    shell:
        "replications --log {log:q} check --tier smoke"
