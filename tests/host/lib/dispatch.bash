# shellcheck shell=bash
# Finds the file that serves a command (contract, sections 2.3 and 2.4).

# Core plugins get the app of `--app` as their first argument; others get it in DOKKU_APP_NAME only.
is_core() {
  [[ $(readlink -f "$PLUGIN_ENABLED_PATH/$1") == *core-plugins* ]]
}

run_command() {
  local command=$1 plugin
  shift
  case ${command%%:*} in # the short names of plugins that this host has
    docker-local) command=scheduler-$command ;;
    pack) command=builder-$command ;;
  esac
  plugin=$command
  [[ ${command%%:*} != events ]] || plugin=20_$command

  if [[ -n $DOKKU_APP_NAME ]] && is_core "${plugin%%:*}"; then
    set -- "$DOKKU_APP_NAME" "$@"
  fi
  set -- "$command" "$@"

  local file word=${command#*:}
  for file in "$plugin/subcommands/default" "$plugin/subcommands/$command" "${plugin%%:*}/subcommands/$word"; do
    [[ -x $PLUGIN_ENABLED_PATH/$file && $file != */ ]] || continue
    "$PLUGIN_ENABLED_PATH/$file" "$@" || exit
    return
  done
  ask_everyone "$@"
}

# Without a subcommand file, every plugin's `commands` is executed, until one fails.
ask_everyone() {
  local script status answered=''
  for script in "$PLUGIN_ENABLED_PATH"/*/commands; do
    status=0
    "$script" "$@" || status=$?
    case $status in
      "$DOKKU_NOT_IMPLEMENTED_EXIT") ;;
      "$DOKKU_VALID_EXIT") answered=yes ;;
      *) exit "$status" ;;
    esac
  done

  if [[ -z $answered ]]; then
    dokku_log_warn "\`$*\` is not a dokku command."
    dokku_log_warn "See \`dokku help\` for a list of available commands."
    exit 1
  fi
}
