#!/bin/bash
# What shmd-run promises to the command that it runs, with the real server and plugin.
#
# SHMD_RUN names the program; without it the one at the top of the build tree is tested.
# Every test is a function; it says `ok NAME` or `not ok NAME` and what it saw.
set -uo pipefail

# Who started this may ignore signals (nohup, a job of a shell): bash cannot trap them.
if [ -z "${SIGNALS_ARE_DEFAULT-}" ]; then
    exec env --default-signal SIGNALS_ARE_DEFAULT=1 "$BASH" "${BASH_SOURCE[0]}" "$@"
fi

self=$(readlink -f "${BASH_SOURCE[0]}")
run=$(readlink -f "${SHMD_RUN:-${abs_top_builddir:-.}/shmd-run}")
wav=/usr/share/sounds/alsa/Front_Center.wav
work=$(mktemp -d)
# Root's folder is one that a command which becomes another user can reach.
chmod 711 "$work"
folder_mode=700
[ "$(id -u)" != 0 ] || folder_mode=711
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
unset SHMD_SOCKET ALSA_CONFIG_PATH

passed=0 failed=0 skipped=0

# Nothing here takes long: what hangs is ended, and has failed.
bounded() { timeout --kill-after=5 60 "$@"; }

# expect WHAT WANTED SEEN: one assertion of a test.
expect() {
    [ "$2" = "$3" ] && return
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

# status COMMAND...: its exit status, its output in ./out and ./err
status() {
    bounded "$@" >out 2>err
    echo $?
}

# A process that has ended may stay as a zombie until its parent looks.
is_alive() {
    local state
    state=$(sed 's/.*) //' "/proc/$1/stat" 2>/dev/null) || return 1
    [ "${state%% *}" != Z ]
}

# wait_until COMMAND...: at most 10 s
wait_until() {
    local deadline=$((SECONDS + 10))
    until "$@"; do
        [ $SECONDS -lt $deadline ] || return 1
        sleep 0.02
    done
}

is_gone() { ! is_alive "$1"; }

exit_status_is_the_commands() {
    expect success 0 "$(status "$run" -- true)" &&
        expect failure 3 "$(status "$run" -- sh -c 'exit 3')" &&
        expect 'killed by SIGKILL' 137 "$(status "$run" -- sh -c 'kill -KILL $$')" &&
        expect 'killed by SIGTERM' 143 "$(status "$run" -- sh -c 'kill -TERM $$')"
}

a_command_that_is_missing_is_127() {
    expect status 127 "$(status "$run" -- ./missing --help)" &&
        expect_line message '^shmd-run: ./missing: No such file' err
}

a_command_that_cannot_be_run_is_126() {
    : >plain
    expect status 126 "$(status "$run" -- ./plain)" &&
        expect_line message '^shmd-run: ./plain: Permission denied' err
}

standard_streams_are_the_commands() {
    head -c 100000 /dev/urandom >sent
    bounded "$run" --verbose -- cat <sent >received 2>/dev/null
    expect status 0 $? && cmp sent received
}

the_commands_arguments_are_its_own() {
    expect status 0 "$(status "$run" printf '%s|' --device -x 'a b' --)" &&
        expect arguments '--device|-x|a b|--|' "$(cat out)"
}

the_environment_names_the_server() {
    # shellcheck disable=SC2016  # for the inner shell
    expect status 0 "$(status "$run" -- sh -c '
        test -S "$SHMD_SOCKET" && stat -c %a "${SHMD_SOCKET%/*}" &&
        cat "/proc/$SHMD_SERVER_PID/comm" && echo "${ALSA_PLUGIN_DIR-unset}"')" &&
        expect seen "$folder_mode shmd unset" "$(tr '\n' ' ' <out | sed 's/ $//')"
}

a_command_that_becomes_another_user_plays() {
    local other=(setpriv --reuid=4321 --regid=4321 --clear-groups)
    if [ "$(id -u)" != 0 ] || ! "${other[@]}" true 2>/dev/null; then
        echo "SKIP: only root can become another user"
        skipped=$((skipped + 1))
        return
    fi
    mkdir -p closed
    chmod 700 closed
    expect status 0 "$(umask 077 && XDG_RUNTIME_DIR=$work/closed TMPDIR='' \
        status "$run" -- "${other[@]}" aplay -q -D shm "$wav")"
}

nothing_is_left_behind() {
    local command
    mkdir -p temp
    printf '#!/bin/sh\nkill -KILL $$\n' >killed
    chmod +x killed
    for command in true false ./missing ./killed; do
        XDG_RUNTIME_DIR='' TMPDIR=$work/temp status "$run" -- $command >/dev/null
        expect "after '$command'" '' "$(ls temp)" || return
    done
    # shellcheck disable=SC2016  # for the inner shell
    XDG_RUNTIME_DIR=$work/temp status "$run" -- sh -c 'echo "$SHMD_SOCKET"' >/dev/null
    expect_line 'it was there' "^$work/temp/" out
}

a_directory_that_alsa_cannot_name_is_not_used() {
    mkdir -p 'with space'
    # shellcheck disable=SC2016  # for the inner shell
    expect status 0 "$(XDG_RUNTIME_DIR=$work/with\ space TMPDIR=/nowhere \
        status "$run" -- sh -c 'echo "$SHMD_SOCKET"')" && expect_line place '^/tmp/' out
}

# refused MESSAGE ARGUMENT...: 125, the message, and the command was not run
refused() {
    local message=$1
    shift
    rm -f ran
    expect "status of $*" 125 "$(status "$run" "$@")" &&
        expect_line "message of $*" "$message" err &&
        expect "ran after $*" no "$([ -e ran ] && echo yes || echo no)"
}

a_bad_command_line_is_refused() {
    refused 'no command' &&
        refused 'no command' --default -- &&
        refused 'unknown option --bogus' --bogus -- touch ran &&
        refused 'missing after --device' --device &&
        refused 'KEY=VALUE.*nonsense' --set nonsense -- touch ran &&
        refused 'KEY=VALUE.*--x=1' --set --x=1 -- touch ran &&
        refused 'underscores: --set=log_level=debug' --set=log-level=debug -- touch ran
}

what_the_server_refuses_is_told() {
    refused 'no-such-key' --set no_such_key=1 -- touch ran &&
        refused 'before it was ready: exit status' --set no_such_key=1 -- touch ran &&
        refused 'nonsense' --device virtual,nonsense=1 -- touch ran &&
        refused 'gain' --set gain=loud -- touch ran
}

signals_reach_the_command() {
    local signal pid
    for signal in TERM INT HUP; do
        mkfifo up
        # A shell's background jobs ignore SIGINT, and what is ignored stays so.
        # shellcheck disable=SC2016  # for the inner shell
        env --default-signal=INT "$run" -- bash -c '
            trap "exit 42" '$signal'
            echo up >up
            while :; do read -rt 1 <>/dev/null; done' &
        pid=$!
        read -r <up
        kill -$signal $pid
        wait $pid
        expect "status after $signal" 42 $? || return
        rm up
    done
}

the_servers_death_is_told() {
    local kill_server
    # shellcheck disable=SC2016  # for the inner shell
    kill_server='kill -KILL "$SHMD_SERVER_PID"
        while kill -0 "$SHMD_SERVER_PID" 2>/dev/null; do :; done'
    expect status 125 "$(status "$run" -- bash -c "$kill_server")" &&
        expect_line message '^shmd-run: the server ended.*signal 9 ' err &&
        expect 'its own' 4 "$(status "$run" -- bash -c "$kill_server; exit 4")"
}

the_server_dies_with_shmd_run() {
    local server command pid
    mkfifo pids
    # Its directory stays, for nobody is left to remove it: so it is made in ours.
    # shellcheck disable=SC2016  # for the inner shell
    XDG_RUNTIME_DIR=$work "$run" -- \
        bash -c 'echo "$SHMD_SERVER_PID $$" >pids; exec sleep 60' 2>/dev/null &
    pid=$!
    read -r server command <pids
    is_alive "$server" || expect 'server at first' alive dead || return
    kill -KILL $pid
    wait $pid 2>/dev/null
    wait_until is_gone "$server"
    expect 'server is gone' 0 $?
    local result=$?
    kill "$command"
    return $result
}

two_run_side_by_side() {
    local first second
    mkfifo there back
    # shellcheck disable=SC2016  # for the inner shell
    bounded "$run" -- sh -c 'echo "$SHMD_SOCKET" >there; cat back' >first.out 2>&1 &
    first=$!
    # shellcheck disable=SC2016  # for the inner shell
    bounded "$run" -- sh -c 'cat there; echo "$SHMD_SOCKET" >back' >second.out 2>&1 &
    second=$!
    wait $first
    expect 'first' 0 $? || return
    wait $second
    expect 'second' 0 $? || return
    expect_line 'socket' socket first.out && expect_line 'socket' socket second.out &&
        expect 'same socket' no "$(cmp -s first.out second.out && echo yes || echo no)"
}

one_runs_inside_another() {
    # shellcheck disable=SC2016  # for the inner shell
    expect status 0 "$(status "$run" -- sh -c 'echo "$SHMD_SOCKET"
        "$0" --strict sh -c "echo \$SHMD_SOCKET; aplay -q -D shm $1"' "$run" "$wav")" &&
        expect 'different sockets' 2 "$(sort -u out | wc -l)"
}

# A home whose .asoundrc takes all our names, at once and by a hook that runs later.
make_hostile_home() {
    mkdir -p home
    cat >home/late.conf <<END
pcm.!shm { type hw card 27 }
pcm.!shmd { type hw card 27 }
pcm.!default { type hw card 28 }
pcm_type.!shmd { lib "/nowhere/libnothing.so" }
END
    cat home/late.conf - >home/.asoundrc <<END
pcm.theirs { type null }
@hooks [ { func load files [ "$work/home/late.conf" ] errors true } ]
END
}

our_names_win_over_the_users() {
    make_hostile_home
    local -x HOME=$work/home XDG_CONFIG_HOME=
    expect 'without us' 1 "$(status aplay -q -D shm "$wav")" &&
        expect 'shm' 0 "$(status "$run" -- aplay -q -D shm "$wav")" &&
        expect 'shmd' 0 "$(status "$run" -- aplay -q -D shmd "$wav")" &&
        expect 'default' 0 "$(status "$run" --default -- aplay -q "$wav")"
}

other_names_stay_the_users() {
    make_hostile_home
    local -x HOME=$work/home XDG_CONFIG_HOME=
    expect 'theirs' 0 "$(status "$run" --default -- aplay -q -D theirs "$wav")" &&
        expect 'default' 1 "$(status "$run" -- aplay -q "$wav")" &&
        expect_line 'their card' 'No such (file|device)|Unknown' err
}

default_is_listed_when_asked_for() {
    expect status 0 "$(status "$run" --default -- aplay -L)" &&
        expect_line shm '^shm$' out && expect_line default '^default$' out
}

the_log_goes_where_it_is_told() {
    rm -f log
    expect status 0 "$(status "$run" --verbose --log=log -- aplay -q -D shm "$wav")" &&
        expect 'standard error' '' "$(cat err)" && expect_line 'log' . log
}

a_log_that_cannot_be_written_is_named() {
    expect status 125 "$(status "$run" --log=/nowhere/log -- true)" &&
        expect_line 'the log' '^shmd-run: /nowhere/log: No such file' err
}

statistics_are_written() {
    rm -f stats.json
    expect status 0 "$(status "$run" --stats stats.json -- aplay -q -D shm "$wav")" &&
        python3 -m json.tool stats.json >/dev/null
}

settings_and_devices_reach_the_server() {
    rm -f out.wav
    expect status 0 "$(status "$run" --set log_level=error \
        --device virtual,wav=out.wav,rate=48000 -- aplay -q -D shm "$wav")" &&
        expect 'bytes in the WAV file' yes "$([ -s out.wav ] && echo yes || echo no)"
}

a_run_that_played_leaks_nothing() {
    # shellcheck disable=SC2016  # for the inner shell
    expect status 0 "$(status "$run" --strict -- bash -c '
        for i in 1 2 3; do aplay -q -D shm "$0" & done; wait' "$wav")" &&
        expect 'standard error' '' "$(cat err)"
}

a_process_left_behind_is_named() {
    # The connection is in the kernel's table (state 03) before the command ends.
    # shellcheck disable=SC2016  # for the inner shell
    expect status 0 "$(status "$run" --strict -- bash -c '
        aplay -q -D shm -t raw -f S16_LE -r 48000 -d 60 /dev/zero 2>/dev/null >&2 &
        echo $! >left
        until grep -q " 03 .*$SHMD_SOCKET\$" /proc/net/unix; do
            kill -0 $! || exit
        done')" &&
        expect_line message 'connection.*still open.*\(aplay\)' err
    local result=$?
    kill "$(cat left)" 2>/dev/null
    return $result
}

the_server_can_run_under_another_program() {
    expect status 0 "$(status "$run" --server-command 'env WRAPPED=yes' -- \
        bash -c "tr '\\0' '\\n' </proc/\$SHMD_SERVER_PID/environ")" &&
        expect_line wrapped '^WRAPPED=yes$' out
}

help_and_version_need_no_server() {
    expect help 0 "$(status "$run" --help)" && expect_line help '^Usage: shmd-run' out &&
        expect version 0 "$(status "$run" --version)" &&
        expect_line version '^shmd-run [0-9]' out
}

if [ ! -x "$run" ]; then
    echo "not ok there is no shmd-run ($run)"
    echo "0 passed, 1 failed, 0 skipped"
    exit 1
fi
# The tests are the functions with a sentence for a name, in the order of this file.
mapfile -t names < <(sed -nE 's/^([a-z0-9]+(_[a-z0-9]+){2,})\(\).*/\1/p' "$self")
for name in "${names[@]}"; do
    [ "$name" = make_hostile_home ] && continue
    if "$name"; then
        echo "ok $name"
        passed=$((passed + 1))
    else
        echo "not ok $name"
        failed=$((failed + 1))
    fi
done
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed -eq 0 ]
