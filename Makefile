# Every target is a script of its own, which says more.
.DEFAULT_GOAL := help
.PHONY: help demo test soak bench fuzz plugin release lint clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## show dokku run at work, on a Dokku host made for it (DEMO_HOST=installed: on this machine's Dokku)
	@scripts/demo

test: ## lint, build, run the whole suite, check that nothing is left in docker
	@scripts/test

soak: ## thousands of tasks while processes of the plugin are killed, and hundreds at once (ONEOFF_SOAK_TASKS=2000)
	@scripts/soak

bench: ## measure dokku run beside docker itself, on a quiet machine (BENCH_HOST=installed: this machine's Dokku, and core's run)
	@scripts/bench

fuzz: ## run each fuzz target for ten minutes (scripts/fuzz SECONDS TARGET: one of them, so long)
	@scripts/fuzz

plugin: ## build the plugin into target/plugin, as it is released
	@scripts/build-plugin

release: ## pack release archives and their checksums into target/release-archives
	@scripts/release

lint: ## cargo fmt, clippy, shellcheck
	@scripts/lint

clean: ## remove what was built
	@cargo clean
