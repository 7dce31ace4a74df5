# Sourced by ./run and ./test: makes .venv, or brings it up to date.

fail() {
  echo "$*" >&2
  exit 1
}

# The first Python on PATH that is new enough; a name may be there and not work.
find_python() {
  local name
  for name in python3.13 python3.12 python3.11 python3 python python3.14; do
    if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      echo "$name"
      return
    fi
  done
  fail "Seatkeeper needs Python 3.11 or newer, and there is none on PATH."
}

# One package of a lock, with its hashes.
only() { # PACKAGE LOCK
  awk -v package="$1==" 'index($0, package) == 1 { on = 1 } on { print } on && !/\\$/ { exit }' "$2"
}

# Installs hash-checked. uv takes a quarter of pip's time, so pip's only job is to fetch it;
# where uv cannot do it, pip does it all.
install() { # LOCK…
  local python=.venv/bin/python uv=.venv/bin/uv files=() lock
  local pip=("$python" -m pip install -qq --disable-pip-version-check --require-hashes)
  for lock in "$@"; do files+=(-r "$lock"); done
  if [ ! -x $uv ] && ! uv=$(command -v uv); then
    uv=.venv/bin/uv
    only uv requirements-local.lock >.venv/uv.lock
    "${pip[@]}" -r .venv/uv.lock >&2 || uv=false
  fi
  # The machine's certificates, as pip does: a company's proxy may have its own. Two names,
  # for newer and older uv.
  UV_SYSTEM_CERTS=1 UV_NATIVE_TLS=1 "$uv" pip install --quiet --compile-bytecode --python $python \
    --require-hashes "${files[@]}" >&2 && return
  $python -m pip --version >/dev/null 2>&1 || $python -m ensurepip >&2
  "${pip[@]}" "${files[@]}" >&2
}

# Up to date is an environment that holds a copy of each lock it was installed from.
environment() { # LOCK…
  # One at a time, where the system has flock; the lock ends with the descriptor.
  exec 9<requirements.lock
  if command -v flock >/dev/null; then flock 9; fi
  up_to_date "$@"
  exec 9<&-
}

up_to_date() { # LOCK…
  local lock missing=()
  if ! .venv/bin/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    local python
    python=$(find_python)
    echo "Making the environment in .venv with $("$python" --version) …" >&2
    rm -rf .venv
    if command -v uv >/dev/null; then
      uv venv --quiet --python "$(command -v "$python")" .venv
    else
      "$python" -m venv .venv || fail "$python cannot make environments: install its venv package."
    fi
  fi
  for lock in "$@"; do
    cmp -s "$lock" ".venv/$lock" || missing+=("$lock")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  echo "Installing ${missing[*]} …" >&2
  # All of them, so that what is shared gets one version.
  install "$@"
  for lock in "$@"; do cp "$lock" ".venv/$lock"; done
}
