#!/usr/bin/env bash
# The main job from a terminal, on a throw-away store, with the simulator as server: nothing here is
# real, nothing is sent anywhere, and nothing is left behind. Started by
# `./dev demo --terminal`.
set -euo pipefail

: "${SWITCHYARD_BIN:?start this with ./dev demo --terminal}" "${SWITCHYARD_SIMULATOR_BIN:?start this with ./dev demo --terminal}"

home=$(mktemp -d "${TMPDIR:-/tmp}/switchyard-demo.XXXXXX")
simulator=

finish() {
  # The agent that `vault unlock` started ends with the lock.
  [[ -d $home/store ]] && "$SWITCHYARD_BIN" vault lock >/dev/null 2>&1
  # Only what was started here, by id.
  [[ -n $simulator ]] && kill "$simulator" 2>/dev/null && wait "$simulator" 2>/dev/null
  rm -rf -- "$home"
  return 0
}
trap finish EXIT
trap 'exit 130' INT TERM

bold='' plain='' quiet=''
if [[ -t 1 ]]; then
  bold=$'\e[1m' plain=$'\e[0m' quiet=$'\e[2m'
fi

# Shows a command as one would type it, then runs it.
show() {
  local word line=
  for word in "$@"; do
    [[ $word == *[[:space:]]* ]] && word="\"$word\""
    line+=" $word"
  done
  printf '\n%s$ switchyard%s%s\n' "$bold" "$line" "$plain"
  "$SWITCHYARD_BIN" "$@"
}

say() { printf '\n%s%s%s\n' "$quiet" "$*" "$plain"; }

# One passphrase for this run, handed over by descriptor as a script would.
passphrase=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
with_passphrase() { show "$@" --passphrase-fd 3 3<<<"$passphrase"; }

export SWITCHYARD_HOME=$home/store
mkdir -m 700 -- "$SWITCHYARD_HOME"

# The simulator lives as long as this pipe is open, so it can't outlive the demo.
coproc SIMULATOR { exec "$SWITCHYARD_SIMULATOR_BIN" --pace-ms 25 2>/dev/null; }
simulator=$SIMULATOR_PID
read -r ready <&"${SIMULATOR[0]}"
url=$(sed -n 's/.*"url":"\([^"]*\)".*/\1/p' <<<"$ready")
[[ -n $url ]] || { printf 'error: the simulator did not start.\n' >&2; exit 1; }

printf '%sSIMULATED%s: every answer below comes from %s on this machine; no key is real and nothing is billed.\n' \
  "$bold" "$plain" "$url"

say '1. Who pays right now? This reads your real environment and changes nothing.'
show who --fast

say '2. A vault, here with a passphrase, and an agent that keeps it open for every face.'
with_passphrase vault init --no-keychain
with_passphrase vault unlock

say '3. Sample keys, and the ledger of some months.'
"$SWITCHYARD_BIN" demo-fill --base-url "$url"
show keys list

say '4. A key of your own: checked with the server, for free, before it is stored.'
printf 'sk-ant-api03-simulated-%s' "$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')" |
  show keys add Mine --base-url "$url" --environment personal
show keys check Mine

say '5. A prompt: the payer and the worst case are said first, the cost afterwards.'
show send --key Mine --model haiku --estimate 'Why do trains need switches?'
show send --key Mine --model haiku 'Why do trains need switches?'
run=$("$SWITCHYARD_BIN" history --json -n 1 | sed -n 's/.*"run":\([0-9]*\).*/\1/p')
show send --reply "$run" 'In one word?'

say '6. What it all cost.'
show history -n 4
show usage
show usage --by model --range 30d

say '7. Locked for all faces, and open again.'
show vault lock
show vault status
show send --key Mine 'Is anyone there?' </dev/null || say "(exit code $?: locked, nothing was sent)"
with_passphrase vault unlock
show vault status

say 'That was the main job. The throw-away store is deleted now.'
