#include "fuzz/honest_player.h"

#include "audio/convert.h"
#include "fuzz/checks.h"
#include "shm/position.h"
#include "shm/ring.h"

#include <algorithm>
#include <cstring>
#include <deque>
#include <utility>
#include <vector>

namespace shmd::fuzz {

namespace {

constexpr uint32_t kBufferFrames = 9600;
constexpr float kFull = 32768.0F;

// As many as there are values of 16 bits: then they begin anew.
constexpr uint32_t kRoundFrames = 65536;

/** Of 16 bits, so that a sum of floats holds it exactly; no two near ones are alike. */
float SampleAt(uint32_t frame, uint32_t channel) {
    const auto value = static_cast<int16_t>(frame * 7 + channel * 101 + 1);
    return static_cast<float>(value) / kFull;
}

std::vector<std::byte> MakeRound(const audio::StreamFormat& format) {
    std::vector<float> samples(size_t{kRoundFrames} * format.channels);
    for (uint32_t i = 0; i < samples.size(); ++i)
        samples[i] = SampleAt(i / format.channels, i % format.channels);
    std::vector<std::byte> bytes(samples.size() * audio::SampleBytes(format.sample));
    audio::FromFloat(format.sample, samples, bytes);
    return bytes;
}

/** All its frames until they begin anew, made once for each format. */
std::span<const std::byte> RoundOf(const audio::StreamFormat& format) {
    using Round = std::pair<audio::StreamFormat, std::vector<std::byte>>;
    static std::deque<Round> rounds;
    const auto found = std::ranges::find(rounds, format, &Round::first);
    if (found != rounds.end()) return found->second;
    return rounds.emplace_back(format, MakeRound(format)).second;
}

}  // namespace

HonestPlayer::HonestPlayer(uint32_t stream_id, const audio::StreamFormat& device_format)
    : pool_{stream_id, {.format = device_format, .buffer_frames = kBufferFrames}},
      round_{RoundOf(device_format)} {}

void HonestPlayer::Start() {
    Feed();
    pool_.Words().command =
        wire::Command{1, PoolDouble::kGeneration, wire::Wanted::kRunning}.Pack();
}

void HonestPlayer::Feed() {
    const auto position = shm::ReadPosition(pool_.Answers());
    const uint64_t played = position ? position->frames : 0;
    const auto room = static_cast<uint32_t>(kBufferFrames - (written_ - played));
    const uint32_t frame_bytes = pool_.Choices().format.FrameBytes();
    const shm::RingArea<const std::byte> round{round_, frame_bytes, kRoundFrames};
    const shm::RingArea<std::byte> ring{pool_.Ring(), frame_bytes, kBufferFrames};
    // Both wrap, and never twice.
    for (uint32_t done = 0; done < room;) {
        const auto from = round.Runs(written_ + done, room - done).first;
        const auto to = ring.Runs(written_ + done, room - done).first;
        const size_t bytes = std::min(from.size(), to.size());
        std::memcpy(to.data(), from.data(), bytes);
        done += static_cast<uint32_t>(bytes / frame_bytes);
    }
    written_ += room;
    pool_.Words().written_frames.store(written_, std::memory_order_release);
}

void HonestPlayer::Check(std::span<const std::byte> played, bool is_alone) const {
    const auto position = shm::ReadPosition(pool_.Answers());
    Require(position && position->state == wire::StreamState::kRunning &&
                position->xruns == 0,
            "an honest stream runs, whatever others do");
    if (!is_alone) return;
    for (size_t at = 0; at < played.size(); at += round_.size()) {
        const auto part = played.subspan(at, std::min(round_.size(), played.size() - at));
        Require(std::memcmp(part.data(), round_.data(), part.size()) == 0,
                "an honest stream is played bit for bit, whatever others do");
    }
}

}  // namespace shmd::fuzz
