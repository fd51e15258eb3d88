#pragma once

#include "base/unique_fd.h"
#include "loop/loop.h"
#include "loop/poll_watch.h"

#include <functional>

namespace shmd::engine {

/**
 * Reports that sound cards may have come or gone.
 *
 * It watches the folder of their device nodes: a node is created and given its owner when
 * a card comes, and deleted when it goes. That is so on every kernel and in every
 * container that has the nodes, with udev or without.
 *
 * Thread: loop.
 */
class CardMonitor {
  public:
    /**
     * @param on_change  called after a change; several times when a card comes
     *
     * Errors: std::system_error, when the kernel gives no inotify instance.
     */
    CardMonitor(loop::Loop& loop, std::function<void()> on_change);

    /** The folder of the nodes. The kernel makes it with the first card; until then this
     * watches /dev. */
    static constexpr const char* kFolder = "/dev/snd";

  private:
    void WatchFolder();
    void OnReadable();

    std::function<void()> on_change_;
    base::UniqueFd inotify_;
    bool watches_folder_ = false;
    loop::PollWatch watch_;
};

}  // namespace shmd::engine
