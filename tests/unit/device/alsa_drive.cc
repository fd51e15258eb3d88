#include "tests/unit/device/alsa_drive.h"

#include "base/clock.h"

#include <time.h>
#include <algorithm>

namespace shmd::device {

namespace {

constexpr int64_t kMostSeconds = 20;

void SleepUntil(int64_t time_ns) {
    const timespec time{.tv_sec = time_ns / base::kNsPerSecond,
                        .tv_nsec = time_ns % base::kNsPerSecond};
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, nullptr);
}

}  // namespace

int64_t Drive::NowNs() {
    return base::SystemClock{}.NowNs();
}

bool Drive::Start(int64_t now_ns) {
    return device_.Start(now_ns);
}

int64_t Drive::Turn(int64_t now_ns) {
    position = device_.PositionFrames(now_ns);
    if (device_.HasFailed()) return base::kNever;
    ++(rendered <= position ? useful_turns : useless_turns);
    while (rendered <= position) {
        Capture(rendered);
        Render();
    }
    Capture(std::min(position, rendered));
    return device_.TimeOfFrameNs(rendered);
}

void Drive::Render() {
    const std::span<std::byte> block = device_.BeginBlock(cycle_frames_);
    const size_t bytes = std::min(block.size(), to_play.size() - played_bytes_);
    const auto from = to_play.begin() + static_cast<std::ptrdiff_t>(played_bytes_);
    std::copy_n(from, bytes, block.begin());
    std::ranges::fill(block.subspan(bytes), std::byte{0});
    if (played_bytes_ == 0) gap_before_ = device_.GapFrames();
    if (bytes > 0) gap_within = device_.GapFrames() - gap_before_;
    played_bytes_ += bytes;
    device_.EndBlock(cycle_frames_);
    rendered += cycle_frames_;
}

void Drive::Capture(uint64_t frame) {
    for (auto run = device_.CapturedBefore(frame); !run.empty();
         run = device_.CapturedBefore(frame))
        captured.insert(captured.end(), run.begin(), run.end());
}

void Drive::RunUntil(int64_t end_ns) {
    for (int64_t now_ns = NowNs(); now_ns < end_ns; now_ns = NowNs())
        SleepUntil(std::min(Turn(now_ns), end_ns));
}

bool Drive::RunUntilPlayed() {
    const int64_t end_ns = NowNs() + kMostSeconds * base::kNsPerSecond;
    while (played_bytes_ < to_play.size() && !device_.HasFailed() && NowNs() < end_ns)
        SleepUntil(std::min(Turn(NowNs()), end_ns));
    while (!device_.HasFailed() && position < rendered && NowNs() < end_ns) {
        SleepUntil(std::min(device_.TimeOfFrameNs(rendered), end_ns));
        position = device_.PositionFrames(NowNs());
    }
    return !device_.HasFailed() && NowNs() < end_ns;
}

}  // namespace shmd::device
