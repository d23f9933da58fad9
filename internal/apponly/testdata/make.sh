#!/usr/bin/env bash
# Made the files beside it with OpenSSL 3.0; they are kept, for the tests to need
# no OpenSSL. The keys in them are for nothing else. The password is "fixture".
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT

openssl req -x509 -newkey rsa:2048 -nodes -keyout "$work/ca.key" -out "$work/ca.pem" -days 36500 -subj "/CN=traymail fixture CA"
openssl req -newkey rsa:2048 -nodes -keyout "$work/leaf.key" -out "$work/leaf.csr" -subj "/CN=traymail fixture"
openssl x509 -req -in "$work/leaf.csr" -CA "$work/ca.pem" -CAkey "$work/ca.key" -CAcreateserial -days 36500 -out "$work/leaf.pem"

# The chain and the key as PKCS#8, in an order that nobody expects.
cat "$work/ca.pem" "$work/leaf.key" "$work/leaf.pem" > chain.pem
openssl x509 -in "$work/leaf.pem" -outform DER -out leaf.cer
export() { openssl pkcs12 -export -inkey "$work/leaf.key" -in "$work/leaf.pem" "$@"; }
export -certfile "$work/ca.pem" -passout pass:fixture -out aes256.pfx
export -certfile "$work/ca.pem" -passout pass:fixture -legacy -out rc2-3des.pfx # as Windows and old OpenSSL
export -certfile "$work/ca.pem" -passout pass:fixture -legacy -descert -out 3des.pfx
export -passout pass: -out empty-password.pfx
export -passout pass:fixture -nomac -out no-mac.pfx
openssl pkcs12 -export -nokeys -in "$work/leaf.pem" -passout pass:fixture -out no-key.pfx
openssl pkcs12 -in rc2-3des.pfx -legacy -passin pass:fixture -nodes -out bag-attributes.pem
openssl pkey -in "$work/leaf.key" -traditional | cat - "$work/leaf.pem" > pkcs1.pem
openssl pkey -in "$work/leaf.key" -aes256 -passout pass:fixture | cat "$work/leaf.pem" - > encrypted.pem
openssl pkey -in "$work/leaf.key" -traditional -aes128 -passout pass:fixture | cat "$work/leaf.pem" - > encrypted-old.pem
for kind in rsa:1024 ec:p256 ed25519; do
  options=(-newkey "$kind")
  if [ "$kind" = ec:p256 ]; then options=(-newkey ec -pkeyopt ec_paramgen_curve:P-256); fi
  openssl req -x509 "${options[@]}" -nodes -keyout "$work/odd.key" -out "$work/odd.pem" -days 36500 -subj "/CN=traymail fixture"
  cat "$work/odd.pem" "$work/odd.key" > "${kind/:/-}.pem"
done
