#include "engine/engine.h"

#include "device/virtual_device.h"
#include "tests/support/fd_checked_test.h"

namespace shmd::engine {
namespace {

/** An engine with the devices `first` and `other`. */
class EngineTest : public test::FdCheckedTest {
  protected:
    EngineTest() {
        for (const char* name : {"first", "other"})
            engine_.AddDevice(
                name, std::make_unique<device::VirtualDevice>(device::DeviceSpec{}));
    }

    /** "DEVICE KIND" of the endpoint, or "none". */
    [[nodiscard]] std::string Find(std::string_view name, bool is_capture) const {
        constexpr const char* kKinds[] = {" playback", " capture", " monitor"};
        const auto endpoint = engine_.FindEndpoint(name, is_capture);
        if (!endpoint) return "none";
        return endpoint->runner->Name() + kKinds[static_cast<int>(endpoint->kind)];
    }

    loop::Loop loop_;
    base::SystemClock clock_;
    Engine engine_{
        loop_, clock_, {}, [](bool, const base::LogSubject&, const std::string&) {}};
};

TEST_F(EngineTest, TakesTheFirstDeviceForTheDefault) {
    EXPECT_EQ(Find("", false), "first playback");
    EXPECT_EQ(Find("", true), "first capture");
}

TEST_F(EngineTest, FindsADeviceByItsName) {
    EXPECT_EQ(Find("other", false), "other playback");
    EXPECT_EQ(Find("other", true), "other capture");
}

TEST_F(EngineTest, FindsMonitorsToRecordFrom) {
    EXPECT_EQ(Find("monitor", true), "first monitor");
    EXPECT_EQ(Find("other.monitor", true), "other monitor");
}

TEST_F(EngineTest, HasNoMonitorsToPlayOn) {
    EXPECT_EQ(Find("monitor", false), "none");
    EXPECT_EQ(Find("other.monitor", false), "none");
}

TEST_F(EngineTest, FindsNothingByOtherNames) {
    for (const char* name : {"third", "third.monitor", ".monitor", "othermonitor",
                             "other.", "other.monitor.monitor", "Other"})
        EXPECT_EQ(Find(name, true), "none") << name;
}

}  // namespace
}  // namespace shmd::engine
