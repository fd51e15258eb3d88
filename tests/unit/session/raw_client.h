#pragma once

#include "base/unique_fd.h"
#include "ipc/fd_passing.h"
#include "ipc/socket.h"
#include "wire/codec.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

namespace shmd::session {

/** A client that sends what a test wants, right or wrong. */
class RawClient {
  public:
    explicit RawClient(const std::string& path) : socket_{ipc::TryConnect(path)} {
        constexpr timeval kDeadline{10, 0};
        ::setsockopt(socket_.Get(), SOL_SOCKET, SO_RCVTIMEO, &kDeadline,
                     sizeof kDeadline);
    }

    /** @return 0 or an errno */
    template <typename T>
    int Send(const T& message, std::vector<int> fds = {}) {
        return ipc::SendMessage(socket_.Get(), wire::BytesOf(message),
                                std::span<const int>{fds}, 0);
    }
    void SendBytes(std::span<const std::byte> bytes) {
        ipc::SendMessage(socket_.Get(), bytes, std::span<const int>{}, 0);
    }

    /** The next message of type T; others are passed over. Nothing at the end. */
    template <typename T>
    std::optional<T> Receive() {
        for (;;) {
            const auto message = ReceiveAny();
            if (message.empty()) return {};
            if (Is<T>(message)) return wire::FindMessage<T>(message);
        }
    }

    /** The next message of whatever type, until the next call. Nothing at the end. */
    std::span<const std::byte> ReceiveAny() {
        fds_.clear();
        ipc::FdList fds;
        const auto received = ipc::ReceiveMessage(socket_.Get(), buffer_, fds, 0);
        for (base::UniqueFd& fd : fds.All())
            fds_.push_back(std::move(fd));
        error_ = received.error;
        if (received.error != 0) return {};
        return std::span{buffer_}.first(received.bytes);
    }

    template <typename T>
    bool Is(std::span<const std::byte> message) const {
        const auto header = wire::FindHeader(message, fds_.size());
        return header && header->type == static_cast<uint16_t>(T::kType);
    }

    /** Whether the server ends the connection within 10 s. */
    bool AwaitEnd() {
        while (Receive<wire::Hello>()) {
        }
        return error_ == ECONNRESET;
    }

    /** Say hello; the server's answer has come. */
    bool Greet(uint32_t flags = wire::kCapabilityMemfd) {
        auto hello = wire::MakeMessage<wire::Hello>(1);
        hello.version = wire::kProtocolVersion;
        hello.flags = flags;
        wire::SetText(hello.name, "raw");
        Send(hello);
        return Receive<wire::Hello>().has_value();
    }

    /** Descriptors of the last message. */
    std::vector<base::UniqueFd> fds_;

  private:
    base::UniqueFd socket_;
    std::vector<std::byte> buffer_ = std::vector<std::byte>(wire::kMaxMessageBytes);
    int error_ = 0;
};

}  // namespace shmd::session
