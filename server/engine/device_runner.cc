#include "engine/device_runner.h"

#include "base/error.h"
#include "engine/stream_cost.h"

#include <algorithm>
#include <cerrno>
#include <exception>
#include <new>
#include <utility>

namespace shmd::engine {

namespace {

// An application that plays answers at its next period; one that is stopped never does.
constexpr int64_t kRecallTimeoutNs = base::kNsPerSecond;
// After a lack of memory or threads. Beside that lack this much silence does not matter.
constexpr int64_t kRetryNs = 50 * base::kNsPerMs;

constexpr int64_t kAtOnce = 0;  // a time in the past

template <typename Streams>
void Erase(Streams& streams, uint64_t stream_id) {
    std::erase_if(streams,
                  [=](const auto& s) { return s->Setup().stream_id == stream_id; });
}

void Put(const MadeStream& stream, render::Plan& plan) {
    switch (stream.target.kind) {
        case EndpointKind::kPlayback:
            return plan.sources.push_back(stream.source);
        case EndpointKind::kCapture:
            return plan.recorders.push_back(stream.sink);
        case EndpointKind::kMonitor:
            return plan.monitors.push_back(stream.sink);
    }
}

}  // namespace

/** What a helper makes from a MovingStream. The loop takes it when it is done. */
struct StreamMaking {
    StreamTarget target;
    render::StreamSetup setup;
    MadeStream stream;
    bool is_made = false;

    /** Thread: the helper. */
    void Make() noexcept {
        try {
            stream = MakeStream(target, setup);
            is_made = true;
        } catch (const std::exception&) {
            // There was no memory.
        }
    }
};

DeviceRunner::DeviceRunner(std::string name, std::unique_ptr<device::Device> device,
                           loop::Loop& loop, base::Clock& clock, Options options,
                           DeviceCallbacks callbacks)
    : name_{std::move(name)},
      loop_{loop},
      clock_{clock},
      options_{std::move(options)},
      callbacks_{std::move(callbacks)},
      admission_{1, options_.owner},
      retry_timer_{loop, [this] { GoOn(); }},
      recall_timer_{loop, [this] { AfterRecall(); }},
      service_timer_{loop, [this] { Serve(); }},
      device_{std::move(device)},
      running_{Run()} {}

DeviceRunner::~DeviceRunner() = default;

std::unique_ptr<RunningDevice> DeviceRunner::Run() {
    Options options = options_;
    if (!has_realtime_) options.realtime_priority = 0;
    return std::make_unique<RunningDevice>(*device_, loop_, clock_, counters_, options,
                                           [this] { OnNews(); });
}

/** Errors: std::bad_alloc, and nothing has changed. */
template <typename Change>
void DeviceRunner::ChangePlan(Change change) {
    render::Plan changed = plan_;
    change(changed);
    auto published = std::make_unique<const render::Plan>(changed);
    plan_ = std::move(changed);
    if (!running_) return;  // Begin publishes it
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
        ChangePlan([&](render::Plan& plan) { Put(stream, plan); });
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
    std::erase_if(moving_, [=](const MovingStream& moving) {
        return moving.old.Setup().stream_id == stream_id;
    });
    Dismiss(stream_id);
}

void DeviceRunner::SetGain(uint64_t stream_id, float gain) {
    for (const auto& source : plan_.sources)
        if (source->Setup().stream_id == stream_id) source->SetGain(gain);
    for (const MovingStream& moving : moving_)
        if (moving.old.source && moving.old.Setup().stream_id == stream_id)
            moving.old.source->SetGain(gain);
}

void DeviceRunner::Kick() {
    if (running_) running_->Thread().Kick();
}

std::unique_ptr<device::Device> DeviceRunner::Detach() {
    retry_timer_.Cancel();
    if (!running_) return std::move(device_);  // its streams never ran on it
    earlier_audio_time_ns_ = AudioTimeNs();
    running_->EndThread();
    rest_ = render::PlaybackSource::Rest::kLost;
    try {
        OnNews();
        if (device_->Finish()) rest_ = render::PlaybackSource::Rest::kHeard;
    } catch (const std::exception&) {
        // No memory to report its events: they are lost, as when the loop is slow.
    }
    earlier_dropped_events_ = DroppedEvents();
    running_.reset();
    return std::move(device_);
}

void DeviceRunner::Attach(std::unique_ptr<device::Device> device) {
    device_ = std::move(device);
    has_complained_ = false;
    GoOn();
}

/** Finish what Attach began; what fails is tried again. */
void DeviceRunner::GoOn() noexcept {
    try {
        if (!running_) Begin();
        if (must_tell_exchange_) callbacks_.on_exchanged();
        must_tell_exchange_ = false;
        MakeMoving();
    } catch (const std::exception& error) {
        retry_timer_.ArmAtNs(clock_.NowNs() + kRetryNs);
        Complain(error.what());
    }
}

/** Once for each device. */
void DeviceRunner::Complain(const char* why) noexcept {
    try {
        if (!std::exchange(has_complained_, true))
            callbacks_.on_problem(std::string{"its streams have to wait: "} + why);
    } catch (const std::bad_alloc&) {
        has_complained_ = false;
    }
}

/** Errors: as the constructor, and nothing has changed. */
void DeviceRunner::Begin() {
    Streams moved = MovedStreams();
    auto published = std::make_unique<const render::Plan>(moved.plan);
    auto running = Run();
    running->Renderer().Publish(std::move(published));
    // From here on nothing throws.
    plan_ = std::move(moved.plan);
    moving_ = std::move(moved.moving);
    running_ = std::move(running);
    UpdateCosts();
    Kick();
    grants_ = 0;
    is_recalling_ = false;
    must_tell_exchange_ = true;
}

/** All streams, for the present device. */
DeviceRunner::Streams DeviceRunner::MovedStreams() const {
    Streams moved;
    moved.plan.rings_returned = plan_.rings_returned;
    for (const auto& source : plan_.sources)
        Move(moved, {TargetOf(EndpointKind::kPlayback), source, {}}, rest_);
    for (const auto& sink : plan_.recorders)
        Move(moved, {TargetOf(EndpointKind::kCapture), {}, sink}, rest_);
    for (const auto& sink : plan_.monitors)
        Move(moved, {TargetOf(EndpointKind::kMonitor), {}, sink}, rest_);
    for (const MovingStream& moving : moving_)
        Move(moved, moving.old, moving.rest);
    return moved;
}

void DeviceRunner::Move(Streams& moved, MadeStream old,
                        render::PlaybackSource::Rest rest) const {
    const StreamTarget target = TargetOf(old.target.kind);
    if (options_.helpers == nullptr || IsQuicklyMoved(target, old))
        return Put(MoveStream(target, old, rest), moved.plan);
    moved.moving.push_back({std::move(old), rest, nullptr});
}

void DeviceRunner::UpdateCosts() noexcept {
    const auto update = [this](const auto& streams) {
        for (const auto& stream : streams)
            UpdateCost(stream->Setup().stream_id, stream->CostNs());
    };
    update(plan_.sources);
    update(plan_.recorders);
    update(plan_.monitors);
}

/** Ask the helpers for the streams that they are not making yet. Errors: as Helpers::Run.
 */
void DeviceRunner::MakeMoving() {
    for (MovingStream& moving : moving_) {
        if (moving.made) continue;
        const render::StreamSetup& setup = moving.old.Setup();
        const auto making = std::make_shared<StreamMaking>();
        making->target = TargetOf(moving.old.target.kind);
        making->setup = setup;
        options_.helpers->Run(
            setup.uid, [making] { making->Make(); },
            [this, made = std::weak_ptr{making}] {
                // The stream may have been removed, or moved on, and then owns it no
                // more.
                if (const auto still = made.lock()) TakeMoved(*still);
            });
        moving.made = making;
    }
}

void DeviceRunner::TakeMoved(const StreamMaking& made) noexcept {
    const auto moving = std::ranges::find(
        moving_, &made, [](const MovingStream& m) { return m.made.get(); });
    if (moving == moving_.end() || !running_) return;  // it is for no device any more
    if (made.is_made) try {
            GoOnFrom(made.stream, moving->old, moving->rest);
            ChangePlan([&](render::Plan& plan) { Put(made.stream, plan); });
            UpdateCost(made.setup.stream_id, made.stream.CostNs());
            moving_.erase(moving);
            return;
        } catch (const std::bad_alloc&) {
            // The same as if the helper had no memory.
        }
    moving->made = nullptr;
    retry_timer_.ArmAtNs(clock_.NowNs() + kRetryNs);
}

device::SharedRing DeviceRunner::ShareRing(bool unrestricted) {
    if (is_recalling_ || !running_)
        base::ThrowError(EBUSY, "the card is about to change");
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
    if (grants_ == 0 && after_recall_) EndRecall();
    if (grants_ == 0 && !DeviceIsRunning()) callbacks_.on_stopped();
}

void DeviceRunner::Recall(std::function<void()> then) {
    if (grants_ == 0) return then();
    is_recalling_ = true;
    after_recall_ = std::move(then);
    recall_timer_.ArmAtNs(clock_.NowNs() + kRecallTimeoutNs);
    callbacks_.on_recall();
}

/** By the timer, which takes no memory, so that the work cannot be lost. */
void DeviceRunner::EndRecall() {
    recall_timer_.ArmAtNs(kAtOnce);
}

void DeviceRunner::AfterRecall() {
    const auto then = std::exchange(after_recall_, nullptr);
    if (grants_ > 0) try {
            callbacks_.on_problem("a client keeps the card's ring");
        } catch (const std::bad_alloc&) {
            // No memory for the line: the work itself matters more.
        }
    if (then) then();
}

void DeviceRunner::GiveUpRealtime() noexcept {
    has_realtime_ = false;
    if (running_) running_->GiveUpRealtime();
}

void DeviceRunner::TakeUpRealtime() noexcept {
    if (std::exchange(has_realtime_, true) || !running_) return;
    running_->TakeUpRealtime(options_.realtime_priority);
}

int64_t DeviceRunner::AudioTimeNs() const noexcept {
    return earlier_audio_time_ns_ + (running_ ? running_->Thread().ProcessorTimeNs() : 0);
}

uint64_t DeviceRunner::DroppedEvents() const noexcept {
    return earlier_dropped_events_ +
           (running_ ? running_->Renderer().DroppedEvents() : 0);
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
    return DeviceIsRunning() ? Device().NeedsService()
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
