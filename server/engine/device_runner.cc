#include "engine/device_runner.h"

#include "base/error.h"

#include <sys/eventfd.h>
#include <algorithm>

namespace shmd::engine {

namespace {

uint32_t MostCycle(const device::Device& device, uint32_t cycle_max_us) {
    return static_cast<uint32_t>(
        base::MulDiv(cycle_max_us, device.PlaybackFormat().rate_hz, 1'000'000));
}

template <typename Streams>
void Erase(Streams& streams, uint32_t stream_id) {
    std::erase_if(streams,
                  [=](const auto& s) { return s->Setup().stream_id == stream_id; });
}

}  // namespace

DeviceRunner::DeviceRunner(std::string name, std::unique_ptr<device::Device> device,
                           loop::Loop& loop, base::Clock& clock, const Options& options,
                           DeviceCallbacks callbacks)
    : name_{std::move(name)},
      device_{std::move(device)},
      clock_{clock},
      callbacks_{std::move(callbacks)},
      news_fd_{
          base::RequireNonNegative(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd")},
      renderer_{*device_, MostCycle(*device_, options.cycle_max_us)},
      service_timer_{loop, [this] { Service(); }},
      news_watch_{loop, news_fd_.Get(), [this](uint64_t) { OnNews(); }},
      thread_{renderer_,
              clock,
              {.realtime_priority = options.realtime_priority,
               .news_fd = news_fd_.Get(),
               .on_start = options.on_audio_start}} {}

DeviceRunner::~DeviceRunner() = default;

template <typename Change>
void DeviceRunner::ChangePlan(Change change) {
    change(plan_);
    renderer_.Publish(std::make_unique<const render::Plan>(plan_));
    thread_.Kick();
}

void DeviceRunner::Add(EndpointKind kind, const render::StreamSetup& setup) {
    ChangePlan([&](render::Plan& plan) {
        switch (kind) {
            case EndpointKind::kPlayback:
                plan.sources.push_back(std::make_shared<render::PlaybackSource>(
                    setup, device_->PlaybackFormat()));
                break;
            case EndpointKind::kCapture:
                plan.recorders.push_back(std::make_shared<render::CaptureSink>(
                    setup, device_->CaptureFormat()));
                break;
            case EndpointKind::kMonitor:
                plan.monitors.push_back(std::make_shared<render::CaptureSink>(
                    setup, device_->PlaybackFormat()));
                break;
        }
    });
}

void DeviceRunner::Remove(uint32_t stream_id) {
    ChangePlan([=](render::Plan& plan) {
        Erase(plan.sources, stream_id);
        Erase(plan.recorders, stream_id);
        Erase(plan.monitors, stream_id);
    });
}

void DeviceRunner::SetGain(uint32_t stream_id, float gain) {
    for (const auto& source : plan_.sources)
        if (source->Setup().stream_id == stream_id) source->SetGain(gain);
}

void DeviceRunner::Kick() {
    thread_.Kick();
    if (!service_timer_.Armed())
        service_timer_.ArmAtNs(clock_.NowNs() + device::Device::kServicePeriodNs);
}

void DeviceRunner::OnNews() {
    base::EventRecord record;
    while (renderer_.Events().TryPop(record))
        callbacks_.on_event(record);
    renderer_.FreeRetired();
    callbacks_.on_mail();
}

void DeviceRunner::Service() {
    // Asked before the files are served: what was played before a stop is then seen here.
    const bool was_running = renderer_.DeviceIsRunning();
    if (const std::string problem = device_->Service(); !problem.empty())
        callbacks_.on_problem(problem);
    if (was_running)
        service_timer_.ArmAtNs(clock_.NowNs() + device::Device::kServicePeriodNs);
}

}  // namespace shmd::engine
