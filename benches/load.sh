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
folder=$(mktemp -d)
trap 'test -f "$folder/nginx.pid" && kill "$(cat "$folder/nginx.pid")" 2>/dev/null; rm -rf "$folder"' EXIT

cat > "$folder/nginx.conf" <<CONF
pid $folder/nginx.pid;
error_log $folder/error.log;
worker_processes 1;
worker_cpu_affinity 10;
events { worker_connections 1024; }
http {
  access_log off;
  keepalive_requests 100000000;
  server {
    listen 127.0.0.1:$port;
    location / { default_type application/json; return 200 '{"id":"0123456789","name":"product","tags":["a","b","c","d","e","f"],"description":"a body of two hundred bytes, as an answer of a product endpoint has them; nothing more to say.","price":12.34}'; }
    location /count { stub_status; }
  }
}
CONF
nginx -c "$folder/nginx.conf" 2>/dev/null
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

counted() { curl -s "http://127.0.0.1:$port/count" | awk 'NR == 3 { print $3 }'; }

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
