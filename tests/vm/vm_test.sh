#!/bin/bash
# What scripts/vm promises, with a real emulated machine; few of them, for each boots.
#
# Every test is a function; it says `ok NAME` or `not ok NAME` and what it saw.
set -uo pipefail

# Who started this may ignore signals (nohup, a job of a shell): bash cannot trap them.
if [[ -z ${SIGNALS_ARE_DEFAULT-} ]]; then
    exec env --default-signal SIGNALS_ARE_DEFAULT=1 "$BASH" "${BASH_SOURCE[0]}" "$@"
fi

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
scripts=$(cd "$here/../../scripts" && pwd -P)
vm=$scripts/vm
self=$here/$(basename "${BASH_SOURCE[0]}")
export SHMD_VM_CACHE=${SHMD_VM_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/shmd/vm}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
# What the runs themselves leave in it is found.
mkdir temp
export TMPDIR=$work/temp

passed=0 failed=0

# expect WHAT WANTED SEEN: one assertion of a test.
expect() {
    [[ $2 == "$3" ]] && return
    printf '    %s: expected <%s>, saw <%s>\n' "$1" "$2" "$3"
    return 1
}

# expect_line WHAT PATTERN FILE: FILE has a line that matches.
expect_line() {
    grep -qE -e "$2" "$3" && return
    printf '    %s: no line matches <%s> in:\n' "$1" "$2"
    sed 's/^/        /' "$3"
    return 1
}

# status COMMAND…: its exit status, its output in ./out and ./err
status() {
    timeout --kill-after=5 200 "$@" >out 2>err
    echo $?
}

# The emulated machines that have our folder in their command line.
machines() { pgrep -f "qemu-system.*path=$work/" || true; }

nothing_left() {
    expect 'machines that are left' '' "$(machines)" &&
        expect 'files that are left' '' "$(ls temp)"
}

# wait_until COMMAND…: at most 30 s
wait_until() {
    local deadline=$((SECONDS + 30))
    until "$@"; do
        ((SECONDS < deadline)) || return 1
        sleep 0.05
    done
}

is_up() { [[ -n $(machines) ]]; }
is_gone() { ! kill -0 "$1" 2>/dev/null; }

# --- the tests -------------------------------------------------------------------------

a_wrong_command_line_is_64() {
    local -a wrong
    while read -ra wrong; do
        expect "status of ${wrong[*]}" 64 "$(status "$vm" "${wrong[@]}")" &&
            expect_line message '^vm: .*--help' err || return
    done <<'END'
--bogus -- true
--kernel 2.4 -- true
--card piano -- true
--card dummy:loud -- true
--card dummy --card dummy -- true
--uid
--timeout 0 -- true
--
END
    expect 'no such user' 64 "$(status "$vm" --user no-such-user -- true)"
}

help_needs_no_machine() {
    expect status 0 "$(status "$vm" --help)" && expect_line help '^Usage: vm ' out &&
        expect status 0 "$(status "$scripts/vm-kernel" --help)" &&
        expect_line help '^Usage: vm-kernel ' out
}

# without TOOL…: a folder for PATH with all programs but these.
without() {
    local folder=$work/without program
    rm -rf "$folder"
    mkdir "$folder"
    for program in /sbin/* /bin/* /usr/sbin/* /usr/bin/*; do
        ln -sf "$program" "$folder/"
    done
    for program in "$@"; do
        rm "$folder/$program"
    done
    echo "$folder"
}

what_is_missing_here_is_77_and_named() {
    expect 'no qemu' 77 "$(PATH=$(without qemu-system-x86_64) status "$vm" -- true)" &&
        expect_line message '^vm: qemu-system-x86_64 is not installed' err &&
        expect 'no busybox' 77 "$(PATH=$(without busybox) status "$vm" -- true)" &&
        expect_line message '^vm-kernel: busybox-static is not installed' err
}

a_kernel_that_is_not_whole_is_not_used() {
    local kernel=$SHMD_VM_CACHE/6.1 no_network
    mkdir cache
    cp -r "$kernel" cache/
    # Without apt-get nothing can be fetched: what is here must do, or not.
    no_network=$(without apt-get)
    expect whole 0 "$(PATH=$no_network SHMD_VM_CACHE=$work/cache \
        status "$scripts/vm-kernel" 6.1)" || return
    expect path "$work/cache/6.1" "$(head -n 1 out)" || return
    printf x | dd of=cache/6.1/vmlinuz bs=1 seek=100000 conv=notrunc status=none
    expect broken 77 "$(PATH=$no_network SHMD_VM_CACHE=$work/cache \
        status "$scripts/vm-kernel" 6.1)" && expect_line why 'apt-get' err
}

# One machine for all that a command which ends by itself shows.
cat >inside <<'END'
#!/bin/sh
[ "$1" = 'two words' ] && [ "$2" = '$HOME "quoted"' ] && echo arguments
[ "$PWD" = "$EXPECTED_PWD" ] && echo folder
[ "$(id -u) $(id -g)" = '4321 4321' ] && id -nG 2>/dev/null | grep -qw audio && echo user
[ "${SECRET-unset}" = unset ] && [ "$PASSED" = 'as it is' ] && echo environment
uname -r | grep -q '^6[.]1[.]' && echo kernel
now=$(date +%s)
[ $((now - EXPECTED_TIME)) -ge 0 ] && [ $((now - EXPECTED_TIME)) -lt 200 ] && echo time
grep -q '^ 0 .Dummy' /proc/asound/cards && grep -q '^ 2 .Intel' /proc/asound/cards &&
    ! grep -q Loopback /proc/asound/cards && echo cards
[ "$(grep -c '^2' /sys/module/snd_dummy/parameters/pcm_substreams)" = 1 ] && echo given
echo reopened >/dev/stderr
mkdir "$SHMD_VM_RESULTS/folder"
cp "$SENT" "$SHMD_VM_RESULTS/folder/sent"
{ echo changed >"$SENT"; } 2>/dev/null || echo foreign
echo END
cat "$SHMD_VM_RESULTS/folder/sent"
sleep 1000 &    # what is left running keeps nothing
exit 7
END
chmod 755 inside . temp

a_command_runs_as_if_it_were_here() {
    local words='arguments folder user environment kernel time cards given foreign END'
    head -c 300000 /dev/urandom >sent
    # shellcheck disable=SC2016  # it is to arrive as it is
    expect status 7 "$(SECRET=1 status "$vm" --uid 4321 --card hda \
        --card dummy:pcm_substreams=2 --results results \
        --env "EXPECTED_PWD=$PWD" --env "EXPECTED_TIME=$(date +%s)" \
        --env "SENT=$PWD/sent" --env PASSED='as it is' \
        -- ./inside 'two words' '$HOME "quoted"')" &&
        expect words "$words" "$(head -n 10 out | tr '\n' ' ' | sed 's/ $//')" &&
        expect 'standard error' reopened "$(cat err)" &&
        tail -n +11 out | cmp - sent && cmp results/folder/sent sent && nothing_left
}

a_panic_is_125_and_told() {
    # shellcheck disable=SC2016  # for the shell in the machine
    expect status 125 "$(status "$vm" --results panicked --env 'WORD=only there' -- \
        sh -c 'echo before; echo kept >"$SHMD_VM_RESULTS/kept"; sync
               echo "$WORD" >made-in-the-machine; sleep 1; echo c >/proc/sysrq-trigger
               sleep 1000')" &&
        expect output before "$(cat out)" && expect result kept "$(cat panicked/kept)" &&
        expect_line message '^vm: the machine ended before COMMAND did' err &&
        expect_line console 'Kernel panic' err &&
        expect 'what was written there' no \
            "$([[ -e made-in-the-machine ]] && echo yes || echo no)" && nothing_left
}

what_takes_too_long_is_124() {
    expect status 124 "$(status "$vm" --timeout 3 -- sleep 1000)" &&
        expect_line message '^vm: not done in 3 s' err && nothing_left
}

a_signal_ends_it() {
    local signal pid status
    for signal in TERM INT ABRT; do
        "$vm" -- sleep 1000 >out 2>err &
        pid=$!
        wait_until is_up || expect 'a machine' up down || return
        kill -$signal $pid
        wait $pid
        status=$?
        expect "status after $signal" $((128 + $(kill -l $signal))) $status || return
        expect_line message "^vm: ended by SIG$signal" err && nothing_left || return
    done
}

the_machine_dies_with_the_script() {
    local machine
    "$vm" -- sleep 1000 >out 2>err &
    wait_until is_up || expect 'a machine' up down || return
    machine=$(machines)
    kill -KILL $!
    wait $! 2>/dev/null
    wait_until is_gone "$machine" || expect 'the machine' gone up
    local result=$?
    rm -rf temp/*    # what nobody was left to remove
    return $result
}

if ! command -v qemu-system-x86_64 >qemu; then
    echo "qemu-system-x86 is not installed" >err
fi
if [[ ! -s qemu ]] || ! "$scripts/vm-kernel" 6.1 >kernel 2>err; then
    cat err >&2
    echo "SKIP: scripts/vm: $(tail -n 1 err)"
    echo "0 passed, 0 failed, 1 skipped"
    exit 77
fi
# The tests are the functions with a sentence for a name, in the order of this file.
mapfile -t names < <(sed -nE 's/^([a-z0-9]+(_[a-z0-9]+){2,})\(\).*/\1/p' "$self")
for name in "${names[@]}"; do
    if "$name"; then
        echo "ok $name"
        passed=$((passed + 1))
    else
        echo "not ok $name"
        failed=$((failed + 1))
    fi
done
echo "$passed passed, $failed failed, 0 skipped"
((failed == 0))
