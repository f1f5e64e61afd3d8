# shellcheck shell=bash
# A command over SSH (contract, section 2.7).

# Runs the words that xargs makes of the original command, each through one `echo`, in a second `dokku`. This process stays,
# with SSH_ORIGINAL_COMMAND in its initial environment (/proc/PID/environ).
run_ssh_command() {
  local -a words
  export -n SSH_ORIGINAL_COMMAND
  readarray -t words < <(printf '%s' "$SSH_ORIGINAL_COMMAND" | xargs -n 1)
  "$EMBEDDED_DOKKU_HOST/bin/dokku" "${words[@]}"
}
