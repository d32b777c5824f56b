#!/usr/bin/env bash
# Cuts the Phosphor icon fonts down to the icons of `ui/window/icon.rs`. Needs fonttools
# (`pip install fonttools`) and the unpacked npm package `@phosphor-icons/web`:
#   npm pack @phosphor-icons/web@2.1.2 && tar xzf phosphor-icons-web-2.1.2.tgz
#   fonts/subset-icons.sh package
set -euo pipefail
package=$(cd "${1:?the folder of the unpacked npm package}" && pwd)
cd "$(dirname "$0")"
points=$(grep -oE "'\\\\u\{[0-9a-f]+\}'," ../ui/window/icon.rs | grep -oE '[0-9a-f]{4}' | sed 's/^/U+/' | paste -sd,)
for style in regular/Phosphor fill/Phosphor-Fill; do
  pyftsubset "$package/src/$style.ttf" --unicodes="$points" --output-file="$(basename "$style").ttf" \
    --layout-features='' --no-hinting --desubroutinize --name-IDs='*' --notdef-outline --drop-tables+=GSUB
done
cp "$package/LICENSE" Phosphor-LICENSE.txt
ls -l Phosphor*
