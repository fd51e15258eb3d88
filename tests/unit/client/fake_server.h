#pragma once

#include "base/unique_fd.h"
#include "ipc/fd_passing.h"
#include "tests/unit/device/temp_dir.h"
#include "wire/codec.h"

#include <array>
#include <functional>
#include <string>
#include <thread>
#include <vector>

namespace shmd::client {

/** A server that does with each connection what that one's script says. */
class FakeServer {
  public:
    /** The server's end of a connection; receiving has a deadline of 10 s. */
    class Peer {
      public:
        explicit Peer(base::UniqueFd socket) : socket_{std::move(socket)} {}

        /** The next message as a T. @return false at the end, or if it is no T */
        template <typename T>
        bool Receive(T& message) {
            const auto bytes = ReceiveBytes();
            const auto header = wire::FindHeader(bytes, fds_.size());
            if (!header || header->type != static_cast<uint16_t>(T::kType)) return false;
            const auto found = wire::FindMessage<T>(bytes);
            if (found) message = *found;
            return found.has_value();
        }

        template <typename T>
        void Send(const T& message, int fd = -1) {
            SendBytes(wire::BytesOf(message), fd);
        }
        /** @return 0, or an errno */
        int SendBytes(std::span<const std::byte> message, int fd = -1);

        /** @return false: the client is gone */
        template <typename T>
        bool TrySend(const T& message) {
            return SendBytes(wire::BytesOf(message)) == 0;
        }

        /** Receive Hello and OpenStream, and answer with a good hello. */
        bool Greet(uint32_t flags = wire::kCapabilityMemfd);
        void AnswerOpen();

        /** End the connection. */
        void End() { socket_.Reset(); }

        /** Wait for the client to go. */
        void AwaitEnd();

        wire::Hello hello_{};
        wire::OpenStream open_{};
        std::vector<base::UniqueFd> fds_;

      private:
        std::span<const std::byte> ReceiveBytes();

        base::UniqueFd socket_;
        std::array<std::byte, wire::kMaxMessageBytes> buffer_{};
    };

    using Script = std::function<void(Peer&)>;

    /** @param next  for a second connection, once the first script is over */
    explicit FakeServer(Script script, Script next = {});
    FakeServer(const FakeServer&) = delete;
    FakeServer& operator=(const FakeServer&) = delete;
    ~FakeServer();

    [[nodiscard]] std::string Path() const { return dir_.File("socket"); }

    /** Wait until the scripts are over. */
    void Join();

  private:
    void Run(const Script& script);

    device::TempDir dir_;
    base::UniqueFd listening_;
    std::thread thread_;
};

}  // namespace shmd::client
