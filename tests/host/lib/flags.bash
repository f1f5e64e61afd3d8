# shellcheck shell=bash
# Dokku's global flags (contract, section 2.1).

# Scans all words of the command line, including the user's own command, and exports the flags found.
scan_global_flags() {
  local word flags=''
  local -i i
  for ((i = 1; i <= $#; i++)); do
    word=${!i}
    case $word in
      --quiet) export DOKKU_QUIET_OUTPUT=1 ;;
      --trace) export DOKKU_TRACE=1 ;;
      --force) export DOKKU_APPS_FORCE_DELETE=1 ;;
      --app)
        i+=1 # its value is not scanned
        export DOKKU_APP_NAME=${!i-}
        ;;
    esac
    [[ $word != --* ]] || flags+=" $word"
  done

  # The inner one of two `dokku` processes (sudo, SSH) keeps what the outer one found.
  [[ -z $DOKKU_GLOBAL_FLAGS ]] || return 0
  if [[ $flags == *[\\$'\n']* ]]; then
    # As Dokku does it: backslash escapes are expanded, spaces at both ends of every line are removed.
    flags=$(echo -e "$flags" | sed 's/^[[:space:]]*//; s/[[:space:]]*$//')
  else
    flags=${flags# }
    flags=${flags%"${flags##*[![:space:]]}"}
  fi
  export DOKKU_GLOBAL_FLAGS=$flags
}

# Sets the array `argv`: the words without leading flags. `--version` is kept, because it is a command.
drop_leading_flags() {
  local word value=''
  argv=("$@")
  for word in "$@"; do
    if [[ -n $value ]]; then
      value=''
      continue
    fi
    case $word in
      --version) ;;
      --app)
        ((${#argv[@]} > 1)) || continue
        argv=("${argv[@]:2}")
        value=next
        ;;
      --*) argv=("${argv[@]:1}") ;;
      *) break ;;
    esac
  done
}
