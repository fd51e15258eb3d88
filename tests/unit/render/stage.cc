#include "tests/unit/render/stage.h"

#include <algorithm>
#include <cstring>
#include <span>

namespace shmd::render {

namespace {

std::vector<std::byte> ToBytes(const std::vector<int16_t>& samples) {
    const auto bytes = std::as_bytes(std::span{samples});
    return {bytes.begin(), bytes.end()};
}

}  // namespace

std::vector<std::byte> Ramp(int first, uint32_t frames) {
    std::vector<int16_t> samples;
    for (int n = first; n < first + static_cast<int>(frames); ++n) {
        samples.push_back(static_cast<int16_t>(n));
        samples.push_back(static_cast<int16_t>(-n));
    }
    return ToBytes(samples);
}

std::vector<std::byte> Level(int16_t value, uint32_t frames) {
    return ToBytes(std::vector<int16_t>(size_t{frames} * 2, value));
}

std::vector<int16_t> Samples(std::span<const std::byte> bytes) {
    std::vector<int16_t> samples(bytes.size() / sizeof(int16_t));
    if (!samples.empty()) std::memcpy(samples.data(), bytes.data(), bytes.size());
    return samples;
}

Stage::Stage(const device::DeviceSpec& device, uint32_t most_cycle_frames)
    : device_{device}, renderer_{device_, most_cycle_frames, counters_} {}

void Stage::Play(const FakeClient& client, uid_t uid, int64_t cost_ns) {
    StreamSetup setup = client.Setup();
    setup.uid = uid;
    auto source = std::make_shared<PlaybackSource>(setup, device_.PlaybackFormat());
    source->SetCostNs(cost_ns);
    plan_.sources.push_back(std::move(source));
    PublishPlan();
}

void Stage::Record(const FakeClient& client) {
    plan_.recorders.push_back(
        std::make_shared<CaptureSink>(client.Setup(), device_.CaptureFormat()));
    PublishPlan();
}

void Stage::Monitor(const FakeClient& client) {
    plan_.monitors.push_back(
        std::make_shared<CaptureSink>(client.Setup(), device_.PlaybackFormat()));
    PublishPlan();
}

void Stage::RemoveAll() {
    plan_ = {};
    PublishPlan();
}

void Stage::PublishPlan() {
    renderer_.Publish(std::make_unique<const Plan>(plan_));
}

Renderer::Result Stage::Turn() {
    const auto result = renderer_.Turn(now_ns_);
    next_ns_ = result.next_ns;
    return result;
}

void Stage::RunFor(int64_t ns, const std::function<void()>& before_turn) {
    const int64_t end_ns = now_ns_ + ns;
    const auto turn = [&] {
        if (before_turn) before_turn();
        Turn();
    };
    turn();
    while (next_ns_ <= end_ns) {
        now_ns_ = std::max(now_ns_, next_ns_);
        turn();
    }
    now_ns_ = end_ns;
}

std::span<const std::byte> Stage::Played(uint64_t frame, uint64_t frames) const {
    const uint32_t frame_bytes = device_.PlaybackFormat().FrameBytes();
    return std::span{device_.Played()}.subspan(frame * frame_bytes, frames * frame_bytes);
}

uint64_t Stage::RenderedFrames() const {
    return device_.Played().size() / device_.PlaybackFormat().FrameBytes();
}

std::vector<base::EventRecord> Stage::TakeEvents(Event event) {
    base::EventRecord record;
    while (renderer_.Events().TryPop(record))
        events_.push_back(record);
    std::vector<base::EventRecord> taken;
    std::erase_if(events_, [&](const base::EventRecord& e) {
        if (e.code != static_cast<uint32_t>(event)) return false;
        taken.push_back(e);
        return true;
    });
    return taken;
}

}  // namespace shmd::render
