#!/bin/bash
# Two cards in two virtual readers before unmodified tools, in a network and mount namespace of its own.
# Called by test_outside_tools.py: outside.sh WORK PYTHON. WORK has interop.card, product.card, certificates, msg;
# each check leaves WORK/<name>.out with what the tool said and its exit status as the last line.
set -u
cd "$1"
PYTHON=$2
export HOME="$1"
JPKI="Virtual PCD 00 00" PIV="Virtual PCD 00 01"
MODULE=$(ls /usr/lib/*/opensc-pkcs11.so | head -1)
ENGINE=$(ls /usr/lib/*/engines-3/pkcs11.so | head -1)

started=()
end() {
    for pid in "${started[@]}"; do kill "$pid" 2>/dev/null; done
    for pid in "${started[@]}"; do wait "$pid" 2>/dev/null; done
}
trap end EXIT
trap 'exit 1' TERM INT

check() { # name, command...
    local name=$1
    shift
    "$@" >"$name.out" 2>&1 </dev/null
    echo "exit $?" >>"$name.out"
}
until_true() { # command..., at most 10 s
    for _ in $(seq 200); do
        "$@" >/dev/null 2>&1 && return 0
        sleep 0.05
    done
    echo "waited in vain for: $*" >&2
    exit 1
}
insert() { # card, port, options
    "$PYTHON" -m kakine card insert "$1.card" --port "$2" --log "$1.log" ${3:-} >"$1.said" 2>&1 &
    started+=($!)
}
cards() { [ "$(opensc-tool -l 2>/dev/null | grep -c ' Yes ')" = "$1" ]; }
pkcs11() { pkcs11-tool --module "$MODULE" "$@"; }

ip link set lo up || exit 1
mount -t tmpfs none /run || exit 1
mkdir /run/pcscd
polkit=""
pcscd --help 2>&1 | grep -q disable-polkit && polkit=--disable-polkit
pcscd -f $polkit >pcscd.log 2>&1 &
started+=($!)
until_true test -S /run/pcscd/pcscd.comm
until_true bash -c 'exec 3<>/dev/tcp/127.0.0.1/35964'
insert interop 35963
insert product 35964
PRODUCT=${started[-1]}
until_true cards 2
openssl dgst -sha256 -binary msg >m256

# --- interop
check jpki-name opensc-tool -r "$JPKI" -n
check jpki-atr opensc-tool -r "$JPKI" -a
check jpki-certificates pkcs15-tool --reader "$JPKI" --list-certificates
check jpki-pins pkcs15-tool --reader "$JPKI" --list-pins
check jpki-keys pkcs15-tool --reader "$JPKI" --list-keys
check jpki-read-1 pkcs15-tool --reader "$JPKI" --read-certificate 1
check jpki-read-2-closed pkcs15-tool --reader "$JPKI" --read-certificate 2
check jpki-read-2 pkcs15-tool --reader "$JPKI" --read-certificate 2 --verify-pin --auth-id 02 --pin ABC123DE
check jpki-sign-1 pkcs15-crypt --reader "$JPKI" --sign --key 1 --sha-256 --pkcs1 --raw --pin 2580 -i m256 -o jpki1.sig
check jpki-sign-2 pkcs15-crypt --reader "$JPKI" --sign --key 2 --sha-256 --pkcs1 --raw --pin ABC123DE -i m256 -o jpki2.sig
check jpki-pkcs11-test pkcs11 --token-label "JPKI (User Authentication PIN)" --login --pin 2580 --test
check jpki-pkcs11-sign pkcs11 --token-label "JPKI (User Authentication PIN)" --login --pin 2580 --sign --id 01 \
    --mechanism SHA256-RSA-PKCS -i msg -o jpki3.sig
check jpki-wrong-pin pkcs15-tool --reader "$JPKI" --verify-pin --auth-id 01 --pin 0000
check jpki-pins-after pkcs15-tool --reader "$JPKI" --list-pins

# --- product
check piv-name opensc-tool -r "$PIV" -n
check piv-certificates pkcs15-tool --reader "$PIV" --list-certificates
check piv-keys pkcs15-tool --reader "$PIV" --list-keys
check piv-read pkcs15-tool --reader "$PIV" --read-certificate 01
# The module numbers four slots a reader; the second reader's first is 4.
check piv-pkcs11-test pkcs11 --slot 4 --login --pin 258036 --test
check piv-pkcs11-sign pkcs11 --slot 4 --login --pin 258036 --sign --id 01 --mechanism ECDSA-SHA384 \
    --signature-format openssl -i msg -o piv.sig
check piv-wrong-pin pkcs11 --slot 4 --login --pin 000000 --sign --id 01 --mechanism ECDSA-SHA384 -i msg -o wrong.sig
hash=$(openssl dgst -sha384 -r msg | cut -c1-96)
check piv-password-sign opensc-tool -r "$PIV" -s 00a404000ba00000030800001000010000 \
    -s 00200082104142433132334445ffffffffffffffff \
    -s "0087149c367c3482008130${hash}00"

# --- TLS 1.3, the key in the card
cat >openssl.cnf <<CNF
openssl_conf = start
[start]
engines = engines
[engines]
pkcs11 = pkcs11
[pkcs11]
engine_id = pkcs11
dynamic_path = $ENGINE
MODULE_PATH = $MODULE
init = 0
CNF
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-384 -nodes -keyout server.key -out server.pem \
    -subj /CN=localhost -days 3 2>/dev/null
openssl s_server -tls1_3 -accept 127.0.0.1:4433 -cert server.pem -key server.key -CAfile issuer.pem -Verify 2 \
    -verify_return_error -www >tls-server.out 2>&1 &
started+=($!)
until_true grep -q ACCEPT tls-server.out
tls() { # PIN
    (printf 'GET / HTTP/1.0\r\n\r\n'; sleep 0.4) | OPENSSL_CONF=openssl.cnf openssl s_client -ign_eof \
        -connect 127.0.0.1:4433 -tls1_3 -CAfile server.pem -cert piv.pem -engine pkcs11 -keyform engine \
        -key "pkcs11:token=Kakine%20test%20holder;id=%01;type=private;pin-value=$1"
}
check tls-client tls 258036

# One program that signs twice: a server whose key is in the card, and two clients.
OPENSSL_CONF=openssl.cnf openssl s_server -tls1_3 -accept 127.0.0.1:4434 -cert piv.pem -engine pkcs11 -keyform engine \
    -key "pkcs11:token=Kakine%20test%20holder;id=%01;type=private;pin-value=258036" -www >tls-holder.out 2>&1 &
started+=($!)
HOLDER=$!
until_true grep -q ACCEPT tls-holder.out
for n in 1 2; do
    check "tls-twice-$n" openssl s_client -connect 127.0.0.1:4434 -tls1_3 -CAfile issuer.pem
done
kill "$HOLDER" && wait "$HOLDER"
check tls-wrong-pin tls 000000

# --- the same card over the air, and out of the reader
kill "$PRODUCT" && wait "$PRODUCT"
until_true cards 1
check card-out opensc-tool -l
insert product 35964 --contactless
until_true cards 2
check air-certificates pkcs15-tool --reader "$PIV" --list-certificates
