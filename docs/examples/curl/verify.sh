#!/bin/sh
# Has the installation sent this? The signature of a webhook by hand, with openssl.
#
#   SECRET=whsec_… ./verify.sh ID TIMESTAMP SIGNATURES <body
#
# The arguments are the headers webhook-id, webhook-timestamp and webhook-signature; the body is taken as it came, to the byte.
# An application uses one of the libraries of standardwebhooks.com instead.
set -eu

id=$1 timestamp=$2 signatures=$3
age=$(($(date +%s) - timestamp))
[ "$age" -lt 300 ] && [ "$age" -gt -300 ] || { echo "too old or too new" >&2; exit 1; }
key=$(printf '%s' "${SECRET#whsec_}" | openssl base64 -d -A | od -An -v -tx1 | tr -d ' \n')
expected=$({ printf '%s.%s.' "$id" "$timestamp"; cat; } |
  openssl dgst -sha256 -mac HMAC -macopt "hexkey:$key" -binary | openssl base64 -A)
for signature in $signatures; do
  [ "$signature" != "v1,$expected" ] || { echo "sent by the installation"; exit 0; }
done
echo "not sent by the installation" >&2
exit 1
