#include "render/stream_control.h"

#include "tests/unit/render/fake_client.h"

#include <gtest/gtest.h>

namespace shmd::render {
namespace {

uint32_t MostCycle(uint32_t period_frames, uint32_t buffer_frames,
                   uint32_t rate_hz = 48000, uint32_t device_rate_hz = 48000) {
    const FakeClient client{1,
                            {.format = {audio::SampleFormat::kS16Le, rate_hz, 2},
                             .period_frames = period_frames,
                             .buffer_frames = buffer_frames}};
    return StreamControl{client.Setup(), device_rate_hz}.MostCycleFrames();
}

TEST(StreamControl, HasACycleForEachPeriod) {
    EXPECT_EQ(MostCycle(1024, 4096), 1024U);
    EXPECT_EQ(MostCycle(128, 512), 128U);
}

TEST(StreamControl, HasACycleForEachPeriodOfAShortBufferHoweverShortItIs) {
    EXPECT_EQ(MostCycle(32, 128), 32U);
    EXPECT_EQ(MostCycle(16, 64), 16U);
}

TEST(StreamControl, HasAThousandCyclesASecondForShortPeriodsOfALongBuffer) {
    EXPECT_EQ(MostCycle(32, 1024), 48U);
    EXPECT_EQ(MostCycle(16, 16384), 48U);
}

TEST(StreamControl, LeavesTwoCyclesBesideAPeriod) {
    EXPECT_EQ(MostCycle(1024, 2048), 512U);
    EXPECT_EQ(MostCycle(1000, 2600), 800U);
}

TEST(StreamControl, CountsItsCycleInTheDevicesFrames) {
    EXPECT_EQ(MostCycle(441, 4410, 44100, 48000), 480U);
}

}  // namespace
}  // namespace shmd::render
