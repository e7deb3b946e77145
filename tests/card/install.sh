#!/bin/sh
# Debian's smart-card tools, the programs of other authors that our cards are shown to. Does nothing if they are there.
set -eu
if command -v pcscd opensc-tool pkcs15-tool pkcs15-crypt pkcs11-tool openssl >/dev/null &&
    ls /usr/lib/*/opensc-pkcs11.so /usr/lib/*/engines-3/pkcs11.so /etc/reader.conf.d/vpcd >/dev/null 2>&1; then
    exit 0
fi
packages="opensc opensc-pkcs11 pcscd vsmartcard-vpcd openssl libengine-pkcs11-openssl"
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    echo "OUTSIDE CARD TOOLS CANNOT RUN: install $packages" >&2
    exit 1
fi
apt-get update -qq
# Without systemd the service of pcscd cannot be started; we start our own, so what that says does not matter.
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $packages >/dev/null
