#!/usr/bin/env bash
# Every core plugin's `commands` (create copies it there): it prints the plugin's file `help`. The first line of that file
# describes the plugin, the others are lines of `dokku help` (contract, sections 2.4 and 2.5).
plugin=${0%/*}
name=${plugin##*/}
[[ " help $name $name:help " == *" $1 "* ]] || exit "$DOKKU_NOT_IMPLEMENTED_EXIT"
set -eo pipefail

{
  IFS= read -r about
  if [[ $1 != help ]]; then
    printf 'Usage: dokku %s[:COMMAND]\n\n%s\n\nAdditional commands:\n' "$name" "$about"
    sort | column -c2 -t -s,
  else
    # `--all` is visible only on the command line of the calling `dokku`.
    mapfile -d '' -t asking <"/proc/$PPID/cmdline"
    if [[ " ${asking[*]} " == *" --all "* ]]; then
      cat
    else
      printf '    %s, %s\n' "$name" "$about"
    fi
  fi
} <"$plugin/help"
