# shellcheck shell=bash
# The user's name, and whether the user is authorized (hook `user-auth`; names as in contract, section 4, first row).

authorize() {
  local -a hooks
  export SSH_USER=${SSH_USER:-${USER:-$(id -un)}}
  export SSH_NAME=${NAME:-default}
  export DOKKU_COMMAND=$1

  # Core's 20_events alone does not count as an access plugin.
  hooks=("$PLUGIN_ENABLED_PATH"/*/user-auth)
  [[ ${hooks[*]} != "" && ${hooks[*]} != "$PLUGIN_ENABLED_PATH/20_events/user-auth" ]] || return 0
  plugn trigger user-auth "$SSH_USER" "$SSH_NAME" "$@"
}
