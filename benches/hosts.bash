# shellcheck shell=bash
# The Dokku host that is measured: an embedded one, or this machine's. Sets `dokku` (its command), `library`, and `core`, a
# PLUGIN_PATH whose `run` is core's own (empty if there is none).
# shellcheck disable=SC2154 # scripts/bench sets `work`
# shellcheck disable=SC2034 # and reads the rest

embedded_host() {
  local tree
  tree=${ONEOFF_PLUGIN_TREE:-$(scripts/build-plugin)} # as in the tests
  tests/host/create "$work/host" --plugin "$tree"
  tests/host/bench-mode "$work/host"
  dokku=$work/host/bin/dokku library=$work/host/var/lib/dokku core=''
}

# Core's own `run`: a copy of `enabled` in which only the link `run` is different.
installed_host() {
  local plugin name
  if [[ ! -d /var/lib/dokku ]] || ! command -v dokku >/dev/null; then
    fail "BENCH_HOST is 'installed', and this machine has no Dokku"
  fi
  [[ $EUID -eq 0 ]] || fail "an installed Dokku is measured as root and as user dokku: run this as root"
  dokku=$(command -v dokku) library=/var/lib/dokku core=$work/plugins
  [[ -x $library/plugins/enabled/oneoff/subcommands/default ]] || fail "the plugin 'oneoff' is not installed: see README.md"
  mkdir -p "$core/enabled"
  ln -s "$library/plugins/available" "$library/plugins/config.toml" "$core/"
  for plugin in "$library"/plugins/enabled/*; do
    name=${plugin##*/}
    [[ $name == oneoff || $name == run ]] || ln -s "$(readlink -f "$plugin")" "$core/enabled/$name"
  done
  ln -s "$library/core-plugins/available/run" "$core/enabled/run"
}

# more_plugins N: adds plugins up to N more than every host has.
more_plugins() {
  local -i i
  if [[ $host == embedded ]]; then
    tests/host/bench-mode "$work/host" "$1"
    return
  fi
  for ((i = 0; i < $1; i++)); do
    [[ ! -e $library/plugins/enabled/zz-more-$i ]] || continue
    mkdir -p "$work/more/zz-more-$i"
    printf '[plugin]\ndescription = "ballast"\nversion = "1"\n[plugin.config]\n' >"$work/more/zz-more-$i/plugin.toml"
    ln -s "$work/more/zz-more-$i" "$library/plugins/enabled/zz-more-$i"
    ln -s "$work/more/zz-more-$i" "$core/enabled/zz-more-$i"
  done
}

no_more_plugins() {
  [[ ! -d $library/plugins ]] || find "$library/plugins" -maxdepth 2 -name 'zz-more-*' -exec rm -rf {} +
}
