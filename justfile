# The same gate that CI runs; reads the repository only, installs the packages and tools that it needs.
verify:
    bash .ci/run

# Cardume beside other programs (QUICK=1 for a smoke test; see the script for what it can be told).
side-by-side:
    cargo build --release --no-default-features
    benches/side_by_side/run.sh

# Formats.
fix:
    cargo fmt

# Builds the program and puts it, its icon and its entry in the menu into your folders.
install:
    cargo build --release --locked
    ui/desktop/install.sh

# Takes them away again. What was shared, downloaded and remembered stays.
uninstall:
    ui/desktop/install.sh --uninstall
