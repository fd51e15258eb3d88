#pragma once

#include "base/unique_fd.h"
#include "fuzz/input.h"
#include "fuzz/packet.h"
#include "shm/pool.h"
#include "wire/stream_block.h"

#include <cstdint>

namespace shmd::fuzz {

/**
 * A client of the server that knows the protocol, and keeps to it as far as its script
 * says. Thread: one.
 */
class HostileClient {
  public:
    explicit HostileClient(base::UniqueFd socket);

    /** Send one message. */
    void Send(Input& input);

    /** Store a word, or bytes, in its pool. */
    void Store(Input& input);

    /** Take all that the server has sent; what is not well formed is the server's fault.
     */
    void Receive();

  private:
    Packet TakePacket(Input& input);
    Packet TakeHello(Input& input) const;
    Packet TakePool(Input& input);
    Packet TakeOpen(Input& input) const;
    Packet TakeParams(Input& input);
    Packet TakeData(Input& input) const;
    Packet TakeWords(Input& input);
    uint64_t TakeCommand(Input& input);
    uint64_t TakeFrame(Input& input) const;

    base::UniqueFd socket_;
    shm::OwnPool pool_ = shm::OwnPool::Shared();
    Receiving receiving_;
    uint16_t generation_ = 1;
    uint32_t epoch_ = 0;
    uint32_t frame_bytes_ = 4;
    uint64_t written_ = 0;
};

}  // namespace shmd::fuzz
