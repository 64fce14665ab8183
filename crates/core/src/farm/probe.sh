# shellcheck shell=sh
# Says how a box stands; changes nothing there. Its standard input is the lines that are read here. Lines
# that begin with the mark, a random word, are this text's.
IFS= read -r program; IFS= read -r unit; IFS= read -r own; IFS= read -r mark;
echo "$mark began"; IFS= read -r _; echo "$mark pong";
say() { echo "$mark $1 $2"; };
say clock "$(date +%s.%N)";
if read -r load _ </proc/loadavg; then say load "$load"; fi;
say processors "$(nproc)";
if [ -n "$unit" ]; then say service "$(systemctl is-active -- "$unit" </dev/null)"; fi;
if command -v timeout >/dev/null; then
  say claude "$(command -v "$program")";
  say version "$(timeout 10 "$program" --version </dev/null | head -n 1)";
  if [ -n "$own" ]; then say login "$(timeout 10 "$program" auth status --json </dev/null | tr -d "[:cntrl:]")"; fi;
else say timeout missing; fi;
say ended 0
