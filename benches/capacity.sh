#!/bin/sh
# Searches the capacity of a server that has 100 per second by construction, and counts how often that lies within the
# width of what is found, and in its interval. Twice: with equal service times, and with uniform ones of 20 to 60 ms.
#
#   SEARCHES=20 BUILD=target/release benches/capacity.sh
#
# Fails if fewer than 19 of 20 searches find it.
set -eu
SEARCHES=${SEARCHES:-20}
BUILD=${BUILD:-target/release}
FOLDER=$(mktemp -d)
trap 'rm -rf "$FOLDER"' EXIT
export TESTBED="$BUILD/testbed" LOADPROOF_PROGRESS=none
failed=0
for service in 40ms uniform:20ms..60ms; do
  found=0 held=0 trials=0 seed=0
  while [ "$seed" -lt "$SEARCHES" ]; do
    seed=$((seed + 1))
    SERVICE_TIME=$service "$BUILD/loadproof" --store "$FOLDER/store.db" capacity scenarios/capacity.toml --profile four \
      --no-beyond --seed "$seed" --json > "$FOLDER/found.json" || true
    set -- $(jq -r '.capacity.arms[0] as $arm | $arm.capacity.goals[0] as $goal |
      [ (if ($goal.lower_bound // 0) >= 95 and ($goal.lower_bound // 0) <= 105 then 1 else 0 end),
        (if ($goal.low // 0) <= 100 * 1.02 and ($goal.high // 1e9) >= 100 * 0.98 then 1 else 0 end),
        $arm.trials, ($goal.lower_bound // 0), ($goal.low // 0), ($goal.high // 0) ] | @tsv' "$FOLDER/found.json")
    found=$((found + $1)) held=$((held + $2)) trials=$((trials + $3))
    echo "  $service, seed $seed: $4 per second, interval $5 to $6, $3 trials"
  done
  echo "$service: found within the width in $found of $SEARCHES searches, within the interval in $held; $((trials / SEARCHES)) trials each"
  [ $((found * 20)) -ge $((SEARCHES * 19)) ] || failed=1
done
exit $failed
