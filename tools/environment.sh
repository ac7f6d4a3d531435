# Sourced by the scripts beside it: goes to the project's root and makes .venv
# ready. It installs again whenever pyproject.toml or constraints.txt changed.

cd "$(dirname "${BASH_SOURCE[0]}")/.."
# TensorFlow's notes about the CPU would hide our own lines.
export TF_CPP_MIN_LOG_LEVEL="${TF_CPP_MIN_LOG_LEVEL:-3}"

is_supported() {
  "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' \
    >/dev/null 2>&1
}

find_python() {
  local candidate
  if [[ -n "${PYTHON:-}" ]]; then
    if is_supported "$PYTHON"; then
      echo "$PYTHON"
      return
    fi
    echo "PYTHON=$PYTHON is not a Python 3.11, 3.12 or 3.13." >&2
    return 1
  fi
  for candidate in python3 python3.13 python3.12 python3.11 python; do
    if is_supported "$candidate"; then
      echo "$candidate"
      return
    fi
  done
  echo "No Python 3.11, 3.12 or 3.13 was found: TensorFlow needs one of them." >&2
  echo "Install one, or name it: PYTHON=/path/to/python3.12 $0" >&2
  return 1
}

make_environment() {
  local python stamp wanted
  stamp=.venv/mtl_keras.stamp
  if ! is_supported .venv/bin/python; then
    python="$(find_python)"
    echo "Making .venv with $("$python" --version)."
    if ! "$python" -m venv --clear .venv; then
      echo "Could not make .venv. On Debian: apt-get install python3-venv" >&2
      return 1
    fi
  fi
  wanted="$(.venv/bin/python -c '
import hashlib, os, sys
read = lambda name: open(name, "rb").read()
text = read("pyproject.toml") + read("constraints.txt")
print(hashlib.sha256(text).hexdigest(), sys.version_info[:2], os.getcwd())')"
  if [[ "$(cat "$stamp" 2>/dev/null)" == "$wanted" ]]; then
    return
  fi
  echo "Installing the packages (minutes, the first time)."
  .venv/bin/python -m pip install --quiet --disable-pip-version-check \
    --constraint constraints.txt --editable ".[dev]"
  echo "$wanted" >"$stamp"
}

make_environment
