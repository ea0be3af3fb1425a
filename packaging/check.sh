#!/bin/sh
# Try a packaged folder: packaging/check.sh FOLDER [SCREENSHOT.png]
#
# From an empty environment, in a new home whose name has spaces and Chinese characters: the version, the demo in all
# four media and, where Xvfb, xwininfo and ImageMagick are installed, the window, with the seconds that each took.
# Everything it makes is removed again; the screenshot stays.
set -eu
folder=$(cd "$1" && pwd)
picture=${2:-}
case $picture in "" | /*) ;; *) picture=$PWD/$picture ;; esac
base=$(mktemp -d)
trap 'test -z "${window:-}" || kill "$window" 2>/dev/null || :; test -z "${screen:-}" || kill "$screen" 2>/dev/null || :; rm -rf "$base"' EXIT
home="$base/A home 主目录"
mkdir "$home"
cd "$home"

seconds() { awk -v from="$1" -v to="$(date +%s.%N)" 'BEGIN { printf "%.1f s", to - from }'; }
clean() { env -i HOME="$home" PATH=/usr/bin:/bin "$@"; }

for time in first second; do
    start=$(date +%s.%N)
    clean "$folder/aigc-studio" --version
    echo "  $time start of the command line: $(seconds "$start")"
done

start=$(date +%s.%N)
clean "$folder/aigc-studio" demo --out demo >demo.log 2>&1 || { cat demo.log; exit 1; }
for kind in avatar-*.png poster-*.png story-*.md music-*.wav; do
    # shellcheck disable=SC2086 # a pattern on purpose
    set -- demo/$kind
    [ -s "$1" ] || { echo "The demo has no $kind."; exit 1; }
done
echo "The demo has all four media: $(seconds "$start")"

for program in Xvfb xwininfo import; do
    command -v $program >/dev/null || { echo "The window was not tried: there is no $program."; exit 0; }
done
Xvfb -displayfd 3 -screen 0 1280x800x24 -nolisten tcp 3>number >/dev/null 2>&1 &
screen=$!
until [ -s number ]; do sleep 0.1; kill -0 $screen; done
display=:$(cat number)
for time in first second; do
    start=$(date +%s.%N)
    # Not by `clean`: its process, and not the one that waits for it, is to be ended.
    env -i HOME="$home" PATH=/usr/bin:/bin DISPLAY="$display" "$folder/aigc-studio" >window.log 2>&1 &
    window=$!
    until DISPLAY=$display xwininfo -root -tree | grep -q '"AIGC Studio'; do
        kill -0 $window 2>/dev/null || { cat window.log; exit 1; }
        sleep 0.05
    done
    echo "The window is on the screen, $time start: $(seconds "$start")"
    if [ $time = second ] && [ -n "$picture" ]; then
        sleep 5 # for the picture only: faces come one by one
        DISPLAY=$display import -window root "$picture"
    fi
    kill $window
    wait $window 2>/dev/null || :
done
window=
