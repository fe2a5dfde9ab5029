# Tables and figures: of every paper by itself, and one table over all of them. They are made of the
# runs that ended well; `complete` fails where one did not. Last the crate, which describes them all.
localrules:
    overview,
    page,
    crate,


for paper in PAPERS:

    rule:
        name:
            f"report_{paper}"
        input:
            lambda w, p=paper: done_of(p, w.tier),
        output:
            multiext(f"{RESULTS}/{{tier}}/papers/{paper}/scores", ".parquet", ".csv"),
            multiext(f"{RESULTS}/{{tier}}/papers/{paper}/comparison", *TABLES),
            report(
                f"{RESULTS}/{{tier}}/papers/{paper}/comparison.html",
                caption="report/comparison.rst",
                category="Comparison with the papers",
                labels={
                    "paper": paper,
                    "what": "claims and verdicts",
                    "tier": "{tier}",
                },
            ),
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
            f"{RESULTS}/{{tier}}/logs/report/{paper}.log",
        priority: 1
        params:
            code=lambda w, p=paper: [
                table_code(),
                code_hash(
                    "replications.core.report.plots", f"replications.{p}.figures"
                ),
            ],
            declared=digest(PAPERS[paper].declared),
            captions={
                name: figure["caption"]
                for name, figure in PAPERS[paper].figures.items()
            },
            paper=paper,
            runs=lambda w: runs(w.tier),
        shell:
            "replications --log {log:q} report {params.paper} --tier {wildcards.tier}"
            " --runs {params.runs}"

    rule:
        name:
            f"complete_{paper}"
        input:
            # After the tables, which do not wait for it: where it fails, they stand.
            tables=f"{RESULTS}/{{tier}}/papers/{paper}/comparison.csv",
            done=lambda w, p=paper: done_of(p, w.tier),
        output:
            f"{RESULTS}/{{tier}}/papers/{paper}/complete.json",
        log:
            f"{RESULTS}/{{tier}}/logs/complete/{paper}.log",
        localrule: True
        shell:
            "replications --log {log:q} complete {output:q} {input.done:q}"


rule overview:
    input:
        lambda w: [
            f"{RESULTS}/{w.tier}/papers/{paper}/scores.parquet" for paper in PAPERS
        ],
    output:
        multiext(f"{RESULTS}/{{tier}}/scores", ".parquet", ".csv"),
        multiext(f"{RESULTS}/{{tier}}/comparison", *TABLES),
        report(
            f"{RESULTS}/{{tier}}/comparison.html",
            caption="report/comparison.rst",
            category="Comparison with the papers",
            labels={"paper": "all", "what": "claims and verdicts", "tier": "{tier}"},
        ),
    log:
        f"{RESULTS}/{{tier}}/logs/overview.log",
    params:
        code=lambda w: table_code(),
        declared=[digest(paper.declared) for paper in PAPERS.values()],
        papers=list(PAPERS),
        runs=lambda w: runs(w.tier),
    shell:
        "replications --log {log:q} overview {params.papers} --tier {wildcards.tier}"
        " --runs {params.runs}"


rule page:
    input:
        # Figures stand beside the papers' tables; what is stored decides what they are compared with.
        tables=lambda w: [
            f"{RESULTS}/{w.tier}/papers/{paper}/scores.parquet" for paper in PAPERS
        ],
        figures=lambda w: [
            f"{RESULTS}/{w.tier}/figures/{paper}/{name}.png"
            for paper in PAPERS
            for name in PAPERS[paper].figures
        ],
        stored=sorted(map(str, Path(REFERENCE).glob("*.csv"))),
        stored_figures=sorted(map(str, Path(REFERENCE, "figures").rglob("*.*"))),
    output:
        f"{RESULTS}/{{tier}}/index.html",
    log:
        f"{RESULTS}/{{tier}}/logs/page.log",
    params:
        code=lambda w: [table_code(), code_hash("replications.core.steps.page")],
        templates=digest(
            {
                path.name: path.read_text(encoding="utf-8")
                for path in Path(workflow.basedir).glob(
                    "replications/core/report/page/templates/*"
                )
            }
        ),
        declared=[digest(paper.declared) for paper in PAPERS.values()],
    shell:
        "replications --log {log:q} page --tier {wildcards.tier}"


rule crate:
    input:
        # All that it describes, and that every run ended well.
        lambda w: outcome(w.tier),
    output:
        f"{RESULTS}/{{tier}}/ro-crate-metadata.json",
    log:
        f"{RESULTS}/{{tier}}/logs/crate.log",
    params:
        code=lambda w: code_hash("replications.core.steps.crate"),
    shell:
        "replications --log {log:q} crate --tier {wildcards.tier}"
