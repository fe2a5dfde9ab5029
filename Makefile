# make          the main job: set up .venv, run the configured tier, write its page (results/<tier>/index.html)
# make test     set up .venv, run the tests
# make smoke    the first look: every experiment on small embedded digits
# make check    compare the smoke tier's scores with results/reference/smoke.csv
# make cost     what the last smoke tier cost, by jobs, start-up and Snakemake (TIER=standard: of that tier)
# make carry REVISION=...   carry stored scores over the changes since a revision
# make reference PAPER=... TIER=...   store the finished runs of a paper
# make release TIER=...   pack a tier's results into results/release/, to upload to Zenodo or to keep
# make tolerances   measure what rounding moves, for the regression check (half an hour; PAPER=... alone: minutes)
# make bench    speed against bare matrix products, as ratios in one run
# make peers    the environment of the simulators that `make bench` compares with
# make lint     ruff, mypy (core), snakefmt, snakemake --lint
# make readme   write the generated tables, findings and figures of READMEs and docs/ from results/reference/
# make docs     the pages of docs/ and of the papers as one site, in results/site/
# make lock     write requirements.lock from what is installed in .venv

PYTHON ?= python3
CORES ?= all
TIER ?= smoke
WORKERS ?= $(shell nproc 2>/dev/null || echo 2)
BIN = .venv/bin
SNAKEMAKE = $(BIN)/snakemake --cores $(CORES)
FOLLOW = @$(BIN)/python -m replications follow
SUMMARY = @$(BIN)/python -m replications summary
READY = .venv/.ready

.PHONY: all test smoke check cost carry reference release tolerances bench peers lint readme docs lock setup
.DEFAULT_GOAL := all

all: setup
	$(FOLLOW) $(SNAKEMAKE)
	@$(SNAKEMAKE) --quiet all --report results/report.html
	$(SUMMARY)

smoke: setup
	$(FOLLOW) $(SNAKEMAKE) smoke
	@$(SNAKEMAKE) smoke --quiet all --report results/smoke/report.html
	$(SUMMARY) --tier smoke

check: setup
	$(FOLLOW) $(SNAKEMAKE) --forceall check

test: setup
	$(BIN)/python -m pytest -n $(WORKERS)

cost: setup
	@$(BIN)/python -m replications cost --tier $(TIER)

carry: setup
	$(BIN)/python -m replications carry $(REVISION)

reference: setup
	$(BIN)/python -m replications reference $(PAPER) --tier $(TIER)

release: TIER = standard
release: setup
	$(BIN)/python -m replications release --tier $(TIER)

tolerances: setup
	$(BIN)/python -m replications tolerances $(PAPER) --workers $(WORKERS)

bench: setup
	$(BIN)/python -m pytest benchmarks

peers: .venv-peers/.ready

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/snakefmt --check Snakefile workflows
	$(BIN)/snakemake --lint

readme: setup
	$(BIN)/python -m replications readme

docs: setup
	@NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --quiet --strict
	@echo "The site is results/site/index.html"

lock: setup
	{ sed '/^[^#]/d' requirements.lock; \
	  $(BIN)/python -m pip list --format=freeze --disable-pip-version-check \
	  | grep -viE '^(nvidia|cuda-|triton|pip==)'; } > requirements.new
	mv requirements.new requirements.lock

setup: $(READY)

$(READY): requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; name one: make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -m venv .venv || \
	  { echo "python3 has no venv module: install it (Debian: python3-venv), then run make again"; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	@touch $(READY)

.venv-peers/.ready: benchmarks/peers/requirements.txt
	$(PYTHON) -m venv .venv-peers
	.venv-peers/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	@touch $@
