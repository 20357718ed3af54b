# Every target sets up what it needs; the second time that takes no time. Only Python, make and the package registries are needed.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready

# Much of the time tests wait for a sandbox; tests/conftest.py says which of them share a process.
SIDE_BY_SIDE := --numprocesses 2 --dist loadscope --no-loadscope-reorder

.PHONY: demo test lint bench lock clean

demo: $(READY)
	$(BIN)/mlops demo

test: $(READY)
	$(MAKE) --no-print-directory lint
	$(BIN)/python -m pytest $(SIDE_BY_SIDE)

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/basedpyright --pythonpath $(BIN)/python
	$(BIN)/zizmor --offline --no-progress --quiet --strict-collection --persona auditor .github

bench: $(READY) build/checkov/.ready
	$(BIN)/python -m benchmarks

# What we are measured against has an environment of its own.
build/checkov/.ready: benchmarks/checkov.lock
	$(PYTHON) -m venv build/checkov
	$(BIN)/uv pip install --quiet --python build/checkov/bin/python --require-hashes -r benchmarks/checkov.lock
	touch $@

# The lock is exported with hashes and without host names.
lock: $(READY)
	$(BIN)/uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes \
		--no-header --no-emit-index-url --no-annotate --quiet --upgrade -o requirements.lock

$(READY): requirements.lock requirements-uv.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(0 if (3, 11) <= sys.version_info[:2] < (3, 14) else f"Python 3.11 to 3.13 is needed, this is {sys.version.split()[0]}: set PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-uv.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	touch $@

clean:
	rm -rf $(VENV) .mlops build

# What the preview is compared with in the tests; run it when a change of the program is meant, and commit what it writes.
.PHONY: record
record: $(READY)
	$(BIN)/python tests/recordings/write.py

# Generated pages; the tests fail when they are stale.
.PHONY: docs
docs: $(READY)
	$(BIN)/python -m wellarchitected.ready policy
	$(BIN)/python -m wellarchitected.catalogue docs/policies
	$(BIN)/python -m mlops.review.checklists
	$(BIN)/python -m mlops.report.model
	$(BIN)/python -m tests.traceability.page
