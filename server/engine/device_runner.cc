#include "engine/device_runner.h"

#include "base/error.h"
#include "engine/stream_cost.h"

#include <algorithm>
#include <cerrno>
#include <new>
#include <type_traits>
#include <utility>

namespace shmd::engine {

namespace {

// An application that plays answers at its next period; one that is stopped never does.
constexpr int64_t kRecallTimeoutNs = base::kNsPerSecond;

template <typename Streams>
void Erase(Streams& streams, uint64_t stream_id) {
    std::erase_if(streams,
                  [=](const auto& s) { return s->Setup().stream_id == stream_id; });
}

}  // namespace

DeviceRunner::DeviceRunner(std::string name, std::unique_ptr<device::Device> device,
                           loop::Loop& loop, base::Clock& clock, Options options,
                           DeviceCallbacks callbacks)
    : name_{std::move(name)},
      loop_{loop},
      clock_{clock},
      options_{std::move(options)},
      callbacks_{std::move(callbacks)},
      admission_{1, options_.owner},
      recall_timer_{loop,
                    [this] {
                        callbacks_.on_problem("a client keeps the card's ring");
                        EndRecall();
                    }},
      service_timer_{loop, [this] { Serve(); }},
      running_{Run(std::move(device))} {}

DeviceRunner::~DeviceRunner() = default;

std::unique_ptr<RunningDevice> DeviceRunner::Run(std::unique_ptr<device::Device> device) {
    Options options = options_;
    if (!has_realtime_) options.realtime_priority = 0;
    return std::make_unique<RunningDevice>(std::move(device), loop_, clock_, counters_,
                                           options, [this] { OnNews(); });
}

/** Errors: std::bad_alloc, and nothing has changed. */
template <typename Change>
void DeviceRunner::ChangePlan(Change change) {
    render::Plan changed = plan_;
    change(changed);
    auto published = std::make_unique<const render::Plan>(changed);
    plan_ = std::move(changed);
    running_->Renderer().Publish(std::move(published));
    running_->Thread().Kick();
}

/** Errors: EBUSY; std::bad_alloc. The caller dismisses it then. */
void DeviceRunner::Admit(const MadeStream& stream) {
    const render::StreamSetup& setup = stream.Setup();
    const Admission::Cost cost{stream.CostNs(), stream.IsPlain()};
    for (Admission* const admission : {&admission_, options_.machine}) {
        if (admission == nullptr) continue;
        const std::string why_not = admission->TryAdd(setup.stream_id, setup.uid, cost);
        if (!why_not.empty()) base::ThrowError(EBUSY, why_not.c_str());
    }
}

void DeviceRunner::Dismiss(uint64_t stream_id) noexcept {
    admission_.Remove(stream_id);
    if (options_.machine != nullptr) options_.machine->Remove(stream_id);
}

/** They play already: on a device where they take more, also beyond the share. */
void DeviceRunner::UpdateCost(uint64_t stream_id, int64_t cost_ns) noexcept {
    admission_.Update(stream_id, cost_ns);
    if (options_.machine != nullptr) options_.machine->Update(stream_id, cost_ns);
}

StreamTarget DeviceRunner::TargetOf(EndpointKind kind) const noexcept {
    const device::Device& device = Device();
    return {.kind = kind,
            .format = kind == EndpointKind::kCapture ? device.CaptureFormat()
                                                     : device.PlaybackFormat(),
            .latency_frames = device.LatencyFrames()};
}

void DeviceRunner::Add(const MadeStream& stream) {
    try {
        Admit(stream);
        ChangePlan([&](render::Plan& plan) {
            switch (stream.target.kind) {
                case EndpointKind::kPlayback:
                    return plan.sources.push_back(stream.source);
                case EndpointKind::kCapture:
                    return plan.recorders.push_back(stream.sink);
                case EndpointKind::kMonitor:
                    return plan.monitors.push_back(stream.sink);
            }
        });
    } catch (...) {
        Dismiss(stream.Setup().stream_id);
        throw;
    }
}

void DeviceRunner::Remove(uint64_t stream_id) {
    ChangePlan([=](render::Plan& plan) {
        Erase(plan.sources, stream_id);
        Erase(plan.recorders, stream_id);
        Erase(plan.monitors, stream_id);
    });
    Dismiss(stream_id);
}

void DeviceRunner::SetGain(uint64_t stream_id, float gain) {
    for (const auto& source : plan_.sources)
        if (source->Setup().stream_id == stream_id) source->SetGain(gain);
}

void DeviceRunner::Kick() {
    running_->Thread().Kick();
}

std::unique_ptr<device::Device> DeviceRunner::Detach() {
    earlier_audio_time_ns_ = AudioTimeNs();
    running_->EndThread();
    OnNews();
    earlier_dropped_events_ = DroppedEvents();
    std::unique_ptr<device::Device> device = running_->TakeDevice();
    running_.reset();
    rest_ = device->Finish() ? render::PlaybackSource::Rest::kHeard
                             : render::PlaybackSource::Rest::kLost;
    return device;
}

void DeviceRunner::Attach(std::unique_ptr<device::Device> device) {
    const auto move = [&](auto& stream, const auto&... arguments) {
        using Stream = typename std::remove_reference_t<decltype(stream)>::element_type;
        stream = std::make_shared<Stream>(*stream, arguments...);
        stream->SetCostNs(MeasureCostNs(*stream, device->PlaybackFormat().rate_hz));
        UpdateCost(stream->Setup().stream_id, stream->CostNs());
    };
    for (auto& source : plan_.sources)
        move(source, rest_, device->PlaybackFormat(), device->LatencyFrames());
    for (auto& sink : plan_.recorders)
        move(sink, device->CaptureFormat());
    for (auto& sink : plan_.monitors)
        move(sink, device->PlaybackFormat());
    running_ = Run(std::move(device));
    ChangePlan([](render::Plan&) {});
    Kick();
    grants_ = 0;
    is_recalling_ = false;
    callbacks_.on_exchanged();
}

device::SharedRing DeviceRunner::ShareRing(bool unrestricted) {
    if (is_recalling_) base::ThrowError(EBUSY, "the card is about to change");
    Device().Open();
    return Device().ShareRing(unrestricted);
}

void DeviceRunner::GrantRing(uint64_t stream_id, uint32_t ring_frames) {
    for (const auto& source : plan_.sources)
        if (source->Setup().stream_id == stream_id) source->GrantRing(ring_frames);
}

void DeviceRunner::DropGrant() {
    ChangePlan([](render::Plan& plan) { ++plan.rings_returned; });
    if (grants_ > 0) --grants_;
    if (grants_ == 0 && after_recall_) try {
            EndRecall();
        } catch (const std::bad_alloc&) {
            // The recall's timer ends it.
        }
    if (grants_ == 0 && !DeviceIsRunning()) callbacks_.on_stopped();
}

void DeviceRunner::Recall(std::function<void()> then) {
    if (grants_ == 0) return then();
    is_recalling_ = true;
    after_recall_ = std::move(then);
    recall_timer_.ArmAtNs(clock_.NowNs() + kRecallTimeoutNs);
    callbacks_.on_recall();
}

void DeviceRunner::EndRecall() {
    loop_.Defer(after_recall_);
    after_recall_ = nullptr;
    recall_timer_.Cancel();
}

void DeviceRunner::GiveUpRealtime() noexcept {
    has_realtime_ = false;
    running_->GiveUpRealtime();
}

void DeviceRunner::TakeUpRealtime() noexcept {
    if (std::exchange(has_realtime_, true)) return;
    running_->TakeUpRealtime(options_.realtime_priority);
}

int64_t DeviceRunner::AudioTimeNs() const noexcept {
    return earlier_audio_time_ns_ + running_->Thread().ProcessorTimeNs();
}

uint64_t DeviceRunner::DroppedEvents() const noexcept {
    return earlier_dropped_events_ + running_->Renderer().DroppedEvents();
}

void DeviceRunner::OnNews() {
    base::EventRecord record;
    while (running_->Renderer().Events().TryPop(record))
        callbacks_.on_event(record);
    running_->Renderer().FreeRetired();
    if (HasToServe() && !service_timer_.Armed()) ServeSoon();
    callbacks_.on_mail();
}

/** It starts and stops by itself, as its clients' words say. */
bool DeviceRunner::HasToServe() const noexcept {
    return DeviceIsRunning() ? running_->Device().NeedsService()
                             : counters_.starts != ended_starts_;
}

void DeviceRunner::ServeSoon() {
    service_timer_.ArmAtNs(clock_.NowNs() + device::Device::kServicePeriodNs);
}

void DeviceRunner::Serve() {
    // Asked before the files are served: what was played before a stop is then seen here.
    const uint64_t starts = counters_.starts;
    const bool was_running = DeviceIsRunning();
    if (const std::string problem = Device().Service(); !problem.empty())
        callbacks_.on_problem(problem);
    if (was_running) {
        if (HasToServe()) ServeSoon();
        return;
    }
    ended_starts_ = starts;
    callbacks_.on_stopped();
}

}  // namespace shmd::engine
