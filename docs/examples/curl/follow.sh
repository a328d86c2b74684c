#!/bin/sh
# What happens in a tenant, page by page, each as soon as something has happened.
#
#   ROLLCALL=https://scim.example.com TOKEN=rcl_… TENANT=acme ./follow.sh place.txt
#
# The place is kept in the file, so it goes on there when it is started again; the first time it begins with the first event
# that is kept.
set -eu

file=$1
while :; do
  place=$(cat "$file" 2>/dev/null || echo 0)
  page=$(curl --silent --show-error --fail-with-body --max-time 60 --get "$ROLLCALL/api/v1/tenants/$TENANT/events" \
    --header "Authorization: Bearer $TOKEN" --data "after=$place" --data wait=30) || {
    printf '%s\n' "$page" >&2
    exit 1
  }
  printf '%s\n' "$page"
  # The last one on the line: events stand before it.
  printf '%s' "$page" | sed -n 's/.*"last":\([0-9]*\).*/\1/p' >"$file.new"
  mv "$file.new" "$file"
done
