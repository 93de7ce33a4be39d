# Every command people type. `make` alone lists them.
UV := $(shell command -v uv || echo .uv/bin/uv)
RUN := $(UV) run --no-sync
# What a program compiles of its modules is kept, also where the surroundings say no: some thousand processes start here.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup demo up down test test-fast container-test images sbom cluster-programs cluster-test upgrade-test chaos bench bench-flow bench-validator bench-log simulation asyncapi lint types contracts dashboards pictures format clean

help: ## list the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 14

setup: ## install uv if it is missing, and the locked dependencies
	@command -v $(UV) >/dev/null || (python3 -m venv .uv && .uv/bin/pip install --quiet "uv>=0.13,<0.14")
	@$(UV) sync --quiet --locked --all-packages --all-extras --all-groups

demo: setup ## real servers, five services, a stream of valid and invalid documents, a closing table
	@$(RUN) trunk-demo

up: setup ## start the servers and the five services, and leave them running
	@$(RUN) trunkctl up

down: ## stop everything `make up` started
	@$(RUN) trunkctl down

test: setup ## every test in four parts, with one table at the end; T=tests/intake for some of them
ifdef T
	@$(RUN) pytest $(T)
else
	@$(RUN) python -m tests.parts $(if $(TESTED),--without $(TESTED))
endif

test-fast: setup ## every test that needs no server but the long ones, on all cores
	@$(RUN) python -m tests.parts --fast

container-test: setup ## of these, images and compose file, in a container engine of this checkout
	@$(RUN) pytest -v tests/containers

images: ## the images of all services and jobs, by the docker of this machine
	docker buildx bake --file deploy/docker-bake.hcl --load

sbom: setup ## the list of parts of every image, into dist/sbom
	@mkdir -p dist/sbom && for name in intake validator router archive notifier trunkctl canary; do \
		deploy/sbom.sh $$name > dist/sbom/trunk-$$name.cdx.json || exit 1; done; ls dist/sbom

cluster-programs: setup ## build Kubernetes and KEDA into the cache (15 CPU minutes, once); then make test uses them
	@$(RUN) python -m lab.kubernetes.programs

cluster-test: cluster-programs ## Kubernetes for real: zones, then a node with our own images, RabbitMQ and KEDA
	@$(RUN) python -m lab.kubernetes.images .lab/cluster/images.tar
	@$(RUN) pytest -s tests/cluster --ignore=tests/cluster/node
	@$(RUN) python -m lab.kubernetes.apart $(RUN) pytest -s tests/cluster/node

upgrade-test: setup ## a trunk that the former release itself has filled is taken over (five minutes)
	@TRUNK_TEST_FORMER=1 $(RUN) pytest -v tests/upgrade/test_former_trunk.py

simulation: setup ## ten thousand simulated schedules of faults, FIRST=20000 for others
	@$(RUN) python -m tests.simulation run $(or $(FIRST),0) $(or $(COUNT),10000)

chaos: setup ## 2,000 packages while 200 things go wrong, and ten lost leaders (an hour); PACKAGES=, FAULTS=, LEADERS=, SEED=
	@$(RUN) python -m tests.system.chaos --packages $(or $(PACKAGES),2000) --faults $(or $(FAULTS),200) \
		--leaders $(or $(LEADERS),10) --seed $(or $(SEED),1)

bench: setup ## documents a second, CPU and latency on this machine
	@$(RUN) python -m bench

bench-flow: setup ## who waits for whom; ONLY=inboxes, flood or urgent, all by default, as long as an hour
	@for one in $(or $(ONLY),inboxes flood urgent); do $(RUN) python -m bench.flow $$one || exit 1; done

bench-validator: setup ## CPU a validation, beside its floor, plain pyHanko and, with DSS=1, EU DSS; ONLY=letter
	@$(RUN) python -m bench.validator --only '$(ONLY)'
	@$(RUN) python -m bench.validator.foreign .lab/signed --only '$(ONLY)' $(if $(DSS),--dss)

bench-log: setup ## the ledger's log at many entries: CPU to append, prove and verify, bytes; ENTRIES=1000000
	@$(RUN) python -m bench.log --entries $(or $(ENTRIES),100000)

asyncapi: setup ## write docs/asyncapi anew from the tables of queues, facts and headers
	@$(RUN) python -m apidocs

lint: setup ## ruff
	@$(RUN) ruff check . && $(RUN) ruff format --check .

types: setup ## mypy strict
	@$(RUN) mypy libs/*/src services/*/src testing/*/src tools/*/src bench fuzz apidocs

contracts: setup ## which module may import which
	@$(RUN) lint-imports

dashboards: setup ## write Grafana's pages anew out of tools/dashboards, and their Kubernetes copies
	@$(RUN) trunk-dashboards write && $(RUN) python -m lab.k8s_monitoring >/dev/null

pictures: setup ## the pages as they look after a morning on real servers, drawn into docs/operations/pages (ten minutes)
	@$(RUN) python -m tests.system.pictures docs/operations/pages

format: setup ## let ruff rewrite the layout
	@$(RUN) ruff check --fix . ; $(RUN) ruff format .

clean: down ## forget this checkout's servers and their data
	@$(RUN) python -m lab.engine stop
	@for state in .devstack/gw*/; do [ ! -d "$$state" ] || $(RUN) trunkctl down --state "$$state"; done
	rm -rf .devstack
