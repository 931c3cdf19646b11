#!/bin/sh
# $1 is "upgrade" (deb) or 1 (rpm) where a newer version comes in place of this one.
set -e
case "$1" in
  remove | 0)
    if [ -d /run/systemd/system ]; then
      systemctl disable --now tokenaudit.service tokenaudit-run.timer || true
    fi
    ;;
esac
