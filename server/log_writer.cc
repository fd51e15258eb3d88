#include "log_writer.h"

#include <poll.h>
#include <unistd.h>
#include <cerrno>
#include <new>
#include <utility>

namespace shmd {

namespace {

/** All of `text`; what cannot be written is lost, as there is no place to say so. */
void WriteAll(int fd, std::string_view text) {
    while (!text.empty()) {
        const ssize_t bytes = ::write(fd, text.data(), text.size());
        if (bytes >= 0) {
            text.remove_prefix(static_cast<size_t>(bytes));
        } else if (errno == EAGAIN) {  // another process has made it non-blocking
            pollfd writable{fd, POLLOUT, 0};
            ::poll(&writable, 1, -1);
        } else if (errno != EINTR) {
            return;
        }
    }
}

}  // namespace

LogWriter::LogWriter(int fd, std::function<void(uint64_t lines)> on_lost)
    : fd_{fd}, on_lost_{std::move(on_lost)}, thread_{"shmd-log", [this] { Run(); }} {}

LogWriter::~LogWriter() {
    const std::lock_guard lock{mutex_};
    stop_ = true;
    pushed_.notify_one();
}

void LogWriter::Push(std::string_view line) noexcept {
    const std::lock_guard lock{mutex_};
    if (bytes_ + line.size() > kMostBytes) {
        ++lost_;
        return;
    }
    try {
        lines_.emplace_back(line);
    } catch (const std::bad_alloc&) {
        ++lost_;
        return;
    }
    bytes_ += line.size();
    ++pushed_count_;
    pushed_.notify_one();
}

void LogWriter::CountLost() noexcept {
    const std::lock_guard lock{mutex_};
    ++lost_;
}

void LogWriter::Flush(std::chrono::milliseconds most) {
    std::unique_lock lock{mutex_};
    const uint64_t wanted = pushed_count_;
    written_.wait_for(lock, most, [&] { return written_count_ >= wanted; });
}

void LogWriter::Run() {
    std::unique_lock lock{mutex_};
    for (;;) {
        pushed_.wait(lock, [&] { return stop_ || !lines_.empty(); });
        if (lines_.empty()) return;
        WriteFirst(lock);
        if (lines_.empty() && lost_ > 0) TellLost(lock);
    }
}

void LogWriter::WriteFirst(std::unique_lock<std::mutex>& lock) {
    const std::string line = std::move(lines_.front());
    lines_.pop_front();
    lock.unlock();
    WriteAll(fd_, line);
    lock.lock();
    bytes_ -= line.size();
    ++written_count_;
    written_.notify_all();
}

void LogWriter::TellLost(std::unique_lock<std::mutex>& lock) {
    const uint64_t lines = std::exchange(lost_, 0);
    lock.unlock();
    on_lost_(lines);
    lock.lock();
}

}  // namespace shmd
