#!/bin/sh
# Instructions per request that the load takes (callgrind; the kernel's do not count), by path, beside their budgets
# in benches/instructions.txt: 10 % above one is red. Unlike times, they are the same on a busy machine.
# BUDGETS=write writes the budgets anew; PROGRAM= names a program that was built before.
set -eu
cd "$(dirname "$0")/.."
port=${PORT:-18484}
budgets=benches/instructions.txt
folder=$(mktemp -d)
program=${PROGRAM:-$(cargo bench --quiet --bench load_path --no-run --message-format json \
  | sed -n 's/.*"name":"load_path".*"executable":"\([^"]*\)".*/\1/p')}
"${BUILD:-target/release}/testbed" known --port "$port" --service-time 0ms > "$folder/server.log" &
server=$!
trap 'kill "$server" 2>/dev/null; rm -rf "$folder"' EXIT

# counted STEPS JOURNEYS: instructions of so many journeys.
counted() {
  cat > "$folder/path.toml" <<TOML
name = "path"
base_url = "http://127.0.0.1:$port"
[[journey]]
name = "Path"
steps = [$1]
[[user_class]]
name = "User"
journeys = { Path = 1 }
[load.path]
iterations = $2
concurrency = 8
[profile.known]
TOML
  valgrind --tool=callgrind --callgrind-out-file="$folder/out" "$program" "$folder/path.toml" path \
    "http://127.0.0.1:$port" > "$folder/samples" 2> "$folder/said" || { cat "$folder/said" >&2; exit 1; }
  awk '/^(summary|totals):/ { n = $2 } END { print n }' "$folder/out"
}

is_red=0
# path NAME REQUESTS STEPS: what a request takes on a path whose journey has so many.
path() {
  few=$(counted "$3" 500)
  many=$(counted "$3" 2500)
  each=$(((many - few) / 2000 / $2))
  budget=$(awk -v name="$1" '$1 == name { print $2 }' "$budgets" 2>/dev/null || true)
  word=
  if [ "${BUDGETS:-}" = write ]; then
    echo "$1 $each" >> "$folder/budgets"
  elif [ -z "$budget" ]; then
    word="no budget"; is_red=1
  elif [ "$((each * 10))" -gt "$((budget * 11))" ]; then
    word="more than 10 % above its budget"; is_red=1
  fi
  printf '%-10s %8d instructions/request  (budget %s)  %s\n' "$1" "$each" "${budget:--}" "$word"
}

path get 1 '{ request = "GET /" }'
path checks 1 '{ request = "GET /", check = { size = { at_most = 10000 }, header = { content-length = { exists = true } } } }'
path journey 2 '{ request = "POST /jobs", json = { n = "{{ int(1, 9) }}", name = "customer-{{ hex(8) }}" }, expect = 201, extract = { job = "/job_id" } }, { request = "GET /echo?id={{ job }}", name = "second" }'
if [ "${BUDGETS:-}" = write ]; then mv "$folder/budgets" "$budgets"; fi
exit "$is_red"
