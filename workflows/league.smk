# The league's table: what its runs scored, and what a step of each rule costs.
if LEAGUE in PAPERS:

    rule costs:
        input:
            # After the runs; steps are timed by turns, so that what runs beside slows both.
            done=lambda w: done_of(LEAGUE, w.tier),
            data=lambda w: ancient(
                [
                    path
                    for name in dict.fromkeys(
                        e.data for e in PAPERS[LEAGUE].experiments(w.tier)
                    )
                    for path in files_of(name)
                ]
            ),
        output:
            f"{RESULTS}/{{tier}}/papers/{LEAGUE}/costs.csv",
        log:
            f"{RESULTS}/{{tier}}/logs/costs.log",
        threads: 1
        resources:
            gpu=gpus(),
            mem_mb=3000,
        params:
            code=lambda w: code_hash("replications.core.steps.costs"),
        shell:
            "replications --log {log:q} costs --tier {wildcards.tier} --device $DEVICE"
            " --threads {threads}"

    rule league_table:
        input:
            f"{RESULTS}/{{tier}}/papers/{LEAGUE}/scores.parquet",
            f"{RESULTS}/{{tier}}/papers/{LEAGUE}/costs.csv",
        output:
            multiext(f"{RESULTS}/{{tier}}/papers/{LEAGUE}/league", ".csv", ".md"),
        log:
            f"{RESULTS}/{{tier}}/logs/league.log",
        localrule: True
        params:
            code=lambda w: code_hash("replications.core.report.league"),
            declared=digest(PAPERS[LEAGUE].declared),
        shell:
            "replications --log {log:q} league --tier {wildcards.tier}"
