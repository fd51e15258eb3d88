#include "fuzz/packet.h"

#include <sys/socket.h>
#include <sys/uio.h>
#include <algorithm>
#include <cerrno>

namespace shmd::fuzz {

namespace {

// More than the protocol allows, so that too many are sent as well.
constexpr size_t kMostFds = 4;
constexpr size_t kControlBytes = CMSG_SPACE(sizeof(int) * kMostFds);

/** lib/ipc holds to the protocol's most descriptors; this does not. */
int SendAll(int socket, std::span<const std::byte> bytes, std::span<const int> fds) {
    alignas(cmsghdr) std::array<std::byte, kControlBytes> control{};
    iovec piece{const_cast<std::byte*>(bytes.data()), bytes.size()};
    msghdr header{};
    header.msg_iov = &piece;
    header.msg_iovlen = 1;
    if (!fds.empty()) {
        header.msg_control = control.data();
        header.msg_controllen = CMSG_SPACE(fds.size_bytes());
        cmsghdr* const rights = CMSG_FIRSTHDR(&header);
        rights->cmsg_level = SOL_SOCKET;
        rights->cmsg_type = SCM_RIGHTS;
        rights->cmsg_len = CMSG_LEN(fds.size_bytes());
        std::memcpy(CMSG_DATA(rights), fds.data(), fds.size_bytes());
    }
    return ::sendmsg(socket, &header, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? errno : 0;
}

}  // namespace

void Packet::Attach(base::UniqueFd fd) {
    fds_.push_back(std::move(fd));
    const auto count = static_cast<uint16_t>(fds_.size());
    Store(offsetof(wire::MessageHeader, fd_count), std::as_bytes(std::span{&count, 1}));
}

void Packet::Append(std::span<const std::byte> payload) {
    bytes_.insert(bytes_.end(), payload.begin(), payload.end());
    const auto size = static_cast<uint32_t>(bytes_.size());
    Store(offsetof(wire::MessageHeader, size_bytes), std::as_bytes(std::span{&size, 1}));
}

void Packet::Mutate(Input& input) {
    // Of four messages three are as they should be.
    const size_t kind = input.TakeIndex(8);
    if (kind == 0) {
        const size_t offset = input.Take<uint16_t>() % std::max(bytes_.size(), size_t{1});
        Store(offset, input.TakeBytes(1 + input.TakeIndex(8)));
    } else if (kind == 1) {
        bytes_.resize(input.Take<uint16_t>() % (2 * bytes_.size() + 1));
    }
}

void Packet::Store(size_t offset, std::span<const std::byte> value) noexcept {
    if (offset > bytes_.size()) return;
    const auto count = std::min(value.size(), bytes_.size() - offset);
    std::ranges::copy(value.first(count),
                      bytes_.begin() + static_cast<std::ptrdiff_t>(offset));
}

int Packet::SendTo(int socket) const noexcept {
    std::array<int, kMostFds> fds{};
    const size_t count = std::min(fds_.size(), fds.size());
    for (size_t i = 0; i < count; ++i)
        fds[i] = fds_[i].Get();
    return SendAll(socket, bytes_, std::span{fds}.first(count));
}

Packet TakeRaw(Input& input) {
    return Packet{input.TakeBytes(input.Take<uint16_t>() % 9000)};
}

std::span<const std::byte> Receiving::TakeNext(int socket) {
    fds_.clear();
    alignas(cmsghdr) std::array<std::byte, kControlBytes> control{};
    iovec piece{buffer_.data(), buffer_.size()};
    msghdr header{};
    header.msg_iov = &piece;
    header.msg_iovlen = 1;
    header.msg_control = control.data();
    header.msg_controllen = control.size();
    const ssize_t bytes = ::recvmsg(socket, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (bytes <= 0) return {};
    if (const cmsghdr* rights = CMSG_FIRSTHDR(&header); rights != nullptr) {
        const size_t count = (rights->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < count; ++i) {
            int fd = -1;
            std::memcpy(&fd, CMSG_DATA(rights) + i * sizeof fd, sizeof fd);
            fds_.emplace_back(fd);
        }
    }
    return std::span{buffer_}.first(static_cast<size_t>(bytes));
}

}  // namespace shmd::fuzz
