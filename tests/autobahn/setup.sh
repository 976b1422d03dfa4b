#!/usr/bin/env bash
# Installs the Autobahn test suite into a folder, with the versions that requirements.txt pins: setup.sh FOLDER.
#
# It needs Python 2.7, which is taken from pyenv or the PATH where it is there, else from Debian 11, whose packages
# are unpacked in the folder and installed nowhere. Afterwards FOLDER/wstest runs the suite, whatever Python that
# is, and FOLDER/cases.txt names its cases, one a line.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
folder=$(mkdir -p "${1:?usage: setup.sh FOLDER}" && cd "$1" && pwd)

# Unpacks Debian 11's Python 2.7 below $folder/debian. The mirror is the one that this machine uses.
unpack_python() {
  local debian=$folder/debian mirror
  mkdir -p "$debian"/{lists/partial,cache/archives/partial,packages,root}
  # Not all of these lists are there.
  mirror=$( (cat /etc/apt/sources.list.d/*.sources /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null || true) |
    grep --only-matching --extended-regexp 'https?://[^ ]+/debian/?( |$)' | head -1 | tr -d ' ')
  if [[ -z $mirror ]]; then
    echo "setup.sh: no Python 2.7 here, and apt's lists name no Debian mirror to fetch it from" >&2
    exit 1
  fi
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror bullseye main" >"$debian/sources.list"
  local apt=(apt-get -qq
    -o Dir::Etc::sourcelist="$debian/sources.list" -o Dir::Etc::sourceparts=-
    -o Dir::State::lists="$debian/lists" -o Dir::Cache="$debian/cache" -o APT::Sandbox::User=root)
  "${apt[@]}" update
  (cd "$debian/packages" && "${apt[@]}" download libffi7 libpython2.7 libpython2.7-dev libpython2.7-minimal \
    libpython2.7-stdlib libssl1.1 python2.7 python2.7-dev python2.7-minimal)
  local package
  for package in "$debian"/packages/*.deb; do dpkg --extract "$package" "$debian/root"; done
}

python=$(ls -d "${PYENV_ROOT:-$HOME/.pyenv}"/versions/2.7.*/bin/python2.7 2>/dev/null | tail -1 || true)
python=${python:-$(command -v python2.7 || true)}
libraries=
if [[ -z $python || -n ${AUTOBAHN_FROM_DEBIAN:-} ]]; then
  unpack_python
  root=$folder/debian/root
  python=$root/usr/bin/python2.7
  # One folder, named after the machine.
  libraries=$(echo "$root"/usr/lib/*-linux-gnu)
  export LD_LIBRARY_PATH=$libraries
fi

# The last virtualenv that makes environments for 2.7. It runs on Python 3, which must not see 2.7's libraries.
env -u LD_LIBRARY_PATH python3 -m venv "$folder/tools"
env -u LD_LIBRARY_PATH "$folder/tools/bin/pip" install --quiet --disable-pip-version-check 'virtualenv==20.21.1'
"$folder/tools/bin/virtualenv" --quiet --python "$python" "$folder/python"
"$folder/python/bin/pip" install --quiet --no-python-version-warning --disable-pip-version-check --no-deps \
  --requirement "$here/requirements.txt"

cat >"$folder/wstest" <<END
#!/bin/sh
export LD_LIBRARY_PATH="$libraries"
exec "$folder/python/bin/wstest" "\$@"
END
chmod +x "$folder/wstest"
"$folder/python/bin/python" - >"$folder/cases.txt" <<'END'
from autobahntestsuite import case
for one in case.Cases:
    print(one.__name__[len(case.CaseBasename):].replace("_", "."))
END
"$folder/wstest" --autobahnversion
