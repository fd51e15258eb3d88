#pragma once

#include "base/unique_fd.h"
#include "session/charge.h"
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
 * pool or, when the payload goes over the socket, private memory in its place. Before
 * MakeServerPool it has nothing.
 *
 * All of it is on the client's account; memory that cannot be charged is not made. Only
 * the pages that the server can touch are charged: the blocks, and the rings that streams
 * had in each pool. The rest of a pool has no pages.
 *
 * The session and the streams in the audio thread's plans own it together; it is freed
 * with the last of them. Thread: loop (for what the spans point to, see stream_block.h).
 */
class ConnectionMemory {
  public:
    /** @param charge  on the client's account, holding nothing */
    explicit ConnectionMemory(Charge charge) noexcept : charge_{std::move(charge)} {}

    /**
     * @param use_memfd  try to make the server's pool a memfd; otherwise it is private
     * Errors: ShortageError; std::system_error when there is no memory at all.
     */
    void MakeServerPool(bool use_memfd);

    /** @pre, for these and all that follows: MakeServerPool */
    [[nodiscard]] bool ServerPoolIsShared() const noexcept {
        return server_pool_->IsShared();
    }
    [[nodiscard]] base::UniqueFd TakeServerPoolFd() noexcept {
        return server_pool_->TakeFd();
    }

    /**
     * Map the client's pool, which CheckOneWay found good.
     * Errors: ShortageError; std::system_error.
     */
    void BindClientPool(const base::UniqueFd& fd, uint64_t size_bytes);
    /** Whether more of it than the server's block may have been touched. */
    [[nodiscard]] bool IsUsed() const noexcept {
        return ClientPoolIsBound() || private_client_pool_.has_value();
    }
    [[nodiscard]] bool ClientPoolIsBound() const noexcept { return bool{client_pool_}; }

    /**
     * Choose the memory that holds the client's words from now on: its own pool, or
     * private memory, which is made if needed. Streams that use the other may go on.
     * Errors: ShortageError; std::system_error.
     */
    void UseClientPool() noexcept { uses_private_ = false; }
    void UsePrivateClientPool();

    /**
     * Charge the pages of a ring in one of the pools, before a stream uses it. They stay
     * charged: a pool's pages are there until the pool goes.
     * Errors: ShortageError.
     */
    void ChargeRing(std::span<const std::byte> ring);

    [[nodiscard]] wire::ServerBlock& ServerBlock() const noexcept;
    [[nodiscard]] std::span<std::byte> ServerRing() const noexcept;

    /** The client's words, in the memory chosen last. @pre it is there */
    [[nodiscard]] const wire::ClientBlock& ClientBlock() const noexcept;
    [[nodiscard]] std::span<const std::byte> ClientPool() const noexcept;

    /** Written here in the client's name. @pre UsePrivateClientPool */
    [[nodiscard]] wire::ClientBlock& PrivateClientBlock() const noexcept;
    [[nodiscard]] std::span<std::byte> PrivateClientRing() const noexcept;

  private:
    /** The part of a pool that was ever charged: offsets, whole pages. */
    struct Touched {
        size_t begin_bytes = 0;
        size_t end_bytes = 0;
    };

    void ChargeMore(const Amounts& more);
    bool TryChargeRing(std::span<const std::byte> ring, std::span<const std::byte> pool,
                       Touched& touched);

    // First, so that it is given back last.
    Charge charge_;
    std::optional<shm::OwnPool> server_pool_;
    Touched server_touched_;
    Touched client_touched_;
    Touched private_touched_;
    shm::Mapping client_pool_;
    std::optional<shm::OwnPool> private_client_pool_;
    bool uses_private_ = false;
};

}  // namespace shmd::session
