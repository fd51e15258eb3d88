#pragma once

#include "base/clock.h"
#include "device/device.h"
#include "device/factory.h"
#include "engine/device_runner.h"
#include "loop/loop.h"
#include "loop/timer.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>

namespace shmd::engine {

/**
 * Keeps a runner supplied with the best device that works.
 *
 *     candidates, best first ──────────────► fallback (always works)
 *       ▲   │ failed, busy, cannot be opened    ▲
 *       │   └───────────────────────────────────┘
 *       └── a card has come, or it is time to try again
 *
 * A card that no stream uses is closed after a time, and opened again for the next
 * stream. A card that fails as soon as it is taken is not tried again for a while.
 *
 * Thread: loop.
 */
class DeviceKeeper {
  public:
    struct Options {
        /** What to play on or record from, see device::Candidates. */
        std::string spec;
        device::Direction direction = device::Direction::kPlayback;
        int64_t idle_timeout_ns = 5 * base::kNsPerSecond;
    };
    /** A line for the log. */
    using Report = std::function<void(const std::string&)>;

    /**
     * @param fallback  plays, or records silence, while no candidate works
     * Errors: std::invalid_argument for the spec.
     */
    DeviceKeeper(loop::Loop& loop, base::Clock& clock, Options options,
                 std::unique_ptr<device::Device> fallback, Report report);

    /** The best device at present, for the runner to begin with. */
    std::unique_ptr<device::Device> TakeFirst();

    /** The runner that TakeFirst's device went to; it outlives the loop's last turn. */
    void Bind(DeviceRunner& runner);

    /** The device failed. Call it at any time. */
    void OnFailed();
    /** Streams want to run, and the device is closed or does not start. At any time. */
    void OnClosed();
    /** The device has stopped. At any time. */
    void OnStopped();
    /** Cards may have come. */
    void OnCardsChanged();

    /** Use another spec from now on. Errors: std::invalid_argument, and nothing changes.
     */
    void SetSpec(const std::string& spec, int64_t idle_timeout_ns);

    /** What is used now: a candidate, or "" for the fallback. */
    [[nodiscard]] const std::string& Current() const noexcept { return current_; }

  private:
    std::unique_ptr<device::Device> MakeBest(const std::string& worse_than);
    std::unique_ptr<device::Device> FindBest(const std::string& worse_than);
    void TryBetter();
    void Leave();
    void LeaveFailed();
    void Release();
    void Use(std::unique_ptr<device::Device> device);
    void ReportUse();
    void CloseIdle();
    void Complain(const std::string& what);

    loop::Loop& loop_;
    base::Clock& clock_;
    Options options_;
    std::unique_ptr<device::Device> fallback_;  // while it is not in use
    Report report_;
    DeviceRunner* runner_ = nullptr;
    std::string current_;
    int64_t taken_ns_ = 0;              // when current_ was
    std::string failing_;               // failed as soon as it was taken
    int64_t failing_until_ns_ = 0;      // not to be tried before
    std::set<std::string> complaints_;  // reported since a device was last taken
    loop::Timer retry_timer_;
    loop::Timer idle_timer_;
};

}  // namespace shmd::engine
