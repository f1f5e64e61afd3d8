# Each target runs one script; the comment at its top has the details.
.DEFAULT_GOAL := help
.PHONY: help demo test soak bench fuzz plugin release lint clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## demonstrate dokku run on an embedded Dokku host (DEMO_HOST=installed: on this machine's Dokku)
	@scripts/demo

test: ## lint, build, run the whole suite, check that nothing is left in docker
	@scripts/test

soak: ## run thousands of tasks while processes of the plugin are killed, and hundreds at once (ONEOFF_SOAK_TASKS=2000)
	@scripts/soak

bench: ## compare dokku run with the docker CLI, on an idle machine (BENCH_HOST=installed: this machine's Dokku, and core's run)
	@scripts/bench

fuzz: ## run each fuzz target for ten minutes (scripts/fuzz SECONDS TARGET: one target for that time)
	@scripts/fuzz

plugin: ## build the plugin into target/plugin, as in a release
	@scripts/build-plugin

release: ## build release archives and their checksums in target/release-archives
	@scripts/release

lint: ## run cargo fmt, clippy and shellcheck
	@scripts/lint

clean: ## remove what was built
	@cargo clean
