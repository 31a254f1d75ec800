# Commonweal for developers. `make demo` shows it, `make test` checks it, `make help` lists the rest.

SHELL := /bin/bash
# Homebrew on Apple silicon keeps headers where no compiler looks.
ifeq ($(shell uname -s),Darwin)
BREW := $(shell brew --prefix 2>/dev/null)
export CPATH := $(BREW)/include:$(CPATH)
export LIBRARY_PATH := $(BREW)/lib:$(LIBRARY_PATH)
endif
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules

VENV ?= .venv
BIN := $(VENV)/bin
RUN := $(BIN)/python

# The newest Python that is here, unless PYTHON= names one.
PYTHON ?= $(shell for one in python3.13 python3.12 python3.11 python3 python; do \
    "$$one" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null \
    && { command -v "$$one"; break; }; done)

# What is installed is what the lock says: the stamp is named after the lock's hash.
LOCKS := requirements.txt requirements-dev.txt
LOCK_HASH := $(shell cat $(LOCKS) pyproject.toml 2>/dev/null | cksum | cut -d' ' -f1)
STAMP := $(VENV)/.installed-$(LOCK_HASH)

# Half of the tests mostly wait, so one more runs than there are cores on a small machine.
SIDE_BY_SIDE := --numprocesses=3 --dist=worksteal

FORM := $(wildcard .ci deploy protocol storage node client commands web commonweal tests bench *.py)
# The program without Python is named after the system that it runs on: commonweal-0.1.0-linux-x86_64.
BUNDLE := commonweal-$(shell sed -n 's/^__version__ = "\(.*\)"/\1/p' commonweal/__init__.py)-$(shell uname -sm | tr 'A-Z ' 'a-z-')
PAGES := README.md $(wildcard README.*.md) docs

.PHONY: help setup which-python demo test check subjects lint types imports docs build wheel bundle bench sim sim-long sim-large fuzz-long attack attack-long faults soak lock i18n icons tables form clean

help: ## list what can be made
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 12

setup: $(STAMP) ## the venv, as the lock says

which-python:
	@echo "$(PYTHON)"

demo: $(STAMP) ## four nodes, one is killed, nothing is lost; then rules, seals and shares
	$(RUN) -m bench.demo

test: $(STAMP) ## every test but the pages, three at once
	$(RUN) -m pytest $(SIDE_BY_SIDE)

check: subjects lint types imports docs ## subjects, form, types, layers, pages

subjects: $(STAMP) ## the subjects of commits
	$(RUN) .ci/subjects.py

lint: $(STAMP) ## ruff: faults and form
	$(RUN) -m ruff check $(FORM)
	$(RUN) -m ruff format --check $(FORM)

types: $(STAMP) ## mypy --strict
	$(RUN) -m mypy
	$(RUN) -m mypy .ci/machine.py .ci/lock.py .ci/subjects.py .ci/wheel.py conftest.py

imports: $(STAMP) ## the layers
	$(BIN)/lint-imports

docs: $(STAMP) ## the pages, as tests, a few pages at once
	PATH="$(abspath $(BIN)):$$PATH" $(RUN) -m pytest -q --numprocesses=3 --dist=loadfile $(PAGES)

build: $(STAMP) ## sdist and wheel, in dist/
	rm -rf dist
	$(RUN) -m build --no-isolation --outdir dist .

wheel: build ## the wheel alone, in a clean venv
	$(RUN) .ci/wheel.py dist/*.whl
	rm -rf build/clean && $(RUN) -m venv build/clean
	build/clean/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	build/clean/bin/python -m pip install --quiet --disable-pip-version-check --no-deps dist/*.whl
	cd build/clean && bin/weal --version && LANG=zh_CN.UTF-8 bin/weal --help >/dev/null

bundle: build ## the program with all it needs, for members without Python or a compiler, in dist/
	rm -rf build/bundle
	$(RUN) -m pip install --quiet --disable-pip-version-check --no-deps --target build/bundle/site dist/*.whl
	PYTHONPATH=build/bundle/site $(RUN) -P -m PyInstaller --noconfirm --log-level ERROR \
	    --distpath build/bundle --workpath build/bundle/work deploy/bundle/weal.spec
	mv build/bundle/commonweal build/bundle/$(BUNDLE)
	cp deploy/bundle/install.sh deploy/bundle/commonweal.desktop LICENSE build/bundle/$(BUNDLE)
	tar -C build/bundle -czf dist/$(BUNDLE).tar.gz $(BUNDLE)

bench: $(STAMP) ## how fast, beside what the machine allows
	$(RUN) -m bench

sim: $(STAMP) ## the simulator; SEED=n replays one run
	COMMONWEAL_SEED="$(SEED)" $(RUN) -m pytest tests/sim -q $(SIDE_BY_SIDE)

sim-long: $(STAMP) ## the simulator on many more seeds; RUNS=n says how many
	COMMONWEAL_RUNS="$(or $(RUNS),10000)" $(RUN) -m pytest tests/sim tests/seal -q --timeout=0 $(SIDE_BY_SIDE)

sim-large: $(STAMP) ## many simulated nodes in one process; NODES=n says how many
	COMMONWEAL_NODES="$(or $(NODES),1000)" $(RUN) -m pytest tests/sim/network/test_large.py -k settled -q -s --timeout=0

fuzz-long: $(STAMP) ## inputs that nobody thought of, for long; EXAMPLES=n says how many each
	COMMONWEAL_EXAMPLES="$(or $(EXAMPLES),20000)" $(RUN) -m pytest tests -q --timeout=0 -m "hypothesis or many" $(SIDE_BY_SIDE)
	$(RUN) -m pip install --quiet --disable-pip-version-check atheris==3.0.0 || true
	$(RUN) -m tests.fuzz.long --seconds=$(or $(SECONDS_EACH),60)

attack: $(STAMP) ## what docs/threats.md names, but for what `make sim` runs
	$(RUN) -m tests.house.threats

faults: $(STAMP) ## take guards away, one by one, and see which test is red; ALL=1 for those known, too
	$(RUN) -m tests.planted $(if $(ALL),--all)

attack-long: $(STAMP) ## networks parted for a minute, 30 deaths of nodes; DEATHS=n says how many
	COMMONWEAL_RUNS="$(or $(DEATHS),30)" $(RUN) -m pytest tests/networks tests/attacks/test_kills.py -q

soak: $(STAMP) ## ten nodes for 20 minutes, some of which die; MINUTES=n says how long
	$(RUN) -m bench.soak --minutes $(or $(MINUTES),20) --plot build/soak.svg --samples build/soak.jsonl

form: $(STAMP) ## write the code in the house's form
	$(RUN) -m ruff check --fix $(FORM)
	$(RUN) -m ruff format $(FORM)

i18n: $(STAMP) ## gather words, compile catalogues
	$(RUN) -m tests.house.catalogue

icons: $(STAMP) ## the icons of the page, from the locked package of npm
	$(RUN) .ci/icons.py

tables: $(STAMP) ## write the tables of docs/protocol that follow from enums
	$(RUN) -m tests.protocol.ledger.table_page

lock: | $(RUN) ## choose versions anew, for every Python and system, with hashes
	$(RUN) .ci/lock.py

clean: ## remove what was made here
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(RUN):
	@test -n "$(PYTHON)" || { echo "commonweal: Python 3.11, 3.12 or 3.13 is missing: apt install python3 python3-venv python3-dev; brew install python@3.13; or uv python install 3.13" >&2; exit 1; }
	@"$(PYTHON)" .ci/machine.py
	"$(PYTHON)" -m venv $(VENV)

$(STAMP): $(LOCKS) pyproject.toml | $(RUN)
	@$(RUN) .ci/machine.py
	$(RUN) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	$(RUN) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@rm -f $(VENV)/.installed-*
	@touch $@
