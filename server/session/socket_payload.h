#pragma once

#include "audio/format.h"
#include "loop/send.h"
#include "session/connection_memory.h"
#include "shm/position.h"
#include "shm/ring.h"
#include "wire/codec.h"

#include <cstdint>
#include <memory>

namespace shmd::session {

/**
 * The server's end of the socket transport. It writes the client's words and frames into
 * private memory, so that the audio thread sees a stream like any other.
 *
 *     Data, ClientWords  ─►  private ClientBlock and playback ring   (this is the writer)
 *     ServerBlock, capture ring  ─►  Data, ServerWords               (when it is woken)
 *
 * Thread: loop.
 */
class SocketPayload {
  public:
    struct Params {
        bool is_capture;
        uint32_t frame_bytes;
        uint32_t buffer_frames;
    };

    SocketPayload(std::shared_ptr<ConnectionMemory> memory, loop::Sender& sender,
                  const Params& params) noexcept;

    /** @return nullptr, or what is wrong with the message */
    const char* OnData(const wire::DataView& message) noexcept;

    /**
     * Take over the client's words.
     * @return whether the audio thread must be woken to look at them: the command is new,
     *         or a wake request comes while the stream does not run
     */
    bool OnWords(const wire::ClientWords& words) noexcept;

    /**
     * Send the client what is new: captured frames, then the server's words.
     * @return false when the client reads too little and the queue is full
     */
    [[nodiscard]] bool Flush();

    /** Whether captured frames stayed behind in the last Flush, which filled the queue.
     */
    [[nodiscard]] bool FramesWait() const noexcept { return frames_wait_; }

  private:
    [[nodiscard]] bool IsMoving() const noexcept;
    void SendFrames(uint64_t end);
    bool SendWords(const shm::Position& position);

    std::shared_ptr<ConnectionMemory> memory_;
    loop::Sender& sender_;
    Params params_;
    uint64_t command_ = 0;
    uint64_t sent_frames_ = 0;  // captured frames before this were sent
    bool frames_wait_ = false;  // for room in the queue
};

}  // namespace shmd::session
