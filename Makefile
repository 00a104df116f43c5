# Everything runs from a fresh clone: each target makes .venv from requirements.lock first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
BENCH := .venv-bench
PEERS := $(BENCH)/.peers
OUT ?= runs
# Rooms with compiled kernels, each of which compiles its own: python -m volkit.ROOM
KERNELS := volatility correlation scenarios margin options portfolio realtime contagion

# One BLAS thread: the same bits everywhere, and no fight over the cores.
export OMP_NUM_THREADS ?= 1
export OPENBLAS_NUM_THREADS ?= 1
export MPLBACKEND = Agg
# What is measured and tested keeps away from the user's own store of prices.
test test-all bench mutants fuzz gallery docs: export VOLKIT_STORE ?= $(CURDIR)/data/store

.DEFAULT_GOAL := help
.PHONY: help venv demo test test-all bench mutants fuzz gallery lab docs lint types lock clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

venv: $(STAMP)  ## make .venv from requirements.lock (uv when present, else venv and pip)

$(STAMP): requirements.lock pyproject.toml
	@if command -v uv >/dev/null 2>&1; then \
	  uv venv --quiet --allow-existing --python $(PYTHON) $(VENV) && \
	  uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock && \
	  uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e . ; \
	else \
	  $(PYTHON) -m venv $(VENV) && \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock && \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e . ; \
	fi
	@touch $(STAMP)

demo: $(STAMP)  ## run the two demo studies, offline; ends with the path of a report
	$(BIN)/volkit demo -o $(OUT)

test: $(STAMP)  ## format, lint, import contract, types, tests, docstring examples, notebooks
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	@# Types, and the compiled kernels of each room: two at a time.
	printf '%s\n' mypy $(foreach room,$(KERNELS),'python -m volkit.$(room)') \
	  | xargs -P 2 -I {} sh -c '$(BIN)/{}'
	$(BIN)/pytest --disable-socket --allow-unix-socket --allow-hosts=127.0.0.1,::1 -n 2 --dist loadfile \
	  -m "not slow" --doctest-modules volkit tests
	$(BIN)/pytest -p no:randomly -n 2 --nbmake --nbmake-timeout=120 notebooks

test-all: $(STAMP)  ## make test, the slow tests, the table of faults, and the notebooks on another simulated market
	$(MAKE) test
	$(BIN)/pytest --disable-socket --allow-unix-socket --allow-hosts=127.0.0.1,::1 -n 2 --dist loadfile \
	  -m slow --ignore tests/faults tests
	$(BIN)/pytest --disable-socket --allow-unix-socket --allow-hosts=127.0.0.1,::1 -m "slow or not slow" tests/faults
	for notebook in notebooks/*.ipynb; do \
	  $(BIN)/papermill --no-progress-bar --log-level WARNING $$notebook $(VENV)/papermill.ipynb -p seed 7 || exit 1; \
	done

bench: $(PEERS)  ## measured ratios beside the peers; fails where three of three rounds miss an accepted one
	$(BENCH)/bin/python -m benchmarks --record docs/measured/benchmarks.json

# An environment of their own: pandas adds in another order where bottleneck is installed.
$(PEERS): benchmarks/peers.txt $(STAMP)
	@$(MAKE) --no-print-directory VENV=$(BENCH) $(BENCH)/.installed
	@if command -v uv >/dev/null 2>&1; then uv pip install --quiet --python $(BENCH)/bin/python -r benchmarks/peers.txt; \
	else $(BENCH)/bin/python -m pip install --quiet --disable-pip-version-check -r benchmarks/peers.txt; fi
	@touch $(PEERS)

mutants: $(STAMP)  ## break lines of the kernels on purpose and see that tests notice (long)
	$(BIN)/python tests/mutation.py --record docs/measured/mutation.json

fuzz: $(STAMP)  ## feed every parser damaged files, a minute each, guided by coverage
	$(BIN)/python tests/fuzz/run.py all --seconds 60 --record docs/measured/fuzz.json

gallery: $(STAMP)  ## run the notebooks and render them into docs/_build/gallery
	$(BIN)/volkit gallery -o docs/_build/gallery

lab: $(STAMP)  ## open the notebooks in JupyterLab
	$(BIN)/volkit lab

docs: $(STAMP)  ## build the documentation into docs/_build/html
	$(BIN)/sphinx-build -W -q -b html docs docs/_build/html

lock:  ## renew requirements.lock from pyproject.toml
	uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-emit-find-links --no-header \
	  --python-version 3.11 --extra dev --extra notebooks --extra export --extra cluster --extra fuzz --extra docs --extra tails pyproject.toml -o requirements.lock

clean:  ## remove what was built
	rm -rf $(VENV) $(BENCH) runs docs/_build .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
