#include "device/alsa_playback.h"

#include "base/clock.h"
#include "device/alsa_audio.h"
#include "device/device_spec.h"

#include <algorithm>
#include <cassert>

namespace shmd::device {

namespace {

/** How long to leave a card alone that is about to have played all. */
constexpr int64_t kLeastRestNs = base::kNsPerMs;

}  // namespace

const audio::StreamFormat& AlsaPlayback::PlaybackFormat() const noexcept {
    return Setup().format;
}

const audio::StreamFormat& AlsaPlayback::CaptureFormat() const noexcept {
    return Setup().format;
}

uint32_t AlsaPlayback::LeastCycleFrames() const noexcept {
    return Setup().IsCoarse() ? Setup().period_frames : kLeastPeriodFrames;
}

/** What the ring has room for besides the latency, and the period that the card may be
 * behind what CardClock takes it for. */
uint32_t AlsaPlayback::MostCycleFrames() const noexcept {
    return Setup().buffer_frames - 2 * Setup().period_frames;
}

uint32_t AlsaPlayback::LatencyFrames() const noexcept {
    return latency_frames_;
}

/** The rest is for the rendering, and for being late once more. */
uint32_t AlsaPlayback::GraceFrames() const noexcept {
    return latency_frames_ - latency_frames_ / 4;
}

bool AlsaPlayback::Start(int64_t now_ns) noexcept {
    is_skipping_ = false;
    is_silent_ = true;
    if (!pcm_.Handover().TryStart()) return false;
    has_failed_ = is_down_ = false;
    errors_ = 0;
    pending_ = {};
    const bool is_running =
        Setup().is_hardware && snd_pcm_state(pcm_.Get()) == SND_PCM_STATE_RUNNING;
    const bool is_started = (is_running && JoinRunning(now_ns)) || StartAnew(now_ns);
    if (!is_started) Fail();
    return is_started;
}

/** Go on in a ring that is played and silent. */
bool AlsaPlayback::JoinRunning(int64_t now_ns) noexcept {
    int64_t card = 0;
    if (AskCard(card) < 0) return false;
    clock_.Set(card, now_ns);
    if (const int64_t skip = card + latency_frames_ - written_; skip > 0) {
        if (Forward(skip) != skip) return false;
        written_ += skip;
    }
    base_ = written_ - static_cast<int64_t>(rendered_);
    return true;
}

bool AlsaPlayback::StartAnew(int64_t now_ns) noexcept {
    snd_pcm_drop(pcm_.Get());
    if (snd_pcm_prepare(pcm_.Get()) < 0) return false;
    clock_.Set(written_, now_ns);
    prepared_ = written_;
    // The kernel silences a ring as a whole when it starts.
    const int64_t silent =
        pcm_.Ring() != nullptr ? latency_frames_ : WriteSilence(latency_frames_);
    written_ += silent;
    base_ = written_ - static_cast<int64_t>(rendered_);
    return silent == latency_frames_ && snd_pcm_start(pcm_.Get()) >= 0;
}

void AlsaPlayback::Stop() noexcept {
    if (has_failed_) return;
    WritePending();
    LosePending();
    if (Setup().is_clockless) {
        snd_pcm_drop(pcm_.Get());
    } else if (!Setup().is_hardware) {
        // What it may play before it sees that there is no more.
        WriteSilence(2 * int64_t{Setup().period_frames});
    }
    is_silent_ = Setup().has_interrupts;
    pcm_.Handover().Stop();
}

int64_t AlsaPlayback::Rest(int64_t now_ns) noexcept {
    // If the loop has taken the handle, it closes the card, and nothing is heard again.
    if (is_silent_ || !pcm_.Handover().TryStart()) return base::kNever;
    int64_t card = 0;
    is_silent_ = AskCard(card) < 0 || card >= written_;
    pcm_.Handover().Stop();
    if (is_silent_) return base::kNever;
    const int64_t rest_ns =
        base::MulDiv(written_ - card, base::kNsPerSecond, Setup().format.rate_hz);
    return now_ns + std::max(rest_ns, kLeastRestNs);
}

uint64_t AlsaPlayback::PositionFrames(int64_t now_ns) noexcept {
    if (!has_failed_) WritePending();
    if (has_failed_) return last_position_;
    const int64_t card = CardFrame(now_ns);
    // In direct mode the card has played what its client wrote: there is no gap.
    if (card > written_ && !Setup().is_clockless && !is_skipping_)
        SkipTo(card + latency_frames_);
    const int64_t position = card + latency_frames_ - base_;
    if (position > 0)
        last_position_ = std::max(last_position_, static_cast<uint64_t>(position));
    return last_position_;
}

/** Where the card is; if it does not say, where it should be. */
int64_t AlsaPlayback::CardFrame(int64_t now_ns) noexcept {
    if (Setup().is_clockless) return clock_.FrameAt(now_ns);
    look_ns_ = base::SystemClock{}.NowNs();
    int64_t card = 0;
    const int error = is_down_ ? -EBADFD : AskCard(card);
    if (error < 0) Recover(error, now_ns);
    look_frame_ = error < 0 ? clock_.FrameAt(now_ns) : clock_.Observe(card, now_ns);
    return look_frame_;
}

/** @return 0 and where the card says it is, or a negative errno */
int AlsaPlayback::AskCard(int64_t& card_frame) const noexcept {
    if (const CardRing* ring = pcm_.Ring(); ring != nullptr) {
        const int64_t played = ring->Played();
        card_frame = prepared_ + played;
        return played < 0 ? static_cast<int>(played) : 0;
    }
    const snd_pcm_sframes_t avail = AvailOf(pcm_.Get());
    card_frame = written_ + avail - Setup().buffer_frames;
    return avail < 0 ? static_cast<int>(avail) : 0;
}

/** Leave `frames` frames of silence to the kernel. @return how many it took */
int64_t AlsaPlayback::Forward(int64_t frames) noexcept {
    if (pcm_.Ring() != nullptr) return frames;
    return snd_pcm_forward(pcm_.Get(), static_cast<snd_pcm_uframes_t>(frames));
}

/** The renderer is late: what lies before `card_frame` is silence, for good. */
void AlsaPlayback::SkipTo(int64_t card_frame) noexcept {
    const int64_t missing = card_frame - written_;
    const int64_t skipped =
        Setup().is_hardware ? Forward(missing) : WriteSilence(missing);
    if (skipped <= 0) return;  // the next look at the card meets the error
    LosePending();
    written_ += skipped;
    base_ += skipped;
    gap_frames_ += static_cast<uint64_t>(skipped);
}

/** Bring the PCM back; what it held is lost. */
void AlsaPlayback::Recover(int error, int64_t now_ns) noexcept {
    if (IsFatal(pcm_.Get(), error) || ++errors_ > kMostErrors) return Fail();
    const int64_t card = clock_.FrameAt(now_ns);
    const int64_t missing = std::max<int64_t>(card - written_, 0);
    WaitAPeriod(now_ns);
    if (error == -ESTRPIPE && IsResumed(pcm_.Get())) return GoOn(now_ns);
    LosePending();
    is_down_ = !StartAnew(now_ns);
    if (is_down_) return WaitAPeriod(now_ns);
    gap_frames_ += static_cast<uint64_t>(missing) + latency_frames_;
}

/** Until the device is back, its position is a period before what was rendered: so no
 * more is rendered, and the next try comes a period later. */
void AlsaPlayback::WaitAPeriod(int64_t now_ns) noexcept {
    const int64_t wait = int64_t{latency_frames_} + Setup().period_frames;
    clock_.Set(std::min(clock_.FrameAt(now_ns), written_ - wait), now_ns);
}

/** It is awake, and plays what it held: the next block is due when that says so. */
void AlsaPlayback::GoOn(int64_t now_ns) noexcept {
    WritePending();
    int64_t card = 0;
    if (AskCard(card) >= 0) clock_.Set(card, now_ns);
}

void AlsaPlayback::Fail() noexcept {
    has_failed_ = true;
    pending_ = {};
    pcm_.Handover().Fail();
}

int64_t AlsaPlayback::TimeOfFrameNs(uint64_t frame) const noexcept {
    return clock_.TimeOfNs(static_cast<int64_t>(frame) + base_ - latency_frames_);
}

std::span<std::byte> AlsaPlayback::BeginBlock(uint32_t frames) noexcept {
    assert(frames > 0 && frames <= MostCycleFrames());
    if (has_failed_) return {};
    is_skipping_ = false;
    WritePending();
    LosePending();
    ring_block_ = FindInRing(frames);
    return ring_block_.empty() ? pcm_.Block().first(size_t{frames} * frame_bytes_)
                               : ring_block_;
}

/** The block's place in the ring; nothing if it is not in one piece. */
std::span<std::byte> AlsaPlayback::FindInRing(uint32_t frames) noexcept {
    if (Setup().access != AlsaAccess::kMmap) return {};
    if (pcm_.Ring() != nullptr) {
        const auto runs = RunsAt(written_, frames);
        return runs.second.empty() ? runs.first : std::span<std::byte>{};
    }
    const std::span<std::byte> ring = RingAt(pcm_.Get(), ring_offset_, frames);
    return ring.size() == size_t{frames} * frame_bytes_ ? ring : std::span<std::byte>{};
}

void AlsaPlayback::EndBlock(uint32_t frames) noexcept {
    rendered_ += frames;
    if (has_failed_) return;
    if (MayBeOvertaken()) LeaveThePast();
    if (ring_block_.empty()) {
        pending_ = pcm_.Block().first(size_t{frames} * frame_bytes_);
        return WritePending();
    }
    const snd_pcm_sframes_t taken =
        pcm_.Ring() != nullptr ? snd_pcm_sframes_t{frames}
                               : snd_pcm_mmap_commit(pcm_.Get(), ring_offset_, frames);
    if (taken == snd_pcm_sframes_t{frames}) errors_ = 0;
    // After an error, the next look at the card meets it.
    const int64_t went = std::max<int64_t>(taken, 0);
    written_ += went;
    Lose(frames - went);
}

/** By the clock, which costs no system call: the card may be where the block begins. */
bool AlsaPlayback::MayBeOvertaken() const noexcept {
    const int64_t left_ns =
        base::MulDiv(written_ - look_frame_, base::kNsPerSecond, Setup().format.rate_hz);
    return !Setup().is_clockless && base::SystemClock{}.NowNs() - look_ns_ >= left_ns;
}

/** If the card is past the block's beginning, write it where the card has not been yet:
 * rather a few frames twice than lost, and nothing stays that is heard a ring later. */
void AlsaPlayback::LeaveThePast() noexcept {
    int64_t card = 0;
    if (AskCard(card) < 0 || card <= written_) return;
    std::ranges::copy(ring_block_, pcm_.Block().begin());
    audio::FillSilence(Setup().format.sample, ring_block_);
    ring_block_ = {};
    SkipTo(card + latency_frames_);
}

void AlsaPlayback::WritePending() noexcept {
    if (pending_.empty()) return;
    const int64_t taken = Write(pending_);
    written_ += taken;
    pending_ = pending_.subspan(static_cast<size_t>(taken) * frame_bytes_);
    if (pending_.empty()) errors_ = 0;
}

/** What the PCM did not take in all of a cycle has no place any more. */
void AlsaPlayback::LosePending() noexcept {
    Lose(static_cast<int64_t>(pending_.size() / frame_bytes_));
    pending_ = {};
}

void AlsaPlayback::Lose(int64_t frames) noexcept {
    base_ -= frames;
    gap_frames_ += static_cast<uint64_t>(frames);
}

/** @return how many frames the PCM took; they are not in written_ yet */
int64_t AlsaPlayback::Write(std::span<const std::byte> frames) noexcept {
    if (pcm_.Ring() != nullptr) return CopyToRing(frames);
    const bool is_mmap = Setup().access == AlsaAccess::kMmap;
    const auto count = static_cast<snd_pcm_uframes_t>(frames.size() / frame_bytes_);
    snd_pcm_uframes_t taken = 0;
    while (taken < count) {
        const std::byte* const from = frames.data() + taken * frame_bytes_;
        const snd_pcm_sframes_t some =
            is_mmap ? CopyIntoRing(pcm_.Get(), from, count - taken, frame_bytes_)
                    : snd_pcm_writei(pcm_.Get(), from, count - taken);
        if (some <= 0) break;
        taken += static_cast<snd_pcm_uframes_t>(some);
    }
    return static_cast<int64_t>(taken);
}

shm::RingRuns<std::byte> AlsaPlayback::RunsAt(int64_t card_frame,
                                              uint32_t frames) const noexcept {
    return pcm_.Ring()->Area().Runs(static_cast<uint64_t>(card_frame - prepared_),
                                    frames);
}

int64_t AlsaPlayback::CopyToRing(std::span<const std::byte> frames) noexcept {
    const auto count = static_cast<uint32_t>(frames.size() / frame_bytes_);
    const auto runs = RunsAt(written_, count);
    std::ranges::copy(frames.first(runs.first.size()), runs.first.begin());
    std::ranges::copy(frames.subspan(runs.first.size()), runs.second.begin());
    return count;
}

std::optional<uint32_t> AlsaPlayback::NextPlace() const noexcept {
    if (pcm_.Ring() == nullptr || has_failed_ || !pending_.empty()) return {};
    return static_cast<uint32_t>(static_cast<uint64_t>(written_ - prepared_) %
                                 Setup().buffer_frames);
}

void AlsaPlayback::SkipBlock(uint32_t frames) noexcept {
    rendered_ += frames;
    written_ += frames;
    is_skipping_ = true;
}

void AlsaPlayback::SilenceAhead() noexcept {
    if (pcm_.Handover().IsStarted()) return FillAhead();
    // A card that is stopped runs on. If the loop has taken the handle, it closes it.
    if (!pcm_.Handover().TryStart()) return;
    FillAhead();
    pcm_.Handover().Stop();
}

/** All but what the card has still to play. */
void AlsaPlayback::FillAhead() noexcept {
    int64_t card = 0;
    if (pcm_.Ring() == nullptr || AskCard(card) < 0) return;
    const int64_t ring = Setup().buffer_frames;
    const int64_t kept = std::clamp<int64_t>(written_ - card, 0, ring);
    const auto runs = RunsAt(written_, static_cast<uint32_t>(ring - kept));
    audio::FillSilence(Setup().format.sample, runs.first);
    audio::FillSilence(Setup().format.sample, runs.second);
}

/** How far behind the end of what was rendered the card may be. */
uint32_t AlsaPlayback::AheadFrames() const noexcept {
    return std::min(Setup().buffer_frames, 3 * Setup().period_frames);
}

int64_t AlsaPlayback::WriteSilence(int64_t frames) noexcept {
    int64_t taken = 0;
    while (taken < frames) {
        const auto some = std::min<int64_t>(frames - taken, Setup().period_frames);
        const int64_t went =
            Write(pcm_.Silence().first(static_cast<size_t>(some) * frame_bytes_));
        taken += went;
        if (went < some) break;
    }
    return taken;
}

}  // namespace shmd::device
