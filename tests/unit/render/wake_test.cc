#include "base/event_log.h"
#include "render/stream_control.h"
#include "tests/support/fd_checked_test.h"
#include "tests/support/run_together.h"
#include "tests/unit/loop/sockets.h"
#include "tests/unit/render/stage.h"

#include <poll.h>
#include <sys/socket.h>

namespace shmd::render {
namespace {

using wire::StreamState;

/** A client that plays already, with a full buffer of 4800 and an avail_min of 1000. */
class Wakes : public test::FdCheckedTest {
  protected:
    Wakes() : client_{1, {}} {
        client_.SetAvailMin(1000);
        client_.Write(Level(1, 4800));
        stage_.Play(client_);
        client_.Start();
        stage_.Turn();
        client_.TakeWake();
    }

    Stage stage_;
    FakeClient client_;
};

TEST_F(Wakes, AreNotSentToAClientThatDidNotAsk) {
    stage_.RunForMs(90);
    EXPECT_FALSE(client_.TakeWake());
    EXPECT_EQ(stage_.TheRenderer().Count().wakes, 0U);
}

TEST_F(Wakes, AreSentWhenThereIsRoomForAvailMinAndNotBefore) {
    client_.Arm();
    stage_.RunForMs(29);  // 960 frames are played, 1392 by the clock
    EXPECT_EQ(client_.Position().frames, 960U);
    EXPECT_FALSE(client_.TakeWake());
    stage_.RunForMs(1);
    EXPECT_EQ(client_.Position().frames, 1440U);
    EXPECT_TRUE(client_.TakeWake());
}

TEST_F(Wakes, AreSentOnceForEachWish) {
    client_.Arm();
    stage_.RunForMs(90);
    EXPECT_TRUE(client_.TakeWake());
    client_.Arm();
    stage_.Turn();
    EXPECT_TRUE(client_.TakeWake());
    EXPECT_EQ(client_.Count().wakes, 2U);
}

TEST_F(Wakes, AnswerTheWishThatTheyAreFor) {
    client_.Arm();
    client_.Arm();
    stage_.RunForMs(90);
    EXPECT_EQ(client_.Setup().server_block->woken.load(), 2U);
    EXPECT_TRUE(client_.TakeWake());
}

TEST_F(Wakes, AreSentForAnUnderrun) {
    client_.SetAvailMin(4800 * 2);
    client_.Arm();
    stage_.RunForMs(99);
    EXPECT_FALSE(client_.TakeWake());
    stage_.RunForMs(10);
    EXPECT_EQ(client_.State(), StreamState::kXrun);
    EXPECT_TRUE(client_.TakeWake());
}

TEST_F(Wakes, AreSentForTheEndOfADrain) {
    client_.Drain();
    stage_.Turn();
    client_.Arm();
    stage_.RunForMs(90);
    EXPECT_FALSE(client_.TakeWake());
    stage_.RunForMs(30);
    EXPECT_EQ(client_.State(), StreamState::kStopped);
    EXPECT_TRUE(client_.TakeWake());
}

TEST_F(Wakes, CostTheAudioThreadNoSystemCall) {
    client_.SetAvailMin(0);
    const uint64_t before = stage_.TheRenderer().Count().system_calls;
    for (int i = 0; i < 1000; ++i) {
        client_.Arm();
        EXPECT_TRUE(stage_.Turn().has_news);
    }
    EXPECT_EQ(client_.Count().wakes, 1000U);
    EXPECT_EQ(stage_.TheRenderer().Count().system_calls, before);
    EXPECT_TRUE(client_.TakeWake());
}

TEST_F(Wakes, SurviveAClientThatIsGone) {
    auto gone = std::make_unique<FakeClient>(2, FakeClient::Options{});
    gone->Write(Level(1, 4800));
    gone->Arm();
    gone->Start();
    const StreamSetup setup = gone->Setup();
    stage_.Play(*gone);
    gone.reset();  // the memory stays: the plan holds it
    stage_.RunForMs(20);
    EXPECT_EQ(client_.State(), StreamState::kRunning);
    EXPECT_EQ(setup.server_block->woken.load(), 1U);
}

TEST_F(Wakes, TellAClientOverTheSocketWhenItsStreamMoves) {
    FakeClient client{2, {.format = {}, .is_over_socket = true}};
    client.Write(Level(1, 4800));
    stage_.Play(client);
    client.Arm();
    client.Start();
    EXPECT_TRUE(stage_.Turn().has_news);
    EXPECT_TRUE(client.TakeWake()) << "it does not hear when it began";
    stage_.RunForMs(19);  // it begins where the other is: a cycle ahead
    EXPECT_FALSE(client.TakeWake());
    stage_.Sleep(base::kNsPerMs);
    EXPECT_TRUE(stage_.Turn().has_news);
    EXPECT_TRUE(client.TakeWake());
}

/**
 * A client that follows client::Stream's rule: when its socket is readable, take as many
 * wakes as are owed, and wish anew once the last wish was answered.
 */
class WakeTaker {
  public:
    WakeTaker(wire::ClientBlock& own, const wire::ServerBlock& peer, int socket)
        : own_{own}, peer_{peer}, socket_{socket} {
        Arm();
    }

    /** @return false if no wake came in 10 s: one was lost */
    bool AwaitOne() {
        pollfd readable{socket_, POLLIN, 0};
        if (::poll(&readable, 1, 10'000) != 1) return false;
        const bool is_woken = peer_.woken.load(std::memory_order_acquire) == armed_;
        if (is_woken) ++owed_;
        bool took = true;
        // At least one: the wish may be answered and its wake not sent until now.
        do {
            char wake[64];
            took = ::recv(socket_, wake, sizeof wake, MSG_DONTWAIT) > 0;
            if (took) ++taken_;
        } while (took && taken_ < owed_);
        if (is_woken) Arm();
        return true;
    }

    [[nodiscard]] uint64_t Answered() const { return armed_ - 1; }

  private:
    void Arm() { own_.armed.store(++armed_, std::memory_order_release); }

    wire::ClientBlock& own_;
    const wire::ServerBlock& peer_;
    int socket_;
    uint64_t armed_ = 0;
    uint64_t owed_ = 0;
    uint64_t taken_ = 0;
};

TEST(WakeHandshakeTwoThreads, LosesNoWake) {
    constexpr uint64_t kRounds = 100'000;
    const auto sockets = loop::SocketPair();  // the server's end, the client's
    wire::ClientBlock client_block{};
    wire::ServerBlock server_block{};
    StreamSetup setup;
    setup.period_frames = 10;
    setup.buffer_frames = 100;
    setup.client_block = &client_block;
    setup.server_block = &server_block;
    setup.mailbox = std::make_shared<Mailbox>();
    setup.counters = std::make_shared<StreamCounters>();
    base::EventLog events;
    Counters counters;
    std::atomic<bool> done{false};
    bool lost = false;
    WakeTaker taker{client_block, server_block, sockets.second.Get()};
    test::RunTogether(
        [&] {
            while (!lost && taker.Answered() < kRounds)
                lost = !taker.AwaitOne();
            done = true;
        },
        [&] {
            StreamControl control{setup, 48000};
            Context context{events, counters};
            char wake[16] = {};
            while (!done) {
                // As the loop does, which is a third thread and does nothing else.
                if (control.Wake(context) && setup.mailbox->wake.exchange(false))
                    ::send(sockets.first.Get(), wake, sizeof wake,
                           MSG_DONTWAIT | MSG_NOSIGNAL);
                std::this_thread::yield();
            }
        });
    EXPECT_FALSE(lost);
    EXPECT_GE(counters.wakes, kRounds);
}

}  // namespace
}  // namespace shmd::render
