#!/bin/sh
# Nothing is started: the service needs a configuration first. After an upgrade, a running
# one starts again and continues an interrupted review.
set -e
if [ -d /run/systemd/system ]; then
  systemctl daemon-reload
  systemctl try-restart tokenaudit.service || true
fi
