#!/bin/sh
# Print what an unmodified program must preload to load a module that was built by the
# compiler $1 (words) with the options $2: its sanitizers' runtimes, joined by colons.
#
# A module brings no runtime along: Clang links them into programs only, and libtool links
# C++ modules with -nostdlib, which keeps GCC's out.
compiler=$1 options=$2 cpu=$(uname -m)

# find NAME...: the first that the compiler has. What it lacks it prints without a path.
find() {
    for name; do
        path=$($compiler -print-file-name="$name")
        case $path in
        /*) echo "$path" && return ;;
        esac
    done
}

runtimes() {
    case $options in
    *=address*) find "libclang_rt.asan-$cpu.so" libasan.so ;;
    *=thread*) find "libclang_rt.tsan-$cpu.so" libtsan.so ;;
    *=undefined*) find "libclang_rt.ubsan_standalone-$cpu.so" ;;
    esac
    # Clang's other runtimes contain this one, GCC's do not.
    case $options in
    *=undefined*)
        [ -n "$(find "libclang_rt.ubsan_standalone-$cpu.so")" ] || find libubsan.so
        ;;
    esac
}

runtimes | paste -sd: -
