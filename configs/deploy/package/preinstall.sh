#!/bin/sh
# The user of the service, before the package unpacks folders that belong to it.
set -e
if ! getent passwd tokenaudit >/dev/null; then
  useradd --system --user-group --home-dir /var/lib/tokenaudit --shell /usr/sbin/nologin tokenaudit
fi
