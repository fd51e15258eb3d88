// Clients of a real server that send what the script says, store what it says into their
// pools, and go when it says so; the audio threads turn when it says so.

#include "fuzz/checks.h"
#include "fuzz/descriptors.h"
#include "fuzz/hostile_client.h"
#include "fuzz/input.h"
#include "fuzz/session_server.h"
#include "fuzz/target.h"
#include "tests/unit/device/temp_dir.h"

#include <array>
#include <optional>

namespace shmd::fuzz {

namespace {

constexpr size_t kClients = 4;
constexpr int kScriptsOfAServer = 64;
// Of time that is made up: what is played in it is computed.
constexpr int64_t kMostNs = 4 * base::kNsPerSecond;
constexpr std::array<int64_t, 8> kStepsNs{0,
                                          base::kNsPerMs,
                                          5 * base::kNsPerMs,
                                          10 * base::kNsPerMs,
                                          25 * base::kNsPerMs,
                                          100 * base::kNsPerMs,
                                          500 * base::kNsPerMs,
                                          3 * base::kNsPerSecond};

class Script {
  public:
    Script(SessionServer& server, Input& input) : server_{server}, input_{input} {}

    void Run() {
        while (!input_.IsEmpty())
            Step();
        for (auto& client : clients_)
            client.reset();
        server_.AwaitEnd();
        // The audio threads let go of what they were using, and then the loop does.
        for (int turns = 0; turns < 2; ++turns) {
            server_.TurnAudio(0);
            server_.TurnLoop();
        }
    }

  private:
    void Step() {
        const uint8_t step = input_.TakeByte();
        auto& client = clients_[step % kClients];
        switch (step / kClients % 8) {
            case 0:
                client.emplace(server_.Connect());
                break;
            case 1:
                client.reset();
                break;
            case 2:
                return PassTime();
            case 3:
                return server_.TurnLoop();
            case 4:
                if (client) client->Receive();
                break;
            case 5:
                if (client) client->Store(input_);
                break;
            default:
                if (client) client->Send(input_);
                // Mostly one message is answered before the next is sent.
                if (step < 192) server_.TurnLoop();
        }
    }

    void PassTime() {
        int64_t ns = input_.Pick(kStepsNs);
        if (passed_ns_ + ns > kMostNs) ns = 0;
        passed_ns_ += ns;
        server_.TurnAudio(ns);
        server_.TurnLoop();
    }

    SessionServer& server_;
    Input& input_;
    std::array<std::optional<HostileClient>, kClients> clients_;
    int64_t passed_ns_ = 0;
};

void RunOn(SessionServer& server, Input input) {
    const Held before = CountHeld();
    Script{server, input}.Run();
    RequireSameHeld(before, CountHeld());
}

void RunAlone(const std::string& folder, Input input) {
    const Held before = CountHeld();
    {
        SessionServer server{folder};
        RunOn(server, input);
    }
    RequireSameHeld(before, CountHeld());
}

/**
 * A server costs more than a script does, so one serves some, but the first of them has
 * its own: whatever a server holds goes with it.
 */
void Run(Input input) {
    static const device::TempDir folder;
    static std::optional<SessionServer> server;
    static int scripts = 0;
    if (scripts++ % kScriptsOfAServer != 0) return RunOn(*server, input);
    server.reset();
    RunAlone(folder.File(""), input);
    server.emplace(folder.File(""));
}

}  // namespace

}  // namespace shmd::fuzz

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    shmd::fuzz::Run({data, size});
    return 0;
}
