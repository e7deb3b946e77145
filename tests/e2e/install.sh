#!/bin/sh
# Debian's Chromium and a font with Japanese, to run verify/index.html as a reader does. Does nothing if it is there.
set -eu
if command -v chromium >/dev/null; then
    exit 0
fi
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    echo "THE PAGE CANNOT BE RUN IN A BROWSER: install chromium" >&2
    exit 1
fi
# Tests run side by side: one at a time may install.
apt() { flock /tmp/kakine-tests-apt.lock apt-get -o DPkg::Lock::Timeout=300 "$@"; }
apt update -qq
DEBIAN_FRONTEND=noninteractive apt install -y -qq --no-install-recommends chromium fonts-noto-cjk
