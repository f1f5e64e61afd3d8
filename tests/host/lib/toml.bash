# shellcheck shell=bash
# The subset of TOML for plugin.toml and config.toml, and the configuration that plugn derives from them (contract, section 3).

# read_table FILE NAME MAP: reads the keys of table [NAME] into the associative array MAP. Fails if there is no such table.
read_table() {
  local line table='' found=''
  local -n into=$3
  while IFS= read -r line || [[ -n $line ]]; do
    if [[ $line =~ ^[[:space:]]*\[[[:space:]]*([^]]*[^]\ ])[[:space:]]*\] ]]; then
      table=${BASH_REMATCH[1]}
      [[ $table != "$2" ]] || found=yes
    elif [[ $table == "$2" && $line =~ ^[[:space:]]*([\"\']?)([A-Za-z0-9_-]+)[\"\']?[[:space:]]*=[[:space:]]*(.*)$ ]]; then
      # shellcheck disable=SC2034,SC2004 # a reference to the caller's map, which is an associative one
      into[${BASH_REMATCH[2]}]=$(unquote "${BASH_REMATCH[3]}")
    fi
  done <"$1"
  [[ -n $found ]]
}

# Prints a TOML string's value: '…' is literal, "…" has backslash escapes, anything else is read up to a comment.
unquote() {
  if [[ $1 =~ ^\'([^\']*)\' ]]; then
    printf '%s' "${BASH_REMATCH[1]}"
  elif [[ $1 =~ ^\"(([^\"\\]|\\.)*)\" ]]; then
    printf '%b' "${BASH_REMATCH[1]//\\\"/\"}"
  else
    local value=${1%%#*}
    printf '%s' "${value%"${value##*[![:space:]]}"}"
  fi
}

# Exports CONFIG_<KEY> for every key of the plugin's [plugin.config]: from the environment, else from config.toml, else empty.
# The file is found by the plugin's name in `available`, whatever the link in `enabled` points to.
export_config() {
  local name=$1 toml=$PLUGIN_PATH/available/$1/plugin.toml
  local -A keys=() values=()
  if [[ ! -r $toml ]]; then
    printf '%(%Y/%m/%d %H:%M:%S)T open %s: no such file or directory\n' -1 "$toml" >&2
    return
  fi
  if ! read_table "$toml" plugin.config keys; then
    print_crash "$name"
    return
  fi
  ((${#keys[@]})) || return 0

  [[ ! -s $PLUGIN_PATH/config.toml ]] || read_table "$PLUGIN_PATH/config.toml" "$name" values || true
  local key prefix=${name//-/_} upper
  prefix=${prefix^^}
  for key in "${!keys[@]}"; do
    upper=${key//-/_}
    upper=${upper^^}
    # plugn's shell expands the file's values, and stops at an invalid variable name.
    eval "export CONFIG_$upper=\"\${${prefix}_$upper:-\"${values[$key]}\"}\""
  done
}

print_crash() {
  cat >&2 <<END
panic: plugin "$1": plugin.toml has no table [plugin.config]

goroutine 1 [running]:
plugn.exportConfig({"$1"})
	embedded host, contract section 3
plugn.main()
exit status 2
END
}
