#!/bin/sh
# Debian's Go and golang.org/x/mod, the other authors' code that checks our log. Does nothing if they are there.
set -eu
if command -v go >/dev/null && [ -d /usr/share/gocode/src/golang.org/x/mod/sumdb/tlog ]; then
    exit 0
fi
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    echo "INDEPENDENT VERIFIER CANNOT RUN: install golang-go and golang-golang-x-mod-dev" >&2
    exit 1
fi
# Tests run side by side: one at a time may install.
apt() { flock /tmp/kakine-tests-apt.lock apt-get -o DPkg::Lock::Timeout=300 "$@"; }
apt update -qq
DEBIAN_FRONTEND=noninteractive apt install -y -qq --no-install-recommends golang-go golang-golang-x-mod-dev
