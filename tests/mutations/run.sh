#!/usr/bin/env bash
# Removes one rule of the election after the other and shows which test notices. A rule that nobody
# misses ends this with an error: either the rule or a test is missing.
#
# usage: tests/mutations/run.sh [NAME...]      (default: every tests/mutations/*.patch)
#        CARDUME_SEEDS=n                       (seeds of the simulation; default 4000)
#
# The election stands on the layers `base` and `engine` alone, so the copy that is built holds nothing
# else; it uses the target directory of the repository, where the dependencies are built already.
set -euo pipefail

root=$(git -C "$(dirname "$0")" rev-parse --show-toplevel)
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$root/target}
export CARDUME_SEEDS=${CARDUME_SEEDS:-4000}
export CARGO_PROFILE_DEV_OPT_LEVEL=1

mkdir -p "$copy/src" "$copy/tests"
cp -r "$root/src/base" "$root/src/engine" "$copy/src/"
printf '//! The layers under test.\npub mod base;\npub mod engine;\n' > "$copy/src/lib.rs"
cp "$root/Cargo.lock" "$copy/"
sed -e '/^\[\[bin\]\]/,/^$/d' -e '/^\[\[bench\]\]/,/^$/d' -e '/^default-run/d' "$root/Cargo.toml" > "$copy/Cargo.toml"
cp -r "$root/tests/election_cases" "$root/tests/majority_tables.txt" "$root/tests/simulation" \
    "$root/tests/model_check.rs" "$copy/tests/"

# The names of the tests of these files that fail; "does not compile" if so; nothing if all pass.
failures() {
    local output=$copy/output
    local args=(--offline --no-default-features --no-fail-fast)
    for test in "$@"; do args+=(--test "$test"); done
    if (cd "$copy" && timeout "${MUTATION_TIMEOUT:-600}" cargo test "${args[@]}" > "$output" 2>&1); then
        return
    fi
    if grep -q '^error: could not compile' "$output"; then
        echo 'does not compile'
        return
    fi
    local failed
    failed=$(sed -n 's/^test \(.*\) \.\.\. FAILED$/\1/p' "$output" | sort -u)
    local invariant
    invariant=$(sed -n 's/^seed [0-9]*: \([a-z ]*\):.*/invariant: \1/p' "$output" | head -n 1)
    printf '%s\n' "${invariant:-}" "${failed:-ran too long}" | sed '/^$/d'
}

if [ -n "$(failures election_cases simulation)" ]; then
    echo "the tests fail without any mutation" >&2
    exit 1
fi

names=("$@")
if [ ${#names[@]} -eq 0 ]; then
    for patch in "$root"/tests/mutations/*.patch; do names+=("$(basename "$patch" .patch)"); done
fi

missed=0
printf '%-28s | %s\n' 'rule removed' 'noticed by'
printf '%s\n' '-----------------------------+-----------'
for name in "${names[@]}"; do
    patch=$root/tests/mutations/$name.patch
    (cd "$copy" && patch --quiet --strip 1 < "$patch")
    tests=(election_cases simulation)
    # The model has a roster that does not change, and is about safety.
    case $name in r1-* | r2-* | r5-* | r6-* | disk-*) tests+=(model_check) ;; esac
    noticed=$(failures "${tests[@]}")
    (cd "$copy" && patch --quiet --strip 1 --reverse < "$patch")
    case $noticed in
        '') missed=$((missed + 1)); noticed='NOBODY' ;;
        'does not compile') missed=$((missed + 1)) ;;
    esac
    count=$(printf '%s\n' "$noticed" | wc -l)
    printf '%-28s | %s\n' "$name" "$(printf '%s\n' "$noticed" | head -n 4 | paste -sd, - | sed 's/,/, /g')$( [ "$count" -gt 4 ] && echo " and $((count - 4)) more")"
done
[ "$missed" -eq 0 ] || { echo "$missed not noticed" >&2; exit 1; }
