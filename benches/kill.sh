#!/usr/bin/env bash
# kill -9 at random moments of a run that has patched a file and started a service: the store has to open, and to hold all
# but the last second; the next start has to put the file back, and the service has to be gone.
#   benches/kill.sh 20        so many trials (20)
set -euo pipefail
cd "$(dirname "$0")/.."
trials=${1:-20}
loadproof=$(realpath "${LOADPROOF:-target/debug/loadproof}")
testbed=$(realpath "${TESTBED:-target/debug/testbed}")
port=${PORT:-18489}
rate=200
folder=$(mktemp -d)
server=
cleanup() { [[ -z $server ]] || kill "$server" 2>/dev/null || true; rm -rf "$folder"; }
trap cleanup EXIT
"$testbed" known --port "$port" --service-time 1ms > "$folder/server.log" &
server=$!
until curl -sf "http://127.0.0.1:$port/stats" > /dev/null; do sleep 0.05; done
cd "$folder"
printf '# lanes\r\n[lanes]\nenabled = false   # opt-in\r\n\ncount=1' > original.toml
cp original.toml settings.toml
cat > kill.toml <<TOML
name = "kill"
base_url = "http://127.0.0.1:$port"
[[journey]]
name = "Get"
steps = [{ request = "GET /" }]
[[user_class]]
name = "User"
journeys = { Get = 1 }
[load.kill]
rate = $rate
run_time = "4s"
max_in_flight = 20
[load.once]
iterations = 1
concurrency = 1
[profile.on]
[[profile.on.patch]]
file = "settings.toml"
set = { "lanes.enabled" = true }
[[profile.on.service]]
name = "beside"
command = ["sh", "-c", "setsid sleep 77.$port & sleep 77.$port"]
ready = { up_for = "50ms" }
[[profile.on.hook]]
name = "before"
moment = "before"
run = ["sleep", "0.3"]
[[profile.on.hook]]
name = "after"
moment = "after"
run = ["sleep", "0.3"]
TOML
"$loadproof" check kill.toml > /dev/null
worst=0 failed=0
served() { curl -s "http://127.0.0.1:$port/stats" | grep -o '"requests":[0-9]*' | grep -o '[0-9]*' || echo 0; }
for ((trial = 1; trial <= trials; trial++)); do
  rm -rf reports
  before=$(served)
  "$loadproof" run kill.toml --load kill --progress none > /dev/null 2>&1 &
  victim=$!
  moment=$(awk -v r="$RANDOM" 'BEGIN { printf "%.3f", 0.05 + r / 32768 * 5.2 }')
  sleep "$moment"
  kill -9 "$victim" 2>/dev/null || true
  wait "$victim" 2>/dev/null || true
  answered=$(($(served) - before))
  stored=0
  if [[ -s reports/loadproof.db ]]; then
    stored=$("$loadproof" store query --format csv 'SELECT count(*) FROM sample' | tail -1) || { echo "trial $trial: the store does not open"; failed=$((failed + 1)); continue; }
    "$loadproof" store check > check.log || { echo "trial $trial: $(cat check.log)"; failed=$((failed + 1)); }
  fi
  lost=$((answered > stored ? answered - stored : 0))
  worst=$((lost > worst ? lost : worst))
  ((lost <= rate)) || { echo "trial $trial: $lost samples lost after $moment s"; failed=$((failed + 1)); }
  "$loadproof" run kill.toml --load once --progress none > /dev/null 2>&1 || true
  cmp -s original.toml settings.toml || { echo "trial $trial: the file is not as it was"; failed=$((failed + 1)); cp original.toml settings.toml; }
  for ((wait = 0; wait < 80; wait++)); do
    grep -lsazF "77.$port" /proc/[0-9]*/cmdline > left.log || break
    sleep 0.1
  done
  ((wait < 80)) || { echo "trial $trial: left running: $(cat left.log)"; failed=$((failed + 1)); }
done
echo "$trials kills, $failed failures; at most $worst of $rate samples per second lost"
((failed == 0))
