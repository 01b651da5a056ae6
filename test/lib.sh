#
# What the scripts that test on real servers share. Sourced; the caller has set -euo pipefail and stands in
# the checkout.
#
# PostgreSQL refuses to run as root, and its user may not read the checkout. So a test works in a *place*: a
# folder below TMPDIR with a copy of the checkout (tree), a private PostgreSQL with pg_haops in it (pg) and
# room for data and logs (work), owned by the user who runs the servers. The place goes away at the end, with
# every process that still stands in it.
#
PG_CONFIG=${PG_CONFIG:-pg_config}

die()
{
	echo "${0##*/}: $*" >&2
	exit 1
}

# The user who runs servers: postgres when we are root, else ourselves.
server_user()
{
	if [ "$(id -u)" -ne 0 ]; then
		id -un
	elif id postgres >/dev/null 2>&1; then
		echo postgres
	else
		die "root cannot run PostgreSQL, and there is no user postgres"
	fi
}

as_server_user()
{
	if [ "$(id -u)" -eq 0 ]; then
		runuser -u "$(server_user)" -- "$@"
	else
		"$@"
	fi
}

# Makes the place and sets place, bin (PostgreSQL's programs in it) and pgxs_src (PGXS's test drivers).
place_make()
{
	local pgxs

	pgxs=$("$PG_CONFIG" --pgxs)
	pgxs_src=$(cd "${pgxs%/*}/.." && pwd)
	place=$(mktemp -d "${TMPDIR:-/tmp}/pg_haops-$1.XXXXXX")
	trap place_remove EXIT
	trap 'exit 130' INT TERM
	mkdir "$place/tree" "$place/work"
	tar -c --exclude=./.git --exclude=./build . | tar -x -C "$place/tree"
	test/private-install "$place/pg" >/dev/null
	bin=$place/pg$("$PG_CONFIG" --bindir)
	if [ "$(id -u)" -eq 0 ]; then
		chown -R "$(server_user):" "$place"
	fi
	chmod 755 "$place"
}

# Servers and clients of a broken test are known by their working directory, which lies in the place.
#
# Again until none is left: one may have made another while the others were looked at.
place_end_processes()
{
	local link cwd pid found=yes

	while [ -n "$found" ]; do
		found=
		for link in /proc/[0-9]*/cwd; do
			cwd=$(readlink "$link" 2>/dev/null) || continue
			if [ "${cwd#"$place"/}" != "$cwd" ]; then
				pid=${link#/proc/}
				kill -KILL "${pid%/cwd}" 2>/dev/null && found=yes
			fi
		done
	done
}

place_remove()
{
	cd /
	place_end_processes
	rm -rf "$place"
}

# Keeps what a test left, below build/log: files and folders of the place's work, named by patterns.
place_keep()
{
	local to=$PWD/build/log/$1

	shift
	rm -rf "$to"
	mkdir -p "$to"
	# The patterns are expanded where the files are; no name is split at its blanks.
	(cd "$place/work" && IFS= && shopt -s nullglob && cp -r --parents -- $@ "$to") 2>/dev/null || true
	if [ -n "$(ls -A "$to")" ]; then
		echo "logs are in ${to#"$PWD"/}"
	else
		echo "there are no logs to keep"
	fi
}
