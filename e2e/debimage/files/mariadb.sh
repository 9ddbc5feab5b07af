#!/bin/sh
# Starts MariaDB with the environment variables of the official image; the first start makes the database.
set -eu

die() { echo "mariadb image: $*" >&2; exit 1; }

# setting NAME: $MARIADB_NAME or $MYSQL_NAME, or what the file of either with _FILE says.
setting() {
	eval "value=\${MARIADB_$1:-\${MYSQL_$1:-}} file=\${MARIADB_$1_FILE:-\${MYSQL_$1_FILE:-}}"
	if [ -n "$value" ] && [ -n "$file" ]; then die "MARIADB_$1 and MARIADB_$1_FILE are both set"; fi
	if [ -n "$file" ]; then value=$(cat "$file"); fi
	printf '%s' "$value"
}
# quoted TEXT: an SQL string.
quoted() { printf "'%s'" "$(printf '%s' "$1" | sed "s/\\\\/\\\\\\\\/g; s/'/''/g")"; }

case ${1:-} in -*) set -- mariadbd "$@" ;; esac
case ${1:-} in mariadbd | mysqld) ;; *) exec "$@" ;; esac

data=/var/lib/mysql
socket=/run/mysqld/mysqld.sock
if [ "$(id -u)" = 0 ]; then
	mkdir -p $data /run/mysqld
	chown -R mysql:mysql $data /run/mysqld
	# By its path: the shell would take the one of busybox, which knows no users.
	exec /usr/bin/setpriv --reuid=mysql --regid=mysql --clear-groups "$0" "$@"
fi
if [ -d $data/mysql ]; then exec "$@"; fi

root=$(setting ROOT_PASSWORD)
db=$(setting DATABASE)
user=$(setting USER)
password=$(setting PASSWORD)
empty=${MARIADB_ALLOW_EMPTY_ROOT_PASSWORD:-${MYSQL_ALLOW_EMPTY_PASSWORD:-}}
if [ -z "$root" ] && [ -n "${MARIADB_RANDOM_ROOT_PASSWORD:-${MYSQL_RANDOM_ROOT_PASSWORD:-}}" ]; then
	root=$(head -c 24 /dev/urandom | base64)
	echo "mariadb image: the password of root is $root"
fi
if [ -z "$root$empty" ]; then
	die "set MARIADB_ROOT_PASSWORD, MARIADB_ALLOW_EMPTY_ROOT_PASSWORD or MARIADB_RANDOM_ROOT_PASSWORD"
fi

mariadb-install-db --auth-root-authentication-method=normal --skip-test-db --datadir=$data --skip-name-resolve --rpm >/dev/null

# Whatever follows is for this machine's socket alone: nobody else may see the database half made.
mariadbd --skip-networking --socket=$socket --datadir=$data &
server=$!
until mariadb-admin --socket=$socket --user=root --silent ping >/dev/null 2>&1; do
	kill -0 $server 2>/dev/null || die "the server ended while it was set up"
	sleep 0.1
done
{
	if [ -n "$db" ]; then printf 'CREATE DATABASE IF NOT EXISTS `%s`;\n' "$db"; fi
	if [ -n "$user" ]; then
		printf "CREATE USER %s@'%%' IDENTIFIED BY %s;\n" "$(quoted "$user")" "$(quoted "$password")"
		if [ -n "$db" ]; then printf "GRANT ALL ON \`%s\`.* TO %s@'%%';\n" "$(printf '%s' "$db" | sed 's/_/\\_/g')" "$(quoted "$user")"; fi
	fi
} | mariadb --socket=$socket --user=root
for f in /docker-entrypoint-initdb.d/*; do
	case $f in
	*.sh) sh "$f" ;;
	*.sql) mariadb --socket=$socket --user=root ${db:+--database="$db"} <"$f" ;;
	*.sql.gz) gunzip -c "$f" | mariadb --socket=$socket --user=root ${db:+--database="$db"} ;;
	esac
done
{
	# These have no password.
	echo "DELETE FROM mysql.global_priv WHERE User = 'root' AND Host <> 'localhost';"
	echo "DELETE FROM mysql.proxies_priv WHERE Host <> 'localhost';"
	echo "FLUSH PRIVILEGES;"
	printf "CREATE USER root@%s IDENTIFIED BY %s;\n" "$(quoted "${MARIADB_ROOT_HOST:-%}")" "$(quoted "$root")"
	printf "GRANT ALL ON *.* TO root@%s WITH GRANT OPTION;\n" "$(quoted "${MARIADB_ROOT_HOST:-%}")"
	printf "ALTER USER root@localhost IDENTIFIED BY %s;\n" "$(quoted "$root")"
} | mariadb --socket=$socket --user=root
kill $server
wait $server

exec "$@"
