#!/bin/sh
# Put the studio into this user's application menu; with --remove, take it out again. Moves no file of the studio.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
data=${XDG_DATA_HOME:-$HOME/.local/share}
entry=$data/applications/aigc-studio.desktop
icon=$data/icons/hicolor/scalable/apps/aigc-studio.svg
if [ "${1:-}" = --remove ]; then
    rm -f "$entry" "$icon"
    echo "AIGC Studio is no longer in the menu."
    exit 0
fi
case $here in
    *%*)
        echo "Menus cannot start a program from a folder with % in its path: $here. Rename or move it." >&2
        exit 1
        ;;
esac
mkdir -p "$(dirname "$entry")" "$(dirname "$icon")"
cp "$here/share/icons/hicolor/scalable/apps/aigc-studio.svg" "$icon"
# A quoted command escapes \ " ` and $ with a backslash, and a value of a desktop file doubles every backslash.
command=$(printf '%s' "$here/aigc-studio" | sed -e 's/\\/\\\\\\\\/g' -e 's/["`$]/\\\\&/g')
while IFS= read -r line; do
    case $line in
        Exec=*) printf 'Exec="%s"\n' "$command" ;;
        *) printf '%s\n' "$line" ;;
    esac
done <"$here/share/applications/aigc-studio.desktop" >"$entry"
echo "AIGC Studio is in the menu now. It runs from $here; run this again after moving that folder."
