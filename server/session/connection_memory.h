#pragma once

#include "base/unique_fd.h"
#include "shm/mapping.h"
#include "shm/memfd.h"
#include "shm/pool.h"
#include "wire/stream_block.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace shmd::session {

/**
 * What one connection shares with the audio thread: the server's pool, and the client's
 * pool or, when the payload goes over the socket, private memory in its place.
 *
 * Owned by the session and by the streams in the audio thread's plans together: it goes
 * when the last of them does. Thread: loop (what the spans point to: see stream_block.h).
 */
class ConnectionMemory {
  public:
    /**
     * @param use_memfd  try to make the server's pool a memfd; otherwise it is private
     * Errors: std::system_error when there is no memory at all.
     */
    explicit ConnectionMemory(bool use_memfd);

    [[nodiscard]] bool ServerPoolIsShared() const noexcept {
        return server_pool_.IsShared();
    }
    [[nodiscard]] base::UniqueFd TakeServerPoolFd() noexcept {
        return server_pool_.TakeFd();
    }

    /** Map the client's pool, which CheckOneWay found good. Errors: std::system_error. */
    void BindClientPool(const base::UniqueFd& fd, uint64_t size_bytes);
    [[nodiscard]] bool ClientPoolIsBound() const noexcept { return bool{client_pool_}; }

    /**
     * Which memory holds the client's words from now on: its own pool, or private memory
     * in its place, which then is made. Streams that use the other may go on.
     * Errors: std::system_error.
     */
    void UseClientPool() noexcept { uses_private_ = false; }
    void UsePrivateClientPool();

    [[nodiscard]] wire::ServerBlock& ServerBlock() const noexcept;
    [[nodiscard]] std::span<std::byte> ServerRing() const noexcept;

    /** The client's words, in the memory chosen last. @pre it is there */
    [[nodiscard]] const wire::ClientBlock& ClientBlock() const noexcept;
    [[nodiscard]] std::span<const std::byte> ClientPool() const noexcept;

    /** Written here in the client's name. @pre UsePrivateClientPool */
    [[nodiscard]] wire::ClientBlock& PrivateClientBlock() const noexcept;
    [[nodiscard]] std::span<std::byte> PrivateClientRing() const noexcept;

  private:
    shm::OwnPool server_pool_;
    shm::Mapping client_pool_;
    std::optional<shm::OwnPool> private_client_pool_;
    bool uses_private_ = false;
};

}  // namespace shmd::session
