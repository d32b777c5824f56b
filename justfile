# The same gate that CI runs; only reads.
verify:
    bash .ci/run

# Formats.
fix:
    cargo fmt
