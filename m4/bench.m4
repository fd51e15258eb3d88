dnl What bench/kernels is measured with. It is built when asked for, where this is there.
PKG_CHECK_MODULES([BENCHMARK], [benchmark >= 1.7], [have_benchmark=yes], [have_benchmark=no])
