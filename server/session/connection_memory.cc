#include "session/connection_memory.h"

#include <algorithm>
#include <system_error>

namespace shmd::session {

namespace {

constexpr size_t kPrivatePoolBytes =
    wire::kBlockBytes + wire::kSocketRingBuffers * wire::kRingBytes;

// The page of words, and a descriptor that is on its way: the server's pool to the
// client, then the client's to the server.
constexpr Amounts kServerPoolAmounts{.descriptors = 1,
                                     .memory_bytes = wire::kBlockBytes,
                                     .mapped_bytes = wire::kPoolBytes};

shm::OwnPool MakePool(bool use_memfd) {
    if (use_memfd) try {
            return shm::OwnPool::Shared();
        } catch (const std::system_error&) {
            // A sandbox forbids memfds, or the kernel is old: the socket carries the
            // payload.
        }
    return shm::OwnPool::Private();
}

}  // namespace

void ConnectionMemory::MakeServerPool(bool use_memfd) {
    ChargeMore(kServerPoolAmounts);
    server_pool_ = MakePool(use_memfd);
}

void ConnectionMemory::ChargeMore(const Amounts& more) {
    charge_.RequireHold(charge_.Held() + more);
}

void ConnectionMemory::ChargeRing(std::span<const std::byte> ring) {
    if (ring.empty() || TryChargeRing(ring, server_pool_->Bytes(), server_touched_))
        return;
    if (private_client_pool_ &&
        TryChargeRing(ring, private_client_pool_->Bytes(), private_touched_))
        return;
    TryChargeRing(ring, client_pool_.Bytes(), client_touched_);
}

/** @return false: the ring is not in this pool */
bool ConnectionMemory::TryChargeRing(std::span<const std::byte> ring,
                                     std::span<const std::byte> pool, Touched& touched) {
    if (ring.data() < pool.data() || ring.data() >= pool.data() + pool.size())
        return false;
    const auto offset = static_cast<size_t>(ring.data() - pool.data());
    const size_t page_bytes = shm::WholePages(1);
    Touched after{offset / page_bytes * page_bytes,
                  shm::WholePages(offset + ring.size())};
    const size_t before_bytes = touched.end_bytes - touched.begin_bytes;
    if (before_bytes > 0)
        // What lies between two rings counts too: it is simple, and ours has but one
        // place.
        after = {std::min(after.begin_bytes, touched.begin_bytes),
                 std::max(after.end_bytes, touched.end_bytes)};
    ChargeMore({.memory_bytes = after.end_bytes - after.begin_bytes - before_bytes});
    touched = after;
    return true;
}

void ConnectionMemory::BindClientPool(const base::UniqueFd& fd, uint64_t size_bytes) {
    ChargeMore({.memory_bytes = wire::kBlockBytes, .mapped_bytes = size_bytes});
    client_pool_ = shm::Mapping::OfFile(fd.Get(), static_cast<size_t>(size_bytes),
                                        shm::Mapping::Access::kReadOnly);
}

void ConnectionMemory::UsePrivateClientPool() {
    if (!private_client_pool_) {
        ChargeMore(
            {.memory_bytes = wire::kBlockBytes, .mapped_bytes = kPrivatePoolBytes});
        private_client_pool_ = shm::OwnPool::Private(kPrivatePoolBytes);
    }
    uses_private_ = true;
}

wire::ServerBlock& ConnectionMemory::ServerBlock() const noexcept {
    // A pool starts zeroed, which is these atomics' first value.
    return *reinterpret_cast<wire::ServerBlock*>(server_pool_->Bytes().data());
}

std::span<std::byte> ConnectionMemory::ServerRing() const noexcept {
    return server_pool_->Bytes().subspan(wire::kBlockBytes);
}

const wire::ClientBlock& ConnectionMemory::ClientBlock() const noexcept {
    return *reinterpret_cast<const wire::ClientBlock*>(ClientPool().data());
}

std::span<const std::byte> ConnectionMemory::ClientPool() const noexcept {
    if (uses_private_) return private_client_pool_->Bytes();
    return client_pool_.Bytes();
}

wire::ClientBlock& ConnectionMemory::PrivateClientBlock() const noexcept {
    return *reinterpret_cast<wire::ClientBlock*>(private_client_pool_->Bytes().data());
}

std::span<std::byte> ConnectionMemory::PrivateClientRing() const noexcept {
    return private_client_pool_->Bytes().subspan(wire::kBlockBytes);
}

}  // namespace shmd::session
