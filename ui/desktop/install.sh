#!/usr/bin/env bash
# Puts the program, its icon and its entry in the menu into the folders of the user; or takes them away.
#
#   ui/desktop/install.sh [PROGRAM]     PROGRAM: target/release/cardume unless given
#   ui/desktop/install.sh --uninstall
#
# Follows XDG_DATA_HOME and XDG_BIN_HOME. Shared files, settings and keys are not touched.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
repository=$(cd "$here/../.." && pwd)
data=${XDG_DATA_HOME:-$HOME/.local/share}
bin=${XDG_BIN_HOME:-$HOME/.local/bin}
# The specification says that a relative path there is to be ignored.
case $data in /*) ;; *) data=$HOME/.local/share ;; esac
case $bin in /*) ;; *) bin=$HOME/.local/bin ;; esac
program=$bin/cardume
entry=$data/applications/cardume.desktop
sizes=(16 24 32 48 64 128 256 512)

# Lets running desktops see the change. They look by themselves, later, where these programs are missing.
refresh() {
  if command -v update-desktop-database >/dev/null; then
    update-desktop-database -q "$data/applications" || true
  fi
  if command -v gtk-update-icon-cache >/dev/null; then
    gtk-update-icon-cache -q -t -f "$data/icons/hicolor" 2>/dev/null || true
  fi
}

# Writes beside the target and renames: a program that runs is not disturbed, and nobody sees a half.
put() {
  local mode=$1 from=$2 to=$3
  mkdir -p "$(dirname "$to")"
  install -m "$mode" "$from" "$to.new"
  mv -f "$to.new" "$to"
}

# As the Desktop Entry Specification wants a program in Exec: between quotation marks with \ before " ` $ and
# \, a % doubled; and then every \ once more, as in any text of the file.
exec_quoted() {
  printf '"%s"' "$(printf '%s' "$1" | sed -e 's/[\\"`$]/\\&/g' -e 's/%/%%/g' -e 's/\\/\\\\/g')"
}

text_quoted() {
  printf '%s' "$1" | sed -e 's/\\/\\\\/g'
}

# For the right side of sed's s|…|…|.
sed_quoted() {
  printf '%s' "$1" | sed -e 's/[\\&|]/\\&/g'
}

remove() {
  rm -f "$program" "$entry" "$data/icons/hicolor/scalable/apps/cardume.svg"
  for size in "${sizes[@]}"; do
    rm -f "$data/icons/hicolor/${size}x$size/apps/cardume.png"
  done
  refresh
  echo "Removed Cardume. What it shared, downloaded and remembered is still there"
}

add() {
  local from=$1
  if [ ! -x "$from" ]; then
    echo "There is no program at $from; build it with: cargo build --release --locked" >&2
    exit 1
  fi
  case $program in *$'\n'*) echo "The path of $bin has a line break in it" >&2; exit 1 ;; esac
  put 755 "$from" "$program"
  for size in "${sizes[@]}"; do
    put 644 "$repository/ui/icon/cardume-$size.png" "$data/icons/hicolor/${size}x$size/apps/cardume.png"
  done
  put 644 "$repository/ui/icon/cardume.svg" "$data/icons/hicolor/scalable/apps/cardume.svg"
  local filled
  filled=$(mktemp)
  sed -e "s|@EXEC@|$(sed_quoted "$(exec_quoted "$program")")|" -e "s|@PROGRAM@|$(sed_quoted "$(text_quoted "$program")")|" \
    "$here/cardume.desktop.in" >"$filled"
  put 644 "$filled" "$entry"
  rm -f "$filled"
  refresh
  echo "Installed $program and its entry in the menu"
  case :$PATH: in
    *:"$bin":*) ;;
    *) echo "For the command line: $bin is not in your PATH" ;;
  esac
}

case ${1:-} in
  --uninstall) remove ;;
  -*) sed -n '2,7s/^# \{0,1\}//p' "$0"; exit 2 ;;
  *) add "${1:-$repository/target/release/cardume}" ;;
esac
