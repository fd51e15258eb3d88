#pragma once

#include "audio/format.h"
#include "base/unique_fd.h"
#include "render/stream_setup.h"
#include "wire/stream_block.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace shmd::fuzz {

/** The two pools of a stream, in memory whose ends a sanitizer sees. Thread: one. */
class PoolDouble {
  public:
    struct Options {
        audio::StreamFormat format;
        uint32_t period_frames = 480;
        uint32_t buffer_frames = 4800;
        bool is_capture = false;
        /** Over the socket: a ring of twice the buffer. */
        bool is_over_socket = false;
        float gain = 1.0F;
    };

    static constexpr uint16_t kGeneration = 3;

    PoolDouble(uint32_t stream_id, const Options& options);

    /** What a session would hand to the audio side. */
    [[nodiscard]] render::StreamSetup Setup() const;

    [[nodiscard]] const Options& Choices() const noexcept { return options_; }
    [[nodiscard]] uint32_t Id() const noexcept { return stream_id_; }
    [[nodiscard]] wire::ClientBlock& Words() const noexcept { return memory_->client; }
    [[nodiscard]] const wire::ServerBlock& Answers() const noexcept {
        return memory_->server;
    }
    [[nodiscard]] std::span<std::byte> Ring() const noexcept { return memory_->ring; }

  private:
    struct Memory {
        wire::ClientBlock client{};
        wire::ServerBlock server{};
        std::vector<std::byte> ring;
    };

    Options options_;
    uint32_t stream_id_;
    std::shared_ptr<Memory> memory_ = std::make_shared<Memory>();
    std::shared_ptr<render::StreamCounters> counters_ =
        std::make_shared<render::StreamCounters>();
    std::shared_ptr<render::Mailbox> mailbox_ = std::make_shared<render::Mailbox>();
};

}  // namespace shmd::fuzz
