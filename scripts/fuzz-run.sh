# shellcheck shell=bash
# Building and running the targets of fuzz/: what fuzz and check have in common. To be
# sourced after common.sh; work_dir is set.

# Print why no target can be built here; nothing if they can.
why_no_fuzzing() {
    if ! command -v clang++ >/dev/null; then
        echo "clang++ is not installed"
    elif ! clang++ -x c++ -fsanitize=fuzzer,address,undefined -o "$work_dir/probe" - \
        <<<'extern "C" int LLVMFuzzerTestOneInput(const char*, unsigned long) { return 0; }' \
        2>/dev/null
    then
        echo "clang++ has no libFuzzer (package libclang-rt-dev)"
    fi
    rm -f "$work_dir/probe"
}

# configure_fuzz LAUNCHER: for LAUNCHER see configure in check.
configure_fuzz() {
    configure_build fuzz --enable-werror --enable-fuzz CXX="$1clang++" CXXFLAGS="-O1 -g1"
}

make_fuzz() { make -C "$work_dir/fuzz" --no-print-directory -j "$1" fuzz; }

all_fuzz_targets() { make -C "$work_dir/fuzz" -s --no-print-directory fuzz-list; }

# run_fuzz_targets PARALLEL TOLD TARGET LIMIT…: run each target within libFuzzer's limits
# (-runs=N, -max_total_time=S), PARALLEL at once, and call `TOLD TARGET STATUS SECONDS`
# for each when it has ended. TARGET is one word, or several with blanks between them.
# The corpus grows in work_dir/corpus; what fails is kept in work_dir/crashes.
run_fuzz_targets() {
    local parallel=$1 told=$2 target
    local -a targets
    read -r -a targets <<<"$3"
    shift 3
    mkdir -p "$work_dir/crashes" "$work_dir/status"
    rm -f "$work_dir"/status/*
    python3 -B "$work_dir/source/fuzz/make_corpus.py" "$work_dir/seeds"
    for target in "${targets[@]}"; do
        while (($(jobs -pr | wc -l) >= parallel)); do
            wait -n || true
        done
        run_fuzz_target "$target" "$@" &
    done
    wait
    for target in "${targets[@]}"; do
        # shellcheck disable=SC2046  # two words
        "$told" "$target" $(cat "$work_dir/status/$target")
    done
}

# run_fuzz_target TARGET LIMIT…
run_fuzz_target() {
    local target=$1 begun=$SECONDS status=0 folder
    local -a folders=("$work_dir/corpus/$target")
    shift
    # A script of more bytes takes longer than it finds.
    case $target in client | render | session) set -- -max_len=1024 "$@" ;; esac
    # What one input leaves allocated, a later one may free; or alsa-lib has lost it. To
    # look for leaks after each of them takes most of the time. It is done at the end.
    case $target in
        config | options | plugin_keys | session) set -- -detect_leaks=0 "$@" ;;
    esac
    mkdir -p "${folders[0]}"
    for folder in "$work_dir/seeds/$target" "$work_dir/source/fuzz/corpus/$target"; do
        [[ ! -d $folder ]] || folders+=("$folder")
    done
    # What names the places of new code starts another program, whose descriptors would
    # be counted.
    ASAN_OPTIONS=${ASAN_OPTIONS:-} UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1} \
        LSAN_OPTIONS=${LSAN_OPTIONS:-print_suppressions=0} \
        "$work_dir/fuzz/fuzz/$target" -print_funcs=0 -timeout=30 -rss_limit_mb=4096 \
        -artifact_prefix="$work_dir/crashes/$target-" "$@" "${folders[@]}" \
        >"$work_dir/logs/fuzz-$target.log" 2>&1 </dev/null 9>&- || status=$?
    echo "$status $((SECONDS - begun))" >"$work_dir/status/$target"
}

# fuzz_runs TARGET: print how many inputs it ran, as libFuzzer says.
fuzz_runs() {
    sed -n 's/^Done \([0-9]*\) runs.*/\1/p' "$work_dir/logs/fuzz-$1.log" | tail -n 1
}

# show_fuzz_failure TARGET: what it found, and how to see it again.
show_fuzz_failure() {
    local log=$work_dir/logs/fuzz-$1.log input
    say "FAILED; the end of $log:"
    grep -aE '^REQUIRED|ERROR: |runtime error: |^ +#[0-9]+ ' "$log" | head -n 25 |
        sed 's/^/    | /' || true
    input=$(sed -n 's/.*Test unit written to \(.*\)/\1/p' "$log" | tail -n 1)
    say "to see it again: $work_dir/fuzz/fuzz/$1 ${input:-CORPUS}"
}
