#!/bin/sh
# What a stalled server looks like: 500 requests/s for 20 s over 64 connections, against a server
# of 1 ms that stands still for 1 s in every 5 s. The truth, by computation, of the response time:
# p50 1, p90 502, p99 952, max 1000 ms.
set -eu
cd "$(dirname "$0")/.."
port=${PORT:-18481}
build=${BUILD:-target/release}
run_time=${RUN_TIME:-20s}
folder=$(mktemp -d)
"$build/testbed" known --port "$port" --service-time 1ms --stall-every 5s --stall-for 1s > "$folder/server.log" &
server=$!
trap 'kill "$server" 2>/dev/null; rm -rf "$folder"' EXIT
cat > "$folder/stall.toml" <<TOML
name = "stall"
base_url = "http://127.0.0.1:$port"
[[journey]]
name = "Get"
steps = [{ request = "GET /" }]
[[user_class]]
name = "User"
journeys = { Get = 1 }
[load.stall]
rate = 500
run_time = "$run_time"
max_in_flight = 64
drop_after = "10s"
[profile.known]
reset = "POST /reset"
TOML
"$build/loadproof" --store "$folder/stall.db" run "$folder/stall.toml" --workers 1 --progress none > "$folder/report" || true
# Quantiles by SQL, from the samples themselves: type 8 is within a sample of the value at this rank.
quantile() {
  "$build/loadproof" --store "$folder/stall.db" store query --format csv "SELECT $1_us / 1000.0 FROM samples \
    ORDER BY $1_us LIMIT 1 OFFSET (SELECT CAST($2 * (count(*) - 1) AS INTEGER) FROM samples)" | tail -1
}
echo "truth          p50 1   p90 502   p99 952   max 1000  ms"
for time in response service; do
  echo "$time time  p50 $(quantile $time 0.5)   p90 $(quantile $time 0.9)   p99 $(quantile $time 0.99)   max $(quantile $time 1)  ms"
done
echo "server counted $(curl -s "http://127.0.0.1:$port/stats" | head -c 200)"
"$build/loadproof" --store "$folder/stall.db" store query "SELECT samples FROM run"
