#include "tests/unit/client/fake_server.h"

#include "base/error.h"
#include "ipc/address.h"

#include <sys/socket.h>
#include <sys/time.h>

namespace shmd::client {

namespace {

constexpr timeval kDeadline{10, 0};

void SetDeadline(int socket) {
    ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &kDeadline, sizeof kDeadline);
}

}  // namespace

FakeServer::FakeServer(Script script, Script next)
    : listening_{base::RequireNonNegative(
          ::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0), "socket")} {
    const auto address = ipc::FindAddress(Path());
    base::RequireNonNegative(
        ::bind(listening_.Get(), reinterpret_cast<const sockaddr*>(&*address),
               sizeof *address),
        "bind");
    base::RequireNonNegative(::listen(listening_.Get(), 1), "listen");
    SetDeadline(listening_.Get());
    thread_ = std::thread{[this, script = std::move(script), next = std::move(next)] {
        Run(script);
        if (next) Run(next);
    }};
}

FakeServer::~FakeServer() {
    Join();
}

void FakeServer::Join() {
    if (thread_.joinable()) thread_.join();
}

void FakeServer::Run(const Script& script) {
    base::UniqueFd socket{::accept4(listening_.Get(), nullptr, nullptr, SOCK_CLOEXEC)};
    if (!socket) return;
    SetDeadline(socket.Get());
    Peer peer{std::move(socket)};
    script(peer);
}

std::span<const std::byte> FakeServer::Peer::ReceiveBytes() {
    fds_.clear();
    ipc::FdList fds;
    const auto received = ipc::ReceiveMessage(socket_.Get(), buffer_, fds, 0);
    for (base::UniqueFd& fd : fds.All())
        fds_.push_back(std::move(fd));
    return std::span{buffer_}.first(received.bytes);
}

int FakeServer::Peer::SendBytes(std::span<const std::byte> message, int fd) {
    const std::span<const int> fds{&fd, fd < 0 ? size_t{0} : size_t{1}};
    return ipc::SendMessage(socket_.Get(), message, fds, 0);
}

bool FakeServer::Peer::Greet(uint32_t flags) {
    if (!Receive(hello_) || !Receive(open_)) return false;
    auto answer = wire::MakeMessage<wire::Hello>(hello_.header.serial);
    answer.version = wire::kProtocolVersion;
    answer.flags = flags;
    Send(answer);
    return true;
}

void FakeServer::Peer::AnswerOpen() {
    auto opened = wire::MakeMessage<wire::StreamOpened>(open_.header.serial);
    opened.stream_id = 5;
    opened.device_rate_hz = 48000;
    opened.device_channels = 2;
    Send(opened);
}

void FakeServer::Peer::AwaitEnd() {
    while (!ReceiveBytes().empty()) {
    }
}

}  // namespace shmd::client
