#!/bin/sh
# Writes the pages of this folder: a run, an experiment, a sign-off and a trend of the storefront's checkout.
# Takes about 12 minutes on a quiet machine. The working directory must be clean: a sign-off takes evidence of a commit.
set -eu
cd "$(dirname "$0")/../.."
loadproof=${LOADPROOF:-target/release/loadproof}
export TESTBED="${TESTBED:-target/release/testbed}"
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
verdict trend checkout --html "$folder/trend.html"
verdict run "$scenario" --load load --profile after --run-time 30s --html "$folder/run.html"
verdict experiment "$scenario" --rounds 10 --html "$folder/experiment.html"
verdict signoff reports/example/release.toml --release 1.9.0 --output "$folder/signoff"

# Where the store stood says nothing.
sed -i "s#$folder/##g" "$folder"/*.html
# Only now: pages beside the script would be changes on top of the commit.
cp "$folder/trend.html" "$folder/run.html" "$folder/experiment.html" "$folder/signoff/signoff.html" reports/example/
