#include "client/readiness.h"

#include "base/error.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
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
}

}  // namespace shmd::client
