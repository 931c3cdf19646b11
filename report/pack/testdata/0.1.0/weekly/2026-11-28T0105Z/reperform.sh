#!/bin/sh
# Asks for the lists of authorizations of a review again, with curl and jq, and
# compares their counts with those that the review found. It only reads. It holds
# no credential: put a token that may read authorizations and users into the
# environment variable INFLUX_TOKEN.
#
#   INFLUX_TOKEN=... sh reperform.sh       every list
#   INFLUX_TOKEN=... sh reperform.sh 2 3   only these, where others need another token
#
# Exit code: 0 all counts are equal, 1 some differ or were not answered, 2 nothing
# was compared. Counts that differ may have changed since the review.
# Set CURL_CA_BUNDLE for a server whose certificate is not publicly signed.
#
# Names stand in single quotes on purpose; a review may have nothing to skip.
# shellcheck disable=SC2016,SC2317,SC2329
set -u
LC_ALL=C
export LC_ALL

run='weekly/2026-11-28T0105Z'

fail() {
	printf '%s\n' "$*" >&2
	exit 2
}

for program in curl jq sed mktemp; do
	command -v "$program" >/dev/null || fail "$program is not installed"
done
[ -n "${INFLUX_TOKEN:-}" ] || fail 'set INFLUX_TOKEN to a token that may read authorizations and users'
[ "$(printf '%s' "$INFLUX_TOKEN" | tr -d '\r\n')" = "$INFLUX_TOKEN" ] || fail 'INFLUX_TOKEN holds a line break'

body=$(mktemp) || fail 'no temporary file'
trap 'rm -f "$body"' EXIT
trap 'exit 2' HUP INT TERM

wanted=" $* "
compared=0
differ=0

# The token goes to curl on its standard input, so that no list of processes shows it.
ask() {
	printf '%s\n' "$INFLUX_TOKEN" | sed 's/[\\"]/\\&/g; s/^/header = "Authorization: Token /; s/$/"/' |
		curl -q --silent --show-error --fail --globoff --proto '=http,https' --config - --output "$body" --url "$1"
}

# An authorization counts once, however many of its permissions write.
count() {
	jq -r '
		.authorizations
		| if type == "array" then . else error("the answer is no list of authorizations") end
		| [length, (map(select(.status == "active" and any(.permissions[]?; .action == "write"))) | length)]
		| join(" ")' "$body"
}

chosen() {
	case $wanted in
	'  ' | *" $1 "*) return 0 ;;
	esac
	return 1
}

# list NUMBER TARGET WHAT URL AUTHORIZATIONS WRITERS
list() {
	chosen "$1" || return 0
	compared=$((compared + 1))
	got=$(ask "$4" && count) || got='no answer: ?'
	verdict='ok     '
	if [ "$got" != "$5 $6" ]; then
		verdict='DIFFERS'
		differ=1
	fi
	printf '%s  %s. %s: %s: %s authorizations (review: %s), %s active write tokens (review: %s)\n' \
		"$verdict" "$1" "$2" "$3" "${got%% *}" "$5" "${got##* }" "$6"
}

# skip NUMBER TARGET WHAT REASON
skip() {
	chosen "$1" || return 0
	printf 'skipped  %s. %s: %s: %s\n' "$1" "$2" "$3" "$4"
}

printf 'Review %s\n' "$run"
list 1 'plant' 'authorizations of org acme' 'http://127.0.0.1:18086/api/v2/authorizations?orgID=a5528a874dbcfb6c' 3 1

[ "$compared" -gt 0 ] || fail 'no list was compared'
exit "$differ"
