#include "render/renderer.h"

#include "audio/convert.h"
#include "audio/simd_targets.h"
#include "base/clock.h"

#include <algorithm>
#include <utility>

namespace shmd::render {

namespace {

// A thread that is this late was not merely preempted: the machine slept, or a debugger
// held it. The missed time is skipped, not played afterwards.
constexpr uint32_t kMostLateSeconds = 2;
// Shorter delays are ordinary scheduling jitter.
constexpr uint32_t kLeastLostPerSecond = 1000;
// While it waits for clients that lack frames.
constexpr uint32_t kLooksPerSecond = 4000;
// When to turn again after a report found the loop's queue full. The next turn repeats
// what the loop must learn (a device that is closed or has failed, a fault).
constexpr int64_t kReportAgainNs = 10 * base::kNsPerMs;

}  // namespace

Renderer::Renderer(device::Device& device, uint32_t most_cycle_frames, Counters& counters)
    : device_{device},
      playback_format_{device.PlaybackFormat()},
      least_cycle_frames_{device.LeastCycleFrames()},
      most_cycle_frames_{std::clamp(most_cycle_frames, device.LeastCycleFrames(),
                                    device.MostCycleFrames())},
      counters_{counters},
      plan_{std::make_unique<const Plan>()},
      scratch_{std::make_unique<Scratch>()},
      mix_(size_t{most_cycle_frames_} * playback_format_.channels),
      played_{playback_format_.FrameBytes(), 2 * most_cycle_frames_} {
    audio::simd::ChooseTarget();
}

Renderer::~Renderer() = default;

void Renderer::Publish(std::unique_ptr<const Plan> plan) {
    FreeRetired();
    next_plan_.Publish(std::move(plan));
}

void Renderer::FreeRetired() {
    std::unique_ptr<const Plan> plan;
    while (retired_plans_.TryPop(plan))
        plan.reset();
}

Renderer::Result Renderer::Turn(int64_t now_ns) noexcept {
    Result result = DoWhatIsDue(now_ns);
    if (context_.TakeLostReport())
        result.next_ns = std::min(result.next_ns, now_ns + kReportAgainNs);
    return result;
}

Renderer::Result Renderer::DoWhatIsDue(int64_t now_ns) noexcept {
    context_.SetNow(now_ns);
    turn_began_ = rendered_;
    Counters::Add(counters_.turns);
    TakePlan();
    ReadCommands();
    const bool was_running = is_running_.load(std::memory_order_relaxed);
    if (!was_running && !AnyIsRunning()) {
        PublishPositions(rendered_);
        return {device_.Rest(now_ns), context_.TakeNews()};
    }
    if (!was_running && !device_.Start(now_ns))
        return WaitForDevice(Event::kClosed, rendered_);
    if (!was_running) {
        Counters::Add(counters_.starts);
        context_.SetNews();
    }
    is_running_.store(true, std::memory_order_release);
    const uint64_t played = CatchUp(now_ns);
    if (device_.HasFailed())
        return WaitForDevice(Event::kFailed, std::min(played, rendered_));
    for (const auto& source : plan_->sources)
        source->EndDrain(std::min(played, rendered_));
    const bool waits = LetsClientsWrite(played);
    if (!waits) RenderUpTo(played);
    if (!AnyIsRunning()) StopDirect();
    DeliverUpTo(std::min(played, rendered_));
    PublishPositions(std::min(played, rendered_));
    const bool news = context_.TakeNews();
    if (waits) return {now_ns + base::kNsPerSecond / kLooksPerSecond, news};
    // The last cycle is played to its end before the device stops.
    if (AnyIsRunning() || played < rendered_)
        return {device_.TimeOfFrameNs(rendered_), news};
    device_.Stop();
    cycle_.Forget();
    is_running_.store(false, std::memory_order_release);
    return {device_.Rest(now_ns), true};
}

void Renderer::StopDirect() noexcept {
    for (const auto& source : plan_->sources)
        source->ForbidDirect();
    EndDirect();
}

void Renderer::TakePlan() noexcept {
    std::unique_ptr<const Plan> next = next_plan_.Take();
    if (!next) return;
    plan_.swap(next);
    if (plan_->rings_returned != next->rings_returned) {
        is_direct_ = true;  // a client that maps the ring may write at any time
        StopDirect();
    }
    device_.KeepCaptured(!plan_->recorders.empty());
    // The loop makes room before each Publish, so this cannot fail. Were it to, the plan
    // would be freed here, which is wrong on this thread and still better than a leak.
    retired_plans_.TryPush(std::move(next));
    context_.SetNews();
}

void Renderer::ReadCommands() noexcept {
    for (const auto& source : plan_->sources)
        source->ReadCommand(context_, rendered_);
    for (const auto& sink : plan_->recorders)
        sink->ReadCommand(context_, delivered_);
    for (const auto& sink : plan_->monitors)
        sink->ReadCommand(context_, delivered_);
}

bool Renderer::AnyIsRunning() const noexcept {
    const auto running = [](const auto& stream) { return stream->IsRunning(); };
    return std::ranges::any_of(plan_->sources, running) ||
           std::ranges::any_of(plan_->recorders, running) ||
           std::ranges::any_of(plan_->monitors, running);
}

uint32_t Renderer::MostCycleFrames() const noexcept {
    uint32_t cycle = most_cycle_frames_;
    const auto shorten = [&cycle](const auto& stream) {
        if (stream->IsRunning()) cycle = std::min(cycle, stream->MostCycleFrames());
    };
    std::ranges::for_each(plan_->sources, shorten);
    std::ranges::for_each(plan_->recorders, shorten);
    std::ranges::for_each(plan_->monitors, shorten);
    return std::max(cycle, least_cycle_frames_);
}

uint32_t Renderer::NextCycleFrames() noexcept {
    const uint32_t before = cycle_.Frames();
    const uint32_t frames = cycle_.Next(MostCycleFrames(), rendered_);
    if (frames != before)
        context_.SetCycle(
            base::MulDiv(frames, base::kNsPerSecond, playback_format_.rate_hz));
    return frames;
}

/** The loop must open it, or find another: ask, and be still until it does. */
Renderer::Result Renderer::WaitForDevice(Event event, uint64_t played) noexcept {
    is_running_.store(false, std::memory_order_release);
    context_.Report(event, 0, 0, 0);
    PublishPositions(played);
    context_.TakeNews();
    return {base::kNever, true};
}

/**
 * Time that is given up is lost to those that record: they hear of it. A player's frames
 * are all heard, and its position says how late, so it goes on where it was.
 * @return the frame that the device is at now
 */
uint64_t Renderer::CatchUp(int64_t now_ns) noexcept {
    const uint64_t played = device_.PositionFrames(now_ns);
    const uint64_t gap = device_.GapFrames();
    if (gap != gap_frames_) {
        const uint64_t lost = gap - std::exchange(gap_frames_, gap);
        context_.Report(Event::kLate, 0, lost, 0);
        // Of a device that captures; the gap of one that plays was silence.
        LoseFrames(plan_->recorders, lost);
    }
    const uint64_t most_late = uint64_t{kMostLateSeconds} * playback_format_.rate_hz;
    if (played <= rendered_ + most_late) return played;
    context_.Report(Event::kLate, 0, played - rendered_, 0);
    LoseFrames(plan_->recorders, played - rendered_);
    LoseFrames(plan_->monitors, played - rendered_);
    device_.Stop();
    return device_.Start(now_ns) ? device_.PositionFrames(now_ns) : rendered_;
}

void Renderer::LoseFrames(const std::vector<std::shared_ptr<CaptureSink>>& sinks,
                          uint64_t frames) noexcept {
    for (const auto& sink : sinks)
        sink->LoseFrames(context_, frames);
}

/** Whether to wait for clients that lack frames of what is due. */
bool Renderer::LetsClientsWrite(uint64_t played) noexcept {
    if (played < rendered_) return false;
    if (std::exchange(awaited_, rendered_) != rendered_) look_ = grace_end_ = rendered_;
    const uint64_t cycle = std::max(cycle_.Frames(), 1U);
    const uint64_t due = rendered_ + ((played - rendered_) / cycle + 1) * cycle;
    const bool waits = GivesLostTime(played, due) || KeepsNobodyWaiting(played, due);
    look_ = played + playback_format_.rate_hz / kLooksPerSecond;
    return waits;
}

/**
 * Who is held up by the machine is not alone: a client that lacks frames now could not
 * write them either. It gets as long as was lost, while the device can bear it.
 */
bool Renderer::GivesLostTime(uint64_t played, uint64_t due) noexcept {
    const uint64_t lost = played - std::min(played, look_);
    if (lost >= playback_format_.rate_hz / kLeastLostPerSecond)
        grace_end_ = std::min(played + lost, rendered_ + device_.GraceFrames());
    return played < grace_end_ &&
           std::ranges::any_of(plan_->sources, [&](const auto& source) {
               return source->IsShortOf(context_, due);
           });
}

/**
 * Frames are read a cycle ahead of the position. A client that lacks some of them has
 * time until the position is at its last one, as on a card, where that keeps nobody else
 * waiting: where all that run lack some.
 */
bool Renderer::KeepsNobodyWaiting(uint64_t played, uint64_t due) noexcept {
    const auto is_recording = [](const auto& sink) { return sink->IsRunning(); };
    return AnyIsRunning() && played < rendered_ + device_.GraceFrames() &&
           std::ranges::none_of(plan_->recorders, is_recording) &&
           std::ranges::none_of(plan_->monitors, is_recording) &&
           std::ranges::all_of(plan_->sources, [&](const auto& source) {
               return !source->IsRunning() ||
                      (source->StopsAtItsEnd() && source->IsShortOf(context_, due) &&
                       !source->IsShortOf(context_, played + 1));
           });
}

void Renderer::RenderUpTo(uint64_t played) noexcept {
    while (rendered_ <= played && AnyIsRunning() && !device_.HasFailed())
        RenderCycle();
}

void Renderer::RenderCycle() noexcept {
    const uint64_t from = rendered_;
    const bool is_watched = guard_.IsWatching();
    const int64_t began_ns = is_watched ? processor_clock_() : 0;
    DeliverUpTo(rendered_);
    RenderBlock(NextCycleFrames());
    if (is_watched) GuardCycle(began_ns, from);
}

int64_t Renderer::SoundNs(uint64_t frames) const noexcept {
    return base::MulDiv(static_cast<int64_t>(frames), base::kNsPerSecond,
                        playback_format_.rate_hz);
}

void Renderer::NoteTurnTime(int64_t elapsed_ns) noexcept {
    guard_.NoteTurn(elapsed_ns, SoundNs(rendered_ - turn_began_));
}

/** A cycle from frame `from` on was rendered. */
void Renderer::GuardCycle(int64_t began_ns, uint64_t from) noexcept {
    const int64_t ended_ns = processor_clock_();
    Counters::Add(counters_.system_calls, 2);
    if (guard_.AddBlock(ended_ns - began_ns, SoundNs(rendered_ - from))) StopTheDearest();
}

/** Call `use` with all streams that run. */
template <typename Use>
void Renderer::ForEachRunning(Use use) const noexcept {
    const auto visit = [&](const auto& stream) {
        if (stream->IsRunning()) use(*stream);
    };
    std::ranges::for_each(plan_->sources, visit);
    std::ranges::for_each(plan_->recorders, visit);
    std::ranges::for_each(plan_->monitors, visit);
}

Renderer::Share Renderer::ShareOf(uid_t uid) const noexcept {
    Share share;
    ForEachRunning([&](const auto& stream) {
        if (stream.Setup().uid != uid) return;
        share.cost_ns += stream.CostNs();
        ++share.streams;
    });
    return share;
}

/**
 * The thread's time is used up. Take the user whose streams take most of it, and stop the
 * newest of those streams that take no less than that user's mean.
 */
void Renderer::StopTheDearest() noexcept {
    uid_t dearest = 0;
    Share most{-1, 1};
    ForEachRunning([&](const auto& stream) {
        const uid_t uid = stream.Setup().uid;
        if (uid == dearest && most.cost_ns >= 0) return;
        if (const Share share = ShareOf(uid); share.cost_ns > most.cost_ns) {
            most = share;
            dearest = uid;
        }
    });
    uint64_t newest = 0;
    ForEachRunning([&](const auto& stream) {
        const bool is_dear = stream.CostNs() * most.streams >= most.cost_ns;
        if (stream.Setup().uid == dearest && is_dear)
            newest = std::max(newest, stream.Setup().stream_id);
    });
    ForEachRunning([&](auto& stream) {
        if (stream.Setup().stream_id == newest) stream.StopForItsCost(context_);
    });
}

void Renderer::RenderBlock(uint32_t frames) noexcept {
    bool any_is_running = false;
    PlaybackSource* const only = FindOnlyExactSource(any_is_running);
    PlaybackSource* const direct = OfferRing(only) ? only : nullptr;
    if (direct != nullptr && direct->IsDirect(context_, frames)) {
        direct->SkipDirect(frames);
        device_.SkipBlock(frames);
        rendered_ += frames;
        return Counters::Add(counters_.cycles);
    }
    if (direct == nullptr) EndDirect();
    const std::span<std::byte> block = device_.BeginBlock(frames);
    if (!block.empty()) FillBlock(block, frames, only, any_is_running);
    device_.EndBlock(frames);
    if (!plan_->monitors.empty()) played_.Push(rendered_, block);
    rendered_ += frames;
    Counters::Add(counters_.cycles);
}

/** Let the source that is alone write into the card's ring, and no other. */
bool Renderer::OfferRing(PlaybackSource* only) noexcept {
    // Monitors get what is rendered here, not what a client writes into the ring.
    const auto place =
        plan_->monitors.empty() ? device_.NextPlace() : std::optional<uint32_t>{};
    for (const auto& source : plan_->sources)
        if (source.get() != only || !place) source->ForbidDirect();
    const bool is_offered = only != nullptr && place && only->AllowDirect(*place);
    is_direct_ = is_direct_ || is_offered;
    return is_offered;
}

/** Nothing that a client wrote ahead may be heard any more. */
void Renderer::EndDirect() noexcept {
    if (std::exchange(is_direct_, false)) device_.SilenceAhead();
}

void Renderer::FillBlock(std::span<std::byte> block, uint32_t frames,
                         PlaybackSource* only, bool any_is_running) noexcept {
    if (only != nullptr) {
        only->CopyInto(context_, block, rendered_);
        Counters::Add(counters_.exact_cycles);
    } else if (any_is_running) {
        Mix(block, frames);
    } else {
        audio::FillSilence(playback_format_.sample, block);
    }
}

PlaybackSource* Renderer::FindOnlyExactSource(bool& any_is_running) const noexcept {
    PlaybackSource* only = nullptr;
    for (const auto& source : plan_->sources) {
        if (!source->IsRunning()) continue;
        if (any_is_running) return nullptr;
        any_is_running = true;
        if (source->IsExact()) only = source.get();
    }
    return only;
}

void Renderer::Mix(std::span<std::byte> block, uint32_t frames) noexcept {
    mix_.Begin(size_t{frames} * playback_format_.channels);
    for (const auto& source : plan_->sources)
        if (source->IsRunning() && !source->AddPlain(context_, mix_, frames))
            source->MixInto(context_, *scratch_, mix_.Floats(), rendered_);
    mix_.Store(playback_format_.sample, block);
}

void Renderer::DeliverUpTo(uint64_t played) noexcept {
    if (played <= delivered_) return;
    for (auto run = device_.CapturedBefore(played); !run.empty();
         run = device_.CapturedBefore(played))
        Deliver(plan_->recorders, run);
    for (auto run = played_.FrontBefore(played); !run.empty();
         run = played_.FrontBefore(played)) {
        Deliver(plan_->monitors, run);
        played_.Pop(run.size());
    }
    delivered_ = played;
}

void Renderer::Deliver(const std::vector<std::shared_ptr<CaptureSink>>& sinks,
                       std::span<const std::byte> run) noexcept {
    for (const auto& sink : sinks)
        if (sink->IsRunning()) sink->Deliver(context_, *scratch_, run);
}

void Renderer::PublishPositions(uint64_t played) noexcept {
    const int64_t time_ns = is_running_.load(std::memory_order_relaxed)
                                ? device_.TimeOfFrameNs(played)
                                : context_.NowNs();
    for (const auto& source : plan_->sources)
        source->Publish(context_, played, time_ns);
    for (const auto& sink : plan_->recorders)
        sink->Publish(context_, time_ns);
    for (const auto& sink : plan_->monitors)
        sink->Publish(context_, time_ns);
}

}  // namespace shmd::render
