#include "engine/engine.h"

#include "device/virtual_device.h"
#include "tests/support/allocation_count.h"
#include "tests/support/fd_checked_test.h"
#include "tests/unit/render/fake_client.h"

#include <cerrno>
#include <new>
#include <system_error>

namespace shmd::engine {
namespace {

using render::FakeClient;

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

TEST_F(EngineTest, FindsADeviceByItsNumber) {
    EXPECT_EQ(Find("#1", false), "first playback");
    EXPECT_EQ(Find("#2", true), "other capture");
    EXPECT_EQ(Find("#2.monitor", true), "other monitor");
    for (const char* name : {"#", "#0", "#3", "#-1", "#1x", "# 1", "##1",
                             "#18446744073709551617", "#.monitor", "#3.monitor"})
        EXPECT_EQ(Find(name, true), "none") << name;
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

/** Put a stream on the device. @return its number */
uint64_t AddTo(Engine& engine, const Endpoint& endpoint, render::StreamSetup setup,
               StreamListener& listener) {
    engine.Identify(setup);
    engine.Add(endpoint, MakeStream(endpoint.runner->TargetOf(endpoint.kind), setup), {},
               listener);
    return setup.stream_id;
}

/** What one stream's owner hears. */
struct Owner final : StreamListener {
    void OnStreamFault(const char* word, uint64_t) override { fault = word; }
    void OnStreamWake() override {}
    void OnRingRecall() override {}
    void OnDeviceExchanged() override {}
    std::string fault;
};

TEST(EngineNumbers, GivesNoStreamANumberThatOneHadBefore2To32Others) {
    loop::Loop loop;
    base::SystemClock clock;
    Engine engine{loop,
                  clock,
                  {},
                  [](bool, const base::LogSubject&, const std::string&) {},
                  UINT32_MAX - 1ULL};
    engine.AddDevice("first",
                     std::make_unique<device::VirtualDevice>(device::DeviceSpec{}));
    const Endpoint endpoint = engine.FindEndpoint("", false).value();
    Owner owner;
    render::FakeClient client{1, {}};
    EXPECT_EQ(AddTo(engine, endpoint, client.Setup(), owner), UINT32_MAX);
    EXPECT_EQ(AddTo(engine, endpoint, client.Setup(), owner), 1ULL << 32);
    EXPECT_EQ(AddTo(engine, endpoint, client.Setup(), owner), (1ULL << 32) + 1);
}

class EngineTime : public EngineTest {
  protected:
    static FakeClient DearClient(bool is_capture = false) {
        return FakeClient{1,
                          {.format = {audio::SampleFormat::kFloat64Be, 352801, 32},
                           .period_frames = 3528,
                           .buffer_frames = 10000,
                           .is_capture = is_capture}};
    }

    /** @return its number, or 0 if it was refused with EBUSY */
    uint64_t Add(uid_t uid, const FakeClient& client, std::string_view name = "first") {
        const Endpoint endpoint =
            engine_.FindEndpoint(name, client.Setup().playback_ring.empty()).value();
        render::StreamSetup setup = client.Setup();
        setup.uid = uid;
        try {
            return AddTo(engine_, endpoint, setup, owner_);
        } catch (const std::system_error& error) {
            EXPECT_EQ(error.code().value(), EBUSY);
            refusal_ = error.what();
            return 0;
        }
    }

    Owner owner_;
    std::string refusal_;
};

/** Each is a few hundredths of a processor; or much more, on a slow one. */
TEST_F(EngineTime, RefusesAUsersDearStreamsAndTakesAnothersPlainOne) {
    const FakeClient dear = DearClient();
    const FakeClient plain{2, {}};
    std::vector<uint64_t> added;
    while (added.size() < 200) {
        const uint64_t id = Add(1001, dear);
        if (id == 0) break;
        added.push_back(id);
    }
    EXPECT_LT(added.size(), 200U);
    EXPECT_NE(refusal_.find("this user's streams take "), std::string::npos) << refusal_;
    EXPECT_NE(Add(1000, plain), 0U);
    EXPECT_NE(Add(1001, plain, "other"), 0U);
    // It may have as many again when they are gone.
    for (const uint64_t id : added)
        engine_.Remove(id);
    EXPECT_NE(Add(1001, dear), 0U);
}

TEST_F(EngineTime, RefusesNoUserAPlainStreamForWhatTwoOthersTake) {
    const FakeClient dear = DearClient();
    const FakeClient plain{2, {}};
    for (const uid_t uid : {1001U, 1002U})
        for (int i = 0; i < 200 && Add(uid, dear) != 0; ++i) {
        }
    // More than may be left by chance, where another dear stream found no room.
    for (uid_t uid = 2000; uid < 2008; ++uid)
        for (int i = 0; i < 50; ++i)
            ASSERT_NE(Add(uid, plain), 0U) << refusal_;
}

TEST_F(EngineTime, CountsWhatIsRecordedToo) {
    const FakeClient dear = DearClient(/*is_capture=*/true);
    size_t added = 0;
    while (added < 200 && Add(1001, dear, "monitor") != 0)
        ++added;
    EXPECT_LT(added, 200U);
}

TEST_F(EngineTime, TakesThePlainStreamsOfAWholeHouse) {
    const FakeClient plain{2, {}};
    for (int i = 0; i < 500; ++i)
        ASSERT_NE(Add(1000, plain), 0U) << i << ": " << refusal_;
}

/** What fails to be added or removed where memory ends, at each allocation of it. */
class EngineMemory : public EngineTest {
  protected:
    void SetUp() override {
        if (!test::kCanFailAllocations)
            GTEST_SKIP() << "allocations cannot be made to fail in a sanitizer's build";
    }

    MadeStream Make(EndpointKind kind) {
        const bool is_capture = kind != EndpointKind::kPlayback;
        FakeClient client{1, {.is_capture = is_capture}};
        render::StreamSetup setup = client.Setup();
        engine_.Identify(setup);
        return MakeStream(runner_.TargetOf(kind), setup);
    }

    bool TryAdd(const MadeStream& stream, uint64_t failing_allocation) {
        const Endpoint endpoint{&runner_, stream.target.kind};
        StreamOwner owner{.client_name = "a name that is longer than a short string"};
        const test::FailAllocation failure{failing_allocation};
        try {
            engine_.Add(endpoint, stream, std::move(owner), owner_);
            return true;
        } catch (const std::bad_alloc&) {
            EXPECT_TRUE(failure.HasFailed());
            return false;
        }
    }

    bool TryRemove(uint64_t stream_id, uint64_t failing_allocation) {
        const test::FailAllocation failure{failing_allocation};
        try {
            engine_.Remove(stream_id);
            return true;
        } catch (const std::bad_alloc&) {
            EXPECT_TRUE(failure.HasFailed());
            return false;
        }
    }

    DeviceRunner& runner_ = *engine_.Devices().front();
    Owner owner_;
};

TEST_F(EngineMemory, LeavesNothingOfAStreamThatItCouldNotAdd) {
    for (const auto kind :
         {EndpointKind::kPlayback, EndpointKind::kCapture, EndpointKind::kMonitor}) {
        const MadeStream stream = Make(kind);
        const size_t records = engine_.Records().size();
        uint64_t failing = 1;
        for (; !TryAdd(stream, failing); ++failing) {
            EXPECT_EQ(engine_.Records().size(), records) << failing;
            EXPECT_EQ(runner_.Admitted().TotalNs(), 0) << failing;
            EXPECT_EQ(runner_.Admitted().OfUserNs(0), 0) << failing;
            EXPECT_EQ(stream.source.use_count() + stream.sink.use_count(), 1) << failing;
            EXPECT_EQ(stream.Setup().mailbox.use_count(), 1) << failing;
        }
        EXPECT_GT(failing, 5U);
        EXPECT_EQ(engine_.Records().size(), records + 1);
        EXPECT_EQ(runner_.Admitted().TotalNs(), stream.CostNs());
        engine_.Remove(stream.Setup().stream_id);
        EXPECT_EQ(runner_.Admitted().TotalNs(), 0);
    }
}

TEST_F(EngineMemory, KeepsAStreamWholeThatItCouldNotRemove) {
    const MadeStream stream = Make(EndpointKind::kPlayback);
    const uint64_t id = stream.Setup().stream_id;
    ASSERT_TRUE(TryAdd(stream, UINT64_MAX));
    uint64_t failing = 1;
    for (; !TryRemove(id, failing); ++failing) {
        EXPECT_EQ(runner_.Admitted().TotalNs(), stream.CostNs()) << failing;
        EXPECT_FALSE(engine_.Records().back().ended) << failing;
    }
    EXPECT_GT(failing, 1U);
    EXPECT_EQ(runner_.Admitted().TotalNs(), 0);
    EXPECT_TRUE(engine_.Records().back().ended);
}

TEST(EngineNumbers, TellsTheOwnerOfAStreamBeyond2To32ThatItLied) {
    loop::Loop loop;
    base::SystemClock clock;
    Engine engine{loop,
                  clock,
                  {},
                  [](bool, const base::LogSubject&, const std::string&) {},
                  1ULL << 32};
    engine.AddDevice("first",
                     std::make_unique<device::VirtualDevice>(device::DeviceSpec{}));
    Owner owner;
    render::FakeClient client{1, {}};
    client.Words().start_frames = UINT64_MAX;
    client.SeekTo(UINT64_MAX);
    client.Start();
    AddTo(engine, engine.FindEndpoint("", false).value(), client.Setup(), owner);
    while (owner.fault.empty())
        loop.RunOnce();
    EXPECT_EQ(owner.fault, "start_frames");
}

}  // namespace
}  // namespace shmd::engine
