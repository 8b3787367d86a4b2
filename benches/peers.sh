#!/bin/sh
# CPU time per request of whatever load generators are found, beside loadproof, which stores every sample: the same
# closed load of 64 connections against a local nginx, in turns. Clients run pinned to core 0 and nginx to core 1;
# CPU is user + sys of the client's whole process tree, by the requests that nginx counted.
set -eu
cd "$(dirname "$0")/.."
rounds=${ROUNDS:-5}
seconds=${SECONDS_EACH:-5}
connections=${CONNECTIONS:-64}
port=${PORT:-18485}
loadproof=$PWD/${BUILD:-target/release}/loadproof
url=http://127.0.0.1:$port/
. benches/nginx.sh
echo "GET $url" > "$folder/targets"
cat > "$folder/k6.js" <<JS
import http from 'k6/http';
export default function () { http.get('$url'); }
JS

# measure NAME COMMAND…: writes the name and its CPU per request, if there is such a program.
measure() {
  name=$1; shift
  command -v "$1" > /dev/null || return 0
  before=$(counted)
  /usr/bin/env bash -c 'TIMEFORMAT="%U %S"; time taskset -c 0 "$@" >/dev/null 2>'"$folder"'/err' bash "$@" 2> "$folder/time" || true
  after=$(counted)
  tail -1 "$folder/time" | awk -v name="$name" -v n=$((after - before - 1)) \
    'n > 0 { printf "%s %.3f %.3f %.3f\n", name, ($1 + $2) * 1e6 / n, $1 * 1e6 / n, $2 * 1e6 / n }' >> "$folder/all"
}

round=1
while [ "$round" -le "$rounds" ]; do
  measure loadproof "$loadproof" --store "$folder/bench.db" http "$url" -c "$connections" -z "${seconds}s" --workers 1 --progress none
  measure wrk wrk -t1 -c"$connections" -d"${seconds}s" "$url"
  measure wrk2 wrk2 -t1 -c"$connections" -d"${seconds}s" -R1000000 "$url"
  measure oha oha --no-tui -c "$connections" -z "${seconds}s" "$url"
  measure oha-db oha --no-tui -c "$connections" -z "${seconds}s" --db-url "$folder/oha-$round.db" "$url"
  measure hey hey -c "$connections" -z "${seconds}s" "$url"
  measure ab ab -k -c "$connections" -t "$seconds" -n 100000000 "$url"
  measure h2load h2load --h1 -t1 -c "$connections" -D "$seconds" "$url"
  measure k6 k6 run --quiet --vus "$connections" --duration "${seconds}s" "$folder/k6.js"
  measure vegeta vegeta attack -targets "$folder/targets" -rate 0 -max-workers "$connections" -duration "${seconds}s" -output /dev/null
  round=$((round + 1))
done

# Medians, ranges, and the median of each round's ratio to wrk, or to loadproof where there is no wrk.
awk '
  function sorted(values, n,   i, j, t) {
    for (i = 2; i <= n; i++) for (j = i; j > 1 && values[j] < values[j - 1]; j--) { t = values[j]; values[j] = values[j - 1]; values[j - 1] = t }
  }
  function median(values, n) { sorted(values, n); return n % 2 ? values[(n + 1) / 2] : (values[n / 2] + values[n / 2 + 1]) / 2 }
  { if (!($1 in count)) order[++names] = $1; n = ++count[$1]; cpu[$1, n] = $2; user[$1, n] = $3; sys[$1, n] = $4 }
  END {
    base = ("wrk" in count) ? "wrk" : "loadproof"
    printf "%-12s %10s %8s %8s %16s %10s\n", "client", "µs/request", "user", "sys", "range", "to " base
    for (k = 1; k <= names; k++) {
      name = order[k]; n = count[name]
      for (i = 1; i <= n; i++) { c[i] = cpu[name, i]; u[i] = user[name, i]; s[i] = sys[name, i]; r[i] = cpu[name, i] / cpu[base, i] }
      m = median(c, n)
      printf "%-12s %10.2f %8.2f %8.2f %7.2f to %5.2f %9.2fx\n", name, m, median(u, n), median(s, n), c[1], c[n], median(r, n)
    }
  }' "$folder/all"
