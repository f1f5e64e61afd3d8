# shellcheck shell=bash
# The setting of a measurement (a host, an app, a directory `work`), and its removal. The caller is in the repository.
# shellcheck disable=SC2154 # the caller sets `host`

fail() { say "$*"; exit 1; }

# shellcheck source=hosts.bash
source benches/hosts.bash

app=oneoff-bench-$$ label=oneoff-bench=$$ image=oneoff-test/busybox:latest
work='' dokku='' core='' library='' created='' had_image=''

containers() {
  docker container ls --all --quiet --filter "label=com.dokku.app-name=$app"
  docker container ls --all --quiet --filter "label=$label"
}

finish() {
  local status=$?
  trap '' INT TERM HUP PIPE
  set +e
  no_more_plugins
  containers | xargs --no-run-if-empty docker container rm --force --volumes >/dev/null
  if [[ $created ]]; then
    "$dokku" --force apps:destroy "$app" </dev/null >/dev/null 2>&1 || say "app '$app' could not be destroyed"
    docker image rm "dokku/$app:latest" >/dev/null 2>&1
  fi
  [[ $had_image ]] || docker image rm "$image" >/dev/null 2>&1
  rm -rf "$work"
  exit "$status"
}

# Everything that this makes is removed when the caller exits.
set_stage() {
  scripts/docker-up
  command -v strace >/dev/null || scripts/apt-install strace
  work=$(mktemp -d)
  chmod 755 "$work" # user dokku reads the scene
  trap finish EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  if docker image inspect "$image" >/dev/null 2>&1; then had_image=yes; fi
  case $host in
    embedded | installed) "${host}_host" ;;
    *) fail "BENCH_HOST is '$host', expected embedded or installed" ;;
  esac
  tests/images/build busybox >/dev/null
  "$dokku" apps:create "$app" </dev/null >/dev/null
  created=yes
  docker image tag "$image" "dokku/$app:latest"
  make_scene
}

# Writes the variables that `benches/pairs` needs. docker's arguments are those of our own call.
make_scene() {
  local environment=$work/environment create=() words=() word shown
  shown=$("$dokku" run --no-tty --dry-run "$app" true </dev/null)
  sed -n 's/^  \(.*\)=\*\*\*$/\1=a value/p' <<<"$shown" >"$environment"
  # The arguments are quoted for a shell. The name is left to docker.
  eval "words=(${shown%%$'\n'*})"
  create=("--label=$label")
  for word in "${words[@]:3}"; do
    [[ $word == --name=* ]] || create+=("$word")
  done
  declare -p app dokku core create environment >"$work/scene"
  chmod 644 "$work/scene" "$environment"
}
