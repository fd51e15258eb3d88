#pragma once

#include "base/clock.h"
#include "render/renderer.h"
#include "tests/unit/render/fake_client.h"
#include "tests/unit/render/tap_device.h"

#include <cstdint>
#include <functional>
#include <vector>

namespace shmd::render {

/** `frames` frames of stereo S16 that are all different: n, -n from `first` on. */
std::vector<std::byte> Ramp(int first, uint32_t frames);

/** `frames` frames of stereo S16 of the same value. */
std::vector<std::byte> Level(int16_t value, uint32_t frames);

/** The S16 samples in `bytes`. */
std::vector<int16_t> Samples(std::span<const std::byte> bytes);

/** A renderer on a virtual device, turned by hand at times that are made up. */
class Stage {
  public:
    static constexpr uint32_t kCycleFrames = 480;
    static constexpr int64_t kBeginNs = 1000 * base::kNsPerSecond;

    /** @param device  its loopback captures what is played; 48 kHz S16 stereo */
    explicit Stage(const device::DeviceSpec& device = {},
                   uint32_t most_cycle_frames = kCycleFrames);

    /** @param uid, cost_ns  as the engine would say them */
    void Play(const FakeClient& client, uid_t uid = 0, int64_t cost_ns = 0);
    void Record(const FakeClient& client);
    void Monitor(const FakeClient& client);
    void RemoveAll();

    /** One turn at the present time. */
    Renderer::Result Turn();

    /**
     * Turn at the present time, and then whenever the renderer wants to, for `ns`.
     * @param before_turn  called before each turn, as a client that is awake in time
     */
    void RunFor(int64_t ns, const std::function<void()>& before_turn = {});
    void RunForMs(int64_t ms, const std::function<void()>& before_turn = {}) {
        RunFor(ms * base::kNsPerMs, before_turn);
    }

    /** Let time pass without a turn. */
    void Sleep(int64_t ns) { now_ns_ += ns; }
    [[nodiscard]] int64_t NowNs() const { return now_ns_; }

    [[nodiscard]] TapDevice& Device() { return device_; }
    [[nodiscard]] Renderer& TheRenderer() { return renderer_; }

    /** The device's frames that were rendered, from `frame` on, `frames` of them. */
    [[nodiscard]] std::span<const std::byte> Played(uint64_t frame,
                                                    uint64_t frames) const;
    [[nodiscard]] uint64_t RenderedFrames() const;

    /** The events of that kind that came since the last call. */
    std::vector<base::EventRecord> TakeEvents(Event event);

  private:
    void PublishPlan();

    TapDevice device_;
    Counters counters_;
    Renderer renderer_;
    Plan plan_;
    int64_t now_ns_ = kBeginNs;
    int64_t next_ns_ = kBeginNs;
    std::vector<base::EventRecord> events_;
};

}  // namespace shmd::render
