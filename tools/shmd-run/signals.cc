#include "tools/shmd-run/signals.h"

#include "base/error.h"

#include <sys/signalfd.h>
#include <unistd.h>

namespace shmd::run {

Signals::Signals() {
    // A parent that ignores SIGCHLD would have the kernel reap our children for us.
    std::signal(SIGCHLD, SIG_DFL);
    sigset_t held;
    sigemptyset(&held);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT})
        sigaddset(&held, signal);
    base::RequireNonNegative(sigprocmask(SIG_BLOCK, &held, &original_), "sigprocmask");
    fd_.Reset(base::RequireNonNegative(signalfd(-1, &held, SFD_CLOEXEC | SFD_NONBLOCK),
                                       "signalfd"));
}

std::optional<Signals::Received> Signals::Take() noexcept {
    signalfd_siginfo info;
    if (read(fd_.Get(), &info, sizeof info) != sizeof info) return std::nullopt;
    return Received{.signal = static_cast<int>(info.ssi_signo),
                    .from_terminal = info.ssi_code == SI_KERNEL};
}

void Signals::Restore() const noexcept {
    sigprocmask(SIG_SETMASK, &original_, nullptr);
}

}  // namespace shmd::run
