#!/usr/bin/env bash
# Run a command of this checkout in a fresh Debian of its own, to try a version of Python that this machine lacks.
#
#     sudo packaging/fresh-debian.sh trixie bash .ci/run              Debian 13, Python 3.13: the whole suite
#     sudo packaging/fresh-debian.sh forky python3 run.py demo        Debian 14, Python 3.14: set-up and demo
#     sudo packaging/fresh-debian.sh --keep trixie python3 run.py test tests/core    once more in the same one
#
# Needs debootstrap and root. The systems lie in $FRESH_DEBIAN (default /var/tmp/fresh-debian), about 10 GB each with
# the CUDA build of torch; $DEBIAN_MIRROR names another mirror. The checkout is copied to a folder with spaces and
# Chinese characters in its name. Only Debian's minimal base and Python are there at the start; pip's own configuration
# and cache come from this machine.
set -euo pipefail

keep=
if [ "${1:-}" = --keep ]; then keep=1; shift; fi
if [ $# -lt 2 ] || [ "$(id -u)" != 0 ]; then
    sed -n '2,12s/^# \{0,1\}//p' "$0" >&2
    exit 2
fi
suite=$1
shift
checkout=$(cd "$(dirname "$0")/.." && pwd)
base=${FRESH_DEBIAN:-/var/tmp/fresh-debian}
system=$base/$suite
inside="/root/My studio 工作室"

leave() {
    for place in proc dev/pts dev/shm dev root/.cache/pip; do
        if mountpoint -q "$system/$place"; then umount "$system/$place"; fi
    done
}
trap leave EXIT
leave

mkdir -p "$base/pip-cache"
if [ -z "$keep" ] || [ ! -d "$system/usr" ]; then
    rm -rf --one-file-system "$system"
    # A debootstrap that is older than the suite has no script of that name; all newer suites share one.
    script=()
    [ -e "/usr/share/debootstrap/scripts/$suite" ] || script=(sid)
    debootstrap --variant=minbase --include=ca-certificates,python3 "$suite" "$system" \
        "${DEBIAN_MIRROR:-http://deb.debian.org/debian}" "${script[@]}" >"$base/$suite.log" ||
        { tail -n 5 "$base/$suite.log"; exit 1; }
fi

for file in /etc/resolv.conf /etc/pip.conf /root/.config/pip/pip.conf /etc/ssl/certs/ca-certificates.crt; do
    if [ -e "$file" ]; then install -D -m 644 "$file" "$system$file"; fi
done
# A mirror may be some weeks behind; the lists of a Debian in the making expire after one.
echo 'Acquire::Check-Valid-Until "false";' >"$system/etc/apt/apt.conf.d/90mirror"
mkdir -p "$system/root/.cache/pip" "$system$inside"
mount -t proc proc "$system/proc"
mount --bind /dev "$system/dev"
mount --bind /dev/pts "$system/dev/pts"
mount -t tmpfs tmpfs "$system/dev/shm"
mount --bind "$base/pip-cache" "$system/root/.cache/pip"

# What git knows and what it does not ignore, as it lies here; of an earlier run only the environment stays.
find "$system$inside" -mindepth 1 -maxdepth 1 ! -name .venv -exec rm -rf {} +
git -C "$checkout" ls-files -z --cached --others --exclude-standard |
    tar -C "$checkout" --null -T - --ignore-failed-read -cf - 2>/dev/null | tar -C "$system$inside" -xf -

settings=(HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin TERM="${TERM:-dumb}")
while IFS= read -r name; do settings+=("$name=${!name}"); done < <(compgen -e | grep -E '^(PIP_|[a-z]+_proxy$|CI$)')
status=0
chroot "$system" /usr/bin/env -i "${settings[@]}" bash -c 'cd "$1" && shift && exec "$@"' - "$inside" "$@" ||
    status=$?
exit "$status"
