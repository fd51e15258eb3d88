#include "session/params_check.h"

#include "wire/codec.h"

#include <gtest/gtest.h>

namespace shmd::session {
namespace {

using wire::SetParams;
using wire::Transport;

SetParams Good() {
    auto request = wire::MakeMessage<SetParams>();
    request.format = static_cast<uint8_t>(audio::SampleFormat::kS16Le);
    request.channels = 2;
    request.transport = static_cast<uint8_t>(Transport::kSocket);
    request.rate_hz = 44100;
    request.period_frames = 441;
    request.buffer_frames = 1764;
    return request;
}

bool IsAccepted(const SetParams& request) {
    render::StreamSetup setup;
    return CheckParams(request, setup).empty();
}

/** Whether a good request is still accepted with `change` made to it. */
template <typename Change>
bool IsAcceptedWith(Change change) {
    SetParams request = Good();
    change(request);
    return IsAccepted(request);
}

TEST(CheckParams, FillsTheSetup) {
    render::StreamSetup setup;
    EXPECT_EQ(CheckParams(Good(), setup), "");
    EXPECT_EQ(setup.format, (audio::StreamFormat{audio::SampleFormat::kS16Le, 44100, 2}));
    EXPECT_EQ(setup.channel_map, audio::DefaultChannelMap(2));
    EXPECT_EQ(setup.period_frames, 441U);
    EXPECT_EQ(setup.buffer_frames, 1764U);
}

TEST(CheckParams, RefusesFormatsThatThereAreNot) {
    for (const uint8_t format : std::initializer_list<uint8_t>{0, 15, 255})
        EXPECT_FALSE(IsAcceptedWith([=](SetParams& r) { r.format = format; }));
}

TEST(CheckParams, RefusesChannelsOutOfRange) {
    EXPECT_FALSE(IsAcceptedWith([](SetParams& r) { r.channels = 0; }));
    EXPECT_TRUE(IsAcceptedWith([](SetParams& r) { r.channels = wire::kMaxChannels; }));
    EXPECT_FALSE(
        IsAcceptedWith([](SetParams& r) { r.channels = wire::kMaxChannels + 1; }));
}

TEST(CheckParams, RefusesRatesOutOfRange) {
    for (const uint32_t rate :
         {0U, wire::kMinRateHz - 1, wire::kMaxRateHz + 1, UINT32_MAX})
        EXPECT_FALSE(IsAcceptedWith([=](SetParams& r) { r.rate_hz = rate; })) << rate;
    for (const uint32_t rate : {wire::kMinRateHz, wire::kMaxRateHz})
        EXPECT_TRUE(IsAcceptedWith([=](SetParams& r) { r.rate_hz = rate; })) << rate;
}

TEST(CheckParams, RefusesPeriodsThatAreTooShort) {
    EXPECT_TRUE(IsAcceptedWith([](SetParams& r) { r.period_frames = 16; }));
    EXPECT_FALSE(IsAcceptedWith([](SetParams& r) { r.period_frames = 15; }));
    EXPECT_FALSE(IsAcceptedWith([](SetParams& r) { r.period_frames = 0; }));
}

TEST(CheckParams, RefusesABufferOfLessThanTwoPeriods) {
    EXPECT_TRUE(IsAcceptedWith([](SetParams& r) { r.buffer_frames = 882; }));
    EXPECT_FALSE(IsAcceptedWith([](SetParams& r) { r.buffer_frames = 881; }));
    EXPECT_FALSE(IsAcceptedWith([](SetParams& r) { r.buffer_frames = 0; }));
    EXPECT_FALSE(IsAcceptedWith([](SetParams& r) { r.period_frames = UINT32_MAX; }));
}

TEST(CheckParams, RefusesABufferThatDoesNotFitIntoARing) {
    const uint32_t most = wire::kRingBytes / 4;
    EXPECT_TRUE(IsAcceptedWith([=](SetParams& r) { r.buffer_frames = most; }));
    EXPECT_FALSE(IsAcceptedWith([=](SetParams& r) { r.buffer_frames = most + 1; }));
    EXPECT_FALSE(IsAcceptedWith([](SetParams& r) { r.buffer_frames = UINT32_MAX; }));
}

TEST(CheckParams, TakesAChannelMap) {
    SetParams request = Good();
    request.channel_map[0] = static_cast<uint8_t>(audio::ChannelPosition::kRearLeft);
    request.channel_map[1] = static_cast<uint8_t>(audio::ChannelPosition::kRearRight);
    render::StreamSetup setup;
    EXPECT_EQ(CheckParams(request, setup), "");
    EXPECT_EQ(setup.channel_map.positions[0], audio::ChannelPosition::kRearLeft);
}

TEST(CheckParams, RefusesAChannelPositionThatThereIsNot) {
    EXPECT_FALSE(IsAcceptedWith(
        [](SetParams& r) { r.channel_map[1] = audio::kLastChannelPosition + 1; }));
}

TEST(CheckParams, SaysWhatIsWrong) {
    SetParams request = Good();
    request.rate_hz = 3;
    render::StreamSetup setup;
    EXPECT_EQ(CheckParams(request, setup), "rate 3 is out of range");
}

/** Rings of 1764 frames of 4 bytes in a client's pool of the whole size. */
class CheckRingTest : public ::testing::Test {
  protected:
    static constexpr uint64_t kRing = uint64_t{1764} * 4;

    CheckRingTest() : memory_{Charge{}} {
        memory_.MakeServerPool(true);
        shm::OwnPool pool = shm::OwnPool::Shared();
        memory_.BindClientPool(pool.TakeFd(), wire::kPoolBytes);
        CheckParams(Good(), setup_);
    }

    bool IsAccepted(uint64_t offset, uint64_t bytes, bool is_capture = false) {
        SetParams request = Good();
        request.transport = static_cast<uint8_t>(Transport::kMemfd);
        request.ring_offset = offset;
        request.ring_bytes = bytes;
        return CheckRing(request, is_capture, memory_, setup_).empty();
    }

    ConnectionMemory memory_;
    render::StreamSetup setup_;
};

TEST_F(CheckRingTest, TakesARingBehindTheBlock) {
    EXPECT_TRUE(IsAccepted(wire::kBlockBytes, kRing));
    EXPECT_EQ(setup_.playback_ring.data(),
              memory_.ClientPool().data() + wire::kBlockBytes);
    EXPECT_EQ(setup_.playback_ring.size(), kRing);
}

TEST_F(CheckRingTest, TakesARingUpToThePoolsEnd) {
    EXPECT_TRUE(IsAccepted(wire::kPoolBytes - kRing, kRing));
    EXPECT_FALSE(IsAccepted(wire::kPoolBytes - kRing + 1, kRing));
}

TEST_F(CheckRingTest, RefusesARingThatCoversTheBlock) {
    EXPECT_FALSE(IsAccepted(0, kRing));
    EXPECT_FALSE(IsAccepted(wire::kBlockBytes - 1, kRing));
}

TEST_F(CheckRingTest, RefusesOffsetsThatOverflow) {
    EXPECT_FALSE(IsAccepted(UINT64_MAX - kRing + 1, kRing));
    EXPECT_FALSE(IsAccepted(UINT64_MAX, kRing));
}

TEST_F(CheckRingTest, RefusesAnotherSizeThanTheBuffers) {
    EXPECT_FALSE(IsAccepted(wire::kBlockBytes, kRing - 1));
    EXPECT_FALSE(IsAccepted(wire::kBlockBytes, kRing + 1));
    EXPECT_FALSE(IsAccepted(wire::kBlockBytes, UINT64_MAX));
    EXPECT_FALSE(IsAccepted(wire::kBlockBytes, 0));
}

TEST_F(CheckRingTest, PutsACaptureRingIntoTheServersPool) {
    EXPECT_TRUE(IsAccepted(0, 0, true));
    EXPECT_EQ(setup_.capture_ring.data(), memory_.ServerRing().data());
    EXPECT_FALSE(IsAccepted(wire::kBlockBytes, kRing, true));
}

}  // namespace
}  // namespace shmd::session
