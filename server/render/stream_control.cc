#include "render/stream_control.h"

#include "base/clock.h"

#include <algorithm>
#include <utility>

namespace shmd::render {

using wire::Command;
using wire::StreamState;
using wire::Wanted;

namespace {

// Who asks for the least period there is, in a buffer of many, gets it, but not a cycle
// for each.
constexpr uint32_t kMostCyclesPerSecond = 1000;
constexpr uint32_t kMostCyclesPerBuffer = 8;

uint32_t MostCycle(const StreamSetup& setup, uint32_t device_rate_hz) noexcept {
    const uint32_t slack = (setup.buffer_frames - setup.period_frames) / 2;
    const uint32_t least = std::min(setup.format.rate_hz / kMostCyclesPerSecond,
                                    setup.buffer_frames / kMostCyclesPerBuffer);
    const uint32_t period = std::max(setup.period_frames, least);
    const uint32_t frames = std::min(period, slack);
    return static_cast<uint32_t>(
        base::MulDiv(frames, device_rate_hz, setup.format.rate_hz));
}

}  // namespace

StreamControl::StreamControl(const StreamSetup& setup, uint32_t device_rate_hz) noexcept
    : setup_{setup},
      device_rate_hz_{device_rate_hz},
      most_cycle_frames_{MostCycle(setup, device_rate_hz)},
      woken_{setup.server_block->woken.load(std::memory_order_relaxed)} {}

StreamControl::StreamControl(const StreamControl& other, uint32_t device_rate_hz) noexcept
    : StreamControl{other} {
    device_rate_hz_ = device_rate_hz;
    most_cycle_frames_ = MostCycle(setup_, device_rate_hz);
}

StreamControl::Change StreamControl::ReadCommand(Context& context,
                                                 uint64_t device_frame) noexcept {
    const uint64_t word = setup_.client_block->command.load(std::memory_order_acquire);
    if (word == acted_ || faulted_) return Change::kNone;
    if (!Command::IsValid(word)) {
        EnterFault(context, Fault::kCommand, word);
        return Change::kOther;
    }
    const Command command = Command::Unpack(word);
    if (command.generation != setup_.generation) return Change::kNone;
    const bool is_new_epoch = !Command::SameEpoch(word, acted_);
    acted_ = word;
    if (!is_new_epoch) return Follow(command.wanted);
    if (command.wanted == Wanted::kStopped) {
        state_ = StreamState::kIdle;  // the end of this epoch is news after another's end
        EnterStopped();
        return Change::kOther;
    }
    const Change change = Start(context, device_frame);
    if (change == Change::kStarted) Follow(command.wanted);
    return change;
}

StreamControl::Change StreamControl::Start(Context& context,
                                           uint64_t device_frame) noexcept {
    const uint64_t start_untrusted =
        setup_.client_block->start_frames.load(std::memory_order_relaxed);
    if (start_untrusted > wire::kMaxFrameCount) {
        EnterFault(context, Fault::kStartFrame, start_untrusted);
        return Change::kOther;
    }
    Rebase(start_untrusted, device_frame);
    SetState(StreamState::kRunning);
    return Change::kStarted;
}

StreamControl::Change StreamControl::Follow(Wanted wanted) noexcept {
    switch (wanted) {
        case Wanted::kStopped:
            EnterStopped();
            return Change::kOther;
        case Wanted::kPaused:
            if (IsRunning()) SetState(StreamState::kPaused);
            return Change::kOther;
        case Wanted::kDraining:
            if (state_ == StreamState::kRunning) SetState(StreamState::kDraining);
            return Change::kOther;
        case Wanted::kRunning:
            if (state_ != StreamState::kPaused) return Change::kNone;
            SetState(StreamState::kRunning);
            return Change::kResumed;
    }
    return Change::kNone;
}

void StreamControl::SetState(StreamState state) noexcept {
    if (state_ == state) return;
    // The others follow from the client's own command: it need not be woken to hear them.
    state_is_news_ = state == StreamState::kXrun || state == StreamState::kStopped;
    has_moved_ = true;
    state_ = state;
}

uint64_t StreamControl::FrameAt(uint64_t device_frame) const noexcept {
    if (device_frame <= base_device_frame_) return base_frame_;
    const auto elapsed = static_cast<int64_t>(device_frame - base_device_frame_);
    return base_frame_ + static_cast<uint64_t>(base::MulDiv(
                             elapsed, setup_.format.rate_hz, device_rate_hz_));
}

void StreamControl::Rebase(uint64_t frame, uint64_t device_frame) noexcept {
    base_frame_ = frame;
    base_device_frame_ = device_frame;
}

void StreamControl::EnterXrun(Context& context, Event event, uint64_t missing,
                              uint64_t frame) noexcept {
    SetState(StreamState::kXrun);
    ++xruns_;
    ReportXrun(context, event, missing, frame);
}

void StreamControl::ReportXrun(Context& context, Event event, uint64_t missing,
                               uint64_t frame) noexcept {
    Counters::Add(setup_.counters->xruns);
    context.Report(event, setup_.stream_id, missing, frame);
}

void StreamControl::EnterFault(Context& context, Fault fault, uint64_t word) noexcept {
    if (faulted_) return;
    faulted_ = true;
    fault_ = fault;
    fault_word_ = word;
    SetState(StreamState::kStopped);
    TellFault(context);
}

/** The client must be dropped. A report that did not fit the queue is repeated later. */
void StreamControl::TellFault(Context& context) noexcept {
    fault_is_told_ = context.Report(Event::kFault, setup_.stream_id,
                                    static_cast<uint64_t>(fault_), fault_word_);
}

void StreamControl::Publish(Context& context, uint64_t frame, int64_t time_ns,
                            uint64_t limit_frames, uint64_t delay_frames) noexcept {
    if (faulted_ && !fault_is_told_) TellFault(context);
    if (cycle_ns_ != context.CycleNs()) {
        cycle_ns_ = context.CycleNs();
        setup_.server_block->cycle_ns.store(cycle_ns_, std::memory_order_relaxed);
    }
    shm::WritePosition(*setup_.server_block, {.acted = acted_,
                                              .state = state_,
                                              .frames = frame,
                                              .time_ns = time_ns,
                                              .limit_frames = limit_frames,
                                              .delay_frames = delay_frames,
                                              .xruns = xruns_});
    // Over the socket it would not know from when to count its position on.
    if (std::exchange(has_moved_, false) && setup_.is_over_socket) Tell(context);
    if (!state_is_news_) return;
    // Either this sees the wake request, or the client sees the end when it looks again:
    // both sides store and load `state` and `armed` in one order (seq_cst). Without a
    // request the news waits for the next one: nothing else would answer that.
    if (Wake(context)) state_is_news_ = false;
}

bool StreamControl::Wake(Context& context) noexcept {
    // The client raises `armed` after it has taken the last wake from its socket. Storing
    // `woken` before the next is sent means: a client that takes a wake also finds its
    // request answered, and makes a new one. The other order could lose a wake; this one
    // can at worst repeat it, when the client looks between the two.
    const uint64_t armed_untrusted =
        setup_.client_block->armed.load(std::memory_order_seq_cst);
    if (armed_untrusted == woken_) return false;
    woken_ = armed_untrusted;
    setup_.server_block->woken.store(woken_, std::memory_order_release);
    Counters::Add(context.Count().wakes);
    Counters::Add(setup_.counters->wakes);
    Tell(context);
    return true;
}

/** The loop sends: a Wake, or the words. */
void StreamControl::Tell(Context& context) noexcept {
    setup_.mailbox->wake.store(true, std::memory_order_release);
    context.SetNews();
}

}  // namespace shmd::render
