#include "tests/unit/render/confinement.h"

#ifdef SHMD_HAVE_SECCOMP
#include <seccomp.h>
#include <cstdio>
#include <cstdlib>
#endif

namespace shmd::render {

#if !defined(SHMD_HAVE_SECCOMP)

std::string WhyNotConfinable() {
    return "libseccomp was not there when this was built (libseccomp-dev)";
}

void ConfineThisThread(int) {}

#else

namespace {

void Require(int result) {
    if (result == 0) return;
    std::fprintf(stderr, "seccomp: error %d\n", -result);
    std::_Exit(3);
}

}  // namespace

std::string WhyNotConfinable() {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    return "a sanitizer makes system calls of its own on every thread";
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
    return "a sanitizer makes system calls of its own on every thread";
#endif
#endif
    return "";
}

void ConfineThisThread(int news_fd) {
    scmp_filter_ctx filter = ::seccomp_init(SCMP_ACT_KILL_PROCESS);
    if (filter == nullptr) std::_Exit(3);
    for (const int call : {SCMP_SYS(futex), SCMP_SYS(clock_gettime), SCMP_SYS(madvise),
                           SCMP_SYS(munmap), SCMP_SYS(rt_sigprocmask), SCMP_SYS(exit)})
        Require(::seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 0));
    const scmp_arg_cmp is_news_fd{0, SCMP_CMP_EQ, static_cast<unsigned>(news_fd), 0};
    Require(::seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(write), 1, is_news_fd));
    Require(::seccomp_load(filter));
    // The filter's description stays: to free it is no business of a confined thread.
}

#endif

}  // namespace shmd::render
