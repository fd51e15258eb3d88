#include "tools/shmd-run/child.h"

#include "base/clock.h"
#include "base/error.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <climits>

extern "C" {
#include <sys/pidfd.h>  // no extern "C" of its own before glibc 2.37
}

namespace shmd::run {
namespace {

struct Pipe {
    base::UniqueFd read;
    base::UniqueFd write;
};

Pipe MakePipe() {
    int ends[2];
    base::RequireNonNegative(pipe2(ends, O_CLOEXEC), "pipe");
    return {.read = base::UniqueFd{ends[0]}, .write = base::UniqueFd{ends[1]}};
}

/** The errno that ends the attempt: executing does not return otherwise. */
int TryExecute(const std::vector<std::string>& arguments,
               const std::function<void()>& prepare) noexcept {
    try {
        prepare();
        std::vector<char*> argv;
        for (const std::string& argument : arguments)
            argv.push_back(const_cast<char*>(argument.c_str()));
        argv.push_back(nullptr);
        execvp(argv[0], argv.data());
        return errno;
    } catch (const std::system_error& error) {
        return error.code().value();
    } catch (...) {
        return ENOMEM;
    }
}

/** The errno that came through the pipe; 0 when it was closed by a successful execution.
 */
int ReadError(int fd) {
    int error = 0;
    ssize_t count = 0;
    do {
        count = read(fd, &error, sizeof error);
    } while (count < 0 && errno == EINTR);
    return count == sizeof error ? error : 0;
}

int RemainingMs(int64_t deadline_ns) {
    const int64_t left_ns =
        std::max<int64_t>(deadline_ns - base::SystemClock{}.NowNs(), 0);
    return static_cast<int>(
        std::min<int64_t>((left_ns + base::kNsPerMs - 1) / base::kNsPerMs, INT_MAX));
}

}  // namespace

Child::Child(const std::vector<std::string>& arguments,
             const std::function<void()>& prepare) {
    Pipe pipe = MakePipe();
    pid_ = base::RequireNonNegative(fork(), "fork");
    if (pid_ == 0) {
        const int error = TryExecute(arguments, prepare);
        [[maybe_unused]] const ssize_t written =
            write(pipe.write.Get(), &error, sizeof error);
        _exit(127);
    }
    pidfd_.Reset(base::RequireNonNegative(pidfd_open(pid_, 0), "pidfd_open"));
    pipe.write.Reset();
    if (const int error = ReadError(pipe.read.Get()); error != 0) {
        Reap();
        throw ExecError(error, std::generic_category(), arguments[0]);
    }
}

bool Child::WaitUntil(int64_t deadline_ns) {
    while (!state_) {
        pollfd entry{.fd = pidfd_.Get(), .events = POLLIN, .revents = 0};
        const int ready = poll(&entry, 1, RemainingMs(deadline_ns));
        if (ready > 0) Reap();
        if (ready == 0) return false;
        if (ready < 0 && errno != EINTR) base::ThrowErrno("poll");
    }
    return true;
}

void Child::Signal(int signal) noexcept {
    if (!state_) pidfd_send_signal(pidfd_.Get(), signal, nullptr, 0);
}

void Child::Reap() {
    siginfo_t info{};
    while (waitid(P_PIDFD, static_cast<id_t>(pidfd_.Get()), &info, WEXITED) < 0)
        if (errno != EINTR) base::ThrowErrno("waitid");
    state_ = ExitState::From(info);
}

}  // namespace shmd::run
