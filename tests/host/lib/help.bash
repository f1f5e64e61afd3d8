# shellcheck shell=bash
# `dokku help`, `dokku help --all` (contract, section 2.5) and `dokku version`.

# Executes everything named `commands` at any depth below the enabled plugins, whatever it is. The first failure ends it.
print_help() {
  local -a scripts targets core=() community=()
  local -i i
  export LC_ALL=C
  mapfile -t scripts < <(find -L "$PLUGIN_ENABLED_PATH" -name commands 2>/dev/null)
  mapfile -t targets < <(readlink -f -- "${scripts[@]}")
  for i in "${!scripts[@]}"; do
    if [[ ${targets[i]} == *core-plugins* ]]; then
      core+=("${scripts[i]}")
    else
      community+=("${scripts[i]}")
    fi
  done

  dokku_log_quiet "Usage: dokku [--quiet|--trace|--force] COMMAND <app> [command-specific-options]"
  dokku_log_quiet ""
  dokku_log_quiet "Commands (\"dokku help --all\" names every one, \"dokku COMMAND:help\" says more):"
  dokku_log_quiet ""
  if [[ $1 == --all ]]; then
    ask_for_help "${core[@]}" | sort | columns
  else
    # Core's subcommands and their arguments are omitted; other plugins' lines are shown unchanged.
    ask_for_help "${core[@]}" | sort | sed '/:/d; s/[[:space:]][[<(\\].*,/,/' | columns
  fi

  if [[ ${#community[@]} -gt 0 || $1 == --all ]]; then
    dokku_log_quiet ""
    dokku_log_quiet "Community plugin commands:"
    dokku_log_quiet ""
    ask_for_help "${community[@]}" | sort | columns
  fi
}

ask_for_help() {
  local script
  for script in "$@"; do
    "$script" help || exit
  done
}

columns() {
  column -c2 -t -s,
}

print_version() {
  local file
  for file in "$DOKKU_LIB_ROOT/STABLE_VERSION" "$DOKKU_LIB_ROOT/VERSION"; do
    [[ -f $file ]] || continue
    echo "dokku version $(<"$file")"
    return
  done
  dokku_log_fail "Unable to determine dokku's version"
}
