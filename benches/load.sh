#!/bin/sh
# CPU time per request of loadproof, every sample stored, beside wrk against a local nginx.
# The clients run pinned to core 0 and nginx to core 1, one after the other, several times.
# Requests are those that nginx counted; CPU is user + sys of the client's whole process tree.
set -eu
cd "$(dirname "$0")/.."
rounds=${ROUNDS:-3}
seconds=${SECONDS_EACH:-5}
connections=${CONNECTIONS:-64}
port=${PORT:-18480}
build=${BUILD:-target/release}
loadproof=$PWD/$build/loadproof
. benches/nginx.sh
cat > "$folder/bench.toml" <<TOML
name = "bench"
base_url = "http://127.0.0.1:$port"
[[journey]]
name = "Get"
steps = [{ request = "GET /" }]
[[user_class]]
name = "User"
journeys = { Get = 1 }
[load.bench]
users = $connections
run_time = "${seconds}s"
[profile.nginx]
TOML

# measure NAME COMMAND…: prints CPU per request and rate.
measure() {
  name=$1; shift
  before=$(counted)
  /usr/bin/env bash -c 'TIMEFORMAT="%U %S %R"; time taskset -c 0 "$@" >/dev/null 2>'"$folder"'/err' bash "$@" 2> "$folder/time" || true # invalid where the machine is busy: that is no matter here
  after=$(counted)
  tail -1 "$folder/time" | awk -v name="$name" -v n=$((after - before - 1)) \
    '{ printf "%-12s %7.2f µs/request (user %.2f + sys %.2f)  %8.0f requests/s  %d requests\n", name, ($1 + $2) * 1e6 / n, $1 * 1e6 / n, $2 * 1e6 / n, n / $3, n }'
}

round=1
while [ "$round" -le "$rounds" ]; do
  measure wrk wrk -t1 -c"$connections" -d"${seconds}s" "http://127.0.0.1:$port/"
  measure loadproof "$loadproof" --store "$folder/bench.db" run "$folder/bench.toml" --workers 1 --progress none
  round=$((round + 1))
done
echo "stored: $(sqlite3 "$folder/bench.db" 'SELECT sum(samples) FROM run') samples"
