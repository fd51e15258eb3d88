dnl The resampler of the server: zita-resampler (doc/decisions/0001-resampler.md). It has no
dnl pkg-config file. Sets RESAMPLER_CFLAGS and RESAMPLER_LIBS, both overridable by the user.
AC_ARG_VAR([RESAMPLER_CFLAGS], [C++ compiler flags for zita-resampler])
AC_ARG_VAR([RESAMPLER_LIBS], [linker flags for zita-resampler, instead of -lzita-resampler])
: ${RESAMPLER_LIBS="-lzita-resampler"}
AC_MSG_CHECKING([for zita-resampler 1.8 or later])
shmd_save_CPPFLAGS=$CPPFLAGS
shmd_save_LIBS=$LIBS
CPPFLAGS="$CPPFLAGS $RESAMPLER_CFLAGS"
LIBS="$RESAMPLER_LIBS $LIBS"
AC_LINK_IFELSE([AC_LANG_PROGRAM([[
    #include <zita-resampler/resampler.h>
    #include <zita-resampler/vresampler.h>
    #if ZITA_RESAMPLER_MAJOR_VERSION * 1000 + ZITA_RESAMPLER_MINOR_VERSION < 1008
    #error too old
    #endif
]], [[Resampler exact; VResampler other; return exact.process() + other.process();]])],
    [AC_MSG_RESULT([yes])],
    [AC_MSG_RESULT([no])
     AC_MSG_ERROR([zita-resampler is missing: install libzita-resampler-dev])])
CPPFLAGS=$shmd_save_CPPFLAGS
LIBS=$shmd_save_LIBS

dnl Those that bench/resamplers compares it with; it measures what it finds.
RESAMPLER_BENCH_CPPFLAGS="-DHAVE_ZITA_RESAMPLER"
RESAMPLER_BENCH_LIBS=
m4_foreach_w([candidate], [samplerate soxr speexdsp], [
    PKG_CHECK_MODULES(m4_toupper(candidate), candidate,
        [RESAMPLER_BENCH_CPPFLAGS="$RESAMPLER_BENCH_CPPFLAGS -DHAVE_]m4_toupper(candidate)[ $]m4_toupper(candidate)[_CFLAGS"
         RESAMPLER_BENCH_LIBS="$RESAMPLER_BENCH_LIBS $]m4_toupper(candidate)[_LIBS"],
        [:])
])
AC_SUBST([RESAMPLER_BENCH_CPPFLAGS])
AC_SUBST([RESAMPLER_BENCH_LIBS])
