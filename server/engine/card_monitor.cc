#include "engine/card_monitor.h"

#include "base/error.h"

#include <sys/inotify.h>
#include <unistd.h>
#include <array>
#include <utility>

namespace shmd::engine {

namespace {

// Not IN_CLOSE: we close a card after we have tried it, and would see our own close.
constexpr uint32_t kNodeEvents =
    IN_CREATE | IN_ATTRIB | IN_DELETE | IN_DELETE_SELF | IN_ONLYDIR;

}  // namespace

CardMonitor::CardMonitor(loop::Loop& loop, std::function<void()> on_change)
    : on_change_{std::move(on_change)},
      inotify_{base::RequireNonNegative(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK),
                                        "inotify_init1")},
      watch_{loop, inotify_.Get(), [this] { OnReadable(); }} {
    WatchFolder();
}

void CardMonitor::WatchFolder() {
    if (watches_folder_) return;
    watches_folder_ = ::inotify_add_watch(inotify_.Get(), kFolder, kNodeEvents) >= 0;
    if (!watches_folder_)
        ::inotify_add_watch(inotify_.Get(), "/dev", IN_CREATE | IN_ONLYDIR);
}

void CardMonitor::OnReadable() {
    alignas(inotify_event) std::array<char, 4096> events{};
    bool folder_is_gone = false;
    for (ssize_t size = 0;
         (size = ::read(inotify_.Get(), events.data(), events.size())) > 0;) {
        for (ssize_t at = 0; at < size;) {
            const auto& event =
                *reinterpret_cast<const inotify_event*>(events.data() + at);
            folder_is_gone = folder_is_gone || (event.mask & IN_DELETE_SELF) != 0;
            at += static_cast<ssize_t>(sizeof event + event.len);
        }
    }
    if (folder_is_gone) watches_folder_ = false;
    WatchFolder();
    on_change_();
}

}  // namespace shmd::engine
