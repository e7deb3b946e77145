#!/bin/sh
# Debian's OpenSSL and SoftHSM2, with which what the authority signs is checked. Does nothing if they are there.
set -eu
missing=""
command -v openssl >/dev/null || missing="$missing openssl"
[ -e /usr/lib/softhsm/libsofthsm2.so ] || missing="$missing softhsm2"
[ -n "$missing" ] || exit 0
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    echo "OUTSIDE CHECKS CANNOT RUN: install$missing" >&2
    exit 1
fi
# Tests run side by side: one at a time may install.
apt() { flock /tmp/kakine-tests-apt.lock apt-get -o DPkg::Lock::Timeout=300 "$@"; }
apt update -qq
DEBIAN_FRONTEND=noninteractive apt install -y -qq --no-install-recommends $missing
