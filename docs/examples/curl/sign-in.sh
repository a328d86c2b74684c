#!/bin/sh
# Who is this? What an application asks when somebody signs in.
#
#   ROLLCALL=https://scim.example.com TOKEN=rcl_… TENANT=acme ./sign-in.sh userName ann@example.com
#
# The first argument is userName, externalId or email. Nobody is an empty list, and no error.
set -eu

curl --silent --show-error --fail-with-body --max-time 10 --get "$ROLLCALL/api/v1/tenants/$TENANT/users" \
  --header "Authorization: Bearer $TOKEN" --data-urlencode "$1=$2"
echo
