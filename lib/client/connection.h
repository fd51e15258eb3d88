#pragma once

#include "base/unique_fd.h"
#include "client/card_ring.h"
#include "ipc/fd_passing.h"
#include "shm/mapping.h"
#include "shm/pool.h"
#include "wire/codec.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace shmd::client {

/**
 * One connection to the server: the socket, both pools, and requests with their answers.
 *
 * Nothing here starts a thread, prints, or waits for longer than kAnswerTimeoutMs,
 * whatever else the server sends meanwhile.
 * Thread: one at a time.  Realtime: no.
 */
class Connection {
  public:
    struct Options {
        std::string server;       // a socket's path; empty: the usual places
        std::string server_user;  // is trusted too, see ipc::IsTrusted
        std::string device;       // empty: the server's default
        wire::Direction direction = wire::Direction::kPlayback;
        // Which descriptors may be mapped as a card's ring; tests have no card.
        bool (*is_card)(int fd) noexcept = &CardRing::IsCard;
    };

    /** Receives the messages that are no answers: wakes, data, words, grants. */
    class Listener {
      public:
        /**
         * @param fds  that came with it; what is not moved away is closed. Fewer than
         *             header.fd_count if this process has no room for them.
         */
        virtual void OnMessage(const wire::MessageHeader& header,
                               std::span<const std::byte> message,
                               std::span<base::UniqueFd> fds) = 0;

      protected:
        ~Listener() = default;
    };

    static constexpr int kAnswerTimeoutMs = 3000;

    /**
     * Connect, exchange hellos and open the stream: one round trip.
     * Errors: std::system_error: ECONNREFUSED when there is no server, ENODEV when it has
     * no such device, EACCES when it is another user's (doc/decisions/0015), EPROTO when
     * it does not speak our protocol, EMFILE, ENFILE and ENOMEM when this process or this
     * machine has no room; what() explains it.
     */
    explicit Connection(const Options& options);

    [[nodiscard]] int Socket() const noexcept { return socket_.Get(); }
    [[nodiscard]] const wire::StreamOpened& Opened() const noexcept { return opened_; }

    /**
     * Whether both pools are shared, so that the payload need not go over the socket.
     * Waits for the server's answer to our pool. Errors: as Ask.
     */
    bool PoolsAreShared(Listener& listener);

    /**
     * Map the first `bytes` of a pool; its address may change. At first only the block is
     * mapped, because in a program that locks all its memory (mlockall(2)) each mapped
     * page takes memory at once.
     * @return false: the pool is smaller, or there is no room
     */
    [[nodiscard]] bool TryMapOwnPool(size_t bytes) noexcept;
    [[nodiscard]] bool TryMapServerPool(size_t bytes) noexcept;
    /** From now on the payload goes over the socket. */
    void GiveUpPools() noexcept { pools_are_shared_ = false; }

    /** This side's pool, as far as it is mapped; private memory if it could not be
     * shared.
     */
    [[nodiscard]] std::span<std::byte> OwnPool() const noexcept {
        return own_pool_.Bytes();
    }
    /** The server's pool, as far as it is mapped; empty if it could not be shared. */
    [[nodiscard]] std::span<const std::byte> ServerPool() const noexcept {
        return server_pool_.Bytes();
    }

    /**
     * Set the serial of `request`, send it, and wait for the answer.
     * Errors: std::system_error with the server's errno and reason when it refuses,
     * EPROTO for an answer of another type, ETIMEDOUT, and the socket's errors.
     */
    template <typename Answer, typename Request>
    Answer Ask(Request request, Listener& listener);

    /** Send a message without an answer. @return 0 or an errno. Realtime: one system
     * call. */
    int Send(std::span<const std::byte> head,
             std::span<const std::byte> body = {}) noexcept;

    /**
     * Receive one message that is there already.
     * @return 0 if there was one, EAGAIN if there was none, else the error that ended the
     * connection
     */
    int TakeOne(Listener& listener) noexcept;

    /** Whether the server is still there. Thread: as all. */
    [[nodiscard]] bool IsAlive() const noexcept;

  private:
    /** A message whose header fits; its descriptors are in fds_. */
    struct Incoming {
        wire::MessageHeader header;
        std::span<const std::byte> bytes;
    };

    void Greet(const Options& options);
    void TakeServerPool(std::span<const std::byte> message);
    void OfferOwnPool();
    std::optional<Incoming> FindIncoming(const ipc::Received& received) const noexcept;
    Incoming Receive(int64_t deadline_ns);
    Incoming AwaitAnswer(uint32_t serial, Listener& listener);
    [[noreturn]] static void ThrowRefused(std::span<const std::byte> message);
    void RequireSent(std::span<const std::byte> message);
    uint32_t NextSerial() noexcept { return serial_ = wire::SerialAfter(serial_); }

    shm::OwnPool own_pool_;
    base::UniqueFd socket_;
    shm::Mapping server_pool_;
    size_t server_pool_bytes_ = 0;  // of the whole
    wire::StreamOpened opened_{};
    bool server_has_memfd_ = false;
    bool pools_are_shared_ = false;
    uint32_t serial_ = 0;
    uint32_t pool_serial_ = 0;  // of a RegisterPool that was not answered yet
    std::vector<std::byte> buffer_;
    ipc::FdList fds_;
};

}  // namespace shmd::client
