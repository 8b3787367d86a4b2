#!/bin/sh
# Fetches axe-core into target/axe-core, for the tests that check the rules of accessibility. It is no part of the
# product (MPL-2.0); its checksum is the one that the npm registry states.
set -eu
cd "$(dirname "$0")/../../.."
version=4.14.1
sum=1477dafa598d8d065f273d6af302aa203c02e83131707b7fa648cd41bd3d6b734f8c22a0dab86ee6a6f64b8afbe804b214d36db85a2826965edfb3a0b9d546b5
folder=target/axe-core
test -f "$folder/axe.min.js" && exit
mkdir -p "$folder"
if command -v npm >/dev/null; then
  (cd "$folder" && npm pack --silent "axe-core@$version" >/dev/null)
else
  curl -sSfL -o "$folder/axe-core-$version.tgz" "https://registry.npmjs.org/axe-core/-/axe-core-$version.tgz"
fi
echo "$sum  $folder/axe-core-$version.tgz" | sha512sum --check --quiet
tar -xzf "$folder/axe-core-$version.tgz" -C "$folder" --strip-components 1 package/axe.min.js package/LICENSE
