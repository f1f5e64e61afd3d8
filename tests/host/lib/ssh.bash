# shellcheck shell=bash
# A command that came through SSH (contract, section 2.7).

# Runs the words that xargs makes of the original command, each through one `echo`, in a `dokku` of their own. This
# process stays and keeps SSH_ORIGINAL_COMMAND in its environment's first copy (/proc/PID/environ).
run_ssh_command() {
  local -a words
  export -n SSH_ORIGINAL_COMMAND
  readarray -t words < <(printf '%s' "$SSH_ORIGINAL_COMMAND" | xargs -n 1)
  "$EMBEDDED_DOKKU_HOST/bin/dokku" "${words[@]}"
}
