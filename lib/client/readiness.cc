#include "client/readiness.h"

#include "base/clock.h"
#include "base/error.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

namespace shmd::client {

namespace {

void Watch(int epoll, int fd) {
    epoll_event event{};
    event.events = EPOLLIN;
    base::RequireNonNegative(::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
}

}  // namespace

Readiness::Readiness(int socket)
    : event_{base::RequireNonNegative(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
                                      "eventfd")},
      epoll_{base::RequireNonNegative(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")} {
    Watch(epoll_.Get(), event_.Get());
    Watch(epoll_.Get(), socket);
}

void Readiness::Raise() noexcept {
    if (!is_raised_) ::eventfd_write(event_.Get(), 1);
    is_raised_ = true;
}

void Readiness::Lower() noexcept {
    eventfd_t count = 0;
    if (is_raised_) ::eventfd_read(event_.Get(), &count);
    is_raised_ = false;
    if (timer_) ::eventfd_read(timer_.Get(), &count);  // also 8 bytes; none: EAGAIN
}

void Readiness::WatchTime(int socket, int64_t interval_ns) {
    timer_ = base::UniqueFd{base::RequireNonNegative(
        ::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK), "timerfd_create")};
    timespec interval{};
    interval.tv_sec =
        static_cast<decltype(interval.tv_sec)>(interval_ns / base::kNsPerSecond);
    interval.tv_nsec =
        static_cast<decltype(interval.tv_nsec)>(interval_ns % base::kNsPerSecond);
    const itimerspec setting{interval, interval};
    base::RequireNonNegative(::timerfd_settime(timer_.Get(), 0, &setting, nullptr),
                             "timerfd_settime");
    Watch(epoll_.Get(), timer_.Get());
    ::epoll_ctl(epoll_.Get(), EPOLL_CTL_DEL, socket, nullptr);
}

void Readiness::WatchSocket(int socket) {
    Watch(epoll_.Get(), socket);
}

}  // namespace shmd::client
