#!/bin/sh
# A disk image of the application that packaging/build.py has built on a Mac. Not tried yet; see packaging/README.md.
#     packaging/macos/make-dmg.sh build/packaged
# With SIGN set to a "Developer ID Application: ..." identity it signs the application first.
set -eu
built=$1
app="$built/AIGC Studio.app"
if [ -n "${SIGN:-}" ]; then
    codesign --force --deep --options runtime --timestamp --sign "$SIGN" "$app"
fi
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
cp -R "$app" "$stage/"
ln -s /Applications "$stage/Applications"
hdiutil create -volname "AIGC Studio" -srcfolder "$stage" -ov -format UDZO "$built/aigc-studio-macos.dmg"
