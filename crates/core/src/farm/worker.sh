# shellcheck shell=sh
# Runs one `claude` on a box of the farm, and leaves nothing behind. It gets ready, and then its standard input
# is: the key (empty where the box has its own), the rest of the lines read here, then the JSON lines that
# `claude` takes. The end of the input ends it all, whatever has come until then: so a connection that dies does.
# Lines that begin with the mark, a random word, are this text's; between its first and last are `claude`s.
umask 077; trouble=;
end() { kill "$job" "$pump"; wait "$job"; kill -KILL -- "-$job"; cd /; rm -rf "$dir"; } 2>/dev/null;
trap end EXIT; trap "exit 1" HUP INT TERM PIPE;
dir=$(mktemp -d "$TMPDIR/run.XXXXXXXXXX") && mkdir "$dir/w" "$dir/home" "$dir/home/c" && mkfifo "$dir/in" &&
  cd "$dir/w" && echo >"$dir/full" || trouble=space;
command -v timeout >/dev/null || trouble=timeout;
IFS= read -r key; IFS= read -r server; IFS= read -r program; IFS= read -r model; IFS= read -r effort;
IFS= read -r longest; IFS= read -r seconds; IFS= read -r mark || exit 1;
fail() { echo "$mark failed $1"; exit 1; };
[ -z "$trouble" ] || fail "$trouble";
command -v "$program" >/dev/null || fail missing;
exec 3<&0;
echo "$mark began"; echo "$mark began" >&2;
(
  if [ -n "$key" ]; then export HOME="$dir/home" ANTHROPIC_API_KEY="$key"; fi;
  if [ -n "$server" ]; then export ANTHROPIC_BASE_URL="$server"; fi;
  export CLAUDE_CONFIG_DIR="$dir/home/c" TMPDIR="$dir/home" CLAUDE_CODE_MAX_OUTPUT_TOKENS="$longest" \
    DISABLE_AUTOUPDATER=1 CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=1 CLAUDE_CODE_MAX_RETRIES=2 \
    CLAUDE_CODE_DISABLE_NONSTREAMING_FALLBACK=1 CLAUDE_CODE_DISABLE_ATTACHMENTS=1 API_TIMEOUT_MS=120000;
  exec timeout -k 5 "$seconds" "$program" -p --bare \
    --input-format stream-json --output-format stream-json --verbose --include-partial-messages \
    --no-session-persistence --tools "" --safe-mode --setting-sources "" --strict-mcp-config \
    --disable-slash-commands --permission-prompts none --model "$model" ${effort:+--effort "$effort"} \
    <"$dir/in" 3<&-
) & job=$! ;
{ cat; kill "$job"; } <&3 >"$dir/in" 2>/dev/null & pump=$! ;
exec 3<&-; wait "$job"; code=$?;
echo; echo "$mark ended $code"
