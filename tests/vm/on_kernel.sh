#!/bin/bash
# on_kernel.sh VERSION [PART…]: boot that kernel once, with all cards, and run all tests
# of this folder in there, or those with PART in their names.
set -uo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
version=${1:?which kernel?}
shift
# With the time to fetch a kernel it is within that of tests/run-test.
timeout_s=1140
errors=$(mktemp)
trap 'rm -f "$errors"' EXIT

"$here/../../scripts/vm" --kernel "$version" --card dummy --card aloop --card hda \
    --timeout "$timeout_s" --env abs_top_builddir="${abs_top_builddir:-$PWD}" \
    -- python3 "$here/guest.py" "$@" 2>"$errors"
status=$?
cat "$errors" >&2
case $status in
    77)
        echo "SKIP: tests on Linux $version: $(tail -n 1 "$errors")"
        echo "0 passed, 0 failed, 1 skipped" ;;
    0 | 1) ;;
    *)
        echo "FAIL: the emulated machine ended with status $status"
        echo "0 passed, 1 failed, 0 skipped"
        status=1 ;;
esac
exit $status
