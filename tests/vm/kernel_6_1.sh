#!/bin/bash
# All tests of this folder on Debian's Linux 6.1.
exec "$(dirname "${BASH_SOURCE[0]}")/on_kernel.sh" 6.1 "$@"
