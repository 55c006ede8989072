# The front door; `make` alone lists the targets. Each sets up what it needs in .venv: with uv where it is installed,
# with plain venv and pip where it is not. Nothing is installed twice until a lock file changes.

.DEFAULT_GOAL := help
.PHONY: help demo test simulate faults check fix docs editors prism zapier console bench sizes lock image clean

# Tests are rewritten by pytest before they run, and servers are started by the hundred: what was compiled is kept,
# also where the environment says otherwise.
export PYTHONDONTWRITEBYTECODE :=

VENV := .venv
BIN := $(VENV)/bin
UV := $(shell command -v uv 2>/dev/null)
# The first of these that is at least 3.11 makes the environment; choose another with `make PYTHON=...`.
PYTHON := $(firstword $(foreach name,python3 python3.13 python3.12 python3.11 python,$(shell \
  $(name) -c 'import sys; sys.version_info >= (3, 11) and print("$(name)")' 2>/dev/null)))
LOCKING = uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --exclude-newer "14 days" \
  --no-annotate --no-header --no-emit-index-url --no-emit-find-links --upgrade pyproject.toml

help: ## list the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' Makefile

demo: $(VENV)/.run ## play a morning of webhooks through the whole service, in half a minute
	@$(BIN)/hooks demo $(ARGS)

test: $(VENV)/.dev ## run the tests; `make test ARGS='-k zapier'` runs some
	@$(BIN)/python -m pytest --numprocesses auto --dist worksteal $(ARGS)

simulate: $(VENV)/.dev ## the engine under seeded trouble; `make simulate SEEDS=2000`
	@$(BIN)/python -m tests.simulation --seeds $(or $(SEEDS),200) $(ARGS)

faults: $(VENV)/.dev ## the table of faults, as in docs/reliability.md: what each costs
	@$(BIN)/python -m tests.faults $(ARGS)

check: $(VENV)/.dev ## formatting, lint, types and import directions; changes nothing
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

fix: $(VENV)/.dev ## format, and repair what ruff can repair
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

docs: $(VENV)/.run ## write the pages of docs/reference that are made from the code
	@mkdir -p docs/reference
	@$(BIN)/hooks vendors --markdown > docs/reference/vendors.md.new && mv docs/reference/vendors.md.new docs/reference/vendors.md
	@$(BIN)/hooks rules functions --markdown > docs/reference/functions.md.new && mv docs/reference/functions.md.new docs/reference/functions.md
	@$(BIN)/hooks rules schema > docs/reference/routes.schema.json.new && mv docs/reference/routes.schema.json.new docs/reference/routes.schema.json

editors: $(VENV)/.dev ## test the schema against the language server that editors run (needs Node and npm)
	@npm install --silent --no-audit --no-fund --no-package-lock --ignore-scripts --prefix tests/editors
	@$(BIN)/python -m pytest tests/editors $(ARGS)

console: $(VENV)/.dev ## test the console in a real browser, with axe-core as judge (needs Chromium, Node and npm)
	@mkdir -p build/console && cp tests/console/package.json build/console
	@npm install --silent --no-audit --no-fund --no-package-lock --ignore-scripts --prefix build/console
	@$(BIN)/python -m pytest tests/console $(ARGS)

zapier: $(VENV)/.dev ## test the app for Zapier under Zapier's own runner (needs Node and npm)
	@mkdir -p build/zapier && cp hooks/vendors/zapier/app/package.json build/zapier
	@npm install --silent --no-audit --no-fund --no-package-lock --ignore-scripts --prefix build/zapier
	@$(BIN)/python -m pytest tests/vendors/test_zapier_app.py $(ARGS)

prism: $(VENV)/.dev ## have Prism judge our requests and our sandboxes by the vendors' documents (needs Node and npm)
	@mkdir -p build/prism && cp tests/prism/package.json build/prism
	@npm install --silent --no-audit --no-fund --no-package-lock --ignore-scripts --prefix build/prism
	@$(BIN)/python -m pytest tests/prism $(ARGS)

bench: $(VENV)/.dev ## measure: ratios against a bare server, in one run
	@$(BIN)/python -m benchmarks $(ARGS)

sizes: ## the longest modules; past 350 lines ask whether it is two
	@find hooks tests -name '*.py' -exec wc -l {} + | sort -rn | sed -n '2,16p'

lock: ## renew both lock files (needs uv); nothing younger than 14 days gets in
	@$(LOCKING) --extra postgres --group build -o requirements.lock
	@$(LOCKING) --extra postgres --group build --group dev -c requirements.lock -o requirements-dev.lock

image: ## build the container image (needs docker)
	@docker build --tag hooks .

clean: ## remove what make made
	@rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis

# uv does not read pip's own configuration (mirrors, certificates), so pip is the second try.
define install
	@echo "hooks: installing $(1) into $(VENV)" >&2
	@{ test -n "$(UV)" && uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r $(1) \
	  && uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e . ; } || \
	  { $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(1) \
	  && $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e . ; }
	@$(BIN)/python -m compileall -q -j 0 hooks
endef

$(BIN)/python:
	@{ test -n "$(UV)" && uv venv --quiet --seed --python '>=3.11' $(VENV) ; } || \
	  { test -n "$(PYTHON)" && $(PYTHON) -m venv $(VENV) ; } || \
	  { echo "hooks needs Python 3.11 or newer, with venv and pip" >&2 ; exit 1 ; }

$(VENV)/.run: requirements.lock | $(BIN)/python
	$(call install,requirements.lock)
	@touch $@

$(VENV)/.dev: requirements-dev.lock | $(BIN)/python
	$(call install,requirements-dev.lock)
	@touch $(VENV)/.run $@
