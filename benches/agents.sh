#!/usr/bin/env bash
# Runs of two agents in which one of agent, coordinator and NATS server is killed (kill -9) at a random moment, or the network
# is away for a while: every sample that the agents took has to be in the store, and none twice.
#   benches/agents.sh 20        so many trials (20)
set -euo pipefail
cd "$(dirname "$0")/.."
trials=${1:-20}
loadproof=$(realpath "${LOADPROOF:-target/debug/loadproof}")
testbed=$(realpath "${TESTBED:-target/debug/testbed}")
nats=${NATS_SERVER:-$(command -v nats-server || echo /usr/sbin/nats-server)}
port=${PORT:-18589} bus=$((${PORT:-18589} + 1))
folder=$(mktemp -d)
declare -A pid=()
cleanup() { for one in "${pid[@]}"; do kill -9 "$one" 2>/dev/null || true; done; rm -rf "$folder"; }
trap cleanup EXIT
"$testbed" known --port "$port" --service-time 1ms > "$folder/server.log" &
pid[system]=$!
until curl -sf "http://127.0.0.1:$port/stats" > /dev/null; do sleep 0.05; done
cd "$folder"
cat > agents.toml <<TOML
name = "agents"
base_url = "http://127.0.0.1:$port"
[[journey]]
name = "Get"
steps = [{ request = "GET /" }]
[[user_class]]
name = "User"
journeys = { Get = 1 }
[load.trial]
rate = 300
run_time = "4s"
max_in_flight = 20
[profile.only]
TOML
url=nats://127.0.0.1:$bus
start_nats() { "$nats" -a 127.0.0.1 -p "$bus" > nats.log 2>&1 & pid[nats]=$!; }
start_agent() { "$loadproof" agent --nats "$url" --name "$1" --workers 1 >> "$1.log" 2>&1 & pid[$1]=$!; }
die() { kill -9 "${pid[$1]}" 2>/dev/null || true; wait "${pid[$1]}" 2>/dev/null || true; }
question() { "$loadproof" store query --format csv "$1" 2> /dev/null | tail -1; }
start_nats; start_agent a; start_agent b
failed=0 looked=0 last=0
declare -A count=()
for ((trial = 1; trial <= trials; trial++)); do
  what=$(shuf -n 1 -e agent coordinator nats away)
  count[$what]=$((${count[$what]:-0} + 1))
  "$loadproof" run agents.toml --load trial --agents 2 --nats "$url" --agents-within 60s --progress none > run.log 2>&1 &
  pid[run]=$!
  # From the first question to the agents to the end of the run.
  sleep "$(awk -v r="$RANDOM" 'BEGIN { printf "%.3f", 0.5 + r / 32768 * 6 }')"
  case $what in
    agent) die b; start_agent b ;;
    coordinator) die run ;;
    nats) die nats; sleep 1; start_nats ;;
    away) kill -STOP "${pid[nats]}"; sleep 5; kill -CONT "${pid[nats]}" ;;
  esac
  wait "${pid[run]}" 2>/dev/null || true
  unset "pid[run]"
  # It opens the store, and so notes which runs have ended without a word.
  "$loadproof" runs > runs.log 2>&1 || true
  run=$(question 'SELECT coalesce(max(id), 0) FROM run') || run=0
  # The coordinator may have been killed before it had begun a run.
  ((run > last)) && [[ $(question "SELECT count(*) FROM agent_run WHERE run = $run") == 1 ]] || continue
  last=$run looked=$((looked + 1))
  if [[ $(question "SELECT state FROM run WHERE id = $run") == crashed ]]; then
    "$loadproof" store collect "$run" --nats "$url" --silence 90s > collect.log 2>&1 || { echo "trial $trial ($what): $(cat collect.log)"; failed=$((failed + 1)); continue; }
  fi
  sums=$(question "SELECT sum(taken) || ' ' || (SELECT count(*) FROM samples WHERE run = $run) || ' ' || (SELECT count(*) FROM (SELECT DISTINCT journey, intended_us FROM samples WHERE run = $run)) FROM agent WHERE run = $run")
  read -r taken stored distinct <<< "$sums"
  [[ -n ${distinct:-} && $taken == "$stored" && $stored == "$distinct" ]] || { echo "trial $trial ($what): taken, stored, distinct: $sums"; failed=$((failed + 1)); }
  "$loadproof" store check > check.log || { echo "trial $trial ($what): $(cat check.log)"; failed=$((failed + 1)); }
done
echo "$trials trials (agent ${count[agent]:-0}, coordinator ${count[coordinator]:-0}, server ${count[nats]:-0}, away ${count[away]:-0}), $looked with a run, $failed failures"
((failed == 0))
