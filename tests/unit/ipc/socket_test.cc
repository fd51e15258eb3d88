#include "ipc/socket.h"

#include "ipc/address.h"
#include "tests/support/fd_checked_test.h"
#include "tests/unit/device/temp_dir.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cerrno>
#include <cstdlib>
#include <optional>
#include <system_error>

namespace shmd::ipc {
namespace {

/** Sets a variable of the environment, or removes it, until it goes. */
class ScopedVariable {
  public:
    ScopedVariable(const char* name, const char* value) : name_{name} {
        if (const char* old = std::getenv(name); old != nullptr) old_ = old;
        Set(value);
    }
    ScopedVariable(const ScopedVariable&) = delete;
    ScopedVariable& operator=(const ScopedVariable&) = delete;
    ~ScopedVariable() { Set(old_ ? old_->c_str() : nullptr); }

  private:
    void Set(const char* value) {
        if (value == nullptr)
            ::unsetenv(name_);
        else
            ::setenv(name_, value, 1);
    }

    const char* name_;
    std::optional<std::string> old_;
};

using Paths = std::vector<std::string>;

TEST(SocketPaths, AreTheConfiguredOneAloneWhenThereIsOne) {
    const ScopedVariable socket{"SHMD_SOCKET", "/from/environment"};
    EXPECT_EQ(ClientSocketPaths("/configured"), Paths{"/configured"});
    EXPECT_EQ(ServerSocketPath("/configured"), "/configured");
}

TEST(SocketPaths, AreTheEnvironmentsAloneWhenNoneIsConfigured) {
    const ScopedVariable socket{"SHMD_SOCKET", "/from/environment"};
    EXPECT_EQ(ClientSocketPaths(""), Paths{"/from/environment"});
    EXPECT_EQ(ServerSocketPath(""), "/from/environment");
}

TEST(SocketPaths, AreTheUsersThenTheSystemsOtherwise) {
    const ScopedVariable socket{"SHMD_SOCKET", nullptr};
    const ScopedVariable run{"XDG_RUNTIME_DIR", "/run/user/7"};
    EXPECT_EQ(ClientSocketPaths(""),
              (Paths{"/run/user/7/shmd/socket", "/run/shmd/socket"}));
    EXPECT_EQ(ServerSocketPath(""), "/run/user/7/shmd/socket");
}

TEST(SocketPaths, AreTheSystemsWithoutARuntimeDirectory) {
    const ScopedVariable socket{"SHMD_SOCKET", nullptr};
    const ScopedVariable run{"XDG_RUNTIME_DIR", nullptr};
    EXPECT_EQ(ClientSocketPaths(""), Paths{"/run/shmd/socket"});
    EXPECT_EQ(ServerSocketPath(""), "/run/shmd/socket");
}

TEST(SocketPaths, TakeAnEmptyVariableForNone) {
    const ScopedVariable socket{"SHMD_SOCKET", ""};
    const ScopedVariable run{"XDG_RUNTIME_DIR", ""};
    EXPECT_EQ(ClientSocketPaths(""), Paths{"/run/shmd/socket"});
}

TEST(FindAddress, RefusesWhatCannotBeAPath) {
    const size_t longest = sizeof(sockaddr_un::sun_path) - 1;
    EXPECT_TRUE(FindAddress(std::string(longest, 'a')));
    EXPECT_FALSE(FindAddress(std::string(longest + 1, 'a')));
    EXPECT_FALSE(FindAddress(""));
}

class Connecting : public test::FdCheckedTest {
  protected:
    /** A socket at Path(), listening or only bound. */
    base::UniqueFd Bind(bool listen, int type = SOCK_SEQPACKET) {
        base::UniqueFd fd{::socket(AF_UNIX, type | SOCK_CLOEXEC, 0)};
        const auto address = FindAddress(Path());
        EXPECT_EQ(::bind(fd.Get(), reinterpret_cast<const sockaddr*>(&*address),
                         sizeof *address),
                  0);
        if (listen) ::listen(fd.Get(), 4);
        return fd;
    }
    [[nodiscard]] std::string Path() const { return dir_.File("socket"); }

    device::TempDir dir_;
};

TEST_F(Connecting, ReachesAListeningServer) {
    const base::UniqueFd server = Bind(true);
    const base::UniqueFd client = TryConnect(Path());
    ASSERT_TRUE(client);
    EXPECT_NE(::fcntl(client.Get(), F_GETFD) & FD_CLOEXEC, 0);
}

TEST_F(Connecting, SaysThatThereIsNoSocket) {
    EXPECT_FALSE(TryConnect(Path()));
    EXPECT_EQ(errno, ENOENT);
}

TEST_F(Connecting, SaysThatNobodyAnswers) {
    { const base::UniqueFd bound = Bind(false); }
    EXPECT_FALSE(TryConnect(Path()));
    EXPECT_EQ(errno, ECONNREFUSED);
}

TEST_F(Connecting, SaysThatThePathIsTooLong) {
    EXPECT_FALSE(TryConnect(std::string(200, 'a')));
    EXPECT_EQ(errno, ENAMETOOLONG);
}

TEST_F(Connecting, RefusesASocketOfAnotherType) {
    const base::UniqueFd server = Bind(true, SOCK_STREAM);
    EXPECT_FALSE(TryConnect(Path()));
    EXPECT_EQ(errno, EPROTOTYPE);
}

TEST_F(Connecting, KnowsItsPeer) {
    const base::UniqueFd server = Bind(true);
    const base::UniqueFd client = TryConnect(Path());
    const ucred peer = PeerOf(client.Get());
    EXPECT_EQ(peer.pid, ::getpid());
    EXPECT_EQ(peer.uid, ::getuid());
}

TEST_F(Connecting, HasNoPeerOnWhatIsNoSocket) {
    EXPECT_THROW(PeerOf(-1), std::system_error);
}

}  // namespace
}  // namespace shmd::ipc
