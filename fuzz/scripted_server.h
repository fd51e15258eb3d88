#pragma once

#include "base/unique_fd.h"
#include "fuzz/input.h"
#include "fuzz/packet.h"
#include "shm/mapping.h"
#include "shm/pool.h"
#include "wire/stream_block.h"

#include <cstdint>
#include <deque>
#include <optional>
#include <string>

namespace shmd::fuzz {

/**
 * A server for one client, in the client's own thread: it answers, lies and goes as its
 * script says. It acts when it is told to, and whenever the client waits for it: poll and
 * sendmsg are wrapped by the linker, so that the client never sleeps.
 *
 * Behind the end of its script it answers as it should.  Thread: one.
 */
class ScriptedServer {
  public:
    /** @param path  where it listens.  Errors: std::system_error. */
    ScriptedServer(Input& input, const std::string& path);
    ~ScriptedServer();

    /** Do one thing. */
    void Act();

    /** The client waits for a message: act until there is one, or for a while. */
    void OnWait();

    /** Take what the client has sent, so that it never waits to send more. */
    void TakeRequests();

    /** What the client believes the time to be. */
    void SetNow(int64_t now_ns) noexcept { now_ns_ = now_ns; }

    /** The one that is there, for the wrapped functions. */
    static ScriptedServer* Active() noexcept;

  private:
    void Accept();
    void Close();
    void Send(Packet packet);
    void AnswerOldest();
    void Answer(const wire::MessageHeader& request);
    void Greet(uint32_t serial);
    void SendPool();
    void SendAny();
    Packet TakePacket();
    Packet TakeRefused();
    Packet TakeParamsSet();
    Packet TakeData();
    Packet TakeServerWords();
    Packet TakeGrant();
    uint32_t TakeSerial();
    uint64_t TakeFrame();
    int64_t TakeTimeNs();
    [[nodiscard]] uint64_t Command() const noexcept;
    void StorePosition();
    void StoreWord();
    void StoreBytes();

    Input& input_;
    base::UniqueFd listening_;
    base::UniqueFd socket_;
    std::optional<shm::OwnPool> pool_;
    shm::Mapping client_pool_;
    Receiving receiving_;
    std::deque<wire::MessageHeader> requests_;
    wire::SetParams params_{};
    uint64_t words_command_ = 0;
    uint16_t generation_ = 0;
    uint32_t grants_ = 0;
    int64_t now_ns_ = 0;
    bool has_sent_ = false;
    bool is_down_ = false;
};

}  // namespace shmd::fuzz
