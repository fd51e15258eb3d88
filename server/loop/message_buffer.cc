#include "loop/message_buffer.h"

#include <cassert>
#include <cstring>

namespace shmd::loop {

namespace {

/** @pre `fds` has room for all: no memory is asked for while a descriptor has no owner */
void TakeFds(const cmsghdr& rights, std::vector<base::UniqueFd>& fds) noexcept {
    const size_t count = (rights.cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; ++i) {
        int fd = -1;
        std::memcpy(&fd, CMSG_DATA(&rights) + i * sizeof fd, sizeof fd);
        assert(fds.size() < fds.capacity());
        fds.emplace_back(fd);
    }
}

}  // namespace

msghdr* MessageBuffer::Lend() noexcept {
    assert(!is_in_use_);
    is_in_use_ = true;
    fds_.clear();
    piece_ = {payload_.data(), payload_.size()};
    header_ = {};
    header_.msg_iov = &piece_;
    header_.msg_iovlen = 1;
    header_.msg_control = control_.data();
    header_.msg_controllen = control_.size();
    return &header_;
}

MessageBuffer::Message MessageBuffer::Take(size_t received) noexcept {
    is_in_use_ = false;
    for (cmsghdr* control = CMSG_FIRSTHDR(&header_); control != nullptr;
         control = CMSG_NXTHDR(&header_, control))
        if (control->cmsg_level == SOL_SOCKET && control->cmsg_type == SCM_RIGHTS)
            TakeFds(*control, fds_);
    return {.payload = std::span{payload_}.first(received),
            .fds = fds_,
            .payload_was_cut = (header_.msg_flags & MSG_TRUNC) != 0,
            .fds_were_lost = (header_.msg_flags & MSG_CTRUNC) != 0};
}

}  // namespace shmd::loop
