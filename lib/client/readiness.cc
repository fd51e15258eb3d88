#include "client/readiness.h"

#include "base/error.h"

#include <sys/epoll.h>
#include <sys/timerfd.h>

namespace shmd::client {

namespace {

void Watch(int epoll, int fd) {
    epoll_event event{};
    event.events = EPOLLIN;
    base::RequireNonNegative(::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
}

timespec ToTimespec(int64_t time_ns) noexcept {
    timespec time{};
    time.tv_sec = static_cast<decltype(time.tv_sec)>(time_ns / base::kNsPerSecond);
    time.tv_nsec = static_cast<decltype(time.tv_nsec)>(time_ns % base::kNsPerSecond);
    return time;
}

}  // namespace

Readiness::Readiness(int socket)
    : timer_{base::RequireNonNegative(
          ::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK),
          "timerfd_create")},
      epoll_{base::RequireNonNegative(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")} {
    Watch(epoll_.Get(), timer_.Get());
    Watch(epoll_.Get(), socket);
}

void Readiness::RaiseAt(int64_t time_ns) noexcept {
    if (raised_at_ns_ == time_ns) return;
    raised_at_ns_ = time_ns;
    SetTimer(time_ns);
}

void Readiness::Lower() noexcept {
    if (raised_at_ns_ == base::kNever && interval_ns_ == 0) return;
    raised_at_ns_ = base::kNever;
    // To set it is also to take away that it has run out.
    SetTimer(interval_ns_ == 0 ? base::kNever
                               : base::SystemClock{}.NowNs() + interval_ns_);
}

/** Cannot fail: the descriptor and the times are good. */
void Readiness::SetTimer(int64_t time_ns) noexcept {
    const itimerspec setting{{}, ToTimespec(time_ns == base::kNever ? 0 : time_ns)};
    ::timerfd_settime(timer_.Get(), TFD_TIMER_ABSTIME, &setting, nullptr);
}

void Readiness::WatchTime(int socket, int64_t interval_ns) noexcept {
    interval_ns_ = interval_ns;
    Lower();
    ::epoll_ctl(epoll_.Get(), EPOLL_CTL_DEL, socket, nullptr);
}

void Readiness::WatchSocket(int socket) {
    Watch(epoll_.Get(), socket);
}

void Readiness::ForgetTime() noexcept {
    interval_ns_ = 0;
    SetTimer(raised_at_ns_);
}

}  // namespace shmd::client
