#
# What prepare, run and clean of the version matrix share: which release has which PostgreSQL, where its
# root folder lies, and how a command runs in it. Sourced; the caller has set -euo pipefail.
#
# PG_HAOPS_MATRIX moves the root folders away from the default; each is a Debian release of some 1 GB.
#
matrix_base=${PG_HAOPS_MATRIX:-/var/tmp/pg_haops-matrix}

die()
{
	echo "test/matrix: $*" >&2
	exit 1
}

# Sets version, suite and root from the version of PostgreSQL on the command line.
matrix_choose()
{
	version=${1:-}
	case $version in
		17) suite=trixie ;;
		18) suite=forky ;;
		*) die "say which PostgreSQL: 17 or 18" ;;
	esac
	root=$matrix_base/$version
	[ "$(id -u)" -eq 0 ] || die "this needs root, for chroot and for mounting /proc"
}

# One matrix command at a time for each version.
matrix_lock()
{
	mkdir -p "$matrix_base"
	exec 9>"$matrix_base/$version.lock"
	flock -w 1800 9 || die "another test/matrix command holds $version"
}

matrix_mount()
{
	mountpoint -q "$root/proc" || mount -t proc proc "$root/proc"
}

matrix_unmount()
{
	! mountpoint -q "$root/proc" || umount "$root/proc"
}

# Runs a command inside the release, without anything of this machine's environment but a proxy.
matrix_chroot()
{
	env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \
		${http_proxy:+http_proxy="$http_proxy"} chroot "$root" "$@" 9>&-
}

# Ends the processes that still live inside the release: servers that a broken test left behind.
matrix_end_processes()
{
	local link pid

	for link in /proc/[0-9]*/root; do
		if [ "$(readlink "$link" 2>/dev/null)" = "$root" ]; then
			pid=${link#/proc/}
			kill -KILL "${pid%/root}" 2>/dev/null || true
		fi
	done
}
