#include "session/connection_memory.h"

#include <system_error>

namespace shmd::session {

namespace {

shm::OwnPool MakeServerPool(bool use_memfd) {
    if (use_memfd) try {
            return shm::OwnPool::Shared();
        } catch (const std::system_error&) {
            // A sandbox forbids memfds, or the kernel is old: the socket carries the
            // payload.
        }
    return shm::OwnPool::Private();
}

}  // namespace

ConnectionMemory::ConnectionMemory(bool use_memfd)
    : server_pool_{MakeServerPool(use_memfd)} {}

void ConnectionMemory::BindClientPool(const base::UniqueFd& fd, uint64_t size_bytes) {
    client_pool_ = shm::Mapping::OfFile(fd.Get(), static_cast<size_t>(size_bytes),
                                        shm::Mapping::Access::kReadOnly);
}

void ConnectionMemory::UsePrivateClientPool() {
    constexpr auto kBytes =
        wire::kBlockBytes + wire::kSocketRingBuffers * wire::kRingBytes;
    if (!private_client_pool_) private_client_pool_ = shm::OwnPool::Private(kBytes);
    uses_private_ = true;
}

wire::ServerBlock& ConnectionMemory::ServerBlock() const noexcept {
    // A pool starts zeroed, which is these atomics' first value.
    return *reinterpret_cast<wire::ServerBlock*>(server_pool_.Bytes().data());
}

std::span<std::byte> ConnectionMemory::ServerRing() const noexcept {
    return server_pool_.Bytes().subspan(wire::kBlockBytes);
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
