# shellcheck shell=sh
# What the login shell of a box is given first: it leaves everything of its own environment behind and
# goes on with the second text, which is this one's $0. Both are constant; no word of them is anybody's data.
exec env -i \
  HOME="$HOME" USER="$USER" LOGNAME="$LOGNAME" TMPDIR="${TMPDIR:-/tmp}" LANG=C.UTF-8 \
  PATH="$HOME/.local/bin:$PATH:/usr/local/bin:/usr/bin:/bin" \
  /bin/sh -c "$0"
