#!/bin/sh
# CPU time per request with the live page and its viewers, beside that without: the same load in turns, at a rate and
# as fast as it goes. The client runs pinned to core 0, server and viewers to core 1; user + sys of the client's
# process, by requests that it has stored.
set -eu
cd "$(dirname "$0")/.."
rounds=${ROUNDS:-6}
seconds=${SECONDS_EACH:-8}
rate=${RATE:-4000}
viewers=${VIEWERS:-20}
port=${PORT:-18482}
page=${PAGE:-18483}
build=${BUILD:-target/release}
loadproof=$PWD/$build/loadproof
folder=$(mktemp -d)
taskset -c 1 "$build/testbed" known --port "$port" --service-time 0ms > "$folder/server.log" &
server=$!
trap 'kill "$server" 2>/dev/null; rm -rf "$folder"' EXIT

# follow: all viewers, until the page closes.
follow() {
  until curl -sf -o /dev/null "http://127.0.0.1:$page/healthz"; do sleep 0.05; done
  viewer=1
  while [ "$viewer" -le "$viewers" ]; do
    taskset -c 1 curl -sN -o /dev/null "http://127.0.0.1:$page/events" &
    viewer=$((viewer + 1))
  done
  wait
}

# measure NAME LOAD-FLAGS PAGE-FLAGS: prints CPU per request.
measure() {
  db=$folder/$1.db
  rm -f "$db"
  test -z "$3" || follow &
  # shellcheck disable=SC2086
  /usr/bin/env bash -c 'TIMEFORMAT="%U %S"; time taskset -c 0 "$@" >/dev/null 2>'"$folder"'/err' bash \
    "$loadproof" --store "$db" http "http://127.0.0.1:$port/" -c 64 -z "${seconds}s" --workers 1 --progress none $2 $3 2> "$folder/time" || true
  wait $! 2>/dev/null || true
  n=$("$loadproof" --store "$db" store query 'SELECT sum(samples) AS n FROM run' --format csv | tail -1)
  tail -1 "$folder/time" | awk -v name="$1" -v n="$n" '{ printf "%-16s %8.3f µs/request  %d requests\n", name, ($1 + $2) * 1e6 / n, n }'
}

# share NAME LOAD-FLAGS: the share of the page's thread in the process's CPU time.
share() {
  # shellcheck disable=SC2086
  taskset -c 0 "$loadproof" --store "$folder/share.db" http "http://127.0.0.1:$port/" -c 64 -z "${seconds}s" --workers 1 \
    --progress none --ui --ui-bind "127.0.0.1:$page" $2 > "$folder/out" 2> "$folder/err" &
  process=$!
  follow &
  sleep "$((seconds - 1))"
  for task in /proc/"$process"/task/*; do echo "$(cat "$task/comm") $(cut -d' ' -f1 "$task/schedstat")"; done |
    awk -v name="$1" '{ all += $2; if ($1 == "live") page += $2 }
      END { printf "%s: the page takes %.2f %% of the CPU time\n", name, 100 * page / all }'
  wait "$process" || true
}

round=1
while [ "$round" -le "$rounds" ]; do
  for load in "rate -q $rate" "full"; do
    name=${load%% *}
    flags=${load#"$name"}
    # Who comes first changes from round to round.
    if [ $((round % 2)) -eq 0 ]; then
      measure "$name-without" "$flags" ""
      measure "$name-with" "$flags" "--ui --ui-bind 127.0.0.1:$page"
    else
      measure "$name-with" "$flags" "--ui --ui-bind 127.0.0.1:$page"
      measure "$name-without" "$flags" ""
    fi
  done
  round=$((round + 1))
done | tee "$folder/all"
for name in rate full; do
  # The median over the rounds of the ratio of both.
  awk -v name="$name" '$1 == name "-with" { with[++w] = $2 } $1 == name "-without" { without[++o] = $2 }
    END { for (i = 1; i <= w; i++) print with[i] / without[i] }' "$folder/all" | sort -n |
    awk -v name="$name" '{ ratio[NR] = $1 } END { median = (ratio[int((NR + 1) / 2)] + ratio[int((NR + 2) / 2)]) / 2;
      printf "%s: with the page %+.1f %% (median of %d rounds, from %+.1f %% to %+.1f %%)\n", name, 100 * (median - 1), NR,
        100 * (ratio[1] - 1), 100 * (ratio[NR] - 1) }'
done
share rate "-q $rate"
share full ""
