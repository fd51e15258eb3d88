# shellcheck shell=bash
# What check and demo have in common: where they build, and from what. To be sourced.
#
# They never build in the clone itself: a copy of its files (those git does not ignore) is
# kept beside the build folders. So a clone that is configured in place, read-only, or in
# use by another copy of the script is no trouble, and a second run rebuilds only what
# has changed.

# The clone. Each script says which: here=… before it sources this file.
: "${here:?}"
source_dir=$(cd "$here/.." && pwd -P)
started_s=$SECONDS

say() { printf '[%4d s] %s\n' "$((SECONDS - started_s))" "$*"; }
die() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 1; }

# Print the default working folder of this clone and the script's name, $1.
default_work_dir() {
    printf '%s/shmd-%s-%s-%s' "${TMPDIR:-/tmp}" "$1" "$EUID" \
        "$(printf '%s' "$source_dir" | cksum | cut -d' ' -f1)"
}

# Set work_dir to $1, or to $1-2, $1-3, … if another copy of the script is using that. It
# is ours until this process ends: descriptor 9 holds the lock, and no child must get it.
take_work_dir() {
    local wanted=$1 number=1
    mkdir -p "$wanted" || die "cannot make $wanted"
    wanted=$(cd "$wanted" && pwd -P)
    [[ $wanted != *[[:space:]]* ]] ||
        die "autoconf refuses spaces in a path, and '$wanted' has one: set SHMD_BUILD_DIR"
    work_dir=$wanted
    while true; do
        mkdir -p "$work_dir"
        [[ -O $work_dir ]] || die "$work_dir is not ours"
        exec 9>"$work_dir/.lock"
        ! flock --nonblock 9 || break
        number=$((number + 1))
        work_dir=$wanted-$number
    done
}

# Make work_dir/source the same as the clone, keeping times, so that make sees what changed.
copy_source() {
    local copy=$work_dir/source list=$work_dir/source.list
    mkdir -p "$copy"
    python3 -B "$source_dir/tests/lint/tree.py" "$source_dir" >"$list.new"
    if [[ -f $list ]]; then
        comm -z -23 <(sort -z "$list") <(sort -z "$list.new") |
            (cd "$copy" && xargs -0 --no-run-if-empty rm -f --)
    fi
    tar -C "$source_dir" --null --verbatim-files-from -T "$list.new" -cf - |
        tar -C "$copy" -xf -
    mv "$list.new" "$list"
}

# Run bootstrap in the copy if it never was, or the build's description has changed: the
# file "bootstrapped" holds the sums of what was bootstrapped.
bootstrap_source() {
    local copy=$work_dir/source sums
    sums=$(cd "$copy" && grep -zE '(module|Makefile)[.]am$|^configure[.]ac$|[.]m4$' \
        "$work_dir/source.list" | xargs -0 cksum) || return
    if [[ -f $copy/configure && $(cat "$work_dir/bootstrapped" 2>/dev/null) == "$sums" ]]
    then
        return
    fi
    (cd "$copy" && ./bootstrap) || return
    printf '%s\n' "$sums" >"$work_dir/bootstrapped"
}

# configure_build NAME ARGUMENT…: make work_dir/NAME, configured with these; once is enough.
# A build that was described otherwise is thrown away: make links no library anew because
# its list of sources has changed.
configure_build() {
    local name=$1
    shift
    local build=$work_dir/$name
    [[ $build/.arguments -ot $work_dir/bootstrapped ]] ||
        [[ $(cat "$build/.arguments") != "$*" ]] || return 0
    rm -rf "$build"
    mkdir -p "$build"
    (cd "$build" && "$work_dir/source/configure" "$@") || return
    printf '%s' "$*" >"$build/.arguments"
}
