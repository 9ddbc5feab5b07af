#!/bin/sh
# Starts PostgreSQL with the environment variables of the official image; the first start makes the database.
set -eu

die() { echo "postgres image: $*" >&2; exit 1; }

# setting NAME DEFAULT: $NAME, or what the file $NAME_FILE says.
setting() {
	eval "value=\${$1:-} file=\${$1_FILE:-}"
	if [ -n "$value" ] && [ -n "$file" ]; then die "$1 and $1_FILE are both set"; fi
	if [ -n "$file" ]; then value=$(cat "$file"); fi
	printf '%s' "${value:-$2}"
}

case ${1:-} in -*) set -- postgres "$@" ;; esac
[ "${1:-}" = postgres ] || exec "$@"

if [ "$(id -u)" = 0 ]; then
	mkdir -p "$PGDATA" /run/postgresql
	chown -R postgres:postgres "$PGDATA" /run/postgresql
	# By its path: the shell would take the one of busybox, which knows no users.
	exec /usr/bin/setpriv --reuid=postgres --regid=postgres --clear-groups "$0" "$@"
fi
if [ -s "$PGDATA/PG_VERSION" ]; then exec "$@"; fi

user=$(setting POSTGRES_USER postgres)
password=$(setting POSTGRES_PASSWORD '')
db=$(setting POSTGRES_DB "$user")
method=${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256}
if [ -z "$password" ] && [ "$method" != trust ]; then
	die "set POSTGRES_PASSWORD (or, to let everybody in, POSTGRES_HOST_AUTH_METHOD=trust)"
fi

mkdir -p "$PGDATA"
chmod 700 "$PGDATA" || true # initdb says what is wrong
secret=$(mktemp)
printf '%s\n' "$password" >"$secret"
if [ -n "$password" ]; then pwfile="--pwfile=$secret"; else pwfile=; fi
# shellcheck disable=SC2086 # options are words
initdb --username="$user" $pwfile --auth=trust --no-sync ${POSTGRES_INITDB_ARGS:-}
rm -f "$secret"
printf "\nlisten_addresses = '*'\n" >>"$PGDATA/postgresql.conf"
printf '\nhost all all all %s\n' "$method" >>"$PGDATA/pg_hba.conf"

# Whatever follows is for this machine's socket alone: nobody else may see the database half made.
PGUSER=$user pg_ctl -D "$PGDATA" -o "-c listen_addresses=''" -w start
sql() { psql -v ON_ERROR_STOP=1 --username="$user" --no-password --no-psqlrc "$@"; }
if [ "$db" != postgres ]; then
	sql --dbname=postgres --set=db="$db" <<-'SQL'
		CREATE DATABASE :"db";
	SQL
fi
for f in /docker-entrypoint-initdb.d/*; do
	case $f in
	*.sh) sh "$f" ;;
	*.sql) sql --dbname="$db" --file="$f" ;;
	*.sql.gz) gunzip -c "$f" | sql --dbname="$db" ;;
	esac
done
PGUSER=$user pg_ctl -D "$PGDATA" -m fast -w stop

exec "$@"
