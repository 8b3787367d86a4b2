#!/bin/sh
# What a stalled server looks like: 500 requests/s for 20 s over 64 connections, against a server
# of 1 ms that stands still for 1 s in every 5 s. The truth, by computation, of the response time:
# p50 1, p90 502, p99 952, max 1000 ms.
set -eu
cd "$(dirname "$0")/.."
port=${PORT:-18481}
folder=$(mktemp -d)
target/release/testbed known --port "$port" --service-time 1ms --stall-every 5s --stall-for 1s > "$folder/server.log" &
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
run_time = "20s"
max_in_flight = 64
drop_after = "10s"
[profile.known]
reset = "POST /reset"
TOML
target/release/loadproof --store "$folder/stall.db" run "$folder/stall.toml" --workers 1 --progress none --json > "$folder/result.json"
python3 - "$folder/result.json" <<'PYTHON'
import json, sys
def find(node):
    if isinstance(node, dict):
        if node.get("response") and node.get("service"): yield node
        for value in node.values(): yield from find(value)
    elif isinstance(node, list):
        for value in node: yield from find(value)
summary = next(find(json.load(open(sys.argv[1]))))
print("truth          p50    1.0   p90  502.0   p99  952.0   max 1000.0  ms")
for name in ("response", "service"):
    d = summary[name]
    q = [v / 1000 for v in d["quantiles_us"]]
    print(f"{name:9} time p50 {q[0]:6.1f}   p90 {q[1]:6.1f}   p99 {q[3]:6.1f}   max {d['max_us'] / 1000:6.1f}  ms  (n {d['n']})")
PYTHON
echo "server counted $(curl -s "http://127.0.0.1:$port/stats" | head -c 200)"
sqlite3 "$folder/stall.db" "SELECT 'stored ' || samples || ' samples' FROM run"
