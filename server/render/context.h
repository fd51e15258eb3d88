#pragma once

#include "base/event_log.h"
#include "render/counters.h"
#include "render/events.h"

#include <cstdint>
#include <utility>

namespace shmd::render {

/** How a stream reports and counts while the audio thread handles it. */
class Context {
  public:
    Context(base::EventLog& events, Counters& counters) noexcept
        : events_{&events}, counters_{&counters} {}

    /** @return false when the loop is too slow to hear it. Thread: audio. Realtime: yes.
     */
    bool Report(Event event, uint64_t subject, uint64_t a, uint64_t b) noexcept {
        has_news_ = true;
        const bool is_told =
            events_->Push({now_ns_, static_cast<uint32_t>(event), subject, a, b});
        has_lost_report_ = has_lost_report_ || !is_told;
        return is_told;
    }

    /** Whether a report was lost since the last call. Thread: audio. Realtime: yes. */
    bool TakeLostReport() noexcept { return std::exchange(has_lost_report_, false); }

    /** There is something else for the loop to look at. Thread: audio. Realtime: yes. */
    void SetNews() noexcept { has_news_ = true; }

    /** Whether there was news since the last call. Thread: audio. Realtime: yes. */
    bool TakeNews() noexcept {
        const bool news = has_news_;
        has_news_ = false;
        return news;
    }

    void SetNow(int64_t now_ns) noexcept { now_ns_ = now_ns; }
    [[nodiscard]] int64_t NowNs() const noexcept { return now_ns_; }
    /** How long a cycle is at present. */
    void SetCycle(int64_t cycle_ns) noexcept { cycle_ns_ = cycle_ns; }
    [[nodiscard]] int64_t CycleNs() const noexcept { return cycle_ns_; }
    [[nodiscard]] Counters& Count() noexcept { return *counters_; }

  private:
    base::EventLog* events_;
    Counters* counters_;
    int64_t now_ns_ = 0;
    int64_t cycle_ns_ = 0;
    bool has_news_ = false;
    bool has_lost_report_ = false;
};

}  // namespace shmd::render
