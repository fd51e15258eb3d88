#include "process.h"

#include "base/error.h"

#include <fcntl.h>
#include <unistd.h>
#include <cerrno>
#include <csignal>

namespace shmd {

namespace {

// SIGXFSZ: a WAV file that reaches RLIMIT_FSIZE; the write then fails with EFBIG.
constexpr int kMeaningless[]{SIGUSR1, SIGUSR2, SIGPIPE, SIGALRM, SIGVTALRM,
                             SIGPROF, SIGIO,   SIGPWR,  SIGXFSZ, SIGSTKFLT};

void IgnoreUnlessTaken(int signo) noexcept {
    struct sigaction action {};
    if (::sigaction(signo, nullptr, &action) != 0 || action.sa_handler != SIG_DFL) return;
    action = {};
    action.sa_handler = SIG_IGN;
    ::sigaction(signo, &action, nullptr);
}

}  // namespace

void OpenStandardDescriptors() {
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
        if (::fcntl(fd, F_GETFD) >= 0 || errno != EBADF) continue;
        // The lowest free number is given out: it is this one. Without O_CLOEXEC, as
        // the three are elsewhere.
        if (::open("/dev/null", O_RDWR) != fd) base::ThrowErrno("opening /dev/null");
    }
}

void IgnoreMeaninglessSignals() noexcept {
    for (const int signo : kMeaningless)
        IgnoreUnlessTaken(signo);
    for (int signo = SIGRTMIN; signo <= SIGRTMAX; ++signo)
        IgnoreUnlessTaken(signo);
}

}  // namespace shmd
