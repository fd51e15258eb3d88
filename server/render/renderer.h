#pragma once

#include "base/event_log.h"
#include "base/latest_value.h"
#include "base/spsc_queue.h"
#include "device/device.h"
#include "device/history.h"
#include "render/block_mix.h"
#include "render/context.h"
#include "render/counters.h"
#include "render/cycle_length.h"
#include "render/plan.h"
#include "render/processor_time.h"
#include "render/scratch.h"
#include "render/turn_guard.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

namespace shmd::render {

/**
 * The audio cycle of one device, turn by turn. Who calls Turn is its audio thread: a real
 * one (RenderThread), or a test's own with a time that the test makes up.
 *
 * A turn at the end of each cycle, on a grid of the device's frames:
 *
 *      played ─┐            ┌─ rendered
 *     ─────────┼────────────┼──────────► device frames
 *       recorders get       the sources' frames are read here,
 *       what is older       one cycle ahead, and written to the device
 */
class Renderer {
  public:
    /**
     * @param most_cycle_frames  the configured most; the device's own limits hold too
     * @param counters           outlives this, which alone adds to it
     */
    Renderer(device::Device& device, uint32_t most_cycle_frames, Counters& counters);
    ~Renderer();

    // --- the loop's side
    // ------------------------------------------------------------------

    /** Work by `plan` from the next turn on. Thread: loop. */
    void Publish(std::unique_ptr<const Plan> plan);

    /** Free the plans that are no longer used. Thread: loop. */
    void FreeRetired();

    /** Thread: loop (TryPop). */
    base::EventLog& Events() noexcept { return events_; }

    /** Events that were lost because the loop was slow. Thread: any. */
    [[nodiscard]] uint64_t DroppedEvents() const noexcept { return events_.Dropped(); }

    /** Thread: any. */
    [[nodiscard]] const Counters& Count() const noexcept { return counters_; }
    [[nodiscard]] bool DeviceIsRunning() const noexcept {
        return is_running_.load(std::memory_order_acquire);
    }

    // --- the audio thread's side
    // ------------------------------------------------------------

    struct Result {
        int64_t next_ns;  // when to call again; base::kNever: when something has changed
        bool has_news;    // events or retired plans for the loop
    };

    /** Do what is due at `now_ns`. Thread: audio. Realtime: yes. */
    Result Turn(int64_t now_ns) noexcept;

    /** The last turn took so long, by the wall. Thread: audio. Realtime: yes. */
    void NoteTurnTime(int64_t elapsed_ns) noexcept;

    /** For tests: know the thread's processor time from `clock`. */
    void MeasureBy(ProcessorClock clock) noexcept { processor_clock_ = clock; }

    /** For the caller's own system calls. Thread: audio. */
    Counters& MutableCounters() noexcept { return counters_; }

  private:
    Result DoWhatIsDue(int64_t now_ns) noexcept;
    void TakePlan() noexcept;
    void ReadCommands() noexcept;
    [[nodiscard]] bool AnyIsRunning() const noexcept;
    [[nodiscard]] uint32_t MostCycleFrames() const noexcept;
    uint32_t NextCycleFrames() noexcept;
    bool LetsClientsWrite(uint64_t played) noexcept;
    bool GivesLostTime(uint64_t played, uint64_t due) noexcept;
    bool KeepsNobodyWaiting(uint64_t played, uint64_t due) noexcept;
    void RenderUpTo(uint64_t played) noexcept;
    void RenderCycle() noexcept;
    void RenderBlock(uint32_t frames) noexcept;
    void GuardCycle(int64_t began_ns, uint64_t from) noexcept;
    [[nodiscard]] int64_t SoundNs(uint64_t frames) const noexcept;
    struct Share {
        int64_t cost_ns = 0;
        int64_t streams = 0;
    };
    [[nodiscard]] Share ShareOf(uid_t uid) const noexcept;
    void StopTheDearest() noexcept;
    template <typename Use>
    void ForEachRunning(Use use) const noexcept;
    bool OfferRing(PlaybackSource* only) noexcept;
    void EndDirect() noexcept;
    void StopDirect() noexcept;
    void FillBlock(std::span<std::byte> block, uint32_t frames, PlaybackSource* only,
                   bool any_is_running) noexcept;
    PlaybackSource* FindOnlyExactSource(bool& any_is_running) const noexcept;
    void Mix(std::span<std::byte> block, uint32_t frames) noexcept;
    void DeliverUpTo(uint64_t played) noexcept;
    void Deliver(const std::vector<std::shared_ptr<CaptureSink>>& sinks,
                 std::span<const std::byte> run) noexcept;
    void PublishPositions(uint64_t played) noexcept;
    void LoseFrames(const std::vector<std::shared_ptr<CaptureSink>>& sinks,
                    uint64_t frames) noexcept;
    uint64_t CatchUp(int64_t now_ns) noexcept;
    Result WaitForDevice(Event event, uint64_t played) noexcept;

    device::Device& device_;
    const audio::StreamFormat playback_format_;
    const uint32_t least_cycle_frames_;
    const uint32_t most_cycle_frames_;

    Counters& counters_;
    base::LatestValue<const Plan> next_plan_;
    base::SpscQueue<std::unique_ptr<const Plan>, 64> retired_plans_;
    std::unique_ptr<const Plan> plan_;

    base::EventLog events_;
    Context context_{events_, counters_};
    std::unique_ptr<Scratch> scratch_;
    BlockMix mix_;
    device::History played_;
    CycleLength cycle_{playback_format_.rate_hz};
    uint64_t rendered_ = 0;    // the device's frame after the last that was rendered
    uint64_t gap_frames_ = 0;  // the device's, that were reported
    TurnGuard guard_;
    ProcessorClock processor_clock_ = &ThreadProcessorTimeNs;
    uint64_t turn_began_ = 0;  // rendered_, before the last turn
    uint64_t delivered_ = 0;   // the device's frame after the last that recorders got
    // Device frames, while it waits for clients: the first that is due, when it meant to
    // look again, and until when it gives them time that was lost.
    uint64_t awaited_ = 0;
    uint64_t look_ = 0;
    uint64_t grace_end_ = 0;
    bool is_direct_ = false;  // a client may have written ahead in the card's ring
    std::atomic<bool> is_running_{false};
};

}  // namespace shmd::render
