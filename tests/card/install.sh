#!/bin/sh
# Debian's smart-card tools, the programs of other authors that our cards are shown to. Does nothing if they are there.
set -eu
missing=""
for tool in pcscd opensc-tool pkcs15-tool pkcs15-crypt pkcs11-tool openssl; do
    command -v "$tool" >/dev/null || missing="$missing $tool"
done
for file in /usr/lib/*/opensc-pkcs11.so /usr/lib/*/engines-3/pkcs11.so /usr/lib/pcsc/drivers/serial/libifdvpcd.so; do
    [ -e "$file" ] || missing="$missing $file"
done
[ -n "$missing" ] || exit 0
packages="opensc opensc-pkcs11 pcscd vsmartcard-vpcd openssl libengine-pkcs11-openssl"
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    echo "OUTSIDE CARD TOOLS CANNOT RUN: install $packages" >&2
    exit 1
fi
# Tests run side by side: one at a time may install.
apt() { flock /tmp/kakine-tests-apt.lock apt-get -o DPkg::Lock::Timeout=300 "$@"; }
apt update -qq
# Without systemd the service of pcscd cannot be started; we start our own, so what that says does not matter.
DEBIAN_FRONTEND=noninteractive apt install -y -qq --no-install-recommends $packages >/dev/null
