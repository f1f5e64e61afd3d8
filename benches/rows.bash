# shellcheck shell=bash
# The measurements, row by row. Each becomes a JSON object in `rows`.
# shellcheck disable=SC2154 # scripts/bench sets the other variables

# add NAME TASK RUNS [USER]: measures the task as that user, or as the caller.
add() {
  local as=()
  [[ -z ${4-} ]] || as=(sudo -u "$4" -H)
  say "$1"
  "${as[@]}" "$PWD/benches/pairs" "$work/scene" "$2" "$3" >"$work/figures"
  rows+=("$(summary "$work/figures" "$1")")
}

# note NAME KEY VALUE…: adds a row of single figures.
note() {
  local row="{\"name\":\"$1\""
  shift
  while (($#)); do
    row+=",\"$1\":$2"
    shift 2
  done
  rows+=("$row}")
}

measure_goals() {
  for_each_user add run run "$runs"
  for_each_user count_processes 'processes started by a run'
  add 'run, 20 at once' run-20 "$repeats"
  measure_list
  measure_stop
  measure_running
}

# for_each_user COMMAND NAME WORD…: calls `COMMAND NAME WORD… [USER]`, on an installed Dokku once for each kind of user.
for_each_user() {
  if [[ $host == installed ]]; then
    "$1" "$2, as user dokku" "${@:3}" dokku
    "$1" "$2, as root" "${@:3}"
  else
    "$@"
  fi
}

# count_processes NAME [USER]
count_processes() {
  local as=() figures=() who count
  [[ -z ${2-} ]] || as=(sudo -u "$2" -H)
  say "$1"
  while read -r who count; do
    figures+=("${who}_processes" "$count")
  done < <("${as[@]}" "$PWD/benches/pairs" "$work/scene" run processes)
  note "$1" "${figures[@]}"
}

measure_list() {
  local -i i
  for i in 1 2; do "$dokku" run:detached "$app" sleep 600 </dev/null >/dev/null; done
  for_each_user add 'run:list, 2 tasks' list "$runs"
  "$dokku" run:stop "$app" </dev/null >/dev/null
}

# `sleep` has no handler for TERM: as PID 1 it ignores TERM, and would be killed after half a minute.
measure_stop() {
  local -i i
  say 'run:stop'
  for ((i = 0; i < repeats; i++)); do
    "$dokku" run:detached "$app" sleep 600 </dev/null >/dev/null
    echo "ours $(sample "$dokku" run:stop "$app")"
  done >"$work/figures"
  rows+=("$(summary "$work/figures" 'run:stop of a task that ignores TERM as PID 1')")
}

# descendants PID: prints it and all its descendants.
descendants() {
  local children=() child
  echo "$1"
  read -ra children <"/proc/$1/task/$1/children" || true
  for child in "${children[@]}"; do descendants "$child"; done
}

# The memory and CPU of our process while it only waits: two seconds in the middle of a task.
measure_running() {
  local pid ours='' candidate before after resident deadline=$((SECONDS + 30))
  say 'our process while a task runs'
  "$dokku" run --no-tty "$app" sleep 8 </dev/null >/dev/null 2>&1 &
  pid=$!
  until [[ $ours && $(containers_running) ]]; do
    for candidate in $(descendants "$pid"); do
      [[ $(readlink "/proc/$candidate/exe") != */oneoff/bin/run ]] || ours=$candidate
    done
    ((SECONDS < deadline)) || fail "our process was not found while a task was running"
    sleep 0.1
  done
  sleep 1 # until its work at the start is done
  read -r before _ <"/proc/$ours/schedstat"
  sleep 2
  read -r after _ <"/proc/$ours/schedstat"
  resident=$(sed -n 's/^VmRSS:[[:space:]]*\([0-9]*\) kB/\1/p' "/proc/$ours/status")
  wait "$pid"
  note 'our process while a task runs' resident_kb "$resident" cpu_ms_in_2_s $(((after - before) / 1000000))
}

containers_running() { docker container ls --quiet --filter "label=com.dokku.app-name=$app"; }

measure_growth() {
  local n keys=()
  for n in "${counts[@]}"; do add "at once: $n" "run-$n" "$repeats"; done
  for n in "${key_counts[@]}"; do
    if ((n)); then
      mapfile -t keys < <(seq -f 'BENCH_%g=a value of this key' "$n")
      "$dokku" config:set --no-restart "$app" "${keys[@]}" </dev/null >/dev/null
    fi
    make_scene
    add "config keys: $n" run "$repeats"
  done
  if ((${#keys[@]})); then "$dokku" config:unset --no-restart "$app" "${keys[@]%%=*}" </dev/null >/dev/null; fi
  make_scene
  for n in "${container_counts[@]}"; do
    seq "$n" | xargs -P 4 -I{} docker container create --label "$label" "$image" true >/dev/null
    add "containers: $n" run "$repeats"
  done
  docker container ls --all --quiet --filter "label=$label" | xargs --no-run-if-empty docker container rm >/dev/null
  for n in "${plugin_counts[@]}"; do
    more_plugins "$n"
    add "more plugins: $n" run "$repeats"
  done
}

print_json() {
  local IFS=,
  printf '{"host":"%s","kernel":"%s","cpus":%d,"docker":"%s","commit":"%s","taken":"%(%F)T","rows":[%s]}\n' "$host" "$(uname -r)" \
    "$(nproc)" "$(docker version --format '{{.Server.Version}}')" "$(git rev-parse --short HEAD)" -1 "${rows[*]}"
}

# value ROW KEY: prints the value, or nothing.
value() { sed -n "s/.*\"$2\":\\([0-9.]*\\).*/\\1/p" <<<"$1"; }

print_table() {
  local row name
  echo '| what | ours | docker | ratio (quartiles) | core |'
  echo '|---|---|---|---|---|'
  for row in "${rows[@]}"; do
    name=${row#*'"name":"'} name=${name%%'"'*}
    if [[ $row == *_processes* ]]; then
      echo "| $name | $(value "$row" ours_processes) | $(value "$row" docker_processes) | | $(value "$row" core_processes) |"
    elif [[ $row == *resident_kb* ]]; then
      echo "| $name | $(value "$row" resident_kb) kB, $(value "$row" cpu_ms_in_2_s) ms of CPU in 2 s | | | |"
    else
      print_pair "$name" "$row" '' ratio
      [[ $name != run && $name != run,\ as* ]] || print_pair "$name: CPU" "$row" _cpu cpu_ratio
    fi
  done
}

# print_pair NAME ROW KIND RATIO
print_pair() {
  local docker core ratio=''
  docker=$(value "$2" "docker$3_ms") core=$(value "$2" "core$3_ms")
  [[ -z $docker ]] || ratio="**$(value "$2" "$4")** ($(value "$2" "$4_low")–$(value "$2" "$4_high"))"
  echo "| $1 | $(value "$2" "ours$3_ms") ms | ${docker:+$docker ms} | $ratio | ${core:+$core ms} |"
}
