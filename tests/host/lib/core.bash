# shellcheck shell=bash
# The files of a Dokku package, for `create` and `renew`.
# shellcheck disable=SC2154 # they set `here`, `core` and `plugins`
readonly VERSION=0.38.27

# The core plugins' own files. Those that all of them have in common are created here: plugin.toml, and `commands`, a name that
# must not exist in the git tree (`dokku help` would execute it: contract, section 2.5). tee copies a file to many at once.
copy_core_plugins() {
  local plugin
  local -a available commands events
  mkdir -p "$core"/{available,enabled} "$plugins"/{available,enabled}
  cp -R "$here/core-plugins/." "$core/available"
  available=("$core"/available/*)
  for plugin in "${available[@]}"; do
    printf '[plugin]\ndescription = "dokku core %s plugin"\nversion = "%s"\n[plugin.config]\n' \
      "${plugin##*/}" "$VERSION" >"$plugin/plugin.toml"
  done
  commands=("$core"/available/*/help)
  commands=("${commands[@]/%help/commands}")
  mapfile -t events <"$core/available/20_events/hooks"
  events=("${events[@]/#/"$core/available/20_events/"}")
  tee "${commands[@]}" <"$core/available/common/commands.bash" >/dev/null
  tee "${events[@]}" <"$core/available/20_events/hook" >/dev/null
  chmod 755 "${commands[@]}" "${events[@]}"
}

# The links of contract, section 1: enabled -> available -> the package's own files.
link_core_plugins() {
  local -a available=("$core"/available/*)
  ln -s -t "$core/enabled" "${available[@]}"
  ln -s -t "$plugins/available" "${available[@]}"
  ln -s -t "$plugins/enabled" "${available[@]/#"$core"/"$plugins"}"
  touch "$core/config.toml" "$plugins/config.toml"
}
