#include "runner.h"

#include "pcm.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cerrno>
#include <cmath>
#include <cstdarg>
#include <cstdio>
#include <cstring>

namespace shmd::conformance {

namespace {

constexpr int kTurnMs = 20;  // between two looks at the deadlines

// The last thing that alsa-lib had to say, for what a failure prints.
char g_said[256];

void Keep(const char*, int, const char* function, int, const char* format, ...) {
    va_list arguments;
    va_start(arguments, format);
    char text[160];
    std::vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    std::snprintf(g_said, sizeof(g_said), "%s: %s", function, text);
}

/** A child that runs one case and tells its outcome through a pipe. */
struct Running {
    size_t index;
    pid_t pid;
    int pipe_fd;
    int errors_fd;  // what it writes on standard error
    double started;
    std::string told;
};

Outcome RunCase(const Case& which, Bench bench) {
    bench.direction = which.direction;
    try {
        which.row->test(bench);
    } catch (const Finding& finding) {
        return finding.outcome;
    } catch (const std::exception& error) {
        return {Verdict::kFail, error.what()};
    }
    return {};
}

void Tell(int fd, const std::string& text) {
    for (size_t done = 0; done < text.size();) {
        const ssize_t count = ::write(fd, text.data() + done, text.size() - done);
        if (count <= 0) return;
        done += static_cast<size_t>(count);
    }
}

[[noreturn]] void BeChild(const Case& which, const Bench& bench, int out, int errors) {
    ::dup2(errors, STDERR_FILENO);
    ::close(errors);
    ::setpgid(0, 0);
    snd_lib_error_set_handler(Keep);
    Outcome outcome = RunCase(which, bench);
    if (outcome.verdict == Verdict::kFail && g_said[0] != 0)
        outcome.words += std::string{" (alsa-lib said: "} + g_said + ")";
    Tell(out, static_cast<char>('0' + static_cast<int>(outcome.verdict)) + outcome.words);
    ::_exit(0);  // the row may have left threads and handles behind
}

Running Begin(size_t index, const Case& which, const Bench& bench) {
    int ends[2] = {-1, -1};
    if (::pipe2(ends, O_CLOEXEC) != 0) std::perror("pipe2");
    const int errors = ::memfd_create("errors", MFD_CLOEXEC);
    const pid_t pid = ::fork();
    if (pid == 0) {
        ::close(ends[0]);
        BeChild(which, bench, ends[1], errors);
    }
    ::setpgid(pid, pid);
    ::close(ends[1]);
    return {index, pid, ends[0], errors, Seconds(), {}};
}

std::string ErrorsOf(int fd) {
    std::string text(4096, '\0');
    const ssize_t count = ::pread(fd, text.data(), text.size(), 0);
    text.resize(count > 0 ? static_cast<size_t>(count) : 0);
    return text;
}

Outcome OutcomeOf(const Running& child, int status) {
    if (!child.told.empty() && child.told[0] >= '0' && child.told[0] <= '3')
        return {static_cast<Verdict>(child.told[0] - '0'), child.told.substr(1)};
    const std::string how = WIFSIGNALED(status)
                                ? std::string{"ended by "} + strsignal(WTERMSIG(status))
                                : "exit status " + std::to_string(WEXITSTATUS(status));
    return {Verdict::kFail, how + "\n" + ErrorsOf(child.errors_fd)};
}

/** Read what the child tells; return whether it has ended. */
bool Listen(Running& child) {
    char text[4096];
    const ssize_t count = ::read(child.pipe_fd, text, sizeof(text));
    if (count > 0) child.told.append(text, static_cast<size_t>(count));
    return count == 0 || (count < 0 && errno != EINTR);
}

Result End(const Running& child, const Case& which, bool hung, double deadline_s) {
    // Those that the row has forked, too.
    ::kill(-child.pid, SIGKILL);
    int status = 0;
    while (::waitpid(child.pid, &status, 0) < 0 && errno == EINTR) {
    }
    Outcome outcome = OutcomeOf(child, status);
    if (hung)
        outcome = {Verdict::kFail, "hung: not done after " +
                                       std::to_string(std::lround(deadline_s)) + " s"};
    ::close(child.pipe_fd);
    ::close(child.errors_fd);
    return {which, outcome, Seconds() - child.started};
}

bool MayBegin(const Case& next, const std::vector<Case>& cases,
              const std::vector<Running>& running) {
    if (running.empty()) return true;
    return !next.row->alone && !cases[running.front().index].row->alone;
}

/** Wait a little; the children that ended, or are late. */
std::vector<size_t> Look(std::vector<Running>& running) {
    std::vector<pollfd> fds;
    for (const Running& child : running)
        fds.push_back({child.pipe_fd, POLLIN, 0});
    ::poll(fds.data(), fds.size(), kTurnMs);
    std::vector<size_t> ended;
    for (size_t i = 0; i < running.size(); ++i)
        if (fds[i].revents != 0 && Listen(running[i])) ended.push_back(i);
    return ended;
}

}  // namespace

std::vector<Result> RunAll(const std::vector<Case>& cases, const Bench& bench,
                           unsigned at_once, double deadline_s,
                           const std::function<void(const Result&)>& done) {
    std::vector<Result> results(cases.size());
    std::vector<Running> running;
    const auto finish = [&](size_t at, bool hung) {
        const size_t index = running[at].index;
        results[index] = End(running[at], cases[index], hung, deadline_s);
        running.erase(running.begin() + static_cast<ptrdiff_t>(at));
        done(results[index]);
    };
    for (size_t next = 0; next < cases.size() || !running.empty();) {
        while (next < cases.size() && running.size() < at_once &&
               MayBegin(cases[next], cases, running)) {
            running.push_back(Begin(next, cases[next], bench));
            ++next;
        }
        const std::vector<size_t> ended = Look(running);
        for (auto at = ended.rbegin(); at != ended.rend(); ++at)
            finish(*at, false);
        for (size_t at = running.size(); at-- > 0;)
            if (Seconds() - running[at].started > deadline_s) finish(at, true);
    }
    return results;
}

}  // namespace shmd::conformance
