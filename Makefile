# `make help` lists the commands. Everything is installed into .venv inside the checkout.
PYTHON ?= python3
PY := .venv/bin/python
UP_DIR ?= separate
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help demo test test-independent test-authority test-browser test-card test-faults test-login test-ruling test-web audit-deps prove check attacks bench bench-bulk bench-card bench-country bench-ledger bench-web bench-web-history docs fuzz sbom screens lock clean up smoke down
help:            ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/'

demo: .make/run  ## the whole country in one process, then its three sites; DEMO_ARGS="--residents 2000 --seed 7 --json"
	@$(PY) -m kakine demo $(DEMO_ARGS)

up: .make/run    ## every party in a process of its own on this machine, over mutual TLS, on a PostgreSQL of its own; UP_DIR=separate UP_ARGS="--engine sqlite"
	@$(PY) -m kakine apart up --dir $(UP_DIR) $(UP_ARGS)

smoke: .make/run ## real exchanges through those processes, and a person reads the own history
	@$(PY) -m kakine apart smoke --dir $(UP_DIR)

down: .make/run  ## end exactly those processes and that server
	@$(PY) -m kakine apart down --dir $(UP_DIR)

# All tests of a file in one process and in their order: most share a country, some look at what the others left.
test: .make/dev  ## every test
	@$(PY) -m pytest -n auto --dist loadfile --no-loadscope-reorder $(TEST_ARGS)

attacks: .make/dev ## only the attacks that the design must withstand
	@$(PY) -m pytest tests/attacks -v

fuzz: .make/dev    ## every call of every party with many generated requests, and hostile ones (minutes; FUZZ=50 of each sort)
	@KAKINE_FUZZ=$(or $(FUZZ),50) $(PY) -m pytest -n 0 tests/processes/test_fuzz.py tests/attacks/test_hostile_requests.py tests/attacks/test_hostile_calls.py tests/attacks/test_hostile_replies.py

check: .make/dev ## format, lint, types, import contracts
	@$(PY) -m ruff format --check . && $(PY) -m ruff check .
	@$(PY) -m mypy
	@.venv/bin/lint-imports --no-cache

sbom: .make/dev  ## write .artefacts/kakine.cdx.json: every locked package and file of others, with hashes and licences (CycloneDX)
	@$(PY) supply/sbom.py

audit-deps: .make/dev ## what is known against the locked packages; AUDIT_ARGS="--advisories all.zip" asks nobody
	@$(PY) supply/audit.py $(AUDIT_ARGS)

prove: .make/dev ## take each defence out of a copy and see its attack test fail (over an hour; PROVE_ARGS="--shard 1/2 --resume")
	@$(PY) tests/attacks/prove.py $(PROVE_ARGS)

test-independent: .make/dev ## our log before Go's sumdb, and what that says of it; installs Debian's Go where it is missing
	@CI=true $(PY) -m pytest -vv -s tests/independent

test-authority: .make/dev ## OpenSSL, pkilint and SoftHSM2 before all that the authority signs, with their verdicts
	@CI=true $(PY) -m pytest -q -s tests/authority/test_outside.py tests/authority/test_pkcs11.py

test-browser: .make/dev ## the verifying page in Chromium; installs Debian's where it is missing
	@CI=true $(PY) -m pytest -vv tests/e2e/test_page_in_chromium.py

test-card: .make/dev ## our cards before OpenSC and OpenSSL; installs Debian's where they are missing
	@CI=true $(PY) -m pytest -v -s tests/card/test_outside_tools.py

test-login: .make/dev ## the login before npm's openid-client and Chromium; installs both where they are missing
	@CI=true $(PY) -m pytest -v tests/login/test_foreign_client.py tests/login/test_chromium.py

test-web: .make/dev ## the sites in Chromium: axe-core, narrow screens, no script; screenshots go to .artefacts
	@CI=true $(PY) -m pytest -v tests/web tests/desk

test-faults: .make/dev ## the country apart under load and faults, then the checker; SOAK=1h for longer, SEED=7 for the same faults, STORES=sqlite
	@PYTHONPATH=tests $(PY) -m faults.apart.run $(FAULT_ARGS)

test-ruling: .make/dev ## "2008 ruling" on a busier day: 200 people with cards, 20 relying parties, 600 logins
	@KAKINE_RULING_PEOPLE=200 KAKINE_RULING_EACH=3 $(PY) -m pytest -q -n 0 tests/attacks/test_2008_ruling.py --durations=1
docs: .make/dev screens ## write docs/reference anew from the code, and take the screens
	@$(PY) docs/make_reference.py

screens: .make/dev ## take docs/pictures out of a running demonstration with Chromium (docs/screens.toml)
	@$(PY) docs/make_screens.py

bench: .make/dev ## measure against peers and floors on this machine
	@$(PY) bench/run.py $(BENCH_ARGS)

bench-card: .make/dev ## what a login by card costs, certificates a second, status lists of a million, bytes a verifier downloads
	@$(PY) bench/card.py $(BENCH_ARGS)

bench-country: .make/dev ## the country apart under load from a second process, with floors; BENCH_ARGS="--growth" for a million residents
	@$(PY) bench/country.py $(BENCH_ARGS)

bench-ledger: .make/dev ## receipts a second against bare commits and pymerkle; BENCH_ARGS="--rounds 3"
	@$(PY) bench/ledger.py $(BENCH_ARGS)

bench-bulk: .make/dev ## a job over everybody in a file, and what it does to single questions; BENCH_ARGS="--people 4096"
	@$(PY) bench/bulk.py $(BENCH_ARGS)

bench-web-history: .make/dev ## how long Chromium takes to open and verify 1,000 entries; BENCH_ARGS="--rounds 3"
	@$(PY) bench/web_history.py $(BENCH_ARGS)

bench-web: .make/dev ## the sites' pages under 50 residents, beside floors; a new exchange's way into the browser; BENCH_ARGS="--rounds 3"
	@$(PY) bench/web_pages.py $(BENCH_ARGS)

lock:            ## write requirements/*.txt anew from pyproject.toml (needs uv)
	uv pip compile -q --universal --generate-hashes --no-annotate --no-header pyproject.toml -o requirements/run.txt
	uv pip compile -q --universal --generate-hashes --no-annotate --no-header --extra dev pyproject.toml -c requirements/run.txt -o requirements/dev.txt

clean:           ## remove what make installed and made
	rm -rf .venv .make .mypy_cache .ruff_cache .pytest_cache .hypothesis .artefacts country

.venv/bin/python:
	$(PYTHON) -m venv .venv

# `kakine` as a command, for every shell that has .venv/bin in its PATH.
.venv/bin/kakine: | .venv/bin/python
	@printf '#!/bin/sh\nexec "%s" -m kakine "$$@"\n' "$(CURDIR)/$(PY)" > $@
	@chmod 755 $@

.make/run: requirements/run.txt pyproject.toml | .venv/bin/python .venv/bin/kakine
	@echo "installing what the country needs to run ..."
	@$(PY) -m pip install -q --require-hashes -r requirements/run.txt
	@echo $(CURDIR)/src > $$($(PY) -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/kakine.pth
	@mkdir -p .make && touch $@

.make/dev: requirements/dev.txt .make/run
	@echo "installing what the tests need ..."
	@$(PY) -m pip install -q --require-hashes -r requirements/dev.txt
	@mkdir -p .make && touch $@
