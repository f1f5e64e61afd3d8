# shellcheck shell=bash
# Measures time and CPU of whole commands, and summarizes many measurements.
# shellcheck disable=SC2154 # the caller sets `work`

# sample COMMAND…: runs it without input and discards its output; prints milliseconds of time and of CPU (its own and that of
# every process it waited for). Fails if the command fails: a failure is not worth measuring.
sample() {
  local TIMEFORMAT='%R %U %S' figures status=0
  # `time` writes to the group's stderr; that of the command is printed only if it fails.
  figures=$({ time "$@" >/dev/null 2>"$work/said" </dev/null; } 2>&1) || status=$?
  if [[ $status -ne 0 ]]; then
    cat "$work/said" >&2
    echo "bench: '$*' ended with $status" >&2
    return 1
  fi
  awk '{ printf "%.1f %.1f\n", $1 * 1000, ($2 + $3) * 1000 }' <<<"$figures"
}

# together N COMMAND…: starts it N times at the same moment, and waits until the last one has ended.
together() {
  local -i i failed=0
  local pids=() pid
  for ((i = 0; i < $1; i++)); do
    "${@:2}" &
    pids+=($!)
  done
  for pid in "${pids[@]}"; do wait "$pid" || failed=1; done
  return "$failed"
}

# alternate N WHO…: measures the function `task_of_WHO` of each N times, in turn and in changing order. Prints lines WHO TIME
# CPU. One round before these warms the caches and is not counted.
alternate() {
  local -i round n=$1
  local who figures order
  shift
  for ((round = 0; round <= n; round++)); do
    order=("$@")
    ((round % 2)) || mapfile -t order < <(printf '%s\n' "$@" | tac)
    for who in "${order[@]}"; do
      figures=$(sample "task_of_$who") || return 1
      ((round == 0)) || echo "$who $figures"
    done
  done
}

# processes FUNCTION: prints how many processes it and its descendants start. Threads do not count.
processes() {
  # strace traces programs: a shell runs the function, and is not counted.
  strace -f -qq -e trace=clone,clone3,fork,vfork -e signal=none -o "$work/strace" \
    bash -c "set -e; $(declare -f "$1"); $(declare -p app dokku core environment create); $1" >/dev/null </dev/null
  grep -E '^[0-9]+ +(clone3?|v?fork)\(' "$work/strace" | grep -vc CLONE_THREAD
}

# summary FILE NAME: prints a JSON object of the lines of `alternate`: the median of each, and ours against docker's and core's
# as the median of the pairs' ratios with its quartiles.
summary() {
  awk -v name="$2" '
    { n[$1]++; time[$1, n[$1]] = $2; cpu[$1, n[$1]] = $3 }
    # Sorts the first `count` elements of `list` and returns the quantile `part`.
    function at(list, count, part,    i, j, t, position, low) {
      for (i = 2; i <= count; i++) {
        t = list[i]
        for (j = i - 1; j >= 1 && list[j] > t; j--) list[j + 1] = list[j]
        list[j + 1] = t
      }
      position = 1 + (count - 1) * part
      low = int(position)
      return low < count ? list[low] + (position - low) * (list[low + 1] - list[low]) : list[count]
    }
    function median(of, who,    i, list) {
      for (i = 1; i <= n[who]; i++) list[i] = of[who, i]
      return at(list, n[who], 0.5)
    }
    function ratios(of, other, key,    i, list, count) {
      for (i = 1; i <= n["ours"]; i++) if (of[other, i] > 0) list[++count] = of["ours", i] / of[other, i]
      if (!count) return ""
      return sprintf(",\"%s\":%.3f,\"%s_low\":%.3f,\"%s_high\":%.3f", key, at(list, count, 0.5),
        key, at(list, count, 0.25), key, at(list, count, 0.75))
    }
    END {
      printf "{\"name\":\"%s\",\"runs\":%d", name, n["ours"]
      for (who in n) printf ",\"%s_ms\":%.1f,\"%s_cpu_ms\":%.1f", who, median(time, who), who, median(cpu, who)
      if (n["docker"]) printf "%s%s", ratios(time, "docker", "ratio"), ratios(cpu, "docker", "cpu_ratio")
      if (n["core"]) printf "%s", ratios(time, "core", "against_core")
      print "}"
    }' "$1"
}
