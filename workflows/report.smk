# Tables and figures: for every paper by itself, and one table over all of them.
localrules:
    collect,
    collect_paper,
    compare,
    compare_paper,


CODE = {
    step: code_hash(f"replications.core.{step}")
    for step in ("tables", "compare", "plots")
}


rule collect:
    input:
        lambda w: scores_of(PAPERS, w.tier),
    output:
        multiext(f"{RESULTS}/{{tier}}/scores", ".parquet", ".csv"),
    log:
        f"{RESULTS}/{{tier}}/logs/collect.log",
    params:
        code=CODE["tables"],
        into=subpath(output[0], parent=True),
    shell:
        command("collect {params.into} {input}")


use rule collect as collect_paper with:
    input:
        lambda w: scores_of([w.paper], w.tier),
    output:
        multiext(f"{RESULTS}/{{tier}}/papers/{{paper}}/scores", ".parquet", ".csv"),
    log:
        f"{RESULTS}/{{tier}}/logs/collect/{{paper}}.log",
    params:
        code=CODE["tables"],
        into=subpath(output[0], parent=True),


rule compare:
    input:
        f"{RESULTS}/{{tier}}/scores.parquet",
    output:
        multiext(f"{RESULTS}/{{tier}}/comparison", ".csv", ".md", ".tex", ".json"),
        report(
            f"{RESULTS}/{{tier}}/comparison.html",
            caption="report/comparison.rst",
            category="Comparison with the papers",
            labels={"paper": "all", "what": "claims and verdicts", "tier": "{tier}"},
        ),
    log:
        f"{RESULTS}/{{tier}}/logs/compare.log",
    params:
        code=CODE["compare"],
        claims=[digest(paper.declared) for paper in PAPERS.values()],
        into=subpath(output[0], parent=True),
        papers=list(PAPERS),
    shell:
        command("compare {params.into} {params.papers} --tier {wildcards.tier}")


use rule compare as compare_paper with:
    input:
        f"{RESULTS}/{{tier}}/papers/{{paper}}/scores.parquet",
    output:
        multiext(
            f"{RESULTS}/{{tier}}/papers/{{paper}}/comparison",
            ".csv",
            ".md",
            ".tex",
            ".json",
        ),
        report(
            f"{RESULTS}/{{tier}}/papers/{{paper}}/comparison.html",
            caption="report/comparison.rst",
            category="Comparison with the papers",
            labels={
                "paper": "{paper}",
                "what": "claims and verdicts",
                "tier": "{tier}",
            },
        ),
    log:
        f"{RESULTS}/{{tier}}/logs/compare/{{paper}}.log",
    params:
        code=CODE["compare"],
        claims=lambda w: digest(PAPERS[w.paper].declared),
        into=subpath(output[0], parent=True),
        papers="{paper}",


for paper in PAPERS:

    rule:
        name:
            f"plot_{paper}"
        input:
            f"{RESULTS}/{{tier}}/papers/{paper}/scores.parquet",
            lambda w, p=paper: [f"{run}/arrays.npz" for run in runs_of_paper(p, w.tier)],
        output:
            [
                report(
                    f"{RESULTS}/{{tier}}/figures/{paper}/{name}.png",
                    caption="report/figure.rst",
                    category="Figures",
                    subcategory=paper,
                    labels={"paper": paper, "figure": name, "tier": "{tier}"},
                )
                for name in PAPERS[paper].figures
            ],
            [
                f"{RESULTS}/{{tier}}/figures/{paper}/{name}.pdf"
                for name in PAPERS[paper].figures
            ],
        log:
            f"{RESULTS}/{{tier}}/logs/plot/{paper}.log",
        params:
            code=[CODE["plots"], code_hash(f"replications.{paper}.figures")],
            declared=digest(PAPERS[paper].declared),
            paper=paper,
            captions={
                name: figure["caption"]
                for name, figure in PAPERS[paper].figures.items()
            },
        shell:
            command("plot {params.paper} --tier {wildcards.tier}")
