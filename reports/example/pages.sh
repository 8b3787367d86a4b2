#!/bin/sh
# Writes the pages of this folder: a run, an experiment, a sign-off and a trend of the storefront's checkout.
# Takes about 12 minutes. Start it on a quiet machine with a clean working directory: a sign-off takes evidence of a commit.
set -eu
cd "$(dirname "$0")/../.."
loadproof=${LOADPROOF:-target/release/loadproof}
export TESTBED="${TESTBED:-target/release/testbed}"
pages=reports/example
scenario=scenarios/storefront/checkout.toml
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export LOADPROOF_STORE="$folder/example.db"

# 97 to 99 are verdicts: a page shows them, too. Anything else is a fault.
verdict() {
  status=0
  "$loadproof" "$@" || status=$?
  case $status in 0 | 97 | 98 | 99) ;; *) exit "$status" ;; esac
}

for minor in 1 2 3 4 5 6 7 8; do
  verdict run "$scenario" --load load --profile after --label "1.$minor.0" --seed "$minor"
done
verdict trend checkout --html "$pages/trend.html"
verdict run "$scenario" --load load --profile after --run-time 30s --html "$pages/run.html"
verdict experiment "$scenario" --rounds 10 --html "$pages/experiment.html"
verdict signoff "$pages/release.toml" --release 1.9.0 --output "$folder/signoff"
cp "$folder/signoff/signoff.html" "$pages/signoff.html"
