// What AlsaPlayback and AlsaCapture make of a card that fails. The card is a double, a
// PCM of alsa-lib which the real code opens by name; what it stands for, and what it
// cannot be, is said at the top of tests/support/card_double/pcm_shmdtest.cc. Time is
// made up, for the card and for who plays on it.

#include "base/clock.h"
#include "device/alsa_capture.h"
#include "device/alsa_playback.h"
#include "tests/unit/device/alsa_drive.h"
#include "tests/unit/device/card_double.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <system_error>

#include <gtest/gtest.h>

namespace shmd::device {
namespace {

using testing::PanelCall;

constexpr int64_t kStartNs = 1'234'567'890'123;
constexpr uint32_t kPeriodFrames = 480;
constexpr uint64_t kAlways = UINT64_MAX;
constexpr uint64_t kMoves = PanelCall::kPointerCall | PanelCall::kTransferCall;

/** `frames` frames of stereo S16 that are all different and never silent. */
std::vector<int16_t> Ramp(int16_t frames) {
    std::vector<int16_t> ramp;
    for (int16_t frame = 1; frame <= frames; ++frame)
        ramp.insert(ramp.end(), {frame, static_cast<int16_t>(-frame)});
    return ramp;
}

/** The left samples of stereo S16 that are not silence. */
std::vector<int16_t> Sounding(std::span<const std::byte> bytes) {
    std::vector<int16_t> samples;
    for (size_t at = 0; at + 4 <= bytes.size(); at += 4) {
        int16_t sample = 0;
        std::memcpy(&sample, bytes.data() + at, sizeof sample);
        if (sample != 0) samples.push_back(sample);
    }
    return samples;
}

/** Frames from `first` to `last`, all of them and in order. */
std::vector<int16_t> Count(int16_t first, int16_t last) {
    std::vector<int16_t> count;
    for (int16_t n = first; n <= last; ++n)
        count.push_back(n);
    return count;
}

/** A card, a device on it and who drives that, all by a time that is made up. */
template <typename AlsaDevice>
class Run {
  public:
    Run() {
        card.SetTime(now_ns_);
        device.emplace(ParseAlsaSpec("card,period=480,buffer=4800"));
        drive.emplace(*device, kPeriodFrames);
        device->KeepCaptured(true);
    }

    bool Start() { return device->Start(now_ns_); }

    /** Turn for `ms`, or until the device has failed. @return whether it works */
    bool For(int64_t ms) {
        const int64_t end_ns = now_ns_ + ms * base::kNsPerMs;
        while (now_ns_ < end_ns && !device->HasFailed()) {
            ++turns;
            Until(std::clamp(drive->Turn(now_ns_), now_ns_ + 1000, end_ns));
        }
        return !device->HasFailed();
    }

    [[nodiscard]] int64_t PassedNs() const { return now_ns_ - kStartNs; }

    /** Nobody turns it for `ms`. */
    void Sleep(int64_t ms) { Until(now_ns_ + ms * base::kNsPerMs); }

    /** Play what is left to its end, and close. @return what was heard */
    std::vector<int16_t> Heard() {
        if (!device->HasFailed()) device->Stop();
        Sleep(1000);
        device.reset();
        return Sounding(card.Heard());
    }

    CardDouble card{{}};
    std::optional<AlsaDevice> device;
    std::optional<Drive> drive;
    uint64_t turns = 0;

  private:
    void Until(int64_t time_ns) {
        now_ns_ = time_ns;
        card.SetTime(now_ns_);
    }

    int64_t now_ns_ = kStartNs;
};

class Playing : public Run<AlsaPlayback> {
  public:
    Playing() {
        const auto ramp = std::as_bytes(std::span{ramp_});
        drive->to_play.assign(ramp.begin(), ramp.end());
    }

    /** It takes no more frames than time has gone by for, and a turn now and then. */
    [[nodiscard]] bool KeepsTime() const {
        const auto passed =
            static_cast<uint64_t>(base::MulDiv(PassedNs(), 48000, base::kNsPerSecond));
        return turns < 1000 && drive->rendered <= passed + 3 * kPeriodFrames;
    }

    static constexpr int16_t kFrames = 24000;

  private:
    std::vector<int16_t> ramp_ = Ramp(kFrames);
};

using Capturing = Run<AlsaCapture>;

TEST(AlsaFailures, TakesACardThatCanDoOneThingAsItIs) {
    CardDouble card{{.rate_hz = 44100, .channels = 4, .format = "S32_LE"}};
    const AlsaPlayback device{ParseAlsaSpec("card")};
    EXPECT_EQ(device.PlaybackFormat(),
              (audio::StreamFormat{audio::SampleFormat::kS32Le, 44100, 4}));
    EXPECT_EQ(device.Setup().access, AlsaAccess::kReadWrite);
    EXPECT_FALSE(device.Setup().is_clockless);
}

TEST(AlsaFailures, CannotMapACardThatCannotBeMapped) {
    const CardDouble card{{}};
    try {
        AlsaPlayback device{ParseAlsaSpec("card,access=mmap")};
        FAIL();
    } catch (const std::system_error& refusal) {
        EXPECT_EQ(refusal.code().value(), EINVAL);
        EXPECT_NE(std::string{refusal.what()}.find(
                      "access=mmap is not possible for card: rw is"),
                  std::string::npos)
            << refusal.what();
    }
    AlsaPlayback device{ParseAlsaSpec("card")};
    EXPECT_THROW(device.ShareRing(true), std::system_error);
    EXPECT_FALSE(device.NextPlace());
}

TEST(AlsaFailures, PlaysEachFrameOnceAndInOrder) {
    Playing run;
    ASSERT_TRUE(run.Start());
    ASSERT_TRUE(run.For(600));
    EXPECT_EQ(run.device->GapFrames(), 0U);
    EXPECT_EQ(run.Heard(), Count(1, Playing::kFrames));
}

TEST(AlsaFailures, PlaysEachFrameWhenTheCardTakesFew) {
    Playing run;
    run.card.Panel().most_frames = 100;
    ASSERT_TRUE(run.Start());
    ASSERT_TRUE(run.For(600));
    EXPECT_EQ(run.device->GapFrames(), 0U);
    EXPECT_EQ(run.Heard(), Count(1, Playing::kFrames));
}

/** EAGAIN: what it has no room for waits for the next turn. */
TEST(AlsaFailures, PlaysEachFrameWhenTheCardHoldsLessThanItSays) {
    Playing run;
    run.card.Panel().room_frames = 700;
    ASSERT_TRUE(run.Start());
    ASSERT_TRUE(run.For(600));
    EXPECT_EQ(run.device->GapFrames(), 0U);
    EXPECT_EQ(run.Heard(), Count(1, Playing::kFrames));
}

/** At each of the calls of a second cycle and those around it. */
class AtACall : public ::testing::TestWithParam<uint64_t> {};

TEST_P(AtACall, PlaysOnWhereItWasSuspended) {
    Playing run;
    ASSERT_TRUE(run.Start());
    ASSERT_TRUE(run.For(100));
    run.card.Fail(ESTRPIPE, kMoves, GetParam());
    ASSERT_TRUE(run.For(700));
    EXPECT_EQ(run.card.Panel().resumes, 1U);
    EXPECT_TRUE(run.KeepsTime()) << run.turns << " " << run.drive->rendered;
    EXPECT_EQ(run.Heard(), Count(1, Playing::kFrames));
}

/** The machine sleeps for an hour: nobody wants to hear that made good. */
TEST_P(AtACall, PlaysOnAfterALongSleep) {
    Playing run;
    ASSERT_TRUE(run.Start());
    ASSERT_TRUE(run.For(100));
    run.card.Fail(ESTRPIPE, kMoves, GetParam());
    ASSERT_TRUE(run.For(20));
    run.Sleep(3'600'000);
    const uint64_t before = run.drive->rendered;
    ASSERT_TRUE(run.For(50));
    EXPECT_LT(run.drive->rendered, before + 48000);
    ASSERT_TRUE(run.For(600));
    EXPECT_TRUE(run.KeepsTime()) << run.turns << " " << run.drive->rendered;
    EXPECT_EQ(run.Heard(), Count(1, Playing::kFrames));
}

/** What it held is lost, at most a buffer, and nothing else; no frame is heard twice. */
void ExpectOneHole(const std::vector<int16_t>& heard) {
    ASSERT_FALSE(heard.empty());
    EXPECT_EQ(heard.front(), 1);
    EXPECT_EQ(heard.back(), Playing::kFrames);
    int holes = 0;
    for (size_t i = 1; i < heard.size(); ++i) {
        const int step = heard[i] - heard[i - 1];
        if (step != 1) ++holes;
        EXPECT_GT(step, 0) << "at " << heard[i];
        EXPECT_LE(step, 4800) << "at " << heard[i];
    }
    EXPECT_LE(holes, 1);
}

TEST_P(AtACall, PlaysOnWithACardThatKnowsNoResume) {
    Playing run;
    run.card.Panel().cannot_resume = 1;
    ASSERT_TRUE(run.Start());
    ASSERT_TRUE(run.For(100));
    run.card.Fail(ESTRPIPE, kMoves, GetParam());
    ASSERT_TRUE(run.For(700));
    EXPECT_TRUE(run.KeepsTime()) << run.turns << " " << run.drive->rendered;
    EXPECT_GT(run.device->GapFrames(), 0U);
    ExpectOneHole(run.Heard());
}

TEST_P(AtACall, PlaysOnAfterAnError) {
    Playing run;
    ASSERT_TRUE(run.Start());
    ASSERT_TRUE(run.For(100));
    run.card.Fail(EIO, kMoves, GetParam());
    ASSERT_TRUE(run.For(700));
    EXPECT_TRUE(run.KeepsTime()) << run.turns << " " << run.drive->rendered;
    ExpectOneHole(run.Heard());
}

TEST_P(AtACall, PlaysOnAfterSomeErrors) {
    Playing run;
    ASSERT_TRUE(run.Start());
    ASSERT_TRUE(run.For(100));
    run.card.Fail(EIO, kMoves | PanelCall::kPrepareCall | PanelCall::kStartCall,
                  GetParam(), 20);
    ASSERT_TRUE(run.For(1500));
    EXPECT_TRUE(run.KeepsTime()) << run.turns << " " << run.drive->rendered;
    ExpectOneHole(run.Heard());
}

TEST_P(AtACall, FailsWhenTheCardIsGone) {
    Playing run;
    ASSERT_TRUE(run.Start());
    ASSERT_TRUE(run.For(100));
    run.card.Fail(ENODEV, kMoves, GetParam());
    EXPECT_FALSE(run.For(100));
    EXPECT_EQ(run.device->PositionFrames(0), run.drive->position) << "nothing moves";
    EXPECT_FALSE(run.device->Finish()) << "what was rendered was not heard";
    run.card.Panel().fault_calls = 0;
    run.device->Open();
    EXPECT_TRUE(run.Start());
    EXPECT_FALSE(run.device->HasFailed());
}

TEST_P(AtACall, FailsWhenTheErrorsDoNotEnd) {
    for (const uint64_t kinds : {kMoves, uint64_t{PanelCall::kPointerCall},
                                 uint64_t{PanelCall::kTransferCall}}) {
        Playing run;
        ASSERT_TRUE(run.Start());
        ASSERT_TRUE(run.For(100));
        run.card.Fail(EIO, kinds, GetParam(), kAlways);
        EXPECT_FALSE(run.For(5000));
        EXPECT_TRUE(run.KeepsTime()) << run.turns << " " << run.drive->rendered;
    }
}

TEST_P(AtACall, CapturesOnAfterASuspend) {
    Capturing run;
    ASSERT_TRUE(run.Start());
    ASSERT_TRUE(run.For(100));
    run.card.Fail(ESTRPIPE, kMoves, GetParam());
    ASSERT_TRUE(run.For(50));
    const size_t before = run.drive->captured.size();
    ASSERT_TRUE(run.For(500));
    EXPECT_EQ(run.card.Panel().resumes, 1U);
    EXPECT_GT(run.drive->captured.size() - before, size_t{45} * kPeriodFrames * 4);
    EXPECT_LT(run.turns, 1000U);
}

TEST_P(AtACall, CapturesOnAfterAnError) {
    Capturing run;
    ASSERT_TRUE(run.Start());
    ASSERT_TRUE(run.For(100));
    run.card.Fail(EIO, kMoves, GetParam());
    ASSERT_TRUE(run.For(50));
    const size_t before = run.drive->captured.size();
    ASSERT_TRUE(run.For(500));
    EXPECT_GT(run.drive->captured.size() - before, size_t{45} * kPeriodFrames * 4);
    EXPECT_LT(run.turns, 1000U);
}

TEST_P(AtACall, CapturesOnAfterSomeErrors) {
    Capturing run;
    ASSERT_TRUE(run.Start());
    ASSERT_TRUE(run.For(100));
    run.card.Fail(EIO, kMoves | PanelCall::kPrepareCall | PanelCall::kStartCall,
                  GetParam(), 20);
    ASSERT_TRUE(run.For(1000));
    const size_t before = run.drive->captured.size();
    ASSERT_TRUE(run.For(500));
    EXPECT_GT(run.drive->captured.size() - before, size_t{45} * kPeriodFrames * 4);
    EXPECT_LT(run.turns, 1000U);
}

TEST_P(AtACall, FailsWhenTheMicrophoneIsGone) {
    Capturing run;
    ASSERT_TRUE(run.Start());
    ASSERT_TRUE(run.For(100));
    run.card.Fail(ENODEV, kMoves, GetParam());
    EXPECT_FALSE(run.For(100));
    EXPECT_TRUE(run.device->CapturedBefore(kAlways).empty());
    EXPECT_FALSE(run.device->Finish());
}

TEST_P(AtACall, FailsWhenTheMicrophonesErrorsDoNotEnd) {
    Capturing run;
    ASSERT_TRUE(run.Start());
    ASSERT_TRUE(run.For(100));
    run.card.Fail(EIO, kMoves, GetParam(), kAlways);
    EXPECT_FALSE(run.For(5000));
    EXPECT_LT(run.turns, 1000U);
}

INSTANTIATE_TEST_SUITE_P(Call, AtACall, ::testing::Range<uint64_t>(0, 8));

TEST(AlsaFailures, CapturesEachFrameOnceAndInOrder) {
    for (const uint64_t most : {uint64_t{0}, uint64_t{100}}) {
        Capturing run;
        run.card.Panel().most_frames = most;
        ASSERT_TRUE(run.Start());
        ASSERT_TRUE(run.For(500));
        EXPECT_EQ(run.device->GapFrames(), 0U);
        std::vector<uint16_t> samples(run.drive->captured.size() / 2);
        std::memcpy(samples.data(), run.drive->captured.data(), samples.size() * 2);
        ASSERT_GT(samples.size(), size_t{45} * kPeriodFrames * 2);
        for (size_t i = 2; i < samples.size(); ++i)
            ASSERT_EQ(samples[i], static_cast<uint16_t>(samples[i - 2] + 1)) << i;
    }
}

TEST(AlsaFailures, FailsAtOnceWhenTheCardCannotBeStarted) {
    for (const auto call : {PanelCall::kPrepareCall, PanelCall::kStartCall}) {
        Playing run;
        run.card.Fail(EIO, call, 0, kAlways);
        EXPECT_FALSE(run.Start());
        EXPECT_TRUE(run.device->HasFailed());
    }
}

}  // namespace
}  // namespace shmd::device
