# What the trials of deploy/ share; sourced.

say() { printf '\n\033[1m[%s] %s\033[0m\n' "$(date +%H:%M:%S)" "$*"; }

[ "$(id -u)" = 0 ] || { echo "$0: mounting needs root" >&2; exit 2; }

work=$PWD/target/deployment
rm -rf "$work/run" && mkdir -p "$work/run"

# needs PACKAGE…: of Debian, for this machine.
needs() {
  local package missing=()
  for package in "$@"; do
    dpkg-query --show --showformat '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  say "installing ${missing[*]}"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

# The least Debian 12, as a tar file; made once.
debian() {
  [ ! -f "$work/debian.tar" ] || return 0
  say "debootstrap"
  debootstrap --variant=minbase bookworm "$work/debian.tar.new" >"$work/debootstrap.log"
  tar -C "$work/debian.tar.new" -cf "$work/debian.tar.part" .
  mv "$work/debian.tar.part" "$work/debian.tar"
  rm -rf "$work/debian.tar.new"
}

free_port() {
  local port
  while :; do
    port=$((20000 + RANDOM % 12000))
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port"; return; }
  done
}

processes=()
# Ended with the script.
started() { processes+=("$1"); }
stop_all() { for process in "${processes[@]}"; do kill "$process" 2>/dev/null || true; done; }

# What watches a server, if anything.
tracer=() watched=()

# (confined ROOT FOLDER USER WORDS…): this process becomes USER, who can gain nothing, in ROOT, where only FOLDER, as
# /var/lib/rollcall, and /tmp can be written to.
confined() {
  local root=$1 folder=$2 user=$3
  shift 3
  exec "${watched[@]}" unshare --mount --propagation private -- sh -euc '
    root=$1 folder=$2 user=$3; shift 3
    mount --bind "$root" "$root"
    mount -o remount,bind,ro "$root"
    mount -t tmpfs -o size=16m,mode=1777 tmpfs "$root/tmp"
    mount --bind "$folder" "$root/var/lib/rollcall"
    cd "$root"
    exec setpriv --no-new-privs chroot --userspec="$user" --groups= "$root" "$@"
  ' confined "$root" "$folder" "$user" "$@"
}

# serves ROOT USER WORDS…: it answers, its doctor finds no fault, it says that it is ready, and SIGTERM ends it.
serves() {
  local root=$1 user=$2 port folder process code
  shift 2
  port=$(free_port)
  folder=$(mktemp -d "$work/run/data.XXXXXX")
  chown "$user" "$folder"
  export ROLLCALL_LISTEN=127.0.0.1:$port
  (watched=("${tracer[@]}"); confined "$root" "$folder" "$user" "$@" serve) 2>"$work/run/log" &
  process=$!
  started "$process"
  for _ in $(seq 300); do
    curl -sf "http://127.0.0.1:$port/readyz" >/dev/null && break
    sleep 0.1
  done
  for path in healthz readyz console/sign-in; do
    curl -sS -o /dev/null -w "/$path: %{http_code}\n" --fail "http://127.0.0.1:$port/$path" || { cat "$work/run/log"; return 1; }
  done
  (confined "$root" "$folder" "$user" "$@" doctor)
  (confined "$root" "$folder" "$user" "$@" health)
  # Its watcher hands nothing on.
  kill -TERM "$(pgrep -P "$process" || echo "$process")"
  code=0; wait "$process" || code=$?
  echo "ended with $code"
  [ "$code" = 0 ] || { cat "$work/run/log"; return 1; }
  [ "$(stat -c %u "$folder/rollcall.db")" = "$(stat -c %u "$folder")" ]
}
