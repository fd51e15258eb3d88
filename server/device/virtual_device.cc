#include "device/virtual_device.h"

#include "base/clock.h"
#include "wire/limits.h"

#include <algorithm>
#include <cassert>

namespace shmd::device {

namespace {

/** A tenth of a second: longer than any cycle that a renderer asks for. */
constexpr uint32_t kCyclesPerSecond = 10;
/** As a card with periods of 20 ms; a late block is not audible. */
constexpr uint32_t kGracesPerSecond = 50;
static_assert(wire::kMinRateHz / kCyclesPerSecond >= 64,
              "a cycle of some use at any rate");

uint32_t MostCycle(const DeviceSpec& spec) {
    if (spec.period_frames != 0) return spec.period_frames;
    return (spec.format.rate_hz + kCyclesPerSecond - 1) / kCyclesPerSecond;
}

}  // namespace

VirtualDevice::VirtualDevice(const DeviceSpec& spec)
    : format_{spec.format},
      least_cycle_frames_{spec.period_frames != 0 ? spec.period_frames
                                                  : kLeastPeriodFrames},
      most_cycle_frames_{MostCycle(spec)},
      block_(size_t{most_cycle_frames_} * format_.FrameBytes()),
      history_{format_.FrameBytes(), 2 * most_cycle_frames_} {
    if (!spec.capture_path.empty()) {
        source_.emplace(spec.capture_path, format_.rate_hz);
        capture_block_.resize(size_t{most_cycle_frames_} *
                              source_->Format().FrameBytes());
    }
    if (!spec.wav_path.empty())
        sink_.emplace(spec.wav_path, format_, WavSink::CapacityFor(format_));
}

const audio::StreamFormat& VirtualDevice::PlaybackFormat() const noexcept {
    return format_;
}

const audio::StreamFormat& VirtualDevice::CaptureFormat() const noexcept {
    return source_ ? source_->Format() : format_;
}

uint32_t VirtualDevice::LeastCycleFrames() const noexcept {
    return least_cycle_frames_;
}

uint32_t VirtualDevice::MostCycleFrames() const noexcept {
    return most_cycle_frames_;
}

uint32_t VirtualDevice::GraceFrames() const noexcept {
    return format_.rate_hz / kGracesPerSecond;
}

bool VirtualDevice::Start(int64_t now_ns) noexcept {
    assert(!started_);
    started_ = true;
    start_ns_ = now_ns;
    start_frame_ = rendered_;
    return true;
}

bool VirtualDevice::Finish() {
    KeepCaptured(false);
    started_ = false;
    start_frame_ = rendered_ = 0;
    return true;
}

void VirtualDevice::Stop() noexcept {
    assert(started_);
    started_ = false;
}

uint64_t VirtualDevice::PositionFrames(int64_t now_ns) noexcept {
    assert(started_);
    if (now_ns <= start_ns_) return start_frame_;
    const int64_t played =
        base::MulDiv(now_ns - start_ns_, format_.rate_hz, base::kNsPerSecond);
    return start_frame_ + static_cast<uint64_t>(played);
}

int64_t VirtualDevice::TimeOfFrameNs(uint64_t frame) const noexcept {
    assert(started_);
    // Rounded up (MulDiv rounds down), else a sleeper would wake before the frame is due.
    const int64_t before_start = static_cast<int64_t>(start_frame_ - frame);
    return start_ns_ - base::MulDiv(before_start, base::kNsPerSecond, format_.rate_hz);
}

std::span<std::byte> VirtualDevice::BeginBlock(uint32_t frames) noexcept {
    assert(frames > 0 && frames <= most_cycle_frames_);
    return std::span{block_}.first(size_t{frames} * format_.FrameBytes());
}

void VirtualDevice::EndBlock(uint32_t frames) noexcept {
    assert(started_ && frames > 0 && frames <= most_cycle_frames_);
    const auto block = std::span{block_}.first(size_t{frames} * format_.FrameBytes());
    if (keeps_ && !source_) history_.Push(rendered_, block);
    rendered_ += frames;
    if (sink_) sink_->Push(block);
}

void VirtualDevice::KeepCaptured(bool keep) noexcept {
    if (keep == keeps_) return;
    keeps_ = keep;
    captured_ = rendered_;
    history_.Clear();
    taken_bytes_ = 0;
}

std::span<const std::byte> VirtualDevice::CapturedBefore(uint64_t frame) noexcept {
    if (source_) return ReadSource(frame);
    history_.Pop(taken_bytes_);
    const auto run = history_.FrontBefore(frame);
    taken_bytes_ = run.size();
    return run;
}

std::span<const std::byte> VirtualDevice::ReadSource(uint64_t frame) noexcept {
    frame = std::min(frame, rendered_);
    if (!keeps_ || frame <= captured_) return {};
    const auto frames = std::min<uint64_t>(frame - captured_, most_cycle_frames_);
    const auto run = std::span{capture_block_}.first(static_cast<size_t>(frames) *
                                                     source_->Format().FrameBytes());
    source_->Read(run);
    captured_ += frames;
    return run;
}

std::string VirtualDevice::Service() {
    if (!sink_) return {};
    sink_->Drain();
    if (std::string error = sink_->Error(); !error.empty()) return error;
    const uint64_t lost = sink_->LostFrames() - reported_lost_frames_;
    reported_lost_frames_ += lost;
    if (lost == 0) return {};
    return "the WAV file \"" + sink_->Path() + "\" lacks " + std::to_string(lost) +
           " frames that could not be written in time";
}

}  // namespace shmd::device
