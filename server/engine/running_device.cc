#include "engine/running_device.h"

#include "base/error.h"

#include <sys/eventfd.h>
#include <utility>

namespace shmd::engine {

namespace {

uint32_t MostCycle(const device::Device& device, uint32_t cycle_max_us) {
    return static_cast<uint32_t>(
        base::MulDiv(cycle_max_us, device.PlaybackFormat().rate_hz, 1'000'000));
}

}  // namespace

RunningDevice::RunningDevice(device::Device& device, loop::Loop& loop, base::Clock& clock,
                             render::Counters& counters, const Options& options,
                             std::function<void()> on_news)
    : news_fd_{base::RequireNonNegative(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
                                        "eventfd")},
      renderer_{device, MostCycle(device, options.cycle_max_us), counters},
      news_watch_{loop, news_fd_.Get(),
                  [tell = std::move(on_news)](uint64_t) { tell(); }},
      thread_{std::make_unique<render::RenderThread>(
          renderer_, clock,
          render::RenderThread::Options{.news_fd = news_fd_.Get(),
                                        .on_start = options.on_audio_start})} {
    TakeUpRealtime(options.realtime_priority);
}

void RunningDevice::TakeUpRealtime(int priority) noexcept {
    if (priority > 0 && thread_) realtime_ = MakeRealtime(thread_->Id(), priority);
}

void RunningDevice::GiveUpRealtime() noexcept {
    if (realtime_ == Realtime::kNo || !thread_) return;
    MakeOrdinary(thread_->Id());
    realtime_ = Realtime::kNo;
}

}  // namespace shmd::engine
