dnl What bench/kernels is measured with. It is built when asked for, where this is there.
PKG_CHECK_MODULES([BENCHMARK], [benchmark >= 1.7], [have_benchmark=yes], [have_benchmark=no])

dnl PipeWire's mixer is run from its plugin: its headers are all that this needs of it. They
dnl do not build without the warnings that are errors here, so they count as the system's.
PKG_CHECK_MODULES([SPA], [libspa-0.2],
    [have_spa=yes
     SPA_BENCH_CPPFLAGS="-DHAVE_SPA `AS_ECHO(["$SPA_CFLAGS"]) | sed 's/-I/-isystem /g'`"],
    [have_spa=no])
AC_SUBST([SPA_BENCH_CPPFLAGS])
