#include "tools/shmd-run/server_process.h"

#include "base/clock.h"
#include "base/error.h"
#include "tools/shmd-run/unix_socket.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string_view>

namespace shmd::run {
namespace {

constexpr int64_t kReadyTimeoutNs = 10 * base::kNsPerSecond;
constexpr int64_t kStopTimeoutNs = 5 * base::kNsPerSecond;
/** Under valgrind everything takes this many times as long. */
constexpr int64_t kPrefixPatience = 12;
constexpr const char* kSocket = "socket";
constexpr auto kConnectable = static_cast<std::filesystem::perms>(0666);
/** Where socket activation puts the first socket: SD_LISTEN_FDS_START. */
constexpr int kActivationFd = 3;

std::vector<std::string> Arguments(const Options& options, const Layout& layout) {
    std::vector<std::string> arguments = options.server_prefix;
    arguments.push_back(layout.server);
    // Private means: the same wherever it runs, whatever its user's server is told.
    arguments.emplace_back("--config=/dev/null");
    const bool has_log = options.log_file.has_value();
    arguments.emplace_back(options.verbose ? "--log-level=debug"
                           : has_log       ? "--log-level=info"
                                           : "--log-level=warn");
    // Last, so that --set has the last word.
    arguments.insert(arguments.end(), options.server_arguments.begin(),
                     options.server_arguments.end());
    return arguments;
}

void OpenAs(int wanted_fd, const char* path, int flags) {
    const base::UniqueFd fd{
        base::RequireNonNegative(open(path, flags | O_CLOEXEC, 0666), path)};
    base::RequireNonNegative(dup2(fd.Get(), wanted_fd), "dup2");
}

/** Opened before the child is there: what fails in a child is told as the server's. */
base::UniqueFd OpenLog(const std::optional<std::string>& file) {
    if (!file) return base::UniqueFd{};
    constexpr int kFlags = O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC;
    return base::UniqueFd{
        base::RequireNonNegative(open(file->c_str(), kFlags, 0666), file->c_str())};
}

/** Its standard output is not COMMAND's; what it says goes where its errors go. */
void RedirectStandardStreams(const base::UniqueFd& log) {
    OpenAs(STDIN_FILENO, "/dev/null", O_RDONLY);
    if (log) base::RequireNonNegative(dup2(log.Get(), STDERR_FILENO), "dup2");
    base::RequireNonNegative(dup2(STDERR_FILENO, STDOUT_FILENO), "dup2");
}

/** The caller has seen to it that 0 to 3 were taken before any descriptor of ours. */
void HandOver(int listener) {
    if (listener == kActivationFd)
        base::RequireNonNegative(fcntl(listener, F_SETFD, 0), "fcntl");
    else
        base::RequireNonNegative(dup2(listener, kActivationFd), "dup2");
}

void DieWith(pid_t parent) {
    base::RequireNonNegative(prctl(PR_SET_PDEATHSIG, SIGKILL), "prctl");
    // If the parent died before the line above, no signal will come.
    if (getppid() != parent) _exit(127);
}

base::UniqueFd Listen(const TempDir& directory) {
    base::UniqueFd fd = BindUnixSocket(SOCK_SEQPACKET, directory.PathOf(kSocket));
    directory.Share(kSocket, kConnectable);
    base::RequireNonNegative(listen(fd.Get(), SOMAXCONN), "listen");
    return fd;
}

[[noreturn]] void ThrowNotReady(const Child& child, int64_t patience) {
    if (child.State())
        throw std::runtime_error("the server ended before it was ready: " +
                                 child.State()->Describe());
    throw std::runtime_error(
        "the server did not become ready within " +
        std::to_string(patience * kReadyTimeoutNs / base::kNsPerSecond) + " s");
}

}  // namespace

ServerProcess::ServerProcess(const Options& options, const Layout& layout,
                             const TempDir& directory, const Signals& signals)
    : socket_path_{directory.PathOf(kSocket)},
      notify_path_{directory.PathOf("notify")},
      listener_{Listen(directory)},
      notify_{BindUnixSocket(SOCK_DGRAM, notify_path_)},
      log_{OpenLog(options.log_file)},
      patience_{options.server_prefix.empty() ? 1 : kPrefixPatience},
      child_{Arguments(options, layout),
             [this, &signals, parent = getpid()] { Prepare(signals, parent); }} {}

ServerProcess::~ServerProcess() {
    child_.Signal(SIGKILL);
    child_.WaitUntil(base::kNever);
}

void ServerProcess::Prepare(const Signals& signals, pid_t parent) const {
    DieWith(parent);
    // A session of its own: Ctrl-C in the terminal is for COMMAND.
    base::RequireNonNegative(setsid(), "setsid");
    RedirectStandardStreams(log_);
    HandOver(listener_.Get());
    setenv("LISTEN_FDS", "1", 1);
    setenv("LISTEN_PID", std::to_string(getpid()).c_str(), 1);
    unsetenv("LISTEN_FDNAMES");
    setenv("NOTIFY_SOCKET", notify_path_.c_str(), 1);
    signals.Restore();
}

bool ServerProcess::SaidReady() const {
    std::array<char, 4096> text{};
    const ssize_t size = recv(notify_.Get(), text.data(), text.size(), MSG_DONTWAIT);
    if (size <= 0) return false;
    const std::string lines = "\n" + std::string{text.data(), static_cast<size_t>(size)};
    return (lines + "\n").find("\nREADY=1\n") != std::string::npos;
}

std::optional<int> ServerProcess::WaitUntilReady(Signals& signals) {
    const base::SystemClock clock;
    const int64_t deadline_ns = clock.NowNs() + patience_ * kReadyTimeoutNs;
    std::array<pollfd, 3> entries{{{notify_.Get(), POLLIN, 0},
                                   {signals.Fd(), POLLIN, 0},
                                   {child_.PidFd(), POLLIN, 0}}};
    for (;;) {
        if (SaidReady()) return std::nullopt;
        if (const auto received = signals.Take()) return received->signal;
        const int64_t left_ns = deadline_ns - clock.NowNs();
        if (left_ns <= 0 || child_.WaitUntil(clock.NowNs()))
            ThrowNotReady(child_, patience_);
        const int left_ms = static_cast<int>(left_ns / base::kNsPerMs) + 1;
        if (poll(entries.data(), entries.size(), left_ms) < 0 && errno != EINTR)
            base::ThrowErrno("poll");
    }
}

ExitState ServerProcess::Stop() {
    const int64_t limit_ns = patience_ * kStopTimeoutNs;
    child_.Signal(SIGTERM);
    if (!child_.WaitUntil(base::SystemClock{}.NowNs() + limit_ns)) {
        std::fprintf(stderr, "shmd-run: the server did not stop in %lld s: killing it\n",
                     static_cast<long long>(limit_ns / base::kNsPerSecond));
        child_.Signal(SIGKILL);
        child_.WaitUntil(base::kNever);
    }
    return *child_.State();
}

}  // namespace shmd::run
